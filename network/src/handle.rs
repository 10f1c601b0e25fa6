//! How does the rest of the node use the network? A handle to tell and to ask, and five queues of what comes in.
//!
//! Nothing here waits for the network except [`NetworkHandle::request`], and no call of one part can block another's: the
//! messages of consensus have a queue of their own. What finds a queue full is dropped and counted, since everything that
//! is told is told again or asked for later.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use libp2p::PeerId;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, warn};

use crate::{
    checkpoint::CheckpointSignature,
    fault::{Misbehaviour, RequestError, Verdict},
    frame::DIRECT,
    message::{CONSENSUS_BYTES_MAX, ConsensusMessage, GossipMessage, Topic},
    peers::Peers,
    request::{PeerStatus, Request},
    response::Response,
    telemetry,
};

/// Own consensus messages that wait to be sent. A slot has a handful; catching up with a slow disk has a few dozen.
pub const CONSENSUS_QUEUE: usize = 1_024;
/// Own messages of transactions that wait to be sent.
pub const TRANSACTIONS_QUEUE: usize = 1_024;
/// Own messages of reserved transactions that wait to be sent: a slot's share of them, one by one.
pub const RESERVED_QUEUE: usize = 256;
/// Own signatures under checkpoints that wait to be sent: after a long absence there is one for each checkpoint that waits.
pub const CHECKPOINTS_QUEUE: usize = 256;
/// Own requests that wait to be sent.
pub const REQUESTS_QUEUE: usize = 256;
/// Verdicts and reports that wait to be carried out: one for each message that can be waiting for one.
pub const CONTROL_QUEUE: usize = 4_096;
/// Consensus messages of others that wait to be taken. Together with the longest message this bounds memory; peers' rates
/// bound it far below that.
pub const CONSENSUS_EVENTS_QUEUE: usize = 512;
/// Messages of transactions of others that wait to be taken.
pub const TRANSACTIONS_EVENTS_QUEUE: usize = 1_024;
/// Messages of reserved transactions of others that wait to be taken.
pub const RESERVED_EVENTS_QUEUE: usize = 256;
/// Signatures under checkpoints of others that wait to be taken: those of the largest set, twice over.
pub const CHECKPOINTS_EVENTS_QUEUE: usize = 256;
/// Requests of others that wait to be taken.
pub const REQUESTS_EVENTS_QUEUE: usize = 64;

/// Names a gossip message and the peer that passed it on, for the verdict about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GossipId {
    pub(crate) topic: Topic,
    pub(crate) message: B256,
    pub(crate) from: PeerId,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming<T> {
    /// The peer that sent it or passed it on.
    pub from: PeerId,
    /// Names the message for [`NetworkHandle::judge`]; it is passed on only after [`Verdict::Accept`]. `None` if it was sent
    /// to this node alone.
    pub id: Option<GossipId>,
    /// The message, which nobody has judged yet.
    pub message: T,
}

/// A request of another node. Dropped, it is refused as busy.
#[derive(Debug)]
pub struct IncomingRequest {
    /// Who asks.
    pub from: PeerId,
    /// Is it a registered validator?
    pub is_validator: bool,
    /// What it asks for.
    pub request: Request,
    pub(crate) answer: oneshot::Sender<Response>,
}

impl IncomingRequest {
    /// Answers it.
    pub fn answer(self, response: Response) {
        // An error means that the peer has left or the time is over.
        let _ = self.answer.send(response);
    }
}

/// What comes in. A queue that nobody empties fills, and then loses what comes.
#[derive(Debug)]
pub struct NetworkEvents {
    /// Proposals, votes and certificates.
    pub consensus: mpsc::Receiver<Incoming<ConsensusMessage>>,
    /// Transactions, as EIP-2718 bytes.
    pub transactions: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Transactions that are said to be of the reserved lane, as EIP-2718 bytes.
    pub reserved: mpsc::Receiver<Incoming<Vec<Bytes>>>,
    /// Signatures under checkpoints.
    pub checkpoints: mpsc::Receiver<Incoming<CheckpointSignature>>,
    /// Requests, other than for the status.
    pub requests: mpsc::Receiver<IncomingRequest>,
}

