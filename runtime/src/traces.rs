//! How did a call, a transaction or a block run, step by step?
//!
//! The telling half of the reading [`Runtime`], for `debug_trace*` of the JSON-RPC server: it replays on past states what the
//! chain holds. Nothing here changes anything.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethTrace};
use ledger_chainspec::{BlockNumber, SealedHeader, Transaction};

use crate::{BlockRef, CallOverrides, ReadError, Runtime, StoredBlock, TraceError, store::TxLocation};

impl Runtime {
    /// Runs a call as [`Self::call`] does and tells how it ran.
    ///
    /// # Errors
    /// [`TraceError`] if there is no such tracer, the call cannot be run, or its trace is too long.
    pub fn trace_call(
        &self,
        request: TransactionRequest,
        at: BlockRef,
        overrides: CallOverrides,
        options: GethDebugTracingOptions,
    ) -> Result<GethTrace, TraceError> {
        let (header, view) = self.state(at)?;
        self.executor
            .trace_call((view, &header.header), request, overrides, options)
    }

    /// Replays a block and tells how each of its transactions ran; none if there is no such block.
    ///
    /// # Errors
    /// [`TraceError`] if there is no such tracer, the state before the block is no longer kept, or the traces are too long.
    pub fn trace_block(
        &self,
        at: BlockRef,
        options: GethDebugTracingOptions,
    ) -> Result<Option<Vec<(B256, GethTrace)>>, TraceError> {
        let Some(block) = self.block(at).map_err(ReadError::from)? else {
            return Ok(None);
        };
        let traces = self.replay(&block.header, &block.transactions, 0, options)?;
        let hashes = block.transactions.iter().map(|transaction| *transaction.tx_hash());
        Ok(Some(hashes.zip(traces).collect()))
    }

    /// Replays a block up to a transaction and tells how that ran; none if the chain does not have it.
    ///
    /// # Errors
    /// As [`Self::trace_block`].
    pub fn trace_transaction(
        &self,
        hash: &B256,
        options: GethDebugTracingOptions,
    ) -> Result<Option<GethTrace>, TraceError> {
        let location = self.store.location(hash).map_err(ReadError::from)?;
        let Some(TxLocation { block, index }) = location else {
            return Ok(None);
        };
        let block = self.block(BlockRef::Number(block)).map_err(ReadError::from)?;
        let Some(StoredBlock { header, transactions }) = block else {
            return Ok(None);
        };
        let skip = usize::try_from(index).unwrap_or(usize::MAX);
        let until = transactions.len().min(skip.saturating_add(1));
        Ok(self.replay(&header, &transactions[..until], skip, options)?.pop())
    }

    fn replay(
        &self,
        header: &SealedHeader,
        transactions: &[Recovered<Transaction>],
        skip: usize,
        options: GethDebugTracingOptions,
    ) -> Result<Vec<GethTrace>, TraceError> {
        let before = header.header.number.checked_sub(1).ok_or(TraceError::Genesis)?;
        let parent = self.store.state_at(BlockNumber::new(before)).map_err(ReadError::from)?;
        self.executor
            .trace_block(parent, &header.header, transactions, skip, options)
    }
}
