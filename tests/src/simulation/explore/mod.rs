//! Can three honest validators and one that equivocates ever disagree, in whatever order things happen?
//!
//! Every order is tried, with the real engine, for one height and a few slots. To be finite, time is cut into four moments of a
//! slot, and at each moment each honest validator has a few possibilities, independent of the others':
//!
//! ```text
//!   start      hears nothing / everything that honest ones said before / (where asked for) dies and starts again with its disk
//!   proposal   gets it or not; from the equivocator: block A, block B, or a certified block again
//!   prevotes   hears none / the equivocator's for any block that somebody prevoted, and those of all honest ones
//!   precommits the same, and then sees the time come at which locks are shown
//! ```
//!
//! What this leaves out: hearing some honest votes of a moment and not the others, more than one height, and votes of the
//! equivocator that come late by themselves (it may show them in a certificate). Equal states are met once: a validator's state is
//! all of its engine's and its disk's, and what it has said. Whoever has committed has nothing left to decide.

mod choices;
mod process;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, Slot, StatementKind};
use ledger_mutants::Message;
use parity_scale_codec::Encode;

use self::process::Process;
use super::{chain::Chain, keys::Signatures, setup::Broken};

/// The equivocator; the others are honest.
const EQUIVOCATOR: usize = 0;
const VALIDATORS: usize = 4;
const HONEST: usize = VALIDATORS - 1;
const QUORUM: usize = 3;
/// The slot of validator 3, so that an honest one proposes first and the equivocator second.
const FIRST_SLOT: u64 = 1_007;
/// Milliseconds from the start of a slot to each moment: precommits may still be cast when prevotes come, and locks are shown
/// after precommits have come.
const MOMENTS: [u64; 4] = [0, 100, 300, 650];

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// How many slots.
    pub slots: u64,
    /// May what was said in earlier slots be heard late?
    pub hears_late: bool,
    /// May processes die and start again?
    pub restarts: bool,
    /// The rule that is broken.
    pub broken: Option<Broken>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Explored {
    /// States of all four together, those at the end not counted.
    pub states: u64,
    /// States of one honest validator.
    pub local_states: usize,
    /// Ways from one state to another, of all together.
    pub transitions: u64,
    /// Two blocks that are both final, or both could be.
    pub conflict: Option<String>,
}

/// What happens to one honest validator at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Step {
    now: u64,
    restarts: bool,
    /// Positions in the list of messages.
    hears: Vec<usize>,
}

/// A state of one honest validator.
struct Local {
    validator: usize,
    steps: Vec<Step>,
    said: Vec<usize>,
    votes: Vec<Said>,
    committed: Option<BlockHash>,
}

/// A vote that an honest validator cast, and its position in the list of messages.
#[derive(Clone, Copy)]
struct Said {
    position: usize,
    kind: StatementKind,
    slot: u64,
    hash: BlockHash,
    valid: Option<Slot>,
}

/// The states of the honest validators, as positions in the list of local states.
type Global = [usize; HONEST];

/// Tries everything within the scope, until two blocks can be final.
pub fn explore(scope: Scope) -> Explored {
    let mut explorer = Explorer::new(scope);
    let mut frontier = BTreeSet::from([explorer.first()]);
    let mut states = 1;
    let moments = scope.slots * MOMENTS.len() as u64;
    for number in 0..moments {
        let slot = FIRST_SLOT + number / MOMENTS.len() as u64;
        let moment = usize::try_from(number).unwrap_or_default() % MOMENTS.len();
        let mut next = BTreeSet::new();
        for global in &frontier {
            for reached in explorer.successors(global, slot, moment) {
                explorer.transitions += 1;
                // Nothing follows the last moment: its states are looked at and forgotten.
                if number + 1 == moments || next.insert(reached) {
                    explorer.conflict = explorer.conflict_in(&reached);
                }
                if explorer.conflict.is_some() {
                    return explorer.into_explored(states);
                }
            }
        }
        states += next.len() as u64;
        frontier = next;
    }
    explorer.into_explored(states)
}

struct Explorer {
    scope: Scope,
    chain: Chain,
    locals: Vec<Local>,
    by_digest: HashMap<B256, usize>,
    taken: HashMap<(usize, Step), usize>,
    messages: Vec<Message>,
    by_bytes: HashMap<Vec<u8>, usize>,
    /// Votes of the equivocator, by what they say.
    equivocal: BTreeMap<(u64, StatementKind, BlockHash, Option<Slot>), usize>,
    transitions: u64,
    conflict: Option<String>,
}

