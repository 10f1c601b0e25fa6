//! How the last slots went.

use alloy_primitives::B256;
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

use super::ValidatorName;

/// Most slots that one question may ask for, and that a node remembers.
pub const SLOTS_PER_QUESTION_MAX: u64 = 1_024;

/// A block, as its slot made it final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalBlock {
    /// Its number.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Transactions in it.
    #[serde(with = "quantity")]
    pub transactions: u64,
    /// Milliseconds from the start of the slot until it was final on this node.
    #[serde(with = "quantity")]
    pub final_after_ms: u64,
}

/// A slot in which a block was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotInfo {
    /// The slot.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// The ed25519 public key of the validator whose turn it was.
    pub authority: B256,
    /// The block that it made; absent if the turn was missed: something waited before the slot began, and no block came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<FinalBlock>,
}

/// What a validator made of its turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnsInfo {
    /// Which one.
    pub validator: ValidatorName,
    /// Blocks that it made.
    #[serde(with = "quantity")]
    pub blocks: u64,
    /// Turns that it missed.
    #[serde(with = "quantity")]
    pub missed: u64,
}

/// How the last slots went, as this node saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotsInfo {
    /// The current slot.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// This node's clock, in milliseconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub now_ms: u64,
    /// The slot from which on this node has watched: that of its start.
    #[serde(with = "quantity")]
    pub since_slot: u64,
    /// The slots in which a block was due, oldest first. In slots between them nothing waited.
    pub slots: Vec<SlotInfo>,
    /// The current validators in the order of their turns, and what each made of them since then.
    pub turns: Vec<TurnsInfo>,
}
