/** A transaction: who asked what of whom, and what came of it. */
import { Fragment } from "preact";
import { callWords, contractName } from "../../chain/calls";
import { describeEvent } from "../../chain/events";
import { type Hex, isHexOf, quantity, toQuantity } from "../../chain/quantity";
import { leftBy } from "../../chain/recoveries";
import { useAnswer, useLedger } from "../../ledger";
import { link } from "../../route";
import { inWords, type Rpc, RpcError } from "../../rpc/client";
import type { CodeInfo, Log, Receipt, Transaction } from "../../rpc/types";
import { Badge, Copy, Id, Notice, Title, Waiting } from "../../ui/parts";
import { count, sentence } from "../../words";
import { PassportDocument } from "../code-parts";
import { LeftBehindNotice } from "../recovery";

/** JSON-RPC's code for a call that the contract refused. */
const REVERTED = 3;

interface Found {
  readonly transaction: Transaction | null;
  readonly receipt: Receipt | null;
  readonly code: CodeInfo | null;
  /** Why it failed, if it did and that can be told. */
  readonly why: string | undefined;
}

export function TransactionPage({ id }: { id: string }) {
  const { recoveries } = useLedger();
  const found = useAnswer(`transaction ${id}`, (rpc) => read(rpc, id), { withBlocks: true });
  if (found.value === undefined) return <Waiting what="the transaction" error={found.error} />;
  const { transaction, receipt, code, why } = found.value;
  if (transaction === null) {
    return (
      <>
        <Title name="Transaction" />
        <Notice tone="warn">
          No block that this node keeps has the transaction <span class="mono">{id}</span>, and it does not wait either.
        </Notice>
      </>
    );
  }
  const left = receipt ? leftBy(recoveries, quantity(receipt.blockNumber)) : undefined;
  return (
    <>
      <Title name="Transaction" />
      <div class="stack">
        {left && <LeftBehindNotice recovery={left} what="transaction" />}
        {why && <Notice tone="bad">It failed: {sentence(why)}</Notice>}
        {code && <PassportDocument code={code} />}
        {code && (
          <p>
            This transaction issued a promo code.{" "}
            <a href={link("code", code.passportCode)}>See the code and what you can do with it</a>.
          </p>
        )}
        <Facts transaction={transaction} receipt={receipt} isLeft={left !== undefined} />
        {receipt && receipt.logs.length > 0 && <Logs logs={receipt.logs} />}
      </div>
    </>
  );
}

async function read(rpc: Rpc, id: string): Promise<Found> {
  if (!isHexOf(32, id)) return { transaction: null, receipt: null, code: null, why: undefined };
  const [transaction, receipt, code] = await Promise.all([
    rpc.call<Transaction | null>("eth_getTransactionByHash", id),
    rpc.call<Receipt | null>("eth_getTransactionReceipt", id),
    rpc.call<CodeInfo | null>("ledger_code", id).catch(() => null),
  ]);
  const failed = transaction && receipt && quantity(receipt.status) === 0;
  return { transaction, receipt, code, why: failed ? await whyFailed(rpc, transaction, receipt) : undefined };
}

/** What the same call says on the state before its block. Another transaction of that block may have been the reason. */
async function whyFailed(
  rpc: Rpc,
  { from, to, input, gas }: Transaction,
  receipt: Receipt,
): Promise<string | undefined> {
  const before = toQuantity(Math.max(0, quantity(receipt.blockNumber) - 1));
  const call = { from, input, gas, ...(to && { to }) };
  return rpc.call("eth_call", call, before).then(
    () => undefined,
    (error) => (error instanceof RpcError && error.code === REVERTED ? inWords(error) : undefined),
  );
}

interface FactsProps {
  readonly transaction: Transaction;
  readonly receipt: Receipt | null;
  /** A recovery left its block behind. */
  readonly isLeft: boolean;
}

function Facts({ transaction, receipt, isLeft }: FactsProps) {
  return (
    <div class="card">
      <dl class="facts">
        <dt>State</dt>
        <dd>
          <Outcome receipt={receipt} isLeft={isLeft} />
        </dd>
        <dt>Id</dt>
        <dd class="mono">
          {transaction.hash} <Copy text={transaction.hash} what="the transaction id" label="" />
        </dd>
        <dt>What</dt>
        <dd>{callWords(transaction.to, transaction.input)}</dd>
        <dt>From</dt>
        <dd>
          <Id id={transaction.from} to="account" ends={10} />, nonce {quantity(transaction.nonce)}
        </dd>
        <dt>To</dt>
        <dd>{transaction.to ? <To address={transaction.to} /> : "a new contract"}</dd>
        {receipt && (
          <>
            <dt>Block</dt>
            <dd>
              <a href={link("block", `${quantity(receipt.blockNumber)}`)}>{count(quantity(receipt.blockNumber))}</a>
            </dd>
            <dt>Gas used</dt>
            <dd class="figures">{count(quantity(receipt.gasUsed))}, at price 0</dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Outcome({ receipt, isLeft }: { receipt: Receipt | null; isLeft: boolean }) {
  if (receipt === null) return <Badge tone="warn">Waits for its block</Badge>;
  if (isLeft) return <Badge tone="warn">Left behind</Badge>;
  return quantity(receipt.status) === 1 ? <Badge tone="good">Final</Badge> : <Badge tone="bad">Failed</Badge>;
}

function To({ address }: { address: Hex }) {
  const name = contractName(address);
  return (
    <>
      {name && `${name} `}
      <Id id={address} to="account" ends={10} />
    </>
  );
}

function Logs({ logs }: { logs: readonly Log[] }) {
  return (
    <section class="card" aria-labelledby="logs">
      <h2 id="logs">What happened</h2>
      <ul class="stack">
        {logs.map((log) => (
          <li key={log.logIndex}>
            <LogWords log={log} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function LogWords({ log }: { log: Log }) {
  const event = describeEvent(log);
  const name = contractName(log.address);
  return (
    <article class="event">
      <h3>
        {event?.name ?? "An event"} <span class="small soft">of {name ?? <Id id={log.address} to="account" />}</span>
      </h3>
      {event ? (
        <dl class="facts small">
          {event.facts.map(({ name: fact, words, isAccount }) => (
            <Fragment key={fact}>
              <dt>{fact}</dt>
              <dd class={words.startsWith("0x") ? "mono" : undefined}>
                {isAccount ? <a href={link("account", words)}>{words}</a> : words}
              </dd>
            </Fragment>
          ))}
        </dl>
      ) : (
        <p class="mono small soft">{log.topics[0] ?? "without a name"}</p>
      )}
    </article>
  );
}
