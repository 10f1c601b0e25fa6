//! The `eth_*` methods, as the execution-apis describe them, in six groups.
//!
//! Blocks are final as soon as they exist, so the tags `latest`, `safe`, `finalized` and `pending` name the same block.
//! Gas costs nothing, so every price and fee is 0.

use std::collections::BTreeMap;

use alloy_eips::{BlockId, BlockNumberOrTag, eip2930::AccessListResult, eip7910::EthConfig};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{
    Block, BlockOverrides, EIP1186AccountProofResponse, FeeHistory, FillTransaction, Filter, FilterChanges, Header,
    Index, Log, Transaction, TransactionReceipt, TransactionRequest,
    pubsub::{Params, SubscriptionKind, SubscriptionResult},
    simulate::{SimulatePayload, SimulatedBlock},
    state::StateOverride,
};
use alloy_serde::JsonStorageKey;
#[cfg(feature = "server")]
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde_json::Value;

use crate::{Capabilities, SyncStatus};

/// Blocks, fees, and where the chain stands.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthBlocks {
    /// The EIP-155 chain id.
    #[method(name = "chainId")]
    fn chain_id(&self) -> RpcResult<U64>;

    /// Number of the newest block, which is final.
    #[method(name = "blockNumber")]
    fn block_number(&self) -> RpcResult<U64>;

    /// `false`, or how far synchronisation is.
    #[method(name = "syncing")]
    fn syncing(&self) -> RpcResult<SyncStatus>;

    /// Always empty: a node holds no user's keys.
    #[method(name = "accounts")]
    fn accounts(&self) -> RpcResult<Vec<Address>>;

    /// Always 0: gas costs nothing.
    #[method(name = "gasPrice")]
    fn gas_price(&self) -> RpcResult<U256>;

    /// Always 0: gas costs nothing.
    #[method(name = "maxPriorityFeePerGas")]
    fn max_priority_fee_per_gas(&self) -> RpcResult<U256>;

    /// Always 0: gas costs nothing.
    #[method(name = "baseFee")]
    fn base_fee(&self) -> RpcResult<U256>;

    /// Always 0: there are no blobs.
    #[method(name = "blobBaseFee")]
    fn blob_base_fee(&self) -> RpcResult<U256>;

    /// Fees of past blocks: all 0, with how full the blocks were.
    #[method(name = "feeHistory")]
    async fn fee_history(
        &self,
        block_count: U64,
        newest_block: BlockNumberOrTag,
        reward_percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory>;

    /// A header by its block's number or tag; `null` if there is no such block.
    #[method(name = "getHeaderByNumber")]
    async fn header_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<Header>>;

    /// A header by its block's hash; `null` if there is no such block.
    #[method(name = "getHeaderByHash")]
    async fn header_by_hash(&self, block_hash: B256) -> RpcResult<Option<Header>>;

    /// A block by its number or tag, with transactions or their hashes; `null` if there is none.
    #[method(name = "getBlockByNumber")]
    async fn block_by_number(&self, block: BlockNumberOrTag, hydrated: Option<bool>) -> RpcResult<Option<Block>>;

    /// A block by its hash, with transactions or their hashes; `null` if there is none.
    #[method(name = "getBlockByHash")]
    async fn block_by_hash(&self, block_hash: B256, hydrated: Option<bool>) -> RpcResult<Option<Block>>;

    /// Number of transactions in a block; `null` if there is no such block.
    #[method(name = "getBlockTransactionCountByNumber")]
    async fn block_transaction_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>>;

    /// Number of transactions in a block; `null` if there is no such block.
    #[method(name = "getBlockTransactionCountByHash")]
    async fn block_transaction_count_by_hash(&self, block_hash: B256) -> RpcResult<Option<U64>>;

    /// All receipts of a block, in the order of its transactions; `null` if there is no such block.
    #[method(name = "getBlockReceipts")]
    async fn block_receipts(&self, block: BlockId) -> RpcResult<Option<Vec<TransactionReceipt>>>;

    /// 0 uncles, or `null` if there is no such block.
    #[method(name = "getUncleCountByBlockNumber")]
    async fn uncle_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>>;

    /// 0 uncles, or `null` if there is no such block.
    #[method(name = "getUncleCountByBlockHash")]
    async fn uncle_count_by_hash(&self, block_hash: B256) -> RpcResult<Option<U64>>;

    /// Always `null`: there are no uncles.
    #[method(name = "getUncleByBlockNumberAndIndex")]
    fn uncle_by_number_and_index(&self, block: BlockNumberOrTag, index: Index) -> RpcResult<Option<Block>>;

    /// Always `null`: there are no uncles.
    #[method(name = "getUncleByBlockHashAndIndex")]
    fn uncle_by_hash_and_index(&self, block_hash: B256, index: Index) -> RpcResult<Option<Block>>;
}

/// The chain's rules, and what the node keeps.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthRules {
    /// Fork, precompiles and system contracts (EIP-7910).
    #[method(name = "config")]
    fn config(&self) -> RpcResult<EthConfig>;

    /// From which block on the node keeps what.
    #[method(name = "capabilities")]
    fn capabilities(&self) -> RpcResult<Capabilities>;

    /// The account that the block of the next slot names as its beneficiary.
    #[method(name = "coinbase")]
    fn coinbase(&self) -> RpcResult<Address>;
}

