//! What does a validator sign, and how do signatures add up to a certificate?
//!
//! One layout serves seals, prevotes and precommits, so that one parser (the Bootstrap contract's too) can hold two of them
//! against each other (R12). Called by the engine, the driver's signer and whoever checks certificates. Never decides
//! *whether* to sign or to count: those are the rules of the consensus crate.
//!
//! ```text
//! domain "cloud-ledger/v1\0"  16 | genesis 32 | set id u64 | height u64 | slot u64 | kind u8
//! | hash 32 | valid slot: 0x00, or 0x01 and u64        integers little-endian: 106 or 114 bytes
//! ```

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use thiserror::Error;

use crate::{
    codec::decode_array,
    ids::{BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Signature64, Slot},
};

/// First bytes of every [`Statement`]: whose protocol, which version.
pub const STATEMENT_DOMAIN: [u8; 16] = *b"cloud-ledger/v1\0";

/// Length of a statement without `valid_slot`.
pub const STATEMENT_BYTES_MIN: usize = 106;

/// Length of a statement with `valid_slot`.
pub const STATEMENT_BYTES_MAX: usize = STATEMENT_BYTES_MIN + 8;

/// What a statement says about its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum StatementKind {
    /// "I am the authority of the slot and propose this" (R2).
    #[codec(index = 0)]
    Seal,
    /// "It re-executes to its header and nothing forbids it" (R3).
    #[codec(index = 1)]
    Prevote,
    /// "A quorum prevoted it in time; I am locked on it" (R4).
    #[codec(index = 2)]
    Precommit,
}

/// Everything that a validator ever signs in the consensus. Its SCALE encoding is the layout of this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The chain.
    pub genesis: GenesisHash,
    /// The validator set that governs `height`.
    pub set_id: SetId,
    /// The height that is being decided.
    pub height: BlockNumber,
    /// The slot that the statement is made in.
    pub slot: Slot,
    /// What is said.
    pub kind: StatementKind,
    /// A new block's seal names its [`seal_hash`](crate::seal_hash); everything else its hash.
    pub hash: BlockHash,
    /// The slot of the prevote certificate that a prevote or a re-proposal rests on (R3); `None` in a seal and a precommit.
    pub valid_slot: Option<Slot>,
}

impl Statement {
    /// The bytes that are signed: [`STATEMENT_BYTES_MIN`] or [`STATEMENT_BYTES_MAX`] of them.
    pub fn encode(&self) -> Vec<u8> {
        Encode::encode(self)
    }

    /// Signs the statement with `key`.
    pub fn sign(&self, key: &SigningKey) -> Signature64 {
        Signature64::new(key.sign(&self.encode()).to_bytes())
    }

    /// Whether `signature` over this statement is `key`'s, by [`verify_strict`].
    pub fn verify(&self, key: &ConsensusKey, signature: &Signature64) -> bool {
        verify_strict(key, &self.encode(), signature)
    }
}

impl Encode for Statement {
    fn size_hint(&self) -> usize {
        STATEMENT_BYTES_MAX
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        output.write(&STATEMENT_DOMAIN);
        self.genesis.encode_to(output);
        self.set_id.encode_to(output);
        self.height.encode_to(output);
        self.slot.encode_to(output);
        self.kind.encode_to(output);
        self.hash.encode_to(output);
        self.valid_slot.encode_to(output);
    }
}

impl Decode for Statement {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        if decode_array::<16, I>(input)? != STATEMENT_DOMAIN {
            return Err("not a statement of this protocol".into());
        }
        Ok(Self {
            genesis: Decode::decode(input)?,
            set_id: Decode::decode(input)?,
            height: Decode::decode(input)?,
            slot: Decode::decode(input)?,
            kind: Decode::decode(input)?,
            hash: Decode::decode(input)?,
            valid_slot: Decode::decode(input)?,
        })
    }
}

/// The one rule by which ed25519 signatures are accepted, in the node as in the precompile: RFC 8032 with canonical
/// encodings, no key and no R of small order, and no batch (which accepts more).
pub fn verify_strict(key: &ConsensusKey, message: &[u8], signature: &Signature64) -> bool {
    VerifyingKey::from_bytes(&key.get()).is_ok_and(|key| {
        key.verify_strict(message, &Signature::from_bytes(&signature.get()))
            .is_ok()
    })
}

