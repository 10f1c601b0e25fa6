//! What does a relayer do next? Facts of both chains in, decisions out.
//!
//! Called by the relayer once per round. Pure: no clock, socket, disk or randomness. Whether a checkpoint is on the mainchain is asked
//! of the contract every time, never remembered; the outbox only knows what was signed, so that it can be sent again and outbid. A
//! new transaction is made only for the checkpoint that the contract takes next; what a reorganisation took back is sent again in
//! order. A bundle is kept until its checkpoint is final.

mod decision;
mod facts;
mod observe;
pub mod policy;
mod submit;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

pub use decision::{Action, Alarm, Decision, Note, SendFault, Submission};
pub use facts::{Answers, Facts, Questions, Receipt, Sight};
pub use policy::Policy;

use crate::{
    numbers::{BlockNumber, Index, Point},
    outbox::{Attempt, BadRecord, ENTRIES_MAX, Outbox, Record},
    statement::{BadBundle, Bundle},
};

/// Bundles asked of the sidechain in one round.
pub const BUNDLES_PER_ROUND: u64 = 16;

/// How far ahead of the contract bundles are taken: they would only lie there.
const LOOKAHEAD: u64 = 16;

/// When a transaction was sent, by the mainchain's height.
#[derive(Clone, Copy, Debug)]
struct SentAt {
    first: BlockNumber,
    last: BlockNumber,
}

/// The contract would have refused the next checkpoint.
#[derive(Clone, Debug)]
struct Refusal {
    index: Index,
    times: u32,
    until: BlockNumber,
    reason: String,
}

/// What is remembered between steps, and may be forgotten at any time: a restart is a little slower for it, never wrong.
#[derive(Debug, Default)]
struct Memory {
    /// The next checkpoint, and since when it could be sent.
    waiting: Option<(Index, BlockNumber)>,
    sent: BTreeMap<B256, SentAt>,
    /// Transactions that nodes do not take because they do not outbid another.
    outbid: BTreeSet<B256>,
    refusal: Option<Refusal>,
    /// Transactions that reverted.
    reverted: BTreeMap<B256, Index>,
    no_funds: bool,
    /// Newest block, and when it was first seen.
    head: Option<(Point, u64)>,
    /// Depth of the last deep reorganisation, and the height when it was noticed.
    deep: Option<(u64, BlockNumber)>,
}

/// The state machine.
#[derive(Debug)]
pub struct Planner {
    policy: Policy,
    outbox: Outbox,
    /// Whether every recorded block has to be looked at, and not only the newest.
    in_doubt: bool,
    memory: Memory,
}

impl Planner {
    /// A planner that goes on with what is in `outbox`.
    #[must_use]
    pub fn new(policy: Policy, outbox: Outbox) -> Self {
        Self {
            policy,
            outbox,
            in_doubt: true,
            memory: Memory::default(),
        }
    }

    /// What it has taken upon itself.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Its ways.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The bundles to ask the sidechain for: from which index, and how many. None if none is wanted now.
    #[must_use]
    pub fn wanted(&self, sight: &Sight) -> Option<(Index, u64)> {
        let from = self.next_bundle(sight);
        let end = sight.head_index.plus(LOOKAHEAD + 1);
        let end = match self.outbox.entries().range(from..).next() {
            Some((kept, _)) => end.min(*kept),
            None => end,
        };
        let room = (ENTRIES_MAX - self.outbox.entries().len()) as u64;
        let count = end.since(from).min(room).min(BUNDLES_PER_ROUND);
        (count > 0).then_some((from, count))
    }

    /// The first that is missing, from the contract's next one or the oldest that is kept on.
    fn next_bundle(&self, sight: &Sight) -> Index {
        let entries = self.outbox.entries();
        let next = sight.head_index.plus(1);
        let mut missing = entries.first_key_value().map_or(next, |(first, _)| next.min(*first));
        while entries.contains_key(&missing) {
            missing = missing.plus(1);
        }
        missing
    }

    /// What has to be known before [`Planner::step`].
    #[must_use]
    pub fn questions(&self, sight: &Sight) -> Questions {
        let entries = self.outbox.entries();
        let newest_there = entries.range(..=sight.head_index).next_back().map(|(index, _)| *index);
        let mut blocks: BTreeSet<_> = entries
            .values()
            .filter_map(|entry| entry.anchored.map(|anchored| anchored.block.number))
            .filter(|number| *number <= sight.head.number)
            .collect();
        if !self.in_doubt
            && let Some(newest) = blocks.pop_last()
        {
            // Blocks name their parents: if the newest is where it was, the others are.
            blocks = [newest].into();
        }
        let next = sight.head_index.plus(1);
        // The newest block once more, after everything else: if it is still there, all answers are of one chain.
        blocks.insert(sight.head.number);
        let receipts = entries
            .range(..=next)
            .filter(|(index, entry)| self.in_doubt || entry.anchored.is_none() || **index == next)
            .flat_map(|(_, entry)| entry.attempts.iter().map(|attempt| attempt.hash))
            .collect();
        Questions {
            fingerprint: newest_there,
            blocks: blocks.into_iter().collect(),
            receipts,
        }
    }

