//! Virtual time, and everything that happens in it, in the one order that a seed gives.
//!
//! The world owns the nodes and hands each event to what it is for: `driver` carries out effects, `network` carries messages,
//! `faults` breaks things, `byzantine` lies. Nothing here asks a clock or draws from any chance but the seed's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ledger_chainspec::{Block, BlockHash, PrevoteCertificate, Slot, UnixMillis};
use ledger_mutants::{BuildOutcome, Input, Message, ValidationOutcome};

use super::{
    chain::{Chain, Change, GENESIS_SLOT, SLOT_MS},
    check::{Checker, Violation},
    node::Node,
    setup::{CALM_BLOCKS_MIN, Promise, Role, SetChanges, Setup},
    trace::Trace,
};
use crate::random::Random;

/// Slots after the end of chaos in which late messages and restarts may still come.
const GRACE_SLOTS: u64 = 4;

/// Something that happens at a moment.
pub(super) enum Event {
    Deliver {
        to: usize,
        from: usize,
        message: Message,
    },
    Wake {
        node: usize,
        at: UnixMillis,
    },
    Built {
        node: usize,
        life: u64,
        slot: Slot,
        outcome: BuildOutcome,
    },
    Validated {
        node: usize,
        life: u64,
        hash: BlockHash,
        outcome: ValidationOutcome,
    },
    Stored {
        node: usize,
        life: u64,
    },
    Fetched {
        node: usize,
        life: u64,
        hash: BlockHash,
        tries: u64,
    },
    CatchUp {
        node: usize,
        life: u64,
        peer: usize,
    },
    Restart {
        node: usize,
        loses_guard: bool,
    },
    Offset {
        node: usize,
    },
    Mischief {
        node: usize,
    },
    Chaos,
    Calm,
}

/// A run while it lasts.
pub struct World {
    pub(super) setup: Setup,
    pub(super) chain: Chain,
    pub(super) random: Random,
    pub(super) nodes: Vec<Node>,
    pub(super) checker: Checker,
    pub(super) trace: Trace,
    pub(super) now: u64,
    pub(super) is_calm: bool,
    /// The highest block that any node has committed.
    pub(super) highest: u64,
    /// Who has which block.
    pub(super) holders: BTreeMap<BlockHash, (Arc<Block>, BTreeSet<usize>)>,
    /// Validators that evidence proves to be bad.
    pub(super) proven: BTreeSet<usize>,
    /// What liars have overheard.
    pub(super) overheard: Vec<Message>,
    /// Certificates that liars have overheard.
    pub(super) certificates: Vec<PrevoteCertificate>,
    pub(super) queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What must not be, in the order in which it was.
    pub violations: Vec<Violation>,
    /// Was there a fork, allowed or not?
    pub forked: bool,
    /// Validators that their own statements prove to be bad.
    pub named: usize,
    /// Slots that the run lasted.
    pub slots: u64,
    /// Slots in which a block became final.
    pub final_slots: u64,
    /// Most slots from one final block to the next.
    pub worst_gap: u64,
    /// Blocks that became final.
    pub blocks: u64,
    /// Stands for everything that happened.
    pub trace: u64,
}

/// Runs one seed.
pub fn run(setup: &Setup, seed: u64) -> Outcome {
    World::new(*setup, seed, Trace::default()).finish().0
}

/// Runs one seed, and tells what happened in lines.
pub fn run_with_lines(setup: &Setup, seed: u64) -> (Outcome, Vec<String>) {
    let (outcome, trace) = World::new(*setup, seed, Trace::with_lines()).finish();
    (outcome, trace.lines().to_vec())
}

impl World {
    fn new(setup: Setup, seed: u64, trace: Trace) -> Self {
        let members: Vec<usize> = (0..setup.validators).collect();
        let chain = Chain::new(&members, plan(&setup), setup.signatures);
        let bad: BTreeSet<usize> = (0..setup.bad).collect();
        let checker = Checker::new(bad, setup.signatures, &chain.genesis_head().set);
        let identities = setup.nodes() - setup.twins();
        let nodes = (0..setup.nodes()).map(|node| {
            let identity = if node < identities { node } else { node - identities };
            let role = if identity < setup.bad { setup.role } else { Role::Honest };
            Node::new(identity, role)
        });
        let mut world = Self {
            setup,
            chain,
            random: Random::new(seed),
            nodes: nodes.collect(),
            checker,
            trace,
            now: (GENESIS_SLOT + 1) * SLOT_MS,
            is_calm: false,
            highest: 0,
            holders: BTreeMap::new(),
            proven: BTreeSet::new(),
            overheard: Vec::new(),
            certificates: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
        };
        world.prepare();
        world
    }

    fn prepare(&mut self) {
        let start = self.now;
        for node in 0..self.nodes.len() {
            self.nodes[node].skew_ms = self.small_skew();
        }
        for node in self.living() {
            self.start(node);
        }
        let slots = self.setup.chaos_slots + self.setup.calm_slots;
        for slot in 0..slots {
            if slot < self.setup.chaos_slots && self.setup.calm_slots > 0 {
                self.schedule(start + slot * SLOT_MS + SLOT_MS / 2, Event::Chaos);
            }
            for node in 0..self.nodes.len() {
                if !self.nodes[node].role.makes_mischief() {
                    continue;
                }
                let at = start + slot * SLOT_MS + self.random.below(SLOT_MS / 2);
                self.schedule(at, Event::Mischief { node });
            }
        }
        if self.setup.calm_slots > 0 {
            self.schedule(start + self.setup.chaos_slots * SLOT_MS, Event::Calm);
        }
    }

