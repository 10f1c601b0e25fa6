//! May a peer do this now? Token buckets: so much at once, so much per second in the long run.
//!
//! Pure: time comes in. Each peer has its own buckets, so that no peer uses up what another may.

use std::time::Duration;

use tokio::time::Instant;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units per second.
    pub per_second: u64,
    /// Units that a full bucket holds.
    pub burst: u64,
}

impl Rate {
    /// A bucket of `burst` units that gains `per_second` of them each second.
    #[must_use]
    pub const fn per_second(per_second: u64, burst: u64) -> Self {
        Self { per_second, burst }
    }

    /// `factor` times as much.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        Self {
            per_second: self.per_second.saturating_mul(factor as u64),
            burst: self.burst.saturating_mul(factor as u64),
        }
    }
}

/// A bucket, full at first.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Units taken out and not filled up since.
    missing: u64,
    /// When `missing` was right.
    at: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { missing: 0, at: now }
    }

    /// Takes `units` out, if they are there. What is larger than the bucket passes when the bucket is full.
    #[must_use]
    pub fn take(&mut self, rate: Rate, units: u64, now: Instant) -> bool {
        self.fill(rate, now);
        let is_there = units <= rate.burst.saturating_sub(self.missing) || self.missing == 0;
        if is_there {
            self.missing = self.missing.saturating_add(units);
        }
        is_there
    }

    /// Takes `units` out even if they are not there: what was done already counts against what comes.
    pub fn charge(&mut self, rate: Rate, units: u64, now: Instant) {
        self.fill(rate, now);
        self.missing = self.missing.saturating_add(units);
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        let gained = u128::from(rate.per_second) * passed.as_nanos() / Duration::from_secs(1).as_nanos();
        // Time that gained nothing is kept, or a bucket that is asked often would never fill.
        if gained > 0 {
            self.missing = self.missing.saturating_sub(u64::try_from(gained).unwrap_or(u64::MAX));
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::per_second(10, 20);

    #[test]
    fn a_burst_passes_and_then_only_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        assert_eq!((0..100).filter(|_| bucket.take(RATE, 1, start)).count(), 20);
        let mut passed = 0;
        for tenth in 1..=100 {
            let now = start + Duration::from_millis(100 * tenth);
            passed += (0..5).filter(|_| bucket.take(RATE, 1, now)).count();
        }
        assert_eq!(passed, 100);
    }

    #[test]
    fn a_bucket_that_is_asked_often_fills_as_well() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        bucket.charge(RATE, 20, start);
        let passed = (1..=1000)
            .filter(|ms| bucket.take(RATE, 1, start + Duration::from_millis(*ms)))
            .count();
        assert_eq!(passed, 10);
    }

    #[test]
    fn what_is_larger_than_the_bucket_needs_a_full_one_and_is_paid_for_in_the_end() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        assert!(bucket.take(RATE, 50, start));
        assert!(!bucket.take(RATE, 1, start + Duration::from_secs(3)));
        assert!(bucket.take(RATE, 1, start + Duration::from_millis(3_100)));
    }
}
