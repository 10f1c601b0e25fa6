//! How does a final block get to disk? All of it in one synced batch, or nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use alloy_consensus::transaction::Recovered;
use ledger_chainspec::{BlockHash, BlockNumber, FinalityCertificate, SealedHeader, Transaction, ValidatorSet};
use parity_scale_codec::Encode;
use rocksdb::{WriteBatch, WriteOptions, properties};

use super::columns::{block_key, indexed_key, lookup_key, meta, set_key};
use super::marker::{FinalBlock, FinalMarker};
use super::records::{FORMAT_VERSION, HeadRecord, IdentityRecord, included_to_bytes};
use super::{CodeChange, Column, CommitError, Durability, Head, Recovery, Store, StoredReceipt, TxLocation};
use crate::state::{StateChange, StateCommitment, Written};

/// Everything that one block puts into the database.
#[derive(Clone, Debug)]
pub struct BlockCommit {
    /// The block's header and hash.
    pub header: SealedHeader,
    /// Its transactions with their senders, in order.
    pub transactions: Vec<Recovered<Transaction>>,
    /// Their receipts, one for each, in the same order.
    pub receipts: Vec<StoredReceipt>,
    /// What made the block final; genesis alone has none.
    pub certificate: Option<FinalityCertificate>,
    /// Its state, computed on the head.
    pub state: StateCommitment,
    /// What happened to promo codes, in order.
    pub codes: Vec<CodeChange>,
    /// The validator set in force after the block, if it is another than before it. Genesis always has one.
    pub next_set: Option<ValidatorSet>,
}

/// What a block leaves behind whether it was executed here or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockParts<'a> {
    pub(super) header: &'a SealedHeader,
    pub(super) transactions: &'a [Recovered<Transaction>],
    pub(super) receipts: &'a [StoredReceipt],
}

/// What the one commit that may run needs beside the database.
#[derive(Debug)]
pub(super) struct Writer {
    /// Moved on after each batch.
    pub(super) marker: FinalMarker,
    /// A write failed, so what is on disk is unknown: the kernel may drop what it could not sync and report success the
    /// next time.
    pub(super) failed: bool,
    /// Size of the last batch: the next one will be about as large.
    pub(super) batch_bytes: usize,
    /// Failures of RocksDB's own work that were told already.
    pub(super) background_errors: u64,
    /// Blocks in the log since the last sync.
    pub(super) unsynced: u64,
}

/// Blocks that wait for a sync at most: what a crash costs a node that follows the chain, which fetches them again.
pub const UNSYNCED_BLOCKS_MAX: u64 = 256;

impl Store {
    /// Writes `block` as the new head. When this returns, the block survives a loss of power. If the disk fails, whether
    /// the block is there is known after the next opening alone: nothing of it may be acknowledged, and every later commit
    /// is refused.
    ///
    /// # Errors
    /// [`CommitError`] if the block does not follow the head or contradicts itself, or if the disk fails.
    pub fn commit(&self, block: &BlockCommit) -> Result<(), CommitError> {
        let mut writer = self.writer.lock();
        self.write_block(block, &mut writer, true)
    }

