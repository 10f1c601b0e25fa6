//! What a node can be asked about, for routers that send each question to a node that can answer it: what it keeps
//! (`eth_capabilities`), and whether it is up to date (`eth_syncing`).

use alloy_primitives::B256;
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// What the node keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// The newest block.
    pub head: CapabilitiesHead,
    /// Accounts, code and storage.
    pub state: Capability,
    /// Transactions by hash or place.
    pub tx: Capability,
    /// Logs.
    pub logs: Capability,
    /// Receipts.
    pub receipts: Capability,
    /// Headers and bodies.
    pub blocks: Capability,
    /// Merkle proofs.
    pub stateproofs: Capability,
}

/// The newest block, by number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilitiesHead {
    /// Its number.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// What the node keeps of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// Whether it cannot be asked for at all.
    pub disabled: bool,
    /// The oldest block of which it is kept.
    #[serde(with = "quantity::opt", default, skip_serializing_if = "Option::is_none")]
    pub oldest_block: Option<u64>,
    /// What becomes of the old; absent where nothing is ever dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_strategy: Option<DeleteStrategy>,
}

/// What becomes of the old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DeleteStrategy {
    /// The newest blocks are kept.
    Window {
        /// How many.
        #[serde(with = "quantity")]
        retention_blocks: u64,
    },
}

/// Whether the node catches up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SyncStatus {
    /// `false`: it does not.
    Done(bool),
    /// It does, and is so far.
    Catching(SyncInfo),
}

/// How far synchronisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncInfo {
    /// The head when it began.
    #[serde(with = "quantity")]
    pub starting_block: u64,
    /// The head now.
    #[serde(with = "quantity")]
    pub current_block: u64,
    /// The newest block of the peers.
    #[serde(with = "quantity")]
    pub highest_block: u64,
}
