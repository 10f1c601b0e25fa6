//! What breaks besides the network's messages: the network as a whole, processes, disks and clocks; and how all is repaired.

use super::{
    chain::SLOT_MS,
    setup::Cuts,
    world::{Event, World},
};

/// A killed process carries out less than this many effects more.
const EFFECTS_LEFT_MAX: u64 = 14;
/// Restarts that find no guard record, of all, where guards may be lost.
const LOST_GUARD_PERCENT: u64 = 15;
/// How far a clock jumps at most.
const CLOCK_JUMP_SLOTS: u64 = 3;

impl World {
    /// Once per slot, until calm begins.
    pub(super) fn chaos(&mut self) {
        let faults = self.setup.faults;
        if self.random.percent(self.setup.network.cut_percent) {
            self.cut();
        }
        for node in 0..self.nodes.len() {
            if self.random.percent(faults.crash_percent) && self.nodes[node].is_up() {
                self.nodes[node].effects_left = Some(self.random.below(EFFECTS_LEFT_MAX));
                let loses_guard = faults.loses_guards && self.random.percent(LOST_GUARD_PERCENT);
                let back = self.now + SLOT_MS / 2 + self.random.below(faults.down_slots_max * SLOT_MS);
                self.schedule(back, Event::Restart { node, loses_guard });
            }
            if self.random.percent(faults.clock_percent) {
                let jump = self.random.below(2 * CLOCK_JUMP_SLOTS * SLOT_MS);
                let jump = i64::try_from(jump).unwrap_or_default();
                let middle = i64::try_from(CLOCK_JUMP_SLOTS * SLOT_MS).unwrap_or_default();
                let when = self.now + self.random.below(SLOT_MS);
                self.set_skew(node, jump - middle, when);
            }
        }
    }

    fn cut(&mut self) {
        let (count, few) = (self.nodes.len(), self.setup.tolerated());
        let parts = 1 + self.random.below(3);
        let shift = self.random.index(count);
        let is_healed = self.random.percent(30);
        for node in 0..count {
            let turned = (node + shift) % count;
            self.nodes[node].group = match self.setup.network.cuts {
                Cuts::Random => self.random.below(parts),
                Cuts::Halves | Cuts::FewFromMany if is_healed => 0,
                Cuts::Halves => u64::from(turned < count / 2),
                Cuts::FewFromMany => u64::from(turned < few.max(1)),
            };
        }
    }

    /// The node's clock is wrong from now on; its driver finds out at `noticed`.
    fn set_skew(&mut self, node: usize, skew_ms: i64, noticed: u64) {
        self.nodes[node].skew_ms = skew_ms;
        self.wake_later(node);
        self.schedule(noticed, Event::Offset { node });
    }

    /// Only `node` knows of its newest block, and whoever else helped to decide it has only its disk left.
    pub(super) fn ambush(&mut self, node: usize) {
        self.queue
            .retain(|_, event| !matches!(event, Event::Deliver { from, .. } if *from == node));
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.nodes[other].group = 0;
            if self.nodes[other].is_up() {
                self.kill(other, None);
                let back = self.now + SLOT_MS / 2 + self.random.below(SLOT_MS);
                let event = Event::Restart {
                    node: other,
                    loses_guard: false,
                };
                self.schedule(back, event);
            }
        }
        self.nodes[node].group = 1;
    }

    /// A killed process starts again, with its guard record or without.
    pub(super) fn restart(&mut self, node: usize, loses_guard: bool) {
        if self.nodes[node].is_up() {
            // It was to be killed, but had nothing to do since.
            if self.nodes[node].effects_left.is_none() {
                return;
            }
            self.kill(node, None);
        }
        let is_anyone_silent = self.living().any(|other| self.nodes[other].is_silent());
        if loses_guard && !is_anyone_silent {
            self.nodes[node].disk.guard = None;
        }
        self.start(node);
    }

    /// From now on the network keeps its bounds, everybody runs and every clock is right. Who is bad stays bad.
    pub(super) fn calm(&mut self) {
        self.is_calm = true;
        for node in self.living() {
            self.nodes[node].group = 0;
            self.nodes[node].effects_left = None;
            if self.setup.faults.clock_percent > 0 {
                let skew = self.small_skew();
                self.set_skew(node, skew, self.now);
            }
            if !self.nodes[node].is_up() {
                self.start(node);
            }
        }
    }
}
