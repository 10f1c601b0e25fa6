//! Reading back, played on a mainchain that reorganises, lies and falls silent: what is believed was there, deep enough, and what is
//! final stays.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use ledger_checkpoint::{
    mainchain::Rejection,
    numbers::{BlockNumber, Index, Point},
    reading::{
        Alarm, Anchored, Answers, Book, Decision, Facts, LOG_BLOCKS_MIN, Logs, Made, Note, Place, Planner, Policy,
        Questions, Record, SILENCE_MS, Standing, Tip,
    },
    statement::{Anchor, Checkpoint},
};

use crate::support::random::Random;

const SOFT: u64 = 6;
const FINAL: u64 = 25;
const SECOND: u64 = 1_000;

/// Looks at an honest mainchain after which nothing of a lie is left.
const INCOMPLETE_MAX: u64 = 2;

fn place() -> Place {
    Place {
        anchor: Anchor {
            mainchain_id: 63,
            contract: Address::repeat_byte(7),
        },
        genesis: keccak256("genesis"),
    }
}

fn policy() -> Policy {
    Policy {
        soft_blocks: SOFT,
        final_blocks: FINAL,
        from: BlockNumber::new(0),
        overdue_ms: 100 * SECOND,
        silence_ms: SILENCE_MS,
    }
}

/// The checkpoint with this index that follows `parent`; `note` makes it another one.
fn checkpoint(index: u64, parent: B256, note: u64) -> Checkpoint {
    let named = |what: &str| keccak256(format!("{what} {index} {note}"));
    Checkpoint {
        index,
        epoch: 0,
        setId: 1,
        height: index * 10,
        blockHash: named("block"),
        stateRoot: named("state"),
        historyRoot: named("history"),
        parent,
        nextSetHash: keccak256("set"),
    }
}

/// The mainchain: what the contract has got in each block, with its fingerprint.
struct World {
    blocks: Vec<(B256, Vec<(Checkpoint, B256)>)>,
    /// What the contract recorded as conflicts.
    rejections: Vec<Rejection>,
    salt: u64,
    /// Blocks that a node tells of at once.
    log_blocks: u64,
}

impl World {
    fn new() -> Self {
        Self {
            blocks: vec![(keccak256("mainchain"), Vec::new())],
            rejections: Vec::new(),
            salt: 0,
            log_blocks: u64::MAX,
        }
    }

    fn point(&self, number: usize) -> Point {
        Point {
            number: BlockNumber::new(number as u64),
            hash: self.blocks[number].0,
        }
    }

    fn height(&self) -> usize {
        self.blocks.len() - 1
    }

    fn made(&self) -> Vec<Made> {
        let blocks = self.blocks.iter().enumerate();
        let made = blocks.flat_map(|(number, (_, made))| {
            made.iter().map(move |(checkpoint, fingerprint)| Made {
                block: self.point(number),
                checkpoint: checkpoint.clone(),
                fingerprint: *fingerprint,
            })
        });
        made.collect()
    }

    fn newest(&self) -> (Index, B256) {
        let mut newest_first = self.blocks.iter().rev().flat_map(|(_, made)| made.iter().rev());
        newest_first
            .next()
            .map_or((Index::new(0), place().genesis), |(made, fingerprint)| {
                (Index::new(made.index), *fingerprint)
            })
    }

    /// One more block, with so many checkpoints in it.
    fn mine(&mut self, checkpoints: u64, note: u64) {
        self.salt += 1;
        let parent = self.blocks[self.height()].0;
        self.blocks.push((
            keccak256([parent.as_slice(), &self.salt.to_be_bytes()].concat()),
            Vec::new(),
        ));
        for _ in 0..checkpoints {
            let (index, fingerprint) = self.newest();
            let made = checkpoint(index.get() + 1, fingerprint, note);
            let (height, fingerprint) = (self.height(), place().anchor.fingerprint(&made));
            self.blocks[height].1.push((made, fingerprint));
        }
    }

