//! How did the last slots go? Which blocks came in them, how soon each was final here, and whose turns were missed.
//!
//! The driver tells of every block that it makes final; JSON-RPC shows what is kept. A turn counts as missed if a block was due
//! when its slot began, so that the authority had something to include, and the next block came in a later slot. What the node did not
//! see live, because it caught up, is not counted: nobody can say afterwards when something began to wait.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

use ledger_api::SLOTS_PER_QUESTION_MAX;
use ledger_chainspec::{BlockHash, BlockNumber, ConsensusKey, Slot, UnixMillis, ValidatorSet};
use ledger_consensus::Schedule;
use metrics::{counter, histogram};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::telemetry::metering::{FINALITY_SECONDS, MISSED_SLOTS};

/// Slots that are remembered, the newest.
pub const SLOTS_KEPT_MAX: usize = 1_024;
const _: () = assert!(SLOTS_KEPT_MAX as u64 == SLOTS_PER_QUESTION_MAX);

/// Validators whose turns are counted; those that left make room for those that came.
const VALIDATORS_COUNTED_MAX: usize = 2 * ledger_chainspec::VALIDATORS_MAX;

/// A part of a slot: what came later than that before a slot may have come to its authority too late. A message takes a quarter of
/// a slot at most (R1).
const ON_ITS_WAY_PARTS: u64 = 4;

/// A block that became final, as the driver saw it.
#[derive(Clone, Copy, Debug)]
pub struct FinalFact<'a> {
    /// Its slot.
    pub slot: Slot,
    /// The slot of its parent.
    pub parent_slot: Slot,
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: BlockHash,
    /// Transactions in it.
    pub transactions: usize,
    /// The validators that decided it.
    pub set: &'a ValidatorSet,
    /// When the first of its transactions came here, if any waited here.
    pub waiting_since: Option<UnixMillis>,
    /// The time.
    pub now: UnixMillis,
}

/// A slot in which a block was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRecord {
    /// The slot.
    pub slot: Slot,
    /// Whose turn it was.
    pub authority: ConsensusKey,
    /// The block; `None` if the turn was missed.
    pub block: Option<SlotBlock>,
}

/// A block of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotBlock {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: BlockHash,
    /// Transactions in it.
    pub transactions: usize,
    /// Milliseconds from the start of its slot until it was final here.
    pub final_after_ms: u64,
}

/// What a validator made of its turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// Blocks that it made.
    pub blocks: u64,
    /// Turns that it missed.
    pub missed: u64,
}

/// The memory of slots.
#[derive(Debug)]
pub struct SlotLog {
    schedule: Schedule,
    heartbeat_slots: u64,
    since: Slot,
    kept: Mutex<Kept>,
    newest: watch::Sender<Option<Slot>>,
}

#[derive(Debug, Default)]
struct Kept {
    slots: VecDeque<SlotRecord>,
    turns: BTreeMap<ConsensusKey, Turns>,
}

impl SlotLog {
    /// An empty memory, begun at `now`.
    #[must_use]
    pub fn new(schedule: Schedule, heartbeat_slots: u64, now: UnixMillis) -> Self {
        Self {
            schedule,
            heartbeat_slots,
            since: schedule.slot_at(now),
            kept: Mutex::default(),
            newest: watch::Sender::new(None),
        }
    }

    /// The newest slot that is remembered, whenever it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Slot>> {
        self.newest.subscribe()
    }

    /// The slot from which on slots are remembered.
    #[must_use]
    pub const fn since(&self) -> Slot {
        self.since
    }

    /// Remembers a block, and the turns before it that were missed.
    pub fn on_final(&self, fact: &FinalFact<'_>) {
        let final_after_ms = fact.now.get().saturating_sub(self.schedule.start_of(fact.slot).get());
        histogram!(FINALITY_SECONDS).record(std::time::Duration::from_millis(final_after_ms));
        let missed = self.missed(fact);
        let forgotten = missed.end.saturating_sub(SLOTS_KEPT_MAX as u64);
        let mut kept = self.kept.lock();
        for slot in (missed.start.max(forgotten)..missed.end).map(Slot::new) {
            let authority = fact.set.authority(slot);
            counter!(MISSED_SLOTS, "authority" => authority.account.to_string()).increment(1);
            kept.add(SlotRecord {
                slot,
                authority: authority.consensus_key,
                block: None,
            });
        }
        kept.add(SlotRecord {
            slot: fact.slot,
            authority: fact.set.authority(fact.slot).consensus_key,
            block: Some(SlotBlock {
                number: fact.number,
                hash: fact.hash,
                transactions: fact.transactions,
                final_after_ms,
            }),
        });
        drop(kept);
        self.newest.send_replace(Some(fact.slot));
    }

    /// The newest `count` slots, oldest first.
    #[must_use]
    pub fn newest(&self, count: usize) -> Vec<SlotRecord> {
        let kept = self.kept.lock();
        let skipped = kept.slots.len().saturating_sub(count);
        kept.slots.iter().skip(skipped).copied().collect()
    }

    /// What a validator made of its turns so far.
    #[must_use]
    pub fn turns(&self, validator: &ConsensusKey) -> Turns {
        self.kept.lock().turns.get(validator).copied().unwrap_or_default()
    }

    /// The slots before the block's in which a block was due.
    fn missed(&self, fact: &FinalFact<'_>) -> Range<u64> {
        let after_parent = fact.parent_slot.get().saturating_add(1);
        let heartbeat = fact.parent_slot.get().saturating_add(self.heartbeat_slots);
        let slot_ms = self.schedule.start_of(Slot::new(1)).get();
        let waiting = fact.waiting_since.map(|since| {
            let heard = since.get().saturating_add(slot_ms / ON_ITS_WAY_PARTS);
            self.schedule.slot_at(UnixMillis::new(heard)).get().saturating_add(1)
        });
        let due = waiting.map_or(heartbeat, |slot| slot.min(heartbeat));
        let from = due.max(after_parent).max(self.since.get().saturating_add(1));
        from.min(fact.slot.get())..fact.slot.get()
    }
}

