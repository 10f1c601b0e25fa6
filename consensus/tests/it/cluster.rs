//! Several engines in one process, under a seeded scheduler that delays, drops and reorders messages, cuts the network in
//! two, and kills and restarts nodes in the middle of their work. After the chaos comes calm, in which the chain must go on.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    rc::Rc,
    sync::Arc,
};

use ledger_chainspec::{Block, BlockHash, UnixMillis};
use ledger_consensus::{GuardStart, Input, Message, Origin, rules::Mutant};

use super::kit::{Chain, Disk, GENESIS_SLOT, Node, Outgoing, SLOT_MS, assert_consistent, key, set_of};

/// Slots of chaos.
const CHAOS_SLOTS: u64 = 26;
/// Slots of calm after it.
const CALM_SLOTS: u64 = 16;
/// Blocks that calm must bring to every node that is up.
const CALM_BLOCKS_MIN: u64 = 5;

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub validators: usize,
    /// How many validators run a second process with the same key and another disk.
    pub twins: usize,
    pub mutant: Option<Mutant>,
    /// Does the set change: the last validator joins at height 4, the first leaves at height 9?
    pub changes_set: bool,
    /// Restarted nodes have forgotten lock and certificate (a broken R7).
    pub forgets_lock: bool,
    /// May one guard record at a time be lost with the process?
    pub loses_guards: bool,
    /// How many messages are lost, and how many late, in percent.
    pub drop_percent: u64,
    pub late_percent: u64,
    /// How often a node dies in a slot, in percent, and how long it stays down at most.
    pub crash_percent: u64,
    pub down_slots_max: u64,
    /// How often, in percent of slots, the network is cut anew.
    pub cut_percent: u64,
    /// How often, in percent, the first node to commit a height is cut off from the others just then, and they die.
    pub ambush_percent: u64,
}

