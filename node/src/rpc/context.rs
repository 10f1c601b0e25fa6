//! What do the methods answer from? Handed over by the assembly, shared by all of them.

use std::{fmt, sync::Arc};

use alloy_primitives::U256;
use ledger_chainspec::{BlockNumber, ConsensusKey};
use ledger_consensus::Status;
use ledger_network::Peers;
use ledger_runtime::{BlockRef, CallOverrides, Head, Runtime};
use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use super::{clock::unix_seconds, error::RpcFailure, filters::Filters, ledger::OpenProposals, turns::Turns};
use crate::{
    admission::Verdicts, anchor::Confirmed, checkpoints::CheckpointBook, endorse::Endorsements, evidence::EvidenceLog,
    network::alone::Wanted, slot_log::SlotLog, txpool::TxPool,
};

/// How the node stands to its peers, as the network last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkStatus {
    /// Whether peers can connect.
    pub listening: bool,
    /// Connected peers.
    pub peers: u64,
    /// How far synchronisation is, while the node catches up.
    pub sync: Option<SyncProgress>,
}

/// How far synchronisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncProgress {
    /// The head when it began.
    pub from: BlockNumber,
    /// The newest block of the peers.
    pub target: BlockNumber,
}

/// What the methods about consensus ask.
#[derive(Clone, Debug)]
pub struct ConsensusPort {
    /// Promises of authorities.
    pub endorsements: Arc<Endorsements>,
    /// The driver, which knows how the open height stands.
    pub questions: mpsc::Sender<oneshot::Sender<Status>>,
    /// Proofs of broken rules.
    pub evidence: Arc<EvidenceLog>,
    /// What was found about requests for admission.
    pub verdicts: Arc<Verdicts>,
    /// The checkpoints for the mainchain.
    pub checkpoints: Arc<CheckpointBook>,
    /// The peers, if there is a network.
    pub peers: Option<watch::Receiver<Arc<Peers>>>,
    /// Whom the network looks for, if there is one.
    pub wanted: Option<Wanted>,
    /// The key that this node signs with, if it has one.
    pub own: Option<ConsensusKey>,
    /// What the mainchain has confirmed.
    pub confirmed: Arc<Confirmed>,
    /// How the last slots went.
    pub slots: Arc<SlotLog>,
}

/// What the assembly hands to the RPC server.
#[derive(Clone)]
pub struct RpcContext {
    /// Execution and state.
    pub runtime: Arc<Runtime>,
    /// Waiting transactions.
    pub pool: Arc<TxPool>,
    /// The newest final block; the driver changes it. When the sender is gone, the node is not ready any more.
    pub heads: watch::Receiver<Arc<Head>>,
    /// Peers.
    pub network: watch::Receiver<NetworkStatus>,
    /// Consensus.
    pub consensus: ConsensusPort,
    /// Name, version and platform of the node.
    pub client_version: String,
    /// Renders the metrics as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl RpcContext {
    /// Name, version and platform, as `web3_clientVersion` gives them.
    #[must_use]
    pub fn client_version() -> String {
        format!(
            "ledger-node/v{}/{}-{}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        )
    }

    /// What renders the metrics of `handle`.
    #[must_use]
    pub fn renderer(handle: &PrometheusHandle) -> Arc<dyn Fn() -> String + Send + Sync> {
        let handle = handle.clone();
        Arc::new(move || handle.render())
    }
}

impl fmt::Debug for RpcContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcContext")
            .field("client_version", &self.client_version)
            .finish_non_exhaustive()
    }
}

/// The implementation of all methods: the context, the callers' turns and the filters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    pub(super) context: RpcContext,
    pub(super) turns: Turns,
    pub(super) filters: Arc<Filters>,
    pub(super) proposals: Arc<Mutex<OpenProposals>>,
}

impl Api {
    /// The methods over `context`.
    #[must_use]
    pub fn new(context: RpcContext) -> Self {
        let filters = Arc::new(Filters::default());
        Self {
            context,
            turns: Turns::default(),
            filters,
            proposals: Arc::default(),
        }
    }

    pub(super) fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(&self.context.runtime)
    }

    pub(super) fn head(&self) -> Arc<Head> {
        self.context.runtime.head()
    }

    /// The block that a call on the newest state pretends to be in: the next one, now, unless the caller says otherwise. That
    /// is where a transaction sent now would be executed, and on a quiet chain the newest block may be an hour old.
    pub(super) fn in_next_block(&self, at: BlockRef, mut overrides: CallOverrides) -> CallOverrides {
        if at == BlockRef::Head {
            let block = overrides.block.get_or_insert_with(Box::default);
            let head = self.head();
            block
                .time
                .get_or_insert_with(|| unix_seconds().max(head.header.header.timestamp));
            block.number.get_or_insert_with(|| U256::from(head.number().get() + 1));
        }
        overrides
    }
}

/// The number of a block that a caller means; of the head if it is one that does not exist yet.
pub(super) fn number_of(runtime: &Runtime, at: BlockRef) -> Result<Option<BlockNumber>, RpcFailure> {
    Ok(match at {
        BlockRef::Head => Some(runtime.head().number()),
        BlockRef::Number(number) => Some(number),
        BlockRef::Hash(hash) => runtime.block_number(&hash)?,
    })
}
