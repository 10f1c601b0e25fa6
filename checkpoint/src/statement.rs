//! What do the validators say to the mainchain, under which hash do they sign it, and is a bundle of their signatures good?
//!
//! Called by the planner before it takes a bundle, by the relayer to write the call, by the watcher to recompute what is anchored, by the
//! node that collects signatures. Here alone a checkpoint changes between the contract's struct and the fields that JSON, the wire and the
//! disk have. Pure: the contract decides, and this module only spares it (and the purse) what it would refuse.

use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_sol_types::SolCall;
use ledger_chainspec::{CHECKPOINT_SIGNATURE_BYTES, CheckpointBundle, CheckpointFields, VALIDATORS_MAX};
use ledger_contracts::CheckpointContract::makeCheckpointCall;
pub use ledger_contracts::checkpoint::{Checkpoint, KEYS_MAX, SIGNATURE_BYTES, quorum, set_hash};

// What the wire and JSON carry, the contract takes.
const _: () = assert!(CHECKPOINT_SIGNATURE_BYTES == SIGNATURE_BYTES && VALIDATORS_MAX <= KEYS_MAX);

/// The contract that checkpoints are signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract there.
    pub contract: Address,
}

impl Anchor {
    /// The checkpoint's fingerprint: the hash that validators sign and the contract keeps.
    #[must_use]
    pub fn fingerprint(&self, checkpoint: &Checkpoint) -> B256 {
        ledger_contracts::checkpoint::fingerprint(self.mainchain_id, self.contract, checkpoint)
    }
}

/// A checkpoint with the signatures that make it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Checkpoint keys of the set that signs, in its order.
    pub keys: Vec<Address>,
    /// Who signed: bit i for `keys[i]`.
    pub bitmap: U256,
    /// One signature per bit, from the lowest; 65 bytes each.
    pub signatures: Bytes,
}

/// Why a bundle is worth nothing. The contract would refuse it, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    /// Not the index asked for.
    #[error("it is checkpoint {got}, and {expected} was asked for")]
    Index {
        /// Its own.
        got: u64,
        /// The one asked for.
        expected: u64,
    },
    /// It does not follow the checkpoint before.
    #[error("its parent is {got}, and the checkpoint before has the fingerprint {expected}")]
    Parent {
        /// Named by it.
        got: B256,
        /// Of the checkpoint before.
        expected: B256,
    },
    /// Signed by another set than the checkpoint before named.
    #[error("its set has the hash {got}, and the checkpoint before named {expected}")]
    Set {
        /// Of its keys.
        got: B256,
        /// Named by the checkpoint before.
        expected: B256,
    },
    /// No set, or one that the bitmap cannot hold.
    #[error("its set has {0} keys; a set has 1 to {KEYS_MAX}")]
    Keys(usize),
    /// The bitmap names positions that the set does not have.
    #[error("its bitmap names keys beyond the {0} of its set")]
    Bitmap(usize),
    /// Not 65 bytes per bit.
    #[error("it has {got} bytes of signatures, and its bitmap asks for {expected}")]
    Length {
        /// What it has.
        got: usize,
        /// What the bitmap asks for.
        expected: usize,
    },
    /// Fewer signatures than the quorum.
    #[error("it has {got} signatures, and the quorum is {expected}")]
    Quorum {
        /// What it has.
        got: usize,
        /// What the contract asks for.
        expected: usize,
    },
    /// A signature that is none of its key, or the high twin of one.
    #[error("the signature of {key} is not valid")]
    Signature {
        /// Whose it should be.
        key: Address,
    },
}

