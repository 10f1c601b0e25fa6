//! What did a record hold after an older block?
//!
//! For every record of the state that block b changes, [`Column::Undo`] keeps what it held before, under column, key
//! and b. What it held after block h is therefore the oldest undo record younger than h, or, if there is none, what it
//! holds now. That is one seek, however far back h lies. A second kind of record lists the keys of each block, so that
//! a block leaving the window can be dropped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger_chainspec::BlockNumber;
use parity_scale_codec::Encode;
use rocksdb::{Direction, IteratorMode, ReadOptions, WriteBatch};

use super::records::decode_all;
use super::{Column, History, RawRecord, Store, StoreError};
use crate::state::{StateChange, StateError, StateView};

/// First byte of the records that list a block's keys; columns have the small numbers.
const LIST_TAG: u8 = 0xff;

/// Blocks whose undo records one commit drops at most: one as a rule, more when the window was made smaller.
pub(super) const PRUNED_BLOCKS_PER_COMMIT_MAX: u64 = 4;

impl Store {
    /// The state after block `number`.
    ///
    /// # Errors
    /// [`StateError::OutsideWindow`] names the oldest block that is readable; [`StateError::Future`] the newest.
    pub fn state_at(self: &Arc<Self>, number: BlockNumber) -> Result<StateView, StateError> {
        let head = self.head().ok_or(StateError::Empty)?;
        let newest = BlockNumber::new(head.header.header.number);
        if number > newest {
            return Err(StateError::Future {
                block: number,
                head: newest,
            });
        }
        self.check_window(number)?;
        Ok(StateView::stored(Arc::clone(self), number))
    }

    /// The state after the newest block, or before genesis.
    #[must_use]
    pub fn state(self: &Arc<Self>) -> StateView {
        self.head().map_or_else(StateView::empty, |head| {
            StateView::stored(Arc::clone(self), BlockNumber::new(head.header.header.number))
        })
    }

    /// The oldest block whose state is readable.
    #[must_use]
    pub fn oldest_state(&self) -> BlockNumber {
        BlockNumber::new(self.oldest_state.load(Ordering::SeqCst))
    }

    fn check_window(&self, block: BlockNumber) -> Result<(), StateError> {
        let oldest = self.oldest_state();
        if block < oldest {
            Err(StateError::OutsideWindow { block, oldest })
        } else {
            Ok(())
        }
    }

    /// What `key` held after block `at`.
    ///
    /// The order of the three steps makes it right beside a running commit: a batch becomes visible as a whole after
    /// `newest_started` names it, and `oldest_state` rises before undo records go.
    pub(crate) fn read_at(&self, column: Column, key: &[u8], at: BlockNumber) -> Result<Option<Vec<u8>>, StateError> {
        let current = self.record(column, key)?;
        if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            return Ok(current);
        }
        let value = self.undone_value(column, key, at)?.unwrap_or(current);
        self.check_window(at)?;
        Ok(value)
    }

    /// The value that the first block after `at` that changed `key` replaced; `None` if none did.
    fn undone_value(&self, column: Column, key: &[u8], at: BlockNumber) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let Some(mut start) = undo_prefix(column, key) else {
            return Ok(None);
        };
        let mut end = start.clone();
        end.extend_from_slice(&[0xff; 9]);
        start.extend_from_slice(&at.get().saturating_add(1).to_be_bytes());
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(end);
        let mode = IteratorMode::From(&start, Direction::Forward);
        let Some(found) = self.db.iterator_cf_opt(self.column(Column::Undo), options, mode).next() else {
            return Ok(None);
        };
        let (undo_key, bytes) = found?;
        match bytes.split_first() {
            Some((0, [])) => Ok(Some(None)),
            Some((1, value)) => Ok(Some(Some(value.to_vec()))),
            _ => Err(StoreError::corrupt(
                Column::Undo,
                &undo_key,
                "neither absent nor a value",
            )),
        }
    }

    /// Every record under `prefix` after block `at`, which has to be the head.
    pub(crate) fn scan_at_head(
        &self,
        column: Column,
        prefix: &[u8],
        at: BlockNumber,
    ) -> Result<Vec<RawRecord>, StateError> {
        let records = self.records(column, prefix);
        // The iterator sees the database as it was when it was made.
        if self.newest_started.load(Ordering::SeqCst) != at.get() {
            return Err(StateError::NotHead { parent: at });
        }
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// Adds what `changes` replace to the batch of block `number`.
    pub(super) fn put_undo(&self, batch: &mut WriteBatch, number: BlockNumber, changes: &[StateChange]) {
        let undo = self.column(Column::Undo);
        let mut list = Vec::with_capacity(changes.len());
        for change in changes {
            let prefix = undo_prefix(change.column, &change.key).expect("state changes name columns with a history");
            let value = match &change.old {
                None => vec![0],
                Some(old) => [&[1], old.as_slice()].concat(),
            };
            batch.put_cf(undo, undo_key(&prefix, number), value);
            list.push(prefix);
        }
        batch.put_cf(undo, undo_key(&[LIST_TAG], number), list.encode());
    }

    /// Adds the removal of undo records that leave the window when `number` becomes the head; returns the oldest block
    /// whose state is then readable.
    pub(super) fn prune(&self, batch: &mut WriteBatch, number: BlockNumber) -> Result<BlockNumber, StoreError> {
        let mut oldest = self.oldest_state.load(Ordering::SeqCst);
        let History::Blocks(window) = self.history else {
            return Ok(BlockNumber::new(oldest));
        };
        let wanted = number
            .get()
            .saturating_sub(window)
            .min(oldest + PRUNED_BLOCKS_PER_COMMIT_MAX);
        let undo = self.column(Column::Undo);
        while oldest < wanted {
            // The undo records of a block lead to the state before it.
            oldest += 1;
            let block = BlockNumber::new(oldest);
            let list_key = undo_key(&[LIST_TAG], block);
            let list = self
                .get_with(Column::Undo, &list_key, decode_all::<Vec<Vec<u8>>>)?
                .ok_or_else(|| StoreError::missing(Column::Undo, &list_key))?;
            for prefix in list {
                batch.delete_cf(undo, undo_key(&prefix, block));
            }
            batch.delete_cf(undo, list_key);
        }
        Ok(BlockNumber::new(oldest))
    }
}

/// Column and key, with the key's length between them so that no key's records lie among another's.
fn undo_prefix(column: Column, key: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(key.len()).expect("keys of state columns are at most 96 bytes long");
    Some([&[column.undo_tag()?, length], key].concat())
}

fn undo_key(prefix: &[u8], number: BlockNumber) -> Vec<u8> {
    [prefix, &number.get().to_be_bytes()].concat()
}
