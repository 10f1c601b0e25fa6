//! What has to survive a crash so that a validator never signs against itself (R7)?
//!
//! Written by the signing guard, stored and read by the driver. The layout is fixed by golden bytes. Never judges anything.

use std::sync::Arc;

use ledger_chainspec::{
    Block, BlockHash, BlockNumber, ConsensusKey, GenesisHash, PrevoteCertificate, SetId, Slot, StatementKind,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::error::GuardRecordError;

/// Layout of [`GuardRecord`].
pub const GUARD_RECORD_VERSION: u8 = 1;

/// The newest statement of one kind that this validator may have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedAt {
    /// Its slot.
    pub slot: Slot,
    /// Its hash.
    pub hash: BlockHash,
}

/// The block that this validator precommitted last at the open height, and in which slot (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Lock {
    /// Slot of the precommit.
    pub slot: Slot,
    /// The block's hash.
    pub hash: BlockHash,
}

/// A prevote certificate with all that is needed to propose its block again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CertifiedCandidate {
    /// The block's newest prevote certificate, then those that its votes state, newest first.
    pub certificates: Vec<PrevoteCertificate>,
    /// The block.
    pub block: Arc<Block>,
}

/// What has to survive a crash so that no statement is ever signed against an earlier one (R7).
///
/// SCALE-encoded. It belongs in a store of its own, so that restoring a copy of the chain's database cannot rewind it; the
/// newest record replaces the one before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GuardRecord {
    /// [`GUARD_RECORD_VERSION`].
    pub version: u8,
    /// The chain.
    pub genesis: GenesisHash,
    /// The key whose statements are recorded.
    pub voter: ConsensusKey,
    /// The set that governs `height`.
    pub set_id: SetId,
    /// The highest height at which a statement may have been signed.
    pub height: BlockNumber,
    /// The newest seal, at this height or before.
    pub seal: Option<SignedAt>,
    /// The newest prevote, at this height or before.
    pub prevote: Option<SignedAt>,
    /// The newest precommit, at this height or before.
    pub precommit: Option<SignedAt>,
    /// The lock at `height`.
    pub lock: Option<Lock>,
    /// The newest prevote certificate known at `height` and its block.
    pub newest: Option<CertifiedCandidate>,
}

impl GuardRecord {
    /// The record of a validator that has signed nothing on this chain.
    pub fn fresh(genesis: GenesisHash, voter: ConsensusKey) -> Self {
        Self {
            version: GUARD_RECORD_VERSION,
            genesis,
            voter,
            set_id: SetId::new(0),
            height: BlockNumber::new(0),
            seal: None,
            prevote: None,
            precommit: None,
            lock: None,
            newest: None,
        }
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// [`GuardRecordError`] if the bytes are of another version, damaged, or longer than a record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GuardRecordError> {
        match bytes.first() {
            Some(&GUARD_RECORD_VERSION) => {
                Self::decode_all(&mut &bytes[..]).map_err(|_| GuardRecordError::Damaged { bytes: bytes.len() })
            }
            Some(&version) => Err(GuardRecordError::Version { version }),
            None => Err(GuardRecordError::Damaged { bytes: 0 }),
        }
    }

    /// The newest slot in which anything may have been signed.
    pub fn newest_slot(&self) -> Option<Slot> {
        [self.seal, self.prevote, self.precommit]
            .into_iter()
            .flatten()
            .map(|signed| signed.slot)
            .max()
    }

    /// The slot of the newest statement of `kind`.
    pub fn slot_of(&self, kind: StatementKind) -> Option<Slot> {
        let signed = match kind {
            StatementKind::Seal => self.seal,
            StatementKind::Prevote => self.prevote,
            StatementKind::Precommit => self.precommit,
        };
        signed.map(|signed| signed.slot)
    }
}
