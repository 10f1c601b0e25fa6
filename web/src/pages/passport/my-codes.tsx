/** The codes of an account, the live ones first. */
import type { Hex } from "../../chain/quantity";
import { isSame, quantity } from "../../chain/quantity";
import { useAnswer, useNow } from "../../ledger";
import { link } from "../../route";
import type { CodeInfo } from "../../rpc/types";
import { Badge, Meter, Notice } from "../../ui/parts";
import { duration, relative } from "../../words";
import { StateBadge } from "../code-parts";
import { useHoldings } from "./holdings";

/** Codes that are shown; older ones are found by their page. */
const SHOWN_MAX = 40;

interface MyCodesProps {
  readonly title: string;
  readonly holder: Hex;
  /** What is said where there is none. */
  readonly none: string;
}

export function MyCodes({ title, holder, none }: MyCodesProps) {
  const holdings = useHoldings(holder);
  const shown = holdings.codeIds.slice(0, SHOWN_MAX);
  const codes = useAnswer(
    `codes ${shown.join()}`,
    (rpc) => Promise.all(shown.map((id) => rpc.call<CodeInfo | null>("ledger_code", shortId(id)))),
    { withBlocks: true },
  );
  const known = codes.value?.filter((code) => code !== null) ?? [];
  const sorted = [...known].sort((a, b) => Number(b.state === "live") - Number(a.state === "live"));
  const isLoading = holdings.searching || (codes.value === undefined && shown.length > 0);
  return (
    <section class="card" aria-labelledby="mine">
      <h2 id="mine">{title}</h2>
      {sorted.length === 0 && <p class="soft">{isLoading ? "Looking for codes…" : none}</p>}
      <ul data-testid="my-codes">
        {sorted.map((code) => (
          <MyCode key={code.codeId} code={code} holder={holder} />
        ))}
      </ul>
      {holdings.error && <Notice tone="warn">{holdings.error}</Notice>}
      {!holdings.searching && holdings.from !== undefined && holdings.from > 0 && (
        <button type="button" class="button little" onClick={holdings.further}>
          Look at blocks before {holdings.from}
        </button>
      )}
    </section>
  );
}

/** The contract's number of a code as a quantity, which `ledger_code` takes. */
function shortId(word: Hex): Hex {
  return `0x${BigInt(word).toString(16)}`;
}

function MyCode({ code, holder }: { code: CodeInfo; holder: Hex }) {
  const now = useNow();
  const left = quantity(code.expiresAt) - now;
  const isMine = isSame(code.holder, holder);
  return (
    <li class="code-row">
      <div class="row apart">
        <a class="mono" href={link("code", code.passportCode)}>
          {code.passportCode}
        </a>
        {isMine ? <StateBadge state={code.state} /> : <Badge>Passed on</Badge>}
      </div>
      <div class="row apart small soft">
        <span>{code.spec.name}</span>
        <span class="figures">{code.state === "live" ? `${duration(left)} left` : ending(code, now)}</span>
      </div>
      {code.state === "live" && <Meter share={left / quantity(code.spec.ttlSeconds)} />}
    </li>
  );
}

function ending(code: CodeInfo, now: number): string {
  const at = code.ending ? quantity(code.ending.timestamp) : quantity(code.expiresAt);
  const by = code.ending?.redeemedBy;
  return by ? `${by.name}, ${relative(at, now)}` : relative(at, now);
}