/// What leaves on behalf of the consensus.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Publish(Vec<u8>),
    Send(PeerId, Vec<u8>),
}

/// What the node says about others.
#[derive(Debug)]
pub(crate) enum Control {
    Judge(GossipId, Verdict),
    Report(PeerId, Misbehaviour),
}

/// A request on its way out.
#[derive(Debug)]
pub(crate) struct OutgoingRequest {
    pub to: PeerId,
    pub request: Request,
    pub answer: oneshot::Sender<Result<Response, RequestError>>,
}

/// The network's ends of all queues.
#[derive(Debug)]
pub(crate) struct Ends {
    pub consensus: mpsc::Receiver<Outgoing>,
    pub transactions: mpsc::Receiver<Vec<u8>>,
    pub reserved: mpsc::Receiver<Vec<u8>>,
    pub checkpoints: mpsc::Receiver<Vec<u8>>,
    pub requests: mpsc::Receiver<OutgoingRequest>,
    pub control: mpsc::Receiver<Control>,
    pub validators: watch::Receiver<Arc<Vec<PeerId>>>,
    pub status: watch::Receiver<Option<PeerStatus>>,
    pub peers: watch::Sender<Arc<Peers>>,
    pub consensus_in: mpsc::Sender<Incoming<ConsensusMessage>>,
    pub transactions_in: mpsc::Sender<Incoming<Vec<Bytes>>>,
    pub reserved_in: mpsc::Sender<Incoming<Vec<Bytes>>>,
    pub checkpoints_in: mpsc::Sender<Incoming<CheckpointSignature>>,
    pub requests_in: mpsc::Sender<IncomingRequest>,
}

/// The way to the network for the rest of the node.
#[derive(Clone, Debug)]
pub struct NetworkHandle {
    local: PeerId,
    consensus: mpsc::Sender<Outgoing>,
    transactions: mpsc::Sender<Vec<u8>>,
    reserved: mpsc::Sender<Vec<u8>>,
    checkpoints: mpsc::Sender<Vec<u8>>,
    requests: mpsc::Sender<OutgoingRequest>,
    control: mpsc::Sender<Control>,
    validators: Arc<watch::Sender<Arc<Vec<PeerId>>>>,
    status: Arc<watch::Sender<Option<PeerStatus>>>,
    peers: watch::Receiver<Arc<Peers>>,
}

/// Every queue between the network and the node `local`.
pub(crate) fn channels(local: PeerId) -> (NetworkHandle, NetworkEvents, Ends) {
    let (consensus, consensus_out) = mpsc::channel(CONSENSUS_QUEUE);
    let (transactions, transactions_out) = mpsc::channel(TRANSACTIONS_QUEUE);
    let (reserved, reserved_out) = mpsc::channel(RESERVED_QUEUE);
    let (checkpoints, checkpoints_out) = mpsc::channel(CHECKPOINTS_QUEUE);
    let (requests, requests_out) = mpsc::channel(REQUESTS_QUEUE);
    let (control, control_out) = mpsc::channel(CONTROL_QUEUE);
    let (validators, validators_out) = watch::channel(Arc::default());
    let (status, status_out) = watch::channel(None);
    let (peers_in, peers) = watch::channel(Arc::default());
    let (consensus_in, consensus_events) = mpsc::channel(CONSENSUS_EVENTS_QUEUE);
    let (transactions_in, transactions_events) = mpsc::channel(TRANSACTIONS_EVENTS_QUEUE);
    let (reserved_in, reserved_events) = mpsc::channel(RESERVED_EVENTS_QUEUE);
    let (checkpoints_in, checkpoints_events) = mpsc::channel(CHECKPOINTS_EVENTS_QUEUE);
    let (requests_in, requests_events) = mpsc::channel(REQUESTS_EVENTS_QUEUE);
    let handle = NetworkHandle {
        local,
        consensus,
        transactions,
        reserved,
        checkpoints,
        requests,
        control,
        validators: Arc::new(validators),
        status: Arc::new(status),
        peers,
    };
    let events = NetworkEvents {
        consensus: consensus_events,
        transactions: transactions_events,
        reserved: reserved_events,
        checkpoints: checkpoints_events,
        requests: requests_events,
    };
    let ends = Ends {
        consensus: consensus_out,
        transactions: transactions_out,
        reserved: reserved_out,
        checkpoints: checkpoints_out,
        requests: requests_out,
        control: control_out,
        validators: validators_out,
        status: status_out,
        peers: peers_in,
        consensus_in,
        transactions_in,
        reserved_in,
        checkpoints_in,
        requests_in,
    };
    (handle, events, ends)
}

