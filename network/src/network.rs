//! What does the network do with what happens? One task that owns the host and all that is known of others.
//!
//! Made by the node's assembly with [`Network::bind`] and run as one task. The loop is here; what comes from peers is in
//! `incoming`, what is asked of them in `asking`, who they are in `company`, and how they are found in `discovery`. Never
//! waits for a disk or for the rest of the node.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use libp2p::{
    PeerId, Swarm, gossipsub,
    request_response::{self, OutboundRequestId},
    swarm::SwarmEvent,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    asking::Asked,
    dial::{DialPlan, Rank},
    frame::{DirectFrames, RequestFrames},
    gossip,
    handle::{Control, Ends, NetworkEvents, NetworkHandle, Outgoing, channels},
    host::{Behaviour, BehaviourEvent, swarm},
    incoming::Answering,
    judgements::Judgements,
    limits::NetworkLimits,
    links::Links,
    message::Topic,
    options::{BindError, NAMED_PEERS_MAX, NetworkOptions, peer_id_of, split_peer_address},
    peers::Peers,
    protocol::ProtocolNames,
    request::PeerStatus,
    score::Scores,
    slots::Trust,
    store::{PeerStore, write_file},
    telemetry,
    unsent::Unsent,
};

/// How often what depends on time is looked after. What has to happen at once does not wait for it.
const TICK: Duration = Duration::from_millis(250);

/// A request-response event of requests.
pub(crate) type RequestEvent = request_response::Event<
    <RequestFrames as request_response::Codec>::Request,
    <RequestFrames as request_response::Codec>::Response,
>;
/// A request-response event of direct messages.
pub(crate) type DirectEvent = request_response::Event<<DirectFrames as request_response::Codec>::Request, ()>;

/// The network, listening and about to dial. [`Network::run`] drives it.
pub struct Network {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) ends: Ends,
    pub(crate) limits: Arc<NetworkLimits>,
    pub(crate) names: ProtocolNames,
    pub(crate) links: Links,
    pub(crate) scores: Scores,
    pub(crate) plan: DialPlan,
    pub(crate) store: PeerStore,
    pub(crate) judgements: Judgements,
    pub(crate) asked: HashMap<OutboundRequestId, Asked>,
    pub(crate) answering: Answering,
    pub(crate) unsent: Unsent,
    pub(crate) validators: Arc<Vec<PeerId>>,
    /// When a head last moved, this node's or a peer's.
    pub(crate) moved: Instant,
    pub(crate) own_status: Option<PeerStatus>,
    /// Does the picture of the peers have to be shown anew?
    pub(crate) is_changed: bool,
    pub(crate) next: Times,
    writing: Option<JoinHandle<()>>,
}

