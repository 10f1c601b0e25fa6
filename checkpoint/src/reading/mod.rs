//! What does the mainchain say of the sidechain, and how firmly (R15)? Facts of the mainchain in, decisions out.
//!
//! Called by the reader, again and again. Pure: no clock, socket, disk or randomness. The contract is believed and nobody else: a
//! checkpoint that nodes tell of counts once the chain of parents that ends in the contract's newest fingerprint leads to it. It says
//! which checkpoints are mined, soft and final, and what a reorganisation took back; what the sidechain makes of that is for others
//! to decide.

mod book;
mod decision;
mod facts;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

pub use book::{Anchored, BadRecord, Book, Place, REJECTED_MAX, Record, Standing};
pub use decision::{Alarm, Decision, Note};
pub use facts::{Answers, Facts, Logs, Made, Questions, Tip};

use crate::numbers::{BlockNumber, Index, Point};

/// Blocks that one question about logs spans at first, and at most.
pub const LOG_BLOCKS_MAX: u64 = 1 << 16;

/// Blocks that every node tells of at once.
pub const LOG_BLOCKS_MIN: u64 = 1_000;

/// Times in a row that what was told was incomplete, after which everything is read again.
const REREAD_AFTER: u32 = 2;

/// Time without an answer, or without a new block, before a person should look.
pub const SILENCE_MS: u64 = 15 * 60 * 1_000;

/// When is a checkpoint believed, and when is something worth a word?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Blocks upon a checkpoint before it is soft, and believed.
    pub soft_blocks: u64,
    /// Blocks upon a checkpoint before it is final.
    pub final_blocks: u64,
    /// The first block that the contract could have told anything in.
    pub from: BlockNumber,
    /// Time that a checkpoint may be due.
    pub overdue_ms: u64,
    /// Time without an answer, or without a new block.
    pub silence_ms: u64,
}

/// The state machine.
#[derive(Debug)]
pub struct Planner {
    policy: Policy,
    book: Book,
    /// The newest block up to which everything was read; none before the first.
    read: Option<Point>,
    /// Whether the block of every checkpoint that is not final has to be looked at, and not only the newest.
    in_doubt: bool,
    log_blocks: u64,
    /// Times in a row that what was told was not what the contract has.
    incomplete: u32,
    is_through: bool,
    /// Newest block, and when it was first seen.
    head: Option<(BlockNumber, u64)>,
    /// The highest block that was ever the newest: reorganisations are measured from it.
    highest: BlockNumber,
    answered_ms: Option<u64>,
    /// Depth of the last deep reorganisation and the first checkpoint that it took, until that one is soft again.
    deep: Option<(u64, Index)>,
}

impl Planner {
    /// A planner that goes on with what is in `book`.
    #[must_use]
    pub const fn new(policy: Policy, book: Book) -> Self {
        Self {
            policy,
            book,
            read: None,
            in_doubt: true,
            log_blocks: LOG_BLOCKS_MAX,
            incomplete: 0,
            is_through: false,
            head: None,
            highest: BlockNumber::new(0),
            answered_ms: None,
            deep: None,
        }
    }

    /// What is known.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Whether everything that the contract has was read once.
    #[must_use]
    pub const fn is_through(&self) -> bool {
        self.is_through
    }

    /// What has to be known before [`Planner::step`].
    #[must_use]
    pub fn questions(&self, tip: &Tip) -> Questions {
        let mut fingerprints = vec![Index::new(0)];
        fingerprints.extend(self.book.newest_of(Standing::Final).map(|(index, _)| index));
        let mut blocks: BTreeSet<_> = self.open().map(|(_, entry)| entry.block.number).collect();
        if !self.in_doubt
            && let Some(newest) = blocks.pop_last()
        {
            // Blocks name their parents: if the newest is where it was, the others are.
            blocks = [newest].into();
        }
        blocks.extend(self.read.map(|read| read.number));
        let logs = self.unread(tip);
        blocks.extend(logs.map(|(_, to)| to));
        blocks.retain(|number| *number < tip.block.number);
        let mut blocks: Vec<_> = blocks.into_iter().collect();
        blocks.push(tip.block.number);
        Questions {
            fingerprints,
            logs,
            blocks,
        }
    }

