/**
 * Which blocks did recoveries leave behind (R16)? `ledger_recoveredSpan` tells of one recovery, the last one unless it is named; a chain
 * without any is what nearly all are.
 */
import { type Hex, quantity, toQuantity } from "../chain/quantity";
import type { Recovery } from "../chain/recoveries";
import { type Rpc, RpcError } from "./client";
import type { BlockPoint } from "./types";

/** Recoveries that are asked for, the newest ones: each was voted by people, and a chain has few. */
export const RECOVERIES_MAX = 16;

/** JSON-RPC's code for what the node cannot tell: here, that there was no such recovery in the blocks that it keeps. */
const UNAVAILABLE = -32002;

/** A block after every span, so that the answer lists no redemptions: nobody reads them here. */
const AFTER_ALL = toQuantity(Number.MAX_SAFE_INTEGER);

interface SpanAnswer {
  readonly epoch?: Hex;
  readonly checkpoint: Hex;
  readonly target: BlockPoint;
  readonly first: Hex;
  readonly last: Hex;
  readonly recovery?: BlockPoint;
}

/** The chain's recoveries, the newest first. */
export async function readRecoveries(rpc: Rpc): Promise<readonly Recovery[]> {
  const newest = await readOne(rpc, undefined);
  const found = newest ? [newest] : [];
  for (let epoch = (newest?.epoch ?? 0) - 1; epoch > 0 && found.length < RECOVERIES_MAX; epoch -= 1) {
    const one = await readOne(rpc, epoch);
    if (one === undefined) break;
    found.push(one);
  }
  return found;
}

async function readOne(rpc: Rpc, epoch: number | undefined): Promise<Recovery | undefined> {
  const query = { from: AFTER_ALL, ...(epoch !== undefined && { epoch: toQuantity(epoch) }) };
  try {
    const span = await rpc.call<SpanAnswer>("ledger_recoveredSpan", query);
    if (span.epoch === undefined || span.recovery === undefined) return undefined;
    return {
      epoch: quantity(span.epoch),
      checkpoint: quantity(span.checkpoint),
      target: quantity(span.target.number),
      first: quantity(span.first),
      last: quantity(span.last),
      block: quantity(span.recovery.number),
    };
  } catch (error) {
    if (error instanceof RpcError && (error.code === UNAVAILABLE || error.isUnknownMethod)) return undefined;
    throw error;
  }
}
