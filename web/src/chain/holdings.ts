/** Which codes has an account ever held? Read from the contract's logs, newest first, a piece of the chain at a time. */
import type { Rpc } from "../rpc/client";
import type { Log } from "../rpc/types";
import { type Hex, quantity, toQuantity, toWord } from "./quantity";
import { leftBy, type Recoveries } from "./recoveries";
import { readEvent } from "./transact";

/** Blocks that one question covers: the node's bound for `eth_getLogs`. */
export const PIECE_BLOCKS = 10_000;
/** Pieces that are read before the user is asked whether to go on. */
export const PIECES_MAX = 12;

/** `keccak256("CodeIssued(uint256,address,uint32,uint64)")` and `keccak256("CodeTransferred(uint256,address,address)")`. */
export const ISSUED: Hex = "0x8f48ccd315f500cf452a8588b02ab312f678227a1b7de72112550284868175c2";
export const TRANSFERRED: Hex = "0x8eb84f6c61ac417248c1dc11d458f3e3385ce1c15e12d105475c8451b9b15a4b";

/** What was found of the blocks from `from` to `to`. */
export interface Holdings {
  readonly from: number;
  readonly to: number;
  /** Numbers of codes as words, the newest first. */
  readonly codeIds: readonly Hex[];
}

/** Whose codes are looked for, and where. */
export interface Holder {
  readonly address: Hex;
  /** Address of the contract Transact. */
  readonly transact: Hex;
  /** Codes of blocks that one of these left behind are none, and their numbers are given to others. */
  readonly recoveries: Recoveries;
}

/** The codes that the holder got in these blocks, the newest first. */
export async function readPiece(rpc: Rpc, holder: Holder, from: number, to: number): Promise<Hex[]> {
  const range = { address: holder.transact, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
  const word = toWord(holder.address);
  const [issued, transferred] = await Promise.all([
    rpc.call<Log[]>("eth_getLogs", { ...range, topics: [ISSUED, null, word] }),
    rpc.call<Log[]>("eth_getLogs", { ...range, topics: [TRANSFERRED, null, null, word] }),
  ]);
  const stands = ({ blockNumber }: Log) => leftBy(holder.recoveries, quantity(blockNumber)) === undefined;
  return newestFirst([...issued, ...transferred].filter(stands));
}

/** The codes that these logs are about, each once, the newest first. */
export function newestFirst(logs: readonly Log[]): Hex[] {
  const place = (log: Log) => Number(log.blockNumber) * 1e6 + Number(log.logIndex);
  const sorted = [...logs].sort((a, b) => place(b) - place(a));
  const ids = sorted.map((log) => readEvent(log)?.args.codeId).filter((id) => id !== undefined);
  return [...new Set(ids.map((id) => toWord(id)))];
}

/** How a look goes about it. */
export interface Look {
  readonly read: (from: number, to: number) => Promise<readonly Hex[]>;
  /** Hears of all that is known, after each piece. */
  readonly found: (found: Holdings) => void;
  readonly newest: () => number;
  readonly isStopped: () => boolean;
}

/** Reads what is newer than what is known, then what is older, in at most `pieces` pieces. */
export async function search(look: Look, pieces: number, recalled: Holdings | undefined): Promise<void> {
  // A chain that is shorter than what is remembered was begun anew.
  let known = recalled && recalled.to <= look.newest() ? recalled : undefined;
  if (known) look.found(known);
  for (let left = pieces; left > 0 && !look.isStopped(); left -= 1) {
    const range = nextPiece(known, look.newest());
    if (range === undefined) return;
    const [from, to] = range;
    known = joined(known, from, to, await look.read(from, to));
    look.found(known);
  }
}

/** The blocks to be read next; none if all are known. */
function nextPiece(known: Holdings | undefined, newest: number): [from: number, to: number] | undefined {
  if (known === undefined) return [Math.max(0, newest - PIECE_BLOCKS + 1), newest];
  if (known.to < newest) return [known.to + 1, Math.min(newest, known.to + PIECE_BLOCKS)];
  if (known.from > 0) return [Math.max(0, known.from - PIECE_BLOCKS), known.from - 1];
  return undefined;
}

function joined(known: Holdings | undefined, from: number, to: number, ids: readonly Hex[]): Holdings {
  if (known === undefined) return { from, to, codeIds: ids };
  const codeIds = from > known.to ? [...ids, ...known.codeIds] : [...known.codeIds, ...ids];
  return { from: Math.min(from, known.from), to: Math.max(to, known.to), codeIds: [...new Set(codeIds)] };
}
