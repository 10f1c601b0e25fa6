//! What a recovery leaves behind, for clouds that gave something for codes redeemed in it.

use alloy_primitives::{Address, B256, U256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

use super::{BlockPoint, CloudInfo};

/// Redemptions after which an answer ends with the block that it is at; the rest is asked for from the next block.
pub const REDEMPTIONS_PER_ANSWER_MAX: usize = 1_000;

/// Blocks that one answer looks through at most.
pub const SPAN_BLOCKS_PER_ANSWER_MAX: u64 = 10_000;

/// Which span is asked for: of a recovery that was, by its epoch; or of one that could be, back to a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecoveredSpanQuery {
    /// Number of the recovery, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub epoch: Option<u64>,
    /// Index of a checkpoint on the mainchain that the chain could go back to.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub checkpoint: Option<u64>,
    /// The block to go on from, as the answer before named it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub from: Option<u64>,
}

/// Blocks that a recovery left behind, or would, and the codes that were redeemed in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveredSpan {
    /// Number of the recovery; absent if it has not been.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub epoch: Option<u64>,
    /// Index of the checkpoint that it goes back to.
    #[serde(with = "quantity")]
    pub checkpoint: u64,
    /// The checkpoint's block.
    pub target: BlockPoint,
    /// State root of that block, which the mainchain holds too.
    pub state_root: B256,
    /// The first block left behind.
    #[serde(with = "quantity")]
    pub first: u64,
    /// The last block left behind; until there is a recovery, the newest one.
    #[serde(with = "quantity")]
    pub last: u64,
    /// The recovery block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<BlockPoint>,
    /// The codes that were redeemed, in their order.
    pub redemptions: Vec<SpanRedemption>,
    /// The block to ask from for the rest, if there is more.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub next: Option<u64>,
}

/// A code that a cloud redeemed in a block that was left behind: the cloud gave something for it, and the ledger has forgotten it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanRedemption {
    /// The contract's number of the code.
    pub code_id: U256,
    /// The cloud.
    pub cloud: CloudInfo,
    /// Who held it.
    pub holder: Address,
    /// The cloud's reference of the sign-up.
    pub signup_ref: B256,
    /// What the holder got, in the token's smallest unit.
    pub reward: U256,
    /// The block.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// The transaction.
    pub transaction: B256,
}
