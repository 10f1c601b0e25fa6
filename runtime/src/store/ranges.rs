//! Which leaves of the flat state lie in a range of keys, after some block?
//!
//! Small subtrees of the tries have no records and are built from their leaves. A walk through a trie reads many such ranges,
//! from left to right, which one iterator does better than many.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use ledger_chainspec::BlockNumber;
use rocksdb::{DBRawIteratorWithThreadMode, ReadOptions};

use super::history::{undo_prefix, undone};
use super::{Column, Database, FlatRecord, Store, StoreError};
use crate::state::StateError;

/// Records that are read for one range at most. What was small or low at a past block may have grown since, 64 times and more,
/// and is looked through for what was there then: this bounds how long that takes.
const RANGE_RECORDS_MAX: usize = 65_536;

/// Records that have changed since, which are looked at for one span at most: as many as a chunk of a state has leaves.
const SPAN_UNDONE_MAX: usize = 16_384;

/// Records that are stepped over before the next key is sought: most keys change seldom, and a step costs a tenth of a seek.
const STEPS_BEFORE_SEEK: usize = 4;

/// A leaf: its hashed key, and what the trie has there.
pub(crate) type LeafRecord = (B256, Vec<u8>);

/// A leaf as it is on disk, by its hashed key.
type Found = (B256, FlatRecord);

/// Keys of a flat column that begin with whole bytes and then some nibbles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    start: Vec<u8>,
    /// The first key behind the range; `None` if there is none.
    end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys that begin with `prefix` and `path`.
    pub(crate) fn below(prefix: &[u8], path: &Nibbles) -> Self {
        let start = [prefix, &path.pack()].concat();
        let mut end = start.clone();
        // An odd path ends in the upper half of its last byte.
        let mut step = if path.len().is_multiple_of(2) { 1 } else { 0x10 };
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(step) {
                end.push(next);
                return Self { start, end: Some(end) };
            }
            step = 1;
        }
        Self { start, end: None }
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.end.as_deref().is_none_or(|end| key < end)
    }
}

/// Reads ranges of one flat column, as it was when this was made.
pub(crate) struct RangeCursor<'a> {
    store: &'a Store,
    column: Column,
    iterator: DBRawIteratorWithThreadMode<'a, Database>,
    /// The end of the last range: the iterator stands at the first record from there on.
    stands_at: Option<Vec<u8>>,
}

