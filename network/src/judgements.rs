//! Which messages wait for a verdict, and since when?
//!
//! Pure: time comes in. Bounded in number and in time, so that a part of the node that never judges costs nothing but the
//! passing on of what it was given.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::{
    gossip::JUDGE_TIMEOUT,
    handle::{CONSENSUS_EVENTS_QUEUE, GossipId, TRANSACTIONS_EVENTS_QUEUE},
};

/// Most messages that wait: what the queues of incoming messages hold, and more in the hands of those who judge.
pub(crate) const WAITING_MAX: usize = 4_096;

const _: () = assert!(WAITING_MAX > 2 * (CONSENSUS_EVENTS_QUEUE + TRANSACTIONS_EVENTS_QUEUE));

/// The messages that wait.
#[derive(Debug, Default)]
pub(crate) struct Judgements {
    since: HashMap<GossipId, Instant>,
    /// In the order of their coming; judged ones are skipped when their turn comes.
    order: VecDeque<(Instant, GossipId)>,
}

impl Judgements {
    /// A message was handed over; tells which one has to be given up for it.
    pub(crate) fn wait(&mut self, id: GossipId, now: Instant) -> Option<GossipId> {
        self.since.insert(id, now);
        self.order.push_back((now, id));
        if self.order.len() > 2 * WAITING_MAX {
            self.order.retain(|(at, id)| self.since.get(id) == Some(at));
        }
        if self.since.len() > WAITING_MAX {
            self.pop(|_| true)
        } else {
            None
        }
    }

    /// A message was judged; `false` if nobody waits for that any more.
    pub(crate) fn judged(&mut self, id: &GossipId) -> bool {
        let was_waiting = self.since.remove(id).is_some();
        // What was judged leaves from the front, so that the order does not outgrow the map.
        while let Some((at, first)) = self.order.front() {
            if self.since.get(first) == Some(at) {
                break;
            }
            self.order.pop_front();
        }
        was_waiting
    }

    /// A message whose time is over.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<GossipId> {
        self.pop(|at| now.saturating_duration_since(at) >= JUDGE_TIMEOUT)
    }

    fn pop(&mut self, is_due: impl Fn(Instant) -> bool) -> Option<GossipId> {
        while let Some((at, id)) = self.order.front().copied() {
            let is_waiting = self.since.get(&id) == Some(&at);
            if is_waiting && !is_due(at) {
                return None;
            }
            self.order.pop_front();
            if is_waiting {
                self.since.remove(&id);
                return Some(id);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use libp2p::PeerId;

    use super::*;
    use crate::message::Topic;

    fn id(number: usize) -> GossipId {
        GossipId {
            topic: Topic::Consensus,
            message: B256::left_padding_from(&number.to_be_bytes()),
            from: PeerId::from_multihash(libp2p::multihash::Multihash::wrap(0, &[1]).unwrap()).unwrap(),
        }
    }

    #[test]
    fn a_message_is_judged_once_and_given_up_in_time() {
        let start = Instant::now();
        let mut waiting = Judgements::default();
        for number in 0..3 {
            assert_eq!(waiting.wait(id(number), start), None);
        }
        assert!(waiting.judged(&id(1)));
        assert!(!waiting.judged(&id(1)));
        assert_eq!(waiting.expired(start), None);
        let late = start + JUDGE_TIMEOUT;
        assert_eq!(waiting.expired(late), Some(id(0)));
        assert_eq!(waiting.expired(late), Some(id(2)));
        assert_eq!(waiting.expired(late), None);
        assert!(!waiting.judged(&id(0)));
    }

    #[test]
    fn no_more_than_the_bound_wait_and_the_oldest_is_given_up() {
        let start = Instant::now();
        let mut waiting = Judgements::default();
        for number in 0..WAITING_MAX {
            assert_eq!(waiting.wait(id(number), start), None);
        }
        assert_eq!(waiting.wait(id(WAITING_MAX), start), Some(id(0)));
        for number in 0..=WAITING_MAX {
            waiting.judged(&id(number));
        }
        assert_eq!((waiting.since.len(), waiting.order.len()), (0, 0));
    }
}
