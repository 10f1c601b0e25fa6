//! How much gas does the next block get, after what became of those before it?
//!
//! Called by the driver alone. A block that is not final within its slot is lost, and the next slot would try the same
//! transactions again: without this, machines that are too slow for what waits would never agree on a block. A node learns from
//! every block that it hears of: a lost one halves the next, whoever makes it, and one that was final early makes room for a
//! larger one; one begun ahead that was final late makes room for a little less. A chain starts small, since nobody knows what a sudden crowd will cost before it is there. Pure: it is told the time.

use std::num::NonZeroU64;

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, Slot, UnixMillis};

/// What a node begins with, in parts of a block's gas limit: a quarter.
const START_PARTS: u64 = 4;

/// The least, in parts of a block's gas limit: room for some transactions, so that reserved senders are not held up by one another.
const LEAST_PARTS: u64 = 256;

/// Most that the next block may be of one in good time: twice as large.
const GROWTH_MAX: u64 = 2;

/// Times in a row that a transaction alone may make its block late before it is held to be too slow; once may have been
/// the machine.
const LATE_ALONE_MAX: u32 = 2;

/// The most that a full block which was begun ahead and is final late takes from the next one, in parts of its own gas: an eighth.
const SHRINK_PARTS: u64 = 8;

/// Until when a block of a slot should be final.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotTimes {
    /// The slot's start, or when the block was begun if that was before.
    pub(super) start: UnixMillis,
    /// It was begun before its slot, and is full: the later it is final, the later the next one can be begun.
    pub(super) is_full_ahead: bool,
    /// A block that is final earlier leaves room for a larger one.
    pub(super) early: UnixMillis,
    /// The slot's end.
    pub(super) end: UnixMillis,
}

/// A block whose fate is open.
#[derive(Clone, Copy, Debug)]
struct Proposed {
    slot: Slot,
    gas: u64,
    /// None if it was built here: that is right.
    hash: Option<BlockHash>,
}

/// How blocks went so far.
#[derive(Debug)]
pub(super) struct Pace {
    /// A block's gas limit.
    gas_limit: u64,
    /// Gas after which the next block takes no more transactions.
    gas_target: u64,
    /// The newest block that was proposed and is not final.
    proposed: Option<Proposed>,
    /// The transaction that was alone in the newest late block, and how often in a row.
    alone: Option<(B256, u32)>,
}

impl Pace {
    /// The pace of a chain with this gas limit for a block.
    pub(super) const fn new(gas_limit: u64) -> Self {
        Self {
            gas_limit,
            gas_target: gas_limit / START_PARTS,
            proposed: None,
            alone: None,
        }
    }

    /// Gas after which the block of `slot` takes no more transactions.
    pub(super) fn gas_target(&mut self, slot: Slot) -> u64 {
        self.give_up_before(slot);
        self.gas_target
    }

    /// A block of `slot` that uses `gas` was proposed; its hash is known if others made it.
    pub(super) fn proposed(&mut self, slot: Slot, gas: u64, hash: Option<BlockHash>) {
        self.give_up_before(slot);
        if self.proposed.is_none_or(|newest| newest.slot < slot) {
            self.proposed = Some(Proposed { slot, gas, hash });
        }
    }

    /// The block was wrong: whatever becomes of it, it was not for want of time.
    pub(super) fn wrong(&mut self, hash: &BlockHash) {
        self.proposed.take_if(|proposed| proposed.hash.as_ref() == Some(hash));
    }

    /// The block of `slot`, which used `gas`, is final `now`.
    pub(super) fn decided(&mut self, slot: Slot, gas: u64, times: SlotTimes, now: UnixMillis) {
        let open = self.proposed.take_if(|newest| newest.slot <= slot);
        if now >= times.end {
            // One that was given up was counted then; one that was never proposed here tells how far behind this node is.
            if open.is_some_and(|newest| newest.slot == slot) {
                self.too_much(gas);
            }
            return;
        }
        self.alone = None;
        let since_start = |moment: UnixMillis| moment.get().saturating_sub(times.start.get());
        let took = NonZeroU64::new(since_start(now)).unwrap_or(NonZeroU64::MIN);
        // What it would have used until then, had it gone on as it began.
        let possible = gas.saturating_mul(since_start(times.early)) / took;
        let most = self.gas_target.max(gas).saturating_mul(GROWTH_MAX).min(self.gas_limit);
        self.gas_target = match times.is_full_ahead && possible < gas {
            true => possible.max(gas - gas / SHRINK_PARTS).max(self.least()),
            false => self.gas_target.max(possible.min(most)),
        };
    }

