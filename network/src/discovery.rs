//! How are peers found? By the plan of dials, and by searches for validators of whom no address is known.

use std::time::Duration;

use libp2p::{
    PeerId, kad,
    swarm::{DialError, dial_opts::DialOpts},
};
use tokio::time::Instant;
use tracing::debug;

use crate::{address::plausible, dial::ADDRESSES_MAX, network::Network, slots::Direction};

/// How often lost validators are searched for. A search costs a few small packets, a lost validator perhaps the quorum.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(5);
/// Validators that are searched for at a time.
const LOOKUPS_MAX: usize = 4;

impl Network {
    /// Dials whoever is due.
    pub(crate) fn dial(&mut self, now: Instant) {
        let outgoing = self.swarm.behaviour().gate.slots.anonymous(Direction::Outgoing);
        let others = outgoing + self.plan.others_dialling();
        for dial in self.plan.due(others, now) {
            let options = DialOpts::peer_id(dial.peer).addresses(dial.addresses).build();
            if let Err(error) = self.swarm.dial(options) {
                debug!(target: "ledger::network", peer = %dial.peer, %error, "cannot dial");
                self.plan.failed(dial.peer, now);
            }
        }
    }

    pub(crate) fn on_dial_failed(&mut self, peer: Option<PeerId>, error: &DialError) {
        debug!(target: "ledger::network", ?peer, %error, "cannot connect");
        let Some(peer) = peer else { return };
        if let DialError::WrongPeerId { address, .. } = error {
            self.plan.forget_address(peer, &without_peer(address));
        }
        self.plan.failed(peer, Instant::now());
    }

    /// Searches for validators that cannot be reached.
    pub(crate) fn look_up(&mut self, now: Instant) {
        if self.next.lookup > now {
            return;
        }
        let lost = self.plan.lost_validators();
        // With nobody to ask, the search would end before it begins.
        if lost.is_empty() || self.links.values().all(|link| link.agent.is_none()) {
            return;
        }
        self.next.lookup = now + LOOKUP_INTERVAL;
        // Others each time.
        let turn = self.next.lookups % lost.len();
        let some = LOOKUPS_MAX.min(lost.len());
        self.next.lookups = self.next.lookups.wrapping_add(some);
        for peer in lost.iter().cycle().skip(turn).take(some) {
            self.swarm.behaviour_mut().kad.get_closest_peers(*peer);
        }
    }

    pub(crate) fn on_kad(&mut self, event: kad::Event) {
        let now = Instant::now();
        if let kad::Event::OutboundQueryProgressed {
            result: kad::QueryResult::GetClosestPeers(Ok(found)),
            ..
        } = event
        {
            for info in found.peers {
                let Some(witness) = info.addrs.first() else { continue };
                // Nobody has seen it yet: what it says of itself is all there is.
                let addresses = plausible(&info.addrs, witness, ADDRESSES_MAX);
                self.plan.hear(info.peer_id, addresses, now);
            }
            self.dial(now);
        }
    }
}

fn without_peer(address: &libp2p::Multiaddr) -> libp2p::Multiaddr {
    let mut place = address.clone();
    if matches!(place.iter().last(), Some(libp2p::multiaddr::Protocol::P2p(_))) {
        place.pop();
    }
    place
}