    /// Takes blocks back, and mines as many others and one more. What was in them comes again, or something else does.
    fn reorganise(&mut self, depth: usize, note: u64, comes_again: bool) {
        let keep = self.blocks.len().saturating_sub(depth).max(1);
        let lost: u64 = self
            .blocks
            .split_off(keep)
            .iter()
            .map(|(_, made)| made.len() as u64)
            .sum();
        for step in 0..=depth as u64 {
            let now = if comes_again && step == 1 { lost } else { 0 };
            self.mine(now, note);
        }
    }

    fn tip(&self) -> Tip {
        let (index, fingerprint) = self.newest();
        Tip {
            block: self.point(self.height()),
            index,
            fingerprint,
        }
    }

    fn answers(&self, questions: &Questions) -> Answers {
        let made = self.made();
        let fingerprint = |index: &Index| match index.get() {
            0 => place().genesis,
            index => made
                .iter()
                .find(|made| made.checkpoint.index == index)
                .map_or(B256::ZERO, |made| made.fingerprint),
        };
        let logs = |(from, to): (BlockNumber, BlockNumber)| {
            let told = made
                .iter()
                .filter(|made| (from..=to).contains(&made.block.number))
                .cloned();
            let rejections = self
                .rejections
                .iter()
                .filter(|rejection| (from..=to).contains(&rejection.block.number));
            (to.since(from) < self.log_blocks).then(|| Logs {
                made: told.collect(),
                rejections: rejections.copied().collect(),
            })
        };
        let block = |number: &BlockNumber| {
            let at = usize::try_from(number.get()).expect("small");
            self.blocks.get(at).map(|(hash, _)| (*number, *hash))
        };
        Answers {
            fingerprints: questions
                .fingerprints
                .iter()
                .map(|index| (*index, fingerprint(index)))
                .collect(),
            logs: questions.logs.and_then(logs),
            blocks: questions.blocks.iter().filter_map(block).collect(),
        }
    }
}

/// What is wrong with whoever plays: with nothing, every check has to pass; with anything else, one has to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Reorganisations are not noticed: every block seems to be where it was.
    Blind,
    /// Nothing is kept.
    Forgetful,
    /// The contract is not asked: what nodes tell of counts.
    Gullible,
}

struct Player {
    world: World,
    planner: Planner,
    kept: Book,
    fault: Fault,
    now_ms: u64,
    /// Everything that was ever final.
    finals: BTreeMap<Index, B256>,
    /// Fingerprints that the contract ever had, so deep.
    deep: BTreeSet<B256>,
    alarms: BTreeSet<&'static str>,
}

impl Player {
    fn new(fault: Fault) -> Self {
        Self {
            world: World::new(),
            planner: Planner::new(policy(), Book::new(place())),
            kept: Book::new(place()),
            fault,
            now_ms: 0,
            finals: BTreeMap::new(),
            deep: BTreeSet::new(),
            alarms: BTreeSet::new(),
        }
    }

    fn note_truth(&mut self) {
        let head = self.world.height() as u64;
        let made = self.world.made().into_iter();
        self.deep.extend(
            made.filter(|made| head - made.block.number.get() >= SOFT)
                .map(|made| made.fingerprint),
        );
    }

    fn facts(&mut self, lie: Option<&mut Random>) -> Facts {
        let mut tip = self.world.tip();
        let questions = self.planner.questions(&tip);
        let mut answers = self.world.answers(&questions);
        if self.fault == Fault::Blind {
            let entries = self.planner.book().entries().values();
            for entry in entries.filter(|entry| entry.block.number < tip.block.number) {
                answers.blocks.insert(entry.block.number, entry.block.hash);
            }
            answers.logs = answers.logs.map(|mut logs| {
                logs.made
                    .retain(|made| made.checkpoint.index > self.planner.book().tip().0.get());
                logs
            });
        }
        if let Some(random) = lie {
            self.lie(random, &mut answers);
        }
        if self.fault == Fault::Gullible {
            let told = answers.logs.as_ref().and_then(|logs| logs.made.last());
            if let Some(made) = told {
                (tip.index, tip.fingerprint) = (Index::new(made.checkpoint.index), made.fingerprint);
            }
        }
        Facts {
            now_ms: self.now_ms,
            tip,
            answers,
            due_since_ms: None,
        }
    }

