//! What is the libp2p host made of? Transports, behaviours and their settings; nothing here handles an event.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    num::NonZeroUsize,
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    gossipsub::{self, IdentityTransform, WhitelistSubscriptionFilter},
    identify,
    identity::Keypair,
    kad,
    multiaddr::Protocol,
    noise, ping,
    request_response::{self, ProtocolSupport},
    swarm::NetworkBehaviour,
    tcp, yamux,
};
#[cfg(target_os = "linux")]
use socket2::SockRef;
#[cfg(target_os = "linux")]
use tracing::debug;

use crate::{
    frame::{DIRECT, DirectFrames, REQUEST, RequestFrames},
    gate::Gate,
    gossip,
    message::Topic,
    options::{BindError, NetworkOptions, keypair},
    protocol::ProtocolNames,
    slots::{Slots, Trust},
    uploads::Uploads,
};

/// How long a connection that carries nothing is kept; peers stay until one of them leaves.
const IDLE_CONNECTION: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long bytes may be on their way over TCP before the connection counts as dead. Without it, TCP tries again in longer and longer
/// pauses after a cut, and is silent for as long as the cut was once it is healed.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(6);
/// How often a peer is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long it may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the map of peers is filled up by a search.
const KAD_BOOTSTRAP_INTERVAL: Duration = Duration::from_secs(600);
/// Longest search.
const KAD_QUERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest packet of kad: twenty peers with eight addresses each.
const KAD_PACKET_BYTES_MAX: usize = 16 << 10;
/// Peers in one bucket of the map: enough of each neighbourhood for a few hundred nodes.
const KAD_BUCKET: NonZeroUsize = NonZeroUsize::new(20).expect("not zero");
/// Streams that one connection may have open: those of every protocol, many times over.
const STREAMS_MAX: usize = 256;
/// Direct messages of one connection that are under way; how many of them may be long is decided by [`Uploads`].
pub(crate) const DIRECT_STREAMS_MAX: usize = 16;

pub(crate) type Gossip = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// Every protocol of the node.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    // The gate is asked first.
    pub gate: Gate,
    pub consensus: Gossip,
    pub transactions: Gossip,
    pub reserved: Gossip,
    pub checkpoints: Gossip,
    pub requests: request_response::Behaviour<RequestFrames>,
    pub direct: request_response::Behaviour<DirectFrames>,
    pub kad: kad::Behaviour<kad::store::MemoryStore>,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
}

impl Behaviour {
    pub(crate) const fn gossip(&mut self, topic: Topic) -> &mut Gossip {
        match topic {
            Topic::Consensus => &mut self.consensus,
            Topic::Transactions => &mut self.transactions,
            Topic::Reserved => &mut self.reserved,
            Topic::Checkpoints => &mut self.checkpoints,
        }
    }

    fn new(options: &NetworkOptions, trust: Trust, names: &ProtocolNames) -> Result<Self, String> {
        let keypair = keypair(&options.identity);
        let local = keypair.public().to_peer_id();
        let limits = &options.limits;
        let identify = identify::Config::new(names.chain(), keypair.public())
            .with_agent_version(options.agent.clone())
            .with_push_listen_addr_updates(true);
        let exchange = |name: &str, streams| {
            let config = request_response::Config::default()
                .with_request_timeout(limits.request_timeout)
                .with_max_concurrent_streams(streams);
            ([(names.stream(name), ProtocolSupport::Full)], config)
        };
        // One stream more each way than may be used otherwise, or a status would wait for a block.
        let streams = limits.requests_per_peer_max + limits.requests_to_peer_max + 2;
        let uploads = Uploads::new(limits.uploads_shared_max);
        let (protocols, config) = exchange(REQUEST, streams);
        let frames = RequestFrames::new(uploads.beside());
        let requests = request_response::Behaviour::with_codec(frames, protocols, config);
        let (protocols, config) = exchange(DIRECT, DIRECT_STREAMS_MAX);
        let direct = request_response::Behaviour::with_codec(DirectFrames::new(uploads), protocols, config);
        Ok(Self {
            gate: Gate::new(Slots::new(local, limits.clone(), trust)),
            consensus: gossip::behaviour(Topic::Consensus, names)?,
            transactions: gossip::behaviour(Topic::Transactions, names)?,
            reserved: gossip::behaviour(Topic::Reserved, names)?,
            checkpoints: gossip::behaviour(Topic::Checkpoints, names)?,
            requests,
            direct,
            kad: kad_behaviour(local, names.stream("kad")),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    .with_interval(PING_INTERVAL)
                    .with_timeout(PING_TIMEOUT),
            ),
        })
    }
}

