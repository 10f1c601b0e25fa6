/** How the pools were used over time. */
import { type PoolPoint, readPoolHistory, sampleBlocks, sinceOffered } from "../../chain/history";
import { quantity } from "../../chain/quantity";
import { useAnswer, useLedger, useNow } from "../../ledger";
import type { Rpc } from "../../rpc/client";
import type { NodeStatus, SpecInfo } from "../../rpc/types";
import { Waiting } from "../../ui/parts";
import { count } from "../../words";
import { scaleOf } from "./scale";

/** How often the past is read again. */
const REREAD_EVERY_MS = 30_000;

interface SpecHistory {
  readonly spec: SpecInfo;
  readonly points: readonly PoolPoint[];
}

export function PoolHistory() {
  const { status } = useLedger();
  const key = status && `history ${status.genesisHash}`;
  const history = useAnswer(key ?? "", (rpc) => (status ? readAll(rpc, status) : Promise.resolve([])), {
    everyMs: REREAD_EVERY_MS,
  });
  return (
    <section class="card stack" aria-labelledby="history">
      <h2 id="history">Use of the pools</h2>
      {history.value === undefined || history.value.length === 0 ? (
        <Waiting what="the past" error={history.error} />
      ) : (
        <div class="charts">
          {history.value.map(({ spec, points }) => (
            <SpecCharts key={spec.specId} spec={spec} points={points} />
          ))}
        </div>
      )}
    </section>
  );
}

async function readAll(rpc: Rpc, status: NodeStatus): Promise<SpecHistory[]> {
  const specs = await rpc.call<SpecInfo[]>("ledger_specs");
  const head = quantity(status.head.number);
  // Genesis may be long before the first block, and nothing happened between them.
  const blocks = sampleBlocks(Math.min(head, Math.max(1, quantity(status.historyFrom))), head);
  const read = async (spec: SpecInfo) => ({
    spec,
    points: sinceOffered(await readPoolHistory(rpc, status.contracts.transact, quantity(spec.specId), blocks)),
  });
  return Promise.all(specs.map(read));
}

function SpecCharts({ spec, points }: SpecHistory) {
  if (points.length === 0) return <p class="empty">No cloud has offered anything of {spec.name} yet.</p>;
  return (
    <>
      <Chart name={`${spec.name}: live codes`} points={points} value={({ live }) => live} tone="accent" />
      <Chart
        name={`${spec.name}: left in the pool`}
        points={points}
        value={({ open, live }) => Math.max(0, open - live)}
        tone="gold"
      />
    </>
  );
}

interface ChartProps {
  readonly name: string;
  readonly points: readonly PoolPoint[];
  readonly value: (point: PoolPoint) => number;
  readonly tone: "accent" | "gold";
}

const WIDTH = 320;
const HEIGHT = 110;

function Chart({ name, points, value, tone }: ChartProps) {
  const now = useNow(REREAD_EVERY_MS);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const end = Math.max(last.time, now);
  const top = scaleOf(Math.max(...points.map(value)));
  const span = Math.max(1, end - first.time);
  const at = (point: PoolPoint) => ({
    x: (WIDTH * (point.time - first.time)) / span,
    y: HEIGHT - (HEIGHT * value(point)) / top,
  });
  // A pool keeps its value until the next block, so the line goes in steps.
  const line = points
    .map(at)
    .map(({ x, y }, index) => (index === 0 ? `M0 ${y}H${x}` : `H${x}V${y}`))
    .join("");
  const words = `${name}: ${count(value(last))} now, ${count(value(first))} at ${clockOf(first.time)}`;
  return (
    <figure class={`chart ${tone}`}>
      <figcaption class="row apart">
        <span class="small soft">{name}</span>
        <strong class="figures">{count(value(last))}</strong>
      </figcaption>
      <svg viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <path class="grid-line" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
        <path class="area" d={`${line}H${WIDTH}V${HEIGHT}H0Z`} />
        <path class="line" d={`${line}H${WIDTH}`} />
      </svg>
      <div class="axis small soft figures">
        <span>{clockOf(first.time)}</span>
        <span>full height {count(top)}</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function clockOf(time: number): string {
  const date = new Date(1000 * time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString([], { timeStyle: "short" })
    : date.toLocaleDateString([], { dateStyle: "medium" });
}