impl Explorer {
    fn new(scope: Scope) -> Self {
        let members: Vec<usize> = (0..VALIDATORS).collect();
        Self {
            scope,
            chain: Chain::new(&members, BTreeMap::new(), Signatures::Ideal),
            locals: Vec::new(),
            by_digest: HashMap::new(),
            taken: HashMap::new(),
            messages: Vec::new(),
            by_bytes: HashMap::new(),
            equivocal: BTreeMap::new(),
            transitions: 0,
            conflict: None,
        }
    }

    fn into_explored(self, states: u64) -> Explored {
        Explored {
            states,
            local_states: self.locals.len(),
            transitions: self.transitions,
            conflict: self.conflict,
        }
    }

    /// Everybody has just started.
    fn first(&mut self) -> Global {
        [1, 2, 3].map(|validator| self.arrive(validator, Vec::new()))
    }

    fn message(&mut self, message: Message) -> usize {
        let bytes = message.encode();
        if let Some(known) = self.by_bytes.get(&bytes) {
            return *known;
        }
        self.messages.push(message);
        self.by_bytes.insert(bytes, self.messages.len() - 1);
        self.messages.len() - 1
    }

    /// The state that these steps lead to.
    fn arrive(&mut self, validator: usize, steps: Vec<Step>) -> usize {
        let mut process = Process::new(self.scope, &self.chain, validator);
        for step in &steps {
            process.take(step, &self.messages);
        }
        let digest = process.digest();
        if let Some(known) = self.by_digest.get(&digest) {
            return *known;
        }
        let (said, committed) = (std::mem::take(&mut process.said), process.committed());
        drop(process);
        let said: Vec<usize> = said.into_iter().map(|message| self.message(message)).collect();
        let votes = said.iter().filter_map(|position| self.vote_at(*position)).collect();
        let local = Local {
            validator,
            steps,
            said,
            votes,
            committed,
        };
        self.locals.push(local);
        self.by_digest.insert(digest, self.locals.len() - 1);
        self.locals.len() - 1
    }

    fn vote_at(&self, position: usize) -> Option<Said> {
        match &self.messages[position] {
            Message::Vote(vote) => Some(Said {
                position,
                kind: vote.kind,
                slot: vote.slot.get(),
                hash: vote.hash,
                valid: vote.valid_slot,
            }),
            Message::Proposal(_) | Message::Justification(_) | Message::Finality(_) => None,
        }
    }

    fn take(&mut self, local: usize, step: Step) -> usize {
        let from = &self.locals[local];
        if from.committed.is_some() {
            return local;
        }
        let key = (local, step);
        if let Some(known) = self.taken.get(&key) {
            return *known;
        }
        let mut steps = from.steps.clone();
        steps.push(key.1.clone());
        let reached = self.arrive(from.validator, steps);
        self.taken.insert(key, reached);
        reached
    }

    fn successors(&mut self, global: &Global, slot: u64, moment: usize) -> Vec<Global> {
        let mut reached: Vec<Vec<usize>> = Vec::new();
        for node in 0..HONEST {
            let mut ends = BTreeSet::new();
            for step in self.possibilities(global, node, slot, moment) {
                ends.insert(self.take(global[node], step));
            }
            reached.push(ends.into_iter().collect());
        }
        let mut all = Vec::new();
        for one in &reached[0] {
            for two in &reached[1] {
                all.extend(reached[2].iter().map(|three| [*one, *two, *three]));
            }
        }
        all
    }

    /// Are two blocks final, or could be with the equivocator's precommits?
    fn conflict_in(&self, global: &Global) -> Option<String> {
        let mut first = None;
        for local in global.map(|local| &self.locals[local]) {
            let precommits = local.votes.iter().filter(|vote| vote.kind == StatementKind::Precommit);
            let certified = precommits.filter(|vote| self.supporters(global, vote) + 1 >= QUORUM);
            for hash in certified.map(|vote| vote.hash).chain(local.committed) {
                if *first.get_or_insert(hash) != hash {
                    let steps = global.map(|local| (self.locals[local].validator, &self.locals[local].steps));
                    return Some(format!("{first:?} and {hash} by {steps:?}"));
                }
            }
        }
        None
    }

    /// How many honest validators precommitted the same.
    fn supporters(&self, global: &Global, precommit: &Said) -> usize {
        let agrees =
            |vote: &Said| (vote.kind, vote.slot, vote.hash) == (precommit.kind, precommit.slot, precommit.hash);
        let voters = global
            .iter()
            .filter(|local| self.locals[**local].votes.iter().any(agrees));
        voters.count()
    }
}
