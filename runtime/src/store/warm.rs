//! What of the tries is in memory before the first block needs it?
//!
//! After a start the branches near the roots would come from the disk one by one, each under the first block that changes something
//! below it: with millions of codes, minutes of slow blocks. So they are read in the order of their keys beside all
//! else, some at a time, until there are no more or no room is left; and after them the small subtrees, which are built from their
//! leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rocksdb::{DBIteratorWithThreadMode, Direction, IteratorMode, ReadOptions};

use super::{Column, Database, Store, StoreError};
use crate::state::{Record, StateError, keep_small};

/// Columns of tries.
const TRIES: [Column; 2] = [Column::AccountTrie, Column::StorageTrie];

/// Records read between two looks at whether to stop.
const STEP_RECORDS: usize = 256;

/// A step that met a commit is taken again so often at most; then its records are left to whoever needs them.
const STEP_TRIES_MAX: usize = 4;

/// A commit takes a few of these.
const STEP_PAUSE: Duration = Duration::from_millis(5);

/// Reads tries into memory until it has done so, or is dropped; it does not outlive what it is dropped with.
#[derive(Debug)]
pub(crate) struct Warming {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Warming {
    /// Begins. Nothing depends on it: a record that cannot be read is met again by the block that needs it.
    pub(crate) fn start(store: Arc<Store>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("ledger-warm".to_owned())
            .spawn(move || match warm(&store, &told) {
                Ok((branches, subtrees)) => {
                    tracing::debug!(target: "ledger::store", branches, subtrees, "tries are in memory");
                }
                Err(error) => tracing::warn!(target: "ledger::store", %error, "tries stay on disk until needed"),
            });
        Self {
            stop,
            thread: thread.ok(),
        }
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Reads branches and then small subtrees into memory; tells how many.
fn warm(store: &Arc<Store>, stop: &AtomicBool) -> Result<(usize, usize), StateError> {
    let branches = store.warm_branches(stop)?;
    let mut subtrees = 0;
    for column in TRIES {
        let mut next = Some(Vec::new());
        while let Some(from) = next.filter(|_| store.subtrees.has_room()) {
            let step = subtree_step(store, column, &from, stop)?;
            subtrees += step.kept;
            next = step.next.filter(|_| step.read == STEP_RECORDS);
        }
    }
    Ok((branches, subtrees))
}

/// Keeps the small subtrees below the next records of `column`, the first of which is at `from` or after it, until `stop`.
fn subtree_step(store: &Arc<Store>, column: Column, from: &[u8], stop: &AtomicBool) -> Result<Step, StateError> {
    let view = store.state();
    let mut step = Step::default();
    for record in store.records_from(column, from).take(STEP_RECORDS) {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let (key, bytes) = record.map_err(StoreError::from)?;
        let record = Record::from_bytes(&bytes).map_err(|reason| StoreError::corrupt(column, &key, reason))?;
        if let Record::Branch(branch) = record {
            step.kept += keep_small(&view, column, &key, &branch)?;
        }
        step.pass(&key);
    }
    Ok(step)
}

impl Store {
    /// Reads branches into memory while there is room, until `stop`; tells how many.
    fn warm_branches(&self, stop: &AtomicBool) -> Result<usize, StoreError> {
        let mut kept = 0;
        for column in TRIES {
            let mut next = Some(Vec::new());
            while let Some(from) = next {
                if stop.load(Ordering::SeqCst) {
                    return Ok(kept);
                }
                let step = self.warm_step(column, &from)?;
                kept += step.kept;
                next = step.next;
            }
        }
        Ok(kept)
    }

    /// Keeps the next records of `column`, the first of which is at `from` or after it.
    fn warm_step(&self, column: Column, from: &[u8]) -> Result<Step, StoreError> {
        let mut step = Step::default();
        for _ in 0..STEP_TRIES_MAX {
            let at = self.branches.at_block();
            step = Step::default();
            for record in self.records_from(column, from).take(STEP_RECORDS) {
                let (key, bytes) = record?;
                if self.branches.wants(&key) {
                    let record =
                        Record::from_bytes(&bytes).map_err(|reason| StoreError::corrupt(column, &key, reason))?;
                    step.kept += usize::from(self.branches.add(&key, &record, at));
                    step.wanted += 1;
                }
                step.pass(&key);
            }
            if step.kept == step.wanted {
                break;
            }
            thread::sleep(STEP_PAUSE);
        }
        step.next = step
            .next
            .filter(|_| step.read == STEP_RECORDS && self.branches.has_room());
        Ok(step)
    }

    /// The records of `column`, the first of which is at `from` or after it, to be read once and in passing.
    fn records_from(&self, column: Column, from: &[u8]) -> DBIteratorWithThreadMode<'_, Database> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        let mode = IteratorMode::From(from, Direction::Forward);
        self.db.iterator_cf_opt(self.column(column), options, mode)
    }
}

/// What became of some records that follow one another.
#[derive(Default)]
struct Step {
    read: usize,
    wanted: usize,
    kept: usize,
    /// Where the next step begins.
    next: Option<Vec<u8>>,
}

impl Step {
    /// The record under `key` was read.
    fn pass(&mut self, key: &[u8]) {
        self.next = Some([key, &[0]].concat());
        self.read += 1;
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use alloy_trie::Nibbles;
    use ledger_chainspec::GenesisHash;

    use super::*;
    use crate::store::{ChainIdentity, StoreOptions};

    /// A database with a record at each of the 16 + 256 + 4,096 shortest paths, and one deeper, below an account.
    fn store(folder: &tempfile::TempDir, cache_bytes: usize) -> Arc<Store> {
        let identity = ChainIdentity {
            chain_id: 1,
            genesis: GenesisHash::new(B256::ZERO),
        };
        let options = StoreOptions {
            cache_bytes,
            ..StoreOptions::new(folder.path())
        };
        let store = Store::open(&options, identity).expect("an empty folder");
        let deep = [1; 6].to_vec();
        let paths = (0..16_u8).flat_map(|a| {
            let below = (0..16_u8).flat_map(move |b| {
                let lowest = (0..16_u8).map(move |c| vec![a, b, c]);
                [vec![a, b]].into_iter().chain(lowest)
            });
            [vec![a]].into_iter().chain(below)
        });
        for path in paths.chain([deep]) {
            put(&store, &path);
        }
        store.branches.end(7);
        store
    }

    fn put(store: &Store, path: &[u8]) {
        let record = Record::Extension(Nibbles::from_nibbles(path));
        let key = [&[0xaa; 32][..], path].concat();
        let column = store.column(Column::StorageTrie);
        store.db.put_cf(column, key, record.to_bytes()).expect("written");
    }

    fn cached(store: &Store, path: &[u8]) -> Option<Record> {
        store.branches.get(&[&[0xaa; 32][..], path].concat())
    }

    #[test]
    fn upper_branches_are_in_memory_before_they_are_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder, 16 << 20);
        assert_eq!(cached(&store, &[3, 7, 1]), None);
        let kept = store.warm_branches(&AtomicBool::new(false)).expect("readable");
        assert_eq!(kept, 16 + 256 + 4_096);
        for path in [&[3][..], &[3, 7], &[3, 7, 1], &[15, 15, 15]] {
            let record = Record::Extension(Nibbles::from_nibbles(path));
            assert_eq!(cached(&store, path), Some(record), "{path:?}");
        }
        assert_eq!(cached(&store, &[1; 6]), None);
    }

    #[test]
    fn no_more_is_read_than_there_is_room_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder, 2 << 20);
        let kept = store.warm_branches(&AtomicBool::new(false)).expect("readable");
        assert!((1_024..1_024 + STEP_RECORDS).contains(&kept), "{kept}");
    }

    #[test]
    fn it_ends_when_told_and_keeps_nothing_beside_a_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder, 8 << 20);
        assert_eq!(store.warm_branches(&AtomicBool::new(true)).expect("readable"), 0);
        store.branches.begin();
        assert_eq!(store.warm_branches(&AtomicBool::new(false)).expect("readable"), 0);
    }

    #[test]
    fn the_database_is_closed_when_it_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let warming = Warming::start(store(&folder, 8 << 20));
        drop(warming);
        store(&folder, 8 << 20);
    }
}