    /// Decides. All facts are as of the block of `facts.sight`.
    pub fn step(&mut self, facts: &Facts) -> Decision {
        let mut decision = Decision::default();
        let head = facts.sight.head;
        if facts.answers.blocks.get(&head.number) != Some(&head.hash) {
            decision.actions.push(Action::LookAgain);
            return decision;
        }
        self.watch_head(facts, &mut decision);
        let is_clear = self.observe(facts, &mut decision);
        if !decision.actions.is_empty() {
            return decision;
        }
        self.take(facts, &mut decision);
        if is_clear {
            self.submit(facts, &mut decision);
        }
        self.warn(facts, &mut decision);
        decision
    }

    /// A transaction was signed for a submission: the record to keep before it is sent.
    ///
    /// # Errors
    /// [`BadRecord`] if the checkpoint is final meanwhile.
    pub fn signed(&mut self, index: Index, attempt: Attempt) -> Result<Record, BadRecord> {
        let record = Record::Signed { index, attempt };
        self.outbox.apply(&record)?;
        Ok(record)
    }

    /// What the mainchain's nodes said to a transaction that was sent when the newest block was `at`.
    pub fn sent(&mut self, hash: B256, at: BlockNumber, fault: Option<&SendFault>) {
        let times = self.memory.sent.entry(hash).or_insert(SentAt { first: at, last: at });
        times.last = at;
        match fault {
            Some(SendFault::Underpriced) => {
                self.memory.outbid.insert(hash);
            }
            Some(SendFault::NoFunds) => self.memory.no_funds = true,
            Some(SendFault::NonceUsed | SendFault::Other(_)) => {}
            None => self.memory.no_funds = false,
        }
    }

    /// The contract would refuse the next checkpoint, as of block `at`.
    pub fn refused(&mut self, index: Index, at: BlockNumber, reason: String) {
        let times = match &self.memory.refusal {
            Some(before) if before.index == index => before.times.saturating_add(1),
            _ => 1,
        };
        self.memory.refusal = Some(Refusal {
            index,
            times,
            until: at.plus(1 << times.min(submit::REFUSAL_DOUBLINGS_MAX)),
            reason,
        });
    }

    /// Applies a record that the planner itself made.
    fn apply(&mut self, record: Record, decision: &mut Decision) {
        self.outbox
            .apply(&record)
            .expect("the planner makes records of bundles that it has just looked at");
        decision.keep.push(record);
    }

    fn watch_head(&mut self, facts: &Facts, decision: &mut Decision) {
        let head = facts.sight.head;
        match self.memory.head {
            Some((known, since_ms)) if known == head => {
                let ms = facts.now_ms.saturating_sub(since_ms);
                if ms > self.policy.stall_ms {
                    decision.alarms.push(Alarm::Stalled { ms });
                }
            }
            _ => self.memory.head = Some((head, facts.now_ms)),
        }
    }

    /// Takes the sidechain's bundles up to the first that is no good.
    fn take(&mut self, facts: &Facts, decision: &mut Decision) {
        for bundle in &facts.bundles {
            let expected = self.next_bundle(&facts.sight);
            if self.outbox.entries().len() >= ENTRIES_MAX {
                return;
            }
            if let Err(reason) = self.check(bundle, expected, &facts.sight) {
                let index = expected;
                decision.alarms.push(Alarm::BadBundle { index, reason });
                return;
            }
            self.apply(Record::Taken(bundle.clone()), decision);
            decision.notes.push(Note::Taken { index: expected });
        }
    }

    fn check(&self, bundle: &Bundle, expected: Index, sight: &Sight) -> Result<(), BadBundle> {
        if bundle.checkpoint.index != expected.get() {
            return Err(BadBundle::Index {
                got: bundle.checkpoint.index,
                expected: expected.get(),
            });
        }
        let before = Index::new(expected.get().saturating_sub(1));
        let parent = bundle.checkpoint.parent;
        match self.outbox.entry(before) {
            Some(before) => bundle.check_after(self.outbox.anchor(), &before.bundle.checkpoint)?,
            None if before == sight.head_index && parent != sight.head_fingerprint => {
                return Err(BadBundle::Parent {
                    got: parent,
                    expected: sight.head_fingerprint,
                });
            }
            None => {}
        }
        bundle.check(self.outbox.anchor())
    }
}
