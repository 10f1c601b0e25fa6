//! Is there a place for one more connection? Quotas, bans, and the places that strangers can never take.
//!
//! Pure: time comes in. *Trusted* peers are registered validators and the operator's reserved peers; all others are
//! *anonymous*, and only they are subject to quotas. Asked by the [gate](crate::gate), which does what is decided here.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use libp2p::{PeerId, swarm::ConnectionId};
use thiserror::Error;
use tokio::time::Instant;

use crate::limits::NetworkLimits;

/// Most peers that are refused at the same time; beyond that, those whose time is over first are forgotten.
const BANS_MAX: usize = 4_096;

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("the peer did wrong and is refused for a while")]
    Banned,
    #[error("only reserved peers are wanted")]
    NotReserved,
    #[error("this is the node itself")]
    Myself,
    #[error("the peer has {0} connections already")]
    PerPeer(usize),
    #[error("all {0} places for anonymous incoming connections are taken")]
    AnonymousIncoming(usize),
    #[error("all {0} places for anonymous outgoing connections are taken")]
    AnonymousOutgoing(usize),
    #[error("{0} anonymous peers are on that address already")]
    PerIp(usize),
    #[error("{0} anonymous peers are in that subnet already")]
    PerSubnet(usize),
    #[error("{0} incoming connections are being set up already")]
    PendingIncoming(usize),
    #[error("{0} incoming connections from that address are being set up already")]
    PendingPerIp(usize),
    #[error("{0} outgoing connections are being set up already")]
    PendingOutgoing(usize),
    #[error("all {0} connections are taken, and nobody can give way")]
    All(usize),
}

impl Refusal {
    /// Its name, for metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::NotReserved => "not reserved",
            Self::Myself => "myself",
            Self::PerPeer(_) => "per peer",
            Self::AnonymousIncoming(_) => "anonymous incoming",
            Self::AnonymousOutgoing(_) => "anonymous outgoing",
            Self::PerIp(_) => "per address",
            Self::PerSubnet(_) => "per subnet",
            Self::PendingIncoming(_) => "pending incoming",
            Self::PendingPerIp(_) => "pending per address",
            Self::PendingOutgoing(_) => "pending outgoing",
            Self::All(_) => "all",
        }
    }
}

/// Who opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Incoming,
    Outgoing,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    peer: PeerId,
    ip: Option<IpAddr>,
    direction: Direction,
    /// Counts up with every connection.
    age: u64,
}

/// Who is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    pub validators: HashSet<PeerId>,
    pub reserved: HashSet<PeerId>,
    /// Nobody but `reserved` is wanted, not even validators.
    pub reserved_only: bool,
}

impl Trust {
    pub(crate) fn is_trusted(&self, peer: &PeerId) -> bool {
        self.reserved.contains(peer) || (!self.reserved_only && self.validators.contains(peer))
    }
}

/// Every connection and who may have one.
#[derive(Debug)]
pub(crate) struct Slots {
    local: PeerId,
    limits: NetworkLimits,
    trust: Trust,
    established: HashMap<ConnectionId, Connection>,
    pending_incoming: HashMap<ConnectionId, Option<IpAddr>>,
    pending_outgoing: HashMap<ConnectionId, Option<PeerId>>,
    bans: HashMap<PeerId, Instant>,
    /// Where trusted peers were last connected from or to.
    trusted_ips: HashMap<PeerId, IpAddr>,
    ages: u64,
}

impl Slots {
    pub(crate) fn new(local: PeerId, limits: NetworkLimits, trust: Trust) -> Self {
        Self {
            local,
            limits,
            trust,
            established: HashMap::new(),
            pending_incoming: HashMap::new(),
            pending_outgoing: HashMap::new(),
            bans: HashMap::new(),
            trusted_ips: HashMap::new(),
            ages: 0,
        }
    }

    pub(crate) const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Names the validators. Whoever is none any more stays, as one anonymous peer among others; whoever is one from now on is
    /// refused for nothing that was held against a stranger.
    pub(crate) fn set_validators(&mut self, validators: HashSet<PeerId>) {
        let before = std::mem::replace(&mut self.trust.validators, validators);
        let trust = &self.trust;
        self.bans
            .retain(|peer, _| before.contains(peer) || !trust.validators.contains(peer));
        self.trusted_ips.retain(|peer, _| trust.is_trusted(peer));
        for Connection { peer, ip, .. } in self.established.values() {
            if let Some(ip) = ip.filter(|_| trust.is_trusted(peer)) {
                self.trusted_ips.insert(*peer, ip);
            }
        }
    }

