//! Which peers passed on, as reserved, what is of the open lane here, and how often?
//!
//! Called by the checks of batches. Two honest nodes differ over who is a member for the moment that a block needs to reach both, so a
//! few such messages are nobody's fault; a flood of the open lane that calls itself reserved is (R14). Pure: it is told the time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ledger_network::PeerId;

/// For how long messages are counted together.
const SPAN: Duration = Duration::from_secs(60);

/// Messages of one peer that are forgiven in that time: more than a peer passes on of one new member while a block is on its way.
const FORGIVEN_MAX: u32 = 8;

/// Peers that are counted at once, several times as many as can be connected; beyond it nobody new is forgiven.
const PEERS_MAX: usize = 1_024;

/// Messages of the open lane on the reserved topic, by the peer that passed them on.
#[derive(Debug)]
pub struct Strays {
    since: Instant,
    of_peer: HashMap<PeerId, u32>,
}

impl Strays {
    /// None so far, at the moment `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            of_peer: HashMap::new(),
        }
    }

    /// Counts one more of `peer`, and says whether it is forgiven.
    pub fn forgives(&mut self, peer: PeerId, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= SPAN {
            *self = Self::new(now);
        }
        if self.of_peer.len() >= PEERS_MAX && !self.of_peer.contains_key(&peer) {
            return false;
        }
        let count = self.of_peer.entry(peer).or_default();
        *count = count.saturating_add(1);
        *count <= FORGIVEN_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_forgiven_in_a_while_and_no_flood() {
        let start = Instant::now();
        let (one, other) = (PeerId::random(), PeerId::random());
        let mut strays = Strays::new(start);
        for _ in 0..FORGIVEN_MAX {
            assert!(strays.forgives(one, start));
        }
        assert!(!strays.forgives(one, start));
        assert!(strays.forgives(other, start));
        assert!(!strays.forgives(one, start + SPAN - Duration::from_millis(1)));
        assert!(strays.forgives(one, start + SPAN));
    }

    #[test]
    fn strangers_without_end_are_not_remembered() {
        let start = Instant::now();
        let mut strays = Strays::new(start);
        let first = PeerId::random();
        assert!(strays.forgives(first, start));
        for _ in 1..PEERS_MAX {
            assert!(strays.forgives(PeerId::random(), start));
        }
        assert!(!strays.forgives(PeerId::random(), start));
        assert!(strays.forgives(first, start));
        assert_eq!(strays.of_peer.len(), PEERS_MAX);
    }
}
