//! Whom to dial, and when? Validators first, then bootnodes and reserved peers, then as many others as are wanted.
//!
//! Pure: time comes in and no socket is touched. A peer that does not answer is tried less and less often. Knows every
//! address that others were found at, within bounds, and apart from those what somebody else says of them: hearsay displaces
//! nothing that is surer. What is connected costs nothing.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

/// First pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause for validators, after a dial that took its own time: a quorum may wait for one.
const PAUSE_MAX_VALIDATORS: Duration = Duration::from_secs(2);
/// Longest pause for reserved peers and bootnodes: a restart is over sooner.
const PAUSE_MAX_NAMED: Duration = Duration::from_secs(60);
/// Longest pause for others.
const PAUSE_MAX_OTHERS: Duration = Duration::from_secs(900);
/// A connection that lasted so long was a good one: the next pause is a short one again.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);
/// Most addresses of one peer by its own word, and as many by the word of others: both transports over both kinds of IP, and as
/// much again.
pub(crate) const ADDRESSES_MAX: usize = 8;
/// Most other peers that are known.
pub(crate) const OTHERS_MAX: usize = 512;
/// Failures in a row after which a peer that nobody named is forgotten.
const FAILURES_MAX: u32 = 8;
/// Most dials of one round.
const ROUND_MAX: usize = 16;

/// Why a peer is dialled; the first come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Validator,
    Reserved,
    Bootnode,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be dialled then.
    Idle(Instant),
    Dialling,
    /// Since then.
    Connected(Instant),
}

#[derive(Debug)]
struct Target {
    rank: Rank,
    /// What it is when it is no validator.
    plain_rank: Rank,
    /// Where the operator or the specification says that it is: kept, whoever says what.
    named: Vec<Multiaddr>,
    /// Where it was found, or says that it is, the newest first.
    told: Vec<Multiaddr>,
    /// Where somebody else says that it is, the newest first.
    hearsay: Vec<Multiaddr>,
    state: State,
    pause: Duration,
    failures: u32,
}

impl Target {
    /// The surest first, each once.
    fn addresses(&self) -> Vec<Multiaddr> {
        let mut all: Vec<Multiaddr> = Vec::new();
        for address in self.named.iter().chain(&self.told).chain(&self.hearsay) {
            if !all.contains(address) {
                all.push(address.clone());
            }
        }
        all
    }

    const fn has_address(&self) -> bool {
        !(self.named.is_empty() && self.told.is_empty() && self.hearsay.is_empty())
    }
}

/// A dial to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    pub peer: PeerId,
    pub addresses: Vec<Multiaddr>,
}

/// Everybody who may be dialled.
#[derive(Debug)]
pub(crate) struct DialPlan {
    local: PeerId,
    targets: BTreeMap<PeerId, Target>,
    others_wanted: usize,
}

impl DialPlan {
    /// A plan of the node `local`, which wants `others_wanted` connections to peers that nobody named.
    pub(crate) const fn new(local: PeerId, others_wanted: usize) -> Self {
        Self {
            local,
            targets: BTreeMap::new(),
            others_wanted,
        }
    }

    /// A peer that the operator or the specification named.
    pub(crate) fn name(&mut self, peer: PeerId, address: Multiaddr, rank: Rank, now: Instant) {
        if let Some(target) = self.target(peer, now) {
            target.rank = target.rank.min(rank);
            target.plain_rank = target.plain_rank.min(rank);
            if !target.named.contains(&address) {
                target.named.push(address);
            }
        }
    }

    /// The validators to keep a link with.
    pub(crate) fn set_validators(&mut self, validators: &HashSet<PeerId>, now: Instant) {
        for (peer, target) in &mut self.targets {
            if !validators.contains(peer) {
                target.rank = target.plain_rank;
            }
        }
        for peer in validators {
            if let Some(target) = self.target(*peer, now)
                && target.rank != Rank::Validator
            {
                target.rank = Rank::Validator;
                if let State::Idle(next) = target.state {
                    target.state = State::Idle(next.min(now));
                }
            }
        }
    }

