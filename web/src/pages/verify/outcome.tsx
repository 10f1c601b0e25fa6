/** The verdict, why, and how firm it is. */
import { quantity } from "../../chain/quantity";
import { useAnswer, useLedger } from "../../ledger";
import { link } from "../../route";
import { type Anchoring, covering, readAnchoring, stateWords } from "../../rpc/checkpoints";
import type { CodeInfo, Verdict, Verification } from "../../rpc/types";
import { Icon, type IconName } from "../../ui/icon";
import { Copy, Id } from "../../ui/parts";
import { count, duration, relative, sentence } from "../../words";
import { sizeOf } from "../code-parts";

/** How a verdict looks. */
export interface Face {
  readonly tone: "good" | "warn" | "bad";
  readonly icon: IconName;
  readonly words: string;
}

const ENDED: Record<Exclude<Verdict, "valid" | "transferred">, string> = {
  expired: "Expired",
  cancelled: "Given back",
  redeemed: "Used already",
  neverIssued: "No such code",
  pending: "Not in a block yet",
  failed: "Its request failed",
  notARequest: "Not a code",
};

export function faceOf({ verdict, redeemable }: Pick<Verification, "verdict" | "redeemable">): Face {
  if (verdict === "pending") return { tone: "warn", icon: "clock", words: ENDED.pending };
  if (verdict !== "valid" && verdict !== "transferred") return { tone: "bad", icon: "bad", words: ENDED[verdict] };
  if (redeemable) return { tone: "good", icon: "good", words: "Good: you can redeem it" };
  return { tone: "warn", icon: "warning", words: "Good, but not for you yet" };
}

export function Outcome({ verification }: { verification: Verification }) {
  const face = faceOf(verification);
  const { code, block, cloud } = verification;
  return (
    <>
      <div class={`verdict ${face.tone}`} role="status" data-testid="verdict" data-verdict={verification.verdict}>
        <Icon name={face.icon} />
        <div>
          <strong>{face.words}</strong>
          <p>{sentence(verification.obstacle ?? verification.reason)}</p>
        </div>
      </div>
      <div class="card">
        <dl class="facts">
          {code && <CodeFacts code={code} verification={verification} />}
          <dt>Asked for</dt>
          <dd>{cloud.name}</dd>
          <dt>As of</dt>
          <dd>
            block <a href={link("block", `${quantity(block.number)}`)}>{count(quantity(block.number))}</a>, the newest
          </dd>
        </dl>
      </div>
    </>
  );
}

/** Why no checkpoint is named. What else a node says of its own checkpoints is for the network's page. */
function notCovered(anchoring: Anchoring | undefined): string {
  if (anchoring === undefined) return "…";
  return anchoring.isAnchored ? "not yet: the next one covers it" : "none: this network anchors nothing on a mainchain";
}

function CodeFacts({ code, verification }: { code: CodeInfo; verification: Verification }) {
  const { status } = useLedger();
  const anchoring = useAnswer("anchoring", (rpc) => readAnchoring(rpc, status), { withBlocks: true });
  const checkpoint = anchoring.value && covering(anchoring.value.checkpoints, quantity(code.blockNumber));
  const left = quantity(verification.ttlSeconds);
  return (
    <>
      <dt>Passport code</dt>
      <dd>
        <a class="mono" href={link("code", code.passportCode)}>
          {code.passportCode}
        </a>{" "}
        <Copy text={code.passportCode} what="the passport code" label="" />
      </dd>
      <dt>Good for</dt>
      <dd>
        one <strong>{code.spec.name}</strong> instance: {sizeOf(code.spec).join(", ")}
      </dd>
      <dt>Time left</dt>
      <dd>{left > 0 ? duration(left) : "none"}</dd>
      <dt>Holder</dt>
      <dd>
        <Id id={code.holder} to="account" />
      </dd>
      <dt>Authorization</dt>
      <dd>{code.spec.requiresAuthorization ? "the holder has to sign for your cloud" : "not needed for this spec"}</dd>
      <dt>Finality</dt>
      <dd>
        final in block <a href={link("block", `${quantity(code.blockNumber)}`)}>{count(quantity(code.blockNumber))}</a>,
        issued {relative(quantity(code.issuedAt), Date.now() / 1000)}
      </dd>
      <dt>Checkpoint</dt>
      <dd>
        {checkpoint
          ? `${count(quantity(checkpoint.index))}, of block ${count(quantity(checkpoint.height))}: ${stateWords(checkpoint)}`
          : notCovered(anchoring.value)}
      </dd>
    </>
  );
}
