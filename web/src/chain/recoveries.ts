/** What do the chain's recoveries mean for a block (R16)? Pure. */

/** A recovery that was. */
export interface Recovery {
  readonly epoch: number;
  /** Index of the checkpoint whose state the chain went back to. */
  readonly checkpoint: number;
  /** The checkpoint's block. */
  readonly target: number;
  /** The first and the last block left behind. */
  readonly first: number;
  readonly last: number;
  /** Number of the recovery block. */
  readonly block: number;
}

/** What the chain has had of recoveries, the newest first; `undefined` until that is known. */
export type Recoveries = readonly Recovery[] | undefined;

/** The recovery that left this block behind: the first one that did. */
export function leftBy(recoveries: Recoveries, block: number): Recovery | undefined {
  return recoveries?.findLast(({ first, last }) => first <= block && block <= last);
}

/** The recovery whose block this is. */
export function recoveryIn(recoveries: Recoveries, block: number): Recovery | undefined {
  return recoveries?.find((recovery) => recovery.block === block);
}
