//! What the mainchain says of this chain, as a node has read it back.

use alloy_primitives::{Address, B256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// How firm a checkpoint is on the mainchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnchorStanding {
    /// The contract has it.
    Mined,
    /// As many of the mainchain's blocks are upon it as it takes to be believed.
    Soft,
    /// So many that no reorganisation takes it.
    Final,
}

/// A checkpoint on the mainchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorPoint {
    /// Its place in the sequence, from 1.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Number of the block that it anchors.
    #[serde(with = "quantity")]
    pub height: u64,
    /// How firm it is.
    pub standing: AnchorStanding,
}

/// Something wrong with the anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorAlarm {
    /// Its name, as in the metrics.
    pub name: String,
    /// The same as a sentence.
    pub message: String,
}

/// A block that a confirmed checkpoint contradicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorContradiction {
    /// The checkpoint.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Its height.
    #[serde(with = "quantity")]
    pub height: u64,
    /// Number of the block.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Hash of the block that is anchored.
    pub anchored: B256,
    /// Hash of the other one.
    pub got: B256,
}

/// How the node's reading of the mainchain stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorStatus {
    /// The checkpoint contract that is read.
    pub contract: Address,
    /// Whether everything in it was read once.
    pub complete: bool,
    /// The mainchain's newest block; absent before it answered.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub mainchain_block: Option<u64>,
    /// When the mainchain last answered, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub answered_at: Option<u64>,
    /// The newest checkpoint on the mainchain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<AnchorPoint>,
    /// The newest one that is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub believed: Option<AnchorPoint>,
    /// Seconds since the block was made that the newest checkpoint anchors; absent if that block is not here.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub age_seconds: Option<u64>,
    /// What is wrong.
    pub alarms: Vec<AnchorAlarm>,
    /// What halted this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<AnchorContradiction>,
    /// The checkpoint that this node waits to be recovered to, at its operator's word (`--recover-from`).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub recovering: Option<u64>,
    /// What was offered last by others and not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<AnchorContradiction>,
}
