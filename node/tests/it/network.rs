//! Four validators and a latecomer in one process, each with its own driver, network on loopback, pool and database: the parts of
//! a node as the assembly wires them.

use std::{fmt::Debug, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::HttpClient,
};
use ledger_api::{EndorsementInfo, NodeStatus, PeerInfo, StallReport};
use ledger_chainspec::{ChainSpec, dev_keys};
use ledger_network::{Multiaddr, NetworkLimits, PeerId, peer_id_of};
use ledger_node::{
    config::NetworkConfig,
    driver::{Driver, DriverParts, LostGuardAnswer, Signing, guard_start},
    network::{self, Chain},
    rpc::{RpcContext, RpcLimits, RpcOptions, RpcServer},
    signer::{ConsensusSigner, GuardStore},
    txpool::TxPool,
    wiring::{Roles, Wiring},
};
use ledger_runtime::{BlockRef, Head, Runtime, RuntimeOptions};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::node::transfer_on;

/// How long anything may take before a test gives up; far more than it takes on a machine that does nothing else.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Blocks that the latecomer has to fetch at least.
const BEFORE_LATECOMER: u64 = 6;

/// A node without its process.
pub struct Member {
    pub runtime: Arc<Runtime>,
    pub pool: Arc<TxPool>,
    heads: watch::Receiver<Arc<Head>>,
    pub address: Multiaddr,
    rpc: HttpClient,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
    _folder: TempDir,
}

/// The testnet with shorter slots, in each of which a block comes.
fn spec() -> Arc<ChainSpec> {
    let mut spec = ChainSpec::testnet();
    spec.consensus.slot_duration_ms = 1_000;
    spec.consensus.heartbeat_slots = 1;
    spec.network.bootnodes.clear();
    Arc::new(spec)
}

fn network_config(folder: &TempDir, bootnodes: Vec<Multiaddr>) -> NetworkConfig {
    NetworkConfig {
        listen: vec![([127, 0, 0, 1], 0).into()],
        any_port_will_do: false,
        external: Vec::new(),
        bootnodes,
        reserved: Vec::new(),
        reserved_only: false,
        peer_store: folder.path().join("peers"),
        limits: NetworkLimits {
            status_interval: Duration::from_millis(500),
            status_interval_idle: Duration::from_millis(500),
            ..NetworkLimits::default()
        },
    }
}

impl Member {
    /// Development validator `k` with its key, or, above the four, a node that only follows.
    pub async fn start(k: u32, bootnodes: Vec<Multiaddr>) -> Self {
        Self::start_with(k, bootnodes, |_| ()).await
    }

    /// As [`Member::start`], on a chain that `prepare` may lengthen.
    pub async fn start_with(k: u32, bootnodes: Vec<Multiaddr>, prepare: impl FnOnce(&Runtime)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = spec();
        let path: PathBuf = folder.path().join("chain");
        let runtime = Arc::new(Runtime::open(RuntimeOptions::new(path, Arc::clone(&spec))).unwrap());
        prepare(&runtime);
        let pool = Arc::new(TxPool::open(Arc::clone(&runtime), None).unwrap());
        let (head_sender, heads) = watch::channel(runtime.head());
        let chain = Chain {
            name: &spec.name,
            genesis: runtime.genesis_hash(),
        };
        let identity = dev_keys::peer_key(k);
        let own_id = peer_id_of(&identity);
        let (network, ends) = network::open(&network_config(&folder, bootnodes), identity, chain).unwrap();
        let mut peers = ends.handle.peers();
        let signing = (k < dev_keys::DEV_VALIDATORS).then(|| signing(k, &folder, &runtime));
        let signer = signing.as_ref().map(|signing| Arc::clone(&signing.signer));
        let roles = Roles {
            signer,
            ..Roles::default()
        };
        let wiring = Wiring::new(
            (&runtime, &pool, &heads),
            (Some(ends), &Arc::default()),
            roles,
            Handle::current(),
        );
        let context = RpcContext {
            runtime: Arc::clone(&runtime),
            pool: Arc::clone(&pool),
            heads: heads.clone(),
            network: wiring.status.clone(),
            consensus: wiring.port.clone(),
            client_version: "ledger-node/test".to_owned(),
            metrics: Arc::new(String::new),
        };
        let parts = DriverParts {
            runtime: Arc::clone(&runtime),
            pool: Arc::clone(&pool),
            heads: head_sender,
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            endorsements: Arc::clone(&wiring.port.endorsements),
            evidence: wiring.evidence,
            confirmed: Arc::clone(&wiring.port.confirmed),
            slots: Arc::clone(&wiring.port.slots),
        };
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let rpc = serve(context, &mut tasks, shutdown.clone());
        let driver = Driver::new(parts, wiring.driver, signing, shutdown.clone()).unwrap();
        tasks.spawn(network.run(shutdown.clone()));
        tasks.spawn(async move { driver.run().await.unwrap() });
        for (_, task) in wiring.tasks {
            tasks.spawn(task(shutdown.clone()));
        }
        let listening = peers.wait_for(|peers| !peers.listening.is_empty()).await.unwrap();
        let address = listening.listening[0].clone();
        drop(listening);
        Self {
            runtime,
            pool,
            heads,
            address: named(address, own_id),
            rpc,
            shutdown,
            tasks,
            _folder: folder,
        }
    }

    pub async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    pub async fn head_at(&mut self, number: u64) -> Arc<Head> {
        let found = self.heads.wait_for(|head| head.number().get() >= number);
        let found = tokio::time::timeout(PATIENCE, found).await;
        Arc::clone(&*found.expect("no block in time").unwrap())
    }