    /// One step.
    pub fn step(&mut self, facts: &Facts) -> Decision {
        let mut decision = Decision::default();
        self.answered_ms = Some(facts.now_ms);
        if facts.answers.blocks.get(&facts.tip.block.number) != Some(&facts.tip.block.hash) {
            // The chain changed between two answers: they are of no use together.
            decision.again = true;
            return decision;
        }
        self.watch_head(facts, &mut decision);
        if self.contradicts_itself(facts, &mut decision) {
            return decision;
        }
        if self.is_reorganised(facts) && !self.in_doubt {
            self.in_doubt = true;
            decision.again = true;
            return decision;
        }
        self.lose(facts, &mut decision);
        self.in_doubt = false;
        self.read(facts, &mut decision);
        if let Some((depth, index)) = self.deep {
            decision.alarms.push(Alarm::DeepReorganisation { depth, index });
        }
        decision
    }

    /// What is wrong if the mainchain did not answer.
    #[must_use]
    pub fn missed(&mut self, now_ms: u64) -> Option<Alarm> {
        let since = *self.answered_ms.get_or_insert(now_ms);
        let ms = now_ms.saturating_sub(since);
        (ms > self.policy.silence_ms).then_some(Alarm::Silent { ms })
    }

    /// Checkpoints that a reorganisation could take.
    fn open(&self) -> impl Iterator<Item = (Index, &Anchored)> {
        let open = self.book.entries().iter().rev();
        open.take_while(|(_, entry)| entry.standing < Standing::Final)
            .map(|(index, entry)| (*index, entry))
    }

    /// The first block that was not read, and the last one to read now.
    fn unread(&self, tip: &Tip) -> Option<(BlockNumber, BlockNumber)> {
        let from = match (self.read, self.book.newest()) {
            (Some(read), _) => read.number.plus(1),
            // A block may have told of more than one. If that is not enough, a reorganisation may have brought what was final into
            // another block, and all is read again.
            (None, Some((_, newest))) if self.incomplete < REREAD_AFTER => newest.block.number,
            (None, _) => self.policy.from,
        };
        let to = from.plus(self.log_blocks - 1).min(tip.block.number);
        (from <= to).then_some((from, to))
    }

    fn watch_head(&mut self, facts: &Facts, decision: &mut Decision) {
        let block = facts.tip.block.number;
        let since = match self.head {
            Some((seen, since)) if seen == block => since,
            _ => facts.now_ms,
        };
        self.head = Some((block, since));
        self.highest = self.highest.max(block);
        let ms = facts.now_ms.saturating_sub(since);
        if ms > self.policy.silence_ms {
            decision.alarms.push(Alarm::Stalled { ms, block });
        }
        let due_ms = facts.due_since_ms.map_or(0, |since| facts.now_ms.saturating_sub(since));
        if due_ms > self.policy.overdue_ms {
            let (newest, _) = self.book.tip();
            decision.alarms.push(Alarm::Overdue { ms: due_ms, newest });
        }
    }

    /// Whether the contract is another's, or has not what was final in it.
    fn contradicts_itself(&self, facts: &Facts, decision: &mut Decision) -> bool {
        let said = |index: Index| facts.answers.fingerprints.get(&index).copied().unwrap_or_default();
        let (got, expected) = (said(Index::new(0)), self.book.place().genesis);
        if got != expected {
            decision.alarms.push(Alarm::OtherSidechain { got, expected });
            return true;
        }
        let Some((index, entry)) = self.book.newest_of(Standing::Final) else {
            return false;
        };
        let (got, known) = (said(index), entry.fingerprint);
        if got != known {
            decision.alarms.push(Alarm::FinalReplaced { index, known, got });
        }
        got != known
    }

    /// Whether what was read last is not where it was.
    fn is_reorganised(&self, facts: &Facts) -> bool {
        let newest = self.open().next().map(|(_, entry)| entry.block);
        [self.read, newest]
            .into_iter()
            .flatten()
            .any(|point| !is_there(point, facts))
    }

    /// Forgets what is not in the chain any more.
    fn lose(&mut self, facts: &Facts, decision: &mut Decision) {
        if self.read.is_some_and(|read| !is_there(read, facts)) {
            self.read = None;
        }
        if !self.in_doubt {
            return;
        }
        let first = self.open().filter(|(_, entry)| !is_there(entry.block, facts)).last();
        let Some(first) = first.map(|(index, _)| index) else {
            return;
        };
        self.read = None;
        let lost = self.book.take_from(first);
        let depth_of = |entry: &Anchored| self.highest.since(entry.block.number);
        let believed = lost.iter().find(|(_, entry)| entry.standing >= Standing::Soft);
        if let Some((index, entry)) = believed {
            self.deep = Some((depth_of(entry), *index));
            decision.keep.push(Record::Withdrawn(*index));
        }
        decision.notes.extend(lost.into_values().map(|entry| Note::Lost {
            depth: depth_of(&entry),
            entry: Box::new(entry),
        }));
    }