    /// Addresses at which a peer was found, or says that it is.
    pub(crate) fn learn(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) {
        self.add(peer, addresses, now, |target| &mut target.told);
    }

    /// Addresses at which somebody else says that a peer is.
    pub(crate) fn hear(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) {
        self.add(peer, addresses, now, |target| &mut target.hearsay);
    }

    fn add(
        &mut self,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        now: Instant,
        list: impl FnOnce(&mut Target) -> &mut Vec<Multiaddr>,
    ) {
        if addresses.is_empty() || (!self.targets.contains_key(&peer) && !self.has_room()) {
            return;
        }
        if let Some(target) = self.target(peer, now) {
            let was_unknown = !target.has_address();
            put_first(list(target), addresses);
            if let State::Idle(next) = target.state
                && was_unknown
            {
                target.state = State::Idle(next.min(now));
            }
        }
    }

    /// The address leads to somebody else.
    pub(crate) fn forget_address(&mut self, peer: PeerId, address: &Multiaddr) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.told.retain(|known| known != address);
            target.hearsay.retain(|known| known != address);
        }
    }

    /// A connection to the peer is there, whoever opened it.
    pub(crate) fn connected(&mut self, peer: PeerId, now: Instant) {
        if !self.targets.contains_key(&peer) && !self.has_room() {
            return;
        }
        if let Some(target) = self.target(peer, now)
            && !matches!(target.state, State::Connected(_))
        {
            target.state = State::Connected(now);
            target.failures = 0;
        }
    }

    /// The last connection to the peer is gone.
    pub(crate) fn disconnected(&mut self, peer: PeerId, now: Instant) {
        if let Some(target) = self.targets.get_mut(&peer) {
            if let State::Connected(since) = target.state
                && now.saturating_duration_since(since) >= GOOD_CONNECTION
            {
                target.pause = PAUSE_MIN;
            }
            rest(&peer, target, now);
            // Guests of whom nothing is known would fill the plan, for they are never dialled in vain.
            if target.rank == Rank::Other && !target.has_address() {
                self.targets.remove(&peer);
            }
        }
    }

    /// A dial came to nothing.
    pub(crate) fn failed(&mut self, peer: PeerId, now: Instant) {
        if let Some(target) = self.targets.get_mut(&peer)
            && target.state == State::Dialling
        {
            target.failures += 1;
            rest(&peer, target, now);
            if target.rank == Rank::Other && target.failures >= FAILURES_MAX {
                self.targets.remove(&peer);
            }
        }
    }

    /// The peer is not wanted before then.
    pub(crate) fn refuse(&mut self, peer: PeerId, until: Instant) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.state = State::Idle(until);
        }
    }

    /// Whom to dial now, while `others` connections to peers that nobody named are open or being opened by this node.
    pub(crate) fn due(&mut self, others: usize, now: Instant) -> Vec<Dial> {
        let mut due: Vec<_> = self
            .targets
            .iter()
            .filter(|(_, target)| matches!(target.state, State::Idle(next) if next <= now) && target.has_address())
            .map(|(peer, target)| (target.rank, target.failures, *peer))
            .collect();
        due.sort_unstable();
        let mut room = self.others_wanted.saturating_sub(others);
        let mut dials = Vec::new();
        for (rank, _, peer) in due {
            if rank == Rank::Other && room == 0 || dials.len() == ROUND_MAX {
                break;
            }
            if rank == Rank::Other {
                room -= 1;
            }
            if let Some(target) = self.targets.get_mut(&peer) {
                target.state = State::Dialling;
                let addresses = target.addresses();
                dials.push(Dial { peer, addresses });
            }
        }
        dials
    }

    /// Dials of peers that nobody named which are under way.
    pub(crate) fn others_dialling(&self) -> usize {
        self.targets
            .values()
            .filter(|target| target.rank == Rank::Other && target.state == State::Dialling)
            .count()
    }

    /// Validators that are not connected and of whom no address is known.
    pub(crate) fn lost_validators(&self) -> Vec<PeerId> {
        self.targets
            .iter()
            .filter(|(_, target)| target.rank == Rank::Validator)
            // One that answers at none of its addresses may have moved.
            .filter(|(_, target)| {
                matches!(target.state, State::Idle(_)) && (!target.has_address() || target.failures > 1)
            })
            .map(|(peer, _)| *peer)
            .collect()
    }

    #[cfg(test)]
    fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.targets.get(peer).map_or_else(Vec::new, Target::addresses)
    }

    /// Whether somebody named the peer.
    pub(crate) fn is_named(&self, peer: &PeerId) -> bool {
        self.targets.get(peer).is_some_and(|target| target.rank != Rank::Other)
    }

    fn has_room(&self) -> bool {
        self.targets
            .values()
            .filter(|target| target.rank == Rank::Other)
            .count()
            < OTHERS_MAX
    }

    fn target(&mut self, peer: PeerId, now: Instant) -> Option<&mut Target> {
        (peer != self.local).then(|| {
            self.targets.entry(peer).or_insert_with(|| Target {
                rank: Rank::Other,
                plain_rank: Rank::Other,
                named: Vec::new(),
                told: Vec::new(),
                hearsay: Vec::new(),
                state: State::Idle(now),
                pause: PAUSE_MIN,
                failures: 0,
            })
        })
    }
}