/// Transactions: sending and finding them.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthTransactions {
    /// Hands in a signed transaction (EIP-2718 bytes) and gives its hash.
    #[method(name = "sendRawTransaction")]
    async fn send_raw_transaction(&self, transaction: Bytes) -> RpcResult<B256>;

    /// A transaction with all that was left out: nonce, gas, prices, chain; and the bytes that a wallet signs.
    #[method(name = "fillTransaction")]
    async fn fill_transaction(&self, transaction: TransactionRequest) -> RpcResult<FillTransaction<Value>>;

    /// A transaction by its hash, from the chain or the pool; `null` if neither has it.
    #[method(name = "getTransactionByHash")]
    async fn transaction_by_hash(&self, transaction_hash: B256) -> RpcResult<Option<Transaction>>;

    /// The signed bytes (EIP-2718) of a transaction, from the chain or the pool; `null` if neither has it.
    #[method(name = "getRawTransactionByHash")]
    async fn raw_transaction_by_hash(&self, transaction_hash: B256) -> RpcResult<Option<Bytes>>;

    /// A transaction by its block's number and its index; `null` if there is none.
    #[method(name = "getTransactionByBlockNumberAndIndex")]
    async fn transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Transaction>>;

    /// A transaction by its block's hash and its index; `null` if there is none.
    #[method(name = "getTransactionByBlockHashAndIndex")]
    async fn transaction_by_hash_and_index(&self, block_hash: B256, index: Index) -> RpcResult<Option<Transaction>>;

    /// The receipt of a transaction in the chain; `null` while it is not in a block.
    #[method(name = "getTransactionReceipt")]
    async fn transaction_receipt(&self, transaction_hash: B256) -> RpcResult<Option<TransactionReceipt>>;

    /// The next nonce of an account; with the tag `pending`, after its transactions that wait in the pool.
    #[method(name = "getTransactionCount")]
    async fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64>;
}

/// The state of accounts, and calls that leave no trace.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthState {
    /// Balance of an account, in wei.
    #[method(name = "getBalance")]
    async fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256>;

    /// Code of an account; empty if it is no contract.
    #[method(name = "getCode")]
    async fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes>;

    /// One storage slot of an account.
    #[method(name = "getStorageAt")]
    async fn storage_at(&self, address: Address, slot: JsonStorageKey, block: Option<BlockId>) -> RpcResult<B256>;

    /// Storage slots of several accounts.
    #[method(name = "getStorageValues")]
    async fn storage_values(
        &self,
        requests: BTreeMap<Address, Vec<JsonStorageKey>>,
        block: Option<BlockId>,
    ) -> RpcResult<BTreeMap<Address, Vec<B256>>>;

    /// An account and some of its storage slots, with Merkle proofs against the block's state root (EIP-1186).
    #[method(name = "getProof")]
    async fn proof(
        &self,
        address: Address,
        storage_keys: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse>;

    /// What a call would return, on the state after a block.
    #[method(name = "call")]
    async fn call(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<Bytes>;

    /// Blocks of calls, each on what the one before left, as if they had been made on top of a block.
    #[method(name = "simulateV1")]
    async fn simulate(&self, payload: SimulatePayload, block: Option<BlockId>) -> RpcResult<Vec<SimulatedBlock>>;

    /// A gas limit with which a transaction would succeed.
    #[method(name = "estimateGas")]
    async fn estimate_gas(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<U64>;

    /// The access list (EIP-2930) that covers what a transaction would touch.
    #[method(name = "createAccessList")]
    async fn create_access_list(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult>;
}

/// Logs, and filters that are asked again and again.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthFilters {
    /// Logs that match, in a bounded range of blocks.
    #[method(name = "getLogs")]
    async fn logs(&self, filter: Filter) -> RpcResult<Vec<Log>>;

    /// A filter for logs of blocks to come. It ends when nobody asks for a while.
    #[method(name = "newFilter")]
    fn new_filter(&self, filter: Filter) -> RpcResult<U256>;

    /// A filter for the hashes of blocks to come.
    #[method(name = "newBlockFilter")]
    fn new_block_filter(&self) -> RpcResult<U256>;

    /// A filter for the hashes of transactions that come into the pool.
    #[method(name = "newPendingTransactionFilter")]
    fn new_pending_transaction_filter(&self) -> RpcResult<U256>;

    /// What is new since the filter was asked last.
    #[method(name = "getFilterChanges")]
    async fn filter_changes(&self, filter_id: U256) -> RpcResult<FilterChanges>;

    /// All logs that a log filter matches.
    #[method(name = "getFilterLogs")]
    async fn filter_logs(&self, filter_id: U256) -> RpcResult<Vec<Log>>;

    /// Ends a filter; whether there was one.
    #[method(name = "uninstallFilter")]
    fn uninstall_filter(&self, filter_id: U256) -> RpcResult<bool>;
}

/// News over a WebSocket.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client, namespace = "eth"))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "eth"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "eth"))]
pub trait EthPubSub {
    /// News of a kind: `newHeads`, `logs`, `newPendingTransactions` or `syncing`.
    #[subscription(name = "subscribe" => "subscription", unsubscribe = "unsubscribe", item = SubscriptionResult)]
    async fn eth_subscribe(
        &self,
        kind: SubscriptionKind,
        params: Option<Params>,
    ) -> jsonrpsee::core::SubscriptionResult;
}
