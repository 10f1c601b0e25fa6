//! Does this caller ask too often? One bucket for reads and one for commands for each address.
//!
//! Callers behind one IPv6 network of 64 bits count as one: that is what a subscriber gets. The address is that of the connection, or
//! the one that a proxy tells which the operator named; any other proxy counts as one caller.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};

use super::limits::CALLERS_COUNTED_MAX;

/// A bucket for each caller.
#[derive(Debug)]
pub(super) struct Buckets {
    clock: DefaultClock,
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
}

impl Buckets {
    /// Full buckets for everybody.
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            clock: DefaultClock::default(),
            limiter: RateLimiter::hashmap(quota),
        }
    }

    /// Takes one out of a caller's bucket.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), Duration> {
        if self.limiter.len() >= CALLERS_COUNTED_MAX {
            // Full buckets are as good as none.
            self.limiter.retain_recent();
            if self.limiter.len() >= CALLERS_COUNTED_MAX {
                return Err(Duration::from_secs(1));
            }
        }
        let checked = self.limiter.check_key(&subscriber(address));
        checked.map_err(|refused| refused.wait_time_from(self.clock.now()))
    }
}

/// How fast a bucket fills, and how much is in a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that come back each second.
    pub per_second: NonZeroU32,
    /// Requests of a full bucket.
    pub burst: NonZeroU32,
}

/// What a request is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It changes nothing.
    Read,
    /// It may.
    Write,
}

/// The buckets of all callers.
#[derive(Debug)]
pub struct Callers {
    reads: Buckets,
    writes: Buckets,
}

impl Callers {
    /// Full buckets for everybody.
    pub fn new(reads: Allowance, writes: Allowance) -> Self {
        let buckets =
            |allowance: Allowance| Buckets::new(Quota::per_second(allowance.per_second).allow_burst(allowance.burst));
        Self {
            reads: buckets(reads),
            writes: buckets(writes),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub fn count(&self, address: IpAddr, deed: Deed) -> Result<(), Duration> {
        match deed {
            Deed::Read => self.reads.count(address),
            Deed::Write => self.writes.count(address),
        }
    }
}

/// What one subscriber's addresses have in common.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(per_second: u32, burst: u32) -> Allowance {
        Allowance {
            per_second: NonZeroU32::new(per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    #[test]
    fn one_caller_is_stopped_after_its_burst_and_no_other() {
        let callers = Callers::new(allowance(1, 100), allowance(1, 2));
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let writes = |address| {
            (0..4)
                .map(|_| callers.count(address, Deed::Write).is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(writes(here), [true, true, false, false]);
        assert!(callers.count(here, Deed::Write).unwrap_err() <= Duration::from_secs(1));
        assert!(callers.count(here, Deed::Read).is_ok(), "reads are counted apart");
        assert_eq!(writes(there), [true, true, false, false]);
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_caller() {
        for (address, expected) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(subscriber(address.parse().unwrap()), expected, "{address}");
        }
    }
}
