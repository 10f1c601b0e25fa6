//! The methods about the node, its pool and its records, and those of promo codes: all but `eth_*`.

use super::{
    super::{
        Method,
        Shape::{List, Nullable, One},
    },
    method, needed, optional,
};

pub(super) const METHODS: &[Method] = &[
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
        "debug_getRawHeader",
        "A header's RLP.",
        &[needed("block", One("BlockId"))],
        One("Bytes"),
    ),
    method(
        "debug_getRawBlock",
        "A block's RLP: header, transactions, no ommers, no withdrawals.",
        &[needed("block", One("BlockId"))],
        One("Bytes"),
    ),
    method(
        "debug_getRawReceipts",
        "The receipts of a block, each as its EIP-2718 bytes.",
        &[needed("block", One("BlockId"))],
        List("Bytes"),
    ),
    method(
        "debug_getRawTransaction",
        "The signed bytes (EIP-2718) of a transaction, from the chain or the pool.",
        &[needed("transactionHash", One("Hash"))],
        One("Bytes"),
    ),
    method(
        "debug_getBadBlocks",
        "Always empty: a block that fails a check is not kept.",
        &[],
        List("Block"),
    ),
    method(
        "debug_traceTransaction",
        "How a transaction ran: its steps, or what the named tracer tells.",
        &[
            needed("transactionHash", One("Hash")),
            optional("options", One("TraceOptions")),
        ],
        One("Trace"),
    ),
    method(
        "debug_traceBlockByNumber",
        "How each transaction of a block ran.",
        &[
            needed("block", One("BlockTag")),
            optional("options", One("TraceOptions")),
        ],
        List("TraceEntry"),
    ),
    method(
        "debug_traceBlockByHash",
        "How each transaction of a block ran.",
        &[
            needed("blockHash", One("Hash")),
            optional("options", One("TraceOptions")),
        ],
        List("TraceEntry"),
    ),
    method(
        "debug_traceCall",
        "How a call would run, on the state after a block.",
        &[
            needed("transaction", One("TransactionRequest")),
            optional("block", One("BlockId")),
            optional("options", One("TraceOptions")),
        ],
        One("Trace"),
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
        "ledger_codeProof",
        "A promo code with certificates and Merkle proofs, for whoever trusts one block and no node.",
        &[needed("id", One("Text")), optional("request", One("CodeProofRequest"))],
        One("CodeProof"),
    ),
    method(
        "ledger_subscribe",
        "News of a topic: `code` with the id of a promo code, how that stands, at once and whenever it changes; `slots`, how each went.",
        &[needed("topic", One("LedgerTopic")), optional("id", One("Text"))],
        One("Quantity"),
    ),
    method(
        "ledger_unsubscribe",
        "Ends a subscription; whether there was one.",
        &[needed("subscriptionId", One("Quantity"))],
        One("Boolean"),
    ),
    method(
        "ledger_usageReport",
        "What became of promo codes in a month, by specification, and of them at one cloud. Reads counters, not the chain.",
        &[needed("month", One("Month")), optional("cloud", One("CloudRef"))],
        One("UsageReport"),
    ),
    method(
        "ledger_validators",
        "The validators in the order of their turns.",
        &[],
        One("ValidatorsInfo"),
    ),
    method(
        "ledger_proposals",
        "The open proposals, newest first: those of validators, and then requests for admission, which anybody may make.",
        &[],
        List("ProposalInfo"),
    ),
    method(
        "ledger_proposal",
        "A proposal by its number; `null` if it is not open.",
        &[needed("proposalId", One("Quantity"))],
        Nullable("ProposalInfo"),
    ),
    method(
        "ledger_status",
        "How the node and its chain stand.",
        &[],
        One("NodeStatus"),
    ),
    method(
        "ledger_endorsement",
        "The promise of an authority that a transaction goes first; `null` if there is none. Waits a moment for it while the \
         transaction waits for its block.",
        &[needed("transactionHash", One("Hash"))],
        Nullable("EndorsementInfo"),
    ),
    method(
        "ledger_whyStalled",
        "Whether blocks come, and if not, what is missing and what to do about it, in sentences.",
        &[],
        One("StallReport"),
    ),
    method(
        "ledger_slots",
        "How the last slots went, as this node saw it: blocks, how soon they were final, and turns that were missed. Of `count` slots in \
         which a block was due, at most 1,024.",
        &[needed("count", One("Quantity"))],
        One("SlotsInfo"),
    ),
    method(
        "ledger_evidence",
        "The proofs of broken rules that this node has found, oldest first.",
        &[],
        List("EvidenceInfo"),
    ),
    method(
        "ledger_checkpoints",
        "The checkpoints for the mainchain, in order, each with the signatures that are known and how far it has come.",
        &[needed("query", One("CheckpointsQuery"))],
        List("CheckpointInfo"),
    ),
    method(
        "ledger_recoveredSpan",
        "What a recovery left behind, or one to a checkpoint would, and the codes that were redeemed in it: without an epoch and a \
         checkpoint, of the last recovery. Paged by blocks.",
        &[needed("query", One("RecoveredSpanQuery"))],
        One("RecoveredSpan"),
    ),
    method("ledger_peers", "The connected peers.", &[], List("PeerInfo")),
];
