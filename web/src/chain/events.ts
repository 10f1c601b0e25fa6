/** What happened, as the logs of the chain's own contracts tell it. Pure; a test holds the list against the contracts. */
import { decodeEventLog, parseAbi } from "viem";
import { tokenWords } from "../words";
import { codeNumber, contractName } from "./calls";
import { type Hex, isHexOf } from "./quantity";
import type { RawLog } from "./transact";

export const EVENTS = {
  Transact: parseAbi([
    "event CodeCancelled(uint256 indexed codeId, address indexed holder)",
    "event CodeExpired(uint256 indexed codeId)",
    "event CodeIssued(uint256 indexed codeId, address indexed holder, uint32 indexed specId, uint64 expiresAt)",
    "event CodeRedeemed(uint256 indexed codeId, uint32 indexed memberId, address indexed holder, bytes32 signupRef, uint256 reward)",
    "event CodeTransferred(uint256 indexed codeId, address indexed from, address indexed to)",
    "event EIP712DomainChanged()",
    "event HolderLimitsSet((uint32 liveCodes, uint32 requestsPerPeriod, uint32 periodSeconds) limits)",
    "event OfferPaused(uint32 indexed memberId, uint32 indexed specId, bool paused)",
    "event OfferSet(uint32 indexed memberId, uint32 indexed specId, uint32 quantity)",
    "event SpecDefined(uint32 indexed specId, (string name, uint32 vcpus, uint32 memoryMiB, uint32 diskGiB, uint32 durationHours, uint32 ttlSeconds, uint256 reward, bool requireAuthorization) spec)",
  ]),
  Bootstrap: parseAbi([
    "event CheckpointConfigSet((uint64 intervalBlocks, uint64 mainchainId, address checkpointContract, uint64 confirmations) config)",
    "event GenesisAnchored(bytes32 genesisHash)",
    "event MemberAdmitted(uint32 indexed memberId, address indexed owner, string name)",
    "event MemberRemoved(uint32 indexed memberId)",
    "event NomineeSet(uint32 indexed memberId, address indexed nominee)",
    "event NotaryFloorRaised(uint64 rootVersion, uint64 targetsVersion)",
    "event ProposalExecuted(uint256 indexed proposalId, uint8 indexed kind)",
    "event ProposalLapsed(uint256 indexed proposalId)",
    "event ProposalOpened(uint256 indexed proposalId, uint8 indexed kind, address indexed proposer, uint64 expiresAt)",
    "event ProposalPassed(uint256 indexed proposalId, bytes32 tupleHash, uint64 executableAt)",
    "event ProposalWithdrawn(uint256 indexed proposalId)",
    "event RecoveryOrdered(uint64 indexed epoch, uint64 indexed checkpointNumber)",
    "event RedeemerSet(uint32 indexed memberId, address indexed redeemer, bool enabled)",
    "event ValidatorAdmitted(address indexed account, bytes32 indexed consensusKey, uint32 indexed memberId)",
    "event ValidatorJailed(address indexed account, bytes32 indexed consensusKey, uint8 indexed offence, uint64 slot, bytes32 evidenceHash)",
    "event ValidatorLeft(address indexed account)",
    "event ValidatorRemoved(address indexed account)",
    "event ValidatorSetChanged(uint64 indexed setId)",
    "event VoteCast(uint256 indexed proposalId, address indexed voter, bool support, bytes32 tupleHash)",
    "event VoteWithdrawn(uint256 indexed proposalId, address indexed voter)",
  ]),
  PassportToken: parseAbi([
    "event Approval(address indexed owner, address indexed spender, uint256 value)",
    "event EIP712DomainChanged()",
    "event Transfer(address indexed from, address indexed to, uint256 value)",
  ]),
} as const;

/** One thing that an event says. */
export interface EventFact {
  readonly name: string;
  readonly words: string;
  /** Whether the words are an account's address. */
  readonly isAccount: boolean;
}

/** An event of one of the chain's contracts; `undefined` for logs of anything else. */
export function describeEvent(log: RawLog): { name: string; facts: EventFact[] } | undefined {
  const contract = contractName(log.address);
  const [signature, ...rest] = log.topics;
  if (contract === undefined || !isKnown(contract) || signature === undefined) return undefined;
  try {
    const { eventName, args } = decodeEventLog({
      abi: EVENTS[contract] as (typeof EVENTS)["Bootstrap"],
      data: log.data,
      topics: [signature, ...rest],
    });
    return { name: eventName, facts: factsOf(args ?? {}) };
  } catch {
    return undefined;
  }
}

function isKnown(contract: string): contract is keyof typeof EVENTS {
  return contract in EVENTS;
}

function factsOf(args: object): EventFact[] {
  return Object.entries(args).flatMap(([key, value]) =>
    typeof value === "object" && value !== null
      ? factsOf(value)
      : [{ name: nameOf(key), words: wordsOf(key, value), isAccount: isHexOf(20, String(value)) }],
  );
}

/** `signupRef` as `signup ref`; ids without the word. */
function nameOf(key: string): string {
  const words = key.replace(/[A-Z]+(?![a-z])|[A-Z]/g, (letters) => ` ${letters.toLowerCase()}`);
  return words.replace(/ id$/, "");
}

/** Names of arguments that are moments, in seconds since the Unix epoch, and of amounts of tokens. */
const MOMENTS = ["expiresAt", "executableAt"];
const AMOUNTS = ["reward", "value"];

function wordsOf(key: string, value: unknown): string {
  if (key === "codeId" && typeof value === "bigint") return codeNumber(value);
  if (MOMENTS.includes(key)) return new Date(1000 * Number(value)).toLocaleString();
  if (AMOUNTS.includes(key) && typeof value === "bigint") return tokenWords(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value as Hex | string | number | bigint);
}
