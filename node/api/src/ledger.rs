//! The `ledger_*` methods: promo codes, clouds, validators, consensus.

use alloy_primitives::{B256, U64};
#[cfg(feature = "server")]
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use ledger_chainspec::Month;

use crate::types::{
    CheckpointInfo, CheckpointsQuery, CloudRef, CodeInfo, CodeProof, CodeProofRequest, EndorsementInfo, EvidenceInfo,
    LedgerTopic, NodeStatus, PeerInfo, PoolEntry, ProposalInfo, RecoveredSpan, RecoveredSpanQuery, SlotsInfo, SpecInfo,
    StallReport, UsageReport, ValidatorsInfo, Verification, VerifyRequest,
};

/// Promo codes, and who runs the chain.
///
/// A promo code's `id` is the hash of the transaction that asked for it, the passport code in letters and digits, a link with one
/// of these, as in a QR code, or the contract's number of the code as a quantity.
#[cfg_attr(
    all(feature = "server", feature = "client"),
    rpc(server, client, namespace = "ledger")
)]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "ledger"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "ledger"))]
pub trait Ledger {
    /// The instance specifications that codes are given for.
    #[method(name = "specs")]
    async fn specs(&self) -> RpcResult<Vec<SpecInfo>>;

    /// Per specification, what the clouds offer and what is left of it.
    #[method(name = "pool")]
    async fn pool(&self) -> RpcResult<Vec<PoolEntry>>;

    /// What is known about a promo code; `null` if the id names none.
    #[method(name = "code")]
    async fn code(&self, id: String) -> RpcResult<Option<CodeInfo>>;

    /// Whether a promo code is good, and whether the cloud that asks could redeem it now. Never changes anything.
    #[method(name = "verifyCode")]
    async fn verify_code(&self, id: String, request: VerifyRequest) -> RpcResult<Verification>;

    /// A promo code with certificates and Merkle proofs, for whoever trusts one block and no node.
    #[method(name = "codeProof")]
    async fn code_proof(&self, id: String, request: Option<CodeProofRequest>) -> RpcResult<CodeProof>;

    /// What became of promo codes in a month, by specification, and of them at one cloud. Reads counters, not the chain.
    #[method(name = "usageReport")]
    async fn usage_report(&self, month: Month, cloud: Option<CloudRef>) -> RpcResult<UsageReport>;

    /// The validators in the order of their turns.
    #[method(name = "validators")]
    async fn validators(&self) -> RpcResult<ValidatorsInfo>;

    /// The open proposals, newest first: those of validators, and then requests for admission, which anybody may make.
    #[method(name = "proposals")]
    async fn proposals(&self) -> RpcResult<Vec<ProposalInfo>>;

    /// A proposal by its number; `null` if it is not open.
    #[method(name = "proposal")]
    async fn proposal(&self, proposal_id: U64) -> RpcResult<Option<ProposalInfo>>;

    /// How the node and its chain stand.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<NodeStatus>;

    /// The promise of an authority that a transaction goes first; `null` if there is none. Waits a moment for it while the
    /// transaction waits for its block.
    #[method(name = "endorsement")]
    async fn endorsement(&self, transaction_hash: B256) -> RpcResult<Option<EndorsementInfo>>;

    /// Whether blocks come, and if not, what is missing and what to do about it, in sentences.
    #[method(name = "whyStalled")]
    async fn why_stalled(&self) -> RpcResult<StallReport>;

    /// How the last slots went, as this node saw it: blocks, how soon they were final, and turns that were missed. Of `count` slots in
    /// which a block was due, at most 1,024.
    #[method(name = "slots")]
    async fn slots(&self, count: U64) -> RpcResult<SlotsInfo>;

    /// The proofs of broken rules that this node has found, oldest first.
    #[method(name = "evidence")]
    async fn evidence(&self) -> RpcResult<Vec<EvidenceInfo>>;

    /// The checkpoints for the mainchain, in order, each with the signatures that are known and how far it has come.
    #[method(name = "checkpoints")]
    async fn checkpoints(&self, query: CheckpointsQuery) -> RpcResult<Vec<CheckpointInfo>>;

    /// What a recovery left behind, or one to a checkpoint would, and the codes that were redeemed in it: without an epoch and a
    /// checkpoint, of the last recovery. Paged by blocks.
    #[method(name = "recoveredSpan")]
    async fn recovered_span(&self, query: RecoveredSpanQuery) -> RpcResult<RecoveredSpan>;

    /// The connected peers.
    #[method(name = "peers")]
    async fn peers(&self) -> RpcResult<Vec<PeerInfo>>;
}

/// News of the ledger over a WebSocket.
#[cfg_attr(
    all(feature = "server", feature = "client"),
    rpc(server, client, namespace = "ledger")
)]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server, namespace = "ledger"))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client, namespace = "ledger"))]
pub trait LedgerPubSub {
    /// News of a topic: `code` with the id of a promo code, how that stands, at once and whenever it changes; `slots`, how each went.
    #[subscription(name = "subscribe" => "subscription", unsubscribe = "unsubscribe", item = serde_json::Value)]
    async fn ledger_subscribe(&self, topic: LedgerTopic, id: Option<String>) -> jsonrpsee::core::SubscriptionResult;
}
