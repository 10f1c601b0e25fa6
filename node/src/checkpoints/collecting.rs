//! Which signatures are there under a checkpoint that waits for its quorum? Pure.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use ledger_checkpoint::statement::{Anchor, Bundle, Checkpoint, SIGNATURE_BYTES, quorum, signer_of};

use super::facts::CheckpointBlock;

/// A signature as the contract takes it: r, s, v.
pub type SignatureBytes = [u8; SIGNATURE_BYTES];

/// A checkpoint that waits for signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Its hash, which is signed.
    pub fingerprint: B256,
    /// Who signs, in the order of the set.
    pub keys: Vec<Address>,
    /// The block that it anchors.
    pub block: CheckpointBlock,
    signatures: BTreeMap<usize, SignatureBytes>,
}

/// What became of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is new.
    New,
    /// It was there, or there are enough.
    Known,
    /// It is none of a key of the set.
    Wrong,
}

impl Open {
    /// Nobody has signed it yet.
    #[must_use]
    pub fn new(anchor: &Anchor, checkpoint: Checkpoint, keys: Vec<Address>, block: CheckpointBlock) -> Self {
        Self {
            fingerprint: anchor.fingerprint(&checkpoint),
            checkpoint,
            keys,
            block,
            signatures: BTreeMap::new(),
        }
    }

    /// How many have signed.
    #[must_use]
    pub fn signed(&self) -> usize {
        self.signatures.len()
    }

    /// How many have to.
    #[must_use]
    pub fn quorum(&self) -> usize {
        quorum(self.keys.len())
    }

    /// Whether enough have.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signed() >= self.quorum()
    }

    /// Takes a signature, whoever made it.
    pub fn take(&mut self, signature: &SignatureBytes) -> Taken {
        if self.is_signed() || self.signatures.values().any(|known| known == signature) {
            return Taken::Known;
        }
        let signer = signer_of(&self.fingerprint, signature);
        match signer.and_then(|signer| self.keys.iter().position(|key| *key == signer)) {
            None => Taken::Wrong,
            Some(at) if self.signatures.contains_key(&at) => Taken::Known,
            Some(at) => {
                self.signatures.insert(at, *signature);
                Taken::New
            }
        }
    }

    /// The checkpoint with the signatures so far.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        let bits = self.signatures.keys().map(|at| U256::ONE << *at);
        Bundle {
            checkpoint: self.checkpoint.clone(),
            keys: self.keys.clone(),
            bitmap: bits.fold(U256::ZERO, |bitmap, bit| bitmap | bit),
            signatures: self.signatures.values().flatten().copied().collect::<Vec<u8>>().into(),
        }
    }
}
