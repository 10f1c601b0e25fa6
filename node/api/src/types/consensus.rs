//! How blocks come to be, and why they do not: promises, votes, peers, proofs of broken rules.

use alloy_primitives::{Address, B256, Bytes};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

use super::BlockPoint;

/// A validator, as people and as the protocol know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorName {
    /// Its place in the schedule; absent for one that is in the set no more.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub index: Option<u64>,
    /// Its ed25519 public key, which signs blocks, votes and promises.
    pub consensus_key: B256,
    /// Its account; absent for a key that never was a validator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Address>,
    /// The name of the cloud that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
}

/// An authority's signed promise that transactions go first (R13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndorsementInfo {
    /// The transaction that was asked for.
    pub transaction: B256,
    /// The slot of the promise.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// When that slot begins, in milliseconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub slot_start_ms: u64,
    /// Who promises: the authority of the slot.
    pub authority: ValidatorName,
    /// All transactions that the promise is about, in the order in which they go first.
    pub transactions: Vec<B256>,
    /// The authority's ed25519 signature over `cloud-endorse/v1`, genesis hash, slot and transactions, as PROTOCOL.md has it.
    pub signature: Bytes,
    /// The block that holds the transaction; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub block_number: Option<u64>,
}

/// A validator and what this node heard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorHeard {
    /// Which one.
    pub validator: ValidatorName,
    /// Whether it is this node.
    pub own: bool,
    /// Whether this node is connected to it directly; it may hear it through others all the same.
    pub connected: bool,
    /// The newest slot in which it voted at the open height; absent if no vote has come.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub last_heard_slot: Option<u64>,
}

/// A block and the slot of what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotBlock {
    /// The slot.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// The block's hash.
    pub hash: B256,
}

/// Why a node signs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SilenceKind {
    /// It has no key, or its key is no validator's.
    NotAValidator,
    /// It met what only a person can judge, and stopped.
    Halted,
    /// Its clock is off (R9).
    ClockOff,
    /// The record of what it has signed is lost (R8).
    GuardLost,
    /// The record of what it has signed is ahead of its chain (R8).
    GuardAhead,
}

/// How the height stands that is being decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenHeight {
    /// The height.
    #[serde(with = "quantity")]
    pub height: u64,
    /// The current slot.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// Whose turn it is.
    pub authority: ValidatorName,
    /// How many validators decide.
    #[serde(with = "quantity")]
    pub quorum: u64,
    /// Whether there is something to include.
    pub has_work: bool,
    /// The block that this node has precommitted and stands by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<SlotBlock>,
    /// The newest block that a quorum has prevoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_certificate: Option<SlotBlock>,
    /// The block that a quorum has decided and that is fetched, checked or written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<B256>,
    /// Why this node signs nothing, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<SilenceKind>,
    /// What this node refused to sign last, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<String>,
}

/// Whether blocks come, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StallReport {
    /// Whether a block is overdue.
    pub stalled: bool,
    /// The same as a sentence.
    pub summary: String,
    /// What is missing and what to do about it, the most important first; empty if all is well.
    pub reasons: Vec<String>,
    /// The newest block, which is final.
    pub head: BlockPoint,
    /// That block's slot.
    #[serde(with = "quantity")]
    pub head_slot: u64,
    /// The slot from which a block comes even if nothing waits.
    #[serde(with = "quantity")]
    pub heartbeat_slot: u64,
    /// Transactions that the next blocks can take.
    #[serde(with = "quantity")]
    pub pending: u64,
    /// The height that is being decided; absent if the part of the node that knows did not answer in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenHeight>,
    /// The validators in the order of their turns, and who was heard.
    pub validators: Vec<ValidatorHeard>,
    /// Connected peers.
    #[serde(with = "quantity")]
    pub peers: u64,
    /// Milliseconds that this node's clock is ahead of its peers' (behind if negative); absent before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
}

/// What the two statements of an [`EvidenceInfo`] prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BrokenRule {
    /// Two blocks in one slot.
    DoubleSeal,
    /// Two votes of one kind in one slot.
    DoubleVote,
    /// A prevote against an earlier precommit.
    Amnesia,
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceStanding {
    /// It waits for its turn to be handed to the contract.
    Waiting,
    /// This node has handed it to the contract.
    Submitted,
    /// The contract has put the validator out of the set.
    Jailed,
    /// The contract does not take it: the key is no validator's, or the last one's.
    Refused,
}

/// Proof that a validator broke the rules (R12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceInfo {
    /// Who broke them.
    pub offender: ValidatorName,
    /// Which one.
    pub kind: BrokenRule,
    /// The slot of the later statement.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// One signed statement, in the form in which the contract Bootstrap takes it.
    pub first: Bytes,
    /// The other one, which no honest validator signs too.
    pub second: Bytes,
    /// The newest block when this node found it.
    #[serde(with = "quantity")]
    pub found_at: u64,
    /// Where it stands.
    pub state: EvidenceStanding,
    /// The transaction in which this node handed it to the contract, while that is not settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
}

/// What a peer says that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerHead {
    /// Its newest block.
    #[serde(with = "quantity")]
    pub number: u64,
    /// That block's hash.
    pub hash: B256,
    /// The oldest block that it can give.
    #[serde(with = "quantity")]
    pub oldest: u64,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// Its libp2p peer id, in base58.
    pub peer_id: String,
    /// Where it is connected from or to, as a multiaddress.
    pub address: String,
    /// The validator that is registered with this peer id, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<ValidatorName>,
    /// Whether the operator of this node reserved a place for it.
    pub reserved: bool,
    /// Whether it opened the connection.
    pub incoming: bool,
    /// What software it says it is.
    pub agent: String,
    /// What it says that it has; absent before it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<PeerHead>,
    /// Milliseconds that its clock is ahead of this node's (behind if negative); absent before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// Microseconds to it and back; absent before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub round_trip_us: Option<u64>,
    /// Points left: 100 if it did nothing wrong, 0 if it is about to be let go.
    pub score: i32,
    /// Since when, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub connected_since: u64,
}
