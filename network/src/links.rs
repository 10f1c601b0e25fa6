//! What is known of each connected peer: its connections, what it told, what it may still send.
//!
//! Pure data with time coming in; the network's task keeps it.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};
use tokio::time::Instant;

use crate::{
    bucket::Bucket,
    limits::NetworkLimits,
    message::Topic,
    peers::median,
    request::{PeerStatus, RequestKind},
};

/// Measurements of a peer's clock whose median counts: one that was held up does not matter.
const CLOCK_SAMPLES: usize = 5;
/// A peer that sends too much loses points once in this time, however much it is.
const TOO_MUCH_PAUSE: Duration = Duration::from_secs(1);
/// Longest name of a peer's software that is shown.
const AGENT_CHARS_MAX: usize = 64;

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub id: ConnectionId,
    pub address: Multiaddr,
    pub is_incoming: bool,
}

/// A connected peer.
#[derive(Debug)]
pub(crate) struct Link {
    pub lines: Vec<Line>,
    pub since: Instant,
    /// Known once it has said who it is.
    pub agent: Option<String>,
    pub status: Option<PeerStatus>,
    pub rtt: Option<Duration>,
    pub missed_pings: u32,
    pub next_status: Instant,
    /// Requests to it, and by it, that are under way.
    pub asked: usize,
    pub answering: usize,
    /// Messages to it that are under way, and those that wait for them.
    pub direct: usize,
    pub outbox: VecDeque<Vec<u8>>,
    clock: VecDeque<i64>,
    meters: Meters,
}

#[derive(Debug)]
struct Meters {
    consensus: [Bucket; 2],
    transactions: [Bucket; 2],
    reserved: [Bucket; 2],
    checkpoints: [Bucket; 2],
    requests: [Bucket; 2],
    /// When it last lost points for too much.
    blamed: Option<Instant>,
}

impl Link {
    pub(crate) fn new(now: Instant) -> Self {
        let full = [Bucket::new(now); 2];
        Self {
            lines: Vec::new(),
            since: now,
            agent: None,
            status: None,
            rtt: None,
            missed_pings: 0,
            next_status: now,
            asked: 0,
            answering: 0,
            direct: 0,
            outbox: VecDeque::new(),
            clock: VecDeque::new(),
            meters: Meters {
                consensus: full,
                transactions: full,
                reserved: full,
                checkpoints: full,
                requests: full,
                blamed: None,
            },
        }
    }

    /// It said who it is.
    pub(crate) fn introduce(&mut self, agent: &str) {
        // What a stranger says is shown in terminals.
        let shown = agent.chars().filter(|letter| !letter.is_control());
        self.agent = Some(shown.take(AGENT_CHARS_MAX).collect());
    }

    /// Its clock was found to be ahead by `offset_ms`.
    pub(crate) fn measured(&mut self, offset_ms: i64) {
        self.clock.push_back(offset_ms);
        if self.clock.len() > CLOCK_SAMPLES {
            self.clock.pop_front();
        }
    }

    /// How far its clock is ahead, by the median of the last measurements.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        median(self.clock.iter().copied().collect())
    }

    /// Whether it may send this message, of `bytes`, on `topic` or to this node alone.
    pub(crate) fn may_send(
        &mut self,
        topic: Topic,
        bytes: usize,
        (limits, factor): (&NetworkLimits, u32),
        now: Instant,
    ) -> bool {
        let (buckets, messages, size) = match topic {
            Topic::Consensus => (
                &mut self.meters.consensus,
                limits.consensus_messages,
                limits.consensus_bytes,
            ),
            Topic::Transactions => (
                &mut self.meters.transactions,
                limits.transaction_messages,
                limits.transaction_bytes,
            ),
            Topic::Reserved => (
                &mut self.meters.reserved,
                limits.reserved_messages,
                limits.reserved_bytes,
            ),
            Topic::Checkpoints => (
                &mut self.meters.checkpoints,
                limits.checkpoint_messages,
                limits.checkpoint_bytes,
            ),
        };
        buckets[0].take(messages.times(factor), 1, now) && buckets[1].take(size.times(factor), bytes as u64, now)
    }

    /// Whether it may ask this.
    pub(crate) fn may_ask(&mut self, kind: RequestKind, (limits, factor): (&NetworkLimits, u32), now: Instant) -> bool {
        let buckets = &mut self.meters.requests;
        buckets[0].take(limits.requests.times(factor), 1, now)
            && buckets[1].take(limits.response_bytes.times(factor), kind.cost_bytes(), now)
    }

    /// It was given `bytes` more than its request was taken to cost.
    pub(crate) fn was_given(&mut self, bytes: u64, (limits, factor): (&NetworkLimits, u32), now: Instant) {
        self.meters.requests[1].charge(limits.response_bytes.times(factor), bytes, now);
    }

    /// Whether it is to be blamed again for sending too much.
    pub(crate) fn blame(&mut self, now: Instant) -> bool {
        let is_due = self
            .meters
            .blamed
            .is_none_or(|at| now.saturating_duration_since(at) >= TOO_MUCH_PAUSE);
        if is_due {
            self.meters.blamed = Some(now);
        }
        is_due
    }
}

/// The connected peers.
pub(crate) type Links = HashMap<PeerId, Link>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_measurement_moves_no_clock() {
        let mut link = Link::new(Instant::now());
        assert_eq!(link.clock_offset_ms(), None);
        for offset in [3, 5_000, 4, 2, 3, 4] {
            link.measured(offset);
        }
        assert_eq!(link.clock_offset_ms(), Some(4));
    }

    #[test]
    fn a_peers_name_for_itself_is_cut_and_harmless() {
        let mut link = Link::new(Instant::now());
        link.introduce(&format!("evil\x1b[2J{}", "x".repeat(500)));
        let agent = link.agent.unwrap();
        assert_eq!(agent.chars().count(), AGENT_CHARS_MAX);
        assert!(agent.starts_with("evil[2J"));
    }

    #[test]
    fn each_peer_may_send_its_share_and_a_trusted_one_more() {
        let limits = NetworkLimits {
            consensus_messages: crate::Rate::per_second(1, 10),
            ..NetworkLimits::default()
        };
        let now = Instant::now();
        let sent = |factor| {
            let mut link = Link::new(now);
            (0..1_000)
                .filter(|_| link.may_send(Topic::Consensus, 1, (&limits, factor), now))
                .count()
        };
        assert_eq!((sent(1), sent(8)), (10, 80));
    }

    #[test]
    fn one_flood_is_blamed_once_a_second() {
        let start = Instant::now();
        let mut link = Link::new(start);
        assert!(link.blame(start));
        assert!(!link.blame(start));
        assert!(link.blame(start + TOO_MUCH_PAUSE));
    }
}