    /// Refuses `peer` until then.
    pub(crate) fn ban(&mut self, peer: PeerId, until: Instant, now: Instant) {
        self.bans.retain(|_, until| *until > now);
        if self.bans.len() >= BANS_MAX {
            let first = self.bans.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
            first.and_then(|first| self.bans.remove(&first));
        }
        self.bans.insert(peer, until);
    }

    /// Whether `peer` is refused now.
    pub(crate) fn is_banned(&self, peer: &PeerId, now: Instant) -> bool {
        self.bans.get(peer).is_some_and(|until| *until > now)
    }

    /// Somebody knocks; who it is will be known later. From where a trusted peer was last, it may be that one, which no crowd
    /// at the door keeps out.
    pub(crate) fn knock(&mut self, id: ConnectionId, ip: Option<IpAddr>) -> Result<(), Refusal> {
        let max = self.limits.pending_incoming_max;
        let may_be_trusted = ip.is_some_and(|ip| self.trusted_ips.values().any(|known| *known == ip));
        if self.pending_incoming.len() >= max && !may_be_trusted {
            return Err(Refusal::PendingIncoming(max));
        }
        let max = self.limits.pending_per_ip_max;
        if let Some(ip) = ip.filter(|ip| !ip.is_loopback()) {
            let same = self.pending_incoming.values().filter(|other| **other == Some(ip));
            if same.count() >= max {
                return Err(Refusal::PendingPerIp(max));
            }
        }
        self.pending_incoming.insert(id, ip);
        Ok(())
    }

    /// This node wants to dial `peer`.
    pub(crate) fn dial(&mut self, id: ConnectionId, peer: Option<PeerId>, now: Instant) -> Result<(), Refusal> {
        let max = self.limits.pending_outgoing_max;
        if self.pending_outgoing.len() >= max {
            return Err(Refusal::PendingOutgoing(max));
        }
        if let Some(peer) = peer {
            self.check_person(&peer, now)?;
            if !self.trust.is_trusted(&peer) {
                let pending = self
                    .pending_outgoing
                    .values()
                    .filter(|other| other.is_none_or(|other| !self.trust.is_trusted(&other)));
                let max = self.limits.anonymous_outgoing_max;
                if self.anonymous(Direction::Outgoing) + pending.count() >= max {
                    return Err(Refusal::AnonymousOutgoing(max));
                }
            }
        }
        self.pending_outgoing.insert(id, peer);
        Ok(())
    }

    /// A connection that was being set up is no more, for better or worse.
    pub(crate) fn no_longer_pending(&mut self, id: ConnectionId) {
        self.pending_incoming.remove(&id);
        self.pending_outgoing.remove(&id);
    }

    /// Whether the peer, who is known now, gets a place; and who has to give way for it.
    pub(crate) fn admit(
        &self,
        peer: PeerId,
        ip: Option<IpAddr>,
        direction: Direction,
        now: Instant,
    ) -> Result<Option<PeerId>, Refusal> {
        self.check_person(&peer, now)?;
        let max = self.limits.connections_per_peer_max;
        if self.of(&peer) >= max {
            return Err(Refusal::PerPeer(max));
        }
        let max = self.limits.connections_max;
        let is_full = self.established.len() >= max;
        if self.trust.is_trusted(&peer) {
            return if is_full {
                self.newest_anonymous().map(Some).ok_or(Refusal::All(max))
            } else {
                Ok(None)
            };
        }
        if is_full {
            return Err(Refusal::All(max));
        }
        let (max, refusal): (_, fn(usize) -> Refusal) = match direction {
            Direction::Incoming => (self.limits.anonymous_incoming_max, Refusal::AnonymousIncoming),
            Direction::Outgoing => (self.limits.anonymous_outgoing_max, Refusal::AnonymousOutgoing),
        };
        if self.anonymous(direction) >= max {
            return Err(refusal(max));
        }
        // Peers on this machine are the operator's own, or a tunnel's that hides where they are.
        ip.filter(|ip| !ip.is_loopback())
            .map_or(Ok(None), |ip| self.check_neighbours(peer, ip).map(|()| None))
    }

    /// It has its place.
    pub(crate) fn established(&mut self, id: ConnectionId, peer: PeerId, ip: Option<IpAddr>, direction: Direction) {
        self.no_longer_pending(id);
        self.ages += 1;
        let age = self.ages;
        if let Some(ip) = ip.filter(|_| self.trust.is_trusted(&peer)) {
            self.trusted_ips.insert(peer, ip);
        }
        self.established.insert(
            id,
            Connection {
                peer,
                ip,
                direction,
                age,
            },
        );
    }

    /// It is gone.
    pub(crate) fn closed(&mut self, id: ConnectionId) {
        self.established.remove(&id);
    }

