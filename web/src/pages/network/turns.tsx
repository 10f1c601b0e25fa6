/** Whose turn is it? A wheel of the validators, and the slots that went by. */
import { quantity } from "../../chain/quantity";
import { slotAt, turnOf } from "../../chain/slots";
import { type SlotMark, type SlotState, slotRow } from "../../chain/turns";
import { useLedger, useNow } from "../../ledger";
import { link } from "../../route";
import type { SlotsInfo, StallReport } from "../../rpc/types";
import { Badge, Wide } from "../../ui/parts";
import { count, milliseconds, plural } from "../../words";

/** Slots in the row. */
const ROW_SLOTS = 48;
/** How often the hand of the wheel is looked at. */
const LOOK_EVERY_MS = 200;

interface TurnsProps {
  readonly slots: SlotsInfo;
  /** When the answer came, by this browser's clock. */
  readonly askedMs: number;
  readonly report: StallReport | undefined;
}

export function Turns({ slots, askedMs, report }: TurnsProps) {
  const { status, recoveries } = useLedger();
  const now = useNow(LOOK_EVERY_MS);
  if (status === undefined) return null;
  // By the node's clock: a browser's may be off.
  const nodeNowMs = quantity(slots.nowMs) + Math.max(0, 1000 * now - askedMs);
  const slot = slotAt(nodeNowMs, quantity(status.slotDurationMs));
  const row = slotRow(slots, slot, ROW_SLOTS, { isStalled: report?.stalled ?? false, recoveries });
  return (
    <section class="card stack" aria-labelledby="turns">
      <h2 id="turns">Turns</h2>
      <div class="turns">
        <Wheel slots={slots} slot={slot} report={report} />
        <Validators slots={slots} slot={slot} report={report} />
      </div>
      <Row row={row} slots={slots} slotMs={quantity(status.slotDurationMs)} />
    </section>
  );
}

/** A validator as this node sees it. */
type Presence = "here" | "heard" | "silent";

function presence(report: StallReport | undefined, turn: number): Presence {
  const heard = report?.validators[turn];
  if (heard === undefined || heard.own || heard.connected) return "here";
  return report?.stalled && heard.lastHeardSlot === undefined ? "silent" : "heard";
}

const RADIUS = 96;
const GAP = 0.05;

function Wheel({ slots, slot, report }: { slots: SlotsInfo; slot: number; report: StallReport | undefined }) {
  const many = slots.turns.length;
  const turn = turnOf(slot, many);
  const name = slots.turns[turn]?.validator.cloud ?? "a validator";
  const gap = many > 24 || many === 1 ? 0 : GAP;
  const point = (angle: number) => `${RADIUS * Math.sin(angle)} ${-RADIUS * Math.cos(angle)}`;
  const arc = (at: number) => {
    const [from, to] = [(2 * Math.PI * at) / many + gap, (2 * Math.PI * (at + 1)) / many - gap - 0.001];
    return `M${point(from)}A${RADIUS} ${RADIUS} 0 ${to - from > Math.PI ? 1 : 0} 1 ${point(to)}`;
  };
  return (
    <svg class="wheel" viewBox="-110 -110 220 220" role="img" aria-label={`Slot ${slot}: the turn of ${name}`}>
      {slots.turns.map(({ validator }, at) => (
        <path
          key={validator.consensusKey}
          d={arc(at)}
          class={`arc ${presence(report, at)} ${at === turn ? "now" : ""}`}
        />
      ))}
      <text class="wheel-label" y="-24">
        slot
      </text>
      <text class="wheel-slot" y="2">
        {count(slot)}
      </text>
      <text class="wheel-name" y="27">
        {name}
      </text>
    </svg>
  );
}

