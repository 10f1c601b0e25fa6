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

/// Branches of the newest state. Keys are those of the trie columns; a path in the one is shorter than a prefix in the
/// other, so that they need not be told apart.
#[derive(Debug)]
pub(crate) struct BranchCache {
    records: Cache<Box<[u8]>, Record>,
    /// The block that the records are of. Whoever adds one that was read holds it for reading, so that no record of an
    /// older block is added later.
    block: RwLock<u64>,
}

impl BranchCache {
    /// A cache of `bytes` at most.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            records: Cache::new((bytes / RECORD_BYTES).max(1)),
            block: RwLock::new(0),
        }
    }

    /// The record under `key` of the newest block, or of the one being committed.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Record> {
        if is_kept(key) { self.records.get(key) } else { None }
    }

    /// Keeps what was read under `key` while `block` was the newest, unless another is by now.
    pub(crate) fn add(&self, key: &[u8], record: &Record, block: u64) {
        if is_kept(key) {
            let newest = self.block.read();
            if *newest == block {
                self.records.insert(key.into(), record.clone());
            }
        }
    }

    /// From now on only records of `block` are added. Called before its batch becomes visible.
    pub(crate) fn begin(&self, block: u64) {
        *self.block.write() = block;
    }

    /// Follows one change of the block that was begun, after its batch became visible.
    pub(crate) fn follow(&self, key: &[u8], record: Option<&Record>) {
        if !is_kept(key) {
            return;
        }
        match record {
            Some(record) => self.records.insert(key.into(), record.clone()),
            None => drop(self.records.remove(key)),
        }
    }
}

/// Whether the path is short enough. A path behind a prefix is what is left of the key.
fn is_kept(key: &[u8]) -> bool {
    let path = key.len().checked_sub(PREFIX_BYTES).unwrap_or(key.len());
    path <= PATH_NIBBLES_MAX
}
