//! Which peer does the engine mean by a number?
//!
//! The engine knows peers by numbers that it only gives back ([`Origin`]). The driver keeps this book. Never forgets a peer that
//! was heard of within the last [`ORIGINS_MAX`].

use std::collections::BTreeMap;

use ledger_consensus::Origin;
use ledger_network::PeerId;

/// Peers that are known by number at once: more than can be connected, so that nobody who is asked to answer is forgotten.
pub const ORIGINS_MAX: usize = 1024;

/// The book of peers and numbers.
#[derive(Debug, Default)]
pub struct Origins {
    next: u64,
    by_peer: BTreeMap<PeerId, u64>,
    by_number: BTreeMap<u64, PeerId>,
}

impl Origins {
    /// The number of `peer`, a new one if it has none.
    pub fn of(&mut self, peer: PeerId) -> Origin {
        if let Some(number) = self.by_peer.get(&peer) {
            return Origin(*number);
        }
        if self.by_number.len() >= ORIGINS_MAX
            && let Some((_, oldest)) = self.by_number.pop_first()
        {
            self.by_peer.remove(&oldest);
        }
        let number = self.next;
        self.next += 1;
        self.by_peer.insert(peer, number);
        self.by_number.insert(number, peer);
        Origin(number)
    }

    /// The peer with this number.
    #[must_use]
    pub fn peer(&self, origin: Origin) -> Option<PeerId> {
        self.by_number.get(&origin.0).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_keeps_its_number_and_the_oldest_gives_way() {
        let mut origins = Origins::default();
        let first = PeerId::random();
        let number = origins.of(first);
        assert_eq!(origins.of(first), number);
        assert_eq!(origins.peer(number), Some(first));
        for _ in 0..ORIGINS_MAX {
            origins.of(PeerId::random());
        }
        assert_eq!(origins.peer(number), None);
        assert_ne!(origins.of(first), number);
    }
}
