//! Which part of the node talks to which? The channels between driver, network, sync and endorsements, made in one place.
//!
//! Called by the assembly, which spawns the tasks that stand here. Nothing runs by itself.

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Bytes;
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::BlockLimits;
use ledger_consensus::{
    Evidence, Schedule,
    limits::{EndorsementBook, SlotLimits},
};
use ledger_network::{CheckpointSignature, Incoming, NetworkHandle};
use ledger_runtime::{Head, Runtime};
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{
    admission::{AdmissionConfig, AdmissionTask},
    anchor::Confirmed,
    checkpoints::{self, CheckpointParts, OwnKey, SignedRecord, task::CheckpointInputs},
    driver::{DriverInputs, DriverNetwork, now},
    endorse::{Announcer, AnnouncerInputs, EndorseRequest, Endorsements, Strays},
    evidence::{EVIDENCE_QUEUE, EvidenceKeeper, EvidenceLog},
    network::{NetworkEnds, proposals::RecentBlocks, serve::Server},
    recovery::Targets,
    rpc::{ConsensusPort, NetworkStatus},
    signer::ConsensusSigner,
    slot_log::SlotLog,
    sync::{Batch, Sync, SyncInputs, fill_history},
    txpool::TxPool,
};

/// Hints about blocks that wait for the sync.
const HINTS_QUEUE: usize = 64;
/// Batches that wait for the driver: the sync has one under way at a time.
const BATCHES_QUEUE: usize = 1;
/// Requests for endorsements that wait for the announcer.
const ENDORSE_QUEUE: usize = 64;
/// Questions of JSON-RPC that wait for the driver.
const QUESTIONS_QUEUE: usize = 64;

