/** What a transaction asks for, in a few words. Pure; a test holds the selectors against the contracts. */
import { decodeFunctionData } from "viem";
import type { Hex } from "./quantity";
import { TRANSACT_ABI } from "./transact";

/** Contracts that every chain has, by their fixed addresses. */
const CONTRACTS: Readonly<Record<string, string>> = {
  "0x0000000000000000000000000000000000001001": "Bootstrap",
  "0x0000000000000000000000000000000000001002": "Transact",
  "0x0000000000000000000000000000000000001003": "PassportToken",
};

/** Names of the calls that change something, by their selectors. */
export const CALLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Transact: {
    "0x40e58ee5": "cancel",
    "0x25fbd9a3": "defineSpec",
    "0x6e7cee86": "forget",
    "0x4cda9b55": "pause",
    "0x2be4361b": "redeem",
    "0x87fb95f9": "requestCode",
    "0x2ec84ac2": "resume",
    "0xbe5f3ad7": "retireOffer",
    "0x432cd390": "setHolderLimits",
    "0x2b449aab": "setOffer",
    "0x9eaefeba": "sweep",
    "0xb7760c8f": "transfer",
  },
  Bootstrap: {
    "0x38bc7901": "anchorGenesis",
    "0xfe0d94c1": "execute",
    "0xd66d9e19": "leave",
    "0xb332180b": "nominate",
    "0xe6ad31c0": "proposeCheckpointConfig",
    "0x95f4759e": "proposeLimits",
    "0xb54bc4c8": "proposeMemberRemoval",
    "0xba2cee7b": "proposeRecovery",
    "0x01f7c6e3": "proposeRemoval",
    "0xb403e3a7": "proposeSpec",
    "0x033b14f7": "recount",
    "0x916f28f6": "requestAdmission",
    "0x589260ae": "setRedeemer",
    "0xaca5f458": "submitEvidence",
    "0x51ec4285": "unvote",
    "0xf8d74862": "vote",
    "0x2e1a7d4d": "withdraw",
  },
  PassportToken: {
    "0x095ea7b3": "approve",
    "0x40c10f19": "mint",
    "0xd505accf": "permit",
    "0xa9059cbb": "transfer",
    "0x23b872dd": "transferFrom",
  },
};

export function contractName(address: string): string | undefined {
  return CONTRACTS[address.toLowerCase()];
}

/** What is asked of whom. */
export function callWords(to: Hex | null, input: Hex): string {
  if (to === null) return "makes a contract";
  const contract = contractName(to);
  if (contract === undefined)
    return input === "0x" ? "sends a transfer" : `calls a contract with ${input.slice(0, 10)}`;
  const call = CALLS[contract]?.[input.slice(0, 10)] ?? "something that it does not have";
  return `${contract}: ${(contract === "Transact" && withArguments(input)) || call}`;
}

/** The contract's number of a code as people write it: `spec:sequence`. */
export function codeNumber(codeId: bigint): string {
  return `${codeId >> 64n}:${BigInt.asUintN(64, codeId)}`;
}

function withArguments(input: Hex): string | undefined {
  try {
    const { functionName, args } = decodeFunctionData({ abi: TRANSACT_ABI, data: input });
    // Of these calls, the numbers of 256 bits are codes.
    const words = args.map((value) => (typeof value === "bigint" ? codeNumber(value) : value));
    return `${functionName}(${words.join(", ")})`;
  } catch {
    return undefined;
  }
}
