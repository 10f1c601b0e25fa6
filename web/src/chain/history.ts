/** How full was a pool over time? Read from the contract's state at past blocks, as far as the node keeps them. */
import type { Rpc } from "../rpc/client";
import type { Header } from "../rpc/types";
import { type Hex, quantity, toQuantity } from "./quantity";
import { type PoolState, poolInput, readPool } from "./transact";

/** Points of a chart; each costs the node a call and a header. */
export const POINTS_MAX = 32;

export interface PoolPoint extends PoolState {
  readonly block: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

/** Numbers of at most {@link POINTS_MAX} blocks from `first` to `last`, evenly apart, both ends among them. */
export function sampleBlocks(first: number, last: number): number[] {
  const span = Math.max(0, last - first);
  const points = Math.min(POINTS_MAX, span + 1);
  const step = points > 1 ? span / (points - 1) : 0;
  return Array.from({ length: points }, (_, at) => Math.round(first + at * step));
}

/** The points from the first at which clouds offered something: before it there is nothing to show, however old the chain is. */
export function sinceOffered<Point extends Pick<PoolState, "open" | "live">>(
  points: readonly Point[],
): readonly Point[] {
  const first = points.findIndex(({ open, live }) => open > 0 || live > 0);
  return first < 0 ? [] : points.slice(first);
}

/** The pool of a spec at these blocks. A block at which the spec did not exist yet is left out. */
export async function readPoolHistory(
  rpc: Rpc,
  transact: Hex,
  specId: number,
  blocks: readonly number[],
): Promise<PoolPoint[]> {
  const points = blocks.map(async (block): Promise<PoolPoint | undefined> => {
    const at = toQuantity(block);
    const [header, output] = await Promise.all([
      rpc.call<Header | null>("eth_getBlockByNumber", at, false),
      rpc.call<Hex>("eth_call", { to: transact, input: poolInput(specId) }, at).catch(() => undefined),
    ]);
    return header && output && output !== "0x"
      ? { ...readPool(output), block, time: quantity(header.timestamp) }
      : undefined;
  });
  return (await Promise.all(points)).filter((point) => point !== undefined);
}
