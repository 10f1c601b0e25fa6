//! When does time alone call for something next (R11)?
//!
//! Between two wakes the engine needs no tick: a quiet chain sleeps until its heartbeat.

use ledger_chainspec::{Slot, UnixMillis};

use super::Engine;
use crate::effect::Effect;

impl Engine {
    /// Names the next moment at which time matters, if it is not the one named before.
    pub(super) fn schedule_wake(&mut self) {
        let wake = if self.halted { None } else { self.next_wake() };
        if wake != self.wake
            && let Some(at) = wake
        {
            self.effects.push(Effect::WakeAt(at));
        }
        self.wake = wake;
    }

    fn next_wake(&self) -> Option<UnixMillis> {
        let next = self.slot().next()?;
        let early_proposal = self.open.proposals.keys().find(|slot| **slot >= next).copied();
        let slot = [early_proposal, self.next_own_slot(next)].into_iter().flatten().min();
        let start = slot.map(|slot| self.params.schedule.start_of(slot));
        let show = self.lock_to_show().filter(|at| *at > self.now);
        [show, start].into_iter().flatten().min()
    }

    /// Our next slot, `next` at the earliest, in which there will be something to propose. After a clock went back the guard
    /// may still refuse that slot; then the wake was for nothing.
    fn next_own_slot(&self, next: Slot) -> Option<Slot> {
        if !self.is_signing() {
            return None;
        }
        let voter = self.voter.as_ref()?;
        if voter.guard.silent_since().is_some() {
            return None;
        }
        let mut earliest = next;
        if self.reproposable().is_none() {
            if !self.may_build() {
                return None;
            }
            earliest = earliest.max(self.first_slot_to_build());
            if !self.has_work && self.head.recovery.is_none() {
                earliest = earliest.max(self.heartbeat_slot());
            }
        }
        let position = u64::try_from(self.head.set.index_of(&voter.key)?).ok()?;
        let validators = u64::try_from(self.head.set.len()).ok()?;
        let wait = (position + validators - earliest.get() % validators) % validators;
        earliest.get().checked_add(wait).map(Slot::new)
    }
}
