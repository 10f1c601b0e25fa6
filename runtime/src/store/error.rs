//! Why could the database not be opened, read or written, and what can be done about it?

use std::fmt::Display;
use std::path::PathBuf;

use alloy_primitives::{B256, hex};
use ledger_chainspec::{BlockHash, BlockNumber, GenesisHash};

use super::Column;

/// A read or write of the database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// RocksDB reported an error, for example of the disk.
    #[error("the database failed ({0}); check the disk and its free space, then restart")]
    Database(#[from] rocksdb::Error),
    /// A record is not what this version writes.
    #[error("record {key} of column {column} is damaged ({what}); restore the data directory or sync it again")]
    Corrupt {
        /// The column family's name.
        column: &'static str,
        /// The record's key in hexadecimal.
        key: String,
        /// What is wrong with it.
        what: String,
    },
}

impl StoreError {
    /// A record that cannot be decoded.
    pub(crate) fn corrupt(column: Column, key: &[u8], what: impl Display) -> Self {
        Self::Corrupt {
            column: column.name(),
            key: hex::encode(key),
            what: what.to_string(),
        }
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
    #[error("cannot open the database in {}: {source}; if files are damaged, restore them or sync again", path.display())]
    Database {
        /// The folder.
        path: PathBuf,
        /// What RocksDB said.
        source: rocksdb::Error,
    },
    /// The database opened, but what it says of itself cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a block was not committed. Nothing of it was written.
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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rocksdb::Error> for CommitError {
    fn from(error: rocksdb::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}