function Validators({ slots, slot, report }: { slots: SlotsInfo; slot: number; report: StallReport | undefined }) {
  const turn = turnOf(slot, slots.turns.length);
  return (
    <Wide label="Validators">
      <table class="table" data-testid="validators">
        <thead>
          <tr>
            <th scope="col">Validator</th>
            <th scope="col">Seen</th>
            <th scope="col" class="number">
              Blocks
            </th>
            <th scope="col" class="number">
              Missed
            </th>
          </tr>
        </thead>
        <tbody>
          {slots.turns.map(({ validator, blocks, missed }, at) => (
            <tr key={validator.consensusKey} class={at === turn ? "now" : undefined}>
              <td>
                {validator.account ? (
                  <a href={link("account", validator.account)}>{validator.cloud ?? "a validator"}</a>
                ) : (
                  validator.cloud
                )}
              </td>
              <td>
                <Seen report={report} turn={at} />
              </td>
              <td class="number">{count(quantity(blocks))}</td>
              <td class={`number ${quantity(missed) > 0 ? "missed" : ""}`}>{count(quantity(missed))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Seen({ report, turn }: { report: StallReport | undefined; turn: number }) {
  const heard = report?.validators[turn];
  if (heard === undefined) return <Badge>…</Badge>;
  if (heard.own) return <Badge tone="accent">this node</Badge>;
  if (heard.connected) return <Badge tone="good">connected</Badge>;
  return presence(report, turn) === "silent" ? (
    <Badge tone="bad">silent</Badge>
  ) : (
    <Badge tone="warn">not connected</Badge>
  );
}

const BAR_WIDTH = 10;
const BAR_HEIGHT = 64;

/** What each mark means. What is rare is named only where there is any. */
const KEYS: readonly (readonly [state: SlotState, name: string, isRare?: true])[] = [
  ["block", "block, as high as it took to be final"],
  ["recovery", "recovery block", true],
  ["left", "block left behind by a recovery", true],
  ["missed", "missed turn"],
  ["waiting", "overdue"],
  ["idle", "nothing to do"],
];

/** The slots that went by: high bars took long to be final, full ones were missed or are overdue, dots had nothing to do. */
function Row({ row, slots, slotMs }: { row: readonly SlotMark[]; slots: SlotsInfo; slotMs: number }) {
  const nameOf = (turn: number) => slots.turns[turn]?.validator.cloud ?? "a validator";
  const many = (...states: SlotState[]) => row.filter(({ state }) => states.includes(state)).length;
  const words = `The last ${row.length} slots: ${many("block", "recovery", "left")} with a block, ${many("missed")} missed`;
  return (
    <figure class="slot-row">
      <svg
        viewBox={`0 0 ${row.length * BAR_WIDTH} ${BAR_HEIGHT + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {row.map((mark, at) => (
          <Bar key={mark.slot} mark={mark} x={at * BAR_WIDTH} slotMs={slotMs} name={nameOf(mark.turn)} />
        ))}
      </svg>
      <figcaption class="row small soft">
        {KEYS.filter(([state, , isRare]) => !isRare || many(state) > 0).map(([state, name]) => (
          <Key key={state} state={state} name={name} />
        ))}
      </figcaption>
    </figure>
  );
}

function Key({ state, name }: { state: SlotMark["state"]; name: string }) {
  return (
    <span class="key">
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <rect width="10" height="10" rx="2" class={`mark ${state}`} />
      </svg>
      {name}
    </span>
  );
}

function Bar({ mark, x, slotMs, name }: { mark: SlotMark; x: number; slotMs: number; name: string }) {
  const isBlock = mark.block !== undefined;
  const share = isBlock ? Math.min(1, (mark.finalAfterMs ?? 0) / slotMs) : mark.state === "idle" ? 0.04 : 1;
  const height = Math.max(4, share * BAR_HEIGHT);
  const block = `block ${mark.block}, ${plural(mark.transactions ?? 0, "transaction")}, final after ${milliseconds(mark.finalAfterMs ?? 0)}`;
  const words = {
    block,
    recovery: `recovery ${block}`,
    left: `${block}, left behind by a recovery`,
    missed: "missed",
    waiting: "overdue",
    idle: "nothing to do",
  }[mark.state];
  return (
    <rect
      class={`mark ${mark.state}`}
      x={x + 1.5}
      y={BAR_HEIGHT + 2 - height}
      width={BAR_WIDTH - 3}
      height={height}
      rx="1.5"
      data-state={mark.state}
    >
      <title>{`Slot ${mark.slot}, ${name}: ${words}`}</title>
    </rect>
  );
}