    /// Anonymous peers that this node dialled beyond those it wants to keep, the newest first.
    pub(crate) fn surplus(&self) -> Vec<PeerId> {
        let mut outgoing: Vec<_> = self
            .anonymous_connections()
            .filter(|connection| connection.direction == Direction::Outgoing)
            .collect();
        outgoing.sort_unstable_by_key(|connection| std::cmp::Reverse(connection.age));
        let surplus = outgoing.len().saturating_sub(self.limits.anonymous_outgoing_wanted);
        outgoing
            .iter()
            .take(surplus)
            .map(|connection| connection.peer)
            .collect()
    }

    /// Anonymous connections in one direction.
    pub(crate) fn anonymous(&self, direction: Direction) -> usize {
        self.anonymous_connections()
            .filter(|connection| connection.direction == direction)
            .count()
    }

    fn anonymous_connections(&self) -> impl Iterator<Item = &Connection> {
        self.established
            .values()
            .filter(|connection| !self.trust.is_trusted(&connection.peer))
    }

    fn check_person(&self, peer: &PeerId, now: Instant) -> Result<(), Refusal> {
        if *peer == self.local {
            Err(Refusal::Myself)
        } else if self.is_banned(peer, now) {
            Err(Refusal::Banned)
        } else if self.trust.reserved_only && !self.trust.reserved.contains(peer) {
            Err(Refusal::NotReserved)
        } else {
            Ok(())
        }
    }

    fn check_neighbours(&self, peer: PeerId, ip: IpAddr) -> Result<(), Refusal> {
        let neighbours: HashSet<_> = self
            .anonymous_connections()
            .filter(|connection| connection.peer != peer)
            .filter_map(|connection| Some((connection.peer, connection.ip?)))
            .collect();
        let max = self.limits.per_ip_max;
        if neighbours.iter().filter(|(_, other)| *other == ip).count() >= max {
            return Err(Refusal::PerIp(max));
        }
        let max = self.limits.per_subnet_max;
        if neighbours
            .iter()
            .filter(|(_, other)| subnet(*other) == subnet(ip))
            .count()
            >= max
        {
            return Err(Refusal::PerSubnet(max));
        }
        Ok(())
    }

    fn of(&self, peer: &PeerId) -> usize {
        self.established
            .values()
            .filter(|connection| connection.peer == *peer)
            .count()
    }

    /// Who gives way: whoever came last, since a flood comes after those who were there in peace; guests before hosts.
    fn newest_anonymous(&self) -> Option<PeerId> {
        self.anonymous_connections()
            .max_by_key(|connection| (connection.direction == Direction::Incoming, connection.age))
            .map(|connection| connection.peer)
    }
}