fn kad_behaviour(local: PeerId, protocol: StreamProtocol) -> kad::Behaviour<kad::store::MemoryStore> {
    let mut config = kad::Config::new(protocol);
    config
        // Peers are looked up and nothing is kept for anybody.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_periodic_bootstrap_interval(Some(KAD_BOOTSTRAP_INTERVAL))
        .set_query_timeout(KAD_QUERY_TIMEOUT)
        .set_max_packet_size(KAD_PACKET_BYTES_MAX)
        .set_kbucket_size(KAD_BUCKET);
    let mut kad = kad::Behaviour::with_config(local, kad::store::MemoryStore::new(local), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

/// The host of these options, listening.
///
/// # Errors
/// [`BindError`] if a port cannot be had or a part of libp2p does not start.
pub(crate) fn swarm(
    options: &NetworkOptions,
    trust: Trust,
    names: &ProtocolNames,
) -> Result<Swarm<Behaviour>, BindError> {
    let host = |reason: String| BindError::Host { reason };
    let behaviour = Behaviour::new(options, trust, names).map_err(host)?;
    let mut swarm = SwarmBuilder::with_existing_identity(keypair(&options.identity))
        .with_tokio()
        .with_quic()
        .with_other_transport(tcp_transport)
        .map_err(|error| host(error.to_string()))?
        .with_dns()
        .map_err(|error| host(error.to_string()))?
        .with_behaviour(|_| behaviour)
        .map_err(|error| host(error.to_string()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_CONNECTION))
        .build();
    for address in &options.listen {
        listen(&mut swarm, *address)?;
    }
    for address in &options.external {
        swarm.add_external_address(address.clone());
    }
    Ok(swarm)
}

type TcpError = Box<dyn std::error::Error + Send + Sync>;

/// TCP with noise and yamux.
fn tcp_transport(keypair: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, TcpError> {
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_MAX);
    let transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(|stream, _| mortal(stream))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair)?)
        .multiplex(yamux);
    Ok(transport.boxed())
}

/// The connection, with an end if what was sent does not arrive. QUIC has one of its own, after ten seconds.
fn mortal(stream: tcp::tokio::TcpStream) -> tcp::tokio::TcpStream {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&stream.0).set_tcp_user_timeout(Some(UNACKNOWLEDGED)) {
        debug!(target: "ledger::network", %error, "a dead connection will be found by pings alone");
    }
    stream
}

fn listen(swarm: &mut Swarm<Behaviour>, address: SocketAddr) -> Result<(), BindError> {
    let refused = |reason: String| BindError::Listen { address, reason };
    // libp2p shares a port with any process that shares it too, so two nodes could listen on one and never know.
    TcpListener::bind(address).map_err(|error| refused(error.to_string()))?;
    let ip = match address.ip() {
        IpAddr::V4(ip) => Protocol::Ip4(ip),
        IpAddr::V6(ip) => Protocol::Ip6(ip),
    };
    let base = Multiaddr::empty().with(ip);
    for transport in [
        base.clone().with(Protocol::Tcp(address.port())),
        base.with(Protocol::Udp(address.port())).with(Protocol::QuicV1),
    ] {
        swarm.listen_on(transport).map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}
