//! How does a node that is behind get the blocks that are final already?
//!
//! [`Sync`] is one task: it sees what the peers have, asks several of them at once for consecutive pieces, puts the pieces in order, and
//! hands batch after batch to the driver, which checks and executes them while the next ones are on their way. What to ask whom is decided by
//! the pure [`plan`]; where the mainchain has confirmed a history, the pure [`lineage`] says which blocks are on it, and no others are taken. A peer that claims blocks it does not give, gives wrong ones or drips is held to account. With nothing behind it sleeps until a
//! peer says something new.

mod history;
pub mod lineage;
mod pieces;
pub mod plan;
mod progress;
mod proving;
mod state;
mod task;

use std::sync::Arc;

use ledger_chainspec::{Block, BlockNumber, FinalityCertificate};
use ledger_network::PeerId;
use tokio::sync::oneshot;

pub use history::fill_history;
pub use state::{STATE_BLOCKS_MIN, take_state};
pub use task::{Sync, SyncInputs};

/// Somebody spoke of final blocks that are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The newest block that is said to be final.
    pub through: BlockNumber,
    /// Who said so, if it is still known.
    pub from: Option<PeerId>,
}

/// Consecutive certified blocks for the driver to import.
#[derive(Debug)]
pub struct Batch {
    /// Each block with what made it final; nothing is verified.
    pub blocks: Vec<(Arc<Block>, FinalityCertificate)>,
    /// Where the outcome goes.
    pub answer: oneshot::Sender<Imported>,
}

/// What came of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The head afterwards.
    pub head: BlockNumber,
    /// Blocks that were committed.
    pub blocks: usize,
    /// Their transactions.
    pub transactions: usize,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The first block that keeps no rule; nothing after it was looked at.
    pub wrong: Option<BlockNumber>,
}
