/** Which slot is it, and whose turn? Rules R1 and R2; pure. */

/** The slot that a moment lies in. */
export function slotAt(milliseconds: number, slotDurationMs: number): number {
  return Math.floor(milliseconds / slotDurationMs);
}

/** Place of the validator whose turn the slot is. */
export function turnOf(slot: number, validators: number): number {
  return validators === 0 ? 0 : slot % validators;
}
