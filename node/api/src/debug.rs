//! The `debug_*` methods: blocks and transactions as bytes, and how transactions ran.
//!
//! Shapes are geth's, by alloy's types. A trace replays its block, so the state before the block must still be kept.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
#[cfg(feature = "server")]
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde_json::Value;

/// What happened exactly.
#[cfg_attr(
    all(feature = "server", feature = "client"),
    rpc(server, client, namespace = "debug")
)]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "debug"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "debug"))]
pub trait Debug {
    /// A header's RLP.
    #[method(name = "getRawHeader")]
    async fn raw_header(&self, block: BlockId) -> RpcResult<Bytes>;

    /// A block's RLP: header, transactions, no ommers, no withdrawals.
    #[method(name = "getRawBlock")]
    async fn raw_block(&self, block: BlockId) -> RpcResult<Bytes>;

    /// The receipts of a block, each as its EIP-2718 bytes.
    #[method(name = "getRawReceipts")]
    async fn raw_receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>>;

    /// The signed bytes (EIP-2718) of a transaction, from the chain or the pool.
    #[method(name = "getRawTransaction")]
    async fn raw_transaction(&self, transaction_hash: B256) -> RpcResult<Bytes>;

    /// Always empty: a block that fails a check is not kept.
    #[method(name = "getBadBlocks")]
    fn bad_blocks(&self) -> RpcResult<Vec<Value>>;

    /// How a transaction ran: its steps, or what the named tracer tells.
    #[method(name = "traceTransaction")]
    async fn trace_transaction(
        &self,
        transaction_hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<GethTrace>;

    /// How each transaction of a block ran.
    #[method(name = "traceBlockByNumber")]
    async fn trace_block_by_number(
        &self,
        block: BlockNumberOrTag,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult<GethTrace, String>>>;

    /// How each transaction of a block ran.
    #[method(name = "traceBlockByHash")]
    async fn trace_block_by_hash(
        &self,
        block_hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult<GethTrace, String>>>;

    /// How a call would run, on the state after a block.
    #[method(name = "traceCall")]
    async fn trace_call(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        options: Option<GethDebugTracingCallOptions>,
    ) -> RpcResult<GethTrace>;
}
