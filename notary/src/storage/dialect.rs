//! In what do the two databases differ? The statements that one of them needs and the other does not, as data.

use super::StorageError;
use crate::tuf::names::encoded;

/// What is said to one kind of database.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Its name, for errors.
    pub(super) name: &'static str,
    /// At the start of a session.
    pub(super) session: &'static [&'static str],
    /// Asks for the session's lock, where a statement of the session does not take it.
    pub(super) lock: Option<&'static str>,
    /// Makes what is missing.
    pub(super) tables: &'static [&'static str],
}

static SQLITE: Dialect = Dialect {
    name: "SQLite",
    // FULL syncs the log with every commit; NORMAL, the usual companion of WAL, would lose the last ones with the power. The
    // exclusive lock is taken by the first writing transaction and kept until the file is closed.
    session: &[
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "BEGIN IMMEDIATE",
        "COMMIT",
    ],
    lock: None,
    tables: &[
        "CREATE TABLE IF NOT EXISTS notary_facts (name TEXT PRIMARY KEY, content TEXT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS notary_entries (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)",
    ],
};

static POSTGRES: Dialect = Dialect {
    name: "PostgreSQL",
    // Whatever the server's configuration says: a commit that is answered is on the disk.
    session: &["SET synchronous_commit = on"],
    // The number is sha256("cloud-ledger-notary"), its first eight bytes with the sign taken away.
    lock: Some("SELECT pg_try_advisory_lock(3414395148038170723)"),
    tables: &[
        "CREATE TABLE IF NOT EXISTS notary_facts (name TEXT PRIMARY KEY, content TEXT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS notary_entries (seq BIGINT PRIMARY KEY, entry BYTEA NOT NULL)",
    ],
};

/// The kind of database that an address names, and the address as its driver wants it.
pub(super) fn of(url: &str) -> Result<(&'static Dialect, String), StorageError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        // The driver reads `?` and `#` as parts of an address, which are parts of a name here.
        let path: Vec<_> = path.split('/').map(encoded).collect();
        return Ok((&SQLITE, format!("sqlite:{}?mode=rwc", path.join("/"))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((&POSTGRES, url.to_owned()));
    }
    Err(StorageError::Kind)
}

/// Whether SQLite says that another process has the file.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY, and its extended codes in the upper bytes.
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
