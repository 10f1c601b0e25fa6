/** A block: when, whose, and what is in it. */
import { recoveryOf, slotOf } from "../../chain/digest";
import { isHexOf, isSame, quantity } from "../../chain/quantity";
import { leftBy } from "../../chain/recoveries";
import { useAnswer, useLedger, useNow } from "../../ledger";
import { link } from "../../route";
import type { Block, Transaction, ValidatorsInfo } from "../../rpc/types";
import { Copy, Id, Notice, Title, useTitle, Waiting } from "../../ui/parts";
import { count, relative } from "../../words";
import { LeftBehindNotice, RecoveryNotice } from "../recovery";
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

/** Why a block may have no transaction. */
function emptyWords(number: number, isRecovery: boolean): string {
  if (number === 0) return "The first block has none: it holds the contracts and members that the chain began with.";
  return isRecovery
    ? "A recovery block has none: it sets the state back."
    : "This block is empty: it shows that the chain lives.";
}

function BlockFacts({ block }: { block: Block }) {
  const now = useNow();
  useTitle(`Block ${quantity(block.number)}`);
  const { height, recoveries } = useLedger();
  const number = quantity(block.number);
  const validators = useAnswer("validators", (rpc) => rpc.call<ValidatorsInfo>("ledger_validators"));
  const author = validators.value?.validators.find(({ account }) => isSame(account, block.miner));
  const transactions = block.transactions as Transaction[];
  const timestamp = quantity(block.timestamp);
  const point = recoveryOf(block.extraData);
  const left = leftBy(recoveries, number);
  return (
    <>
      <div class="row apart title">
        <h1>Block {count(number)}</h1>
        <div class="row">
          {number > 0 && (
            <a class="button little" href={link("block", `${number - 1}`)}>
              Previous
            </a>
          )}
          {number < height && (
            <a class="button little" href={link("block", `${number + 1}`)}>
              Next
            </a>
          )}
        </div>
      </div>
      <div class="stack">
        {point && <RecoveryNotice {...point} target={point.height} first={point.height + 1} last={number - 1} />}
        {left && <LeftBehindNotice recovery={left} what="block" />}
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
              {number === 0 ? (
                "nobody: the chain's specification says what is in it"
              ) : (
                <>
                  {validators.value && `${author?.cloud ?? "a former validator"}, `}
                  <Id id={block.miner} to="account" />
                </>
              )}
            </dd>
            <dt>Hash</dt>
            <dd class="mono">
              {block.hash} <Copy text={block.hash} what="the hash" label="" />
            </dd>
            <dt>Parent</dt>
            <dd>{number === 0 ? "none" : <Id id={block.parentHash} to="block" ends={12} />}</dd>
            <dt>State root</dt>
            <dd class="mono">{block.stateRoot}</dd>
            <dt>Gas used</dt>
            <dd class="figures">
              {count(quantity(block.gasUsed))} of {count(quantity(block.gasLimit))}
            </dd>
          </dl>
        </div>
        <Transactions transactions={transactions} empty={emptyWords(number, point !== undefined)} />
      </div>
    </>
  );
}
