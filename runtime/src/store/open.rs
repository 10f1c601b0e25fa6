//! Is this folder a database that we may use, and how much memory may it take?

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ledger_chainspec::{BlockNumber, GenesisHash};
use parity_scale_codec::Decode;
use parking_lot::{Mutex, RwLock};
use rocksdb::{Cache, DBRecoveryMode, ErrorKind, LogLevel, Options};

use super::columns::meta;
use super::commit::Writer;
use super::folder::{check_columns, check_files, check_folder, check_manifest};
use super::history::DroppableUndo;
use super::marker::{self, FinalBlock, FinalMarker, FinalRecord};
use super::records::{FORMAT_UNFINISHED, FORMAT_VERSION, HeadRecord, IdentityRecord, decode_all};
use super::torn;
use super::{ChainIdentity, Column, Database, Head, OpenError, Store, StoreError};
use crate::state::{BranchCache, SubtreeCache};

/// Blocks before the head whose state stays readable, unless told otherwise. Clients ask for proofs and calls at a
/// block that they saw minutes ago; checkpoints are nearer than this too.
pub const HISTORY_BLOCKS_DEFAULT: u64 = 1024;

/// Size of the cache of table blocks, unless told otherwise. Of the tries there is twice as much in memory.
pub const CACHE_BYTES_DEFAULT: usize = 48 << 20;

/// Memory for the tries' upper branches beside a cache of `cache_bytes`: half as much.
const fn branches_bytes(cache_bytes: usize) -> usize {
    cache_bytes / 2
}

/// Memory for the tops of small subtrees beside a cache of `cache_bytes`: one and a half times as much. Up to sixteen of
/// them, of about a third of its size each, stand below one upper branch.
const fn subtrees_bytes(cache_bytes: usize) -> usize {
    cache_bytes.saturating_add(cache_bytes / 2)
}

/// All memtables together with the smallest cache; beyond it RocksDB flushes the fullest.
pub const WRITE_BUFFERS_BYTES_MIN: usize = 32 << 20;

/// All memtables together at most, however large the cache is: it bounds how long opening after a crash takes, how much room the log
/// takes, and how long an insertion.
pub const WRITE_BUFFERS_BYTES_MAX: usize = 128 << 20;

/// Memory for memtables beside a cache of `cache_bytes`: half as much. Branches near the roots are written in every block, so
/// that a memtable that holds many blocks saves most of the writing.
const fn write_buffers_bytes(cache_bytes: usize) -> usize {
    let half = cache_bytes / 2;
    if half < WRITE_BUFFERS_BYTES_MIN {
        WRITE_BUFFERS_BYTES_MIN
    } else if half > WRITE_BUFFERS_BYTES_MAX {
        WRITE_BUFFERS_BYTES_MAX
    } else {
        half
    }
}

/// Table files held open, of which RocksDB keeps ten for other uses; each costs a descriptor and some memory. Opening one reads all of
/// its index and filter, where a lookup reads a few blocks: 512 full ones, of 64 MiB, are 32 GiB.
const OPEN_FILES_MAX: i32 = 512;

/// Shards of RocksDB's cache of open tables, as the exponent of two. Each has its share of [`OPEN_FILES_MAX`], and files are not spread
/// evenly over them: with the usual 64, of eight files each, some would close files long before there are as many.
const OPEN_FILES_SHARD_BITS: i32 = 2;

/// RocksDB's own log file, of which two are kept.
const INFO_LOG_BYTES_MAX: usize = 1 << 20;

/// Beside the database's folder, under this extension, a backup is made ready to take its place.
pub const RESTORING_EXTENSION: &str = "restoring";

/// How far back state stays readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// This many blocks before the head.
    Blocks(u64),
    /// All of it, from the day this was first chosen (undo records already dropped do not come back).
    Archive,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does: what is committed stays.
    Synced,
    /// It does not: for a database that is deleted after use.
    Scratch,
}

/// How to open a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The folder; created if absent.
    pub path: PathBuf,
    /// Bound in bytes of the cache of table blocks. For the tries there is twice as much: half of this for upper branches, and one
    /// and a half times this for small subtrees.
    pub cache_bytes: usize,
    /// How far back state stays readable.
    pub history: History,
    /// Whether commits wait for the disk.
    pub durability: Durability,
    /// The operator's word to go on although blocks that were final here are lost.
    pub accept_lost_blocks: bool,
}

impl StoreOptions {
    /// Usual options for `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: CACHE_BYTES_DEFAULT,
            history: History::Blocks(HISTORY_BLOCKS_DEFAULT),
            durability: Durability::Synced,
            accept_lost_blocks: false,
        }
    }
}

