/** A code as the pages show it: the document, and the way that it has come. */
import { codeAddress } from "../chain/code-ref";
import { big, quantity } from "../chain/quantity";
import { useNow } from "../ledger";
import { link } from "../route";
import type { CodeInfo, CodeState, SpecInfo } from "../rpc/types";
import { Badge, Copy, type Tone } from "../ui/parts";
import { QrCode } from "../ui/qr";
import { duration, gibibytes, plural, relative, tokenWords } from "../words";

const STATES: Record<CodeState, { name: string; tone: Tone }> = {
  live: { name: "Live", tone: "good" },
  expired: { name: "Expired", tone: "warn" },
  cancelled: { name: "Given back", tone: "plain" },
  redeemed: { name: "Redeemed", tone: "accent" },
};

export function StateBadge({ state }: { state: CodeState }) {
  return <Badge tone={STATES[state].tone}>{STATES[state].name}</Badge>;
}

/** What a spec is in one line. */
export function sizeOf(spec: SpecInfo): string[] {
  return [
    plural(quantity(spec.vcpus), "vCPU"),
    `${gibibytes(quantity(spec.memoryMib) / 1024)} memory`,
    `${gibibytes(quantity(spec.diskGib))} disk`,
    `for ${duration(3600 * quantity(spec.hours))}`,
  ];
}

/** Curves like those of banknotes: circles that wander. */
const PATTERN_CIRCLES = 22;

function Pattern() {
  const circles = Array.from({ length: PATTERN_CIRCLES }, (_, turn) => {
    const angle = (2 * Math.PI * turn) / PATTERN_CIRCLES;
    return <circle key={turn} cx={520 + 90 * Math.cos(angle)} cy={150 + 90 * Math.sin(angle)} r={150} />;
  });
  return (
    <svg class="pattern" viewBox="0 0 640 300" preserveAspectRatio="xMaxYMid slice" aria-hidden="true">
      {circles}
    </svg>
  );
}

/** The code as something to hold: in letters, as a QR code, and its transaction. */
export function PassportDocument({ code }: { code: CodeInfo }) {
  const now = useNow();
  const address = codeAddress(location.origin, code.passportCode);
  const isLive = code.state === "live";
  const left = quantity(code.expiresAt) - now;
  return (
    <article class={`document ${isLive ? "" : "ended"}`} aria-label={`Promo code ${code.passportCode}`}>
      <Pattern />
      <div class="document-body">
        <p class="crest">
          <span>Cloud passport</span>
          <span class="stamp">{isLive && left <= 0 ? "Expired" : STATES[code.state].name}</span>
        </p>
        <div>
          <p class="label">Passport code</p>
          <p class="passport-code" data-testid="passport-code">
            {code.passportCode}
          </p>
          <Copy text={code.passportCode} what="the passport code" />
          <dl class="traits">
            <Trait name="Good for">one {code.spec.name} instance</Trait>
            <Trait name="Size">{sizeOf(code.spec).slice(0, 3).join(", ")}</Trait>
            {isLive && <Trait name="Time left">{duration(left)}</Trait>}
            {code.ending && (
              <Trait name={STATES[code.state].name}>{relative(quantity(code.ending.timestamp), now)}</Trait>
            )}
            <Trait name="Reward">{tokenWords(big(code.spec.reward))}</Trait>
          </dl>
        </div>
        <QrCode text={address} label={`QR code of the passport code ${code.passportCode}`} />
      </div>
      <p class="zone">
        <span class="label">Transaction </span>
        <a href={link("transaction", code.transaction)} class="zone-link" data-testid="transaction-id">
          {code.transaction}
        </a>
        <Copy text={code.transaction} what="the transaction id" />
      </p>
    </article>
  );
}

function Trait({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt class="label">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
