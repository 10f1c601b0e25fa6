//! The node's libp2p host: who it is to others, whom it is connected to.
//!
//! Started by the assembly when a peer port is asked for, and run as one task. TCP and QUIC, noise, yamux, identify and
//! ping. Peers of another chain are let go: the protocol version that identify exchanges carries the genesis hash. It
//! carries no ledger data and decides nothing about blocks.

mod dial;

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    time::Duration,
};

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder, connection_limits,
    connection_limits::ConnectionLimits,
    identify, identity,
    multiaddr::Protocol,
    noise, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{config::NetworkConfig, error::NodeError, rpc::NetworkStatus, telemetry::metering};
use dial::Bootnodes;

/// Most connections that others may have open to this node.
pub const INCOMING_CONNECTIONS_MAX: u32 = 64;
/// Most connections that this node opens.
pub const OUTGOING_CONNECTIONS_MAX: u32 = 32;
/// Most connections to one peer: one of each transport.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Most connections in either direction that are still being set up: bounds what strangers cost before they are known.
pub const PENDING_CONNECTIONS_MAX: u32 = 16;

/// How long a connection that carries nothing is kept; peers stay connected until one of them leaves.
const IDLE_CONNECTION: Duration = Duration::from_secs(365 * 24 * 3600);
const FLAG: &str = "--p2p-port";

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// The host, listening and about to dial. [`Network::run`] drives it.
pub struct Network {
    swarm: Swarm<Behaviour>,
    bootnodes: Bootnodes,
    protocol: String,
    status: watch::Sender<NetworkStatus>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("peer_id", self.swarm.local_peer_id())
            .finish_non_exhaustive()
    }
}

/// The peer id that `identity` is known by.
///
/// # Errors
/// [`NodeError::TaskStopped`] never in practice: every ed25519 key is an identity.
pub fn peer_id(identity: &SigningKey) -> Result<PeerId, NodeError> {
    Ok(keypair(identity)?.public().to_peer_id())
}

fn keypair(identity: &SigningKey) -> Result<identity::Keypair, NodeError> {
    identity::Keypair::ed25519_from_bytes(identity.to_bytes()).map_err(|error| NodeError::TaskStopped {
        task: "network",
        reason: error.to_string(),
    })
}

impl Network {
    /// Binds the ports and prepares the connections to the bootnodes.
    ///
    /// # Errors
    /// [`NodeError::Listen`] if a port cannot be bound, [`NodeError::Usage`] for a bootnode that is no multiaddress.
    pub fn bind(config: &NetworkConfig, identity: &SigningKey, genesis: B256) -> Result<Self, NodeError> {
        let refused = |reason: String| NodeError::Listen {
            service: "peers",
            address: config.address,
            flag: FLAG,
            reason,
        };
        let bootnodes = Bootnodes::parse(&config.bootnodes)?;
        let protocol = format!("/cloud-ledger/{}/1", hex::encode(genesis));
        // libp2p shares a port with any process that shares it too, so two nodes could listen on one and never know.
        TcpListener::bind(config.address).map_err(|error| refused(error.to_string()))?;
        let mut swarm = swarm(keypair(identity)?, &protocol).map_err(refused)?;
        for address in listen_addresses(config.address) {
            swarm.listen_on(address).map_err(|error| refused(error.to_string()))?;
        }
        Ok(Self {
            swarm,
            bootnodes,
            protocol,
            status: watch::Sender::default(),
        })
    }

    /// Follows how the node stands to its peers.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<NetworkStatus> {
        self.status.subscribe()
    }

    /// Runs until `shutdown`; connections close when this returns.
    pub async fn run(mut self, shutdown: CancellationToken) {
        info!(target: "ledger::network", peer_id = %self.swarm.local_peer_id(), "network starts");
        loop {
            let redial_at = self.bootnodes.next_dial();
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = sleep_until(redial_at) => self.bootnodes.dial_due(&mut self.swarm),
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
        self.status.send_replace(NetworkStatus::default());
        metrics::gauge!(metering::PEERS).set(0);
    }

    fn count_peers(&self) {
        let peers = u32::try_from(self.swarm.connected_peers().count()).unwrap_or(u32::MAX);
        self.status.send_modify(|status| status.peers = peers.into());
        metrics::gauge!(metering::PEERS).set(peers);
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                info!(target: "ledger::network", %address, "listening for peers");
                self.status.send_modify(|status| status.listening = true);
            }
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                self.bootnodes.on_connected(peer_id);
                self.count_peers();
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established,
                cause,
                ..
            } => {
                debug!(target: "ledger::network", %peer_id, ?cause, "connection closed");
                if num_established == 0 {
                    self.bootnodes.on_disconnected(peer_id);
                }
                self.count_peers();
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }))
                if info.protocol_version != self.protocol =>
            {
                debug!(target: "ledger::network", %peer_id, theirs = info.protocol_version, "peer of another chain");
                // An error means that it left already.
                let _ = self.swarm.disconnect_peer_id(peer_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                debug!(target: "ledger::network", ?peer_id, %error, "cannot connect");
            }
            _ => {}
        }
    }
}

fn swarm(keypair: identity::Keypair, protocol: &str) -> Result<Swarm<Behaviour>, String> {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_CONNECTIONS_MAX))
        .with_max_pending_outgoing(Some(PENDING_CONNECTIONS_MAX))
        .with_max_established_incoming(Some(INCOMING_CONNECTIONS_MAX))
        .with_max_established_outgoing(Some(OUTGOING_CONNECTIONS_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let identify = identify::Config::new(protocol.to_owned(), keypair.public())
        .with_agent_version(format!("ledger-node/{}", env!("CARGO_PKG_VERSION")));
    let builder = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| error.to_string())?
        .with_quic()
        .with_dns()
        .map_err(|error| error.to_string())?
        .with_behaviour(|_| Behaviour {
            limits: connection_limits::Behaviour::new(limits),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
        })
        .map_err(|error| error.to_string())?;
    Ok(builder
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_CONNECTION))
        .build())
}

fn listen_addresses(address: SocketAddr) -> [Multiaddr; 2] {
    let ip = match address.ip() {
        IpAddr::V4(ip) => Protocol::Ip4(ip),
        IpAddr::V6(ip) => Protocol::Ip6(ip),
    };
    let base = Multiaddr::empty().with(ip);
    [
        base.clone().with(Protocol::Tcp(address.port())),
        base.with(Protocol::Udp(address.port())).with(Protocol::QuicV1),
    ]
}

/// Sleeps until `deadline`, or for ever without one.
async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