impl Store {
    /// Opens the database of the chain `identity`, or makes an empty one (whose [`Store::head`] is `None`: commit
    /// genesis first).
    ///
    /// # Errors
    /// [`OpenError`] names what is in the way and what to do: the folder, another process, another chain, another
    /// format.
    pub fn open(options: &StoreOptions, identity: ChainIdentity) -> Result<Arc<Self>, OpenError> {
        let path = options.path.as_path();
        let store = Self::open_files(options, identity)?;
        store.load(path)?;
        if options.durability == Durability::Synced {
            store.check_final(path, options.accept_lost_blocks)?;
            store.mark_final(path)?;
        }
        Ok(Arc::new(store))
    }

    /// Opens RocksDB, and reads nothing yet.
    pub(super) fn open_files(options: &StoreOptions, identity: ChainIdentity) -> Result<Self, OpenError> {
        let path = options.path.as_path();
        check_folder(path)?;
        check_files(path)?;
        torn::mend(path)?;
        check_columns(path)?;
        if options.durability == Durability::Synced {
            check_manifest(path)?;
        }
        let cache = Cache::new_hyper_clock_cache(options.cache_bytes, 0);
        let droppable = DroppableUndo::default();
        let buffers = write_buffers_bytes(options.cache_bytes);
        let columns = Column::ALL.map(|column| column.descriptor(&cache, buffers, &droppable));
        let db = Database::open_cf_descriptors(&database_options(buffers), path, columns)
            .map_err(|source| open_error(path, source))?;
        Ok(Self::with((db, droppable), options, identity))
    }

    /// Opens the database of the chain `identity` to read it; its files stay as they are, and a commit is refused. Nothing
    /// keeps a node from starting meanwhile.
    ///
    /// # Errors
    /// As [`Self::open`], and [`OpenError::Nothing`] if there is no database.
    pub fn open_read_only(path: &Path, identity: ChainIdentity) -> Result<Arc<Self>, OpenError> {
        check_files(path)?;
        if !path.join("CURRENT").exists() {
            return Err(OpenError::Nothing { path: path.to_owned() });
        }
        torn::check(path)?;
        check_columns(path)?;
        let options = StoreOptions::new(path);
        let cache = Cache::new_hyper_clock_cache(options.cache_bytes, 0);
        let droppable = DroppableUndo::default();
        let buffers = write_buffers_bytes(options.cache_bytes);
        let columns = Column::ALL.map(|column| column.descriptor(&cache, buffers, &droppable));
        let db = Database::open_cf_descriptors_read_only(&database_options(buffers), path, columns, false)
            .map_err(|source| open_error(path, source))?;
        let store = Self::with((db, droppable), &options, identity);
        store.load(path)?;
        store.check_final(path, false)?;
        Ok(Arc::new(store))
    }

    fn with((db, droppable): (Database, DroppableUndo), options: &StoreOptions, identity: ChainIdentity) -> Self {
        Self {
            db,
            identity,
            history: options.history,
            durability: options.durability,
            head: RwLock::new(None),
            newest_started: AtomicU64::new(0),
            oldest_state: AtomicU64::new(0),
            oldest_block: AtomicU64::new(0),
            kept_from: AtomicU64::new(u64::MAX),
            recoveries: RwLock::default(),
            branches: BranchCache::new(branches_bytes(options.cache_bytes)),
            subtrees: SubtreeCache::new(subtrees_bytes(options.cache_bytes)),
            droppable,
            writer: Mutex::new(Writer {
                marker: FinalMarker::none(),
                failed: false,
                batch_bytes: 0,
                background_errors: 0,
                unsynced: 0,
            }),
        }
    }

    pub(super) fn load(&self, path: &Path) -> Result<(), OpenError> {
        self.check_identity(path)?;
        Ok(self.load_head()?)
    }

    fn head_block(&self) -> Option<FinalBlock> {
        self.head().map(|head| FinalBlock {
            number: BlockNumber::new(head.header.header.number),
            hash: head.header.hash,
        })
    }

    /// Refuses a head behind the block that was final here, which only damage brings about.
    fn check_final(&self, path: &Path, accept_lost: bool) -> Result<(), OpenError> {
        let Some(FinalRecord { block: last, .. }) = marker::read(path).map_err(|source| marker_error(path, source))?
        else {
            return Ok(());
        };
        // A state that came from another node is of a later block than its place had before.
        if last.number < self.oldest_block() || self.block_hash(last.number)? == Some(last.hash) {
            return Ok(());
        }
        let head = self.head_block().map(|head| head.number);
        let FinalBlock { number, hash } = last;
        if accept_lost && head.is_some() {
            tracing::warn!(target: "ledger::store", ?head, %number, "blocks that were final are lost, by the operator's word");
            return Ok(());
        }
        Err(OpenError::HeadLost {
            path: path.to_owned(),
            head,
            number,
            hash,
        })
    }

