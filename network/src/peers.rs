//! Whom is this node connected to? What the network shows of its peers, for sync, RPC and operators.

use std::time::Duration;

use ledger_chainspec::BlockNumber;
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

    /// The newest block that validators say they have; that anybody does, where none of them says anything. Strangers can claim what
    /// they like.
    #[must_use]
    pub fn best_head(&self) -> Option<BlockNumber> {
        let of = |only_validators: bool| {
            let peers = self
                .connected
                .iter()
                .filter(|peer| peer.is_validator || !only_validators);
            peers.filter_map(|peer| Some(peer.status?.head)).max()
        };
        of(true).or_else(|| of(false))
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

    /// A peer that says that it has `head`, if it says anything.
    fn peer(is_validator: bool, head: Option<u64>) -> Peer {
        let status = head.map(|head| PeerStatus {
            head: BlockNumber::new(head),
            head_hash: ledger_chainspec::BlockHash::new([1; 32].into()),
            oldest: BlockNumber::new(0),
            unix_ms: 0,
        });
        Peer {
            id: PeerId::random(),
            address: "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
            is_validator,
            is_reserved: false,
            is_incoming: true,
            agent: String::new(),
            status,
            clock_offset_ms: None,
            rtt: None,
            score: 100,
            connected_since: Instant::now(),
        }
    }

    #[test]
    fn validators_are_believed_and_strangers_where_there_are_none() {
        for (connected, best) in [
            (vec![], None),
            (vec![peer(true, None), peer(false, None)], None),
            (
                vec![peer(true, None), peer(false, Some(7)), peer(false, Some(9))],
                Some(9),
            ),
            (
                vec![peer(true, Some(4)), peer(true, Some(5)), peer(false, Some(9))],
                Some(5),
            ),
        ] {
            let listening = Vec::new();
            let peers = Peers { listening, connected };
            assert_eq!(peers.best_head(), best.map(BlockNumber::new), "{peers:?}");
        }
    }
}
