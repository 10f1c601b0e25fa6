/** A transaction: who asked what of whom, and what came of it. */
import { callWords, contractName } from "../../chain/calls";
import { type Hex, isHexOf, quantity } from "../../chain/quantity";
import { readEvent } from "../../chain/transact";
import { useAnswer } from "../../ledger";
import { link } from "../../route";
import type { Rpc } from "../../rpc/client";
import type { CodeInfo, Log, Receipt, Transaction } from "../../rpc/types";
import { Badge, Copy, Id, Notice, Title, Waiting } from "../../ui/parts";
import { count } from "../../words";
import { PassportDocument } from "../code-parts";

interface Found {
  readonly transaction: Transaction | null;
  readonly receipt: Receipt | null;
  readonly code: CodeInfo | null;
}

export function TransactionPage({ id }: { id: string }) {
  const found = useAnswer(`transaction ${id}`, (rpc) => read(rpc, id), { withBlocks: true });
  if (found.value === undefined) return <Waiting what="the transaction" error={found.error} />;
  const { transaction, receipt, code } = found.value;
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
  return (
    <>
      <Title name="Transaction" />
      <div class="stack">
        {code && <PassportDocument code={code} />}
        {code && (
          <p>
            This transaction issued a promo code.{" "}
            <a href={link("code", code.passportCode)}>See the code and what you can do with it</a>.
          </p>
        )}
        <Facts transaction={transaction} receipt={receipt} />
        {receipt && receipt.logs.length > 0 && <Logs logs={receipt.logs} />}
      </div>
    </>
  );
}

async function read(rpc: Rpc, id: string): Promise<Found> {
  if (!isHexOf(32, id)) return { transaction: null, receipt: null, code: null };
  const [transaction, receipt, code] = await Promise.all([
    rpc.call<Transaction | null>("eth_getTransactionByHash", id),
    rpc.call<Receipt | null>("eth_getTransactionReceipt", id),
    rpc.call<CodeInfo | null>("ledger_code", id).catch(() => null),
  ]);
  return { transaction, receipt, code };
}

function Facts({ transaction, receipt }: { transaction: Transaction; receipt: Receipt | null }) {
  return (
    <div class="card">
      <dl class="facts">
        <dt>State</dt>
        <dd>
          <Outcome receipt={receipt} />
        </dd>
        <dt>Id</dt>
        <dd class="mono">
          {transaction.hash} <Copy text={transaction.hash} what="the transaction id" label="" />
        </dd>
        <dt>What</dt>
        <dd>{callWords(transaction.to, transaction.input)}</dd>
        <dt>From</dt>
        <dd>
          <Id id={transaction.from} to="account" ends={10} />, its transaction {quantity(transaction.nonce)}
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

function Outcome({ receipt }: { receipt: Receipt | null }) {
  if (receipt === null) return <Badge tone="warn">Waits for its block</Badge>;
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
      <ul class="stack tight">
        {logs.map((log) => (
          <li key={log.logIndex}>
            <LogWords log={log} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Numbers of codes as `spec:sequence`, times as times. */
function argumentWords(key: string, value: unknown): string {
  if (key === "codeId" && typeof value === "bigint") return `${value >> 64n}:${BigInt.asUintN(64, value)}`;
  if (key === "expiresAt" && typeof value === "bigint") return new Date(1000 * Number(value)).toLocaleString();
  return String(value);
}

function LogWords({ log }: { log: Log }) {
  const event = readEvent(log);
  const name = contractName(log.address) ?? log.address;
  if (event === undefined) {
    return (
      <span class="soft">
        {name}: event <span class="mono">{log.topics[0]?.slice(0, 10) ?? "without a name"}</span>
      </span>
    );
  }
  const facts = Object.entries(event.args).map(([key, value]) => `${key} ${argumentWords(key, value)}`);
  return (
    <span>
      <strong>{event.eventName}</strong> <span class="small soft">{facts.join(", ")}</span>
    </span>
  );
}
