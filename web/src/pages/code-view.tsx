/** One code: what it is, how far it has come, and what its holder can do with it. */
import { useEffect, useState } from "preact/hooks";
import { ISSUED } from "../chain/holdings";
import { parsePassportCode } from "../chain/passport-code";
import { type Hex, isHexOf, isSame, quantity } from "../chain/quantity";
import { leftBy, type Recoveries } from "../chain/recoveries";
import { useAnswer, useLedger } from "../ledger";
import { link } from "../route";
import { type Anchoring, covering, isOnMainchain, readAnchoring, stateWords } from "../rpc/checkpoints";
import type { Rpc } from "../rpc/client";
import type { CodeInfo, EndorsementInfo, Receipt, StallReport, Transaction } from "../rpc/types";
import { Icon } from "../ui/icon";
import { Copy, Id, Notice } from "../ui/parts";
import { count, relative, sentence } from "../words";
import { HolderActions } from "./code-actions";
import { PassportDocument } from "./code-parts";
import { leftCodeWords, leftPlaceWords } from "./recovery";

/** What is known of a code. */
interface Progress {
  readonly code: CodeInfo | undefined;
  /** Why there is no code, if that is certain. */
  readonly none: string | undefined;
}

export function CodeView({ id }: { id: string }) {
  const { wallet, recoveries } = useLedger();
  const key = `code ${id} ${recoveries?.[0]?.epoch ?? 0}`;
  const progress = useAnswer(key, (rpc) => readProgress(rpc, id, recoveries), { withBlocks: true });
  // Whether a code was left behind is known with the recoveries alone.
  const known = recoveries && progress.value;
  const { code, none } = known ?? {};
  const isHolder = code && wallet && isSame(code.holder, wallet.address);
  return (
    <section class="stack" aria-label="The code" data-testid="code-view">
      {code && <PassportDocument code={code} />}
      {progress.error && <Notice tone="bad">{sentence(progress.error)}</Notice>}
      {none && <Notice tone="bad">{none}</Notice>}
      {known && none === undefined && (
        <div class="card">
          <h2>{code ? "How far it has come" : "The code is on its way"}</h2>
          {!code && <Promised id={id} />}
          {!code && <Delay />}
          <Steps id={id} code={code} />
        </div>
      )}
      {code && isHolder && <HolderActions code={code} onDone={progress.again} />}
    </section>
  );
}

/** What can be kept of a code before there is one. */
function Promised({ id }: { id: string }) {
  return (
    <p class="promised small" data-testid="promised" data-id={id}>
      Its transaction is <a href={link("transaction", id)}>{id}</a>{" "}
      <Copy text={id} what="the transaction id" label="" />
      <br />
      That id is the code as soon as the block is final. You may leave this page and find it again in your codes.
    </p>
  );
}

/** How often it is asked why no block comes. */
const DELAY_EVERY_MS = 4_000;

/** Why a code may take longer. */
function Delay() {
  const report = useAnswer("stalled", (rpc) => rpc.call<StallReport>("ledger_whyStalled"), { everyMs: DELAY_EVERY_MS });
  if (!report.value?.stalled) return null;
  return (
    <div class="promised">
      <Notice tone="warn">
        The network makes no blocks at the moment: the code comes when it does again, and you need not ask a second
        time. <a href={link("network")}>See why</a>.
      </Notice>
    </div>
  );
}

async function readProgress(rpc: Rpc, id: string, recoveries: Recoveries): Promise<Progress> {
  const code = await rpc.call<CodeInfo | null>("ledger_code", id);
  if (code) return { code, none: undefined };
  if (!isHexOf(32, id)) {
    const left = leftBy(recoveries, blockIn(id));
    return { code: undefined, none: left ? leftPlaceWords(left) : "No code with this id was issued on this chain." };
  }
  const [receipt, transaction] = await Promise.all([
    rpc.call<Receipt | null>("eth_getTransactionReceipt", id),
    rpc.call<Transaction | null>("eth_getTransactionByHash", id),
  ]);
  if (receipt) return { code: undefined, none: whyNone(receipt, recoveries) };
  return { code: undefined, none: transaction ? undefined : UNKNOWN };
}

const UNKNOWN = "No code with this id was issued on this chain, and no transaction with it waits on this node.";

/** Number of the block that a passport code names; one before all blocks for other ids. */
function blockIn(id: string): number {
  try {
    return Number(parsePassportCode(id).block);
  } catch {
    return -1;
  }
}

function whyNone(receipt: Receipt, recoveries: Recoveries): string {
  const left = leftBy(recoveries, quantity(receipt.blockNumber));
  if (left && quantity(receipt.status) === 1 && receipt.logs.some(({ topics }) => topics[0] === ISSUED)) {
    return leftCodeWords(left);
  }
  return quantity(receipt.status) === 0
    ? "The transaction failed, so it issued no code. Nothing was lost: ask again."
    : "This transaction did something else than ask for a code.";
}