impl Bundle {
    /// Whether as many signed as the contract asks for, right or wrong.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        self.bitmap.count_ones() >= quorum(self.keys.len())
    }

    /// Whether the contract would take the signatures, as far as that can be said without the chain.
    ///
    /// # Errors
    /// [`BadBundle`], the first thing that is wrong.
    pub fn check(&self, anchor: &Anchor) -> Result<(), BadBundle> {
        let count = self.keys.len();
        if count == 0 || count > KEYS_MAX {
            return Err(BadBundle::Keys(count));
        }
        if self.bitmap.bit_len() > count {
            return Err(BadBundle::Bitmap(count));
        }
        let signers = self.bitmap.count_ones();
        if self.signatures.len() != signers * SIGNATURE_BYTES {
            return Err(BadBundle::Length {
                got: self.signatures.len(),
                expected: signers * SIGNATURE_BYTES,
            });
        }
        if signers < quorum(count) {
            return Err(BadBundle::Quorum {
                got: signers,
                expected: quorum(count),
            });
        }
        let digest = anchor.fingerprint(&self.checkpoint);
        let signed = self.keys.iter().enumerate().filter(|(at, _)| self.bitmap.bit(*at));
        for ((_, key), bytes) in signed.zip(self.signatures.chunks_exact(SIGNATURE_BYTES)) {
            if signer_of(&digest, bytes) != Some(*key) {
                return Err(BadBundle::Signature { key: *key });
            }
        }
        Ok(())
    }

    /// Whether it follows `before`: parent and set.
    ///
    /// # Errors
    /// [`BadBundle::Parent`], [`BadBundle::Set`].
    pub fn check_after(&self, anchor: &Anchor, before: &Checkpoint) -> Result<(), BadBundle> {
        let expected = anchor.fingerprint(before);
        if self.checkpoint.parent != expected {
            return Err(BadBundle::Parent {
                got: self.checkpoint.parent,
                expected,
            });
        }
        let set = set_hash(self.checkpoint.setId, &self.keys);
        if set != before.nextSetHash {
            return Err(BadBundle::Set {
                got: set,
                expected: before.nextSetHash,
            });
        }
        Ok(())
    }

    /// The call that brings it to the contract.
    #[must_use]
    pub fn call(&self) -> Bytes {
        makeCheckpointCall {
            c: self.checkpoint.clone(),
            keys: self.keys.clone(),
            bitmap: self.bitmap,
            signatures: self.signatures.clone(),
        }
        .abi_encode()
        .into()
    }
}

/// A checkpoint's fields, as JSON, the wire and the disk have them.
#[must_use]
pub const fn fields_of(checkpoint: &Checkpoint) -> CheckpointFields {
    CheckpointFields {
        index: checkpoint.index,
        epoch: checkpoint.epoch,
        set_id: checkpoint.setId,
        height: checkpoint.height,
        block_hash: checkpoint.blockHash,
        state_root: checkpoint.stateRoot,
        history_root: checkpoint.historyRoot,
        parent: checkpoint.parent,
        next_set_hash: checkpoint.nextSetHash,
    }
}

/// The checkpoint with these fields, as the contract takes it.
#[must_use]
pub const fn checkpoint_of(fields: &CheckpointFields) -> Checkpoint {
    Checkpoint {
        index: fields.index,
        epoch: fields.epoch,
        setId: fields.set_id,
        height: fields.height,
        blockHash: fields.block_hash,
        stateRoot: fields.state_root,
        historyRoot: fields.history_root,
        parent: fields.parent,
        nextSetHash: fields.next_set_hash,
    }
}

impl From<CheckpointBundle> for Bundle {
    fn from(told: CheckpointBundle) -> Self {
        Self {
            checkpoint: checkpoint_of(&told.checkpoint),
            keys: told.keys,
            bitmap: told.bitmap,
            signatures: told.signatures,
        }
    }
}

impl From<Bundle> for CheckpointBundle {
    fn from(bundle: Bundle) -> Self {
        Self {
            checkpoint: fields_of(&bundle.checkpoint),
            keys: bundle.keys,
            bitmap: bundle.bitmap,
            signatures: bundle.signatures,
        }
    }
}

/// Whose signature over `fingerprint` this is; none if the contract would not take it from anybody.
#[must_use]
pub fn signer_of(fingerprint: &B256, signature: &[u8]) -> Option<Address> {
    // The contract takes 27 and 28 only, and the lower s; the library would take 0 and 1 as well.
    let is_plain = matches!(signature.last(), Some(27 | 28));
    let read = is_plain.then(|| Signature::from_raw(signature).ok())??;
    let is_low = read.normalize_s().is_none();
    is_low.then(|| read.recover_address_from_prehash(fingerprint).ok())?
}
