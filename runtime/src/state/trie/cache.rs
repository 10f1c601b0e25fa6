//! Which branches near the roots are in memory?
//!
//! The upper branches of a large trie are read for every change and every proof below them; decoded ones are kept here, as
//! they are after the newest block. The store looks in here before it reads, and follows every commit. Bounded by a number
//! of records, because a decoded branch takes at most about a kilobyte.

use parking_lot::RwLock;
use quick_cache::sync::Cache;

use super::node::Record;

/// Nibbles of a path whose record is kept at most. Sixteen branches in each of five steps are a million; below, few are
/// read twice.
const PATH_NIBBLES_MAX: usize = 5;

/// Bytes of the longest part of a key that is no path: a hashed address.
const PREFIX_BYTES: usize = 32;

/// Bytes that a record takes at most, its key and the cache's own part included.
const RECORD_BYTES: usize = 1 << 10;

/// Branches of the newest state. Keys are those of the trie columns; a prefix is a hash, and a path has bytes below 16 alone,
/// so that the two columns' keys are never the same.
#[derive(Debug)]
pub(crate) struct BranchCache {
    records: Cache<Box<[u8]>, Record>,
    records_max: usize,
    /// The block that the database and the records are of; `None` while a batch is under way, when nobody can tell which
    /// block a read belongs to.
    block: RwLock<Option<u64>>,
}

/// That the database is at one block and stays so for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtBlock(Option<u64>);

impl BranchCache {
    /// A cache of `bytes` at most, of a database at no block yet.
    pub(crate) fn new(bytes: usize) -> Self {
        let records_max = (bytes / RECORD_BYTES).max(1);
        Self {
            records: Cache::new(records_max),
            records_max,
            block: RwLock::new(None),
        }
    }

    /// The record under `key` of the newest block, or of the one being committed.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Record> {
        if is_kept(key) { self.records.get(key) } else { None }
    }

    /// To be asked before a record is read from the database and handed to [`Self::add`].
    pub(crate) fn at_block(&self) -> AtBlock {
        AtBlock(*self.block.read())
    }

    /// Keeps what was read under `key`, unless a batch came between; tells whether it did.
    pub(crate) fn add(&self, key: &[u8], record: &Record, at: AtBlock) -> bool {
        let newest = self.block.read();
        let fits = is_kept(key) && newest.is_some() && *newest == at.0;
        if fits {
            self.records.insert(key.into(), record.clone());
        }
        fits
    }

    /// Whether the record under `key` is worth keeping before anybody asks for it: once half of the room is taken, only one that is
    /// above most.
    pub(crate) fn wants(&self, key: &[u8]) -> bool {
        let is_half_full = self.records.len() >= self.records_max / 2;
        path_length(key) <= PATH_NIBBLES_MAX - usize::from(is_half_full)
    }

    /// Whether another record would push none out.
    pub(crate) fn has_room(&self) -> bool {
        self.records.len() < self.records_max
    }

    /// A batch begins: until it ends, nothing that is read is kept.
    pub(crate) fn begin(&self) {
        *self.block.write() = None;
    }

    /// Follows one change of the batch, once that is visible.
    pub(crate) fn follow(&self, key: &[u8], record: Option<&Record>) {
        if !is_kept(key) {
            return;
        }
        match record {
            Some(record) => self.records.insert(key.into(), record.clone()),
            None => drop(self.records.remove(key)),
        }
    }

    /// The database and the records are those of `block`.
    pub(crate) fn end(&self, block: u64) {
        *self.block.write() = Some(block);
    }
}

/// Whether the path is short enough.
fn is_kept(key: &[u8]) -> bool {
    path_length(key) <= PATH_NIBBLES_MAX
}

/// Nibbles of the path that `key` ends with: what is left of it behind a prefix.
fn path_length(key: &[u8]) -> usize {
    key.len().checked_sub(PREFIX_BYTES).unwrap_or(key.len())
}

#[cfg(test)]
mod tests {
    use alloy_trie::Nibbles;

    use super::*;

    #[test]
    fn what_was_read_beside_a_batch_is_not_kept() {
        let (cache, key) = (BranchCache::new(1 << 20), [1, 2]);
        let [old, new] = [3, 4].map(|nibble| Record::Extension(Nibbles::from_nibbles([nibble])));
        cache.end(7);
        let before = cache.at_block();
        cache.begin();
        let during = cache.at_block();
        cache.follow(&key, Some(&new));
        cache.end(8);
        for at in [before, during] {
            cache.add(&key, &old, at);
            assert_eq!(cache.get(&key).as_ref(), Some(&new), "{at:?}");
        }
        cache.add(&key, &old, cache.at_block());
        assert_eq!(cache.get(&key), Some(old));
    }
}
