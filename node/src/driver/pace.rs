//! How much of a slot does building a block get on this machine, after what it took before?
//!
//! Called by the driver alone. A block that comes too late for its slot is lost, and the next slot would try the same
//! transactions again: without this, a machine that is too slow for what waits would never make a block. So after a late
//! block the next one gets half the time for its transactions, and after one in time a little more. Pure: it is told the
//! time.

use alloy_primitives::B256;
use ledger_chainspec::UnixMillis;

/// Parts that the time for transactions is divided into; the least is one.
const PARTS: u64 = 64;

/// Parts that a block in time gives back.
const PARTS_REGAINED: u64 = 4;

/// Times in a row that a transaction alone may make its block late before it is held to be too slow; once may have been
/// the machine.
const LATE_ALONE_MAX: u32 = 2;

/// How building went so far.
#[derive(Debug)]
pub(super) struct Pace {
    parts: u64,
    /// The transaction that was alone in the newest late block, and how often in a row.
    alone: Option<(B256, u32)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            parts: PARTS,
            alone: None,
        }
    }
}

impl Pace {
    /// Until when a build that starts at `now` takes transactions after its first one, where consensus allows it until
    /// `deadline`.
    pub(super) fn deadline(&self, now: UnixMillis, deadline: UnixMillis) -> UnixMillis {
        let time = deadline.get().saturating_sub(now.get());
        UnixMillis::new(now.get().saturating_add(time.saturating_mul(self.parts) / PARTS))
    }

    /// A block came in time.
    pub(super) fn in_time(&mut self) {
        self.parts = (self.parts + PARTS_REGAINED).min(PARTS);
        self.alone = None;
    }

    /// A block came too late; `alone` names its transaction if it held only one. Gives it back if it is too slow for this
    /// machine.
    pub(super) fn late(&mut self, alone: Option<B256>) -> Option<B256> {
        self.parts = (self.parts / 2).max(1);
        let times = match (self.alone, alone) {
            (Some((before, times)), Some(now)) if before == now => times + 1,
            _ => 1,
        };
        self.alone = alone.map(|transaction| (transaction, times));
        alone.filter(|_| times >= LATE_ALONE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_000);
    const DEADLINE: UnixMillis = UnixMillis::new(1_640);

    fn given(pace: &Pace) -> u64 {
        pace.deadline(START, DEADLINE).get() - START.get()
    }

    #[test]
    fn a_late_block_halves_the_time_and_blocks_in_time_give_it_back() {
        let mut pace = Pace::default();
        assert_eq!(given(&pace), 640);
        for left in [320, 160, 80, 40, 20, 10, 10] {
            pace.late(None);
            assert_eq!(given(&pace), left);
        }
        pace.in_time();
        assert_eq!(given(&pace), 50);
        for _ in 0..20 {
            pace.in_time();
        }
        assert_eq!(given(&pace), 640);
    }

    #[test]
    fn only_a_transaction_that_is_late_alone_twice_in_a_row_is_too_slow() {
        let (slow, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let mut pace = Pace::default();
        assert_eq!(pace.late(None), None);
        assert_eq!(pace.late(Some(slow)), None);
        assert_eq!(pace.late(Some(other)), None);
        assert_eq!(pace.late(Some(slow)), None);
        pace.in_time();
        assert_eq!(pace.late(Some(slow)), None);
        assert_eq!(pace.late(Some(slow)), Some(slow));
    }

    #[test]
    fn a_build_that_starts_after_its_deadline_has_no_time() {
        let late = UnixMillis::new(2_000);
        assert_eq!(Pace::default().deadline(late, DEADLINE), late);
    }
}
