//! What the validators sign for the mainchain, as a node hands it to whoever brings it there.

use alloy_primitives::{Address, B256};
use alloy_serde::quantity;
use ledger_chainspec::CheckpointBundle;
use serde::{Deserialize, Serialize};

/// Most checkpoints that one question may ask for: of the largest set they fit into one answer.
pub const CHECKPOINTS_PER_QUESTION_MAX: u64 = 64;

/// Which checkpoints are asked for. The answer is a list of [`CheckpointInfo`], in order; shorter where there are no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointsQuery {
    /// Index of the first.
    #[serde(with = "quantity")]
    pub from: u64,
    /// How many at most; no more than [`CHECKPOINTS_PER_QUESTION_MAX`] are given.
    #[serde(with = "quantity")]
    pub count: u64,
}

/// How far a checkpoint has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckpointState {
    /// Fewer signatures than the quorum are known here.
    Signing,
    /// A quorum has signed it, and nothing is known of it on the mainchain.
    Signed,
    /// This node's relayer has a transaction for it on its way to the mainchain.
    Submitted,
    /// The mainchain's contract has it.
    Mined,
    /// So many of the mainchain's blocks are upon it that a common reorganisation does not take it back.
    Soft,
    /// As many as no known reorganisation has taken back.
    Final,
    /// The mainchain's contract has another checkpoint for its index.
    Superseded,
    /// The same, and this one was shown to the contract and recorded as a conflict, as this node saw since it was started.
    Rejected,
}

/// A checkpoint, who has signed it, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointInfo {
    /// It and its signatures.
    #[serde(flatten)]
    pub bundle: CheckpointBundle,
    /// The hash that is signed (EIP-712).
    pub fingerprint: B256,
    /// How many have signed.
    #[serde(with = "quantity")]
    pub signed: u64,
    /// How many have to.
    #[serde(with = "quantity")]
    pub quorum: u64,
    /// How far it has come.
    pub state: CheckpointState,
    /// The mainchain's transaction that brings it, if it is one of this node's relayer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
}

/// Where a checkpoint is, briefly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointPoint {
    /// Its place in the sequence.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Number of the block that it anchors.
    #[serde(with = "quantity")]
    pub height: u64,
    /// How many have signed it.
    #[serde(with = "quantity")]
    pub signed: u64,
    /// How many have to.
    #[serde(with = "quantity")]
    pub quorum: u64,
    /// How far it has come.
    pub state: CheckpointState,
}

/// How the signing of checkpoints stands, as `ledger_status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointStatus {
    /// The same in a sentence: whether checkpoints are signed, and if not, why not and what to do.
    pub summary: String,
    /// Chain id of the mainchain.
    #[serde(with = "quantity")]
    pub mainchain_id: u64,
    /// The checkpoint contract there; absent while none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// A checkpoint is made of every block whose number is a multiple of this.
    #[serde(with = "quantity")]
    pub interval_blocks: u64,
    /// The address that this node signs with, if it has a checkpoint key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_key: Option<Address>,
    /// The newest one that a quorum has signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_signed: Option<CheckpointPoint>,
    /// The oldest one that waits for signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_waiting: Option<CheckpointPoint>,
    /// How many wait for signatures.
    #[serde(with = "quantity")]
    pub waiting: u64,
}