    /// From here on, remembers in `path` what is final.
    fn mark_final(&self, path: &Path) -> Result<(), OpenError> {
        let mut marker = FinalMarker::of(path);
        if let Some(head) = self.head_block() {
            marker.set(head).map_err(|source| marker_error(path, source))?;
        }
        self.writer.lock().marker = marker;
        Ok(())
    }

    fn check_identity(&self, path: &Path) -> Result<(), OpenError> {
        // The version is read alone first: another version may have written the rest otherwise.
        let Some(found) = self.get_with(Column::Meta, meta::IDENTITY, |mut bytes| u32::decode(&mut bytes))? else {
            return Ok(());
        };
        if found != FORMAT_VERSION && found != FORMAT_UNFINISHED {
            return Err(OpenError::OtherFormat {
                path: path.to_owned(),
                found,
                supported: FORMAT_VERSION,
            });
        }
        let record = self
            .get_with(Column::Meta, meta::IDENTITY, decode_all::<IdentityRecord>)?
            .ok_or_else(|| StoreError::missing(Column::Meta, meta::IDENTITY))?;
        let found_genesis = GenesisHash::new(record.genesis.into());
        if record.chain_id != self.identity.chain_id || found_genesis != self.identity.genesis {
            return Err(OpenError::OtherChain {
                path: path.to_owned(),
                found_chain_id: record.chain_id,
                found_genesis,
                chain_id: self.identity.chain_id,
                genesis: self.identity.genesis,
            });
        }
        if found == FORMAT_UNFINISHED {
            return Err(OpenError::Unfinished { path: path.to_owned() });
        }
        Ok(())
    }

    fn load_head(&self) -> Result<(), StoreError> {
        let Some(record) = self.get_with(Column::Meta, meta::HEAD, decode_all::<HeadRecord>)? else {
            return Ok(());
        };
        self.load_recoveries()?;
        let oldest_block = self.get_with(Column::Meta, meta::OLDEST_BLOCK, decode_all::<u64>)?;
        self.oldest_block
            .store(oldest_block.unwrap_or_default(), std::sync::atomic::Ordering::SeqCst);
        let number = BlockNumber::new(record.number);
        let header = self
            .header(number)?
            .ok_or_else(|| StoreError::missing(Column::Headers, &number.get().to_be_bytes()))?;
        let set = self
            .validator_set(record.set)?
            .ok_or_else(|| StoreError::missing(Column::Meta, meta::VALIDATOR_SET))?;
        let oldest = self
            .get_with(Column::Meta, meta::OLDEST_STATE, decode_all::<u64>)?
            .ok_or_else(|| StoreError::missing(Column::Meta, meta::OLDEST_STATE))?;
        self.newest_started
            .store(record.number, std::sync::atomic::Ordering::SeqCst);
        self.oldest_state.store(oldest, std::sync::atomic::Ordering::SeqCst);
        self.droppable.raise(BlockNumber::new(oldest));
        self.branches.end(record.number);
        *self.head.write() = Some(Arc::new(Head {
            header,
            set,
            certificate: record.certificate,
        }));
        Ok(())
    }
}

fn marker_error(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Marker {
        path: path.to_owned(),
        source,
    }
}

pub(super) fn open_error(path: &Path, source: rocksdb::Error) -> OpenError {
    let path = path.to_owned();
    // RocksDB has no kind of its own for this; both of its messages name the lock file.
    if source.kind() == ErrorKind::IOError && source.as_ref().contains("/LOCK:") {
        return OpenError::Locked { path };
    }
    OpenError::Database { path, source }
}

fn database_options(write_buffers_bytes: usize) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_table_cache_num_shard_bits(OPEN_FILES_SHARD_BITS);
    options.set_db_write_buffer_size(write_buffers_bytes);
    // The log holds what memtables hold, and what was flushed of one column while others were not.
    options.set_max_total_wal_size(2 * write_buffers_bytes as u64);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(1 << 20);
    // After a crash everything up to the last whole batch is there, and nothing after it.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_max_log_file_size(INFO_LOG_BYTES_MAX);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    // A quiet chain writes nothing, and neither does RocksDB about itself.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}
