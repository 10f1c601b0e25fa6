//! Why did the engine refuse something, and whose fault is it?
//!
//! One enum per decision: starting and signing here, headers and messages in [`rejection`](crate::rejection). The driver reads
//! [`Fault`] to decide whether to punish a peer; nobody parses the texts.

use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, DigestError, GenesisHash, SetId, Slot, StatementKind, ValidatorSetHash,
};
use thiserror::Error;

use crate::guard_record::Lock;

/// Who is to blame for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The peer that sent it: an honest node never passes this on. Lower its score.
    Sender,
    /// Nobody: a message that crossed with a newer one, came early, or speaks of what is not known yet.
    Timing,
    /// This node: its configuration, its disk or its own code. An operator must look.
    Local,
}

/// Why the engine does not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// The guard record belongs to another chain.
    #[error("the guard record is for the chain {recorded}, but this chain is {genesis}")]
    GuardOfAnotherChain {
        /// What the record says.
        recorded: GenesisHash,
        /// The chain that was to start.
        genesis: GenesisHash,
    },
    /// The guard record belongs to another key.
    #[error("the guard record is for the validator {recorded}, but this validator is {voter}")]
    GuardOfAnotherKey {
        /// What the record says.
        recorded: ConsensusKey,
        /// The key that was to sign.
        voter: ConsensusKey,
    },
    /// The guard was said to be fresh, but the chain is not.
    #[error("no guard record is expected only before the first block, but block {head} is final: treat it as lost")]
    NotFresh {
        /// The newest final block.
        head: BlockNumber,
    },
    /// An operator accepted the loss of the guard in a set that has others to contradict.
    #[error("a lost guard can be accepted in a set of one only; this set has {validators} validators")]
    LostGuardNotAcceptable {
        /// Size of the set.
        validators: usize,
    },
    /// The head handed over cannot be the head of this chain.
    #[error(transparent)]
    Head(#[from] HeadError),
}

impl StartError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::GuardOfAnotherChain { .. }
            | Self::GuardOfAnotherKey { .. }
            | Self::NotFresh { .. }
            | Self::LostGuardNotAcceptable { .. }
            | Self::Head(_) => Fault::Local,
        }
    }
}

/// Why a head handed over cannot be the head of this chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeadError {
    /// Every block but the genesis block has a certificate.
    #[error("the head is block {head}, which has no finality certificate")]
    NoCertificate {
        /// Number of the head.
        head: BlockNumber,
    },
    /// The head's header has no readable authority digest.
    #[error("the authority digest of block {head} is unreadable: {source}")]
    Digest {
        /// Number of the head.
        head: BlockNumber,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The set handed over is not the one that the head commits to (R10).
    #[error("block {head} commits to the validator set {committed}, but the set given has the hash {given}")]
    Set {
        /// Number of the head.
        head: BlockNumber,
        /// Hash in the header.
        committed: ValidatorSetHash,
        /// Hash of the set given.
        given: ValidatorSetHash,
    },
    /// A block changes the set once at most, and each change counts one (R10).
    #[error("after set {before}, block {head} cannot be followed by set {after}")]
    SetNumber {
        /// Number of the head.
        head: BlockNumber,
        /// The set that governed the head.
        before: SetId,
        /// The set said to govern the next block.
        after: SetId,
    },
}

impl HeadError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoCertificate { .. } | Self::Digest { .. } | Self::Set { .. } | Self::SetNumber { .. } => {
                Fault::Local
            }
        }
    }
}

/// Why stored bytes are no guard record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GuardRecordError {
    /// Written by another version of the node.
    #[error("guard record of version {version}, but this node reads version 1")]
    Version {
        /// The version found.
        version: u8,
    },
    /// Cut short, too long, or with impossible contents.
    #[error("the guard record of {bytes} bytes is damaged")]
    Damaged {
        /// Length found.
        bytes: usize,
    },
}

impl GuardRecordError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Version { .. } | Self::Damaged { .. } => Fault::Local,
        }
    }
}

/// Why the signing guard does not permit a signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The guard record was lost (R8).
    #[error("the guard record was lost: silent until a block is final by a certificate later than slot {since}")]
    LostGuard {
        /// Slot of the start without a record.
        since: Slot,
    },
    /// Something was signed at a higher height: the chain's database is older than the guard.
    #[error("height {height} is behind the guard record, which is at height {recorded}")]
    HeightBehind {
        /// Height of the statement.
        height: BlockNumber,
        /// Height of the record.
        recorded: BlockNumber,
    },
    /// Something that excludes this statement was signed in this slot or a later one (R6).
    #[error("a {kind:?} in slot {slot} would not come after what was signed in slot {last}")]
    SlotNotLater {
        /// Kind of the statement.
        kind: StatementKind,
        /// Its slot.
        slot: Slot,
        /// Newest slot of what excludes it.
        last: Slot,
    },
    /// The prevote states no slot as new as the lock (R3).
    #[error("a prevote for {hash} in slot {slot} must rest on slot {} or later, that of the lock on {}", .lock.slot, .lock.hash)]
    Locked {
        /// Slot of the prevote.
        slot: Slot,
        /// Block of the prevote.
        hash: BlockHash,
        /// The lock.
        lock: Lock,
    },
    /// Earlier records have not been stored yet.
    #[error("{waiting} guard records wait to be stored")]
    Backlog {
        /// How many.
        waiting: usize,
    },
}

impl Refusal {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::LostGuard { .. } | Self::HeightBehind { .. } | Self::Backlog { .. } => Fault::Local,
            Self::SlotNotLater { .. } | Self::Locked { .. } => Fault::Timing,
        }
    }
}