    /// A transaction of a new account, handed in here.
    fn send(&self) -> B256 {
        let user = PrivateKeySigner::random();
        let chain_id = self.runtime.spec().chain_id;
        let raw = transfer_on(chain_id, &user, 0, (Address::repeat_byte(1), U256::ZERO));
        self.pool.submit(&raw).unwrap()
    }

    async fn block_of(&self, transaction: B256) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.runtime.transaction(&transaction).unwrap() {
                return found.location.block.get();
            }
            assert!(Instant::now() < deadline, "{transaction} is in no block");
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        let mut array = ArrayParams::new();
        for param in params.as_array().unwrap() {
            array.insert(param).unwrap();
        }
        self.rpc.request(method, array).await.unwrap()
    }

    /// Asks until the answer is as it should be.
    async fn until<T: DeserializeOwned + Debug>(&self, method: &str, is_right: impl Fn(&T) -> bool) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: T = self.ask(method, json!([])).await;
            if is_right(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{method}: {answer:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

fn signing(k: u32, folder: &TempDir, runtime: &Runtime) -> Signing {
    let (store, found) = GuardStore::open(&folder.path().join("guard"), runtime.genesis_hash().get()).unwrap();
    let answer = LostGuardAnswer {
        is_fresh: true,
        ..LostGuardAnswer::default()
    };
    Signing {
        signer: Arc::new(ConsensusSigner::new(dev_keys::validator_key(k))),
        store,
        start: guard_start(found.as_deref(), &runtime.head(), answer).unwrap(),
    }
}

/// Serves JSON-RPC on a free port; gives a client of it.
fn serve(context: RpcContext, tasks: &mut JoinSet<()>, shutdown: CancellationToken) -> HttpClient {
    let options = RpcOptions {
        address: ([127, 0, 0, 1], 0).into(),
        cors: Vec::new(),
        limits: RpcLimits::default(),
        trusted: vec!["127.0.0.0/8".parse().unwrap()],
        proxies: Vec::new(),
    };
    let server = RpcServer::bind(options, context).unwrap();
    let client = HttpClient::builder()
        .build(format!("http://{}", server.address()))
        .unwrap();
    tasks.spawn(async move { server.run(shutdown).await.unwrap() });
    client
}

fn named(address: Multiaddr, id: PeerId) -> Multiaddr {
    let text = address.to_string();
    match text.contains("/p2p/") {
        true => address,
        false => format!("{text}/p2p/{id}").parse().unwrap(),
    }
}

pub async fn four_validators() -> Vec<Member> {
    let first = Member::start(0, Vec::new()).await;
    let bootnode = first.address.clone();
    let mut members = vec![first];
    for k in 1..dev_keys::DEV_VALIDATORS {
        members.push(Member::start(k, vec![bootnode.clone()]).await);
    }
    members
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_validators_agree_endorse_and_bring_a_latecomer_up_to_date() {
    let mut members = four_validators().await;
    for member in &mut members {
        member.head_at(2).await;
    }
    let sent = members[3].send();
    let promise: Option<EndorsementInfo> = members[3].ask("ledger_endorsement", json!([sent])).await;
    let block = members[3].block_of(sent).await;
    for member in &mut members {
        assert_eq!(member.block_of(sent).await, block);
    }
    if let Some(promise) = promise {
        assert!(
            promise.transactions.contains(&sent) && promise.authority.cloud.is_some(),
            "{promise:?}"
        );
    }

    members[0].head_at(BEFORE_LATECOMER).await;
    let bootnode = members[0].address.clone();
    let mut late = Member::start(9, vec![bootnode]).await;
    let target = members[0].runtime.head();
    late.head_at(target.number().get()).await;
    let at = BlockRef::Number(target.number());
    for member in members.iter().chain([&late]) {
        let header = member.runtime.header(at).unwrap().expect("the block is there");
        assert_eq!(header.hash, target.hash());
    }
    let peers: Vec<PeerInfo> = late
        .until("ledger_peers", |peers: &Vec<PeerInfo>| {
            peers.iter().any(|peer| peer.validator.is_some() && peer.head.is_some())
        })
        .await;
    assert!(peers.iter().all(|peer| peer.score > 0 && !peer.reserved), "{peers:?}");
    let status: NodeStatus = late
        .until("ledger_status", |status: &NodeStatus| {
            status.highest_peer_block.is_some()
        })
        .await;
    assert!(
        status.own_validator.is_none() && status.connected_validators > 0,
        "{status:?}"
    );

    // What comes in at a node that only follows is promised and included too.
    let mut promise = None;
    for _ in 0..8 {
        let sent = late.send();
        promise = late
            .ask::<Option<EndorsementInfo>>("ledger_endorsement", json!([sent]))
            .await;
        late.block_of(sent).await;
        if promise.is_some() {
            break;
        }
    }
    assert!(
        promise.is_some(),
        "eight transactions, and no authority promised anything in time"
    );
    late.stop().await;
    for member in members {
        member.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn half_of_four_validators_make_no_block_and_say_who_is_missing() {
    let mut members = four_validators().await;
    for member in &mut members {
        member.head_at(1).await;
    }
    members.pop().unwrap().stop().await;
    members.pop().unwrap().stop().await;
    let names_both = |report: &StallReport| {
        report.stalled
            && report.reasons.iter().any(|reason| {
                reason.starts_with("3 of 4 validators are needed to make a block final, and only 2 were heard of")
                    && reason.contains("Cumulus Cloud (not connected), Drift Cloud (not connected) are missing")
            })
    };
    let report = members[0].until("ledger_whyStalled", names_both).await;
    assert_eq!(
        report.validators.iter().filter(|heard| heard.connected).count(),
        1,
        "{report:?}"
    );
    assert!(report.validators[0].own && report.open.is_some(), "{report:?}");
    for member in members {
        member.stop().await;
    }
}
