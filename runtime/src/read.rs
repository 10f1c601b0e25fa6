//! What is in the chain, and what would happen on its state?
//!
//! The reading half of the [`Runtime`]: blocks, transactions, receipts, promo codes, accounts, proofs and calls, at the
//! head or at a past block. For the JSON-RPC server. Nothing here changes anything.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{Filter, Log, TransactionRequest, simulate::SimulatePayload};
use ledger_chainspec::{BlockHash, BlockNumber, FinalityCertificate, SealedHeader, SetId, Transaction, ValidatorSet};
use thiserror::Error;

use crate::{
    AccessListResult, CallError, CallOverrides, CallResult, LogsError, Runtime, SimulatedBlock, SimulationError,
    executor::call::PreparedCall,
    logs, receipts,
    state::{AccountProof, AccountRecord, StateError, StateView},
    store::{CodeRecord, IncludedTransaction, Store, StoreError, StoredReceipt, TxLocation},
};

/// Which block is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRef {
    /// The newest one. Every block is final, so it is also the safe and the finalized one.
    Head,
    /// By number.
    Number(BlockNumber),
    /// By hash.
    Hash(BlockHash),
}

impl Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("at the head"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Hash(hash) => write!(f, "{hash}"),
        }
    }
}

/// Why something could not be read at a block.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no such block.
    #[error("header not found: there is no block {0}")]
    NoBlock(BlockRef),
    /// Its state is outside the window, or cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// Header and hash.
    pub header: SealedHeader,
    /// Transactions with their senders.
    pub transactions: Vec<Recovered<Transaction>>,
}

/// A transaction that is in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTransaction {
    /// Block and index.
    pub location: TxLocation,
    /// The block's header and hash.
    pub header: SealedHeader,
    /// The transaction and its sender.
    pub transaction: Recovered<Transaction>,
    /// What it did.
    pub receipt: StoredReceipt,
}

impl Runtime {
    /// The database, for readings that are not below.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Whether block `number`, which was just read, is the head or before it. A block can be read a moment before it is the
    /// head; nothing here tells of it before the newest state has it too.
    pub(crate) fn is_up_to_head(&self, number: BlockNumber) -> bool {
        number <= self.head().number()
    }

    /// The number of the block with this hash; none if there is no such block.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails; so for all functions here.
    pub fn block_number(&self, hash: &BlockHash) -> Result<Option<BlockNumber>, StoreError> {
        let number = self.store.block_number(hash)?;
        Ok(number.filter(|number| self.is_up_to_head(*number)))
    }

    /// Header and hash of a block; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::block_number`].
    pub fn header(&self, at: BlockRef) -> Result<Option<SealedHeader>, StoreError> {
        let number = match at {
            BlockRef::Head => return Ok(Some(self.head().header.clone())),
            BlockRef::Number(number) => Some(number),
            BlockRef::Hash(hash) => self.store.block_number(&hash)?,
        };
        let Some(number) = number else { return Ok(None) };
        let header = self.store.header(number)?;
        Ok(header.filter(|_| self.is_up_to_head(number)))
    }