impl Store {
    /// A cursor over a column of the flat state. What it reads comes into the cache of table blocks if it is `cached`, and not
    /// merely read in passing.
    pub(crate) fn range_cursor(&self, column: Column, cached: bool) -> RangeCursor<'_> {
        let mut options = ReadOptions::default();
        options.fill_cache(cached);
        RangeCursor {
            store: self,
            column,
            iterator: self.db.raw_iterator_cf_opt(self.column(column), options),
            stands_at: None,
        }
    }

    /// What those leaves of `column` in `range` held after block `at` that changed since: of each key the first undo record
    /// of a younger block. A few steps or seeks for each key, however often it changed. Gives up behind the first keys, `max` of them, and
    /// says so.
    fn undone_in(&self, column: Column, range: &KeyRange, at: BlockNumber, max: usize) -> Result<Undone, StateError> {
        let key_bytes = if column == Column::Storage { 64 } else { 32 };
        let bound = |key: &[u8]| [undo_prefix(column, key_bytes).as_slice(), key].concat();
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(match &range.end {
            Some(end) => bound(end),
            None => undo_prefix(column, key_bytes + 1).to_vec(),
        });
        let mut iterator = self.db.raw_iterator_cf_opt(self.column(Column::Undo), options);
        iterator.seek(bound(&range.start));
        let mut found = BTreeMap::new();
        while let Some((undo_key, bytes)) = iterator.item() {
            let short = || StoreError::corrupt(Column::Undo, undo_key, "shorter than a key and a block number");
            let (key, block) = undo_key.split_last_chunk::<8>().ok_or_else(short)?;
            let leaf = key.last_chunk::<32>().ok_or_else(short)?;
            if found.len() == max {
                return Ok(Undone { found, is_cut: true });
            }
            let next = if u64::from_be_bytes(*block) <= at.get() {
                at.get().saturating_add(1)
            } else {
                found.insert(B256::from(*leaf), undone(column, undo_key, bytes)?);
                u64::MAX
            };
            let next = [key, &next.to_be_bytes()].concat();
            advance(&mut iterator, &next);
        }
        iterator.status().map_err(StoreError::from)?;
        Ok(Undone { found, is_cut: false })
    }

    /// The leaves of `column` whose keys are `prefix` and then `from` or more, after block `at`, in the order of keys, as far
    /// as `limit` goes, but one at least. The steps are ordered as in [`Store::read_at`].
    pub(crate) fn leaves_from(
        &self,
        column: Column,
        (prefix, from): (&[u8], &B256),
        limit: SpanLimit,
        at: BlockNumber,
    ) -> Result<LeafSpan, StateError> {
        let mut range = KeyRange::below(prefix, &Nibbles::default());
        range.start = [prefix, from.as_slice()].concat();
        let (mut now, mut until) = self.leaves_now(column, &range, limit)?;
        if self.newest_started.load(Ordering::SeqCst) <= at.get() {
            let leaves = now.into_iter().map(|(key, record)| (key, record.leaf)).collect();
            return Ok(LeafSpan { leaves, until });
        }
        if let Some(until) = &until {
            // Behind all undo records of the last key.
            range.end = Some([prefix, until.as_slice(), &[0xff; 9]].concat());
        }
        let Undone { found, is_cut } = self.undone_in(column, &range, at, SPAN_UNDONE_MAX)?;
        self.check_window(at)?;
        if let Some((cut, _)) = found.last_key_value().filter(|_| is_cut) {
            now.retain(|(key, _)| key <= cut);
            until = Some(*cut);
        }
        let leaves = as_of(at, now, found);
        Ok(LeafSpan { leaves, until })
    }

    /// The leaves in `range` now, and the last key if there is more behind it.
    fn leaves_now(
        &self,
        column: Column,
        range: &KeyRange,
        limit: SpanLimit,
    ) -> Result<(Vec<Found>, Option<B256>), StoreError> {
        let mut options = ReadOptions::default();
        if let Some(end) = &range.end {
            options.set_iterate_upper_bound(end.clone());
        }
        // Read once, in passing.
        options.fill_cache(false);
        let mut iterator = self.db.raw_iterator_cf_opt(self.column(column), options);
        iterator.seek(&range.start);
        let mut leaves = Vec::new();
        let mut bytes = 0_usize;
        while let Some((key, value)) = iterator.item() {
            if let Some((last, _)) = leaves
                .last()
                .filter(|_| leaves.len() >= limit.leaves || bytes >= limit.bytes)
            {
                let until = Some(*last);
                return Ok((leaves, until));
            }
            let (key, record) = found(column, key, value)?;
            bytes = bytes.saturating_add(key.len() + record.leaf.len());
            leaves.push((key, record));
            iterator.next();
        }
        iterator.status()?;
        Ok((leaves, None))
    }
}

fn found(column: Column, key: &[u8], value: &[u8]) -> Result<Found, StoreError> {
    let leaf = key.last_chunk::<32>();
    let leaf = leaf.ok_or_else(|| StoreError::corrupt(column, key, "shorter than a key"))?;
    let record = FlatRecord::from_bytes(column, value).map_err(|reason| StoreError::corrupt(column, key, reason))?;
    Ok((B256::from(*leaf), record))
}

/// Moves on to the first record from `target` on.
fn advance(iterator: &mut DBRawIteratorWithThreadMode<'_, Database>, target: &[u8]) {
    for _ in 0..STEPS_BEFORE_SEEK {
        iterator.next();
        if iterator.key().is_none_or(|key| key >= target) {
            return;
        }
    }
    iterator.seek(target);
}