    /// What a node tells that wants to be believed, or has not all logs any more.
    fn lie(&self, random: &mut Random, answers: &mut Answers) {
        let Some(logs) = &mut answers.logs else { return };
        match random.below(3) {
            0 => drop(logs.made.pop()),
            1 => logs.made.clear(),
            _ => {
                let (index, fingerprint) = self.planner.book().tip();
                let (index, parent) = logs.made.last().map_or((index.get(), fingerprint), |made| {
                    (made.checkpoint.index, made.fingerprint)
                });
                let forged = checkpoint(index + 1, parent, 99);
                logs.made.push(Made {
                    block: self.world.point(self.world.height().saturating_sub(9)),
                    fingerprint: place().anchor.fingerprint(&forged),
                    checkpoint: forged,
                });
            }
        }
    }

    fn step(&mut self, lie: Option<&mut Random>) -> Result<Decision, String> {
        self.note_truth();
        let facts = self.facts(lie);
        let decision = self.planner.step(&facts);
        if self.fault != Fault::Forgetful {
            for record in decision.keep.clone() {
                self.kept.apply(record).map_err(|error| error.to_string())?;
            }
        }
        self.alarms.extend(decision.alarms.iter().map(Alarm::name));
        self.check(&decision)?;
        Ok(decision)
    }

    /// Honest answers until there is nothing more to be read.
    fn settle(&mut self) -> Result<Decision, String> {
        let mut noticed = 0;
        for _ in 0..500 {
            let decision = self.step(None)?;
            // What was left out before, or has moved, is noticed and then read again.
            let is_noticed = decision
                .alarms
                .iter()
                .any(|alarm| matches!(alarm, Alarm::Incomplete { .. }));
            noticed += u64::from(is_noticed);
            if !decision.again && (!is_noticed || noticed > INCOMPLETE_MAX) {
                self.check_through(&decision)?;
                return Ok(decision);
            }
        }
        Err("it never comes to an end".to_owned())
    }

    /// What has to hold after every step, whatever was said.
    fn check(&mut self, decision: &Decision) -> Result<(), String> {
        for record in &decision.keep {
            if let Record::Confirmed(entry) = record
                && !self.deep.contains(&entry.fingerprint)
            {
                return Err(format!("{entry:?} was never so deep"));
            }
        }
        let book = self.planner.book();
        let firm = |book: &Book| -> Vec<Anchored> {
            let entries = book.entries().values();
            entries
                .filter(|entry| entry.standing >= Standing::Soft)
                .cloned()
                .collect()
        };
        if firm(book) != firm(&self.kept) {
            return Err("what is believed is not what is kept".to_owned());
        }
        for (index, fingerprint) in &self.finals {
            let entry = book.entries().get(index);
            if entry.is_none_or(|entry| entry.fingerprint != *fingerprint || entry.standing != Standing::Final) {
                return Err(format!("checkpoint {index} was final"));
            }
        }
        let finals = book
            .entries()
            .iter()
            .filter(|(_, entry)| entry.standing == Standing::Final);
        self.finals
            .extend(finals.map(|(index, entry)| (*index, entry.fingerprint)));
        Ok(())
    }

