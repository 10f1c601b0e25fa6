//! Which logs match a filter?
//!
//! For `eth_getLogs` and log subscriptions: the blocks' blooms first, their receipts only where a bloom may match. One
//! question covers at most [`LOG_BLOCKS_MAX`] blocks, reads [`LOG_BYTES_READ_MAX`] bytes of transactions and receipts, which
//! are stored together, and gives at most [`LOGS_MAX`] logs of [`LOG_BYTES_MAX`] bytes, unless [`ReadLimits`] says otherwise:
//! gas is free, so that anybody can fill blocks with logs.

use alloy_primitives::Log as RawLog;
use alloy_rpc_types_eth::{Filter, Log};
use ledger_chainspec::{BlockNumber, SealedHeader};
use thiserror::Error;

use crate::{
    state::PROOF_SLOTS_MAX,
    store::{Store, StoreError, TxLocation},
};

/// Blocks that one question may cover.
pub const LOG_BLOCKS_MAX: u64 = 10_000;

/// Logs that one answer may hold.
pub const LOGS_MAX: usize = 10_000;

/// Bytes of topics and data that one answer may hold.
pub const LOG_BYTES_MAX: usize = 16 << 20;

/// Bytes of transactions and receipts that one question may read, matching or not; bounds its time to about a second.
pub const LOG_BYTES_READ_MAX: usize = 256 << 20;

/// What one question may cost, where the defaults are the bounds of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Blocks that one question about logs may cover: [`LOG_BLOCKS_MAX`].
    pub log_blocks: u64,
    /// Logs that one answer may hold: [`LOGS_MAX`].
    pub logs: usize,
    /// Bytes of logs that one answer may hold: [`LOG_BYTES_MAX`].
    pub log_bytes: usize,
    /// Bytes of logs that one question may look at: [`LOG_BYTES_READ_MAX`].
    pub log_bytes_read: usize,
    /// Slots that one proof may cover, at most [`PROOF_SLOTS_MAX`].
    pub proof_slots: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            log_blocks: LOG_BLOCKS_MAX,
            logs: LOGS_MAX,
            log_bytes: LOG_BYTES_MAX,
            log_bytes_read: LOG_BYTES_READ_MAX,
            proof_slots: PROOF_SLOTS_MAX,
        }
    }
}

/// What a log costs beside its topics and data: its place in memory and in the answer.
const LOG_BYTES_BASE: usize = 256;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum LogsError {
    /// The range runs backwards.
    #[error("the first block, {from}, is after the last, {to}")]
    Backwards {
        /// First block asked for.
        from: BlockNumber,
        /// Last block asked for.
        to: BlockNumber,
    },
    /// The range is too long.
    #[error("{blocks} blocks are asked for, but one question covers at most {max}; ask for shorter ranges")]
    TooManyBlocks {
        /// Blocks asked for.
        blocks: u64,
        /// The bound.
        max: u64,
    },
    /// More logs match than one answer holds.
    #[error("more than {max} logs match before block {next}; ask from there, or for shorter ranges")]
    TooManyLogs {
        /// The bound.
        max: usize,
        /// The block in which the bound was met.
        next: BlockNumber,
    },
    /// The matching logs are larger than one answer may be.
    #[error(
        "the logs that match before block {next} are larger than {max} bytes; ask from there, or for shorter ranges"
    )]
    TooManyBytes {
        /// The bound.
        max: usize,
        /// The block in which the bound was met.
        next: BlockNumber,
    },
    /// More logs would have to be looked at than one question may cost.
    #[error("the logs to be looked at before block {next} are larger than {max} bytes; ask for shorter ranges")]
    TooMuchToRead {
        /// The bound.
        max: usize,
        /// The block in which the bound was met.
        next: BlockNumber,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The logs in blocks `from` to `to`, both included, that match the addresses and topics of `filter`. Its own block
/// range is not looked at; blocks after the head have no logs.
pub(crate) fn logs(
    store: &Store,
    (from, to): (BlockNumber, BlockNumber),
    filter: &Filter,
    limits: &ReadLimits,
) -> Result<Vec<Log>, LogsError> {
    let Some(span) = to.get().checked_sub(from.get()) else {
        return Err(LogsError::Backwards { from, to });
    };
    if span >= limits.log_blocks {
        return Err(LogsError::TooManyBlocks {
            blocks: span.saturating_add(1),
            max: limits.log_blocks,
        });
    }
    let mut found = Found {
        limits,
        logs: Vec::new(),
        bytes: 0,
        bytes_read: 0,
    };
    for number in (from.get()..=to.get()).map(BlockNumber::new) {
        let Some(header) = store.header(number)? else { break };
        if !filter.matches_bloom(header.header.logs_bloom) {
            continue;
        }
        for (index, stored) in (0..).zip(store.stored_transactions(number)) {
            let stored = stored?;
            found.count_read(stored.len(), number)?;
            let damaged = |what| StoreError::of_transaction(TxLocation { block: number, index }, what);
            let receipt = stored.receipt().map_err(damaged)?;
            let logs = (u64::from(receipt.first_log_index)..).zip(&receipt.receipt.logs);
            for (log_index, log) in logs.filter(|(_, log)| filter.matches(log)) {
                found.count(log, number)?;
                found.logs.push(Log {
                    transaction_hash: Some(stored.hash().map_err(damaged)?),
                    transaction_index: Some(index.into()),
                    log_index: Some(log_index),
                    ..in_block(&header, log)
                });
            }
        }
    }
    Ok(found.logs)
}

/// The matching logs so far, and what they cost.
#[derive(Debug)]
struct Found<'a> {
    limits: &'a ReadLimits,
    logs: Vec<Log>,
    bytes: usize,
    bytes_read: usize,
}

impl Found<'_> {
    /// Counts a record of block `next` before it is decoded.
    fn count_read(&mut self, bytes: usize, next: BlockNumber) -> Result<(), LogsError> {
        self.bytes_read = self.bytes_read.saturating_add(bytes);
        if self.bytes_read > self.limits.log_bytes_read {
            let max = self.limits.log_bytes_read;
            return Err(LogsError::TooMuchToRead { max, next });
        }
        Ok(())
    }

    /// Counts a log of block `next` that matches, before it is copied.
    fn count(&mut self, log: &RawLog, next: BlockNumber) -> Result<(), LogsError> {
        let bytes = LOG_BYTES_BASE + log.data.topics().len() * 32 + log.data.data.len();
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.log_bytes {
            let max = self.limits.log_bytes;
            return Err(LogsError::TooManyBytes { max, next });
        }
        if self.logs.len() >= self.limits.logs {
            let max = self.limits.logs;
            return Err(LogsError::TooManyLogs { max, next });
        }
        Ok(())
    }
}

fn in_block(header: &SealedHeader, log: &RawLog) -> Log {
    Log {
        inner: log.clone(),
        block_hash: Some(header.hash.get()),
        block_number: Some(header.header.number),
        block_timestamp: Some(header.header.timestamp),
        ..Log::default()
    }
}