impl NetworkHandle {
    /// This node's peer id.
    #[must_use]
    pub const fn local_peer(&self) -> PeerId {
        self.local
    }

    /// Tells everybody. Never waits: what finds its queue full, or is longer than its topic takes, is dropped and counted.
    pub fn publish(&self, message: GossipMessage) {
        let topic = message.topic();
        let payload = message.to_payload();
        if payload.len() > topic.bytes_max() {
            return too_long(topic.name(), payload.len());
        }
        let is_queued = match topic {
            Topic::Consensus => self.consensus.try_send(Outgoing::Publish(payload)).is_ok(),
            Topic::Transactions => self.transactions.try_send(payload).is_ok(),
            Topic::Reserved => self.reserved.try_send(payload).is_ok(),
            Topic::Checkpoints => self.checkpoints.try_send(payload).is_ok(),
        };
        if !is_queued {
            telemetry::dropped(topic.name(), "own queue full");
        }
    }

    /// Tells one connected peer. Never waits, as [`NetworkHandle::publish`]; a peer that is not connected is not told.
    pub fn send(&self, to: PeerId, message: ConsensusMessage) {
        let payload = message.to_payload();
        if payload.len() > CONSENSUS_BYTES_MAX {
            return too_long(DIRECT, payload.len());
        }
        if self.consensus.try_send(Outgoing::Send(to, payload)).is_err() {
            telemetry::dropped(DIRECT, "own queue full");
        }
    }

    /// Asks one connected peer.
    ///
    /// # Errors
    /// [`RequestError`] if there is no response, or one of another kind. What the peer did wrong has been held against it.
    pub async fn request(&self, to: PeerId, request: Request) -> Result<Response, RequestError> {
        request.check()?;
        let (answer, answered) = oneshot::channel();
        let outgoing = OutgoingRequest { to, request, answer };
        self.requests.send(outgoing).await.map_err(|_| RequestError::Stopped)?;
        answered.await.unwrap_or(Err(RequestError::Stopped))
    }

    /// Says what a gossip message is worth. One that is not judged in time is not passed on.
    pub fn judge(&self, id: GossipId, verdict: Verdict) {
        self.control(Control::Judge(id, verdict));
    }

    /// Holds something against a peer that was not a gossip message.
    pub fn report(&self, peer: PeerId, fault: Misbehaviour) {
        self.control(Control::Report(peer, fault));
    }

    fn control(&self, control: Control) {
        if let Err(error) = self.control.try_send(control) {
            debug!(target: "ledger::network", %error, "verdict dropped");
            telemetry::dropped("control", "own queue full");
        }
    }

    /// Names the registered validators; more than [`VALIDATORS_MAX`](ledger_chainspec::VALIDATORS_MAX) are cut. No
    /// connection to one of them is ever displaced by anybody else's. A node that is one itself keeps a direct link with
    /// each of the others; any other node only receives them as guests of honour, or all nodes would crowd the validators.
    pub fn set_validators(&self, peers: Vec<PeerId>) {
        self.validators.send_if_modified(|known| {
            let is_new = **known != peers;
            if is_new {
                *known = Arc::new(peers);
            }
            is_new
        });
    }

    /// Says what this node tells of itself. Before the first call it tells nothing.
    pub fn set_status(&self, status: PeerStatus) {
        self.status.send_replace(Some(status));
    }

    /// Follows whom this node is connected to.
    #[must_use]
    pub fn peers(&self) -> watch::Receiver<Arc<Peers>> {
        self.peers.clone()
    }
}

fn too_long(protocol: &'static str, bytes: usize) {
    warn!(target: "ledger::network", protocol, bytes, "own message is too long and was not sent");
    telemetry::dropped(protocol, "too long");
}
