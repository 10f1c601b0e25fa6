//! Nodes for the tests: real hosts on ports that the system chose. Nothing sleeps for a fixed time; everything waits for
//! what it needs to see, long enough for a busy machine.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Signature64, Slot, StatementKind, Vote,
};
use ledger_network::{
    ConsensusMessage, Incoming, Multiaddr, Network, NetworkEvents, NetworkHandle, NetworkLimits, NetworkOptions, Peer,
    PeerId, PeerStatus, Peers, peer_id_of,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What the slowest machine needs for anything that happens at all.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const GENESIS: GenesisHash = GenesisHash::new(B256::repeat_byte(0x11));

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn id(number: u8) -> PeerId {
    peer_id_of(&key(number))
}

/// Limits with short pauses, so that tests do not wait for what only time brings.
pub fn limits() -> NetworkLimits {
    NetworkLimits {
        status_interval: Duration::from_millis(100),
        status_interval_idle: Duration::from_millis(100),
        ..NetworkLimits::default()
    }
}

pub fn options(number: u8) -> NetworkOptions {
    NetworkOptions {
        identity: key(number),
        genesis: GENESIS,
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        external: vec![],
        bootnodes: vec![],
        reserved: vec![],
        reserved_only: false,
        peer_store: None,
        agent: format!("test/{number}"),
        limits: limits(),
    }
}

pub fn status(head: u64) -> PeerStatus {
    PeerStatus {
        head: BlockNumber::new(head),
        head_hash: BlockHash::new(B256::repeat_byte(0x22)),
        oldest: BlockNumber::new(0),
        unix_ms: 0,
    }
}

/// A running node.
pub struct Node {
    pub id: PeerId,
    pub handle: NetworkHandle,
    pub events: NetworkEvents,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Node {
    pub fn start(options: NetworkOptions) -> Self {
        let id = peer_id_of(&options.identity);
        let (network, handle, events) = Network::bind(options).unwrap();
        assert_eq!(handle.local_peer(), id);
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(network.run(shutdown.clone()));
        Self {
            id,
            handle,
            events,
            shutdown,
            task,
        }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }

    /// Waits until the picture of the peers is as `is_right` wants it.
    pub async fn until(&self, what: &str, is_right: impl Fn(&Peers) -> bool) -> Arc<Peers> {
        let mut peers = self.handle.peers();
        let seen = tokio::time::timeout(PATIENCE, peers.wait_for(|peers| is_right(peers))).await;
        match seen {
            Ok(seen) => Arc::clone(&seen.unwrap()),
            Err(_) => panic!("{what}: not seen; the peers are {:#?}", self.handle.peers().borrow()),
        }
    }

    pub async fn until_connected(&self, to: PeerId) -> Peer {
        let peers = self
            .until(&format!("connected to {to}"), |peers| peers.get(to).is_some())
            .await;
        peers.get(to).unwrap().clone()
    }

    pub async fn until_gone(&self, peer: PeerId) {
        self.until(&format!("{peer} gone"), |peers| peers.get(peer).is_none())
            .await;
    }

    /// Where it listens for TCP, with its name.
    pub async fn address(&self) -> Multiaddr {
        self.addresses("/tcp/").await
    }

    pub async fn addresses(&self, transport: &str) -> Multiaddr {
        let find = |peers: &Peers| {
            peers
                .listening
                .iter()
                .find(|address| address.to_string().contains(transport))
                .cloned()
        };
        let peers = self.until("listening", |peers| find(peers).is_some()).await;
        format!("{}/p2p/{}", find(&peers).unwrap(), self.id).parse().unwrap()
    }

    pub async fn next_consensus(&mut self) -> Incoming<ConsensusMessage> {
        patiently(self.events.consensus.recv()).await.unwrap()
    }
}

pub async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it took too long")
}

/// A message that can be told from others by its number.
pub fn vote(number: u64) -> ConsensusMessage {
    ConsensusMessage::Vote(Vote {
        set_id: SetId::new(0),
        height: BlockNumber::new(1),
        slot: Slot::new(number),
        kind: StatementKind::Prevote,
        hash: BlockHash::new(B256::repeat_byte(0x33)),
        valid_slot: None,
        voter: ConsensusKey::of(&key(1)),
        signature: Signature64::new([0x44; 64]),
    })
}

/// Metrics of one test, which must run on one thread and keep the recorder set.
pub fn metrics() -> (PrometheusRecorder, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    (recorder, handle)
}

/// The sum of a counter's values whose labels hold all of `labels`.
pub fn count(metrics: &PrometheusHandle, name: &str, labels: &[&str]) -> u64 {
    metrics
        .render()
        .lines()
        .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Waits until a counter has come that far.
pub async fn until_count(metrics: &PrometheusHandle, (name, labels): (&str, &[&str]), least: u64) {
    let counted = async {
        while count(metrics, name, labels) < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, counted).await.is_err() {
        panic!("{name} {labels:?} did not come to {least}:\n{}", metrics.render());
    }
}
