//! Whatever happens to the network and the machines: no key signs two checkpoints for one place, and once it is over everybody has every
//! checkpoint. And would we notice if not? Everything follows from a seed, which a failure names.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use ledger_network::CheckpointSignature;

use crate::{
    chain::{Chain, anchor, config, set},
    machine::{Broken, Disk, Machine},
    random::Random,
};

/// Runs of each test.
const SEEDS: u64 = 48;

/// Moments of trouble in a run.
const MOMENTS: u64 = 260;

/// What may go wrong in a run.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    broken: Broken,
    /// Machines come back with another history, as after an attack.
    histories: bool,
    /// Machines lose the record of what they signed.
    losses: bool,
}

const HONEST: Trouble = Trouble {
    broken: Broken::Nothing,
    histories: false,
    losses: false,
};

/// A key has signed twice for one place.
#[derive(Debug)]
struct Equivocation(#[expect(dead_code, reason = "shown when a test fails")] String);

struct World {
    random: Random,
    trouble: Trouble,
    /// The chain, and the same with other hashes.
    chains: [Chain; 2],
    height: u64,
    machines: Vec<Machine>,
    /// Which history each machine has.
    history: Vec<usize>,
    wire: Vec<(usize, CheckpointSignature)>,
    said: BTreeMap<(usize, u64, u64, u64, alloy_primitives::Address), B256>,
}

/// A chain whose sets, intervals, contracts and recoveries change.
fn chain(random: &mut Random) -> Chain {
    let none = anchor(0);
    let mut chain = Chain::new(set(1, &[0, 1, 2, 3]), config(5, &none));
    let (mut id, mut contract) = (1, 0);
    chain.extend(random.below(9));
    chain.change(|after| after.config = config(2 + random.below(5), &anchor(1)));
    while chain.height() < 110 {
        chain.extend(random.below(12));
        match random.below(8) {
            0 | 1 => chain.change(|after| after.config.interval_blocks = 1 + random.below(7)),
            2 | 3 => {
                id += 1;
                let first = u8::try_from(random.below(3)).unwrap();
                let keys: Vec<u8> = (first..first + 4).collect();
                chain.change(|after| after.set = set(id, &keys));
            }
            4 => chain.change(|after| after.recoveries += 1 + random.below(2)),
            5 if contract < 2 => {
                contract += 1;
                chain.change(|after| after.config.contract = anchor(1 + contract).contract);
            }
            _ => {}
        }
    }
    chain.extend(10);
    chain
}

impl World {
    fn new(seed: u64, trouble: Trouble) -> Self {
        let mut random = Random::new(seed);
        let chain = chain(&mut random);
        let altered = chain.altered(1 + random.below(60));
        let mut machines: Vec<Machine> = (0..6)
            .map(|k| Machine::start(Some(k), trouble.broken, Disk::default(), 0))
            .collect();
        // One that follows, and one that begins with a state.
        machines.push(Machine::start(None, trouble.broken, Disk::default(), 0));
        let late = Disk {
            from: 30 + random.below(30),
            ..Disk::default()
        };
        machines.push(Machine::start(None, trouble.broken, late, 0));
        Self {
            history: vec![0; machines.len()],
            chains: [chain, altered],
            height: 0,
            wire: Vec::new(),
            said: BTreeMap::new(),
            random,
            trouble,
            machines,
        }
    }

    fn run(&mut self) -> Result<(), Equivocation> {
        for _ in 0..MOMENTS {
            if self.height < self.chains[0].height() && self.random.below(2) == 0 {
                self.height += 1;
            }
            let at = usize::try_from(self.random.below(self.machines.len() as u64)).unwrap();
            if self.random.once_in(12) {
                self.machines[at].kill_in = Some(self.random.below(4));
            }
            self.something(at);
            self.judge(at)?;
        }
        Ok(())
    }

    /// Something happens to a machine.
    fn something(&mut self, at: usize) {
        let lived = match self.random.below(6) {
            0..=2 => {
                let height = self.height.saturating_sub(self.random.below(3));
                let chain = &self.chains[self.history[at]];
                self.machines[at].advance(chain, height)
            }
            3 | 4 => self.deliver(at),
            _ => self.ask(at),
        };
        if lived.is_err() {
            self.restart(at);
        } else {
            self.spread(at);
        }
    }

    /// What a machine has told goes onto the wire, to most of the others.
    fn spread(&mut self, at: usize) {
        for message in std::mem::take(&mut self.machines[at].told) {
            for to in (0..self.machines.len()).filter(|to| *to != at) {
                if !self.random.once_in(4) {
                    self.wire.push((to, message));
                }
            }
        }
    }

    fn deliver(&mut self, at: usize) -> Result<(), crate::machine::Killed> {
        let (mine, rest) = std::mem::take(&mut self.wire)
            .into_iter()
            .partition(|(to, _)| *to == at);
        self.wire = rest;
        let mine: Vec<(usize, CheckpointSignature)> = mine;
        for (_, mut message) in mine {
            if self.random.once_in(9) {
                // A stranger's idea of it.
                let at = usize::try_from(self.random.below(65)).unwrap();
                message.signature[at] ^= 1;
            }
            self.machines[at].hear(&message)?;
        }
        Ok(())
    }

    fn ask(&mut self, at: usize) -> Result<(), crate::machine::Killed> {
        let machine = &self.machines[at];
        let (Some(anchor), Some(from)) = (machine.planner.anchor(), machine.planner.missing()) else {
            return Ok(());
        };
        let whom = usize::try_from(self.random.below(self.machines.len() as u64)).unwrap();
        let told = self.machines[whom].answer(&anchor, from);
        self.machines[at].take(&told).map(|_| ())
    }

    fn restart(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        let mut disk = std::mem::take(&mut machine.disk);
        if self.trouble.histories && self.random.once_in(2) {
            self.history[at] = 1 - self.history[at];
            // Bundles of another history stop a node; whoever starts it again has moved them away.
            let chain = &self.chains[self.history[at]];
            let fits =
                |kept: &ledger_node::checkpoints::planner::Complete| kept.block.hash == chain.hash(kept.block.number);
            if !disk.bundles.iter().all(fits) {
                disk.bundles.clear();
            }
        } else if self.random.once_in(5) {
            disk.bundles.clear();
        }
        if self.trouble.losses && self.random.once_in(2) {
            disk.record = None;
        }
        let (own, broken, signed) = (machine.own, machine.broken, std::mem::take(&mut machine.signed));
        self.machines[at] = Machine {
            signed,
            ..Machine::start(own, broken, disk, self.height)
        };
    }

    /// Whether the machine has signed twice for one place.
    fn judge(&mut self, at: usize) -> Result<(), Equivocation> {
        for (anchor, signed) in self.machines[at].signed.drain(..) {
            let place = (at, anchor.mainchain_id, signed.epoch, signed.index, anchor.contract);
            let before = self.said.insert(place, signed.fingerprint);
            if before.is_some_and(|before| before != signed.fingerprint) {
                return Err(Equivocation(format!("validator {at} at {place:?}")));
            }
        }
        Ok(())
    }

    /// The trouble is over: everybody hears and asks until nothing is new.
    fn heal(&mut self) {
        self.height = self.chains[0].height();
        for round in 0..200 {
            for at in 0..self.machines.len() {
                self.machines[at].kill_in = None;
                let chain = &self.chains[self.history[at]];
                self.machines[at].advance(chain, self.height).unwrap();
                self.machines[at].told.clear();
                let machine = &self.machines[at];
                if let (Some(anchor), Some(from)) = (machine.planner.anchor(), machine.planner.missing()) {
                    let whom = (at + round) % self.machines.len();
                    let told = self.machines[whom].answer(&anchor, from);
                    self.machines[at].take(&told).unwrap();
                }
            }
        }
    }
}

/// The first seed of those in which a key signs twice, if there is one.
fn equivocates(trouble: Trouble) -> Option<(u64, Equivocation)> {
    (0..SEEDS).find_map(|seed| World::new(seed, trouble).run().err().map(|found| (seed, found)))
}

#[test]
fn no_key_signs_twice_for_one_place_whatever_is_killed_lost_or_altered() {
    for (histories, losses) in [(false, false), (true, false), (true, true)] {
        let trouble = Trouble {
            histories,
            losses,
            ..HONEST
        };
        let found = equivocates(trouble);
        assert!(found.is_none(), "{trouble:?}: {found:?}");
    }
}

#[test]
fn a_record_that_comes_too_late_or_never_or_is_forgotten_is_noticed() {
    for (broken, losses) in [
        (Broken::SignsFirst, false),
        (Broken::StoresNothing, false),
        (Broken::ForgetsLoss, true),
    ] {
        let trouble = Trouble {
            broken,
            histories: true,
            losses,
        };
        let found = equivocates(trouble);
        assert!(found.is_some(), "{broken:?} is not noticed in {SEEDS} runs");
        println!("{broken:?}: {found:?}");
    }
}

#[test]
fn once_the_trouble_is_over_everybody_has_every_checkpoint_and_all_have_the_same() {
    let mut checkpoints = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed, HONEST);
        world.run().unwrap();
        world.heal();
        let newest = world.machines[0].disk.bundles.last().map(|last| last.anchor);
        let of = |at: usize| {
            let kept = world.machines[at].disk.bundles.iter();
            let kept = kept.filter(|complete| Some(complete.anchor) == newest);
            let mut all: Vec<_> = kept.map(|complete| complete.bundle.checkpoint.clone()).collect();
            all.dedup();
            all
        };
        let all = of(0);
        checkpoints += all.len();
        assert_eq!(all.first().map(|first| first.index), Some(1), "seed {seed}");
        for at in 0..world.machines.len() {
            let machine = &world.machines[at];
            assert_eq!(
                machine.planner.open().count(),
                0,
                "seed {seed}: machine {at} waits for signatures"
            );
            let mine = of(at);
            // Whoever began with a state has the end of it.
            assert!(
                !mine.is_empty() || machine.disk.from > 0,
                "seed {seed}: machine {at} has nothing"
            );
            assert!(all.ends_with(&mine), "seed {seed}: machine {at} has other checkpoints");
            if machine.disk.from == 0 {
                assert_eq!(mine.len(), all.len(), "seed {seed}: machine {at} lacks checkpoints");
            }
        }
        for complete in &world.machines[0].disk.bundles {
            complete.bundle.check(&complete.anchor).unwrap();
        }
    }
    assert!(
        checkpoints as u64 > 4 * SEEDS,
        "only {checkpoints} checkpoints were made"
    );
}
