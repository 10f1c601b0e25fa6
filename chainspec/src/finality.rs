//! Is a block final, and who governs the one after it?
//!
//! A block that names another set than the one that made it final hands over to it (R10): its header commits to the hash of the next set.
//! So one who knows a set follows the chain from handover to handover, without the blocks between. Called by the runtime (states of other
//! nodes) and by whoever checks the proof of a code. Never knows which chain is meant: the genesis hash comes in with every question.

use thiserror::Error;

use crate::{
    block::{DigestError, SealedHeader, digest_of},
    certificate::{CertificateError, FinalityCertificate},
    ids::{BlockHash, BlockNumber, GenesisHash, SetId, ValidatorSetHash},
    validators::ValidatorSet,
};

/// A final block that handed over to another validator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The block's header and hash.
    pub header: SealedHeader,
    /// What made it final, by the set before.
    pub certificate: FinalityCertificate,
    /// The set from the next block on.
    pub set: ValidatorSet,
}

/// Why a block is not final, or hands over to another set than it is said to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FinalityFault {
    /// A header without a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// A certificate of another block.
    #[error("block {block} comes with the certificate of block {certified} at height {height}")]
    OtherBlock {
        /// The block.
        block: BlockHash,
        /// What is certified.
        certified: BlockHash,
        /// At which height.
        height: BlockNumber,
    },
    /// A certificate that nobody gave, or too few.
    #[error("block {block} is not final: {error}")]
    Certificate {
        /// The block.
        block: BlockNumber,
        /// What is wrong.
        error: CertificateError,
    },
    /// A set that is not the one after the set before.
    #[error("validator set {got} follows, where set {expected} has to")]
    SetOrder {
        /// The set given.
        got: SetId,
        /// The set that has to come.
        expected: SetId,
    },
    /// A set that its block does not name.
    #[error("block {block} hands over to validator set {expected}, and {got} was given")]
    OtherSet {
        /// The block.
        block: BlockNumber,
        /// Hash in its digest.
        expected: ValidatorSetHash,
        /// Hash of the set given.
        got: ValidatorSetHash,
    },
}

impl FinalityCertificate {
    /// Whether this makes `block` final on the chain `genesis`, where `set` governs its height.
    ///
    /// # Errors
    /// [`FinalityFault::OtherBlock`], [`FinalityFault::Certificate`].
    pub fn makes_final(
        &self,
        block: &SealedHeader,
        set: &ValidatorSet,
        genesis: GenesisHash,
    ) -> Result<(), FinalityFault> {
        if self.hash != block.hash || self.height != block.number() {
            return Err(FinalityFault::OtherBlock {
                block: block.hash,
                certified: self.hash,
                height: self.height,
            });
        }
        self.verify(genesis, set).map_err(|error| FinalityFault::Certificate {
            block: block.number(),
            error,
        })
    }
}

impl SealedHeader {
    /// Whether `set` governs the block after this one.
    ///
    /// # Errors
    /// [`FinalityFault::Digest`], [`FinalityFault::OtherSet`].
    pub fn hands_to(&self, set: &ValidatorSet) -> Result<(), FinalityFault> {
        let expected = digest_of(&self.header)?.next_set_hash;
        let got = set.hash();
        if expected == got {
            return Ok(());
        }
        Err(FinalityFault::OtherSet {
            block: self.number(),
            expected,
            got,
        })
    }
}

impl Handover {
    /// Whether the set `before`, which governed this block on the chain `genesis`, handed over to [`Handover::set`] in it.
    ///
    /// # Errors
    /// [`FinalityFault`] for the first reason why it did not.
    pub fn check(&self, before: &ValidatorSet, genesis: GenesisHash) -> Result<(), FinalityFault> {
        self.certificate.makes_final(&self.header, before, genesis)?;
        let expected = SetId::new(before.id().get().saturating_add(1));
        if self.set.id() != expected {
            return Err(FinalityFault::SetOrder {
                got: self.set.id(),
                expected,
            });
        }
        self.header.hands_to(&self.set)
    }
}
