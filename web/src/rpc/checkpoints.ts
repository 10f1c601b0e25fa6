/**
 * What is anchored on the mainchain? `ledger_checkpoints` has what the validators sign, and `ledger_status` what the node read back from
 * the mainchain, where it does; a network without either anchors nothing, and that is an answer too.
 */
import { type Hex, quantity, toQuantity } from "../chain/quantity";
import { sentence } from "../words";
import { type Rpc, RpcError } from "./client";

/** Checkpoints that are asked for at once. */
export const CHECKPOINTS_SHOWN_MAX = 16;

/** How far a checkpoint has come, as the node says it. */
export type CheckpointState =
  | "signing"
  | "signed"
  | "submitted"
  | "mined"
  | "soft"
  | "final"
  | "superseded"
  | "rejected";

export interface Checkpoint {
  readonly index: Hex;
  readonly height: Hex;
  /** Absent where only the mainchain told of it. */
  readonly blockHash?: Hex;
  readonly signed?: Hex;
  readonly quorum?: Hex;
  readonly state?: CheckpointState;
  /** The mainchain's transaction. */
  readonly transaction?: Hex;
}

/** How checkpoints stand, as `ledger_status` tells it on a node that signs or follows them. */
export interface CheckpointStatus {
  readonly summary: string;
  readonly mainchainId: Hex;
  readonly contract?: Hex;
  readonly intervalBlocks: Hex;
  readonly newestSigned?: { readonly index: Hex; readonly height: Hex; readonly signed: Hex; readonly quorum: Hex };
}

/** A checkpoint on the mainchain. */
export interface AnchorPoint {
  readonly index: Hex;
  readonly height: Hex;
  readonly standing: "mined" | "soft" | "final";
}

/** What the node has read back from the mainchain. */
export interface AnchorStatus {
  readonly contract: Hex;
  readonly complete: boolean;
  readonly newest?: AnchorPoint;
  readonly ageSeconds?: Hex;
  readonly alarms: readonly { readonly name: string; readonly message: string }[];
  readonly contradiction?: { readonly index: Hex; readonly number: Hex; readonly anchored: Hex; readonly got: Hex };
}

/** What of `ledger_status` is about anchoring. */
export interface AnchoringStatus {
  readonly checkpoints?: CheckpointStatus;
  readonly anchor?: AnchorStatus;
}

/** What is known of checkpoints. */
export interface Anchoring {
  /** Why there are none, or how they stand, in words. */
  readonly summary: string;
  readonly isAnchored: boolean;
  /** The newest first. */
  readonly checkpoints: readonly Checkpoint[];
}

const NONE = "This network anchors nothing on a mainchain: its node knows no checkpoints.";
const NONE_READ = "The mainchain holds no checkpoint of this chain yet.";
const NONE_YET = "No checkpoint was made yet.";

/** The newest checkpoints, and how they stand. */
export async function readAnchoring(rpc: Rpc, status: AnchoringStatus | undefined): Promise<Anchoring> {
  const signed = await readSigned(rpc, status?.checkpoints);
  const { anchor } = status ?? {};
  if (anchor === undefined) return signed;
  const said = signed.isAnchored ? signed.summary : "";
  return {
    summary: anchor.newest ? said : `${NONE_READ} ${said}`.trim(),
    isAnchored: true,
    checkpoints: withAnchor(signed.checkpoints, anchor.newest),
  };
}

/** What the validators sign, newest first; `status` is what `ledger_status` says of that, if it does. */
async function readSigned(rpc: Rpc, status: CheckpointStatus | undefined): Promise<Anchoring> {
  if (status && status.contract === undefined) return { summary: status.summary, isAnchored: false, checkpoints: [] };
  const newest = status?.newestSigned ? quantity(status.newestSigned.index) : 1;
  const from = Math.max(1, newest + 2 - CHECKPOINTS_SHOWN_MAX);
  const query = { from: toQuantity(from), count: toQuantity(CHECKPOINTS_SHOWN_MAX) };
  try {
    const found = await rpc.call<Checkpoint[]>("ledger_checkpoints", query);
    const summary = status ? sentence(status.summary) : found.length === 0 ? NONE_YET : "";
    return { summary, isAnchored: true, checkpoints: [...found].reverse() };
  } catch (error) {
    if (error instanceof RpcError && error.isUnknownMethod)
      return { summary: NONE, isAnchored: false, checkpoints: [] };
    throw error;
  }
}

/** The list with what the mainchain says of its newest checkpoint. */
function withAnchor(checkpoints: readonly Checkpoint[], newest: AnchorPoint | undefined): Checkpoint[] {
  if (newest === undefined) return [...checkpoints];
  const { index, height, standing } = newest;
  const isKnown = checkpoints.some((checkpoint) => checkpoint.index === index);
  if (!isKnown) return [{ index, height, state: standing }, ...checkpoints];
  return checkpoints.map((checkpoint) =>
    checkpoint.index === index && !isOnMainchain(checkpoint) ? { ...checkpoint, state: standing } : checkpoint,
  );
}

/** States in which the mainchain holds the checkpoint. */
const ON_MAINCHAIN: readonly CheckpointState[] = ["mined", "soft", "final"];

/** Whether the mainchain holds it. */
export function isOnMainchain(checkpoint: Checkpoint): boolean {
  return checkpoint.state !== undefined && ON_MAINCHAIN.includes(checkpoint.state);
}

/** States of a checkpoint in whose place the contract has another one. */
const NOT_ITS: readonly CheckpointState[] = ["superseded", "rejected"];

/** The first checkpoint, by height, that covers a block. */
export function covering(checkpoints: readonly Checkpoint[], block: number): Checkpoint | undefined {
  const stands = ({ state }: Checkpoint): boolean => state === undefined || !NOT_ITS.includes(state);
  const covers = checkpoints.filter((one) => quantity(one.height) >= block && stands(one));
  return covers.sort((a, b) => quantity(a.height) - quantity(b.height))[0];
}

const STATE_WORDS: Record<CheckpointState, string> = {
  signing: "collects signatures",
  signed: "signed by a quorum",
  submitted: "sent to the mainchain",
  mined: "on the mainchain",
  soft: "on the mainchain and believed",
  final: "final on the mainchain",
  superseded: "superseded",
  rejected: "rejected",
};

export function stateWords(checkpoint: Checkpoint): string {
  return checkpoint.state === undefined ? "signed by a quorum" : STATE_WORDS[checkpoint.state];
}
