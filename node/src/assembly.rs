//! One linear function that builds the node: store, keys, pool, network, JSON-RPC, driver, sync.
//!
//! Called by `main` with the resolved configuration. It alone spawns the node's tasks, owns their handles and the token
//! that stops them. A task that ends with an error stops the node with that error; a signal stops it within
//! [`STOP_WITHIN`].

use std::{
    fs::DirBuilder,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use futures::{FutureExt, TryFutureExt};
use ledger_chainspec::{ChainSpec, dev_keys};
use ledger_runtime::{Runtime, RuntimeOpenError, RuntimeOptions};
use tokio::{runtime::Handle, sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    admin::server::AdminServer,
    anchor::{Anchoring, Confirmed},
    config::{KeySource, NodeConfig, ValidatorConfig},
    descriptors,
    driver::{Driver, DriverParts},
    error::NodeError,
    network::{
        Chain, NetworkEnds,
        alone::{self, Wanted},
    },
    ports, relaying,
    rpc::RpcContext,
    signals::Signals,
    sync::take_state,
    tasks::Tasks,
    telemetry::{banner, metering},
    txpool::TxPool,
    unlocking::{open_roles, open_signing},
    wiring::Wiring,
};

/// Time between a signal to stop and the end of the process, at most.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The hash of the genesis block of `spec`.
///
/// # Errors
/// [`NodeError::Database`] if a contract's constructor fails.
pub fn genesis_hash(spec: &ChainSpec) -> Result<B256, NodeError> {
    let hash = Runtime::genesis_of(spec).map_err(RuntimeOpenError::from)?;
    Ok(hash.get())
}

/// Builds the node that `config` describes and runs it until a signal stops it or a part of it fails. What comes from outside in any
/// number, requests and peers' transactions, is dealt with on the threads of `ingress`.
///
/// # Errors
/// [`NodeError`], which says what to do and has the exit code.
pub async fn run(config: NodeConfig, ingress: &Handle) -> Result<(), NodeError> {
    let started = Instant::now();
    let mut signals = Signals::install()?;
    let shutdown = CancellationToken::new();
    let mut tasks = Tasks::new(shutdown.clone());

    descriptors::raise_limit();
    make_data_folder(&config.paths.data)?;
    let metering = metering::install(config.telemetry.metrics)?;
    let network = open_network(&config, &mut tasks).await?;
    let anchoring = open_anchor(&config, &mut tasks).await?;
    let Some(runtime) = open_or_stop(&config, (network.as_ref(), anchoring.confirmed.as_ref()), &mut signals).await?
    else {
        return tasks.stop().await;
    };
    let runtime = Arc::new(runtime);
    anchoring.opened(&runtime, config.anchor.is_some()).await;
    let head = runtime.head();
    let signing = open_signing(&config, &runtime, &head).await?;
    let validator = signing.as_ref().map(|signing| signing.signer.public().to_string());

    let pool = open_pool(&config, &runtime).await?;
    let (head_sender, heads) = watch::channel(Arc::clone(&head));
    let peer_id = network.as_ref().map(|network| network.handle.local_peer().to_string());
    let roles = open_roles(&config, &runtime, signing.as_ref()).await?;
    let outside = (network, &anchoring.confirmed);
    let wiring = Wiring::new((&runtime, &pool, &heads), outside, roles, ingress.clone());
    let context = RpcContext {
        runtime: Arc::clone(&runtime),
        pool: Arc::clone(&pool),
        heads,
        network: wiring.status.clone(),
        consensus: wiring.port.clone(),
        client_version: RpcContext::client_version(),
        metrics: RpcContext::renderer(&metering.handle),
    };
    let rpc = ports::bind_rpc(&config.rpc, context)?;
    let admin = AdminServer::bind(&config.paths.data, Arc::clone(&runtime))?;
    let names = Names {
        peer_id,
        validator,
        wanted: wiring.port.wanted.clone(),
    };
    announce(&config, &runtime, rpc.address(), names)?;
    let parts = DriverParts {
        runtime,
        pool,
        heads: head_sender,
        metrics: metering.handle,
        endorsements: Arc::clone(&wiring.port.endorsements),
        evidence: wiring.evidence,
        confirmed: Arc::clone(&anchoring.confirmed),
        slots: Arc::clone(&wiring.port.slots),
    };
    let driver = Driver::new(parts, wiring.driver, signing, shutdown.clone())?;
    tasks.spawn("driver", driver.run().map_err(|error| error.to_string()));
    let relayer = relaying::open(&config, rpc.address(), anchoring.confirmed.book()).await?;
    tasks.spawn_relayer(ingress, relayer);
    tasks.spawn_servers(ingress, rpc, admin);
    for (name, task) in wiring.tasks {
        tasks.spawn(name, task(shutdown.clone()).map(Ok));
    }
    tasks.spawn_exporter(metering.exporter);
    info!(target: "ledger::node", head = %head.number(), millis = started.elapsed().as_millis(), "node runs");

    let reason = supervise(&mut signals, &mut tasks).await;
    let stopped = tasks.stop().await;
    info!(target: "ledger::node", "stopped");
    reason.and(stopped).and_then(|()| anchoring.verdict())
}

/// Waits until a signal asks the node to stop, or a part of it ends by itself.
async fn supervise(signals: &mut Signals, tasks: &mut Tasks) -> Result<(), NodeError> {
    tokio::select! {
        name = signals.next() => {
            info!(target: "ledger::node", signal = name, "stopping");
            Ok(())
        }
        ended = tasks.next_end() => ended,
    }
}

fn make_data_folder(path: &Path) -> Result<(), NodeError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| NodeError::DataFolder {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// As [`open_runtime`], unless a signal comes first: a state may be on its way for long.
async fn open_or_stop(
    config: &NodeConfig,
    outside: (Option<&NetworkEnds>, &Confirmed),
    signals: &mut Signals,
) -> Result<Option<Runtime>, NodeError> {
    tokio::select! {
        opened = open_runtime(config, outside) => opened.map(Some),
        name = signals.next() => {
            info!(target: "ledger::node", signal = name, "stopping before the chain is open");
            Ok(None)
        }
    }
}

/// Opens the chain's database, after a state of the peers was put into it where that is the shorter way.
async fn open_runtime(
    config: &NodeConfig,
    (network, confirmed): (Option<&NetworkEnds>, &Confirmed),
) -> Result<Runtime, NodeError> {
    let options = RuntimeOptions {
        archive: config.storage.archive,
        history_blocks: config.storage.history_blocks,
        cache_bytes: config.storage.cache_bytes,
        reads: config.rpc.reads,
        accept_lost_blocks: config.storage.accept_lost_blocks,
        ..RuntimeOptions::new(&config.paths.chain, Arc::clone(&config.spec))
    };
    if let Some(network) = network.filter(|_| config.storage.takes_state) {
        take_state(&network.handle, &options, confirmed).await?;
    }
    Ok(blocking(move || Runtime::open(options)).await??)
}

/// Begins to read the mainchain back, with what was confirmed before.
async fn open_anchor(config: &NodeConfig, tasks: &mut Tasks) -> Result<Anchoring, NodeError> {
    let (spec, anchor) = (Arc::clone(&config.spec), config.anchor.clone());
    let begun = blocking(move || Anchoring::begin(anchor, genesis_hash(&spec)?).map_err(NodeError::from)).await?;
    let (anchoring, task) = begun?;
    if let Some(task) = task {
        tasks.spawn("anchor", task.run(tasks.shutdown.clone()));
    }
    Ok(anchoring)
}

/// Under which public names this node is known, and whom it looks for.
struct Names {
    peer_id: Option<String>,
    validator: Option<String>,
    wanted: Option<Wanted>,
}

/// Says on standard output what runs and where.
fn announce(config: &NodeConfig, runtime: &Runtime, rpc: SocketAddr, names: Names) -> Result<(), NodeError> {
    let announcement = banner::Announcement {
        spec: &config.spec,
        genesis: runtime.genesis_hash().get(),
        head: runtime.head().number().get(),
        rpc,
        peer_id: names.peer_id,
        validator: names.validator,
        wanted: names.wanted,
        accounts: dev_accounts(config)?,
    };
    banner::print(&announcement, config.telemetry.json)
}

fn dev_accounts(config: &NodeConfig) -> Result<Vec<banner::DevAccount>, NodeError> {
    match &config.validator {
        Some(ValidatorConfig {
            key: KeySource::PublicDevelopmentKey,
            ..
        }) => banner::dev_accounts(dev_keys::DEV_MNEMONIC),
        _ => Ok(Vec::new()),
    }
}

async fn open_pool(config: &NodeConfig, runtime: &Arc<Runtime>) -> Result<Arc<TxPool>, NodeError> {
    let (runtime, journal) = (Arc::clone(runtime), config.paths.pool_journal.clone());
    let path = journal.clone();
    let pool = blocking(move || TxPool::open(runtime, Some(&journal))).await?;
    let refused = |error: std::io::Error| NodeError::DataFolder {
        path,
        reason: error.to_string(),
    };
    Ok(Arc::new(pool.map_err(refused)?))
}

/// Takes the ports for peers and starts the network, which the state may have to come over.
async fn open_network(config: &NodeConfig, tasks: &mut Tasks) -> Result<Option<NetworkEnds>, NodeError> {
    if config.network.is_none() {
        return Ok(None);
    }
    let spec = Arc::clone(&config.spec);
    let genesis = blocking(move || Runtime::genesis_of(&spec)).await?;
    let chain = Chain {
        name: &config.spec.name,
        genesis: genesis.map_err(RuntimeOpenError::from)?,
    };
    let Some((task, ends)) = ports::open_network(config, chain)? else {
        return Ok(None);
    };
    tasks.spawn("network", task.run(tasks.shutdown.clone()).map(Ok));
    let watch = alone::watch(ends.handle.peers(), ends.wanted.clone(), tasks.shutdown.clone());
    tasks.spawn("watch for peers", watch.map(Ok));
    Ok(Some(ends))
}

/// Runs what blocks off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NodeError> {
    spawn_blocking(work).await.map_err(|error| NodeError::TaskStopped {
        task: "start",
        reason: error.to_string(),
    })
}
