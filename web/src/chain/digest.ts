/** What does a block's authority digest say? It lies in `extraData`, SCALE-encoded as `chainspec/src/block.rs` has it. Pure. */
import type { Hex } from "./quantity";

const VERSION = 1;
/** Of a recovery block's digest (R16): the same fields, and then what the block goes back to. */
const VERSION_RECOVERY = 2;

const NUMBER_BYTES = 8;
const HASH_BYTES = 32;
const SLOT_AT = 1;
/** The shortest digest: version, slot, the next set's hash, no certificate, no seal. */
const DIGEST_BYTES_MIN = SLOT_AT + NUMBER_BYTES + HASH_BYTES + 1 + 1;
/** Epoch, checkpoint and height, then a state root: the end of a recovery block's digest. */
const POINT_BYTES = 3 * NUMBER_BYTES + HASH_BYTES;

/** What a recovery block goes back to. */
export interface RecoveryPoint {
  /** The how manieth recovery of the chain it is, from 1. */
  readonly epoch: number;
  /** Index of the checkpoint on the mainchain. */
  readonly checkpoint: number;
  /** Number of the checkpoint's block. */
  readonly height: number;
  readonly stateRoot: Hex;
}

/** The slot that a block was built in. Genesis has slot 0, and so has whatever is no digest. */
export function slotOf(extraData: Hex): number {
  const bytes = bytesOf(extraData);
  if (bytes[0] !== VERSION && bytes[0] !== VERSION_RECOVERY) return 0;
  return numberAt(bytes, SLOT_AT) ?? 0;
}

/** What the block goes back to, if it is a recovery block. */
export function recoveryOf(extraData: Hex): RecoveryPoint | undefined {
  const bytes = bytesOf(extraData);
  const at = bytes.length - POINT_BYTES;
  if (bytes[0] !== VERSION_RECOVERY || at < DIGEST_BYTES_MIN) return undefined;
  const [epoch, checkpoint, height] = [0, 1, 2].map((place) => numberAt(bytes, at + place * NUMBER_BYTES));
  if (epoch === undefined || checkpoint === undefined || height === undefined) return undefined;
  return { epoch, checkpoint, height, stateRoot: `0x${extraData.slice(-2 * HASH_BYTES)}` };
}

function bytesOf(hex: Hex): number[] {
  return (hex.slice(2).match(/[0-9a-f]{2}/gi) ?? []).map((byte) => Number.parseInt(byte, 16));
}

/** A number of 8 bytes, the lowest first; `undefined` where it is cut off, or larger than any that counts something. */
function numberAt(bytes: readonly number[], at: number): number | undefined {
  const own = bytes.slice(at, at + NUMBER_BYTES);
  const value = own.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return own.length === NUMBER_BYTES && Number.isSafeInteger(value) ? value : undefined;
}