impl Setup {
    pub const fn honest(validators: usize) -> Self {
        Self {
            validators,
            twins: 0,
            mutant: None,
            changes_set: false,
            forgets_lock: false,
            loses_guards: true,
            drop_percent: 8,
            late_percent: 10,
            crash_percent: 4,
            down_slots_max: 4,
            cut_percent: 20,
            ambush_percent: 4,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every node agrees, and calm brought blocks.
    Good { height: u64 },
    /// Two honest nodes committed different blocks at a height.
    Forked { height: u64 },
    /// An honest node saw something that cannot be: it raised this alarm.
    Alarmed(String),
    /// A node that is up got too few blocks in the calm.
    Stalled { blocks: u64 },
}

/// SplitMix64: small, seeded, the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }
}

enum Event {
    Deliver { to: usize, from: usize, message: Message },
    Wake { node: usize },
    Fetched { node: usize, hash: BlockHash },
    CatchUp { node: usize, peer: usize },
    Restart { node: usize, forgets_guard: bool },
    SlotOfChaos,
    Calm,
}

struct World {
    setup: Setup,
    random: Random,
    nodes: Vec<Node>,
    /// Milliseconds that each node's clock is ahead of the world's.
    skew: Vec<u64>,
    group: Vec<u64>,
    is_calm: bool,
    /// The highest block that any node committed.
    highest: u64,
    now: u64,
    sequence: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Event>,
    blocks: BTreeMap<BlockHash, Arc<Block>>,
    woken: Vec<Option<UnixMillis>>,
}

/// Runs one seed.
pub fn run(setup: Setup, seed: u64) -> Outcome {
    let mut world = World::new(setup, seed);
    let start = world.now;
    for slot in 0..CHAOS_SLOTS {
        world.schedule(start + slot * SLOT_MS + SLOT_MS / 2, Event::SlotOfChaos);
    }
    let calm = start + CHAOS_SLOTS * SLOT_MS;
    world.schedule(calm, Event::Calm);
    for node in 0..world.nodes.len() {
        world.nodes[node].input(Input::PoolChanged { has_work: true });
        world.after(node);
    }
    world.run_until(calm);
    // Messages that were late when calm began, and the restarts, get two slots.
    world.run_until(calm + 2 * SLOT_MS);
    let before: Vec<u64> = world.nodes.iter().map(Node::height).collect();
    world.run_until(calm + CALM_SLOTS * SLOT_MS);
    world.judge(&before)
}

/// Runs seeds until one is not good.
pub fn first_bad(setup: Setup, seeds: std::ops::Range<u64>) -> Option<(u64, Outcome)> {
    seeds
        .map(|seed| (seed, run(setup, seed)))
        .find(|(_, outcome)| !matches!(outcome, Outcome::Good { .. }))
}

impl World {
    fn new(setup: Setup, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let all: Vec<usize> = (0..setup.validators).collect();
        let chain: Rc<Chain> = if setup.changes_set {
            let sets = [(0, &all[..setup.validators - 1]), (4, &all[..]), (9, &all[1..])];
            Chain::with_sets((0..).zip(sets).map(|(id, (from, of))| (from, set_of(id, of))).collect())
        } else {
            Chain::of(setup.validators)
        };
        let now = (GENESIS_SLOT + 1) * SLOT_MS;
        let count = setup.validators + setup.twins;
        let skew: Vec<u64> = (0..count).map(|_| random.below(SLOT_MS / 8)).collect();
        let nodes = (0..count).map(|node| {
            let identity = node % setup.validators;
            let clock = UnixMillis::new(now + skew[node]);
            let mut node = Node::start(&chain, key(identity), Disk::default(), GuardStart::Fresh, clock);
            node.salt = random.next();
            node.set_mutant(setup.mutant);
            node
        });
        let nodes: Vec<Node> = nodes.collect();
        Self {
            setup,
            random,
            nodes,
            skew,
            group: vec![0; count],
            is_calm: false,
            highest: 0,
            now,
            sequence: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            blocks: BTreeMap::new(),
            woken: vec![None; count],
        }
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence)));
        self.events.insert(self.sequence, event);
    }

    fn run_until(&mut self, end: u64) {
        while let Some(Reverse((at, sequence))) = self.queue.peek().copied().filter(|Reverse((at, _))| *at < end) {
            self.queue.pop();
            self.now = at;
            let event = self.events.remove(&sequence).unwrap();
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { to, from, message } => {
                if self.is_up(to) {
                    self.set_clock(to);
                    self.nodes[to].input(Input::Message {
                        from: Origin(from as u64),
                        message,
                    });
                    self.after(to);
                }
            }
            Event::Wake { node } => {
                if self.is_up(node) {
                    self.set_clock(node);
                    self.nodes[node].input(Input::Tick);
                    self.after(node);
                }
            }
            Event::Fetched { node, hash } => {
                if let (true, Some(block)) = (self.is_up(node), self.blocks.get(&hash).cloned()) {
                    self.set_clock(node);
                    self.nodes[node].input(Input::Fetched { from: Origin(0), block });
                    self.after(node);
                }
            }
            Event::CatchUp { node, peer } => self.catch_up(node, peer),
            Event::Restart { node, forgets_guard } => self.restart(node, forgets_guard),
            Event::SlotOfChaos => self.chaos(),
            Event::Calm => {
                self.is_calm = true;
                self.group.fill(0);
                for node in 0..self.nodes.len() {
                    self.nodes[node].effects_left = None;
                    if !self.is_up(node) {
                        self.restart(node, false);
                    }
                }
            }
        }
    }

    fn is_up(&self, node: usize) -> bool {
        !self.nodes[node].crashed
    }

    fn set_clock(&mut self, node: usize) {
        self.nodes[node].now = UnixMillis::new(self.now + self.skew[node]);
    }

    /// Sends on what a node wants said, and notes when it wants to wake.
    fn after(&mut self, node: usize) {
        if self.nodes[node].height() > self.highest {
            self.highest = self.nodes[node].height();
            if !self.is_calm && self.random.percent(self.setup.ambush_percent) {
                self.ambush(node);
            }
        }
        for outgoing in std::mem::take(&mut self.nodes[node].outgoing) {
            match outgoing {
                Outgoing::Broadcast(message) => {
                    if let Message::Proposal(proposal) = &message {
                        self.blocks.insert(proposal.block.hash(), proposal.block.clone());
                    }
                    for to in (0..self.nodes.len()).filter(|to| *to != node) {
                        self.send(node, to, message.clone());
                    }
                }
                Outgoing::Send { to, message } => self.send(node, usize::try_from(to.0).unwrap(), message),
                Outgoing::Fetch(hash) => {
                    let at = self.now + 1 + self.random.below(SLOT_MS / 4);
                    self.schedule(at, Event::Fetched { node, hash });
                }
                Outgoing::CatchUp(from) => {
                    let at = self.now + 1 + self.random.below(SLOT_MS / 2);
                    let peer = usize::try_from(from.0).unwrap();
                    self.schedule(at, Event::CatchUp { node, peer });
                }
            }
        }
        if self.nodes[node].wake != self.woken[node] {
            self.woken[node] = self.nodes[node].wake;
            if let Some(wake) = self.nodes[node].wake {
                let late = self.random.below(20);
                let at = wake.get().saturating_sub(self.skew[node]).max(self.now) + late;
                self.schedule(at, Event::Wake { node });
            }
        }
    }

    /// Only `node` knows of its newest block, and whoever else helped to decide it has only its disk left.
    fn ambush(&mut self, node: usize) {
        self.nodes[node].outgoing.clear();
        self.group.fill(0);
        self.group[node] = 1;
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            if self.is_up(other) {
                self.nodes[other].crashed = true;
                let back = self.now + SLOT_MS / 2 + self.random.below(SLOT_MS);
                self.schedule(
                    back,
                    Event::Restart {
                        node: other,
                        forgets_guard: false,
                    },
                );
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, message: Message) {
        if self.group[from] != self.group[to] {
            return;
        }
        if !self.is_calm && self.random.percent(self.setup.drop_percent) {
            return;
        }
        let is_late = !self.is_calm && self.random.percent(self.setup.late_percent);
        let longest = if is_late { 2 * SLOT_MS } else { SLOT_MS / 5 };
        let at = self.now + 1 + self.random.below(longest);
        self.schedule(at, Event::Deliver { to, from, message });
    }

    fn catch_up(&mut self, node: usize, peer: usize) {
        if self.group[node] != self.group[peer] || !self.is_up(node) || !self.is_up(peer) {
            return;
        }
        self.set_clock(node);
        loop {
            let height = self.nodes[node].height();
            let next = self.nodes[peer]
                .disk
                .chain
                .get(usize::try_from(height).unwrap())
                .cloned();
            let Some((head, block)) = next else { break };
            let certificate = head.certificate.unwrap();
            self.nodes[node].input(Input::Certified {
                from: Origin(peer as u64),
                block,
                certificate,
            });
            if self.nodes[node].height() == height {
                break;
            }
        }
        self.after(node);
    }

    fn chaos(&mut self) {
        if self.random.percent(self.setup.cut_percent) {
            let groups = 1 + self.random.below(3);
            for node in 0..self.nodes.len() {
                self.group[node] = self.random.below(groups);
            }
        }
        for node in 0..self.nodes.len() {
            if self.random.percent(self.setup.crash_percent) && self.is_up(node) {
                let left = self.random.index(12);
                self.nodes[node].effects_left = Some(left);
                let forgets_guard = self.setup.loses_guards && self.random.percent(15);
                let back = self.now + SLOT_MS / 2 + self.random.below(self.setup.down_slots_max * SLOT_MS);
                self.schedule(back, Event::Restart { node, forgets_guard });
            }
        }
    }

    /// A lost guard is replaced by the first record after the silence.
    fn is_guard_lost(&self, node: usize) -> bool {
        self.nodes[node].disk.guard.is_none()
    }

    fn restart(&mut self, node: usize, forgets_guard: bool) {
        let is_anyone_silent = (0..self.nodes.len()).any(|other| self.is_guard_lost(other));
        if forgets_guard && !is_anyone_silent {
            self.nodes[node].disk.guard = None;
        }
        let mut guard = self.nodes[node].stored_guard();
        if let GuardStart::Found(record) = &mut guard
            && self.setup.forgets_lock
        {
            record.lock = None;
            record.newest = None;
        }
        let now = UnixMillis::new(self.now + self.skew[node]);
        self.nodes[node].restart(guard, now);
        self.nodes[node].set_mutant(self.setup.mutant);
        self.woken[node] = None;
        self.nodes[node].input(Input::PoolChanged { has_work: true });
        self.after(node);
    }

    fn is_honest(&self, node: usize) -> bool {
        node % self.setup.validators >= self.setup.twins
    }

    fn judge(&self, before: &[u64]) -> Outcome {
        let honest: Vec<usize> = (0..self.nodes.len()).filter(|node| self.is_honest(*node)).collect();
        let mut decided: BTreeMap<u64, BlockHash> = BTreeMap::new();
        for node in &honest {
            for (head, _) in &self.nodes[*node].disk.chain {
                let height = head.header.header.number;
                if *decided.entry(height).or_insert(head.header.hash) != head.header.hash {
                    return Outcome::Forked { height };
                }
            }
        }
        for node in &honest {
            let node = &self.nodes[*node];
            if let Some(alarm) = node.alarms.iter().find(|alarm| !is_expected(alarm)) {
                return Outcome::Alarmed(format!("{alarm:?}"));
            }
            if !self.setup.forgets_lock {
                assert_consistent(&node.signed);
            }
            for evidence in &node.evidence {
                assert!(evidence.verify(), "evidence that proves nothing");
                let accused = (0..self.setup.validators)
                    .find(|index| ledger_chainspec::ConsensusKey::of(&key(*index)) == evidence.offender);
                let is_accused_right = self.setup.forgets_lock || !self.is_honest(accused.unwrap());
                assert!(is_accused_right, "evidence against an honest validator: {evidence:?}");
            }
        }
        let blocks = honest
            .iter()
            .map(|node| self.nodes[*node].height() - before[*node])
            .min()
            .unwrap();
        if blocks < CALM_BLOCKS_MIN {
            return Outcome::Stalled { blocks };
        }
        Outcome::Good {
            height: *decided.last_key_value().unwrap().0,
        }
    }
}

/// Alarms that chaos explains.
fn is_expected(alarm: &ledger_consensus::Alarm) -> bool {
    use ledger_consensus::Alarm;
    matches!(alarm, Alarm::GuardLost { .. } | Alarm::GuardAhead { .. })
}
