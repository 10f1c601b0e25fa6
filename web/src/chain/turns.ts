/** What happened in each slot up to now? Puts what the node remembers into a row of slots without gaps. Pure. */

import type { SlotsInfo } from "../rpc/types";
import { quantity } from "./quantity";
import { leftBy, type Recoveries, recoveryIn } from "./recoveries";
import { turnOf } from "./slots";

/** What is known of a slot. A block may also be a recovery's, or one that a recovery left behind. */
export type SlotState = "block" | "recovery" | "left" | "missed" | "idle" | "waiting";

export interface SlotMark {
  readonly slot: number;
  /** Place of the validator whose turn it was, if it is in the present set. */
  readonly turn: number;
  readonly state: SlotState;
  readonly block?: number;
  readonly transactions?: number;
  readonly finalAfterMs?: number;
}

/** What is known of the chain beside what happened in its slots. */
export interface ChainState {
  /** Blocks are overdue. */
  readonly isStalled: boolean;
  readonly recoveries: Recoveries;
}

/** The last `count` slots up to `now`, oldest first. While blocks are overdue, the slots since the newest block are waiting. */
export function slotRow(info: SlotsInfo, now: number, count: number, chain: ChainState): SlotMark[] {
  const known = new Map(info.slots.map((slot) => [quantity(slot.slot), slot]));
  const newest = Math.max(-1, ...known.keys());
  return Array.from({ length: count }, (_, at): SlotMark => {
    const slot = now - count + 1 + at;
    const turn = turnOf(slot, info.turns.length);
    const record = known.get(slot);
    if (record === undefined) return { slot, turn, state: chain.isStalled && slot > newest ? "waiting" : "idle" };
    const { block } = record;
    if (block === undefined) return { slot, turn, state: "missed" };
    const number = quantity(block.number);
    return {
      slot,
      turn,
      state: blockState(chain.recoveries, number),
      block: number,
      transactions: quantity(block.transactions),
      finalAfterMs: quantity(block.finalAfterMs),
    };
  });
}

function blockState(recoveries: Recoveries, block: number): SlotState {
  if (recoveryIn(recoveries, block)) return "recovery";
  return leftBy(recoveries, block) ? "left" : "block";
}

/** The middle of what finality took, and its slow end, in milliseconds. */
export interface FinalityTimes {
  readonly median: number;
  readonly slow: number;
  readonly blocks: number;
}

export function finalityTimes(info: SlotsInfo): FinalityTimes | undefined {
  const times = info.slots.flatMap(({ block }) => (block ? [quantity(block.finalAfterMs)] : [])).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  const [median, slow] = [at(0.5), at(0.95)];
  return median === undefined || slow === undefined ? undefined : { median, slow, blocks: times.length };
}
