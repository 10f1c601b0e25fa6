//! How much trust is left in a peer? Points that faults cost and time gives back.
//!
//! Pure: time comes in. A peer's points outlive its connection, so that coming back does not wash it clean.

use std::{collections::HashMap, time::Duration};

use libp2p::PeerId;
use tokio::time::Instant;

/// Points that a peer can lose before it is let go.
pub const BAN_POINTS: u32 = 100;

/// In this time half of what was lost comes back.
pub const HALF_LIFE: Duration = Duration::from_secs(600);

/// Most peers whose points are remembered. Beyond that the best of them are forgotten first.
pub const REMEMBERED_MAX: usize = 4_096;

/// The points that peers have lost.
#[derive(Clone, Debug, Default)]
pub struct Scores(HashMap<PeerId, Lost>);

#[derive(Clone, Copy, Debug)]
struct Lost {
    points: f64,
    at: Instant,
}

impl Lost {
    fn now(self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.points * 0.5_f64.powf(passed / HALF_LIFE.as_secs_f64())
    }
}

impl Scores {
    /// Takes `points` from `peer`; tells whether nothing is left.
    pub fn lose(&mut self, peer: PeerId, points: u32, now: Instant) -> bool {
        let lost = self.0.get(&peer).map_or(0.0, |lost| lost.now(now)) + f64::from(points);
        if !self.0.contains_key(&peer) && self.0.len() >= REMEMBERED_MAX {
            self.forget_best(now);
        }
        // What is lost beyond the ban would only make it hard to come back from one.
        let points = lost.min(2.0 * f64::from(BAN_POINTS));
        self.0.insert(peer, Lost { points, at: now });
        self.left(peer, now) <= 0
    }

    /// Points left: [`BAN_POINTS`] of a peer that did nothing wrong, 0 or less of one that has to go.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "between -100 and 100")]
    pub fn left(&self, peer: PeerId, now: Instant) -> i32 {
        let lost = self.0.get(&peer).map_or(0.0, |lost| lost.now(now));
        (f64::from(BAN_POINTS) - lost).round() as i32
    }

    /// Forgets those who have nearly all points back.
    pub fn tidy(&mut self, now: Instant) {
        self.0.retain(|_, lost| lost.now(now) >= 1.0);
    }

    fn forget_best(&mut self, now: Instant) {
        self.tidy(now);
        if self.0.len() >= REMEMBERED_MAX {
            let best = self
                .0
                .iter()
                .min_by(|one, other| one.1.now(now).total_cmp(&other.1.now(now)))
                .map(|(peer, _)| *peer);
            best.and_then(|best| self.0.remove(&best));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_add_up_and_time_heals() {
        let (peer, start) = (PeerId::random(), Instant::now());
        let mut scores = Scores::default();
        assert_eq!(scores.left(peer, start), 100);
        for _ in 0..4 {
            assert!(!scores.lose(peer, 20, start));
        }
        // What comes back within a second saves nobody.
        assert!(scores.clone().lose(peer, 20, start + Duration::from_millis(500)));
        assert_eq!(scores.left(peer, start), 20);
        assert_eq!(scores.left(peer, start + HALF_LIFE), 60);
        assert!(!scores.lose(peer, 20, start + HALF_LIFE));
        assert!(scores.lose(peer, 40, start + HALF_LIFE));
        scores.tidy(start + HALF_LIFE * 20);
        assert_eq!(scores.0.len(), 0);
    }

    #[test]
    fn a_crowd_of_culprits_does_not_fill_the_memory_nor_wash_the_worst_clean() {
        let (worst, start) = (PeerId::random(), Instant::now());
        let mut scores = Scores::default();
        scores.lose(worst, 90, start);
        for _ in 0..REMEMBERED_MAX + 10 {
            scores.lose(PeerId::random(), 2, start);
        }
        assert_eq!(scores.0.len(), REMEMBERED_MAX);
        assert_eq!(scores.left(worst, start), 10);
    }
}