/// A validator's signed prevote or precommit, as it goes over the wire. The chain is left out: whoever reads it knows which
/// chain it talks about, and the signature binds it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vote {
    /// The validator set that governs `height`.
    pub set_id: SetId,
    /// The height that is being decided.
    pub height: BlockNumber,
    /// The slot of the vote.
    pub slot: Slot,
    /// [`StatementKind::Prevote`] or [`StatementKind::Precommit`].
    pub kind: StatementKind,
    /// The block's hash.
    pub hash: BlockHash,
    /// The slot of the certificate that a prevote rests on; `None` in a precommit.
    pub valid_slot: Option<Slot>,
    /// Who votes.
    pub voter: ConsensusKey,
    /// The voter's signature over [`Vote::statement`].
    pub signature: Signature64,
}

/// Why a vote is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VoteError {
    /// A seal travels in its block.
    #[error("a seal of slot {slot} was sent as a vote")]
    Seal {
        /// Slot of the seal.
        slot: Slot,
    },
    /// A precommit rests on the certificate of its own slot.
    #[error("a precommit of slot {slot} names valid slot {valid_slot}, but precommits name none")]
    PrecommitWithValidSlot {
        /// Slot of the vote.
        slot: Slot,
        /// What it names.
        valid_slot: Slot,
    },
    /// A prevote can rest on earlier certificates only.
    #[error("a prevote of slot {slot} rests on a certificate of slot {valid_slot}, which is not earlier")]
    ValidSlotNotEarlier {
        /// Slot of the vote.
        slot: Slot,
        /// What it names.
        valid_slot: Slot,
    },
    /// The signature is not the voter's, or is of another chain.
    #[error("the signature of a vote of slot {slot} is not {voter}'s for this chain")]
    Signature {
        /// Slot of the vote.
        slot: Slot,
        /// Who is said to have signed.
        voter: ConsensusKey,
    },
}

impl Vote {
    /// The vote that `statement` makes when `key` signs it.
    pub fn sign(statement: &Statement, key: &SigningKey) -> Self {
        Self::from_parts(statement, ConsensusKey::of(key), statement.sign(key))
    }

    /// The vote that `statement` makes with a signature made elsewhere.
    pub const fn from_parts(statement: &Statement, voter: ConsensusKey, signature: Signature64) -> Self {
        Self {
            set_id: statement.set_id,
            height: statement.height,
            slot: statement.slot,
            kind: statement.kind,
            hash: statement.hash,
            valid_slot: statement.valid_slot,
            voter,
            signature,
        }
    }

    /// What the voter signed if the vote is of the chain `genesis`.
    pub const fn statement(&self, genesis: GenesisHash) -> Statement {
        Statement {
            genesis,
            set_id: self.set_id,
            height: self.height,
            slot: self.slot,
            kind: self.kind,
            hash: self.hash,
            valid_slot: self.valid_slot,
        }
    }

    /// Checks form and signature; whether the voter belongs to the set is the caller's question.
    ///
    /// # Errors
    /// [`VoteError`] if it is no vote of the chain `genesis`.
    pub fn verify(&self, genesis: GenesisHash) -> Result<(), VoteError> {
        let slot = self.slot;
        match (self.kind, self.valid_slot) {
            (StatementKind::Seal, _) => return Err(VoteError::Seal { slot }),
            (StatementKind::Precommit, Some(valid_slot)) => {
                return Err(VoteError::PrecommitWithValidSlot { slot, valid_slot });
            }
            (StatementKind::Prevote, Some(valid_slot)) if valid_slot >= slot => {
                return Err(VoteError::ValidSlotNotEarlier { slot, valid_slot });
            }
            (StatementKind::Prevote, _) | (StatementKind::Precommit, None) => {}
        }
        if self.statement(genesis).verify(&self.voter, &self.signature) {
            Ok(())
        } else {
            Err(VoteError::Signature {
                slot,
                voter: self.voter,
            })
        }
    }
}