/// When what comes next.
#[derive(Debug)]
pub(crate) struct Times {
    pub store: Instant,
    pub lookup: Instant,
    pub tidy: Instant,
    /// Searches so far.
    pub lookups: usize,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("local", self.swarm.local_peer_id())
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Binds the ports and prepares the connections. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] if a port cannot be had or an address is no peer's.
    pub fn bind(options: NetworkOptions) -> Result<(Self, NetworkHandle, NetworkEvents), BindError> {
        let now = Instant::now();
        let local = peer_id_of(&options.identity);
        let limits = Arc::new(options.limits.clone());
        let mut plan = DialPlan::new(local, limits.anonymous_outgoing_wanted);
        let mut trust = Trust {
            reserved_only: options.reserved_only,
            ..Trust::default()
        };
        for (rank, what, addresses) in [
            (Rank::Bootnode, "bootnodes", &options.bootnodes),
            (Rank::Reserved, "reserved peers", &options.reserved),
        ] {
            if addresses.len() > NAMED_PEERS_MAX {
                let got = addresses.len();
                return Err(BindError::TooMany { what, got });
            }
            for address in addresses {
                let (peer, place) = split_peer_address(address)?;
                if rank == Rank::Reserved {
                    trust.reserved.insert(peer);
                }
                // With reserved peers only, a bootnode is nobody to talk to.
                if rank == Rank::Reserved || !options.reserved_only {
                    plan.name(peer, place, rank, now);
                }
            }
        }
        if options.reserved_only && trust.reserved.is_empty() {
            return Err(BindError::NobodyReserved);
        }
        let names = ProtocolNames::new(options.genesis);
        let swarm = swarm(&options, trust, &names)?;
        let (handle, events, ends) = channels(local);
        let next = Times {
            store: now + limits.store_interval,
            lookup: now,
            tidy: now,
            lookups: 0,
        };
        let mut network = Self {
            swarm,
            ends,
            limits,
            names,
            links: Links::new(),
            scores: Scores::default(),
            plan,
            store: PeerStore::default(),
            judgements: Judgements::default(),
            asked: HashMap::new(),
            answering: Answering::new(),
            unsent: Unsent::default(),
            validators: Arc::default(),
            moved: now,
            own_status: None,
            is_changed: false,
            next,
            writing: None,
        };
        network.recall(&options, now);
        Ok((network, handle, events))
    }

    fn recall(&mut self, options: &NetworkOptions, now: Instant) {
        let (store, problem) = PeerStore::open(options.peer_store.clone());
        if let Some(problem) = problem {
            let path = options.peer_store.as_deref().unwrap_or_else(|| "".as_ref());
            warn!(
                target: "ledger::network",
                path = %path.display(), problem, "the file of known peers cannot be used and is started afresh"
            );
        }
        if !options.reserved_only {
            for known in store.peers() {
                self.plan.learn(known.peer, known.addresses.clone(), now);
            }
        }
        self.store = store;
    }

    /// Runs until `shutdown`; connections close when this returns.
    pub async fn run(mut self, shutdown: CancellationToken) {
        info!(target: "ledger::network", peer_id = %self.swarm.local_peer_id(), "network starts");
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Whoever is a validator has to be known before the first of them is met: gossip treats them in another way.
        self.on_validators();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(outgoing) = self.ends.consensus.recv() => self.on_outgoing(outgoing),
                Some(payload) = self.ends.reserved.recv() => self.publish(Topic::Reserved, payload),
                Some(payload) = self.ends.checkpoints.recv() => self.publish(Topic::Checkpoints, payload),
                Some(payload) = self.ends.transactions.recv() => self.publish(Topic::Transactions, payload),
                Some(control) = self.ends.control.recv() => self.on_control(control),
                Some(request) = self.ends.requests.recv() => self.ask(request),
                Some(answer) = self.answering.next(), if !self.answering.is_empty() => self.on_answer(answer),
                Ok(()) = self.ends.validators.changed() => self.on_validators(),
                _ = tick.tick() => self.on_tick(Instant::now()),
            }
        }
        self.stop().await;
    }

    async fn stop(mut self) {
        self.ends.peers.send_replace(Arc::new(Peers::default()));
        telemetry::peers(0, 0);
        if let Some(writing) = self.writing.take() {
            // A panic in it has been printed, and the file beside the old one does no harm.
            let _ = writing.await;
        }
        if let Some(writing) = self.write_store() {
            let _ = writing.await;
        }
    }

    fn on_tick(&mut self, now: Instant) {
        self.ask_statuses(now);
        while let Some(id) = self.judgements.expired(now) {
            self.carry_out(id, crate::Verdict::Ignore, "not judged");
        }
        self.look_after_company(now);
        self.dial(now);
        self.look_up(now);
        if self.next.store <= now && self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.next.store = now + self.limits.store_interval;
            self.writing = self.write_store();
        }
        if std::mem::take(&mut self.is_changed) {
            self.show();
        }
    }

    /// Writes the file of known peers beside the loop, since a disk may be slow.
    fn write_store(&mut self) -> Option<JoinHandle<()>> {
        let (path, bytes) = self.store.take_changes()?;
        Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = write_file(&path, &bytes) {
                warn!(
                    target: "ledger::network",
                    path = %path.display(), %error, "cannot write the file of known peers"
                );
            }
        }))
    }

    fn on_control(&mut self, control: Control) {
        match control {
            Control::Judge(id, verdict) => {
                if self.judgements.judged(&id) {
                    self.carry_out(id, verdict, verdict.name());
                }
            }
            Control::Report(peer, fault) => self.hold_against(peer, fault),
        }
    }

    fn on_outgoing(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Publish(payload) => self.publish(Topic::Consensus, payload),
            Outgoing::Send(to, payload) => self.send(to, payload),
        }
    }

    fn publish(&mut self, topic: Topic, payload: Vec<u8>) {
        let bytes = payload.len();
        match self
            .swarm
            .behaviour_mut()
            .gossip(topic)
            .publish(gossip::hash(topic), payload)
        {
            Ok(_) => telemetry::sent(topic.name(), bytes),
            // Said already, by this node or another one.
            Err(gossipsub::PublishError::Duplicate) => telemetry::dropped(topic.name(), "known"),
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => telemetry::dropped(topic.name(), "no peers"),
            Err(error) => {
                warn!(target: "ledger::network", topic = topic.name(), bytes, %error, "cannot publish a message");
                telemetry::dropped(topic.name(), "not published");
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                info!(target: "ledger::network", %address, "listening for peers");
                self.is_changed = true;
            }
            SwarmEvent::ExpiredListenAddr { .. } | SwarmEvent::ListenerClosed { .. } => self.is_changed = true,
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_connected(peer_id, connection_id, &endpoint),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => self.on_disconnected(peer_id, connection_id, cause.map(|cause| cause.to_string())),
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => self.on_dial_failed(peer_id, &error),
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Consensus(event) => self.on_gossip(Topic::Consensus, event),
            BehaviourEvent::Transactions(event) => self.on_gossip(Topic::Transactions, event),
            BehaviourEvent::Reserved(event) => self.on_gossip(Topic::Reserved, event),
            BehaviourEvent::Checkpoints(event) => self.on_gossip(Topic::Checkpoints, event),
            BehaviourEvent::Requests(event) => self.on_request_event(event),
            BehaviourEvent::Direct(event) => self.on_direct_event(event),
            BehaviourEvent::Kad(event) => self.on_kad(event),
            BehaviourEvent::Identify(event) => self.on_identify(event),
            BehaviourEvent::Ping(event) => self.on_ping(&event),
            BehaviourEvent::Gate(never) => match never {},
        }
    }
}