    /// Writes `block` as the new head as [`Self::commit`] does, but leaves it to a later commit or [`Self::sync`] to make it
    /// survive a loss of power: a crash may take it and the blocks since the last sync away, whole blocks and in order. For
    /// blocks that others have made final and that can be fetched again. Every [`UNSYNCED_BLOCKS_MAX`] blocks it syncs.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_unsynced(&self, block: &BlockCommit) -> Result<(), CommitError> {
        let mut writer = self.writer.lock();
        let is_due = writer.unsynced + 1 >= UNSYNCED_BLOCKS_MAX;
        self.write_block(block, &mut writer, is_due)
    }

    /// Makes every committed block survive a loss of power.
    ///
    /// # Errors
    /// [`CommitError`] if the disk fails; then nothing more is committed.
    pub fn sync(&self) -> Result<(), CommitError> {
        let mut writer = self.writer.lock();
        if writer.failed {
            return Err(CommitError::FailedBefore);
        }
        let Some(head) = self.head().filter(|_| writer.unsynced > 0) else {
            return Ok(());
        };
        writer.failed = true;
        if self.durability == Durability::Synced {
            self.db.flush_wal(true)?;
        }
        self.is_durable(
            &mut writer,
            BlockNumber::new(head.header.header.number),
            head.header.hash,
        )
    }

    /// Block `number` and all before it survive a crash from here on, and the log says so.
    fn is_durable(&self, writer: &mut Writer, number: BlockNumber, hash: BlockHash) -> Result<(), CommitError> {
        let moved = writer.marker.set(FinalBlock { number, hash });
        moved.map_err(|source| CommitError::Marker { number, source })?;
        writer.failed = false;
        writer.unsynced = 0;
        // A state that a crash may bring back needs its undo records.
        self.droppable.raise(self.oldest_state());
        Ok(())
    }

    fn write_block(&self, block: &BlockCommit, writer: &mut Writer, is_synced: bool) -> Result<(), CommitError> {
        if writer.failed {
            return Err(CommitError::FailedBefore);
        }
        let head = self.head();
        let number = BlockNumber::new(block.header.header.number);
        self.check_follows(block, head.as_deref())?;
        let set = match (&block.next_set, &head) {
            (Some(set), _) => set.clone(),
            (None, Some(head)) => head.set.clone(),
            (None, None) => return Err(CommitError::NoValidators),
        };

        let mut batch = WriteBatch::with_capacity_bytes(writer.batch_bytes);
        self.put_block(
            &mut batch,
            BlockParts {
                header: &block.header,
                transactions: &block.transactions,
                receipts: &block.receipts,
            },
        );
        self.put_codes(&mut batch, &block.codes, &block.header)?;
        let recovery = Recovery::of(&block.header.header)?;
        self.put_back(&mut batch, recovery.as_ref())?;
        self.put_state(&mut batch, &block.state);
        let oldest = if head.is_some() {
            self.put_undo(&mut batch, number, block.state.changes());
            self.oldest_after(&block.header.header)
        } else {
            let identity = self.identity_record(FORMAT_VERSION);
            batch.put_cf(self.column(Column::Meta), meta::IDENTITY, identity);
            number
        };
        self.put_head(&mut batch, block, number, &set);
        batch.put_cf(self.column(Column::Meta), meta::OLDEST_STATE, oldest.get().encode());

        writer.batch_bytes = batch.size_in_bytes();

        // Before the batch becomes visible: readers of older states look at these after they have read.
        self.branches.begin();
        self.newest_started.store(number.get(), Ordering::SeqCst);
        self.oldest_state.store(oldest.get(), Ordering::SeqCst);
        let mut options = WriteOptions::default();
        options.set_sync(is_synced && self.durability == Durability::Synced);
        // Neighbours in the batch are mostly neighbours in the memtable.
        options.set_memtable_insert_hint_per_batch(true);
        writer.failed = true;
        self.db.write_opt(batch, &options)?;
        writer.unsynced += 1;
        if is_synced {
            self.is_durable(writer, number, block.header.hash)?;
        }
        writer.failed = false;
        self.tell_background_errors(writer);
        self.follow(block.state.changes());
        block.state.tops().iter().for_each(|top| self.subtrees.keep(top));
        self.branches.end(number.get());
        recovery.into_iter().for_each(|recovery| self.note_recovery(recovery));

        let head = Head {
            header: block.header.clone(),
            set,
            certificate: block.certificate.clone(),
        };
        *self.head.write() = Some(Arc::new(head));
        Ok(())
    }

    /// Keeps the branches in memory in step with changes that are visible.
    pub(super) fn follow(&self, changes: &[StateChange]) {
        for change in changes {
            if matches!(change.column, Column::AccountTrie | Column::StorageTrie) {
                self.branches.follow(&change.key, change.record.as_ref());
            }
        }
    }

    /// Raises an alarm when files could not be written or compacted in the background. No block depends on it, since the log
    /// has them all, until the log's bound is reached and RocksDB takes no more.
    fn tell_background_errors(&self, writer: &mut Writer) {
        let count = self.db.property_int_value(properties::BACKGROUND_ERRORS);
        let count = count.ok().flatten().unwrap_or_default();
        if count > writer.background_errors {
            tracing::error!(
                target: "ledger::store", count,
                "table files cannot be written in the background; check the disk and its free space"
            );
        }
        writer.background_errors = count;
    }

    fn check_follows(&self, block: &BlockCommit, head: Option<&Head>) -> Result<(), CommitError> {
        let header = &block.header.header;
        let number = BlockNumber::new(header.number);
        let expected = head.map_or(BlockNumber::new(0), |head| {
            BlockNumber::new(head.header.header.number + 1)
        });
        if number != expected {
            return Err(CommitError::WrongNumber { number, expected });
        }
        match head {
            Some(head) if header.parent_hash != head.header.hash.get() => {
                let parent = BlockHash::new(header.parent_hash);
                return Err(CommitError::WrongParent {
                    number,
                    parent,
                    head: head.header.hash,
                });
            }
            Some(_) if block.certificate.is_none() => return Err(CommitError::Uncertified { number }),
            None if block.header.hash.get() != self.identity.genesis.get() => {
                return Err(CommitError::WrongGenesis {
                    got: block.header.hash,
                    expected: self.identity.genesis,
                });
            }
            _ => {}
        }
        let computed_on = block.state.parent();
        if computed_on != head.map(|head| BlockNumber::new(head.header.header.number)) {
            return Err(CommitError::WrongStateParent { number, computed_on });
        }
        if block.state.root() != header.state_root {
            return Err(CommitError::WrongRoot {
                number,
                header: header.state_root,
                computed: block.state.root(),
            });
        }
        if block.transactions.len() != block.receipts.len() {
            let (transactions, receipts) = (block.transactions.len(), block.receipts.len());
            return Err(CommitError::ReceiptCount {
                number,
                transactions,
                receipts,
            });
        }
        Ok(())
    }

    pub(super) fn put_block(&self, batch: &mut WriteBatch, block: BlockParts<'_>) {
        let number = block.header.number();
        let mut header = block.header.hash.get().to_vec();
        alloy_rlp::Encodable::encode(&block.header.header, &mut header);
        batch.put_cf(self.column(Column::Headers), block_key(number), header);
        batch.put_cf(
            self.column(Column::Canonical),
            block.header.hash.get(),
            block_key(number),
        );
        let (transactions, lookup) = (self.column(Column::Transactions), self.column(Column::TxLookup));
        let mut places = Vec::with_capacity(block.transactions.len());
        for ((index, transaction), receipt) in (0_u32..).zip(block.transactions).zip(block.receipts) {
            let key = indexed_key(number, index);
            batch.put_cf(transactions, key, included_to_bytes(transaction, receipt));
            places.push((transaction.tx_hash(), index));
        }
        // Keys that are written in their order find their places more quickly.
        places.sort_unstable();
        for (hash, index) in places {
            let at = TxLocation { block: number, index };
            batch.put_cf(lookup, lookup_key(hash, at), []);
        }
    }

    fn put_state(&self, batch: &mut WriteBatch, state: &StateCommitment) {
        for change in state.changes() {
            self.put_change(batch, change);
        }
        for (hash, code) in state.codes() {
            batch.put_cf(self.column(Column::Code), hash, code);
        }
    }

    pub(super) fn put_change(&self, batch: &mut WriteBatch, change: &StateChange) {
        let column = self.column(change.column);
        match &change.new {
            Written::Removed => batch.delete_cf(column, &change.key),
            Written::Whole(record) => batch.put_cf(column, &change.key, record),
            Written::Patch(patch) => batch.merge_cf(column, &change.key, patch),
        }
    }

    pub(super) fn identity_record(&self, format: u32) -> Vec<u8> {
        IdentityRecord {
            format,
            chain_id: self.identity.chain_id,
            genesis: self.identity.genesis.get().0,
        }
        .encode()
    }

    fn put_head(&self, batch: &mut WriteBatch, block: &BlockCommit, number: BlockNumber, set: &ValidatorSet) {
        let head = HeadRecord {
            number: number.get(),
            set: set.id(),
            certificate: block.certificate.clone(),
        };
        batch.put_cf(self.column(Column::Meta), meta::HEAD, head.encode());
        if block.next_set.is_some() {
            batch.put_cf(self.column(Column::Meta), set_key(set.id()), set.encode());
        }
    }
}