    /// What has to hold when everything was read, and nobody lied.
    fn check_through(&self, decision: &Decision) -> Result<(), String> {
        let names: Vec<_> = decision.alarms.iter().map(Alarm::name).collect();
        if names.contains(&"final_replaced") {
            let (index, entry) = self
                .planner
                .book()
                .newest_of(Standing::Final)
                .ok_or("nothing was final")?;
            let made = self.world.made();
            let there = made.iter().find(|made| made.checkpoint.index == index.get());
            return match there {
                Some(made) if made.fingerprint == entry.fingerprint => Err("it is there".to_owned()),
                _ => Ok(()),
            };
        }
        let head = self.world.height() as u64;
        let expected: Vec<_> = self.world.made();
        let entries: Vec<_> = self.planner.book().entries().values().collect();
        if entries.len() != expected.len() {
            return Err(format!(
                "{} of {} checkpoints: {names:?}",
                entries.len(),
                expected.len()
            ));
        }
        for (entry, made) in entries.iter().zip(&expected) {
            let depth = head - made.block.number.get();
            let least = match depth {
                depth if depth >= FINAL => Standing::Final,
                depth if depth >= SOFT => Standing::Soft,
                _ => Standing::Mined,
            };
            // What was final stays so, and is not looked at again.
            let is_right = entry.standing == Standing::Final
                || (entry.standing, entry.block) == (least, made.block)
                || entry.standing == Standing::Soft && least == Standing::Mined && entry.block == made.block;
            if entry.fingerprint != made.fingerprint || !is_right {
                return Err(format!("{entry:?} should be {least:?} in {made:?}, under {head}"));
            }
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.planner = Planner::new(policy(), self.kept.clone());
    }
}

/// One story: `Err` says what went wrong.
fn play(seed: u64, fault: Fault) -> Result<BTreeSet<&'static str>, String> {
    let mut random = Random::new(seed);
    let mut player = Player::new(fault);
    for _ in 0..120 {
        player.now_ms += SECOND;
        match random.below(12) {
            0..=5 => {
                let checkpoints = [0, 1, 1, 2][usize::try_from(random.below(4)).expect("small")];
                player.world.mine(checkpoints, 0);
            }
            6 => (0..random.below(FINAL)).for_each(|_| player.world.mine(0, 0)),
            7 => {
                let depth = match random.below(4) {
                    0 => random.below(2 * FINAL),
                    1 => SOFT + random.below(FINAL - SOFT),
                    _ => 1 + random.below(SOFT - 1),
                };
                let (note, again) = (u64::from(random.once_in(3)), !random.once_in(3));
                let depth = usize::try_from(depth).expect("small");
                player.world.reorganise(depth, note, again);
            }
            8 => drop(player.step(Some(&mut random))?),
            9 => player.restart(),
            10 => {
                player.world.log_blocks = [u64::MAX, LOG_BLOCKS_MIN][usize::try_from(random.below(2)).expect("small")]
            }
            _ => drop(player.planner.missed(player.now_ms)),
        }
        if !random.once_in(3) {
            player.settle()?;
        }
    }
    player.settle()?;
    Ok(player.alarms)
}

const SEEDS: u64 = 150;

#[test]
fn what_is_believed_was_there_and_what_is_final_stays() {
    let mut met = BTreeSet::new();
    for seed in 0..SEEDS {
        let alarms = play(seed, Fault::None).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        met.extend(alarms);
    }
    // The stories are no idyll.
    for name in ["deep_reorganisation", "final_replaced", "incomplete"] {
        assert!(met.contains(name), "{name} was never met: {met:?}");
    }
}

#[test]
fn the_checks_see_who_is_blind_forgetful_or_gullible() {
    for fault in [Fault::Blind, Fault::Forgetful, Fault::Gullible] {
        let seen = (0..SEEDS).filter(|seed| play(*seed, fault).is_err()).count();
        assert!(seen > 0, "nobody noticed that it was {fault:?}");
        println!("{fault:?}: seen in {seen} of {SEEDS} stories");
    }
}

