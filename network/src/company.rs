//! Who is connected, are they who they should be, and do they behave?

use std::{collections::HashSet, sync::Arc, time::Duration};

use ledger_chainspec::VALIDATORS_MAX;
use libp2p::{Multiaddr, PeerId, core::ConnectedPoint, identify, ping, swarm::ConnectionId};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    address::plausible,
    asking::unix_ms,
    dial::ADDRESSES_MAX,
    fault::Misbehaviour,
    gossip::EXPLICIT_VALIDATORS_MAX,
    links::{Line, Link},
    network::Network,
    peers::{Peer, Peers},
    score::BAN_POINTS,
    store::KnownPeer,
    telemetry,
};

/// Two peers that dial each other at once have two connections within this time. A further one later says that the peer was started again.
const CROSSING: Duration = Duration::from_secs(3);
/// A peer that has not said who it is after this time is let go: handshakes take a second, on a bad line five.
const INTRODUCTION_TIMEOUT: Duration = Duration::from_secs(20);
/// Pings missed in a row after which a connection is dead.
const MISSED_PINGS_MAX: u32 = 2;
/// How long a connection that a search made is kept beyond those that are wanted.
const SEARCH_CONNECTION: Duration = Duration::from_secs(60);
/// How often what time heals is looked at.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

impl Network {
    pub(crate) fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let now = Instant::now();
        let link = self.links.entry(peer).or_insert_with(|| Link::new(now));
        if now.duration_since(link.since) > CROSSING {
            // It was killed and is back, before the connections of before are known to be dead. What this node listens to is told over a
            // peer's first connection alone, so that it would not be sent any gossip: all end, and the next one is the first.
            debug!(target: "ledger::network", %peer, "connected anew");
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        link.lines.push(Line {
            id,
            address: endpoint.get_remote_address().clone(),
            is_incoming: endpoint.is_listener(),
        });
        self.plan.connected(peer, now);
        self.tell_gossip_score(peer, now);
        self.is_changed = true;
    }

    pub(crate) fn on_disconnected(&mut self, peer: PeerId, id: ConnectionId, cause: Option<String>) {
        let now = Instant::now();
        let Some(link) = self.links.get_mut(&peer) else { return };
        link.lines.retain(|line| line.id != id);
        debug!(target: "ledger::network", %peer, cause, "connection closed");
        if link.lines.is_empty() {
            self.links.remove(&peer);
            self.plan.disconnected(peer, now);
            if self.swarm.behaviour().gate.slots.is_banned(&peer, now) {
                self.plan.refuse(peer, now + self.limits.ban);
            }
        }
        self.is_changed = true;
    }