    fn finish(mut self) -> (Outcome, Trace) {
        let start = self.now;
        let calm = start + self.setup.chaos_slots * SLOT_MS;
        self.run_until(calm + GRACE_SLOTS.min(self.setup.calm_slots) * SLOT_MS);
        let before: Vec<u64> = self.nodes.iter().map(Node::height).collect();
        let slots = self.setup.chaos_slots + self.setup.calm_slots;
        self.run_until(start + slots * SLOT_MS);
        let (final_slots, worst_gap) = self.judge(&before, slots);
        let outcome = Outcome {
            violations: self.checker.violations().to_vec(),
            forked: self.checker.is_forked(),
            named: self.checker.named(),
            slots,
            final_slots,
            worst_gap,
            blocks: self.highest,
            trace: self.trace.hash(),
        };
        (outcome, self.trace)
    }

    pub(super) fn schedule(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), event);
    }

    fn run_until(&mut self, end: u64) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 < end) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { to, from, message } => self.deliver(to, from, message),
            Event::Wake { node, at } if self.nodes[node].wake == Some(at) => self.feed(node, Input::Tick),
            Event::Wake { .. } => {}
            Event::Built {
                node,
                life,
                slot,
                outcome,
            } => self.feed_life(node, life, Input::Built { slot, outcome }),
            Event::Validated {
                node,
                life,
                hash,
                outcome,
            } => self.feed_life(node, life, Input::Validated { hash, outcome }),
            Event::Stored { node, life } => self.stored(node, life),
            Event::Fetched {
                node,
                life,
                hash,
                tries,
            } => self.fetched(node, life, hash, tries),
            Event::CatchUp { node, life, peer } => self.catch_up(node, life, peer),
            Event::Restart { node, loses_guard } => self.restart(node, loses_guard),
            Event::Offset { node } => {
                let offset_ms = self.nodes[node].skew_ms;
                self.feed(node, Input::ClockOffset { offset_ms });
            }
            Event::Mischief { node } => self.mischief(node),
            Event::Chaos => self.chaos(),
            Event::Calm => self.calm(),
        }
    }

    /// The nodes that ever run.
    pub(super) fn living(&self) -> impl Iterator<Item = usize> + use<> {
        let dead = self.setup.bad..self.setup.bad + self.setup.dead;
        (0..self.nodes.len()).filter(move |node| !dead.contains(node))
    }

    /// A clock error that nobody need notice.
    pub(super) fn small_skew(&mut self) -> i64 {
        i64::try_from(self.random.below(SLOT_MS / 8)).unwrap_or_default()
    }

    /// What the node's clock says.
    pub(super) fn clock(&self, node: usize) -> UnixMillis {
        UnixMillis::new(self.now.saturating_add_signed(self.nodes[node].skew_ms))
    }

    fn judge(&mut self, before: &[u64], slots: u64) -> (u64, u64) {
        let last = GENESIS_SLOT + slots;
        let mut marks = vec![GENESIS_SLOT];
        // A clock that is ahead may have begun the slot after the last.
        marks.extend(self.checker.finals().iter().filter(|slot| **slot <= last));
        let final_slots = marks.len() as u64 - 1;
        // The end of the run ends a gap, but is no slot that failed.
        let until_end = (last + 1).saturating_sub(marks.last().copied().unwrap_or(last));
        let between = marks.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        let worst_gap = between.chain([until_end]).max().unwrap_or(until_end);
        match self.setup.promise {
            Promise::Steady { gap_max: most } if worst_gap > most => {
                let slots = worst_gap;
                self.checker.violated(Violation::Gap { slots, most });
            }
            Promise::Steady { .. } => {}
            Promise::Recovers => self.judge_calm(before),
            Promise::Accounts => self.checker.account(self.setup.validators, self.setup.quorum()),
        }
        (final_slots, worst_gap)
    }

    fn judge_calm(&mut self, before: &[u64]) {
        for node in self.living() {
            let blocks = self.nodes[node].height() - before[node];
            if self.nodes[node].is_honest() && blocks < CALM_BLOCKS_MIN {
                self.checker.violated(Violation::Stalled { node, blocks });
            }
        }
    }
}

/// Which block changes the set, and how. The set never gets smaller than it was at first, so that what is bad stays within bounds.
fn plan(setup: &Setup) -> BTreeMap<u64, Change> {
    use Change::{Join, Leave};
    let (newcomer, last) = (setup.validators, setup.validators - 1);
    match setup.set_changes {
        SetChanges::Never => BTreeMap::new(),
        SetChanges::Spread => BTreeMap::from([(3, Join(newcomer)), (6, Leave(last)), (9, Join(last))]),
        SetChanges::InARow => {
            let changes = [
                Join(newcomer),
                Join(newcomer + 1),
                Leave(last),
                Leave(last - 1),
                Join(last),
                Leave(newcomer),
                Join(last - 1),
            ];
            (2..).zip(changes).collect()
        }
    }
}
