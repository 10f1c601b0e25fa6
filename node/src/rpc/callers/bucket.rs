//! How much may a caller still ask for? A token bucket that can go into debt: what a request will cost is often known only
//! afterwards.
//!
//! Pure: the time comes in as an argument. Counts in thousandths of a unit, so that slow refills are not rounded away.

use std::time::{Duration, Instant};

/// Thousandths in a unit.
const MILLI: i64 = 1000;

/// Debt beyond which nothing is counted, in seconds of paying it off: a caller that once asked for very dear things waits for
/// a minute and not for ever.
const DEBT_SECONDS_MAX: i64 = 60;

/// How fast a bucket fills and how full it can be, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Units that come back each second.
    pub per_second: u32,
    /// Units of a full bucket.
    pub burst: u32,
}

/// A caller's bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: i64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(allowance: Allowance, now: Instant) -> Self {
        Self {
            level: i64::from(allowance.burst) * MILLI,
            filled: now,
        }
    }

    /// Takes `units` if anything is left at all; the bucket may then be in debt.
    ///
    /// # Errors
    /// How long it takes until something is left.
    pub(super) fn take(&mut self, units: u32, allowance: Allowance, now: Instant) -> Result<(), Duration> {
        match self.wait(allowance, now) {
            Some(wait) => Err(wait),
            None => {
                self.charge(units, allowance);
                Ok(())
            }
        }
    }

    /// Takes `units` whatever is left.
    pub(super) fn charge(&mut self, units: u32, allowance: Allowance) {
        let least = -DEBT_SECONDS_MAX * i64::from(allowance.per_second) * MILLI;
        self.level = (self.level - i64::from(units) * MILLI).max(least);
    }

    /// How long until something is left; none if something is.
    pub(super) fn wait(&mut self, allowance: Allowance, now: Instant) -> Option<Duration> {
        self.fill(allowance, now);
        if self.level > 0 {
            return None;
        }
        let missing = u64::try_from(1 - self.level).unwrap_or(0);
        // A thousandth of a unit per second is one per millisecond and unit.
        Some(Duration::from_millis(
            missing.div_ceil(u64::from(allowance.per_second.max(1))),
        ))
    }

    /// Thousandths of a unit that are missing from a full bucket.
    pub(super) fn used(&mut self, allowance: Allowance, now: Instant) -> u64 {
        self.fill(allowance, now);
        u64::try_from(i64::from(allowance.burst) * MILLI - self.level).unwrap_or(0)
    }

    fn fill(&mut self, allowance: Allowance, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        let millis = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        if millis == 0 {
            return;
        }
        // What is left of a millisecond counts the next time.
        self.filled += Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        let more = millis.saturating_mul(i64::from(allowance.per_second));
        self.level = self.level.saturating_add(more).min(i64::from(allowance.burst) * MILLI);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOWANCE: Allowance = Allowance {
        per_second: 10,
        burst: 100,
    };

    #[test]
    fn a_burst_is_there_at_once_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(ALLOWANCE, start);
        for _ in 0..100 {
            assert_eq!(bucket.take(1, ALLOWANCE, start), Ok(()));
        }
        let wait = bucket.take(1, ALLOWANCE, start).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert!(bucket.take(1, ALLOWANCE, start + wait).is_ok());
        let later = start + Duration::from_secs(1);
        let taken = (0..100).filter(|_| bucket.take(1, ALLOWANCE, later).is_ok()).count();
        assert_eq!(taken, 9, "ten came back, and one was taken already");
    }

    #[test]
    fn what_was_dear_is_paid_off_before_anything_else() {
        let start = Instant::now();
        let mut bucket = Bucket::full(ALLOWANCE, start);
        bucket.charge(150, ALLOWANCE);
        assert!(bucket.take(1, ALLOWANCE, start + Duration::from_secs(4)).is_err());
        assert!(bucket.take(1, ALLOWANCE, start + Duration::from_secs(6)).is_ok());
    }

    #[test]
    fn no_debt_lasts_for_ever() {
        let start = Instant::now();
        let mut bucket = Bucket::full(ALLOWANCE, start);
        bucket.charge(u32::MAX, ALLOWANCE);
        let wait = bucket.wait(ALLOWANCE, start).unwrap();
        assert!(wait <= Duration::from_secs(61), "{wait:?}");
        assert_eq!(bucket.used(ALLOWANCE, start + Duration::from_secs(71)), 0);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_burst_and_rate(steps in prop::collection::vec((1u32..20, 0u64..500), 1..200)) {
            let start = Instant::now();
            let (mut bucket, mut now, mut taken) = (Bucket::full(ALLOWANCE, start), start, 0u64);
            for (units, millis) in steps {
                now += Duration::from_millis(millis);
                if bucket.take(units, ALLOWANCE, now).is_ok() {
                    taken += u64::from(units);
                }
                let most = 100 + u64::try_from((now - start).as_millis()).unwrap() / 100 + 20;
                prop_assert!(taken <= most, "{taken} of {most}");
            }
        }
    }
}
