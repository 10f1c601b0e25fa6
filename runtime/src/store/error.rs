//! Why could the database not be opened, read or written, and what can be done about it?

use std::fmt::Display;
use std::path::PathBuf;

use alloy_primitives::{B256, hex};
use ledger_chainspec::{BlockHash, BlockNumber, GenesisHash};

use rocksdb::ErrorKind;

use super::columns::indexed_key;
use super::{Column, TxLocation};

/// What an operator does about damage; ends the messages that tell of it.
const WHAT_TO_DO: &str = "stop the node, look at the whole of it with `ledger-node db verify`, then restore a backup with \
                          `ledger-node db restore`, or sync again into an empty --data-dir";

/// Whether `error` tells of damaged files. One that is gone reads as an error of the disk.
fn tells_damage(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::Corruption || error.as_ref().contains("No such file")
}

fn failed(error: &rocksdb::Error) -> String {
    if tells_damage(error) {
        format!("a file of the database is damaged or gone ({error}); {WHAT_TO_DO}")
    } else {
        format!("the database failed ({error}); check the disk and its free space, then restart")
    }
}

/// A read or write of the database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// RocksDB reported an error, for example of the disk.
    #[error("{}", failed(.0))]
    Database(#[from] rocksdb::Error),
    /// A record is not what this version writes.
    #[error("record {key} of column {column} is damaged ({what}); {WHAT_TO_DO}")]
    Corrupt {
        /// The column family's name.
        column: &'static str,
        /// The record's key in hexadecimal.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// The block is older than the blocks of a node that began with the state of a later one.
    #[error(
        "block {block} is not kept here: this node began with the state of a later block, and block {oldest} is the oldest that \
         it has; ask a node that has all blocks"
    )]
    NotKept {
        /// The block asked for.
        block: BlockNumber,
        /// The oldest block that is kept.
        oldest: BlockNumber,
    },
}

impl StoreError {
    /// Whether what is on disk is damaged, rather than the disk unwilling for the moment.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Database(error) => tells_damage(error),
            Self::Corrupt { .. } => true,
            Self::NotKept { .. } => false,
        }
    }

    /// A record that cannot be decoded.
    pub(crate) fn corrupt(column: Column, key: &[u8], what: impl Display) -> Self {
        Self::Corrupt {
            column: column.name(),
            key: hex::encode(key),
            what: what.to_string(),
        }
    }

    /// A transaction's record that cannot be read.
    pub(crate) fn of_transaction(at: TxLocation, what: impl Display) -> Self {
        Self::corrupt(Column::Transactions, &indexed_key(at.block, at.index), what)
    }

    /// A record that others prove must exist.
    pub(crate) fn missing(column: Column, key: &[u8]) -> Self {
        Self::corrupt(column, key, "missing")
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be created.
    #[error("cannot create the data directory {}: {source}; choose another with --data-dir", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder cannot be written to.
    #[error(
        "the data directory {} is not writable: {source}; give this user write permission or choose another with --data-dir",
        path.display()
    )]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process uses the database.
    #[error("the database in {} is in use by another process; stop that node first, or choose another --data-dir", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The database belongs to another chain.
    #[error(
        "the database in {} is of chain {found_chain_id} (genesis {found_genesis}), not of chain {chain_id} (genesis {genesis}); use the --chain it was made for, or an empty --data-dir",
        path.display()
    )]
    OtherChain {
        /// The folder.
        path: PathBuf,
        /// Chain id on disk.
        found_chain_id: u64,
        /// Genesis on disk.
        found_genesis: GenesisHash,
        /// Chain id asked for.
        chain_id: u64,
        /// Genesis asked for.
        genesis: GenesisHash,
    },
    /// The database was written in another layout.
    #[error(
        "the database in {} has format {found}, and this program reads format {supported}; use the program version that wrote it, or sync again into an empty --data-dir",
        path.display()
    )]
    OtherFormat {
        /// The folder.
        path: PathBuf,
        /// Format on disk.
        found: u32,
        /// Format this program writes.
        supported: u32,
    },
    /// A state is being put into the database.
    #[error(
        "the database in {} is not complete: a state from other nodes is being put into it. Start the node with peers, so that it \
         goes on, or use an empty --data-dir",
        path.display()
    )]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a RocksDB database of some other program, or of a newer version of this one.
    #[error(
        "the database in {} has a column family `{column}` that this program does not know; choose another --data-dir or a newer program",
        path.display()
    )]
    ForeignDatabase {
        /// The folder.
        path: PathBuf,
        /// The column family.
        column: String,
    },
    /// RocksDB cannot open the files.
    #[error("cannot open the database in {}: {source}; {}", path.display(), open_advice(source))]
    Database {
        /// The folder.
        path: PathBuf,
        /// What RocksDB said.
        source: rocksdb::Error,
    },
    /// A log has an end that RocksDB would read for ever, and nothing is to be written.
    #[error(
        "the log {} is torn at byte {offset}, as a loss of power leaves it; start the node on it once, which mends it, or restore a backup \
         with `ledger-node db restore`",
        file.display()
    )]
    LogTorn {
        /// The log.
        file: PathBuf,
        /// Where in it.
        offset: u64,
    },
    /// There is no database in the folder, and none is to be made.
    #[error("there is no database in {}; name the right --chain and --data-dir", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// Files of a database are there without the one that leads to them; RocksDB would begin a new one over them.
    #[error(
        "the database in {} has lost its file {file}: it is damaged; restore a backup with `ledger-node db restore`, or sync again into an empty --data-dir",
        path.display()
    )]
    FileLost {
        /// The folder.
        path: PathBuf,
        /// The file's name.
        file: &'static str,
    },
    /// The manifest, RocksDB's list of its files, is shorter than it was, so that tables are forgotten.
    #[error(
        "the database in {} is damaged: its manifest {number} ends after {bytes} bytes, and manifest {expected_number} had \
         {expected_bytes} when the newest block was committed; restore a backup with `ledger-node db restore`, or sync again into \
         an empty --data-dir",
        path.display()
    )]
    ManifestCut {
        /// The folder.
        path: PathBuf,
        /// Number of the manifest that is there.
        number: u64,
        /// Its length.
        bytes: u64,
        /// Number of the manifest that was there.
        expected_number: u64,
        /// Its length.
        expected_bytes: u64,
    },
    /// A restore was interrupted between taking the old database away and putting the new one into its place.
    #[error(
        "a restore into {} was interrupted, and there is no database before it is done: run `ledger-node db restore` again",
        path.display()
    )]
    RestoreInterrupted {
        /// The folder.
        path: PathBuf,
    },
    /// The database opens behind the block that was final here.
    #[error(
        "the database in {} opens at {}, but block {number} ({hash}) was final here: its newest files are damaged or gone. Restore a backup with `ledger-node db restore`, or sync again into an empty --data-dir; to give up the blocks that are lost, start once with --accept-lost-blocks",
        path.display(), at(head)
    )]
    HeadLost {
        /// The folder.
        path: PathBuf,
        /// Where it opens; `None` for before genesis.
        head: Option<BlockNumber>,
        /// The newest block that was final.
        number: BlockNumber,
        /// Its hash.
        hash: BlockHash,
    },
    /// The file that remembers the newest final block cannot be used.
    #[error("cannot use the file FINAL in {}: {source}{}", path.display(), marker_advice(source))]
    Marker {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The database opened, but what it says of itself cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn at(head: &Option<BlockNumber>) -> String {
    head.map_or_else(|| "no block at all".to_owned(), |number| format!("block {number}"))
}

/// What is wrong with the file's content says itself what to do.
fn marker_advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::InvalidData => "",
        _ => "; check the disk and its free space, then start again",
    }
}

