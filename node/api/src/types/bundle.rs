//! What of a checkpoint the mainchain's contract takes, as whoever brings it there reads it from the answer to `ledger_checkpoints`.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// The fields of a [`CheckpointInfo`](super::CheckpointInfo) that are the checkpoint and its signatures: what the contract on the mainchain
/// takes, if they are a quorum's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointBundle {
    /// Its place in the sequence, from 1 without a gap.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Recoveries so far.
    #[serde(with = "quantity")]
    pub epoch: u64,
    /// Number of the validator set that signs.
    #[serde(with = "quantity")]
    pub set_id: u64,
    /// Number of the block that is anchored.
    #[serde(with = "quantity")]
    pub height: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// State root of that block.
    pub state_root: B256,
    /// Root over the hashes of the blocks since the checkpoint before.
    pub history_root: B256,
    /// Fingerprint of the checkpoint before; of the first, the genesis hash.
    pub parent: B256,
    /// Hash of the set that signs the next checkpoint.
    pub next_set_hash: B256,
    /// Checkpoint keys of the set that signs, in its order.
    pub keys: Vec<Address>,
    /// Who signed: bit i for `keys[i]`.
    pub bitmap: U256,
    /// One signature per bit, from the lowest: r, s, v of 65 bytes.
    pub signatures: Bytes,
}