impl Kept {
    fn add(&mut self, record: SlotRecord) {
        if self.slots.len() >= SLOTS_KEPT_MAX {
            self.slots.pop_front();
        }
        self.slots.push_back(record);
        if !self.turns.contains_key(&record.authority) && self.turns.len() >= VALIDATORS_COUNTED_MAX {
            let known = self.slots.iter().map(|record| record.authority).collect::<Vec<_>>();
            self.turns.retain(|validator, _| known.contains(validator));
        }
        let turns = self.turns.entry(record.authority).or_default();
        match record.block {
            Some(_) => turns.blocks += 1,
            None => turns.missed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ledger_chainspec::ChainSpec;

    use super::*;

    const SLOT_MS: u64 = 1_000;
    const HEARTBEAT: u64 = 60;

    fn log() -> SlotLog {
        let schedule = Schedule::new(NonZeroU64::new(SLOT_MS).unwrap());
        SlotLog::new(schedule, HEARTBEAT, UnixMillis::new(0))
    }

    fn set() -> ValidatorSet {
        ChainSpec::testnet().validator_set()
    }

    /// A block of `slot` on one of `parent`, whose transaction came at `waiting` milliseconds.
    fn fact(set: &ValidatorSet, parent: u64, slot: u64, waiting: Option<u64>) -> FinalFact<'_> {
        FinalFact {
            slot: Slot::new(slot),
            parent_slot: Slot::new(parent),
            number: BlockNumber::new(slot),
            hash: BlockHash::new([7; 32].into()),
            transactions: 1,
            set,
            waiting_since: waiting.map(UnixMillis::new),
            now: UnixMillis::new(slot * SLOT_MS + 400),
        }
    }

    fn missed(parent: u64, slot: u64, waiting: Option<u64>) -> Vec<u64> {
        let (log, set) = (log(), set());
        log.on_final(&fact(&set, parent, slot, waiting));
        let slots = log.newest(SLOTS_KEPT_MAX);
        let missed = slots.iter().filter(|record| record.block.is_none());
        missed.map(|record| record.slot.get()).collect()
    }

    #[test]
    fn a_turn_is_missed_if_something_waited_before_it_and_no_block_came() {
        for (parent, slot, waiting, expected) in [
            (10, 11, Some(10_100), vec![]),
            // It came in slot 12, so that only the authorities of 13 and 14 had it in time.
            (10, 15, Some(12_300), vec![13, 14]),
            // Too late for the authority of slot 13 to have heard of it.
            (10, 15, Some(12_900), vec![14]),
            // It had waited since before the parent, which had no room for it.
            (10, 13, Some(3_000), vec![11, 12]),
            // Nothing waited here: an empty block, or one whose transactions came with it.
            (10, 40, None, vec![]),
            (10, 10 + HEARTBEAT, None, vec![]),
            (10, 12 + HEARTBEAT, None, vec![70, 71]),
        ] {
            assert_eq!(missed(parent, slot, waiting), expected, "{parent} {slot} {waiting:?}");
        }
    }

    #[test]
    fn what_each_validator_made_of_its_turns_is_counted() {
        let (log, set) = (log(), set());
        log.on_final(&fact(&set, 4, 7, Some(4_100)));
        let of = |slot: u64| log.turns(&set.authority(Slot::new(slot)).consensus_key);
        assert_eq!(of(7), Turns { blocks: 1, missed: 0 });
        assert_eq!(
            (of(5), of(6)),
            (Turns { blocks: 0, missed: 1 }, Turns { blocks: 0, missed: 1 })
        );
        assert_eq!(of(4), Turns::default());
        let newest = log.newest(1)[0];
        assert_eq!(newest.block.map(|block| block.final_after_ms), Some(400));
    }

    #[test]
    fn memory_is_bounded_and_what_happened_before_the_start_is_not_counted() {
        let (log, set) = (log(), set());
        log.on_final(&fact(&set, 0, 1_000_000, Some(0)));
        assert_eq!(log.newest(usize::MAX).len(), SLOTS_KEPT_MAX);
        assert_eq!(log.newest(usize::MAX).last().unwrap().slot, Slot::new(1_000_000));
        let late = SlotLog::new(log.schedule, HEARTBEAT, UnixMillis::new(50 * SLOT_MS));
        late.on_final(&fact(&set, 40, 53, Some(41_000)));
        let slots: Vec<_> = late.newest(9).iter().map(|record| record.slot.get()).collect();
        assert_eq!((slots, late.since()), (vec![51, 52, 53], Slot::new(50)));
    }
}
