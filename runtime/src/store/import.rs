//! How does a database get a state that it has not computed, and blocks that it has not executed?
//!
//! For `transfer`, which has checked both. A database that a state is put into says so in place of its format
//! ([`FORMAT_UNFINISHED`]), so that no other opening takes it for anything else, and keeps manifest and progress in `meta`; each
//! step is one batch, unsynced, because what a crash takes away is fetched again. The last batch is synced and makes it a
//! database like any other, whose blocks begin later than with genesis.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alloy_primitives::{B256, U256};
use ledger_chainspec::{BlockNumber, FinalityCertificate, SealedHeader, SetId, ValidatorSet};
use parity_scale_codec::Encode;
use rocksdb::{WriteBatch, WriteOptions};

use super::columns::{code_key, handover_key, meta, pending_end_key, set_key};
use super::commit::BlockParts;
use super::marker::{FinalBlock, FinalMarker};
use super::records::{CodeEndRecord, FORMAT_UNFINISHED, HeadRecord, decode_all};
use super::{
    ChainIdentity, CodeChange, CodeEnd, CodeRecord, Column, CommitError, OpenError, Recovery, Store, StoreError,
    StoreOptions, StoredReceipt, Tally, TxLocation,
};
use crate::state::StateChange;

/// Longer than every key, and greater: the end of all ranges.
const KEYS_END: [u8; 128] = [0xff; 128];

/// A block before a state.
#[derive(Clone, Debug)]
pub(crate) struct OldBlock {
    pub(crate) header: SealedHeader,
    pub(crate) transactions: Vec<alloy_consensus::transaction::Recovered<ledger_chainspec::Transaction>>,
    pub(crate) receipts: Vec<StoredReceipt>,
    pub(crate) codes: Vec<CodeChange>,
}

/// What one accepted chunk writes.
#[derive(Debug, Default)]
pub(crate) struct ImportStep {
    pub(crate) changes: Vec<StateChange>,
    pub(crate) codes: Vec<(B256, Vec<u8>)>,
    /// The newest first.
    pub(crate) blocks: Vec<OldBlock>,
    pub(crate) progress: Vec<u8>,
}

/// The block whose state was put in, and what leads to it.
#[derive(Debug)]
pub(crate) struct ImportedHead<'a> {
    pub(crate) header: &'a SealedHeader,
    pub(crate) certificate: &'a FinalityCertificate,
    /// Every validator set so far; the last one governs the next block.
    pub(crate) sets: &'a [ValidatorSet],
    pub(crate) handovers: Vec<(SetId, Vec<u8>)>,
    pub(crate) oldest_block: BlockNumber,
}

