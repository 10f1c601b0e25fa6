//! Which blocks do the checkpoints in a book anchor that are soft or final? Pure.
//!
//! Called by [`confirmed`](super::confirmed) whenever the book has changed.

use std::collections::BTreeMap;

use ledger_checkpoint::reading::{Book, Standing};

use super::confirmed::{AnchoredBlock, Span};

/// What is soft or final.
pub(super) fn anchored(book: &Book) -> BTreeMap<u64, (Span, AnchoredBlock)> {
    let mut all = BTreeMap::new();
    let mut before = 0;
    for entry in book.entries().values() {
        if entry.standing < Standing::Soft {
            break;
        }
        let checkpoint = &entry.checkpoint;
        let span = Span {
            index: checkpoint.index,
            from: before + 1,
            to: checkpoint.height,
            hash: checkpoint.blockHash,
            history_root: checkpoint.historyRoot,
        };
        let block = AnchoredBlock {
            index: checkpoint.index,
            epoch: checkpoint.epoch,
            height: checkpoint.height,
            hash: checkpoint.blockHash,
            state_root: checkpoint.stateRoot,
        };
        all.insert(checkpoint.index, (span, block));
        before = checkpoint.height;
    }
    all
}