    /// Takes what the contract told, and once all of it is known, makes firm what is deep enough.
    fn read(&mut self, facts: &Facts, decision: &mut Decision) {
        let tip = &facts.tip;
        if let Some((from, to)) = self.unread(tip) {
            let Some(logs) = &facts.answers.logs else {
                // A node that tells of less at a time is asked for less.
                self.log_blocks = (self.log_blocks / 2).max(LOG_BLOCKS_MIN);
                decision.again = true;
                return;
            };
            if !self.take(logs, (from, to), decision) {
                return self.incomplete(tip, decision);
            }
            // The contract records conflicts for checkpoints that it has, and for no others.
            for rejection in logs.rejections.iter().filter(|rejection| rejection.index <= tip.index) {
                if self.book.reject(rejection.index, rejection.fingerprint) {
                    let record = Record::Rejected(rejection.index, rejection.fingerprint);
                    decision.keep.push(record);
                    decision.notes.push(Note::Rejected(*rejection));
                }
            }
            self.log_blocks = (self.log_blocks * 2).min(LOG_BLOCKS_MAX);
            let hash = facts.answers.blocks.get(&to).copied().unwrap_or_default();
            self.read = Some(Point { number: to, hash });
        }
        if self.read.is_none_or(|read| read.number < tip.block.number) {
            decision.again = true;
            return;
        }
        if self.book.tip() != (tip.index, tip.fingerprint) {
            return self.incomplete(tip, decision);
        }
        (self.is_through, self.incomplete) = (true, 0);
        self.make_firm(tip, decision);
    }

    /// Adds checkpoints that the contract told of in these blocks. Whether they follow what is known.
    fn take(&mut self, logs: &Logs, (from, to): (BlockNumber, BlockNumber), decision: &mut Decision) -> bool {
        for made in &logs.made {
            let index = Index::new(made.checkpoint.index);
            if let Some(known) = self.book.entries().get(&index) {
                if known.fingerprint == made.fingerprint {
                    continue;
                }
                return false;
            }
            let entry = Anchored {
                checkpoint: made.checkpoint.clone(),
                fingerprint: made.fingerprint,
                block: made.block,
                standing: Standing::Mined,
            };
            if !(from..=to).contains(&made.block.number) || self.book.add(entry).is_err() {
                return false;
            }
            let standing = Standing::Mined;
            decision.notes.push(Note::Reached { index, standing });
        }
        true
    }

    /// What was told is not what the contract has: everything that is not firm yet is read again the next time.
    fn incomplete(&mut self, tip: &Tip, decision: &mut Decision) {
        let (told, _) = self.book.tip();
        let contract = tip.index;
        decision.alarms.push(Alarm::Incomplete { contract, told });
        let unproven = self
            .open()
            .filter(|(_, entry)| entry.standing == Standing::Mined)
            .last();
        if let Some((first, _)) = unproven {
            self.book.take_from(first);
        }
        self.read = None;
        self.incomplete = self.incomplete.saturating_add(1);
    }

    fn make_firm(&mut self, tip: &Tip, decision: &mut Decision) {
        let reached = |entry: &Anchored| match tip.block.number.since(entry.block.number) {
            depth if depth >= self.policy.final_blocks => Standing::Final,
            depth if depth >= self.policy.soft_blocks => Standing::Soft,
            _ => Standing::Mined,
        };
        let mut firmer: BTreeMap<Index, (Standing, Standing)> = BTreeMap::new();
        for (index, entry) in self.open() {
            let standing = reached(entry);
            if standing > entry.standing {
                firmer.insert(index, (entry.standing, standing));
            }
        }
        for (index, (was, standing)) in firmer {
            self.book.raise(index, standing);
            let record = match (was, self.book.entries().get(&index)) {
                (Standing::Mined, Some(entry)) => Record::Confirmed(Box::new(entry.clone())),
                _ => Record::Final(index),
            };
            decision.keep.push(record);
            decision.notes.push(Note::Reached { index, standing });
            if self.deep.is_some_and(|(_, taken)| taken <= index) {
                self.deep = None;
            }
        }
    }
}

/// Whether the mainchain has this block, as of the newest one.
fn is_there(point: Point, facts: &Facts) -> bool {
    let said: Option<&B256> = facts.answers.blocks.get(&point.number);
    said == Some(&point.hash)
}