impl Store {
    /// Opens a database to put a state into, and says whether that was begun before.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_import(options: &StoreOptions, identity: ChainIdentity) -> Result<(Arc<Self>, bool), OpenError> {
        let path = options.path.as_path();
        let store = Self::open_files(options, identity)?;
        let is_begun = match store.load(path) {
            Ok(()) => false,
            Err(OpenError::Unfinished { .. }) => true,
            Err(error) => return Err(error),
        };
        // It is remembered as final once it is whole.
        store.writer.lock().marker = FinalMarker::of(path);
        Ok((Arc::new(store), is_begun))
    }

    /// Empties the database and marks it as unfinished; durable when this returns.
    pub(crate) fn begin_import(&self, manifest: &[u8], progress: Vec<u8>) -> Result<(), CommitError> {
        let mut batch = WriteBatch::default();
        for column in Column::ALL {
            batch.delete_range_cf(self.column(column), &[][..], &KEYS_END[..]);
        }
        let column = self.column(Column::Meta);
        batch.put_cf(column, meta::IDENTITY, self.identity_record(FORMAT_UNFINISHED));
        batch.put_cf(column, meta::IMPORT_MANIFEST, manifest);
        batch.put_cf(column, meta::IMPORT_PROGRESS, progress);
        self.write_import(batch, true)
    }

    pub(crate) fn import_manifest(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.record(Column::Meta, meta::IMPORT_MANIFEST)
    }

    pub(crate) fn import_progress(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.record(Column::Meta, meta::IMPORT_PROGRESS)
    }

    /// From here on, what is there counts as the state after block `number`, as far as it goes.
    pub(crate) fn import_at(&self, number: BlockNumber) {
        self.newest_started.store(number.get(), Ordering::SeqCst);
        self.oldest_state.store(number.get(), Ordering::SeqCst);
        self.branches.end(number.get());
    }

    /// Writes one step; whole or not at all.
    pub(crate) fn import(&self, step: &ImportStep) -> Result<(), CommitError> {
        let mut batch = WriteBatch::default();
        for change in &step.changes {
            self.put_change(&mut batch, change);
        }
        for (hash, code) in &step.codes {
            batch.put_cf(self.column(Column::Code), hash, code);
        }
        self.put_old_blocks(&mut batch, &step.blocks)?;
        batch.put_cf(self.column(Column::Meta), meta::IMPORT_PROGRESS, &step.progress);
        self.branches.begin();
        self.write_import(batch, false)?;
        self.follow(&step.changes);
        self.branches.end(self.newest_started.load(Ordering::SeqCst));
        Ok(())
    }

    /// Makes the database a whole one; durable when this returns.
    pub(crate) fn finish_import(&self, head: &ImportedHead<'_>) -> Result<(), CommitError> {
        let column = self.column(Column::Meta);
        let number = head.header.number();
        let mut batch = WriteBatch::default();
        for set in head.sets {
            batch.put_cf(column, set_key(set.id()), set.encode());
        }
        for (id, handover) in &head.handovers {
            batch.put_cf(column, handover_key(*id), handover);
        }
        let record = HeadRecord {
            number: number.get(),
            set: head.sets.last().map_or(SetId::new(0), ValidatorSet::id),
            certificate: Some(head.certificate.clone()),
        };
        batch.put_cf(column, meta::HEAD, record.encode());
        batch.put_cf(column, meta::OLDEST_STATE, number.get().encode());
        self.put_oldest_block(&mut batch, head.oldest_block);
        batch.put_cf(column, meta::IDENTITY, self.identity_record(super::FORMAT_VERSION));
        batch.delete_cf(column, meta::IMPORT_MANIFEST);
        batch.delete_cf(column, meta::IMPORT_PROGRESS);
        self.write_import(batch, true)?;
        let hash = head.header.hash;
        let moved = self.writer.lock().marker.set(FinalBlock { number, hash });
        moved.map_err(|source| CommitError::Marker { number, source })
    }

    /// Adds `blocks`, the newest first, before the block `oldest`, which has to be the oldest one. Gives the oldest one then.
    pub(crate) fn put_history(&self, oldest: BlockNumber, blocks: &[OldBlock]) -> Result<BlockNumber, CommitError> {
        let writer = self.writer.lock();
        if writer.failed {
            return Err(CommitError::FailedBefore);
        }
        if self.oldest_block() != oldest {
            // Somebody else was quicker with the same blocks.
            return Ok(self.oldest_block());
        }
        let Some(new) = blocks.last().map(|block| block.header.number()) else {
            return Ok(oldest);
        };
        let mut batch = WriteBatch::default();
        self.put_old_blocks(&mut batch, blocks)?;
        self.put_oldest_block(&mut batch, new);
        self.write_import(batch, false)?;
        self.oldest_block.store(new.get(), Ordering::SeqCst);
        Ok(new)
    }

    /// The handover to validator set `id`, if its block did not come with it.
    pub(crate) fn kept_handover(&self, id: SetId) -> Result<Option<Vec<u8>>, StoreError> {
        self.record(Column::Meta, &handover_key(id))
    }

    fn put_oldest_block(&self, batch: &mut WriteBatch, oldest: BlockNumber) {
        let column = self.column(Column::Meta);
        match oldest.get() {
            0 => batch.delete_cf(column, meta::OLDEST_BLOCK),
            oldest => batch.put_cf(column, meta::OLDEST_BLOCK, oldest.encode()),
        }
    }

    /// Blocks from the newest to the oldest, so that a promo code's end comes before its issue.
    fn put_old_blocks(&self, batch: &mut WriteBatch, blocks: &[OldBlock]) -> Result<(), StoreError> {
        let mut ends: BTreeMap<U256, CodeEnd> = BTreeMap::new();
        let mut tally = Tally::default();
        for block in blocks {
            let (number, now) = (block.header.number(), block.header.header.timestamp);
            self.put_block(
                batch,
                BlockParts {
                    header: &block.header,
                    transactions: &block.transactions,
                    receipts: &block.receipts,
                },
            );
            if let Some(recovery) = Recovery::of(&block.header.header)? {
                self.put_recovery(batch, recovery);
                // The blocks that it left behind come next.
                self.note_recovery(recovery);
            }
            if self.left_by(number).is_some() {
                continue;
            }
            for change in block.codes.iter().rev() {
                match *change {
                    CodeChange::Ended {
                        id,
                        kind,
                        member,
                        index,
                    } => {
                        // Its issue comes later, and counts the rest.
                        tally.ended(&id, now, (kind, member), None);
                        let at = TxLocation { block: number, index };
                        ends.insert(id, CodeEnd { kind, at });
                        self.put_pending_end(batch, &id, CodeEnd { kind, at });
                    }
                    CodeChange::Issued { id, index, expires_at } => {
                        let end = match ends.remove(&id) {
                            Some(end) => Some(end),
                            None => self.pending_end(&id)?,
                        };
                        tally.issued(&id, now, expires_at, end.map(|end| end.kind));
                        let issued = TxLocation { block: number, index };
                        let record = CodeRecord { issued, end };
                        batch.put_cf(self.column(Column::Codes), code_key(&id), record.to_bytes());
                        batch.delete_cf(self.column(Column::Meta), pending_end_key(&id));
                    }
                }
            }
        }
        self.put_usage(batch, &tally)
    }

    /// Remembers the end of a promo code whose issue is in a block that is not kept.
    pub(super) fn put_pending_end(&self, batch: &mut WriteBatch, id: &U256, end: CodeEnd) {
        let record = CodeEndRecord::from(end).encode();
        batch.put_cf(self.column(Column::Meta), pending_end_key(id), record);
    }

    fn pending_end(&self, id: &U256) -> Result<Option<CodeEnd>, StoreError> {
        let end = self.get_with(Column::Meta, &pending_end_key(id), decode_all::<CodeEndRecord>)?;
        Ok(end.map(Into::into))
    }

    fn write_import(&self, batch: WriteBatch, is_synced: bool) -> Result<(), CommitError> {
        let mut options = WriteOptions::default();
        options.set_sync(is_synced && self.durability == super::Durability::Synced);
        Ok(self.db.write_opt(batch, &options)?)
    }
}
