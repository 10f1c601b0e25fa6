//! What did a record hold after an older block?
//!
//! For every record of the state that block b changes, [`Column::Undo`] keeps what it held before, under column, key
//! and b. What it held after block h is therefore the oldest undo record younger than h, or, if there is none, what it
//! holds now. That is one seek, however far back h lies. (Of a trie's branches an undo record holds only what the block
//! replaced, and a read goes on to the next one until it knows all children; `state/trie` puts them together.) Undo
//! records that have left the window are never looked at again, and go when RocksDB next compacts their file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger_chainspec::BlockNumber;
use rocksdb::{Direction, IteratorMode, ReadOptions, WriteBatch};

use super::{Column, Database, History, RawRecord, Store, StoreError};
use crate::state::{Past, Record, StateChange, StateError, StateView};

/// What of the undo records compaction may drop: those of block `b` and before. It follows commits that are on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct DroppableUndo(Arc<AtomicU64>);

impl DroppableUndo {
    /// No state before `oldest` is readable any more, after a crash either.
    pub(super) fn raise(&self, oldest: BlockNumber) {
        self.0.fetch_max(oldest.get(), Ordering::SeqCst);
    }

    /// Whether the undo record with this key has left the window. The undo records of a block lead to the state before it.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        let block = key.last_chunk().map(|block| u64::from_be_bytes(*block));
        block.is_some_and(|block| block <= self.0.load(Ordering::SeqCst))
    }
}

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

    /// How much of the past stays readable.
    #[must_use]
    pub const fn history(&self) -> History {
        self.history
    }

    /// The oldest block whose state is readable.
    #[must_use]
    pub fn oldest_state(&self) -> BlockNumber {
        BlockNumber::new(self.oldest_state.load(Ordering::SeqCst))
    }

    pub(super) fn check_window(&self, block: BlockNumber) -> Result<(), StateError> {
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
        let Some(found) = self.undo_records(column, key, at).next() else {
            return Ok(None);
        };
        let (undo_key, bytes) = found?;
        undone(&undo_key, &bytes).map(Some)
    }

    /// The record of a trie column under `key` after block `at`. The steps are ordered as in [`Self::read_at`].
    pub(crate) fn trie_record_at(
        &self,
        column: Column,
        key: &[u8],
        at: BlockNumber,
    ) -> Result<Option<Record>, StateError> {
        let current = match self.branches.get(key) {
            Some(record) => Some(record),
            None => {
                let newest = self.branches.at_block();
                let read = self.get_with(column, key, Record::from_bytes)?;
                if let Some(record) = &read {
                    self.branches.add(key, record, newest);
                }
                read
            }
        };
        if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            return Ok(current);
        }
        let mut past = Past::default();
        for record in self.undo_records(column, key, at) {
            let (undo_key, bytes) = record.map_err(StoreError::from)?;
            let enough = past.add(&bytes);
            if enough.map_err(|reason| StoreError::corrupt(Column::Undo, &undo_key, reason))? {
                break;
            }
        }
        self.check_window(at)?;
        past.over(current)
            .map_err(|reason| StoreError::corrupt(column, key, reason).into())
    }

    /// The undo records of `key` of blocks after `at`, oldest first.
    fn undo_records(
        &self,
        column: Column,
        key: &[u8],
        at: BlockNumber,
    ) -> rocksdb::DBIteratorWithThreadMode<'_, Database> {
        let start = undo_key(column, key, BlockNumber::new(at.get().saturating_add(1)));
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound([&undo_prefix(column, key.len()), key, &[0xff; 9]].concat());
        let mode = IteratorMode::From(&start, Direction::Forward);
        self.db.iterator_cf_opt(self.column(Column::Undo), options, mode)
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
        for change in changes {
            batch.put_cf(undo, undo_key(change.column, &change.key, number), &change.undo);
        }
    }

    /// The oldest block whose state is readable when `number` becomes the head.
    pub(super) fn oldest_after(&self, number: BlockNumber) -> BlockNumber {
        let oldest = self.oldest_state.load(Ordering::SeqCst);
        match self.history {
            History::Blocks(window) => BlockNumber::new(oldest.max(number.get().saturating_sub(window))),
            History::Archive => BlockNumber::new(oldest),
        }
    }
}

/// The block of the undo record with this key and value, if it has the shape of one.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn undo_block(key: &[u8], value: &[u8]) -> Result<BlockNumber, &'static str> {
    let (prefix, block) = key.split_last_chunk::<8>().ok_or("shorter than a block number")?;
    let [tag, length, name @ ..] = prefix else {
        return Err("without column and length");
    };
    let column = Column::ALL.into_iter().find(|column| column.undo_tag() == Some(*tag));
    let column = column.ok_or("of a column without history")?;
    if usize::from(*length) != name.len() {
        return Err("with a length that is not its key's");
    }
    match (column, value.split_first()) {
        (Column::AccountTrie | Column::StorageTrie, _) => Past::default().add(value).map(|_| ())?,
        (_, Some((0, []) | (1, [_, ..]))) => {}
        _ => return Err("neither absent nor a value"),
    }
    Ok(BlockNumber::new(u64::from_be_bytes(*block)))
}

/// The value that an undo record of a flat column holds.
pub(super) fn undone(undo_key: &[u8], bytes: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    match bytes.split_first() {
        Some((0, [])) => Ok(None),
        Some((1, value)) => Ok(Some(value.to_vec())),
        _ => Err(StoreError::corrupt(
            Column::Undo,
            undo_key,
            "neither absent nor a value",
        )),
    }
}

/// What the undo keys of `column` for keys of this length begin with: no key's records lie among those of another length.
pub(super) fn undo_prefix(column: Column, key_bytes: usize) -> [u8; 2] {
    let length = u8::try_from(key_bytes).expect("keys of state columns are at most 96 bytes long");
    let tag = column.undo_tag().expect("state changes name columns with a history");
    [tag, length]
}

fn undo_key(column: Column, key: &[u8], number: BlockNumber) -> Vec<u8> {
    [&undo_prefix(column, key.len()), key, &number.get().to_be_bytes()].concat()
}