    pub(crate) fn on_identify(&mut self, event: identify::Event) {
        match event {
            identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }
            | identify::Event::Pushed {
                connection_id,
                peer_id,
                info,
            } => self.on_introduced(peer_id, connection_id, &info),
            identify::Event::Sent { .. } | identify::Event::Error { .. } => {}
        }
    }

    fn on_introduced(&mut self, peer: PeerId, id: ConnectionId, info: &identify::Info) {
        let now = Instant::now();
        let Some(link) = self.links.get_mut(&peer) else { return };
        let Some(line) = link.lines.iter().find(|line| line.id == id).cloned() else {
            return;
        };
        if info.protocol_version != self.names.chain() {
            if !line.is_incoming {
                info!(
                    target: "ledger::network",
                    %peer, address = %line.address, theirs = info.protocol_version, ours = self.names.chain(),
                    "a peer of another chain is let go"
                );
            }
            return self.hold_against(peer, Misbehaviour::OtherChain);
        }
        if link.agent.is_none() {
            link.next_status = now;
        }
        link.introduce(&info.agent_version);
        let mut addresses = plausible(&info.listen_addrs, &line.address, ADDRESSES_MAX);
        // Where it was found is surer than where it says it is.
        let found = (!line.is_incoming).then(|| plausible(std::slice::from_ref(&line.address), &line.address, 1));
        addresses.retain(|address| found.iter().flatten().all(|found| found != address));
        addresses.splice(0..0, found.into_iter().flatten());
        if info.protocols.contains(&self.names.stream("kad")) {
            self.put_on_the_map(peer, &addresses);
        }
        self.plan.learn(peer, addresses.clone(), now);
        let seen = unix_ms() / 1_000;
        let trust = self.swarm.behaviour().gate.slots.trust();
        self.store
            .remember(KnownPeer { peer, addresses, seen }, |peer| trust.is_trusted(peer));
        self.is_changed = true;
    }

    /// Others that ask where the peer is are told these addresses, and no older ones: a peer can name new ones without end, and
    /// kad would keep them all.
    fn put_on_the_map(&mut self, peer: PeerId, addresses: &[Multiaddr]) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        kad.remove_peer(&peer);
        for address in addresses {
            kad.add_address(&peer, address.clone());
        }
    }

    pub(crate) fn on_ping(&mut self, event: &ping::Event) {
        let Some(link) = self.links.get_mut(&event.peer) else {
            return;
        };
        match &event.result {
            Ok(rtt) => {
                link.missed_pings = 0;
                link.rtt = Some(*rtt);
                self.is_changed = true;
            }
            Err(ping::Failure::Unsupported) => {}
            Err(error) => {
                link.missed_pings += 1;
                if link.missed_pings >= MISSED_PINGS_MAX {
                    debug!(target: "ledger::network", peer = %event.peer, %error, "a peer does not answer and is let go");
                    link.missed_pings = 0;
                    self.swarm.close_connection(event.connection);
                }
            }
        }
    }

    /// The registered validators are others.
    pub(crate) fn on_validators(&mut self) {
        let now = Instant::now();
        let mut validators = (*self.ends.validators.borrow_and_update()).as_ref().clone();
        validators.truncate(VALIDATORS_MAX);
        let (old, new): (HashSet<_>, HashSet<_>) = (self.links_wanted(), validators.iter().copied().collect());
        self.validators = Arc::new(validators);
        self.swarm.behaviour_mut().gate.slots.set_validators(new);
        let wanted = self.links_wanted();
        self.plan.set_validators(&wanted, now);
        let explicit = |wanted: HashSet<PeerId>| {
            if wanted.len() < EXPLICIT_VALIDATORS_MAX {
                wanted
            } else {
                HashSet::new()
            }
        };
        let (old, new) = (explicit(old), explicit(wanted));
        let gossip = &mut self.swarm.behaviour_mut().consensus;
        for peer in old.difference(&new) {
            gossip.remove_explicit_peer(peer);
        }
        for peer in new.difference(&old) {
            gossip.add_explicit_peer(peer);
        }
        self.is_changed = true;
        self.dial(now);
    }

    /// The validators that this node keeps a link with: all others that it lets in, if it is one itself.
    fn links_wanted(&self) -> HashSet<PeerId> {
        let local = self.swarm.local_peer_id();
        let trust = self.swarm.behaviour().gate.slots.trust();
        if !self.validators.contains(local) {
            return HashSet::new();
        }
        let others = self.validators.iter().filter(|peer| *peer != local);
        others.filter(|peer| trust.is_trusted(peer)).copied().collect()
    }

    /// Takes points from a peer, and lets it go if none are left. A trusted peer stays, whatever it does: its links are what
    /// the chain lives on, and the operators know whom to talk to.
    pub(crate) fn hold_against(&mut self, peer: PeerId, fault: Misbehaviour) {
        let now = Instant::now();
        telemetry::fault(fault.name());
        debug!(target: "ledger::network", %peer, fault = fault.name(), points = fault.points(), "a peer did wrong");
        let had_points = self.scores.left(peer, now) > 0;
        let is_out = self.scores.lose(peer, fault.points(), now);
        self.is_changed = true;
        self.tell_gossip_score(peer, now);
        if !is_out {
            return;
        }
        let is_trusted = self.swarm.behaviour().gate.slots.trust().is_trusted(&peer);
        if is_trusted && fault != Misbehaviour::OtherChain {
            if had_points {
                warn!(
                    target: "ledger::network",
                    %peer, fault = fault.name(), "a validator or reserved peer keeps doing wrong; tell its operator"
                );
            }
            return;
        }
        self.let_go(peer, fault, now);
    }

    fn let_go(&mut self, peer: PeerId, fault: Misbehaviour, now: Instant) {
        let until = now + self.limits.ban;
        debug!(target: "ledger::network", %peer, fault = fault.name(), "a peer is let go and refused for a while");
        telemetry::banned();
        self.swarm.behaviour_mut().gate.slots.ban(peer, until, now);
        self.swarm.behaviour_mut().kad.remove_peer(&peer);
        self.store.forget(&peer);
        self.plan.refuse(peer, until);
        // An error means that it has left already.
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn tell_gossip_score(&mut self, peer: PeerId, now: Instant) {
        let allowed = i32::try_from(BAN_POINTS).unwrap_or(i32::MAX);
        let score = f64::from((self.scores.left(peer, now) - allowed).min(0));
        for topic in crate::Topic::ALL {
            self.swarm
                .behaviour_mut()
                .gossip(topic)
                .set_application_score(&peer, score);
        }
    }

    /// Looks after what takes its time.
    pub(crate) fn look_after_company(&mut self, now: Instant) {
        let silent: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.agent.is_none())
            .filter(|(_, link)| now.saturating_duration_since(link.since) >= INTRODUCTION_TIMEOUT)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in silent {
            self.hold_against(peer, Misbehaviour::NoIntroduction);
            // A trusted one keeps its points' worth of patience, but not a connection that says nothing.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        if self.next.tidy > now {
            return;
        }
        self.next.tidy = now + TIDY_INTERVAL;
        self.scores.tidy(now);
        for peer in self.links.keys().copied().collect::<Vec<_>>() {
            self.tell_gossip_score(peer, now);
        }
        for peer in self.swarm.behaviour().gate.slots.surplus() {
            let is_old = self
                .links
                .get(&peer)
                .is_some_and(|link| now.saturating_duration_since(link.since) >= SEARCH_CONNECTION);
            if is_old && !self.plan.is_named(&peer) {
                let _ = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    /// Shows whom this node is connected to.
    pub(crate) fn show(&mut self) {
        let now = Instant::now();
        let trust = self.swarm.behaviour().gate.slots.trust();
        let mut connected: Vec<_> = self
            .links
            .iter()
            .filter_map(|(peer, link)| {
                let line = link.lines.first()?;
                Some(Peer {
                    id: *peer,
                    address: line.address.clone(),
                    is_validator: trust.validators.contains(peer),
                    is_reserved: trust.reserved.contains(peer),
                    is_incoming: line.is_incoming,
                    agent: link.agent.clone()?,
                    status: link.status,
                    clock_offset_ms: link.clock_offset_ms(),
                    rtt: link.rtt,
                    score: self.scores.left(*peer, now),
                    connected_since: link.since,
                })
            })
            .collect();
        connected.sort_unstable_by_key(|peer| peer.id);
        let validators = connected.iter().filter(|peer| peer.is_validator).count();
        telemetry::peers(connected.len(), validators);
        let listening = self.swarm.listeners().cloned().collect();
        self.ends.peers.send_replace(Arc::new(Peers { listening, connected }));
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use ledger_chainspec::GenesisHash;
    use libp2p::core::{Endpoint, transport::PortUse};

    use super::*;
    use crate::{limits::NetworkLimits, options::NetworkOptions};

    fn network() -> Network {
        let options = NetworkOptions {
            identity: SigningKey::from_bytes(&[1; 32]),
            genesis: GenesisHash::new([2; 32].into()),
            listen: Vec::new(),
            external: Vec::new(),
            bootnodes: Vec::new(),
            reserved: Vec::new(),
            reserved_only: false,
            peer_store: None,
            agent: "test/1".to_owned(),
            limits: NetworkLimits::default(),
        };
        Network::bind(options).unwrap().0
    }

    #[tokio::test]
    async fn a_peer_that_moves_again_and_again_is_told_of_at_its_newest_addresses_alone() {
        let mut network = network();
        let key = libp2p::identity::Keypair::ed25519_from_bytes([3; 32]).unwrap();
        let (peer, id) = (key.public().to_peer_id(), ConnectionId::new_unchecked(1));
        let endpoint = ConnectedPoint::Dialer {
            address: "/ip4/198.51.100.1/tcp/1".parse().unwrap(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        network.on_connected(peer, id, &endpoint);
        for port in 1..=100 {
            let info = identify::Info {
                public_key: key.public(),
                protocol_version: network.names.chain(),
                agent_version: "test/2".to_owned(),
                listen_addrs: vec![format!("/ip4/198.51.100.7/tcp/{port}").parse().unwrap()],
                protocols: vec![network.names.stream("kad")],
                observed_addr: "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
                signed_peer_record: None,
            };
            network.on_introduced(peer, id, &info);
        }
        let kad = &mut network.swarm.behaviour_mut().kad;
        let buckets = kad.kbuckets().flat_map(|bucket| {
            let entries = bucket.iter().map(|entry| entry.node.value.len());
            entries.collect::<Vec<_>>()
        });
        assert_eq!(buckets.collect::<Vec<_>>(), [2]);
    }
}
