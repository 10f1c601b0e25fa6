//! How does an operator get the space of past states back, now rather than when RocksDB comes to it?
//!
//! Called by the operator's command on a database that no node uses. Blocks, receipts and indexes stay: only the undo
//! records that lead to old states go, which compaction drops once they have left the window.

use std::sync::atomic::Ordering;

use ledger_chainspec::BlockNumber;
use parity_scale_codec::Encode;
use rocksdb::{WriteBatch, WriteOptions};

use super::columns::meta;
use super::{Column, Store, StoreError};

/// What pruning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Pruned {
    /// The oldest block whose state was readable before.
    pub oldest_state_before: u64,
    /// The oldest block whose state is readable now.
    pub oldest_state: u64,
    /// Undo records dropped, those included that had left the window before.
    pub records: u64,
    /// Bytes of all table files before, everything written into them first.
    pub file_bytes_before: u64,
    /// Bytes of all table files now.
    pub file_bytes: u64,
}

impl Store {
    /// Drops the states older than `keep_blocks` before the head, and compacts every column family. A state that was
    /// dropped does not come back.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails; what was dropped before is.
    pub fn prune_history(&self, keep_blocks: u64) -> Result<Pruned, StoreError> {
        let _writer = self.writer.lock();
        for column in Column::ALL {
            self.db.flush_cf(self.column(column))?;
        }
        let before = self.oldest_state();
        let head = self.head().map_or(0, |head| head.header.header.number);
        let oldest = BlockNumber::new(before.get().max(head.saturating_sub(keep_blocks)));
        let (records_before, file_bytes_before) = (self.undo_count()?, self.file_bytes()?);
        let mut batch = WriteBatch::default();
        batch.put_cf(self.column(Column::Meta), meta::OLDEST_STATE, oldest.get().encode());
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.oldest_state.store(oldest.get(), Ordering::SeqCst);
        self.db.write_opt(batch, &options)?;
        self.droppable.raise(oldest);
        for column in Column::ALL {
            let column = self.column(column);
            self.db.flush_cf(column)?;
            self.db.compact_range_cf(column, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(Pruned {
            oldest_state_before: before.get(),
            oldest_state: oldest.get(),
            records: records_before.saturating_sub(self.undo_count()?),
            file_bytes_before,
            file_bytes: self.file_bytes()?,
        })
    }

    fn undo_count(&self) -> Result<u64, StoreError> {
        self.records(Column::Undo, &[])
            .try_fold(0, |count, record| record.map(|_| count + 1))
    }

    /// Bytes of all live table files.
    fn file_bytes(&self) -> Result<u64, StoreError> {
        Column::ALL.into_iter().map(|column| self.live_file_bytes(column)).sum()
    }
}
