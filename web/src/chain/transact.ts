/**
 * What the pages say to the contract Transact, and what they read in its logs. A test holds this part of the ABI against the
 * committed artifact.
 */
import { decodeEventLog, decodeFunctionResult, encodeFunctionData } from "viem";
import type { Hex } from "./quantity";

export const TRANSACT_ABI = [
  {
    type: "function",
    name: "requestCode",
    stateMutability: "nonpayable",
    inputs: [{ name: "specId", type: "uint32" }],
    outputs: [{ name: "codeId", type: "uint256" }],
  },
  {
    type: "function",
    name: "transfer",
    stateMutability: "nonpayable",
    inputs: [
      { name: "codeId", type: "uint256" },
      { name: "to", type: "address" },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "cancel",
    stateMutability: "nonpayable",
    inputs: [{ name: "codeId", type: "uint256" }],
    outputs: [],
  },
  {
    type: "function",
    name: "pool",
    stateMutability: "view",
    inputs: [{ name: "specId", type: "uint32" }],
    outputs: [
      {
        name: "",
        type: "tuple",
        components: [
          { name: "issued", type: "uint64" },
          { name: "head", type: "uint64" },
          { name: "live", type: "uint32" },
          { name: "offered", type: "uint32" },
          { name: "open", type: "uint32" },
          { name: "available", type: "uint32" },
        ],
      },
    ],
  },
  {
    type: "event",
    name: "CodeIssued",
    inputs: [
      { name: "codeId", type: "uint256", indexed: true },
      { name: "holder", type: "address", indexed: true },
      { name: "specId", type: "uint32", indexed: true },
      { name: "expiresAt", type: "uint64", indexed: false },
    ],
  },
  {
    type: "event",
    name: "CodeTransferred",
    inputs: [
      { name: "codeId", type: "uint256", indexed: true },
      { name: "from", type: "address", indexed: true },
      { name: "to", type: "address", indexed: true },
    ],
  },
  {
    type: "event",
    name: "CodeCancelled",
    inputs: [
      { name: "codeId", type: "uint256", indexed: true },
      { name: "holder", type: "address", indexed: true },
    ],
  },
  {
    type: "event",
    name: "CodeRedeemed",
    inputs: [
      { name: "codeId", type: "uint256", indexed: true },
      { name: "memberId", type: "uint32", indexed: true },
      { name: "holder", type: "address", indexed: true },
      { name: "signupRef", type: "bytes32", indexed: false },
      { name: "reward", type: "uint256", indexed: false },
    ],
  },
  {
    type: "event",
    name: "CodeExpired",
    inputs: [{ name: "codeId", type: "uint256", indexed: true }],
  },
] as const;

/** The input of a transaction that asks for a code. */
export function requestInput(specId: number): Hex {
  return encodeFunctionData({ abi: TRANSACT_ABI, functionName: "requestCode", args: [specId] });
}

/** The input of a transaction that gives a code to somebody else. */
export function transferInput(codeId: bigint, to: Hex): Hex {
  return encodeFunctionData({ abi: TRANSACT_ABI, functionName: "transfer", args: [codeId, to] });
}

/** The input of a transaction that gives a code back. */
export function cancelInput(codeId: bigint): Hex {
  return encodeFunctionData({ abi: TRANSACT_ABI, functionName: "cancel", args: [codeId] });
}

/** The input of a call that reads a spec's pool. */
export function poolInput(specId: number): Hex {
  return encodeFunctionData({ abi: TRANSACT_ABI, functionName: "pool", args: [specId] });
}

/** A pool at some block. */
export interface PoolState {
  readonly issued: number;
  readonly live: number;
  /** What the clouds offer that have not paused. */
  readonly open: number;
}

/** What a call with {@link poolInput} gives. */
export function readPool(output: Hex): PoolState {
  const pool = decodeFunctionResult({ abi: TRANSACT_ABI, functionName: "pool", data: output });
  return { issued: Number(pool.issued), live: pool.live, open: pool.open };
}

/** A log as far as its meaning goes. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** What an event of the contract says, with its name; `undefined` for logs of anything else. */
export function readEvent(log: RawLog) {
  const [signature, ...rest] = log.topics;
  if (signature === undefined) return undefined;
  try {
    return decodeEventLog({ abi: TRANSACT_ABI, data: log.data, topics: [signature, ...rest] });
  } catch {
    return undefined;
  }
}
