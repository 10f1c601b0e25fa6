/** A block: when, whose, and what is in it. */
import { isHexOf, isSame, quantity } from "../../chain/quantity";
import { slotOf } from "../../chain/slots";
import { useAnswer, useLedger, useNow } from "../../ledger";
import { link } from "../../route";
import type { Block, Transaction, ValidatorsInfo } from "../../rpc/types";
import { Copy, Id, Notice, Title, useTitle, Waiting } from "../../ui/parts";
import { count, relative } from "../../words";
import { Transactions } from "./parts";
import { blockQuestion } from "./search";

export function BlockPage({ id }: { id: string }) {
  const isId = isHexOf(32, id) || /^\d{1,15}$/.test(id);
  const block = useAnswer(`block ${id}`, (rpc) =>
    isId ? rpc.call<Block | null>(...blockQuestion(id, true)) : Promise.resolve(null),
  );
  if (block.value === undefined) return <Waiting what="the block" error={block.error} />;
  if (block.value === null) return <NoBlock id={id} />;
  return <BlockFacts block={block.value} />;
}

function NoBlock({ id }: { id: string }) {
  const { height } = useLedger();
  return (
    <>
      <Title name={`Block ${id}`} />
      <Notice tone="warn">This node has no such block; the newest is {count(height)}.</Notice>
    </>
  );
}

function BlockFacts({ block }: { block: Block }) {
  const now = useNow();
  useTitle(`Block ${quantity(block.number)}`);
  const { height } = useLedger();
  const number = quantity(block.number);
  const validators = useAnswer("validators", (rpc) => rpc.call<ValidatorsInfo>("ledger_validators"));
  const author = validators.value?.validators.find(({ account }) => isSame(account, block.miner));
  const transactions = block.transactions as Transaction[];
  const timestamp = quantity(block.timestamp);
  return (
    <>
      <div class="row apart title">
        <h1>Block {count(number)}</h1>
        <div class="row">
          {number > 0 && (
            <a class="button little" href={link("block", `${number - 1}`)}>
              Before
            </a>
          )}
          {number < height && (
            <a class="button little" href={link("block", `${number + 1}`)}>
              After
            </a>
          )}
        </div>
      </div>
      <div class="stack">
        <div class="card">
          <dl class="facts">
            <dt>Time</dt>
            <dd>
              {new Date(1000 * timestamp).toLocaleString()} ({relative(timestamp, now)})
            </dd>
            <dt>Slot</dt>
            <dd class="figures">{count(slotOf(block.extraData))}</dd>
            <dt>Made by</dt>
            <dd>
              {author?.cloud ?? "an account"} <Id id={block.miner} to="account" />
            </dd>
            <dt>Hash</dt>
            <dd class="mono">
              {block.hash} <Copy text={block.hash} what="the hash" label="" />
            </dd>
            <dt>Parent</dt>
            <dd>
              <Id id={block.parentHash} to="block" ends={12} />
            </dd>
            <dt>State root</dt>
            <dd class="mono">{block.stateRoot}</dd>
            <dt>Gas used</dt>
            <dd class="figures">
              {count(quantity(block.gasUsed))} of {count(quantity(block.gasLimit))}
            </dd>
          </dl>
        </div>
        <Transactions transactions={transactions} empty="This block is empty: it shows that the chain lives." />
      </div>
    </>
  );
}
