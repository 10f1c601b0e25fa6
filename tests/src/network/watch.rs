//! How far is each node, and when did the chain's newest final block change? One thread for each node looks all the time, so that
//! a node that does not answer keeps nobody from seeing the others.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{crash::number, harness::Rpc};

/// Between two looks at one node.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ends: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    heights: Vec<u64>,
    /// Each new height of the chain, and when some node was first seen to have it.
    advances: Vec<(Instant, u64)>,
}

impl Watch {
    /// Looks at the nodes that serve JSON-RPC there.
    pub fn start(nodes: &[SocketAddr]) -> Self {
        let shared = Arc::new(Shared {
            ends: AtomicBool::new(false),
            seen: Mutex::new(Seen {
                heights: vec![0; nodes.len()],
                advances: Vec::new(),
            }),
        });
        let threads = nodes.iter().enumerate().map(|(index, address)| {
            let (shared, rpc) = (Arc::clone(&shared), Rpc::new(*address));
            thread::spawn(move || shared.look(index, &rpc))
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }

    /// The newest final block that each node was seen to have.
    pub fn heights(&self) -> Vec<u64> {
        self.seen().heights.clone()
    }

    /// The newest that any of them was seen to have.
    pub fn height(&self) -> u64 {
        self.seen().advances.last().map_or(0, |(_, height)| *height)
    }

    /// The newest at a moment.
    pub fn height_at(&self, moment: Instant) -> u64 {
        let seen = self.seen();
        let before = seen.advances.iter().rev().find(|(at, _)| *at <= moment);
        before.map_or(0, |(_, height)| *height)
    }

    /// The longest time between `from` and `to` in which no node was seen to have a new block.
    pub fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let seen = self.seen();
        let within = seen.advances.iter().map(|(at, _)| *at);
        let within = within.filter(|at| (from..to).contains(at)).chain([to]);
        let gaps = within.scan(from, |before, at| Some(at - std::mem::replace(before, at)));
        gaps.max().unwrap_or_default()
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, index: usize, rpc: &Rpc) {
        while !self.ends.load(Ordering::Relaxed) {
            let answer = rpc.try_call("eth_blockNumber", &json!([]));
            if let Some(height) = answer.ok().as_ref().and_then(number) {
                let mut seen = self.seen();
                seen.heights[index] = height;
                if seen.advances.last().is_none_or(|(_, newest)| *newest < height) {
                    seen.advances.push((Instant::now(), height));
                }
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_measured_to_both_ends_of_the_time_looked_at() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let watch = Watch::start(&[]);
        watch.seen().advances = vec![(at(1), 1), (at(2), 2), (at(6), 3), (at(7), 4)];
        for (from, to, seconds) in [(0, 10, 4), (3, 5, 2), (6, 16, 9), (8, 11, 3)] {
            assert_eq!(
                watch.longest_gap(at(from), at(to)),
                Duration::from_secs(seconds),
                "{from} to {to}"
            );
        }
        assert_eq!(
            (watch.height_at(at(0)), watch.height_at(at(5)), watch.height()),
            (0, 2, 4)
        );
    }
}