    /// A block with its transactions; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn block(&self, at: BlockRef) -> Result<Option<StoredBlock>, StoreError> {
        let Some(header) = self.header(at)? else {
            return Ok(None);
        };
        let transactions = self.store.transactions(BlockNumber::new(header.header.number))?;
        Ok(Some(StoredBlock { header, transactions }))
    }

    /// The receipts of a block, in order; none if there is no such block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn receipts(&self, at: BlockRef) -> Result<Option<Vec<StoredReceipt>>, StoreError> {
        let Some(header) = self.header(at)? else {
            return Ok(None);
        };
        Ok(Some(self.store.receipts(BlockNumber::new(header.header.number))?))
    }

    /// What made a block final; none for genesis and for what does not exist.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn certificate(&self, number: BlockNumber) -> Result<Option<FinalityCertificate>, StoreError> {
        self.store.certificate(number)
    }

    /// The validator set of that number, if the chain has had it.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn validator_set(&self, id: SetId) -> Result<Option<ValidatorSet>, StoreError> {
        self.store.validator_set(id)
    }

    /// The transaction with this hash, with its receipt; none if the chain does not have it.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn transaction(&self, hash: &B256) -> Result<Option<FoundTransaction>, StoreError> {
        match self.store.location(hash)? {
            Some(location) => self.transaction_at(location),
            None => Ok(None),
        }
    }

    /// The transaction at an index of a block; none if there is none.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn transaction_at(&self, location: TxLocation) -> Result<Option<FoundTransaction>, StoreError> {
        let parts = (self.store.header(location.block)?, self.store.included_at(location)?);
        let (Some(header), Some(IncludedTransaction { transaction, receipt })) = parts else {
            return Ok(None);
        };
        if !self.is_up_to_head(location.block) {
            return Ok(None);
        }
        Ok(Some(FoundTransaction {
            location,
            header,
            transaction,
            receipt,
        }))
    }

    /// The logs of blocks `from` to `to` that match the addresses and topics of `filter`.
    ///
    /// # Errors
    /// [`LogsError`] if range or result are beyond the bounds.
    pub fn logs(&self, from: BlockNumber, to: BlockNumber, filter: &Filter) -> Result<Vec<Log>, LogsError> {
        logs::logs(&self.store, (from, to), filter, &self.reads)
    }

    /// The id of the promo code that a transaction issued (the first, if it issued several); none if it issued none.
    #[must_use]
    pub fn issued_code(receipt: &StoredReceipt) -> Option<U256> {
        receipts::issued_code(&receipt.receipt)
    }

    /// Where the transactions are that issued and ended the promo code with this id; none if it was never issued.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn promo_code(&self, id: &U256) -> Result<Option<CodeRecord>, StoreError> {
        let record = self.store.promo_code(id)?;
        Ok(record
            .filter(|record| self.is_up_to_head(record.issued.block))
            .map(|record| CodeRecord {
                end: record.end.filter(|end| self.is_up_to_head(end.at.block)),
                ..record
            }))
    }

    /// Header and state of a block.
    ///
    /// # Errors
    /// [`ReadError::NoBlock`], or [`StateError::OutsideWindow`] if the state is no longer kept.
    pub fn state(&self, at: BlockRef) -> Result<(SealedHeader, StateView), ReadError> {
        if at == BlockRef::Head {
            let (head, view) = self.head_and_state()?;
            return Ok((head.header.clone(), view));
        }
        let header = self.header(at)?.ok_or(ReadError::NoBlock(at))?;
        let view = self.store.state_at(BlockNumber::new(header.header.number))?;
        Ok((header, view))
    }

    /// An account; none if it does not exist.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn account(&self, address: &Address, at: BlockRef) -> Result<Option<AccountRecord>, ReadError> {
        Ok(self.state(at)?.1.account(address)?)
    }

    /// A contract's code; empty if there is none.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn code(&self, address: &Address, at: BlockRef) -> Result<Bytes, ReadError> {
        let (_, view) = self.state(at)?;
        let Some(account) = view.account(address)? else {
            return Ok(Bytes::new());
        };
        Ok(view.code(&account.code_hash)?.unwrap_or_default())
    }

    /// A storage slot's value.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn storage(&self, address: &Address, slot: &U256, at: BlockRef) -> Result<U256, ReadError> {
        Ok(self.state(at)?.1.storage(address, slot)?)
    }

    /// An account and slots of it, with Merkle proofs against the block's state root (EIP-1186).
    ///
    /// # Errors
    /// As [`Self::state`]; and if too many slots are asked for.
    pub fn proof(&self, address: &Address, slots: &[B256], at: BlockRef) -> Result<AccountProof, ReadError> {
        if slots.len() > self.reads.proof_slots {
            return Err(ReadError::State(StateError::TooManySlots {
                asked: slots.len(),
                max: self.reads.proof_slots,
            }));
        }
        Ok(self.state(at)?.1.proof(address, slots)?)
    }

    /// Runs a call on the state after a block, in that block's environment. The head may be old on a quiet chain: set
    /// the time in `overrides` where it matters.
    ///
    /// # Errors
    /// [`CallError`] if it cannot be run; a revert is no error but an outcome.
    pub fn call(
        &self,
        request: TransactionRequest,
        at: BlockRef,
        overrides: CallOverrides,
    ) -> Result<CallResult, CallError> {
        self.prepare(request, at, overrides)?.call()
    }

    /// Runs a call as [`Self::call`] does, but gives up once it has turned out to take more than about a millisecond, and says
    /// none: for callers that may not block.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_if_short(
        &self,
        request: &TransactionRequest,
        at: BlockRef,
        overrides: &CallOverrides,
    ) -> Result<Option<CallResult>, CallError> {
        let (header, view) = self.state(at)?;
        self.executor.call_if_short(view, &header.header, request, overrides)
    }

    /// A gas limit with which the call succeeds, at most 1.5 % above the least.
    ///
    /// # Errors
    /// [`CallError::Reverted`] with the raw data if it reverts whatever the gas; [`CallError::Allowance`] if it needs
    /// more than it may use.
    pub fn estimate_gas(
        &self,
        request: TransactionRequest,
        at: BlockRef,
        overrides: CallOverrides,
    ) -> Result<u64, CallError> {
        self.prepare(request, at, overrides)?.estimate()
    }

    /// The access list of what the call touches.
    ///
    /// # Errors
    /// [`CallError`] if it cannot be run.
    pub fn create_access_list(
        &self,
        request: TransactionRequest,
        at: BlockRef,
        overrides: CallOverrides,
    ) -> Result<AccessListResult, CallError> {
        self.prepare(request, at, overrides)?.access_list()
    }

    /// Blocks of calls on top of the newest block, which `at` has to name, as if they had been made. A block that names no time comes a slot after the one
    /// before it.
    ///
    /// # Errors
    /// [`SimulationError`] names the call, the block or the bound in the way; calls that revert are no error.
    pub fn simulate(&self, payload: SimulatePayload, at: BlockRef) -> Result<Vec<SimulatedBlock>, SimulationError> {
        let (header, view) = self.state(at)?;
        let asked = header.header.number;
        if asked != self.head().number().get() {
            return Err(SimulationError::NotNewest { asked });
        }
        let interval = self.spec.consensus.slot_duration_ms.div_ceil(1_000).max(1);
        self.executor.simulate((view, header), payload, interval)
    }

    fn prepare(
        &self,
        request: TransactionRequest,
        at: BlockRef,
        overrides: CallOverrides,
    ) -> Result<PreparedCall, CallError> {
        let (header, view) = self.state(at)?;
        self.executor.prepare(view, &header.header, request, overrides)
    }
}
