//! What happened, in order? One append-only table of entries, numbered from 0 without a hole, in SQLite or in PostgreSQL.
//!
//! An entry is bytes here; what it means is for the [desk](crate::desk) to say. Called by the [server](crate::server) alone: it reads all
//! of it at its start and appends one entry for each thing that it acknowledges. [`Storage::append`] returns when the entry would survive
//! a loss of power, and never before.
//!
//! One process at a time: SQLite's file is locked for as long as the storage is open, PostgreSQL holds an advisory lock for the session.
//! Whether an append that failed is in the table nobody can say until it is read again, so that the storage takes no other one after it.

mod dialect;
mod error;

use std::{str::FromStr, time::Duration};

use sqlx::{
    AnyConnection, ConnectOptions, Connection, Row,
    any::{AnyConnectOptions, install_default_drivers},
};

use dialect::Dialect;
pub use error::StorageError;

use crate::records::Network;

/// The form of the tables. Another number is another program's.
const FORMAT: &str = "1";

/// Entries that one query reads: bounds what is in memory beside the state that they are folded into.
pub const BATCH_ENTRIES_MAX: u16 = 256;

/// How long a predecessor may take to let go: PostgreSQL notices that a killed client is gone when it next looks at the socket.
const PREDECESSOR_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often it is looked at meanwhile.
const PREDECESSOR_REST: Duration = Duration::from_millis(100);

/// The table, for this process alone.
#[derive(Debug)]
pub struct Storage {
    connection: AnyConnection,
    dialect: &'static Dialect,
    next: i64,
    is_sure: bool,
}

impl Storage {
    /// The storage at `sqlite:FILE` or `postgres://…`, made if it is new, for one network for ever.
    ///
    /// # Errors
    /// [`StorageError`] if it is somebody else's, another network's, or cannot be reached.
    pub async fn open(url: &str, network: &Network) -> Result<Self, StorageError> {
        install_default_drivers();
        let (dialect, url) = dialect::of(url)?;
        let options = AnyConnectOptions::from_str(&url).map_err(StorageError::Address)?;
        let mut connection = options.disable_statement_logging().connect().await.map_err(|source| {
            let kind = dialect.name;
            StorageError::Connect { kind, source }
        })?;
        lock(&mut connection, dialect).await?;
        let mut storage = Self {
            connection,
            dialect,
            next: 0,
            is_sure: true,
        };
        storage.prepare(network).await?;
        let next = sqlx::query("SELECT COALESCE(MAX(seq) + 1, 0) FROM notary_entries");
        let next = next.fetch_one(&mut storage.connection).await;
        storage.next = next
            .and_then(|row| row.try_get(0))
            .map_err(|source| storage.error("read", source))?;
        Ok(storage)
    }