fn open_advice(error: &rocksdb::Error) -> &'static str {
    if tells_damage(error) {
        "files are damaged or gone: restore a backup with `ledger-node db restore`, or sync again into an empty --data-dir"
    } else {
        "check the disk and its free space, then start again"
    }
}

impl OpenError {
    /// Whether files are damaged or gone, so that a backup has to be restored.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::FileLost { .. } | Self::ManifestCut { .. } | Self::HeadLost { .. } => true,
            Self::Marker { source, .. } => source.kind() == std::io::ErrorKind::InvalidData,
            Self::Database { source, .. } => tells_damage(source),
            Self::Store(error) => error.is_damage(),
            Self::Create { .. }
            | Self::NotWritable { .. }
            | Self::Locked { .. }
            | Self::OtherChain { .. }
            | Self::OtherFormat { .. }
            | Self::Unfinished { .. }
            | Self::ForeignDatabase { .. }
            | Self::Nothing { .. }
            | Self::LogTorn { .. }
            | Self::RestoreInterrupted { .. } => false,
        }
    }
}

/// Why a block was not committed. Unless the disk failed, nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The block does not follow the head.
    #[error("block {number} does not follow the head, block {expected} does")]
    WrongNumber {
        /// The block given.
        number: BlockNumber,
        /// The number that would follow.
        expected: BlockNumber,
    },
    /// The block's parent is not the head.
    #[error("block {number} names parent {parent}, but the head is {head}")]
    WrongParent {
        /// The block given.
        number: BlockNumber,
        /// Its parent.
        parent: BlockHash,
        /// The head.
        head: BlockHash,
    },
    /// Genesis does not have the hash with which the database was opened.
    #[error("genesis has hash {got}, but the database was opened for {expected}")]
    WrongGenesis {
        /// The block given.
        got: BlockHash,
        /// The hash given to `open`.
        expected: GenesisHash,
    },
    /// The state commitment was computed on another parent.
    #[error("the state of block {number} was computed on block {computed_on:?}")]
    WrongStateParent {
        /// The block given.
        number: BlockNumber,
        /// The block it was computed on.
        computed_on: Option<BlockNumber>,
    },
    /// The state commitment does not give the header's root.
    #[error("block {number} has state root {header}, but its changes give {computed}")]
    WrongRoot {
        /// The block given.
        number: BlockNumber,
        /// Root in the header.
        header: B256,
        /// Root of the commitment.
        computed: B256,
    },
    /// A block after genesis came without its certificate.
    #[error("block {number} has no finality certificate")]
    Uncertified {
        /// The block given.
        number: BlockNumber,
    },
    /// Genesis came without a validator set.
    #[error("genesis names no validator set")]
    NoValidators,
    /// There is not one receipt per transaction.
    #[error("block {number} has {transactions} transactions and {receipts} receipts")]
    ReceiptCount {
        /// The block given.
        number: BlockNumber,
        /// Transactions.
        transactions: usize,
        /// Receipts.
        receipts: usize,
    },
    /// An earlier commit failed at the disk.
    #[error("an earlier write failed, so what is on disk is unknown; check the disk and its free space, then restart")]
    FailedBefore,
    /// The block is written, but not that it was final.
    #[error(
        "cannot write down that block {number} is final: {source}; check the disk and its free space, then restart"
    )]
    Marker {
        /// The block.
        number: BlockNumber,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rocksdb::Error> for CommitError {
    fn from(error: rocksdb::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}