#[test]
fn a_checkpoint_becomes_soft_and_final_and_a_deep_reorganisation_withdraws_what_was_soft() {
    let mut player = Player::new(Fault::None);
    player.world.mine(1, 0);
    let mined = player.settle().unwrap();
    assert!(mined.keep.is_empty(), "what is only mined is not kept: {mined:?}");
    assert!(player.planner.is_through());
    (0..SOFT).for_each(|_| player.world.mine(0, 0));
    let soft = player.settle().unwrap();
    assert!(
        matches!(&soft.keep[..], [Record::Confirmed(entry)] if entry.standing == Standing::Soft),
        "{soft:?}"
    );
    player.world.reorganise(7, 1, true);
    let taken = player.step(None).unwrap();
    assert!(taken.again, "every block is looked at: {taken:?}");
    let taken = player.step(None).unwrap();
    assert!(taken.keep.contains(&Record::Withdrawn(Index::new(1))), "{taken:?}");
    assert!(
        taken
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::DeepReorganisation { depth: 7, .. })),
        "{taken:?}"
    );
    assert!(
        taken
            .notes
            .iter()
            .any(|note| matches!(note, Note::Lost { depth: 7, .. })),
        "{taken:?}"
    );
    (0..FINAL).for_each(|_| player.world.mine(0, 0));
    let last = player.settle().unwrap();
    assert!(last.alarms.is_empty(), "it is soft again: {last:?}");
    assert_eq!(player.finals.len(), 1);
    player.world.reorganise(60, 2, true);
    (0..FINAL).for_each(|_| player.world.mine(0, 0));
    let replaced = player.settle().unwrap();
    assert!(
        matches!(&replaced.alarms[..], [Alarm::FinalReplaced { .. }]),
        "{replaced:?}"
    );
    let newest = player.planner.book().newest().map(|(_, entry)| entry.fingerprint);
    assert_eq!(
        newest,
        player.finals.values().next().copied(),
        "what was final is believed all the same"
    );
}

#[test]
fn a_conflict_is_told_once_and_known_after_a_restart() {
    let mut player = Player::new(Fault::None);
    player.world.mine(1, 0);
    let rejection = Rejection {
        block: player.world.point(1),
        transaction: B256::repeat_byte(1),
        index: Index::new(1),
        fingerprint: B256::repeat_byte(2),
        bitmap: U256::ONE,
    };
    let beyond = Rejection {
        index: Index::new(2),
        ..rejection
    };
    player.world.rejections.extend([rejection, beyond]);
    let told = |decision: &Decision| decision.notes.contains(&Note::Rejected(rejection));
    let mut times = 0;
    for _ in 0..4 {
        for _ in 0..SOFT {
            player.world.mine(0, 0);
            player.note_truth();
            times += usize::from(told(&player.step(None).unwrap()));
        }
        player.restart();
        let known = player.planner.book().rejected();
        assert_eq!(*known, [(rejection.index, rejection.fingerprint)].into());
    }
    assert_eq!(times, 1);
}

#[test]
fn silence_a_standing_mainchain_and_a_checkpoint_that_does_not_come_are_told_after_a_while() {
    let mut player = Player::new(Fault::None);
    player.world.mine(0, 0);
    player.settle().unwrap();
    assert_eq!(player.planner.missed(SILENCE_MS), None);
    let ms = SILENCE_MS + 1;
    assert_eq!(player.planner.missed(ms), Some(Alarm::Silent { ms }));
    player.now_ms = ms;
    let standing = player.settle().unwrap();
    assert_eq!(
        standing.alarms,
        [Alarm::Stalled {
            ms,
            block: BlockNumber::new(1)
        }]
    );
    player.world.mine(0, 0);
    let mut facts = player.facts(None);
    facts.due_since_ms = Some(0);
    let overdue = player.planner.step(&facts);
    assert_eq!(
        overdue.alarms,
        [Alarm::Overdue {
            ms,
            newest: Index::new(0)
        }]
    );
}

#[test]
fn another_sidechains_contract_is_not_read() {
    let mut player = Player::new(Fault::None);
    player.world.mine(1, 0);
    let mut facts = player.facts(None);
    facts.answers.fingerprints.insert(Index::new(0), keccak256("another"));
    let decision = player.planner.step(&facts);
    assert!(
        matches!(&decision.alarms[..], [Alarm::OtherSidechain { .. }]),
        "{decision:?}"
    );
    assert!(player.planner.book().entries().is_empty() && !player.planner.is_through());
}
