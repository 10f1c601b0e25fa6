//! What does the engine want done? Every effect that [`Engine::handle`](crate::Engine::handle) returns, to be carried out in
//! the order given.
//!
//! Plain data. An effect is a wish; its result comes back as an [`Input`](crate::Input).

use std::sync::Arc;

use alloy_primitives::Address;
use ledger_chainspec::{
    Block, BlockHash, BlockNumber, ConsensusKey, FinalityCertificate, SealedHeader, Slot, UnixMillis,
};

use crate::{
    equivocation::Evidence,
    error::{Fault, HeadError},
    header_rules::ChainParams,
    input::{FinalHead, Origin},
    message::Message,
    rejection::{HeaderError, Rejection},
    signing_guard::{GuardWrite, Permission},
};

/// A block to be built on the head.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The slot, for the digest.
    pub slot: Slot,
    /// The header's timestamp: the slot's start in Unix seconds.
    pub timestamp: u64,
    /// The moment from which no more transactions should be added.
    pub deadline: UnixMillis,
    /// The newest final block.
    pub parent: SealedHeader,
    /// The parent's certificate, for the digest; `None` on the genesis block.
    pub parent_certificate: Option<FinalityCertificate>,
    /// The header's coinbase: the authority's account.
    pub beneficiary: Address,
    /// Is a block wanted even if it is empty (R11)?
    pub heartbeat: bool,
}

impl BuildRequest {
    /// What the authority of `slot` gets to build on `head`, where nothing is wanted if there is nothing to include.
    #[must_use]
    pub fn on(head: &FinalHead, params: &ChainParams, slot: Slot) -> Self {
        Self {
            slot,
            timestamp: params.schedule.timestamp_of(slot),
            deadline: params.schedule.build_deadline(slot, head.set.len()),
            parent: head.header.clone(),
            parent_certificate: head.certificate.clone(),
            beneficiary: head.set.authority(slot).account,
            heartbeat: false,
        }
    }
}

/// One wish.
#[derive(Debug)]
pub enum Effect {
    /// Build a block; answer with `Input::Built`. At most one is under way.
    Build(Box<BuildRequest>),
    /// Re-execute a block; answer with `Input::Validated`. At most one per height is under way.
    Validate {
        /// The block, whose header rules hold.
        block: Arc<Block>,
    },
    /// Make a guard record durable, then answer with `Input::GuardStored(write.stored())`. If it cannot be stored, stop
    /// the node: without an answer the engine signs nothing more.
    StoreGuard(GuardWrite),
    /// Sign the statement, then answer with `Input::Signed(permission.signed(signature))`.
    Sign(Permission),
    /// Tell all validators.
    Broadcast(Message),
    /// Tell one peer.
    Send {
        /// Which peer.
        to: Origin,
        /// What to tell it.
        message: Message,
    },
    /// Commit the block, with its certificate, state and indexes in one durable write; answer with `Input::Imported`. The
    /// block has been validated, or built here for the slot of its header.
    Finalize {
        /// The block.
        block: Arc<Block>,
        /// What makes it final.
        certificate: FinalityCertificate,
    },
    /// Ask peers for a block whose certificate is known; answer with `Input::Fetched`.
    FetchBlock {
        /// Its number.
        number: BlockNumber,
        /// Its hash.
        hash: BlockHash,
    },
    /// This node is behind: ask peers for the certified blocks after the head, up to `through`, and hand over each with
    /// `Input::Certified` once its parent is imported.
    CatchUp {
        /// The newest block that is said to be final, by the peer or whoever it quotes; a hint, not a proof.
        through: BlockNumber,
        /// The peer that said so.
        from: Origin,
    },
    /// Hand over a `Tick` at this moment at the latest. Replaces the moment named before; with none named, no tick is
    /// needed.
    WakeAt(UnixMillis),
    /// A validator broke the rules provably (R12): hand the evidence to the bootstrap contract.
    Evidence(Box<Evidence>),
    /// A message was not taken.
    Reject {
        /// Which peer sent it.
        from: Origin,
        /// Why.
        rejection: Rejection,
    },
    /// An operator must know.
    Alarm(Alarm),
}

impl Effect {
    /// Whose fault a rejection is; `None` for every other effect.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Reject { rejection, .. } => Some(rejection.fault()),
            _ => None,
        }
    }
}

/// What an operator must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The local clock differs from the peers' median by more than an eighth of a slot: nothing is signed (R9).
    ClockOff {
        /// Milliseconds ahead of the median, behind if negative.
        offset_ms: i64,
        /// Milliseconds that are tolerated.
        tolerance_ms: u64,
    },
    /// The local clock is right again.
    ClockRight,
    /// The local clock went back: nothing is signed until it has passed the slot signed last.
    ClockWentBack {
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// The guard record is ahead of the chain: nothing is signed until the chain has caught up with it. In a set of one
    /// the chain's database was rewound and nobody can bring it back.
    GuardAhead {
        /// Height of the record.
        recorded: BlockNumber,
        /// The open height.
        open: BlockNumber,
    },
    /// The guard record is lost: silent until a certificate later than this slot is seen (R8).
    GuardLost {
        /// Slot of the start.
        since: Slot,
    },
    /// Somebody else signs with this validator's key.
    KeyUsedElsewhere {
        /// Slot of the statement that was not made here.
        slot: Slot,
    },
    /// The signature handed over for a permitted statement does not verify under the validator's key.
    SignerBroken {
        /// The validator.
        voter: ConsensusKey,
    },
    /// The block built here breaks a header rule.
    BuilderBroken {
        /// Slot of the build.
        slot: Slot,
        /// The rule.
        error: HeaderError,
    },
    /// A quorum made a block final that does not re-execute here. The engine has halted.
    CertifiedBlockInvalid {
        /// The block.
        number: BlockNumber,
        /// Its hash.
        hash: BlockHash,
    },
    /// Two blocks of one height are certified: more than `f` validators are bad. The engine has halted.
    ConflictingCertificates {
        /// The height.
        number: BlockNumber,
        /// The block that is final here.
        local: BlockHash,
        /// The other one.
        other: BlockHash,
    },
    /// A confirmed checkpoint contradicts what is final here, and the engine has halted; or it contradicts what a quorum
    /// certified, which is not adopted (R15).
    CheckpointContradicted {
        /// The height.
        number: BlockNumber,
        /// The block here.
        local: BlockHash,
        /// The block of the checkpoint.
        confirmed: BlockHash,
    },
    /// The driver handed over a head that cannot be one of this chain. The engine has halted.
    HeadRefused(HeadError),
}
