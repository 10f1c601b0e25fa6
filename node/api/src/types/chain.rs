//! Where the node and its chain stand.

use alloy_primitives::{Address, B256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

use super::{AnchorStatus, CheckpointStatus, ValidatorName};

/// A block, briefly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockPoint {
    /// Its number.
    #[serde(with = "quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub timestamp: u64,
}

/// Where the chain's own contracts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractAddresses {
    /// Members, validators, governance.
    pub bootstrap: Address,
    /// Promo codes.
    pub transact: Address,
    /// Rewards.
    pub passport_token: Address,
}

/// How full the transaction pool is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatus {
    /// Transactions that the next blocks can take.
    #[serde(with = "quantity")]
    pub pending: u64,
    /// Transactions that wait for an earlier nonce or for balance.
    #[serde(with = "quantity")]
    pub queued: u64,
}

/// How the node and its chain stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The chain's name.
    pub chain: String,
    /// Its EIP-155 id.
    #[serde(with = "quantity")]
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis_hash: B256,
    /// Name and version of the node's software.
    pub client_version: String,
    /// The newest block, which is final.
    pub head: BlockPoint,
    /// That block's slot.
    #[serde(with = "quantity")]
    pub slot: u64,
    /// Milliseconds that a slot lasts.
    #[serde(with = "quantity")]
    pub slot_duration_ms: u64,
    /// The oldest block whose state can be read.
    #[serde(with = "quantity")]
    pub history_from: u64,
    /// Number of the validator set that decides the next block.
    #[serde(with = "quantity")]
    pub set_id: u64,
    /// Validators in it.
    #[serde(with = "quantity")]
    pub validators: u64,
    /// The validator that this node signs for, if it has the key of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_validator: Option<ValidatorName>,
    /// Connected peers.
    #[serde(with = "quantity")]
    pub peers: u64,
    /// Those of them that are validators.
    #[serde(default, with = "quantity")]
    pub connected_validators: u64,
    /// The newest block that a peer tells of; absent as long as none does.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub highest_peer_block: Option<u64>,
    /// Whether the node is catching up with its peers.
    pub syncing: bool,
    /// The block that it catches up with; absent while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub sync_target: Option<u64>,
    /// How the signing of checkpoints stands; absent if the node is of a version before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<CheckpointStatus>,
    /// The transaction pool.
    pub pool: PoolStatus,
    /// The chain's contracts.
    pub contracts: ContractAddresses,
    /// What the mainchain says of this chain; absent if the node does not read it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<AnchorStatus>,
}
