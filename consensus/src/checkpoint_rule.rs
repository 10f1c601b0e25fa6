//! Does a block contradict a checkpoint that the mainchain confirmed (R15)?
//!
//! The engine asks before it votes for a block or makes it final. Never changes what is final: a contradiction is for an
//! operator to solve.

use std::collections::BTreeMap;

use ledger_chainspec::{BlockHash, BlockNumber};

/// Most confirmed checkpoints kept for blocks that are not final here yet; beyond it the lowest are kept, since they are
/// reached first, and the others are told again when the watcher gets there.
pub const CHECKPOINTS_PENDING_MAX: usize = 64;

/// Confirmed checkpoints ahead of the head.
#[derive(Debug, Default)]
pub(crate) struct CheckpointRule {
    pending: BTreeMap<BlockNumber, BlockHash>,
}

impl CheckpointRule {
    /// Notes a checkpoint for a block that is not final here yet. The first one told for a height stays.
    pub(crate) fn expect(&mut self, number: BlockNumber, confirmed: BlockHash) {
        self.pending.entry(number).or_insert(confirmed);
        while self.pending.len() > CHECKPOINTS_PENDING_MAX {
            self.pending.pop_last();
        }
    }

    /// The checkpoint that a block `hash` at `number` contradicts.
    pub(crate) fn contradicted_by(&self, number: BlockNumber, hash: BlockHash) -> Option<BlockHash> {
        self.pending
            .get(&number)
            .copied()
            .filter(|confirmed| *confirmed != hash)
    }

    /// Forgets the checkpoints up to the new head.
    pub(crate) fn reached(&mut self, head: BlockNumber) {
        self.pending.retain(|number, _| *number > head);
    }
}
