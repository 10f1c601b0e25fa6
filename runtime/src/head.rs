//! Where does the chain stand, and what may come next?

use std::sync::Arc;

use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, FinalityCertificate, RecoveryOrder, SealedHeader, Slot, ValidatorSet, digest_of,
};
use thiserror::Error;

use crate::{
    receipts,
    store::{self, Store, StoreError},
};

/// The newest final block, with what the next one builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its header and hash.
    pub header: SealedHeader,
    /// Its slot; of genesis, the slot that its timestamp falls into.
    pub slot: Slot,
    /// What made it final; none for genesis.
    pub certificate: Option<FinalityCertificate>,
    /// The set whose certificate that is: the one that governed this block.
    pub signers: Arc<ValidatorSet>,
    /// The set that governs the next block.
    pub set: Arc<ValidatorSet>,
    /// The recovery that it ordered, if it did: then the next block is the recovery block (R16).
    pub recovery: Option<RecoveryOrder>,
}

/// Why nothing in this slot, or with this certificate, can follow the head.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// The slot is not after the head's.
    #[error("slot {slot} is not after slot {head} of the head")]
    SlotNotLater {
        /// The block's slot.
        slot: Slot,
        /// The head's.
        head: Slot,
    },
    /// Every block after block 1 carries the certificate of its parent.
    #[error("the certificate of the parent, block {parent}, is missing")]
    CertificateMissing {
        /// The parent's number.
        parent: BlockNumber,
    },
    /// Genesis needs no certificate, so block 1 carries none.
    #[error("block 1 carries a certificate, but its parent is genesis")]
    CertificateOfGenesis,
    /// The certificate is of another block.
    #[error("the certificate is of block {got} at height {got_height}, but the parent is block {parent}")]
    CertificateOfOther {
        /// What it certifies.
        got: BlockHash,
        /// At which height.
        got_height: BlockNumber,
        /// The parent.
        parent: BlockHash,
    },
}

impl Head {
    /// The head's number.
    #[must_use]
    pub const fn number(&self) -> BlockNumber {
        BlockNumber::new(self.header.header.number)
    }

    /// The head's hash.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.header.hash
    }

    /// Whether a block of `slot` with `certificate` as its parent's can follow. Signatures are not looked at.
    ///
    /// # Errors
    /// [`PlaceError`] says what does not fit.
    pub fn check_next(&self, slot: Slot, certificate: Option<&FinalityCertificate>) -> Result<(), PlaceError> {
        if slot <= self.slot {
            return Err(PlaceError::SlotNotLater { slot, head: self.slot });
        }
        match certificate {
            None if self.number().get() == 0 => Ok(()),
            None => Err(PlaceError::CertificateMissing { parent: self.number() }),
            Some(_) if self.number().get() == 0 => Err(PlaceError::CertificateOfGenesis),
            Some(certificate) if certificate.hash == self.hash() && certificate.height == self.number() => Ok(()),
            Some(certificate) => Err(PlaceError::CertificateOfOther {
                got: certificate.hash,
                got_height: certificate.height,
                parent: self.hash(),
            }),
        }
    }

    /// The head as the store keeps it, completed.
    pub(crate) fn load(store: &Store, spec: &ChainSpec, kept: &store::Head) -> Result<Self, StoreError> {
        let number = kept.header.header.number;
        let set = Arc::new(kept.set.clone());
        let signers =
            match &kept.certificate {
                None => Arc::clone(&set),
                Some(certificate) if certificate.set_id == set.id() => Arc::clone(&set),
                Some(certificate) => Arc::new(store.validator_set(certificate.set_id)?.ok_or_else(|| {
                    StoreError::missing(store::Column::Meta, &certificate.set_id.get().to_be_bytes())
                })?),
            };
        let slot = match number {
            0 => spec.genesis_slot(),
            _ => {
                digest_of(&kept.header.header)
                    .map_err(|error| StoreError::corrupt(store::Column::Headers, &number.to_be_bytes(), error))?
                    .slot
            }
        };
        let recovery = match receipts::may_order(&kept.header.header.logs_bloom) {
            true => {
                let receipts = store.receipts(BlockNumber::new(number))?;
                receipts::ordered(receipts.iter().flat_map(|one| &one.receipt.logs))
            }
            false => None,
        };
        Ok(Self {
            recovery,
            header: kept.header.clone(),
            slot,
            certificate: kept.certificate.clone(),
            signers,
            set,
        })
    }
}
