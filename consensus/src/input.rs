//! What does the engine get to know? Every fact that the driver hands to [`Engine::handle`](crate::Engine::handle).
//!
//! Plain data. An input says what happened; it never asks for anything.

use std::sync::Arc;

use ledger_chainspec::{
    Block, BlockHash, BlockNumber, FinalityCertificate, GenesisHash, RecoveryOrder, SealedHeader, Slot, ValidatorSet,
};

use crate::{
    header_rules::open_height,
    message::{Message, Place},
    signing_guard::{GuardReceipt, Signed},
};

/// The driver's own name for a peer. The engine only gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u64);

/// The newest final block and who governs around it.
#[derive(Clone, Debug)]
pub struct FinalHead {
    /// The block's header.
    pub header: SealedHeader,
    /// What made it final; `None` for the genesis block.
    pub certificate: Option<FinalityCertificate>,
    /// The set that governed the block and signed `certificate`; at genesis the genesis set.
    pub signers: Arc<ValidatorSet>,
    /// The set that governs the next block (R10).
    pub set: Arc<ValidatorSet>,
    /// The recovery that the block ordered, if it did: then the next block is the recovery block (R16).
    pub recovery: Option<RecoveryOrder>,
}

impl FinalHead {
    /// Where statements about the next block belong, on the chain `genesis`.
    #[must_use]
    pub fn place(&self, genesis: GenesisHash) -> Place {
        Place {
            genesis,
            set_id: self.set.id(),
            height: open_height(self),
        }
    }
}

/// What came of a build that the engine asked for.
#[derive(Clone, Debug)]
pub enum BuildOutcome {
    /// The block, complete but for its seal, executed on the head.
    Block(Box<Block>),
    /// No transaction could be included, and no heartbeat was due. The engine asks again when the pool changes.
    Nothing,
}

/// What came of a validation that the engine asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidationOutcome {
    /// The block re-executes to exactly its header, next set and limits included (R3, R10, R13, R14).
    Valid,
    /// It does, but it says something that this node cannot vouch for, or that its operator does not want (R16): it is not voted for,
    /// and taken if a quorum makes it final.
    Withheld,
    /// It does not.
    Invalid,
}

/// One fact.
#[derive(Debug)]
pub enum Input {
    /// Time has passed: the moment that the last `WakeAt` named has come.
    Tick,
    /// The pool has transactions that could be included now, or has none any more. Repeat it after each imported block.
    PoolChanged {
        /// Is there something to include?
        has_work: bool,
    },
    /// A build ended.
    Built {
        /// The slot it was asked for.
        slot: Slot,
        /// What came of it.
        outcome: BuildOutcome,
    },
    /// A validation ended.
    Validated {
        /// The block.
        hash: BlockHash,
        /// What came of it.
        outcome: ValidationOutcome,
    },
    /// A guard record is durable.
    GuardStored(GuardReceipt),
    /// A permitted statement was signed.
    Signed(Signed),
    /// A peer said something.
    Message {
        /// Which peer.
        from: Origin,
        /// What it said.
        message: Message,
    },
    /// A peer delivered the block that a `FetchBlock` asked for.
    Fetched {
        /// Which peer.
        from: Origin,
        /// The block.
        block: Arc<Block>,
    },
    /// A peer delivered the next block with its certificate, while this node catches up.
    Certified {
        /// Which peer.
        from: Origin,
        /// The block.
        block: Arc<Block>,
        /// What made it final.
        certificate: FinalityCertificate,
    },
    /// A block is committed, durably, and is the new head. With the certificate of the `Finalize` effect it answers.
    Imported(Box<FinalHead>),
    /// How far the local clock is ahead of the peers' median (behind if negative).
    ClockOffset {
        /// Milliseconds.
        offset_ms: i64,
    },
    /// The mainchain confirmed a checkpoint (R15).
    Checkpoint {
        /// The block's number.
        number: BlockNumber,
        /// The hash that the mainchain holds.
        confirmed: BlockHash,
        /// The hash of the block that is final here at that number, if there is one.
        local: Option<BlockHash>,
    },
}