/// What later blocks replaced first of some leaves.
struct Undone {
    found: BTreeMap<B256, FlatRecord>,
    /// Whether there are more behind the last one.
    is_cut: bool,
}

/// How much is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanLimit {
    pub(crate) leaves: usize,
    pub(crate) bytes: usize,
}

/// All leaves from a key on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeafSpan {
    pub(crate) leaves: Vec<LeafRecord>,
    /// The last key that was looked for, itself included; `None` if there is nothing behind.
    pub(crate) until: Option<B256>,
}

/// The leaves after block `at`, in the order of keys, of what they are now and what later blocks replaced first.
fn as_of(at: BlockNumber, now: Vec<Found>, mut undone: BTreeMap<B256, FlatRecord>) -> Vec<LeafRecord> {
    let mut leaves = Vec::with_capacity(now.len());
    for (key, record) in now {
        if let Some(record) = record.if_by(at) {
            // A block that was committed meanwhile may have replaced the very same.
            undone.remove(&key);
            leaves.push((key, record.leaf));
        }
    }
    let undone = undone.into_iter();
    leaves.extend(undone.filter_map(|(key, record)| Some((key, record.if_by(at)?.leaf))));
    leaves.sort_unstable_by_key(|(key, _)| *key);
    leaves
}

impl RangeCursor<'_> {
    /// The leaves in `range` after block `at`, in the order of keys. The steps are ordered as in [`Store::read_at`].
    pub(crate) fn leaves(&mut self, range: &KeyRange, at: BlockNumber) -> Result<Vec<LeafRecord>, StateError> {
        let mut now = Vec::new();
        if self.stands_at.take().as_ref() != Some(&range.start) {
            self.iterator.seek(&range.start);
        }
        while let Some((key, value)) = self.iterator.item().filter(|(key, _)| range.contains(key)) {
            now.push(found(self.column, key, value)?);
            check_count(now.len())?;
            self.iterator.next();
        }
        self.iterator.status().map_err(StoreError::from)?;
        self.stands_at.clone_from(&range.end);
        if self.store.newest_started.load(Ordering::SeqCst) <= at.get() {
            return Ok(now.into_iter().map(|(key, record)| (key, record.leaf)).collect());
        }
        let Undone { found, is_cut } = self.store.undone_in(self.column, range, at, RANGE_RECORDS_MAX)?;
        self.store.check_window(at)?;
        if is_cut {
            return Err(StateError::Grown { max: RANGE_RECORDS_MAX });
        }
        Ok(as_of(at, now, found))
    }
}

fn check_count(records: usize) -> Result<(), StateError> {
    if records > RANGE_RECORDS_MAX {
        return Err(StateError::Grown { max: RANGE_RECORDS_MAX });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_the_last_key_that_begins_so() {
        for (path, start, end) in [
            (&[1, 2][..], &[7, 0x12][..], Some(&[7, 0x13][..])),
            (&[1, 0xf], &[7, 0x1f], Some(&[7, 0x20])),
            (&[0xf, 0xf], &[7, 0xff], Some(&[8])),
            (&[1, 2, 3], &[7, 0x12, 0x30], Some(&[7, 0x12, 0x40])),
            (&[1, 2, 0xf], &[7, 0x12, 0xf0], Some(&[7, 0x13])),
            (&[], &[7], Some(&[8])),
        ] {
            let range = KeyRange::below(&[7], &Nibbles::from_nibbles(path));
            assert_eq!((range.start.as_slice(), range.end.as_deref()), (start, end), "{path:?}");
        }
        let all = KeyRange::below(&[], &Nibbles::default());
        assert_eq!((all.start.as_slice(), all.end), (&[][..], None));
        assert_eq!(KeyRange::below(&[0xff], &Nibbles::from_nibbles([0xf])).end, None);
    }
}