    /// Makes the tables, or sees that they are ours.
    async fn prepare(&mut self, network: &Network) -> Result<(), StorageError> {
        let kind = self.dialect.name;
        let made = async {
            // All or nothing: a loss of power in between leaves no half of a table.
            let mut transaction = self.connection.begin().await?;
            for statement in self.dialect.tables {
                sqlx::query(*statement).execute(&mut *transaction).await?;
            }
            for (name, content) in [("format", FORMAT.to_owned()), ("network", network.to_string())] {
                let insert = "INSERT INTO notary_facts (name, content) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
                sqlx::query(insert)
                    .bind(name)
                    .bind(content)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        };
        made.await.map_err(|source| StorageError::Query {
            kind,
            what: "prepare",
            source,
        })?;
        for (name, expected) in [("format", FORMAT.to_owned()), ("network", network.to_string())] {
            let row = sqlx::query("SELECT content FROM notary_facts WHERE name = $1").bind(name);
            let row = row.fetch_one(&mut self.connection).await;
            let got: String = row
                .and_then(|row| row.try_get(0))
                .map_err(|source| self.error("read", source))?;
            if got != expected {
                return Err(StorageError::Foreign { name, expected, got });
            }
        }
        Ok(())
    }

    /// How many entries there are: the number of the next one.
    pub fn len(&self) -> u64 {
        u64::try_from(self.next).expect("entries are counted from 0")
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// The entries from number `from` on, at most [`BATCH_ENTRIES_MAX`] of them; none if there are no more.
    ///
    /// # Errors
    /// [`StorageError::Hole`] if one is missing, or if the database refuses.
    pub async fn read(&mut self, from: u64) -> Result<Vec<Vec<u8>>, StorageError> {
        let first = i64::try_from(from).map_err(|_| StorageError::Hole { expected: from })?;
        let query = "SELECT seq, entry FROM notary_entries WHERE seq >= $1 ORDER BY seq LIMIT $2";
        let query = sqlx::query(query).bind(first).bind(i64::from(BATCH_ENTRIES_MAX));
        let rows = query.fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|source| self.error("read", source))?;
        let mut entries = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip(first..) {
            let seq: i64 = row.try_get(0).map_err(|source| self.error("read", source))?;
            if seq != expected {
                let expected = u64::try_from(expected).expect("counted up from an unsigned number");
                return Err(StorageError::Hole { expected });
            }
            entries.push(row.try_get(1).map_err(|source| self.error("read", source))?);
        }
        Ok(entries)
    }

    /// Appends an entry: when this returns, it is there for good.
    ///
    /// # Errors
    /// [`StorageError`]; then nobody knows whether it is there, and the storage has to be opened again.
    pub async fn append(&mut self, entry: &[u8]) -> Result<(), StorageError> {
        if !self.is_sure {
            return Err(StorageError::Unsure);
        }
        // Until the database has said that it is there: whoever stops waiting in between leaves it open as well.
        self.is_sure = false;
        let insert = sqlx::query("INSERT INTO notary_entries (seq, entry) VALUES ($1, $2)");
        let done = insert
            .bind(self.next)
            .bind(entry.to_vec())
            .execute(&mut self.connection)
            .await;
        done.map_err(|source| self.error("append to", source))?;
        self.next += 1;
        self.is_sure = true;
        Ok(())
    }

    /// Lets go of the database.
    ///
    /// # Errors
    /// [`StorageError`] if it does not answer; what was appended is there all the same.
    pub async fn close(self) -> Result<(), StorageError> {
        let (kind, what) = (self.dialect.name, "close");
        let closed = self.connection.close().await;
        closed.map_err(|source| StorageError::Query { kind, what, source })
    }

    fn error(&self, what: &'static str, source: sqlx::Error) -> StorageError {
        let kind = self.dialect.name;
        StorageError::Query { kind, what, source }
    }
}

/// Makes the session the only one, and its commits durable.
async fn lock(connection: &mut AnyConnection, dialect: &'static Dialect) -> Result<(), StorageError> {
    let kind = dialect.name;
    let error = |source| StorageError::Query {
        kind,
        what: "lock",
        source,
    };
    for statement in dialect.session {
        let done = sqlx::query(*statement).execute(&mut *connection).await;
        done.map_err(|source| {
            if dialect::is_locked(&source) {
                StorageError::Taken
            } else {
                error(source)
            }
        })?;
    }
    let Some(query) = dialect.lock else {
        return Ok(());
    };
    let wait = async {
        loop {
            let row = sqlx::query(query).fetch_one(&mut *connection).await;
            if row.and_then(|row| row.try_get::<bool, _>(0)).map_err(error)? {
                return Ok(());
            }
            tokio::time::sleep(PREDECESSOR_REST).await;
        }
    };
    tokio::time::timeout(PREDECESSOR_WAIT_MAX, wait)
        .await
        .unwrap_or(Err(StorageError::Taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::NetworkId;

    #[tokio::test]
    async fn sqlite_syncs_its_log_with_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let network = Network {
            network_id: NetworkId::try_from("test-net".to_owned()).unwrap(),
            chain_id: 6301,
        };
        let url = format!("sqlite:{}/entries.db", folder.path().display());
        let mut storage = Storage::open(&url, &network).await.unwrap();
        let mut ask = async |query: &'static str| sqlx::query(query).fetch_one(&mut storage.connection).await.unwrap();
        let mode: String = ask("PRAGMA journal_mode").await.get(0);
        let synchronous: i64 = ask("PRAGMA synchronous").await.get(0);
        assert_eq!((mode.as_str(), synchronous), ("wal", 2), "2 is FULL");
    }
}