/** The promise about a transaction, which the node waits for while that is in the pool. */
function useEndorsement(transaction: string | undefined): EndorsementInfo | undefined {
  const { rpc } = useLedger();
  const [endorsement, setEndorsement] = useState<EndorsementInfo>();
  useEffect(() => {
    setEndorsement(undefined);
    if (transaction === undefined || !isHexOf(32, transaction)) return;
    let stopped = false;
    rpc.callAlone<EndorsementInfo | null>("ledger_endorsement", transaction).then(
      (found) => !stopped && setEndorsement(found ?? undefined),
      // Without one the step says so; the block matters more.
      () => undefined,
    );
    return () => {
      stopped = true;
    };
  }, [rpc, transaction]);
  return endorsement;
}

type StepState = "done" | "now" | "later";

function Step({ state, name, children }: { state: StepState; name: string; children?: preact.ComponentChildren }) {
  const icon = state === "done" ? "check" : state === "now" ? "spinner" : "clock";
  return (
    <li class={state} data-step={name} data-state={state}>
      <span class="mark">
        <Icon name={icon} spins={state === "now"} />
      </span>
      <div>
        <h3>{name}</h3>
        <div class="small soft">{children}</div>
      </div>
    </li>
  );
}

function Steps({ id, code }: { id: string; code: CodeInfo | undefined }) {
  const { status } = useLedger();
  const endorsement = useEndorsement(code?.transaction ?? id);
  const anchoring = useAnswer("anchoring", (rpc) => readAnchoring(rpc, status), { withBlocks: true });
  const isFinal = code !== undefined;
  return (
    <ol class="steps" aria-live="polite">
      <Endorsed endorsement={endorsement} isFinal={isFinal} />
      <Step name="Final" state={isFinal ? "done" : endorsement ? "now" : "later"}>
        {code ? (
          <>
            In block <a href={link("block", `${quantity(code.blockNumber)}`)}>{count(quantity(code.blockNumber))}</a>,{" "}
            {relative(quantity(code.issuedAt), Date.now() / 1000)}. More than two thirds of the validators signed it.
          </>
        ) : (
          "More than two thirds of the validators sign the block."
        )}
      </Step>
      <Checkpointed code={code} anchoring={anchoring.value} />
      {code?.ending && <Ended code={code} />}
    </ol>
  );
}

interface EndorsedProps {
  readonly endorsement: EndorsementInfo | undefined;
  readonly isFinal: boolean;
}

function Endorsed({ endorsement, isFinal }: EndorsedProps) {
  if (endorsement) {
    return (
      <Step name="Endorsed" state="done">
        {endorsement.authority.cloud ?? "The authority"} promised it for slot {count(quantity(endorsement.slot))}, by
        its signature.
      </Step>
    );
  }
  return (
    <Step name="Endorsed" state={isFinal ? "later" : "now"}>
      {isFinal
        ? "This node keeps no promise about it; the block says more."
        : "The cloud whose turn it is promises to include it."}
    </Step>
  );
}

function Checkpointed({ code, anchoring }: { code: CodeInfo | undefined; anchoring: Anchoring | undefined }) {
  if (anchoring === undefined || !anchoring.isAnchored) {
    return (
      <Step name="Checkpointed" state="later">
        {anchoring?.summary ?? "Looking for checkpoints…"}
      </Step>
    );
  }
  const checkpoint = code && covering(anchoring.checkpoints, quantity(code.blockNumber));
  if (checkpoint === undefined) {
    return (
      <Step name="Checkpointed" state={code ? "now" : "later"}>
        The next checkpoint covers it.
      </Step>
    );
  }
  return (
    <Step name="Checkpointed" state={isOnMainchain(checkpoint) ? "done" : "now"}>
      Checkpoint {count(quantity(checkpoint.index))}, of block {count(quantity(checkpoint.height))}:{" "}
      {stateWords(checkpoint)}.
    </Step>
  );
}

const ENDINGS = { redeemed: "Redeemed", cancelled: "Given back", expired: "Expired", live: "Live" } as const;

function Ended({ code }: { code: CodeInfo }) {
  if (!code.ending) return null;
  return (
    <Step name={ENDINGS[code.state]} state="done">
      {code.ending.redeemedBy && `${code.ending.redeemedBy.name} gave the instance and confirmed it, `}
      {relative(quantity(code.ending.timestamp), Date.now() / 1000)}, in transaction{" "}
      <Id id={code.ending.transaction as Hex} to="transaction" />.
    </Step>
  );
}
