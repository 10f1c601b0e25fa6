//! Signing: the validator's consensus key in memory, and the record of what it has signed.
//!
//! Called by the driver, which stores the guard record before it asks for a signature. This module does not decide what
//! may be signed: the consensus engine does.

pub mod guard_store;

use std::fmt;

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use ledger_chainspec::{ConsensusKey, Endorsement, GenesisHash, Signature64, Slot, Statement};

pub use guard_store::{GuardStore, GuardStoreError};

/// The consensus key, wiped from memory when dropped; `Debug` shows its public part.
pub struct ConsensusSigner {
    key: SigningKey,
    public: ConsensusKey,
}

impl ConsensusSigner {
    /// Takes `key`.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        let public = ConsensusKey::of(&key);
        Self { key, public }
    }

    /// The public key, which names the validator.
    #[must_use]
    pub fn public(&self) -> ConsensusKey {
        self.public
    }

    /// The signature over `statement`. Only what the engine permitted, with its guard record stored, may come here.
    #[must_use]
    pub fn sign(&self, statement: &Statement) -> Signature64 {
        statement.sign(&self.key)
    }

    /// The promise that `transactions` go first, made in `slot` (R13). What may be promised is decided by the endorsement book;
    /// no guard record is needed, for a promise contradicts nothing.
    #[must_use]
    pub fn endorse(&self, genesis: GenesisHash, slot: Slot, transactions: Vec<B256>) -> Endorsement {
        Endorsement::sign(genesis, slot, transactions, &self.key)
    }
}

impl fmt::Debug for ConsensusSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsensusSigner")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
