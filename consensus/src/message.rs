//! What do validators say to each other? The messages of the protocol as data, with their SCALE bytes for the wire.
//!
//! Made and read by the engine; the network carries them. Never sends anything and never judges a message: that is the
//! engine's work.
#![allow(
    clippy::cast_possible_truncation,
    reason = "the derived encoding casts the variant's index"
)]

use std::sync::Arc;

use ledger_chainspec::{
    Block, BlockHash, BlockNumber, FinalityCertificate, GenesisHash, PrevoteCertificate, SetId, Signature64, Slot,
    Statement, StatementKind, Vote,
};
use parity_scale_codec::{Decode, Encode};

/// Most certificates that one proposal or one message carries (R3): a height that failed more often than this after a
/// prevote quorum is shown by its newest ones. Bounds a message to some 100 KiB at 128 validators.
pub const JUSTIFICATION_CERTIFICATES_MAX: usize = 16;

/// A message of the protocol, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Message {
    /// The authority of a slot proposes a block (R2).
    #[codec(index = 0)]
    Proposal(Proposal),
    /// A validator's prevote or precommit (R3, R4).
    #[codec(index = 1)]
    Vote(Vote),
    /// Prevote certificates of one block, newest first: what a vote with a `valid_slot` refers to (R3). At most
    /// [`JUSTIFICATION_CERTIFICATES_MAX`].
    #[codec(index = 2)]
    Justification(Vec<PrevoteCertificate>),
    /// A block is final (R5).
    #[codec(index = 3)]
    Finality(FinalityCertificate),
}

/// A block proposed in a slot: a new one by the authority that sealed it, or one of an earlier slot again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proposal {
    /// The proposed block, sealed by the authority of the slot in its header.
    pub block: Arc<Block>,
    /// Absent when the block is proposed for the first time, in the slot of its header.
    pub again: Option<Reproposal>,
}

/// What the authority of a later slot adds to a block that it proposes again (R2a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reproposal {
    /// The slot in which the block is proposed again.
    pub slot: Slot,
    /// Signature of that slot's authority under [`reproposal_statement`].
    pub signature: Signature64,
    /// The block's newest prevote certificate, then those that its votes state, newest first; one at least and at most
    /// [`JUSTIFICATION_CERTIFICATES_MAX`].
    pub certificates: Vec<PrevoteCertificate>,
}

impl Reproposal {
    /// The slot of the newest certificate carried; `None` if there is none, which no valid re-proposal has.
    pub fn valid_slot(&self) -> Option<Slot> {
        self.certificates.first().map(|certificate| certificate.slot)
    }
}

/// Where a statement belongs: the fields that all statements of one height share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The chain.
    pub genesis: GenesisHash,
    /// The set that governs the height.
    pub set_id: SetId,
    /// The open height.
    pub height: BlockNumber,
}

impl Place {
    /// The statement about `hash` that this place, `slot` and `kind` make.
    pub fn statement(&self, kind: StatementKind, slot: Slot, hash: BlockHash, valid_slot: Option<Slot>) -> Statement {
        Statement {
            genesis: self.genesis,
            set_id: self.set_id,
            height: self.height,
            slot,
            kind,
            hash,
            valid_slot,
        }
    }
}

/// What the authority of `slot` signs to propose the block `hash` again: a seal statement over the block's hash that
/// names the slot of the certificate it carries. Being a seal, it falls under "one seal per slot" (R6).
pub fn reproposal_statement(place: &Place, slot: Slot, hash: BlockHash, valid_slot: Slot) -> Statement {
    place.statement(StatementKind::Seal, slot, hash, Some(valid_slot))
}

/// A statement with its signature, which has been found right.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedStatement {
    /// What was signed.
    pub statement: Statement,
    /// The ed25519 signature over the statement's bytes.
    pub signature: Signature64,
}

impl SignedStatement {
    /// The statement's bytes (106 or 114) and then the signature's 64: the form in which Bootstrap takes evidence.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.statement.encode();
        bytes.extend_from_slice(self.signature.as_ref());
        bytes
    }
}
