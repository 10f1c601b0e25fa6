//! Which signatures together prove that a quorum prevoted a block, or that a block is final?
//!
//! Certificates travel in proposals, in headers (the parent's) and in the database. They name signers by position in the
//! validator set, so they can only be checked with that set at hand. Never counts a signer twice, and never accepts two
//! encodings of one set of signatures: positions ascend strictly.

use parity_scale_codec::{Decode, Encode, Error as CodecError, Input};
use thiserror::Error;

use crate::{
    codec::decode_list,
    ids::{BlockHash, BlockNumber, GenesisHash, SetId, Signature64, Slot},
    validators::{VALIDATORS_MAX, ValidatorSet},
    vote::{Statement, StatementKind},
};

/// One prevote of a [`PrevoteCertificate`]. Voters of one slot may rest on different certificates, so each states its own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PrevoteSignature {
    /// The voter's position in the validator set.
    pub index: u16,
    /// The slot of the certificate that the voter rested on.
    pub valid_slot: Option<Slot>,
    /// The voter's signature.
    pub signature: Signature64,
}

/// Proof that a quorum prevoted one block in one slot (R3, R4). At most [`VALIDATORS_MAX`] signatures.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct PrevoteCertificate {
    /// The set that governs `height`.
    pub set_id: SetId,
    /// The height that is being decided.
    pub height: BlockNumber,
    /// The slot of the prevotes.
    pub slot: Slot,
    /// The block.
    pub hash: BlockHash,
    /// The prevotes, by ascending position.
    pub signatures: Vec<PrevoteSignature>,
}

/// Proof that a block is final: a quorum of precommits of one slot (R5). At most [`VALIDATORS_MAX`] signatures.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct FinalityCertificate {
    /// The set that governs `height`.
    pub set_id: SetId,
    /// The block's number.
    pub height: BlockNumber,
    /// The slot of the precommits: the block's own, or a later one in which it was proposed again.
    pub slot: Slot,
    /// The block's hash.
    pub hash: BlockHash,
    /// Positions in the validator set, ascending, and their precommits' signatures.
    pub signatures: Vec<(u16, Signature64)>,
}

/// Why a certificate proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// It was made by another validator set.
    #[error("the certificate of block {height} is of validator set {got}, but set {expected} governs it")]
    WrongSet {
        /// The block's number.
        height: BlockNumber,
        /// The set that it names.
        got: SetId,
        /// The set that it was checked against.
        expected: SetId,
    },
    /// Fewer signatures than a quorum.
    #[error("the certificate of block {height} has {got} signatures; a quorum is {quorum}")]
    NoQuorum {
        /// The block's number.
        height: BlockNumber,
        /// Signatures present.
        got: usize,
        /// Signatures needed.
        quorum: usize,
    },
    /// A signer is named twice, or the order is not the one order.
    #[error("the certificate of block {height} names signer {index} out of order or twice")]
    Order {
        /// The block's number.
        height: BlockNumber,
        /// Position that does not come after the one before it.
        index: u16,
    },
    /// A signer that the set does not have.
    #[error("the certificate of block {height} names signer {index} of a set of {validators}")]
    NoSuchValidator {
        /// The block's number.
        height: BlockNumber,
        /// Position named.
        index: u16,
        /// Size of the set.
        validators: usize,
    },
    /// A prevote can rest on earlier certificates only.
    #[error("signer {index} of the certificate of slot {slot} rests on slot {valid_slot}, which is not earlier")]
    ValidSlotNotEarlier {
        /// Slot of the certificate.
        slot: Slot,
        /// Position of the signer.
        index: u16,
        /// What it names.
        valid_slot: Slot,
    },
    /// A signature is not the signer's over this statement and chain.
    #[error("signature {index} of the certificate of block {height} does not verify")]
    Signature {
        /// The block's number.
        height: BlockNumber,
        /// Position of the signer.
        index: u16,
    },
}

impl PrevoteCertificate {
    /// Checks that a quorum of `set` prevoted the block on the chain `genesis`.
    ///
    /// # Errors
    /// [`CertificateError`] for the first reason why this is not proven. The cheap checks come before the signatures.
    pub fn verify(&self, genesis: GenesisHash, set: &ValidatorSet) -> Result<(), CertificateError> {
        for vote in &self.signatures {
            if let Some(valid_slot) = vote.valid_slot.filter(|valid_slot| *valid_slot >= self.slot) {
                return Err(CertificateError::ValidSlotNotEarlier {
                    slot: self.slot,
                    index: vote.index,
                    valid_slot,
                });
            }
        }
        let signed = self
            .signatures
            .iter()
            .map(|vote| (vote.index, self.statement(genesis, vote.valid_slot), vote.signature));
        verify_quorum(signed.collect(), (self.set_id, self.height), set)
    }

    /// What a voter of this certificate signed that rested on `valid_slot`.
    pub const fn statement(&self, genesis: GenesisHash, valid_slot: Option<Slot>) -> Statement {
        Statement {
            genesis,
            set_id: self.set_id,
            height: self.height,
            slot: self.slot,
            kind: StatementKind::Prevote,
            hash: self.hash,
            valid_slot,
        }
    }
}

impl FinalityCertificate {
    /// Checks that a quorum of `set` made the block final on the chain `genesis`.
    ///
    /// # Errors
    /// [`CertificateError`] for the first reason why this is not proven. The cheap checks come before the signatures.
    pub fn verify(&self, genesis: GenesisHash, set: &ValidatorSet) -> Result<(), CertificateError> {
        let statement = self.statement(genesis);
        let signed = self
            .signatures
            .iter()
            .map(|(index, signature)| (*index, statement, *signature));
        verify_quorum(signed.collect(), (self.set_id, self.height), set)
    }

    /// What every signer of this certificate signed.
    pub const fn statement(&self, genesis: GenesisHash) -> Statement {
        Statement {
            genesis,
            set_id: self.set_id,
            height: self.height,
            slot: self.slot,
            kind: StatementKind::Precommit,
            hash: self.hash,
            valid_slot: None,
        }
    }
}

fn verify_quorum(
    signed: Vec<(u16, Statement, Signature64)>,
    (set_id, height): (SetId, BlockNumber),
    set: &ValidatorSet,
) -> Result<(), CertificateError> {
    if set_id != set.id() {
        return Err(CertificateError::WrongSet {
            height,
            got: set_id,
            expected: set.id(),
        });
    }
    if signed.len() < set.quorum() {
        return Err(CertificateError::NoQuorum {
            height,
            got: signed.len(),
            quorum: set.quorum(),
        });
    }
    if let Some(pair) = signed.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        return Err(CertificateError::Order {
            height,
            index: pair[1].0,
        });
    }
    for (index, statement, signature) in signed {
        let validator = set.get(usize::from(index)).ok_or(CertificateError::NoSuchValidator {
            height,
            index,
            validators: set.len(),
        })?;
        if !statement.verify(&validator.consensus_key, &signature) {
            return Err(CertificateError::Signature { height, index });
        }
    }
    Ok(())
}

impl Decode for PrevoteCertificate {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        Ok(Self {
            set_id: Decode::decode(input)?,
            height: Decode::decode(input)?,
            slot: Decode::decode(input)?,
            hash: Decode::decode(input)?,
            signatures: decode_list(input, VALIDATORS_MAX)?,
        })
    }
}

impl Decode for FinalityCertificate {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        Ok(Self {
            set_id: Decode::decode(input)?,
            height: Decode::decode(input)?,
            slot: Decode::decode(input)?,
            hash: Decode::decode(input)?,
            signatures: decode_list(input, VALIDATORS_MAX)?,
        })
    }
}