/// Lets a target rest, longer each time. Pauses differ by a quarter between peers, so that nodes which lost each other at one
/// moment do not dial each other at one moment.
fn rest(peer: &PeerId, target: &mut Target, now: Instant) {
    let spread = peer
        .to_bytes()
        .iter()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(*byte))
        % 64;
    target.state = State::Idle(now + target.pause * (256 + spread) / 256);
    let max = match target.rank {
        Rank::Validator => PAUSE_MAX_VALIDATORS,
        Rank::Reserved | Rank::Bootnode => PAUSE_MAX_NAMED,
        Rank::Other => PAUSE_MAX_OTHERS,
    };
    target.pause = (target.pause * 2).min(max);
}

fn put_first(known: &mut Vec<Multiaddr>, newer: Vec<Multiaddr>) {
    for address in newer.into_iter().rev() {
        known.retain(|other| *other != address);
        known.insert(0, address);
    }
    known.truncate(ADDRESSES_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()
    }

    fn peers(dials: &[Dial]) -> Vec<PeerId> {
        dials.iter().map(|dial| dial.peer).collect()
    }

    #[test]
    fn validators_come_first_then_named_peers_then_as_many_others_as_are_wanted() {
        let now = Instant::now();
        let mut plan = DialPlan::new(PeerId::random(), 2);
        let [validator, bootnode, reserved] = [(); 3].map(|()| PeerId::random());
        for port in 1..=5 {
            plan.learn(PeerId::random(), vec![address(port)], now);
        }
        plan.name(bootnode, address(10), Rank::Bootnode, now);
        plan.name(reserved, address(11), Rank::Reserved, now);
        plan.learn(validator, vec![address(12)], now);
        plan.set_validators(&[validator].into(), now);
        let dials = plan.due(1, now);
        assert_eq!(peers(&dials)[..3], [validator, reserved, bootnode]);
        assert_eq!(dials.len(), 4);
        assert_eq!(plan.others_dialling(), 1);
        assert_eq!(plan.due(2, now), []);
    }

    #[test]
    fn a_silent_peer_is_tried_less_and_less_often_and_in_the_end_forgotten() {
        let start = Instant::now();
        let [named, other, validator] = [(); 3].map(|()| PeerId::random());
        let mut plan = DialPlan::new(PeerId::random(), 1);
        plan.set_validators(&[validator].into(), start);
        plan.learn(validator, vec![address(3)], start);
        plan.name(named, address(1), Rank::Bootnode, start);
        plan.learn(other, vec![address(2)], start);
        let mut attempts = BTreeMap::<PeerId, Vec<u64>>::new();
        for second in 0..4_000 {
            let now = start + Duration::from_secs(second);
            for dial in plan.due(0, now) {
                attempts.entry(dial.peer).or_default().push(second);
                plan.failed(dial.peer, now);
            }
        }
        let gaps: Vec<_> = attempts[&named].windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.is_sorted(), "{gaps:?}");
        assert!((60..=75).contains(gaps.last().unwrap()), "{gaps:?}");
        assert!(attempts[&validator].windows(2).all(|pair| pair[1] - pair[0] <= 3));
        assert_eq!(attempts[&other].len(), 8);
        assert_eq!(plan.addresses(&other), []);
    }

    #[test]
    fn a_lost_validator_is_dialled_again_soon_if_the_link_was_good() {
        let start = Instant::now();
        let validator = PeerId::random();
        let mut plan = DialPlan::new(PeerId::random(), 0);
        plan.set_validators(&[validator].into(), start);
        assert_eq!(plan.lost_validators(), [validator]);
        plan.learn(validator, vec![address(1)], start);
        assert_eq!(peers(&plan.due(0, start)), [validator]);
        plan.connected(validator, start);
        assert_eq!(plan.lost_validators(), []);
        let late = start + Duration::from_secs(3_600);
        assert_eq!(plan.due(0, late), []);
        plan.disconnected(validator, late);
        assert_eq!(plan.due(0, late), []);
        assert_eq!(peers(&plan.due(0, late + PAUSE_MIN * 2)), [validator]);
    }

    #[test]
    fn one_who_hangs_up_at_once_is_not_hammered() {
        let start = Instant::now();
        let peer = PeerId::random();
        let mut plan = DialPlan::new(PeerId::random(), 0);
        plan.name(peer, address(1), Rank::Bootnode, start);
        let mut attempts = 0;
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            for dial in plan.due(0, now) {
                attempts += 1;
                plan.connected(dial.peer, now);
                plan.disconnected(dial.peer, now);
            }
        }
        assert!((10..=16).contains(&attempts), "{attempts}");
    }

    #[test]
    fn what_is_known_is_bounded() {
        let now = Instant::now();
        let mut plan = DialPlan::new(PeerId::random(), 0);
        let peer = PeerId::random();
        plan.learn(peer, (0..20).map(address).collect(), now);
        assert_eq!(plan.addresses(&peer).len(), ADDRESSES_MAX);
        assert_eq!(plan.addresses(&peer)[0], address(0));
        for _ in 0..2 * OTHERS_MAX {
            plan.learn(PeerId::random(), vec![address(1)], now);
        }
        assert_eq!(plan.targets.len(), OTHERS_MAX);
        plan.name(PeerId::random(), address(1), Rank::Reserved, now);
        assert_eq!(plan.targets.len(), OTHERS_MAX + 1);
    }

    #[test]
    fn guests_that_told_nothing_leave_no_trace() {
        let now = Instant::now();
        let mut plan = DialPlan::new(PeerId::random(), 1);
        for _ in 0..2 * OTHERS_MAX {
            let guest = PeerId::random();
            plan.connected(guest, now);
            plan.disconnected(guest, now);
        }
        let other = PeerId::random();
        plan.learn(other, vec![address(1)], now);
        assert_eq!(peers(&plan.due(0, now)), [other]);
    }

    #[test]
    fn hearsay_displaces_nothing_and_what_the_operator_said_stays() {
        let now = Instant::now();
        let mut plan = DialPlan::new(PeerId::random(), 1);
        let peer = PeerId::random();
        plan.name(peer, address(1), Rank::Bootnode, now);
        plan.learn(peer, vec![address(2)], now);
        plan.hear(peer, (10..40).map(address).collect(), now);
        assert_eq!(plan.addresses(&peer)[..3], [address(1), address(2), address(10)]);
        assert_eq!(plan.addresses(&peer).len(), 2 + ADDRESSES_MAX);
        plan.learn(peer, (50..70).map(address).collect(), now);
        plan.forget_address(peer, &address(1));
        assert_eq!(plan.addresses(&peer)[..2], [address(1), address(50)]);
        assert_eq!(plan.addresses(&peer).len(), 1 + 2 * ADDRESSES_MAX);
    }
}
