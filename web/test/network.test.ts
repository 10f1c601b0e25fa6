import { describe, expect, it } from "vitest";
import { POINTS_MAX, sampleBlocks, sinceOffered } from "../src/chain/history";
import { toQuantity } from "../src/chain/quantity";
import { finalityTimes, slotRow } from "../src/chain/turns";
import { scaleOf } from "../src/pages/network/scale";
import type { SlotInfo, SlotsInfo } from "../src/rpc/types";

const key = `0x${"11".repeat(32)}` as const;

function info(slots: readonly [slot: number, finalAfterMs: number | undefined][]): SlotsInfo {
  const record = ([slot, after]: readonly [number, number | undefined]): SlotInfo => ({
    slot: toQuantity(slot),
    authority: key,
    ...(after !== undefined && {
      block: { number: toQuantity(slot - 90), hash: key, transactions: "0x1", finalAfterMs: toQuantity(after) },
    }),
  });
  const turn = { validator: { consensusKey: key }, blocks: "0x0", missed: "0x0" } as const;
  return { slot: "0x64", nowMs: "0x0", sinceSlot: "0x0", slots: slots.map(record), turns: [turn, turn, turn, turn] };
}

describe("the row of slots", () => {
  const quiet = { isStalled: false, recoveries: [] };
  const stalled = { isStalled: true, recoveries: [] };
  const three = info([
    [96, 300],
    [97, undefined],
    [98, 400],
  ]);

  it("has blocks, missed turns and quiet slots in their order", () => {
    const row = slotRow(three, 100, 5, quiet);
    expect(row.map(({ slot, state }) => [slot, state])).toEqual([
      [96, "block"],
      [97, "missed"],
      [98, "block"],
      [99, "idle"],
      [100, "idle"],
    ]);
    expect(row[0]).toMatchObject({ turn: 0, block: 6, transactions: 1, finalAfterMs: 300 });
  });

  it("waits after the newest block while the chain stands still", () => {
    expect(slotRow(three, 100, 5, stalled).map(({ state }) => state)).toEqual([
      "block",
      "missed",
      "block",
      "waiting",
      "waiting",
    ]);
    expect(slotRow(info([]), 2, 2, stalled).map(({ state }) => state)).toEqual(["waiting", "waiting"]);
  });

  it("tells recovery blocks, and the blocks that they left behind, from others", () => {
    const four = info([
      [96, 300],
      [97, 300],
      [98, 300],
      [99, 300],
    ]);
    const recovery = { epoch: 1, checkpoint: 1, target: 6, first: 7, last: 7, block: 8 };
    const row = slotRow(four, 99, 4, { isStalled: false, recoveries: [recovery] });
    expect(row.map(({ block, state }) => [block, state])).toEqual([
      [6, "block"],
      [7, "left"],
      [8, "recovery"],
      [9, "block"],
    ]);
  });

  it("gives finality in figures", () => {
    expect(finalityTimes(three)).toEqual({ median: 400, slow: 400, blocks: 2 });
    expect(finalityTimes(info([]))).toBeUndefined();
  });
});

describe("charts", () => {
  it("sample a chain evenly, however long", () => {
    expect(sampleBlocks(5, 5)).toEqual([5]);
    expect(sampleBlocks(0, 3)).toEqual([0, 1, 2, 3]);
    const long = sampleBlocks(1, 1_000_000);
    expect([long.length, long[0], long.at(-1)]).toEqual([POINTS_MAX, 1, 1_000_000]);
  });

  it("begin where something was offered, not at the genesis' date", () => {
    const point = (open: number, live: number) => ({ open, live });
    expect(sinceOffered([])).toEqual([]);
    expect(sinceOffered([point(0, 0), point(0, 0)])).toEqual([]);
    expect(sinceOffered([point(0, 0), point(5, 0), point(0, 0)])).toEqual([point(5, 0), point(0, 0)]);
    expect(sinceOffered([point(0, 1)])).toEqual([point(0, 1)]);
  });

  it("have an axis that ends in a round number", () => {
    for (const [most, top] of [
      [0, 1],
      [1, 1],
      [7, 10],
      [13, 20],
      [990, 1000],
      [1001, 2000],
    ] as const) {
      expect(scaleOf(most), `${most}`).toBe(top);
    }
  });
});
