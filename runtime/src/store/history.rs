//! What did a record hold after an older block?
//!
//! For every record of the flat state that block b replaces, [`Column::Undo`] keeps what it was, under column, key and b. A
//! record names the block that wrote it. What a key held after block h is therefore what it holds now, if that is no
//! younger; else the oldest undo record younger than h, if what that holds is no younger than h; else nothing. That is one
//! seek, however far back h lies. (Of a trie's branches an undo record holds only what the block replaced, and a read goes on
//! to the next one until it knows all children; `state/trie` puts them together.) Undo records that have left the window are
//! never looked at again, and go when RocksDB next compacts their file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger_chainspec::{BlockNumber, Header};
use rocksdb::{Direction, IteratorMode, ReadOptions, WriteBatch};

use super::{Column, Database, FlatRecord, History, RawRecord, Store, StoreError};
use crate::receipts;
use crate::state::{Past, PastBranch, Record, StateChange, StateError, StateView};

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
    pub(crate) fn read_at(
        &self,
        column: Column,
        key: &[u8],
        at: BlockNumber,
    ) -> Result<Option<FlatRecord>, StateError> {
        let current = self.get_with(column, key, |bytes| FlatRecord::from_bytes(column, bytes))?;
        if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            return Ok(current);
        }
        let record = match current {
            Some(current) if current.since <= at => Some(current),
            _ => self.undone_record(column, key, at)?,
        };
        self.check_window(at)?;
        Ok(record)
    }

    /// What `key` held after block `at`, if a later block replaced it.
    fn undone_record(&self, column: Column, key: &[u8], at: BlockNumber) -> Result<Option<FlatRecord>, StoreError> {
        let Some(found) = self.undo_records(column, key, at).next() else {
            return Ok(None);
        };
        let (undo_key, bytes) = found?;
        Ok(undone(column, &undo_key, &bytes)?.if_by(at))
    }

    /// The root's record of a trie, which is under `key`, after block `at`. The steps are ordered as in [`Self::read_at`].
    pub(crate) fn trie_record_at(
        &self,
        column: Column,
        key: &[u8],
        at: BlockNumber,
    ) -> Result<Option<Record>, StateError> {
        let current = self.trie_record_now(column, key)?;
        if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            return Ok(current);
        }
        let past = self.past_of(column, key, at)?;
        past.over(current)
            .map_err(|reason| StoreError::corrupt(column, key, reason).into())
    }

    /// The branch under `key` of a trie column after block `at`, where another record of that block names it. The steps are
    /// ordered as in [`Self::read_at`].
    pub(crate) fn branch_at(&self, column: Column, key: &[u8], at: BlockNumber) -> Result<PastBranch, StateError> {
        let current = self.trie_record_now(column, key)?;
        let branch = if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            PastBranch::of(current)
        } else {
            self.past_of(column, key, at)?.branch_over(current)
        };
        branch.map_err(|reason| StoreError::corrupt(column, key, reason).into())
    }

    fn trie_record_now(&self, column: Column, key: &[u8]) -> Result<Option<Record>, StoreError> {
        if let Some(record) = self.branches.get(key) {
            return Ok(Some(record));
        }
        let newest = self.branches.at_block();
        let read = self.get_with(column, key, Record::from_bytes)?;
        if let Some(record) = &read {
            self.branches.add(key, record, newest);
        }
        Ok(read)
    }

    /// What the undo records of blocks after `at` say of a record of a trie column.
    fn past_of(&self, column: Column, key: &[u8], at: BlockNumber) -> Result<Past, StateError> {
        let mut past = Past::default();
        for record in self.undo_records(column, key, at) {
            let (undo_key, bytes) = record.map_err(StoreError::from)?;
            let enough = past.add(&bytes);
            if enough.map_err(|reason| StoreError::corrupt(Column::Undo, &undo_key, reason))? {
                break;
            }
        }
        self.check_window(at)?;
        Ok(past)
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

    /// Keys of a column of the flat state that blocks after `at` wrote or removed, where `head` has to be the newest block. Looks at
    /// every record of the column, and at every undo record of it.
    pub(crate) fn changed_since(
        &self,
        column: Column,
        at: BlockNumber,
        head: BlockNumber,
    ) -> Result<BTreeSet<Vec<u8>>, StateError> {
        let mut keys = BTreeSet::new();
        for record in self.flat_records(column, &[]) {
            let (key, record) = record?;
            if record.since > at {
                keys.insert(key);
            }
        }
        let tag = column.undo_tag().expect("the flat state has a history");
        for record in self.records(Column::Undo, &[tag]) {
            let (undo_key, _) = record?;
            let parts = undo_key.get(2..).and_then(<[u8]>::split_last_chunk::<8>);
            let corrupt = || StoreError::corrupt(Column::Undo, &undo_key, "shorter than a block number");
            let (key, block) = parts.ok_or_else(corrupt)?;
            if u64::from_be_bytes(*block) > at.get() {
                keys.insert(key.to_vec());
            }
        }
        self.check_window(at)?;
        if self.newest_started.load(Ordering::SeqCst) != head.get() {
            return Err(StateError::NotHead { parent: head });
        }
        Ok(keys)
    }

    /// Keeps the states from `block` on readable, whatever the window, until told otherwise. A state that has left the window does
    /// not come back.
    pub fn keep_states_from(&self, block: Option<BlockNumber>) {
        let block = block.map_or(u64::MAX, |block| block.get());
        self.kept_from.store(block, Ordering::SeqCst);
    }

    /// Adds what `changes` replace to the batch of block `number`.
    pub(super) fn put_undo(&self, batch: &mut WriteBatch, number: BlockNumber, changes: &[StateChange]) {
        let column = self.column(Column::Undo);
        for change in changes {
            if let Some(undo) = &change.undo {
                batch.put_cf(column, undo_key(change.column, &change.key, number), undo);
            }
        }
    }

    /// The oldest block whose state is readable when the block with this header becomes the head.
    pub(super) fn oldest_after(&self, header: &Header) -> BlockNumber {
        let oldest = self.oldest_state.load(Ordering::SeqCst);
        match self.history {
            // What this block orders to go back to has to be there for the next one (R16).
            History::Blocks(_) if receipts::may_order(&header.logs_bloom) => BlockNumber::new(oldest),
            History::Blocks(window) => {
                let wanted = header.number.saturating_sub(window);
                BlockNumber::new(oldest.max(wanted.min(self.kept_from.load(Ordering::SeqCst))))
            }
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
    let column = column_of(*tag).ok_or("of a column without history")?;
    if usize::from(*length) != name.len() {
        return Err("with a length that is not its key's");
    }
    let block = BlockNumber::new(u64::from_be_bytes(*block));
    if matches!(column, Column::AccountTrie | Column::StorageTrie) {
        Past::default().add(value)?;
    } else if FlatRecord::from_bytes(column, value)?.since >= block {
        return Err("of a record that no earlier block wrote");
    }
    Ok(block)
}

/// The column that the undo record with this key is of.
pub(crate) fn undo_column(key: &[u8]) -> Option<Column> {
    key.first().and_then(|tag| column_of(*tag))
}

fn column_of(tag: u8) -> Option<Column> {
    Column::ALL.into_iter().find(|column| column.undo_tag() == Some(tag))
}

/// The record that an undo record of a flat column holds.
pub(super) fn undone(column: Column, undo_key: &[u8], bytes: &[u8]) -> Result<FlatRecord, StoreError> {
    FlatRecord::from_bytes(column, bytes).map_err(|reason| StoreError::corrupt(Column::Undo, undo_key, reason))
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
