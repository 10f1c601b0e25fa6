//! The table that the OpenRPC document is made of: every method, its parameters, its result.
//!
//! A test reads the traits and fails where the table says something else.

use super::{
    Method, Parameter,
    Shape::{self, List, Nullable, NullableList, One},
};

const fn needed(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: true,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: false,
    }
}

const fn method(name: &'static str, summary: &'static str, parameters: &'static [Parameter], result: Shape) -> Method {
    Method {
        name,
        summary,
        parameters,
        result,
    }
}

/// Every method, in the order of the traits.
pub const METHODS: &[Method] = &[
    method("eth_chainId", "The EIP-155 chain id.", &[], One("Quantity")),
    method(
        "eth_blockNumber",
        "Number of the newest block, which is final.",
        &[],
        One("Quantity"),
    ),
    method(
        "eth_syncing",
        "`false`, or how far synchronisation is.",
        &[],
        One("SyncStatus"),
    ),
    method(
        "eth_accounts",
        "Always empty: a node holds no user's keys.",
        &[],
        List("Address"),
    ),
    method("eth_gasPrice", "Always 0: gas costs nothing.", &[], One("Quantity")),
    method(
        "eth_maxPriorityFeePerGas",
        "Always 0: gas costs nothing.",
        &[],
        One("Quantity"),
    ),
    method("eth_blobBaseFee", "Always 0: there are no blobs.", &[], One("Quantity")),
    method(
        "eth_feeHistory",
        "Fees of past blocks: all 0, with how full the blocks were.",
        &[
            needed("blockCount", One("Quantity")),
            needed("newestBlock", One("BlockTag")),
            optional("rewardPercentiles", List("Number")),
        ],
        One("FeeHistory"),
    ),
    method(
        "eth_getBlockByNumber",
        "A block by its number or tag, with transactions or their hashes; `null` if there is none.",
        &[needed("block", One("BlockTag")), optional("hydrated", One("Boolean"))],
        Nullable("Block"),
    ),
    method(
        "eth_getBlockByHash",
        "A block by its hash, with transactions or their hashes; `null` if there is none.",
        &[needed("blockHash", One("Hash")), optional("hydrated", One("Boolean"))],
        Nullable("Block"),
    ),
    method(
        "eth_getBlockTransactionCountByNumber",
        "Number of transactions in a block; `null` if there is no such block.",
        &[needed("block", One("BlockTag"))],
        Nullable("Quantity"),
    ),
    method(
        "eth_getBlockTransactionCountByHash",
        "Number of transactions in a block; `null` if there is no such block.",
        &[needed("blockHash", One("Hash"))],
        Nullable("Quantity"),
    ),
    method(
        "eth_getBlockReceipts",
        "All receipts of a block, in the order of its transactions; `null` if there is no such block.",
        &[needed("block", One("BlockId"))],
        NullableList("TransactionReceipt"),
    ),
    method(
        "eth_getUncleCountByBlockNumber",
        "0 uncles, or `null` if there is no such block.",
        &[needed("block", One("BlockTag"))],
        Nullable("Quantity"),
    ),
    method(
        "eth_getUncleCountByBlockHash",
        "0 uncles, or `null` if there is no such block.",
        &[needed("blockHash", One("Hash"))],
        Nullable("Quantity"),
    ),
    method(
        "eth_getUncleByBlockNumberAndIndex",
        "Always `null`: there are no uncles.",
        &[needed("block", One("BlockTag")), needed("index", One("Quantity"))],
        Nullable("Block"),
    ),
    method(
        "eth_getUncleByBlockHashAndIndex",
        "Always `null`: there are no uncles.",
        &[needed("blockHash", One("Hash")), needed("index", One("Quantity"))],
        Nullable("Block"),
    ),
    method(
        "eth_sendRawTransaction",
        "Hands in a signed transaction (EIP-2718 bytes) and gives its hash.",
        &[needed("transaction", One("Bytes"))],
        One("Hash"),
    ),
    method(
        "eth_getTransactionByHash",
        "A transaction by its hash, from the chain or the pool; `null` if neither has it.",
        &[needed("transactionHash", One("Hash"))],
        Nullable("Transaction"),
    ),
    method(
        "eth_getRawTransactionByHash",
        "The signed bytes (EIP-2718) of a transaction, from the chain or the pool; `null` if neither has it.",
        &[needed("transactionHash", One("Hash"))],
        Nullable("Bytes"),
    ),
    method(
        "eth_getTransactionByBlockNumberAndIndex",
        "A transaction by its block's number and its index; `null` if there is none.",
        &[needed("block", One("BlockTag")), needed("index", One("Quantity"))],
        Nullable("Transaction"),
    ),
    method(
        "eth_getTransactionByBlockHashAndIndex",
        "A transaction by its block's hash and its index; `null` if there is none.",
        &[needed("blockHash", One("Hash")), needed("index", One("Quantity"))],
        Nullable("Transaction"),
    ),
    method(
        "eth_getTransactionReceipt",
        "The receipt of a transaction in the chain; `null` while it is not in a block.",
        &[needed("transactionHash", One("Hash"))],
        Nullable("TransactionReceipt"),
    ),
    method(
        "eth_getTransactionCount",
        "The next nonce of an account; with the tag `pending`, after its transactions that wait in the pool.",
        &[needed("address", One("Address")), optional("block", One("BlockId"))],
        One("Quantity"),
    ),
    method(
        "eth_getBalance",
        "Balance of an account, in wei.",
        &[needed("address", One("Address")), optional("block", One("BlockId"))],
        One("Quantity"),
    ),
    method(
        "eth_getCode",
        "Code of an account; empty if it is no contract.",
        &[needed("address", One("Address")), optional("block", One("BlockId"))],
        One("Bytes"),
    ),
    method(
        "eth_getStorageAt",
        "One storage slot of an account.",
        &[
            needed("address", One("Address")),
            needed("slot", One("StorageKey")),
            optional("block", One("BlockId")),
        ],
        One("Hash"),
    ),
    method(
        "eth_getProof",
        "An account and some of its storage slots, with Merkle proofs against the block's state root (EIP-1186).",
        &[
            needed("address", One("Address")),
            needed("storageKeys", List("StorageKey")),
            optional("block", One("BlockId")),
        ],
        One("AccountProof"),
    ),
    method(
        "eth_call",
        "What a call would return, on the state after a block.",
        &[
            needed("transaction", One("TransactionRequest")),
            optional("block", One("BlockId")),
            optional("stateOverrides", One("StateOverride")),
            optional("blockOverrides", One("BlockOverrides")),
        ],
        One("Bytes"),
    ),
    method(
        "eth_estimateGas",
        "A gas limit with which a transaction would succeed.",
        &[
            needed("transaction", One("TransactionRequest")),
            optional("block", One("BlockId")),
            optional("stateOverrides", One("StateOverride")),
        ],
        One("Quantity"),
    ),
    method(
        "eth_createAccessList",
        "The access list (EIP-2930) that covers what a transaction would touch.",
        &[
            needed("transaction", One("TransactionRequest")),
            optional("block", One("BlockId")),
        ],
        One("AccessListResult"),
    ),
    method(
        "eth_getLogs",
        "Logs that match, in a bounded range of blocks.",
        &[needed("filter", One("Filter"))],
        List("Log"),
    ),
    method(
        "eth_newFilter",
        "A filter for logs of blocks to come. It ends when nobody asks for a while.",
        &[needed("filter", One("Filter"))],
        One("Quantity"),
    ),
    method(
        "eth_newBlockFilter",
        "A filter for the hashes of blocks to come.",
        &[],
        One("Quantity"),
    ),
    method(
        "eth_newPendingTransactionFilter",
        "A filter for the hashes of transactions that come into the pool.",
        &[],
        One("Quantity"),
    ),
    method(
        "eth_getFilterChanges",
        "What is new since the filter was asked last.",
        &[needed("filterId", One("Quantity"))],
        One("FilterChanges"),
    ),
    method(
        "eth_getFilterLogs",
        "All logs that a log filter matches.",
        &[needed("filterId", One("Quantity"))],
        List("Log"),
    ),
    method(
        "eth_uninstallFilter",
        "Ends a filter; whether there was one.",
        &[needed("filterId", One("Quantity"))],
        One("Boolean"),
    ),
    method(
        "eth_subscribe",
        "News of a kind: `newHeads`, `logs`, `newPendingTransactions` or `syncing`.",
        &[
            needed("kind", One("SubscriptionKind")),
            optional("params", One("SubscriptionParams")),
        ],
        One("Quantity"),
    ),
    method(
        "eth_unsubscribe",
        "Ends a subscription; whether there was one.",
        &[needed("subscriptionId", One("Quantity"))],
        One("Boolean"),
    ),
    method(
        "net_version",
        "The chain id as a decimal string, as Ethereum's clients expect.",
        &[],
        One("Text"),
    ),
    method("net_peerCount", "Number of connected peers.", &[], One("Quantity")),
    method(
        "net_listening",
        "Whether the node listens for peers.",
        &[],
        One("Boolean"),
    ),
    method(
        "web3_clientVersion",
        "Name, version and platform of the node.",
        &[],
        One("Text"),
    ),
    method(
        "web3_sha3",
        "Keccak-256 of some bytes.",
        &[needed("data", One("Bytes"))],
        One("Hash"),
    ),
    method(
        "txpool_status",
        "Numbers of pending and queued transactions.",
        &[],
        One("PoolCounts"),
    ),
    method(
        "txpool_content",
        "All transactions, by sender and nonce.",
        &[],
        One("PoolContent"),
    ),
    method(
        "txpool_contentFrom",
        "The transactions of one sender, by nonce.",
        &[needed("address", One("Address"))],
        One("PoolContentFrom"),
    ),
    method(
        "txpool_inspect",
        "All transactions in one line each, by sender and nonce.",
        &[],
        One("PoolInspect"),
    ),
    method(
        "rpc.discover",
        "The OpenRPC document that describes every method.",
        &[],
        One("OpenRpcDocument"),
    ),
    method("rpc_modules", "The namespaces and their versions.", &[], One("Modules")),
    method(
        "ledger_specs",
        "The instance specifications that codes are given for.",
        &[],
        List("SpecInfo"),
    ),
    method(
        "ledger_pool",
        "Per specification, what the clouds offer and what is left of it.",
        &[],
        List("PoolEntry"),
    ),
    method(
        "ledger_code",
        "What is known about a promo code; `null` if the id names none.",
        &[needed("id", One("Text"))],
        Nullable("CodeInfo"),
    ),
    method(
        "ledger_verifyCode",
        "Whether a promo code is good, and whether the cloud that asks could redeem it now. Never changes anything.",
        &[needed("id", One("Text")), needed("request", One("VerifyRequest"))],
        One("Verification"),
    ),
    method(
        "ledger_validators",
        "The validators in the order of their turns.",
        &[],
        One("ValidatorsInfo"),
    ),
    method(
        "ledger_proposals",
        "The open proposals of the validators, newest first.",
        &[],
        List("ProposalInfo"),
    ),
    method(
        "ledger_status",
        "How the node and its chain stand.",
        &[],
        One("NodeStatus"),
    ),
];
