//! Whom is this node connected to? What the network shows of its peers, for sync, RPC and operators.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::request::PeerStatus;

/// How this node stands to the others.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// Addresses that it listens on.
    pub listening: Vec<Multiaddr>,
    /// The peers that have said who they are, by id.
    pub connected: Vec<Peer>,
}

impl Peers {
    /// The peer with this id, if it is connected.
    #[must_use]
    pub fn get(&self, id: PeerId) -> Option<&Peer> {
        self.connected.iter().find(|peer| peer.id == id)
    }

    /// How far this node's clock is ahead of the median of the peers that were measured (behind if negative); of the
    /// validators alone, if any of them was. `None` before anything was measured.
    #[must_use]
    pub fn clock_offset_ms(&self) -> Option<i64> {
        let of = |only_validators: bool| {
            let peers = self
                .connected
                .iter()
                .filter(|peer| peer.is_validator || !only_validators);
            median(peers.filter_map(|peer| peer.clock_offset_ms).collect())
        };
        // Their clocks are ahead by what ours is behind.
        of(true).or_else(|| of(false)).map(|offset| offset.saturating_neg())
    }
}

/// A connected peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its id.
    pub id: PeerId,
    /// Where it is connected from or to.
    pub address: Multiaddr,
    /// Is it a registered validator?
    pub is_validator: bool,
    /// Is it one of the operator's reserved peers?
    pub is_reserved: bool,
    /// Did it open the connection?
    pub is_incoming: bool,
    /// What software it says it is.
    pub agent: String,
    /// What it told of itself last.
    pub status: Option<PeerStatus>,
    /// How far its clock is ahead of this node's (behind if negative): the median of the last few measurements.
    pub clock_offset_ms: Option<i64>,
    /// Time to it and back, as last measured.
    pub rtt: Option<Duration>,
    /// Points left: 100 if it did nothing wrong, 0 if it is about to be let go.
    pub score: i32,
    /// Since when.
    pub connected_since: Instant,
}

/// The middle of `values`; the lower one of the two in the middle.
pub(crate) fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_few_values_is_the_lower_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![5]), Some(5));
        assert_eq!(median(vec![9, -1]), Some(-1));
        assert_eq!(median(vec![9, -1, 4]), Some(4));
    }
}
