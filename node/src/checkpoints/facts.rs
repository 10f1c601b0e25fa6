//! What does the planner have to know of the chain?

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use ledger_chainspec::{Slot, ValidatorSet};
use ledger_checkpoint::statement::{Anchor, Checkpoint, set_hash};

/// What the contract Bootstrap says of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// Blocks from one checkpoint to the next.
    pub interval_blocks: u64,
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract there; zero while there is none.
    pub contract: Address,
}

impl CheckpointConfig {
    /// The contract that checkpoints are signed for, if there is one.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        (!self.contract.is_zero()).then_some(Anchor {
            mainchain_id: self.mainchain_id,
            contract: self.contract,
        })
    }

    /// Whether the block with this number is a checkpoint.
    #[must_use]
    pub fn is_due(&self, number: u64) -> bool {
        number > 0 && self.anchor().is_some() && number.checked_rem(self.interval_blocks) == Some(0)
    }
}

/// The validators of a set, as checkpoints know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSet {
    /// Its number.
    pub id: u64,
    /// Their checkpoint keys, in the order of the set.
    pub keys: Vec<Address>,
}

impl SigningSet {
    /// Of the validators of `set`.
    #[must_use]
    pub fn of(set: &ValidatorSet) -> Self {
        Self {
            id: set.id().get(),
            keys: set.iter().map(|validator| validator.checkpoint_key).collect(),
        }
    }

    /// Its hash, as checkpoints name it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        set_hash(self.id, &self.keys)
    }
}

/// A final block that is a checkpoint, and what holds after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointBlock {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its state root.
    pub state_root: B256,
    /// Its slot.
    pub slot: Slot,
    /// The validator set in force after it.
    pub set: Arc<SigningSet>,
    /// The configuration in force after it.
    pub config: CheckpointConfig,
    /// Recovery blocks up to it.
    pub recoveries: u64,
    /// Root over the hashes of the blocks from the checkpoint before up to it; none if some of them are not here.
    pub history_root: Option<B256>,
}

/// Where a sequence of checkpoints stands: what the next one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// The set that it names, which signs the next one.
    pub next: Arc<SigningSet>,
}
