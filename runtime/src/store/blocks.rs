//! Which block, transaction, receipt, certificate, code or validator set is this?
//!
//! Read by the RPC server, by peers that synchronise, and by the runtime itself. Absent things are `None`; damaged ones
//! are errors.

use std::sync::atomic::Ordering;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{B256, Bytes, U256};
use ledger_chainspec::{
    BlockHash, BlockNumber, FinalityCertificate, SealedHeader, SetId, Transaction, ValidatorSet, digest_of,
};

use rocksdb::{PrefixRange, ReadOptions};

use super::columns::{block_key, code_key, indexed_key, lookup_location, lookup_prefix, set_key};
use super::records::{
    StoredTransaction, decode_all, header_from_bytes, included_from_bytes, included_hash, receipt_from_bytes,
    transaction_from_bytes,
};
use super::{CodeRecord, Column, IncludedTransaction, Store, StoreError, StoredReceipt, TxLocation};

impl Store {
    /// The oldest block that is kept, with its transactions and receipts, as all after it are: genesis, unless the state came
    /// from another node.
    #[must_use]
    pub fn oldest_block(&self) -> BlockNumber {
        BlockNumber::new(self.oldest_block.load(Ordering::SeqCst))
    }

    /// Refuses blocks before the oldest one, which exist all the same.
    fn check_kept(&self, block: BlockNumber) -> Result<(), StoreError> {
        let oldest = self.oldest_block();
        if block < oldest {
            return Err(StoreError::NotKept { block, oldest });
        }
        Ok(())
    }

    /// The header of block `number`.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails, the record is damaged, or the block is no longer kept; so for all functions here.
    pub fn header(&self, number: BlockNumber) -> Result<Option<SealedHeader>, StoreError> {
        self.check_kept(number)?;
        self.get_with(Column::Headers, &block_key(number), header_from_bytes)
    }

    /// The hash of block `number`.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn block_hash(&self, number: BlockNumber) -> Result<Option<BlockHash>, StoreError> {
        self.check_kept(number)?;
        self.get_with(Column::Headers, &block_key(number), |bytes| {
            let hash = bytes.get(..32).ok_or("shorter than a hash")?;
            Ok::<_, &str>(BlockHash::new(B256::from_slice(hash)))
        })
    }

    /// The number of the block with this hash.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn block_number(&self, hash: &BlockHash) -> Result<Option<BlockNumber>, StoreError> {
        self.get_with(Column::Canonical, hash.get().as_slice(), |bytes| {
            bytes
                .try_into()
                .map(|number| BlockNumber::new(u64::from_be_bytes(number)))
        })
    }

    /// The transactions of block `number`, in order; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn transactions(&self, number: BlockNumber) -> Result<Vec<Recovered<Transaction>>, StoreError> {
        self.block_records(number, transaction_from_bytes)
    }

    /// The receipts of block `number`, in order; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn receipts(&self, number: BlockNumber) -> Result<Vec<StoredReceipt>, StoreError> {
        self.block_records(number, receipt_from_bytes)
    }

    /// The transactions of block `number` with their receipts, in order; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn included(&self, number: BlockNumber) -> Result<Vec<IncludedTransaction>, StoreError> {
        self.block_records(number, included_from_bytes)
    }

    /// The records of block `number`'s transactions, one after the other; none if there is no such block.
    pub(crate) fn stored_transactions(
        &self,
        number: BlockNumber,
    ) -> impl Iterator<Item = Result<StoredTransaction, StoreError>> {
        let records = self.records(Column::Transactions, &block_key(number));
        records.map(|record| record.map(|(_, bytes)| StoredTransaction(bytes)))
    }

    /// The records of block `number`'s transactions as they are stored.
    pub(crate) fn transaction_records(&self, number: BlockNumber) -> Result<Vec<Vec<u8>>, StoreError> {
        let records = self.records(Column::Transactions, &block_key(number));
        records.map(|record| record.map(|(_, bytes)| bytes)).collect()
    }

    /// One transaction with its receipt.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn included_at(&self, at: TxLocation) -> Result<Option<IncludedTransaction>, StoreError> {
        self.check_kept(at.block)?;
        self.get_with(
            Column::Transactions,
            &indexed_key(at.block, at.index),
            included_from_bytes,
        )
    }

    /// Where the transaction with this hash is.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn location(&self, transaction: &B256) -> Result<Option<TxLocation>, StoreError> {
        let mut options = ReadOptions::default();
        let prefix = lookup_prefix(transaction);
        options.set_iterate_range(PrefixRange(prefix));
        options.set_prefix_same_as_start(true);
        let mut iterator = self.db.raw_iterator_cf_opt(self.column(Column::TxLookup), options);
        iterator.seek(prefix);
        while let Some(key) = iterator.key() {
            let at = lookup_location(key).map_err(|reason| StoreError::corrupt(Column::TxLookup, key, reason))?;
            let key = indexed_key(at.block, at.index);
            let hash = self.get_with(Column::Transactions, &key, included_hash)?;
            if hash.as_ref() == Some(transaction) {
                return Ok(Some(at));
            }
            iterator.next();
        }
        iterator.status()?;
        Ok(None)
    }

    /// What made block `number` final; `None` for genesis and for blocks that do not exist. The head keeps its own, the
    /// header after it carries that of every older block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn certificate(&self, number: BlockNumber) -> Result<Option<FinalityCertificate>, StoreError> {
        let Some(head) = self.head() else { return Ok(None) };
        if number.get() == 0 || number.get() > head.header.header.number {
            return Ok(None);
        }
        if number.get() == head.header.header.number {
            return Ok(head.certificate.clone());
        }
        let child = BlockNumber::new(number.get() + 1);
        let key = block_key(child);
        let header = self
            .header(child)?
            .ok_or_else(|| StoreError::missing(Column::Headers, &key))?;
        let digest = digest_of(&header.header).map_err(|error| StoreError::corrupt(Column::Headers, &key, error))?;
        Ok(digest.parent_certificate)
    }

    /// The validator set with this id, if the chain has had it.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn validator_set(&self, id: SetId) -> Result<Option<ValidatorSet>, StoreError> {
        self.get_with(Column::Meta, &set_key(id), decode_all::<ValidatorSet>)
    }

    /// What is indexed about the promo code with this id; `None` if it was never issued.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn promo_code(&self, id: &U256) -> Result<Option<CodeRecord>, StoreError> {
        self.get_with(Column::Codes, &code_key(id), CodeRecord::from_bytes)
    }

    /// The contract code with this keccak-256.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn contract_code(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.record(Column::Code, hash.as_slice())?.map(Bytes::from))
    }

    /// Every transaction's record of a block.
    fn block_records<T>(
        &self,
        number: BlockNumber,
        decode: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Vec<T>, StoreError> {
        self.check_kept(number)?;
        let column = Column::Transactions;
        self.records(column, &block_key(number))
            .map(|record| {
                let (key, bytes) = record?;
                decode(&bytes).map_err(|error| StoreError::corrupt(column, &key, error))
            })
            .collect()
    }
}
