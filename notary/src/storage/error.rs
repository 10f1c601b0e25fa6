//! Why is the storage of no use? Its errors. None of them repeats the address, which may hold a password.

use thiserror::Error;

/// Why entries cannot be read or appended.
#[derive(Debug, Error)]
pub enum StorageError {
    /// No address of a storage.
    #[error("a storage is sqlite:FILE or postgres://USER@HOST/DATABASE; give one of the two")]
    Kind,
    /// Not written as addresses are.
    #[error("the address of the storage cannot be read: {0}")]
    Address(sqlx::Error),
    /// Nobody answers.
    #[error(
        "cannot open the storage in {kind}: {source}; see that the folder or the server is there and lets this user in"
    )]
    Connect {
        /// Which database.
        kind: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// Another process has it.
    #[error("another process writes this storage; stop it first, since two would contradict each other")]
    Taken,
    /// Another program's, or another network's.
    #[error("this storage has {name} {got:?}, expected {expected:?}; give this network a storage of its own")]
    Foreign {
        /// What differs.
        name: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// An entry is missing.
    #[error("entry {expected} is missing in the storage; restore it from a copy")]
    Hole {
        /// Its number.
        expected: u64,
    },
    /// The database refused.
    #[error("cannot {what} the storage in {kind}: {source}")]
    Query {
        /// Which database.
        kind: &'static str,
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// An append failed before.
    #[error("an earlier append failed and may or may not be in the storage; start again to see")]
    Unsure,
}
