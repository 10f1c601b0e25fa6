//! What takes how much room in the database, and what is in it?
//!
//! For the operator's command and for measurements. It reads every record once, so it takes as long as the database is
//! large; it changes nothing.

use rocksdb::{IteratorMode, ReadOptions, properties};
use serde::Serialize;

use super::records::CodeRecord;
use super::{Column, Store, StoreError};

/// Levels of table files that RocksDB keeps.
const LEVELS: usize = 7;

/// One column family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnStats {
    /// Its name on disk.
    pub name: &'static str,
    /// Its keys.
    pub keys: u64,
    /// Bytes of keys and values, uncompressed.
    pub live_bytes: u64,
    /// Bytes of its table files.
    pub file_bytes: u64,
    /// Bytes of its memtables: what the write-ahead log holds alone.
    pub memtable_bytes: u64,
    /// Table files in each level, from the newest.
    pub files_per_level: Vec<u64>,
}

/// The whole database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Every column family, in the order of STORAGE.md.
    pub columns: Vec<ColumnStats>,
    /// Number of the head.
    pub head: u64,
    /// The oldest block that is kept: 0, unless the state came from another node.
    pub oldest_block: u64,
    /// The oldest block whose state is readable.
    pub oldest_state: u64,
    /// Promo codes issued.
    pub codes_issued: u64,
    /// Promo codes that have not ended.
    pub codes_live: u64,
}

impl StoreStats {
    /// Keys of one column family.
    #[must_use]
    pub fn keys(&self, column: Column) -> u64 {
        let found = self.columns.iter().find(|stats| stats.name == column.name());
        found.map_or(0, |stats| stats.keys)
    }

    /// Bytes of all table files and memtables for each promo code issued; `None` without one.
    #[must_use]
    pub fn bytes_per_code(&self) -> Option<u64> {
        let bytes: u64 = self
            .columns
            .iter()
            .map(|stats| stats.file_bytes + stats.memtable_bytes)
            .sum();
        bytes.checked_div(self.codes_issued)
    }
}

impl Store {
    /// Counts everything.
    ///
    /// # Errors
    /// [`StoreError`] if a file is damaged or the disk fails.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let mut codes_issued = 0;
        let mut codes_live = 0;
        for record in self.records(Column::Codes, &[]) {
            let (key, bytes) = record?;
            let code = CodeRecord::from_bytes(&bytes).map_err(|what| StoreError::corrupt(Column::Codes, &key, what))?;
            codes_issued += 1;
            codes_live += u64::from(code.end.is_none());
        }
        Ok(StoreStats {
            columns: Column::ALL
                .into_iter()
                .map(|column| self.column_stats(column))
                .collect::<Result<_, _>>()?,
            head: self.head().map_or(0, |head| head.header.header.number),
            oldest_block: self.oldest_block().get(),
            oldest_state: self.oldest_state().get(),
            codes_issued,
            codes_live,
        })
    }

    fn column_stats(&self, column: Column) -> Result<ColumnStats, StoreError> {
        let (mut keys, mut live_bytes) = (0, 0);
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_total_order_seek(true);
        for record in self
            .db
            .iterator_cf_opt(self.column(column), options, IteratorMode::Start)
        {
            let (key, value) = record?;
            keys += 1;
            live_bytes += key.len() as u64 + value.len() as u64;
        }
        let files_per_level = (0..LEVELS)
            .map(|level| self.column_number(column, properties::num_files_at_level(level)))
            .collect::<Result<_, _>>()?;
        Ok(ColumnStats {
            name: column.name(),
            keys,
            live_bytes,
            file_bytes: self.live_file_bytes(column)?,
            memtable_bytes: self.column_number(column, properties::CUR_SIZE_ALL_MEM_TABLES)?,
            files_per_level,
        })
    }

    /// Bytes of a column family's table files.
    pub(super) fn live_file_bytes(&self, column: Column) -> Result<u64, StoreError> {
        self.column_number(column, properties::LIVE_SST_FILES_SIZE)
    }

    fn column_number(&self, column: Column, property: impl rocksdb::CStrLike) -> Result<u64, StoreError> {
        let value = self.db.property_int_value_cf(self.column(column), property)?;
        Ok(value.unwrap_or_default())
    }
}
