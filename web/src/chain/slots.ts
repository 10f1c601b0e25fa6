/** Which slot is it, whose turn, and what is known of it? Rules R1 and R2; pure. */
import type { Hex } from "./quantity";

/** The slot that a moment lies in. */
export function slotAt(milliseconds: number, slotDurationMs: number): number {
  return Math.floor(milliseconds / slotDurationMs);
}

/** Place of the validator whose turn the slot is. */
export function turnOf(slot: number, validators: number): number {
  return validators === 0 ? 0 : slot % validators;
}

const DIGEST_VERSION = 1;
const SLOT_AT = 1;
const SLOT_BYTES = 8;

/**
 * The slot that a block was built in: from its authority digest, which its `extraData` holds: a byte for the version, then the slot
 * in 8 bytes, the lowest first. Genesis has slot 0, and so has whatever is no digest.
 */
export function slotOf(extraData: Hex): number {
  const bytes = extraData.slice(2).match(/../g) ?? [];
  if (Number.parseInt(bytes[0] ?? "0", 16) !== DIGEST_VERSION) return 0;
  const slot = bytes
    .slice(SLOT_AT, SLOT_AT + SLOT_BYTES)
    .reverse()
    .join("");
  return slot === "" ? 0 : Number.parseInt(slot, 16);
}
