//! What does the reading planner ask of the mainchain, and what is it told?
//!
//! Made by the reader out of what [`crate::mainchain`] answers.

use std::collections::BTreeMap;

use alloy_primitives::B256;

use crate::{
    mainchain::Rejection,
    numbers::{BlockNumber, Index, Point},
    statement::Checkpoint,
};

/// The newest block of the mainchain, and what the contract has as of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The block.
    pub block: Point,
    /// Index of the newest checkpoint.
    pub index: Index,
    /// Its fingerprint; the sidechain's genesis hash before the first.
    pub fingerprint: B256,
}

/// What the planner has to know besides. Questions about blocks come last, and the one about the newest block the very last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// The contract's fingerprints for these, as of the newest block.
    pub fingerprints: Vec<Index>,
    /// What the contract told in these blocks, both included.
    pub logs: Option<(BlockNumber, BlockNumber)>,
    /// Hashes of these blocks.
    pub blocks: Vec<BlockNumber>,
}

/// The contract accepted a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// In which block.
    pub block: Point,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its fingerprint, as the contract says.
    pub fingerprint: B256,
}

/// What the contract told in some blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// Checkpoints, in the order of their indexes.
    pub made: Vec<Made>,
    /// What validators signed beside accepted checkpoints.
    pub rejections: Vec<Rejection>,
}

/// The answers. What does not exist is not in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Fingerprints by index.
    pub fingerprints: BTreeMap<Index, B256>,
    /// What was told; none if the nodes do not tell of so many blocks at once.
    pub logs: Option<Logs>,
    /// Hashes by number.
    pub blocks: BTreeMap<BlockNumber, B256>,
}

/// Everything that one step is decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The mainchain.
    pub tip: Tip,
    /// What was asked for.
    pub answers: Answers,
    /// Since when the sidechain has had a block that a further checkpoint is due for, by that block's own time; none if none is due.
    pub due_since_ms: Option<u64>,
}
