//! `debug_*`: blocks and transactions as bytes, and how transactions ran.
//!
//! A trace runs other people's code, so it takes a call's turn.

use alloy_consensus::{Block, BlockBody, EthereumReceipt, TxReceipt, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::DebugServer;
use ledger_runtime::{BlockRef, CallOverrides, ReadError, StoredBlock};
use serde_json::Value;

use super::{context::Api, convert, error::RpcFailure};

#[async_trait]
impl DebugServer for Api {
    async fn raw_header(&self, block: BlockId) -> RpcResult<Bytes> {
        let (runtime, at) = (self.runtime(), convert::block_ref(Some(block)));
        self.turns
            .read(move || {
                let found = runtime.header(at)?.ok_or(ReadError::NoBlock(at))?;
                Ok(alloy_rlp::encode(found.header).into())
            })
            .await
    }

    async fn raw_block(&self, block: BlockId) -> RpcResult<Bytes> {
        let (runtime, at) = (self.runtime(), convert::block_ref(Some(block)));
        self.turns
            .read(move || {
                let found = runtime.block(at)?.ok_or(ReadError::NoBlock(at))?;
                Ok(block_rlp(found).into())
            })
            .await
    }

    async fn raw_receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>> {
        let (runtime, at) = (self.runtime(), convert::block_ref(Some(block)));
        self.turns
            .read(move || {
                let found = runtime.receipts(at)?.ok_or(ReadError::NoBlock(at))?;
                let receipts = found.into_iter();
                Ok(receipts.map(|stored| receipt_bytes(stored.receipt)).collect())
            })
            .await
    }

    async fn raw_transaction(&self, transaction_hash: B256) -> RpcResult<Bytes> {
        let found = self.raw_transaction_of(transaction_hash).await?;
        Ok(found.ok_or_else(|| no_transaction(transaction_hash))?)
    }

    fn bad_blocks(&self) -> RpcResult<Vec<Value>> {
        Ok(Vec::new())
    }

    async fn trace_transaction(
        &self,
        transaction_hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<GethTrace> {
        let runtime = self.runtime();
        self.turns
            .call(move || {
                let trace = runtime.trace_transaction(&transaction_hash, options.unwrap_or_default())?;
                trace.ok_or_else(|| no_transaction(transaction_hash))
            })
            .await
    }

    async fn trace_block_by_number(
        &self,
        block: BlockNumberOrTag,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult<GethTrace, String>>> {
        self.traces_of(convert::block_by_tag(block), options).await
    }

    async fn trace_block_by_hash(
        &self,
        block_hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult<GethTrace, String>>> {
        self.traces_of(convert::by_hash(block_hash), options).await
    }

    async fn trace_call(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        options: Option<GethDebugTracingCallOptions>,
    ) -> RpcResult<GethTrace> {
        let options = options.unwrap_or_default();
        if options.tx_index.is_some() {
            let message = "txIndex is not supported: a call runs on the state after a block";
            return Err(RpcFailure::Params(message.to_owned()).into());
        }
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let overrides = self.in_next_block(
            at,
            CallOverrides {
                state: options.state_overrides,
                block: options.block_overrides.map(Box::new),
            },
        );
        self.turns
            .call(move || Ok(runtime.trace_call(transaction, at, overrides, options.tracing_options)?))
            .await
    }
}

impl Api {
    async fn traces_of(
        &self,
        at: BlockRef,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult<GethTrace, String>>> {
        let runtime = self.runtime();
        self.turns
            .call(move || {
                let traces = runtime.trace_block(at, options.unwrap_or_default())?;
                let traces = traces.ok_or(ReadError::NoBlock(at))?.into_iter();
                Ok(traces
                    .map(|(hash, trace)| TraceResult::new_success(trace, Some(hash)))
                    .collect())
            })
            .await
    }
}

fn no_transaction(hash: B256) -> RpcFailure {
    RpcFailure::NotFound(format!("transaction not found: the chain has no {hash}"))
}

fn block_rlp(block: StoredBlock) -> Vec<u8> {
    let StoredBlock { header, transactions } = block;
    let withdrawals = header.header.withdrawals_root.map(|_| Default::default());
    let body = BlockBody {
        transactions: transactions.into_iter().map(Recovered::into_inner).collect(),
        ommers: Vec::new(),
        withdrawals,
    };
    alloy_rlp::encode(Block::new(header.header, body))
}

fn receipt_bytes(receipt: EthereumReceipt) -> Bytes {
    receipt.into_with_bloom().encoded_2718().into()
}