/// The network that one customer of one provider has: /24, or /48.
fn subnet(ip: IpAddr) -> [u8; 7] {
    let mut subnet = [0; 7];
    match ip {
        IpAddr::V4(ip) => subnet[..3].copy_from_slice(&ip.octets()[..3]),
        IpAddr::V6(ip) => {
            subnet[..6].copy_from_slice(&ip.octets()[..6]);
            // Apart from every IPv4 network.
            subnet[6] = 1;
        }
    }
    subnet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> NetworkLimits {
        NetworkLimits {
            anonymous_incoming_max: 4,
            anonymous_outgoing_max: 3,
            anonymous_outgoing_wanted: 1,
            connections_max: 6,
            per_ip_max: 2,
            per_subnet_max: 3,
            pending_incoming_max: 3,
            pending_per_ip_max: 2,
            pending_outgoing_max: 2,
            ..NetworkLimits::default()
        }
    }

    struct House {
        slots: Slots,
        ids: usize,
    }

    impl House {
        fn new(trust: Trust) -> Self {
            let slots = Slots::new(PeerId::random(), limits(), trust);
            Self { slots, ids: 0 }
        }

        fn comes(&mut self, peer: PeerId, ip: &str) -> Result<Option<PeerId>, Refusal> {
            let ip = Some(ip.parse().unwrap());
            let evicted = self.slots.admit(peer, ip, Direction::Incoming, Instant::now())?;
            self.ids += 1;
            let id = ConnectionId::new_unchecked(self.ids);
            self.slots.established(id, peer, ip, Direction::Incoming);
            Ok(evicted)
        }
    }

    #[test]
    fn one_address_and_one_subnet_have_their_share_only() {
        let mut house = House::new(Trust::default());
        for _ in 0..2 {
            house.comes(PeerId::random(), "192.0.2.1").unwrap();
        }
        assert_eq!(house.comes(PeerId::random(), "192.0.2.1"), Err(Refusal::PerIp(2)));
        house.comes(PeerId::random(), "192.0.2.2").unwrap();
        assert_eq!(house.comes(PeerId::random(), "192.0.2.3"), Err(Refusal::PerSubnet(3)));
        house.comes(PeerId::random(), "198.51.100.1").unwrap();
        assert_eq!(
            house.comes(PeerId::random(), "203.0.113.1"),
            Err(Refusal::AnonymousIncoming(4))
        );
    }

    #[test]
    fn ipv6_neighbours_share_a_48() {
        assert_eq!(
            subnet("2001:db8:1:2::3".parse().unwrap()),
            subnet("2001:db8:1:ffff::1".parse().unwrap())
        );
        assert_ne!(
            subnet("2001:db8:1::1".parse().unwrap()),
            subnet("2001:db8:2::1".parse().unwrap())
        );
        assert_ne!(subnet("0.0.0.0".parse().unwrap()), subnet("::".parse().unwrap()));
    }

    #[test]
    fn a_validator_finds_a_place_in_a_full_house_and_a_stranger_gives_way() {
        let validators: Vec<_> = std::iter::repeat_with(PeerId::random).take(7).collect();
        let mut house = House::new(Trust {
            validators: validators.iter().copied().collect(),
            ..Trust::default()
        });
        let strangers: Vec<_> = std::iter::repeat_with(PeerId::random).take(4).collect();
        for stranger in &strangers {
            house.comes(*stranger, "127.0.0.1").unwrap();
        }
        assert_eq!(
            house.comes(PeerId::random(), "127.0.0.1"),
            Err(Refusal::AnonymousIncoming(4))
        );
        for validator in &validators[..2] {
            assert_eq!(house.comes(*validator, "192.0.2.1"), Ok(None));
        }
        assert_eq!(house.comes(validators[2], "192.0.2.1"), Ok(Some(strangers[3])));
        assert_eq!(house.comes(PeerId::random(), "127.0.0.1"), Err(Refusal::All(6)));
    }

    #[test]
    fn a_banned_peer_is_refused_until_its_time_is_over() {
        let (peer, now) = (PeerId::random(), Instant::now());
        let mut house = House::new(Trust::default());
        let until = now + std::time::Duration::from_secs(10);
        house.slots.ban(peer, until, now);
        assert_eq!(house.comes(peer, "192.0.2.1"), Err(Refusal::Banned));
        assert_eq!(house.slots.admit(peer, None, Direction::Incoming, until), Ok(None));
        house.slots.set_validators([peer].into());
        assert_eq!(house.comes(peer, "192.0.2.1"), Ok(None), "a validator by now");
        (0..BANS_MAX + 5).for_each(|_| house.slots.ban(PeerId::random(), until, now));
        assert_eq!(house.slots.bans.len(), BANS_MAX);
    }

    #[test]
    fn with_reserved_only_not_even_validators_come_in() {
        let (validator, friend) = (PeerId::random(), PeerId::random());
        let mut house = House::new(Trust {
            validators: [validator].into(),
            reserved: [friend].into(),
            reserved_only: true,
        });
        assert_eq!(house.comes(validator, "192.0.2.1"), Err(Refusal::NotReserved));
        assert_eq!(house.comes(friend, "192.0.2.1"), Ok(None));
        let dialled = house
            .slots
            .dial(ConnectionId::new_unchecked(9), Some(validator), Instant::now());
        assert_eq!(dialled, Err(Refusal::NotReserved));
    }

    fn knock(house: &mut House, id: usize, from: &str) -> Result<(), Refusal> {
        let ip = Some(from.parse().unwrap());
        house.slots.knock(ConnectionId::new_unchecked(id), ip)
    }

    #[test]
    fn a_crowd_at_the_door_leaves_room_for_others_and_for_a_validator_where_it_was() {
        let (mut house, validator) = (House::new(Trust::default()), PeerId::random());
        house.comes(validator, "198.51.100.1").unwrap();
        house.slots.set_validators([validator].into());
        house.slots.closed(ConnectionId::new_unchecked(1));
        for (id, from, answer) in [
            (10, "192.0.2.1", Ok(())),
            (11, "192.0.2.1", Ok(())),
            (12, "192.0.2.1", Err(Refusal::PendingPerIp(2))),
            (13, "192.0.2.2", Ok(())),
            (14, "192.0.2.3", Err(Refusal::PendingIncoming(3))),
            (15, "198.51.100.1", Ok(())),
            (16, "198.51.100.1", Ok(())),
            (17, "198.51.100.1", Err(Refusal::PendingPerIp(2))),
        ] {
            assert_eq!(knock(&mut house, id, from), answer, "{id} from {from}");
        }
        house.slots.set_validators(HashSet::new());
        house.slots.no_longer_pending(ConnectionId::new_unchecked(15));
        assert_eq!(knock(&mut house, 18, "198.51.100.1"), Err(Refusal::PendingIncoming(3)));
    }
}