    /// A block built here came too late for its slot; `alone` names its transaction if it held only one.
    /// Gives it back if it is too slow for this machine.
    pub(super) fn late(&mut self, alone: Option<B256>) -> Option<B256> {
        self.halve();
        let times = match (self.alone, alone) {
            (Some((before, times)), Some(now)) if before == now => times + 1,
            _ => 1,
        };
        self.alone = alone.map(|transaction| (transaction, times));
        alone.filter(|_| times >= LATE_ALONE_MAX)
    }

    /// What was proposed before `slot` and is not final by now did not make it.
    fn give_up_before(&mut self, slot: Slot) {
        if let Some(lost) = self.proposed.take_if(|proposed| proposed.slot < slot) {
            self.too_much(lost.gas);
        }
    }

    /// A block of `gas` took too long. The smallest ones do so for another reason.
    fn too_much(&mut self, gas: u64) {
        if gas > self.least() {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.gas_target = (self.gas_target / 2).max(self.least());
    }

    const fn least(&self) -> u64 {
        self.gas_limit / LEAST_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 160_000_000;
    const START: u64 = MOST / START_PARTS;

    fn moment(ms: u64) -> UnixMillis {
        UnixMillis::new(ms)
    }

    /// Of slots of a second.
    fn times(slot: u64) -> SlotTimes {
        SlotTimes {
            start: moment(slot * 1000),
            is_full_ahead: false,
            early: moment(slot * 1000 + 600),
            end: moment(slot * 1000 + 1000),
        }
    }

    /// The pace after a full block of `slot` that was final so many milliseconds after the slot's start.
    fn after(pace: &mut Pace, slot: u64, ms: u64) -> u64 {
        let gas = pace.gas_target(Slot::new(slot));
        pace.proposed(Slot::new(slot), gas, None);
        pace.decided(Slot::new(slot), gas, times(slot), moment(slot * 1000 + ms));
        pace.gas_target(Slot::new(slot + 1))
    }

    #[test]
    fn blocks_grow_while_they_are_final_early_and_no_further_than_the_limit() {
        let mut pace = Pace::new(MOST);
        assert_eq!(pace.gas_target(Slot::new(1)), START);
        assert_eq!(after(&mut pace, 1, 0), START * 2);
        assert_eq!(after(&mut pace, 2, 500), START * 2 * 6 / 5);
        assert_eq!(after(&mut pace, 3, 600), START * 2 * 6 / 5);
        assert_eq!(after(&mut pace, 4, 999), START * 2 * 6 / 5);
        assert_eq!(after(&mut pace, 5, 100), MOST);
        assert_eq!(after(&mut pace, 6, 100), MOST);
    }

    #[test]
    fn a_lost_block_halves_the_next_one_of_whoever_hears_of_it() {
        let mut pace = Pace::new(MOST);
        pace.proposed(Slot::new(1), START, None);
        // Its slot is not over.
        assert_eq!(pace.gas_target(Slot::new(1)), START);
        assert_eq!(pace.gas_target(Slot::new(2)), START / 2);
        pace.proposed(Slot::new(2), START / 2, None);
        pace.proposed(Slot::new(4), START / 4, None);
        assert_eq!(pace.gas_target(Slot::new(4)), START / 4);
        // What was given up is not counted a second time when it becomes final after all.
        pace.decided(Slot::new(2), START / 2, times(2), moment(4_100));
        assert_eq!(pace.gas_target(Slot::new(4)), START / 4);
        // Final after its slot is as bad.
        assert_eq!(after(&mut pace, 4, 1000), START / 8);
    }

    #[test]
    fn it_never_falls_below_the_least_and_grows_from_there() {
        let mut pace = Pace::new(MOST);
        for slot in 1..40 {
            pace.proposed(Slot::new(slot), MOST, None);
        }
        let least = MOST / LEAST_PARTS;
        assert_eq!(pace.gas_target(Slot::new(40)), least);
        // A first transaction may use more than that.
        pace.decided(Slot::new(40), least * 3, times(40), moment(40_100));
        assert_eq!(pace.gas_target(Slot::new(41)), least * 6);
    }

    #[test]
    fn a_small_block_makes_as_much_room_as_its_time_shows() {
        let mut pace = Pace::new(MOST);
        // At this rate an eighth of the limit takes the time that there is.
        pace.decided(Slot::new(1), MOST / 32, times(1), moment(1_150));
        assert_eq!(pace.gas_target(Slot::new(2)), START);
        // At this one, it is three eighths.
        pace.decided(Slot::new(2), MOST / 32, times(2), moment(2_050));
        assert_eq!(pace.gas_target(Slot::new(3)), MOST / 8 * 3);
        // Nothing says nothing.
        pace.decided(Slot::new(3), 0, times(3), moment(3_000));
        assert_eq!(pace.gas_target(Slot::new(4)), MOST / 8 * 3);
    }

    #[test]
    fn a_full_block_begun_ahead_that_is_final_late_makes_less_room() {
        let mut pace = Pace::new(MOST);
        // Each was begun when half of the slot before was over. The last is full of less, as by the open lane's share.
        for (slot, gas, end, next) in [
            (2, START * 2, 700, START * 2 * 11 / 12),
            (3, START * 2, 990, START * 2 / 8 * 7),
            (4, START, 990, START / 8 * 7),
        ] {
            let mut ahead = times(slot);
            (ahead.start, ahead.is_full_ahead) = (moment(slot * 1000 - 500), true);
            pace.decided(Slot::new(slot), gas, ahead, moment(slot * 1000 + end));
            assert_eq!(pace.gas_target(Slot::new(slot + 1)), next, "slot {slot}");
        }
    }

    #[test]
    fn the_smallest_blocks_are_lost_for_another_reason() {
        let mut pace = Pace::new(MOST);
        for lost in [0, MOST / LEAST_PARTS] {
            pace.proposed(Slot::new(2), lost, None);
            assert_eq!(pace.gas_target(Slot::new(3)), START);
            pace.decided(Slot::new(3), lost, times(3), moment(9_000));
            assert_eq!(pace.gas_target(Slot::new(4)), START);
        }
        // A slow machine's block is small because there was no time for more.
        pace.proposed(Slot::new(4), START / 10, None);
        assert_eq!(pace.gas_target(Slot::new(5)), START / 2);
    }

    #[test]
    fn a_wrong_block_says_nothing_of_time() {
        let (wrong, other) = [1, 2].map(|byte| BlockHash::new(B256::repeat_byte(byte))).into();
        let mut pace = Pace::new(MOST);
        pace.proposed(Slot::new(1), START, Some(wrong));
        pace.wrong(&wrong);
        assert_eq!(pace.gas_target(Slot::new(2)), START);
        pace.proposed(Slot::new(2), START, Some(other));
        pace.wrong(&wrong);
        assert_eq!(pace.gas_target(Slot::new(3)), START / 2);
    }

    #[test]
    fn an_older_block_that_becomes_final_leaves_the_newer_one_open() {
        let mut pace = Pace::new(MOST);
        pace.proposed(Slot::new(5), START, None);
        pace.proposed(Slot::new(4), START, None);
        pace.decided(Slot::new(4), 0, times(4), moment(4_100));
        assert_eq!(pace.gas_target(Slot::new(6)), START / 2);
    }

    #[test]
    fn only_a_transaction_that_is_late_alone_twice_in_a_row_is_too_slow() {
        let (slow, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let mut pace = Pace::new(MOST);
        assert_eq!(pace.late(None), None);
        assert_eq!(pace.gas_target(Slot::new(1)), START / 2);
        assert_eq!(pace.late(Some(slow)), None);
        assert_eq!(pace.late(Some(other)), None);
        assert_eq!(pace.late(Some(slow)), None);
        pace.decided(Slot::new(1), 0, times(1), moment(1_100));
        assert_eq!(pace.late(Some(slow)), None);
        assert_eq!(pace.late(Some(slow)), Some(slow));
    }
}
