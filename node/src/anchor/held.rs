//! Which blocks do the checkpoints in a book anchor that are soft or final? Pure.
//!
//! Called by [`confirmed`](super::confirmed) whenever the book has changed.

use std::collections::BTreeMap;

use ledger_checkpoint::reading::{Book, Standing};

use super::confirmed::{AnchoredBlock, Span};

/// What is soft or final.
pub(super) fn anchored(book: &Book) -> BTreeMap<u64, (Span, AnchoredBlock)> {
    let mut all = BTreeMap::new();
    let mut before = 0_u64;
    for entry in book.entries().values() {
        if entry.standing < Standing::Soft {
            break;
        }
        let checkpoint = &entry.checkpoint;
        let span = Span {
            index: checkpoint.index,
            from: before.saturating_add(1),
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

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use ledger_checkpoint::{
        numbers::{BlockNumber, Point},
        reading::{Anchored, Place},
        statement::{Anchor, Checkpoint},
    };

    use super::*;

    #[test]
    fn a_checkpoint_behind_the_last_height_that_there_is_ends_nothing() {
        // No contract takes one, but a node of the mainchain may tell of it.
        let anchor = Anchor {
            mainchain_id: 63,
            contract: Address::repeat_byte(7),
        };
        let genesis = B256::repeat_byte(1);
        let mut book = Book::new(Place { anchor, genesis });
        for (index, height) in [(1, u64::MAX), (2, 7)] {
            let checkpoint = Checkpoint {
                index,
                height,
                parent: book.tip().1,
                ..Checkpoint::default()
            };
            let added = book.add(Anchored {
                fingerprint: anchor.fingerprint(&checkpoint),
                checkpoint,
                block: Point {
                    number: BlockNumber::new(5),
                    hash: B256::ZERO,
                },
                standing: Standing::Soft,
            });
            added.expect("it follows");
        }
        let spans: Vec<_> = anchored(&book).values().map(|(span, _)| (span.from, span.to)).collect();
        assert_eq!(spans, [(1, u64::MAX), (u64::MAX, 7)]);
    }
}
