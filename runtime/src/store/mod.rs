//! Where are the chain and its state on disk, and how does a block get there whole or not at all?
//!
//! A [`Store`] is one RocksDB database. Every block is final before it comes here, so there is one chain and no
//! reorganisation: [`Store::commit`] writes block, certificate, receipts, state, trie nodes, undo records, indexes and
//! the new head in one synced batch. Layout, crash assumption and history window are in STORAGE.md.
//! The runtime facade opens and commits; everybody reads. This module never executes, never verifies a signature, and
//! only its files name RocksDB.

mod blocks;
mod checkpoint;
mod codes;
mod columns;
mod commit;
mod error;
mod flat;
mod folder;
mod history;
mod import;
mod manifest;
mod marker;
mod open;
mod patch;
mod prune;
mod ranges;
mod records;
mod recoveries;
mod rewrite;
mod stats;
mod torn;
mod usage;
mod warm;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger_chainspec::{FinalityCertificate, GenesisHash, SealedHeader, ValidatorSet};
use parking_lot::{Mutex, RwLock};

use crate::state::{BranchCache, SubtreeCache};
pub(crate) use flat::FlatRecord;
use history::DroppableUndo;
pub(crate) use history::{undo_block, undo_column};
pub(crate) use import::{ImportStep, ImportedHead, OldBlock};
pub(crate) use ranges::{KeyRange, LeafRecord, LeafSpan, RangeCursor, SpanLimit};

pub use checkpoint::{CheckpointError, remove_checkpoint};
pub use codes::CodeChange;
pub use columns::Column;
pub(crate) use columns::lookup_location;
pub use commit::{BlockCommit, UNSYNCED_BLOCKS_MAX};
pub use error::{CommitError, OpenError, StoreError};
pub use open::{
    CACHE_BYTES_DEFAULT, Durability, HISTORY_BLOCKS_DEFAULT, History, RESTORING_EXTENSION, StoreOptions,
    WRITE_BUFFERS_BYTES_MAX, WRITE_BUFFERS_BYTES_MIN,
};
pub use prune::Pruned;
pub(crate) use records::included_from_bytes;
pub use records::{CodeEnd, CodeEndKind, CodeRecord, FORMAT_VERSION, IncludedTransaction, StoredReceipt, TxLocation};
pub use recoveries::Recovery;
pub use rewrite::RecordKind;
pub use stats::{ColumnStats, StoreStats};
pub use usage::SpecUsage;
pub(crate) use usage::Tally;
pub(crate) use warm::Warming;

use commit::Writer;

/// One thread-mode for all: column families are made at opening and never dropped, so that reads take no lock.
type Database = rocksdb::DBWithThreadMode<rocksdb::SingleThreaded>;

/// A record's key and value.
pub(crate) type RawRecord = (Vec<u8>, Vec<u8>);

/// Which chain a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis: GenesisHash,
}

/// The newest block, with what a follower needs to go on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its header and hash.
    pub header: SealedHeader,
    /// The validator set in force after it.
    pub set: ValidatorSet,
    /// What made it final; `None` for genesis alone.
    pub certificate: Option<FinalityCertificate>,
}

/// The database of one chain. Shared by `Arc`; reads run beside one another and beside a commit.
pub struct Store {
    db: Database,
    identity: ChainIdentity,
    history: History,
    durability: Durability,
    head: RwLock<Option<Arc<Head>>>,
    /// Newest block whose batch was handed to RocksDB; a reader that finds it unchanged after its read has read the
    /// state before that batch.
    newest_started: AtomicU64,
    /// Oldest block whose state is readable; raised before the undo records below it go.
    oldest_state: AtomicU64,
    /// Oldest block that is kept: genesis, unless the state came from another node.
    oldest_block: AtomicU64,
    /// States from this block on stay readable, whatever the window; `u64::MAX` for no such wish.
    kept_from: AtomicU64,
    /// The recoveries in the blocks that are kept, the oldest first.
    recoveries: RwLock<Arc<[Recovery]>>,
    /// Upper branches of the newest state's tries.
    branches: BranchCache,
    /// Tops of small subtrees of the newest state's tries.
    subtrees: SubtreeCache,
    /// What the compaction of [`Column::Undo`] drops.
    droppable: DroppableUndo,
    /// Held by the one commit that may run.
    writer: Mutex<Writer>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("identity", &self.identity)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The newest block; `None` until genesis is committed.
    #[must_use]
    pub fn head(&self) -> Option<Arc<Head>> {
        self.head.read().clone()
    }

    /// Which chain this database holds.
    #[must_use]
    pub const fn identity(&self) -> ChainIdentity {
        self.identity
    }

    /// Tops of small subtrees that are in memory.
    pub(crate) const fn subtrees(&self) -> &SubtreeCache {
        &self.subtrees
    }

    fn column(&self, column: Column) -> &rocksdb::ColumnFamily {
        self.db
            .cf_handle(column.name())
            .expect("open() opens every column family")
    }

    /// One record as it is now.
    pub(crate) fn record(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get_cf(self.column(column), key)?)
    }

    /// Reads a record and decodes it.
    fn get_with<T, E: std::fmt::Display>(
        &self,
        column: Column,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.db.get_pinned_cf(self.column(column), key)? else {
            return Ok(None);
        };
        decode(&bytes)
            .map(Some)
            .map_err(|error| StoreError::corrupt(column, key, error))
    }

    /// Every record of a column whose key starts with `prefix`, in the order of keys, as of now.
    pub(crate) fn records<'a>(
        &'a self,
        column: Column,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<RawRecord, StoreError>> + use<'a> {
        let mut options = rocksdb::ReadOptions::default();
        options.set_iterate_range(rocksdb::PrefixRange(prefix));
        // Whatever the column's own idea of a prefix is.
        options.set_total_order_seek(true);
        self.db
            .iterator_cf_opt(self.column(column), options, rocksdb::IteratorMode::Start)
            .map(|record| {
                let (key, value) = record?;
                Ok((key.into_vec(), value.into_vec()))
            })
    }

    /// As [`Self::records`], of a column of the flat state.
    pub(crate) fn flat_records<'a>(
        &'a self,
        column: Column,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, FlatRecord), StoreError>> + use<'a> {
        self.records(column, prefix).map(move |record| {
            let (key, bytes) = record?;
            let record = FlatRecord::from_bytes(column, &bytes);
            let record = record.map_err(|reason| StoreError::corrupt(column, &key, reason))?;
            // To readers of the past it would not be there.
            if record.since.get() > self.newest_started.load(Ordering::SeqCst) {
                return Err(StoreError::corrupt(column, &key, "of a block that there is not"));
            }
            Ok((key, record))
        })
    }
}
