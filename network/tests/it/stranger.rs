//! A peer that does not play by the rules: a bare libp2p host that sends and answers whatever bytes a test wants.

use std::{collections::VecDeque, io};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use ledger_chainspec::GenesisHash;
use ledger_network::{Multiaddr, PeerId};
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder, identify,
    identity::Keypair,
    noise,
    request_response::{self, Event, Message, ProtocolSupport},
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use tokio::sync::mpsc;

/// Longest payload that a stranger reads.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Clone, Copy, Default)]
pub struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(BYTES_MAX).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    requests: request_response::Behaviour<Bytes>,
}

/// What happened to a stranger.
#[derive(Debug, PartialEq, Eq)]
pub enum Happened {
    Connected,
    Closed,
    NoConnection,
    /// The response to what it asked; `None` if there is none.
    Response(Option<Vec<u8>>),
}

pub struct Stranger {
    pub id: PeerId,
    pub happened: mpsc::UnboundedReceiver<Happened>,
    ask: mpsc::UnboundedSender<Vec<u8>>,
}

impl Stranger {
    /// A stranger that dials `to`, asks what it is told to ask, and answers each request with what `answer` makes of its
    /// bytes.
    pub fn dial(
        to: &Multiaddr,
        genesis: GenesisHash,
        mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let chain = format!("/cloud-ledger/{}", alloy_primitives::hex::encode(genesis));
        let mut swarm = host(&chain);
        let id = *swarm.local_peer_id();
        swarm.dial(to.clone()).unwrap();
        let (tell, happened) = mpsc::unbounded_channel();
        let (ask, mut asked) = mpsc::unbounded_channel();
        let node: PeerId = to.to_string().rsplit('/').next().unwrap().parse().unwrap();
        tokio::spawn(async move {
            let mut waiting = VecDeque::<Vec<u8>>::new();
            loop {
                tokio::select! {
                    asked = asked.recv() => match asked {
                        None => break,
                        Some(bytes) => waiting.push_back(bytes),
                    },
                    event = swarm.select_next_some() => {
                        let happened = on_event(&mut swarm, event, &mut answer);
                        if happened.is_some_and(|happened| tell.send(happened).is_err()) {
                            break;
                        }
                    }
                }
                while swarm.is_connected(&node)
                    && let Some(bytes) = waiting.pop_front()
                {
                    swarm.behaviour_mut().requests.send_request(&node, bytes);
                }
            }
        });
        Self { id, happened, ask }
    }

    /// Sends a request of these bytes as soon as it is connected.
    pub fn ask(&self, bytes: Vec<u8>) {
        self.ask.send(bytes).unwrap();
    }

    pub async fn next(&mut self) -> Happened {
        super::house::patiently(self.happened.recv()).await.unwrap()
    }
}

fn host(chain: &str) -> Swarm<Behaviour> {
    let keypair = Keypair::generate_ed25519();
    let identify = identify::Config::new(format!("{chain}/1"), keypair.public());
    let protocol = StreamProtocol::try_from_owned(format!("{chain}/request/1")).unwrap();
    let config = request_response::Config::default().with_request_timeout(super::house::PATIENCE);
    SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| Behaviour {
            identify: identify::Behaviour::new(identify),
            requests: request_response::Behaviour::new([(protocol, ProtocolSupport::Full)], config),
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(super::house::PATIENCE))
        .build()
}

fn on_event(
    swarm: &mut Swarm<Behaviour>,
    event: SwarmEvent<BehaviourEvent>,
    answer: &mut impl FnMut(&[u8]) -> Vec<u8>,
) -> Option<Happened> {
    match event {
        SwarmEvent::ConnectionEstablished { .. } => Some(Happened::Connected),
        SwarmEvent::ConnectionClosed { .. } => Some(Happened::Closed),
        SwarmEvent::OutgoingConnectionError { .. } => Some(Happened::NoConnection),
        SwarmEvent::Behaviour(BehaviourEvent::Requests(Event::Message { message, .. })) => match message {
            Message::Request { request, channel, .. } => {
                let bytes = answer(&request);
                let _ = swarm.behaviour_mut().requests.send_response(channel, bytes);
                None
            }
            Message::Response { response, .. } => Some(Happened::Response(Some(response))),
        },
        SwarmEvent::Behaviour(BehaviourEvent::Requests(Event::OutboundFailure { .. })) => {
            Some(Happened::Response(None))
        }
        _ => None,
    }
}