/// A task that ends when the token does.
type Task = Box<dyn FnOnce(CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>>>;

/// What the admission task is to do, and the account that votes.
pub type Admission = (AdmissionConfig, Option<PrivateKeySigner>);

/// What checkpoints are looked after with.
#[derive(Debug)]
pub struct Checkpoints {
    /// The folder of the bundles.
    pub folder: PathBuf,
    /// The own key and what it has signed, if there is one.
    pub own: Option<(OwnKey, SignedRecord)>,
}

/// What this node does beside following the chain.
#[derive(Debug, Default)]
pub struct Roles {
    /// Makes blocks and votes with this key.
    pub signer: Option<Arc<ConsensusSigner>>,
    /// Looks after requests for admission.
    pub admission: Option<Admission>,
    /// Looks after checkpoints.
    pub checkpoints: Option<Checkpoints>,
}

/// Everything between the parts.
pub struct Wiring {
    /// For the driver.
    pub driver: DriverInputs,
    /// Where the driver hands evidence over.
    pub evidence: mpsc::Sender<Evidence>,
    /// What JSON-RPC asks of consensus.
    pub port: ConsensusPort,
    /// What JSON-RPC shows of the network.
    pub status: watch::Receiver<NetworkStatus>,
    /// The tasks, by name.
    pub tasks: Vec<(&'static str, Task)>,
}

impl std::fmt::Debug for Wiring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wiring")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Wiring {
    /// The channels of a node with these parts; without a `network` it talks to nobody.
    #[must_use]
    pub fn new(
        (runtime, pool, heads): (&Arc<Runtime>, &Arc<TxPool>, &watch::Receiver<Arc<Head>>),
        (network, confirmed): (Option<NetworkEnds>, &Arc<Confirmed>),
        roles: Roles,
        ingress: Handle,
    ) -> Self {
        let Roles {
            signer,
            admission,
            checkpoints,
        } = roles;
        let promised = promised_max(&runtime.spec().limits);
        let endorsements = Arc::new(Endorsements::new(runtime.genesis_hash(), promised.transactions));
        let (questions, asked) = mpsc::channel(QUESTIONS_QUEUE);
        let (batch_sender, batches) = mpsc::channel(BATCHES_QUEUE);
        let (endorse, endorse_requests) = mpsc::channel(ENDORSE_QUEUE);
        let (status_sender, status) = watch::channel(NetworkStatus::default());
        let log = Arc::new(EvidenceLog::default());
        let port = ConsensusPort {
            endorsements: Arc::clone(&endorsements),
            questions,
            evidence: Arc::clone(&log),
            verdicts: Arc::default(),
            checkpoints: Arc::clone(confirmed.book()),
            peers: network.as_ref().map(|network| network.handle.peers()),
            wanted: network.as_ref().map(|network| network.wanted.clone()),
            own: signer.as_ref().map(|signer| signer.public()),
            confirmed: Arc::clone(confirmed),
            slots: begin_slot_log(runtime),
        };
        let promises = (endorsements, promised);
        let mut announcer = announcer((runtime, pool, confirmed), promises, signer.clone(), ingress);
        let (evidence, keeper) = keep_evidence((runtime, pool, heads), log, signer);
        let mut tasks = vec![keeper];
        tasks.extend(admission.map(|admission| look_after((runtime, pool, heads), admission, &port)));
        let mut told = Told::nothing();
        let handle = network.as_ref().map(|ends| ends.handle.clone());
        let driver_network = network.map(|ends| {
            announcer.network = Some(ends.handle.clone());
            let ways = Ways {
                batches: batch_sender,
                status: status_sender,
                endorse,
                confirmed: Arc::clone(confirmed),
            };
            let driver_network;
            (driver_network, told) = wire_network((runtime, pool, heads), ends, ways, &mut tasks);
            driver_network
        });
        let inputs = (heads.clone(), handle, told.signatures);
        tasks.extend(checkpoints.map(|checkpoints| look_after_checkpoints(runtime, &port, checkpoints, inputs)));
        let announcer_inputs = AnnouncerInputs {
            transactions: told.transactions,
            reserved: told.reserved,
            requests: endorse_requests,
        };
        tasks.push(("announcer", task(|token| announcer.run(announcer_inputs, token))));
        Self {
            driver: DriverInputs {
                network: driver_network,
                batches,
                questions: asked,
            },
            evidence,
            port,
            status,
            tasks,
        }
    }
}

/// The announcer, as long as there are no peers.
fn announcer(
    (runtime, pool, confirmed): (&Arc<Runtime>, &Arc<TxPool>, &Arc<Confirmed>),
    (endorsements, promised): (Arc<Endorsements>, SlotLimits),
    signer: Option<Arc<ConsensusSigner>>,
    ingress: Handle,
) -> Announcer {
    Announcer {
        runtime: Arc::clone(runtime),
        pool: Arc::clone(pool),
        endorsements,
        targets: Targets::new(Arc::clone(runtime), Arc::clone(confirmed)),
        signer,
        book: Mutex::new(EndorsementBook::new(promised)),
        strays: Mutex::new(Strays::new(Instant::now())),
        network: None,
        schedule: schedule_of(runtime.spec().consensus.slot_duration_ms),
        ingress,
    }
}

/// The task that looks after requests for admission.
fn look_after(
    (runtime, pool, heads): (&Arc<Runtime>, &Arc<TxPool>, &watch::Receiver<Arc<Head>>),
    (config, account): Admission,
    port: &ConsensusPort,
) -> (&'static str, Task) {
    let look = AdmissionTask {
        runtime: Arc::clone(runtime),
        pool: Arc::clone(pool),
        config,
        account,
        verdicts: Arc::clone(&port.verdicts),
        peers: port.peers.clone(),
    };
    let heads = heads.clone();
    ("admission", task(|token| look.run(heads, token)))
}

/// The task that looks after checkpoints.
fn look_after_checkpoints(
    runtime: &Arc<Runtime>,
    port: &ConsensusPort,
    Checkpoints { folder, own }: Checkpoints,
    (heads, network, signatures): (
        watch::Receiver<Arc<Head>>,
        Option<NetworkHandle>,
        mpsc::Receiver<Incoming<CheckpointSignature>>,
    ),
) -> (&'static str, Task) {
    let inputs = CheckpointInputs {
        heads,
        network,
        signatures,
    };
    let parts = CheckpointParts {
        runtime: Arc::clone(runtime),
        book: Arc::clone(&port.checkpoints),
        folder,
        own,
    };
    (
        "checkpoints",
        task(|token| checkpoints::task::run(parts, inputs, token)),
    )
}

/// The task that keeps evidence, and the way to it.
fn keep_evidence(
    (runtime, pool, heads): (&Arc<Runtime>, &Arc<TxPool>, &watch::Receiver<Arc<Head>>),
    log: Arc<EvidenceLog>,
    signer: Option<Arc<ConsensusSigner>>,
) -> (mpsc::Sender<Evidence>, (&'static str, Task)) {
    let (sender, found) = mpsc::channel(EVIDENCE_QUEUE);
    let keeper = EvidenceKeeper {
        runtime: Arc::clone(runtime),
        pool: Arc::clone(pool),
        log,
        signer,
    };
    let heads = heads.clone();
    let task = task(|token| keeper.run(found, heads, token));
    (sender, ("evidence", task))
}

/// Where the parts that only a node with a network has lead.
struct Ways {
    batches: mpsc::Sender<Batch>,
    status: watch::Sender<NetworkStatus>,
    endorse: mpsc::Sender<EndorseRequest>,
    confirmed: Arc<Confirmed>,
}

/// What peers pass on, beside what the driver takes.
struct Told {
    transactions: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Of the reserved lane.
    reserved: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    signatures: mpsc::Receiver<Incoming<CheckpointSignature>>,
}

impl Told {
    /// Where there are no peers.
    fn nothing() -> Self {
        Self {
            transactions: mpsc::channel(1).1,
            reserved: mpsc::channel(1).1,
            signatures: mpsc::channel(1).1,
        }
    }
}

/// The parts that talk to peers. Gives the driver's end, and what peers pass on.
fn wire_network(
    (runtime, pool, heads): (&Arc<Runtime>, &Arc<TxPool>, &watch::Receiver<Arc<Head>>),
    ends: NetworkEnds,
    ways: Ways,
    tasks: &mut Vec<(&'static str, Task)>,
) -> (DriverNetwork, Told) {
    let NetworkEnds { handle, events, .. } = ends;
    let recent = Arc::new(RecentBlocks::default());
    let (hint_sender, hints) = mpsc::channel(HINTS_QUEUE);
    let server = Server {
        runtime: Arc::clone(runtime),
        pool: Arc::clone(pool),
        recent: Arc::clone(&recent),
        endorse: ways.endorse,
        book: Arc::clone(ways.confirmed.book()),
    };
    let sync = Sync {
        network: handle.clone(),
        batches: ways.batches,
        status: ways.status,
        slot: Duration::from_millis(runtime.spec().consensus.slot_duration_ms),
        runtime: Arc::clone(runtime),
        confirmed: ways.confirmed,
    };
    let heads = heads.clone();
    tasks.push(("answers to peers", task(|token| server.run(events.requests, token))));
    tasks.push(("sync", task(|token| sync.run(SyncInputs { hints, heads }, token))));
    if runtime.oldest_block().get() > 0 {
        let (handle, runtime) = (handle.clone(), Arc::clone(runtime));
        tasks.push(("older blocks", task(|token| fill_history(handle, runtime, token))));
    }
    let driver = DriverNetwork {
        handle,
        consensus: events.consensus,
        recent,
        hints: hint_sender,
    };
    let told = Told {
        transactions: events.transactions,
        reserved: events.reserved,
        signatures: events.checkpoints,
    };
    (driver, told)
}

/// Boxes a task.
fn task<F: Future<Output = ()> + Send + 'static>(start: impl FnOnce(CancellationToken) -> F + 'static) -> Task {
    Box::new(|token| Box::pin(start(token)))
}

/// What an authority may promise: what a block has beside the reserved share, so that a promise to one user is none that
/// validators and clouds have to stand back for.
fn promised_max(limits: &BlockLimits) -> SlotLimits {
    let open_percent = 100 - u64::from(limits.reserved_share_percent.min(100));
    let open = |whole: u64| whole / 100 * open_percent + whole % 100 * open_percent / 100;
    SlotLimits {
        transactions: u32::try_from(open(limits.transactions_per_slot.into())).unwrap_or(u32::MAX),
        transactions_per_sender: limits.transactions_per_sender_per_slot,
        gas: open(limits.gas_limit),
    }
}

/// The memory of slots, begun now.
fn begin_slot_log(runtime: &Runtime) -> Arc<SlotLog> {
    let consensus = &runtime.spec().consensus;
    let schedule = schedule_of(consensus.slot_duration_ms);
    Arc::new(SlotLog::new(schedule, consensus.heartbeat_slots, now()))
}

/// The division of time into slots. A specification gives them a length.
pub(crate) fn schedule_of(slot_duration_ms: u64) -> Schedule {
    Schedule::new(std::num::NonZeroU64::new(slot_duration_ms).unwrap_or(std::num::NonZeroU64::MIN))
}
