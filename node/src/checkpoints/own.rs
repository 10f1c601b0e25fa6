//! The checkpoint key of this node, and the record of what it has signed.
//!
//! Called by the assembly to open both, and by [`worker`](super::worker), which stores the record before it asks for a signature. Decides
//! nothing: the planner does.

use std::{fmt, path::Path};

use alloy_primitives::{Address, B256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::Slot;
use tracing::warn;

use super::{
    collecting::SignatureBytes,
    record::{RecordError, SignedRecord},
};
use crate::signer::{GuardStore, GuardStoreError};

/// Why the checkpoint key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnKeyError {
    /// Its record cannot be kept.
    #[error(transparent)]
    Store(#[from] GuardStoreError),
    /// Its record cannot be used.
    #[error("{0}; do not sign with this key before its last signatures are known")]
    Record(#[from] RecordError),
}

/// A checkpoint key; wiped from memory when dropped, and never shown.
pub struct OwnKey {
    signer: PrivateKeySigner,
    store: GuardStore,
}

impl OwnKey {
    /// The key of `signer` with its record in the folder `guard`, in a folder of its own there. A key without a record has one from here
    /// on, which begins after the slot `since`: the present one, unless the operator says that the key has signed nothing.
    ///
    /// # Errors
    /// [`OwnKeyError`] if the record cannot be kept or used.
    pub fn open(
        signer: PrivateKeySigner,
        guard: &Path,
        genesis: B256,
        since: Slot,
    ) -> Result<(Self, SignedRecord), OwnKeyError> {
        let key = signer.address();
        let (store, found) = GuardStore::open(&guard.join(format!("checkpoint-{key:#x}")), genesis)?;
        let mut own = Self { signer, store };
        let record = match found {
            Some(bytes) => SignedRecord::of(key, &bytes)?,
            None => {
                warn!(
                    target: "ledger::checkpoints", %key, slot = %since,
                    "no record of what this checkpoint key has signed: checkpoints of blocks up to this slot are not signed"
                );
                let begun = SignedRecord::begin(key, since);
                own.store(&begun)?;
                begun
            }
        };
        Ok((own, record))
    }

    /// The key's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Makes `record` durable.
    ///
    /// # Errors
    /// [`GuardStoreError`]; then nothing may be signed any more.
    pub fn store(&mut self, record: &SignedRecord) -> Result<(), GuardStoreError> {
        self.store.store(&record.to_bytes())
    }

    /// The signature over `fingerprint`, whose record is stored.
    ///
    /// # Errors
    /// What the signer says; a key in memory never fails.
    pub fn sign(&self, fingerprint: &B256) -> Result<SignatureBytes, alloy_signer::Error> {
        Ok(self.signer.sign_hash_sync(fingerprint)?.as_bytes())
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
