//! Which slot is it, when does it start, and until when may what be done in it (R1, R2, R4)?
//!
//! Called by the engine with the time it was handed. Never asks a clock: time is an argument.

use std::num::NonZeroU64;

use ledger_chainspec::{Slot, UnixMillis};

/// Parts that a slot is divided into. A message takes two of them at most, since a slot is at least four one-way delays
/// long (R1).
const EIGHTHS: u64 = 8;

/// Prevotes that come later lead to no precommit: three quarters (R4).
const PRECOMMIT_EIGHTHS: u64 = 6;

/// Whoever is locked and sees nothing final by now shows its certificate: in time for the next authority, and later than most
/// slots are final.
const SHOW_EIGHTHS: u64 = 5;

const _: () = assert!(SHOW_EIGHTHS < PRECOMMIT_EIGHTHS);

/// The authority starts nothing later than this while others have to vote on it: its proposal and their prevotes would
/// both have to beat the precommit deadline.
const PROPOSAL_EIGHTHS: u64 = 2;

/// As [`PROPOSAL_EIGHTHS`], for a validator that is alone and waits for no message.
const PROPOSAL_ALONE_EIGHTHS: u64 = 4;

/// Time that is left for building to whoever started at the last moment.
const BUILD_EIGHTHS: u64 = 1;

/// Parts of a slot that the local clock may be off (R9).
const CLOCK_TOLERANCE_PARTS: u64 = 8;

/// The division of time into slots; fixed for a chain's life (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    slot_duration_ms: NonZeroU64,
}

impl Schedule {
    /// A schedule of slots that each last `slot_duration_ms`.
    pub const fn new(slot_duration_ms: NonZeroU64) -> Self {
        Self { slot_duration_ms }
    }

    /// The slot that `now` lies in.
    pub fn slot_at(&self, now: UnixMillis) -> Slot {
        Slot::new(now.get() / self.slot_duration_ms)
    }

    /// The first millisecond of `slot`; the end of time for a slot beyond it.
    pub fn start_of(&self, slot: Slot) -> UnixMillis {
        UnixMillis::new(slot.get().saturating_mul(self.slot_duration_ms.get()))
    }

    /// The timestamp of a block built in `slot`: the slot's start in whole seconds.
    pub fn timestamp_of(&self, slot: Slot) -> u64 {
        self.start_of(slot).get() / 1_000
    }

    /// The moment from which prevotes no longer lead to a precommit: three quarters of `slot` (R4).
    pub fn precommit_deadline(&self, slot: Slot) -> UnixMillis {
        self.part_of(slot, PRECOMMIT_EIGHTHS)
    }

    /// The moment from which a lock of `slot` is shown, if nothing is final by then (R4).
    pub fn lock_shown_at(&self, slot: Slot) -> UnixMillis {
        self.part_of(slot, SHOW_EIGHTHS)
    }

    /// The moment from which the authority of `slot` no longer starts a proposal: a quarter of the slot, or half of it for a
    /// validator that is alone.
    pub fn proposal_deadline(&self, slot: Slot, validators: usize) -> UnixMillis {
        self.part_of(
            slot,
            if validators > 1 {
                PROPOSAL_EIGHTHS
            } else {
                PROPOSAL_ALONE_EIGHTHS
            },
        )
    }

    /// The moment from which a block that is being built should take no more transactions: an eighth of the slot after the
    /// proposal deadline.
    pub fn build_deadline(&self, slot: Slot, validators: usize) -> UnixMillis {
        let eighth = self.slot_duration_ms.get() / EIGHTHS * BUILD_EIGHTHS;
        UnixMillis::new(self.proposal_deadline(slot, validators).get().saturating_add(eighth))
    }

    /// How far the local clock may be from the peers' median, in milliseconds: an eighth of a slot (R9).
    pub fn clock_tolerance_ms(&self) -> u64 {
        self.slot_duration_ms.get() / CLOCK_TOLERANCE_PARTS
    }

    fn part_of(&self, slot: Slot, eighths: u64) -> UnixMillis {
        let part = self.slot_duration_ms.get() / EIGHTHS * eighths;
        UnixMillis::new(self.start_of(slot).get().saturating_add(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(ms: u64) -> Schedule {
        Schedule::new(NonZeroU64::new(ms).expect("not zero"))
    }

    #[test]
    fn a_slot_lasts_from_its_first_to_its_last_millisecond() {
        let schedule = schedule(1_000);
        for (now, slot) in [(0, 0), (999, 0), (1_000, 1), (1_999, 1), (2_000, 2)] {
            assert_eq!(schedule.slot_at(UnixMillis::new(now)), Slot::new(slot), "at {now}");
        }
        assert_eq!(schedule.start_of(Slot::new(7)), UnixMillis::new(7_000));
    }

    #[test]
    fn deadlines_lie_inside_the_slot_in_order() {
        let schedule = schedule(4_000);
        let slot = Slot::new(10);
        assert_eq!(schedule.proposal_deadline(slot, 4), UnixMillis::new(41_000));
        assert_eq!(schedule.build_deadline(slot, 4), UnixMillis::new(41_500));
        assert_eq!(schedule.proposal_deadline(slot, 1), UnixMillis::new(42_000));
        assert_eq!(schedule.build_deadline(slot, 1), UnixMillis::new(42_500));
        assert_eq!(schedule.precommit_deadline(slot), UnixMillis::new(43_000));
        assert_eq!(schedule.clock_tolerance_ms(), 500);
    }

    #[test]
    fn timestamps_are_whole_seconds_of_the_slots_start() {
        assert_eq!(schedule(1_000).timestamp_of(Slot::new(5)), 5);
        assert_eq!(schedule(400).timestamp_of(Slot::new(4)), 1);
    }

    #[test]
    fn the_last_slot_does_not_overflow() {
        let schedule = schedule(1_000);
        assert_eq!(schedule.start_of(Slot::new(u64::MAX)), UnixMillis::new(u64::MAX));
        assert_eq!(
            schedule.precommit_deadline(Slot::new(u64::MAX)),
            UnixMillis::new(u64::MAX)
        );
    }
}
