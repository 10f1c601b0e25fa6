/** The answers of the node that the pages read, as `node/api` has them. Numbers are quantities. */
import type { Hex } from "../chain/quantity";
import type { AnchorStatus, CheckpointStatus } from "./checkpoints";

export interface BlockPoint {
  number: Hex;
  hash: Hex;
  timestamp: Hex;
}

export interface CloudInfo {
  memberId: Hex;
  name: string;
  owner: Hex;
}

export interface SpecInfo {
  specId: Hex;
  name: string;
  vcpus: Hex;
  memoryMib: Hex;
  diskGib: Hex;
  hours: Hex;
  ttlSeconds: Hex;
  reward: Hex;
  requiresAuthorization: boolean;
}

export interface OfferInfo {
  memberId: Hex;
  cloud: string;
  left: Hex;
  paused: boolean;
}

export interface PoolEntry {
  specId: Hex;
  name: string;
  liveCodes: Hex;
  offered: Hex;
  available: Hex;
  offers: OfferInfo[];
}

export type CodeState = "live" | "expired" | "cancelled" | "redeemed";

export interface CodeInfo {
  codeId: Hex;
  transaction: Hex;
  passportCode: string;
  state: CodeState;
  holder: Hex;
  requester: Hex;
  spec: SpecInfo;
  blockNumber: Hex;
  issuedAt: Hex;
  expiresAt: Hex;
  ending?: { transaction: Hex; blockNumber: Hex; timestamp: Hex; redeemedBy?: CloudInfo };
}

export type Verdict =
  | "valid"
  | "transferred"
  | "expired"
  | "cancelled"
  | "redeemed"
  | "neverIssued"
  | "pending"
  | "failed"
  | "notARequest";

export interface Verification {
  verdict: Verdict;
  redeemable: boolean;
  reason: string;
  obstacle?: string;
  requiresAuthorization: boolean;
  ttlSeconds: Hex;
  code?: CodeInfo;
  cloud: CloudInfo;
  block: BlockPoint;
}

export interface ValidatorName {
  index?: Hex;
  consensusKey: Hex;
  account?: Hex;
  cloud?: string;
}

export interface EndorsementInfo {
  transaction: Hex;
  slot: Hex;
  slotStartMs: Hex;
  authority: ValidatorName;
  transactions: Hex[];
  signature: Hex;
  blockNumber?: Hex;
}

export interface ValidatorInfo {
  index: Hex;
  account: Hex;
  consensusKey: Hex;
  checkpointKey: Hex;
  peerId: string;
  memberId: Hex;
  cloud: string;
}

export interface ValidatorsInfo {
  setId: Hex;
  setHash: Hex;
  quorum: Hex;
  validators: ValidatorInfo[];
}

export interface ProposalInfo {
  proposalId: Hex;
  kind: string;
  status: "open" | "passed";
  proposer: Hex;
  openedAt: Hex;
  expiresAt: Hex;
  executableAt?: Hex;
  votesFor: Hex;
  votesNeeded: Hex;
  votes: { validator: Hex; support: boolean }[];
  notary?: { state: "good" | "refused" | "unknown"; words: string; checkedAt: Hex };
  summary: string;
  changes: { name: string; from?: string; to: string }[];
}

export interface NodeStatus {
  chain: string;
  chainId: Hex;
  genesisHash: Hex;
  clientVersion: string;
  head: BlockPoint;
  slot: Hex;
  slotDurationMs: Hex;
  historyFrom: Hex;
  setId: Hex;
  validators: Hex;
  ownValidator?: ValidatorName;
  peers: Hex;
  connectedValidators: Hex;
  highestPeerBlock?: Hex;
  syncing: boolean;
  syncTarget?: Hex;
  pool: { pending: Hex; queued: Hex };
  checkpoints?: CheckpointStatus;
  anchor?: AnchorStatus;
  contracts: { bootstrap: Hex; transact: Hex; passportToken: Hex };
}

export interface StallReport {
  stalled: boolean;
  summary: string;
  reasons: string[];
  head: BlockPoint;
  headSlot: Hex;
  heartbeatSlot: Hex;
  pending: Hex;
  open?: { height: Hex; slot: Hex; authority: ValidatorName; quorum: Hex; hasWork: boolean };
  validators: { validator: ValidatorName; own: boolean; connected: boolean; lastHeardSlot?: Hex }[];
  peers: Hex;
  clockOffsetMs?: number;
}

export interface PeerInfo {
  peerId: string;
  address: string;
  validator?: ValidatorName;
  reserved: boolean;
  incoming: boolean;
  agent: string;
  head?: { number: Hex; hash: Hex; oldest: Hex };
  clockOffsetMs?: number;
  roundTripUs?: Hex;
  score: number;
  connectedSince: Hex;
}

export interface EvidenceInfo {
  offender: ValidatorName;
  kind: string;
  slot: Hex;
  foundAt: Hex;
  state: "waiting" | "submitted" | "jailed" | "refused";
}

export interface Header {
  number: Hex;
  hash: Hex;
  parentHash: Hex;
  miner: Hex;
  timestamp: Hex;
  stateRoot: Hex;
  gasUsed: Hex;
  gasLimit: Hex;
  extraData: Hex;
  size?: Hex;
}

export interface Block extends Header {
  transactions: (Hex | Transaction)[];
}

export interface Transaction {
  hash: Hex;
  from: Hex;
  to: Hex | null;
  nonce: Hex;
  input: Hex;
  value: Hex;
  gas: Hex;
  type: Hex;
  blockNumber: Hex | null;
  transactionIndex: Hex | null;
}

export interface Log {
  address: Hex;
  topics: Hex[];
  data: Hex;
  blockNumber: Hex;
  blockTimestamp?: Hex;
  transactionHash: Hex;
  logIndex: Hex;
}

export interface Receipt {
  transactionHash: Hex;
  blockNumber: Hex;
  status: Hex;
  gasUsed: Hex;
  contractAddress: Hex | null;
  logs: Log[];
}

export interface SlotInfo {
  slot: Hex;
  authority: Hex;
  block?: { number: Hex; hash: Hex; transactions: Hex; finalAfterMs: Hex };
}

export interface SlotsInfo {
  slot: Hex;
  nowMs: Hex;
  sinceSlot: Hex;
  slots: SlotInfo[];
  turns: { validator: ValidatorName; blocks: Hex; missed: Hex }[];
}
