//! Did the validators keep their promises? One checker sees everything that anybody signs or commits.
//!
//! Knows more than any node can: also certificates that only a bad node could put together, and contradictions whose two halves
//! never met. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use ledger_chainspec::{BlockHash, SetId, Statement, StatementKind, ValidatorSet};
use ledger_mutants::{Evidence, FinalHead, equivocation::contradiction};
use std::sync::Arc;

use super::keys::{self, Signatures};

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Two honest nodes committed different blocks.
    Forked {
        /// At this height.
        height: u64,
    },
    /// Precommits for two blocks of one height make certificates, whoever holds them.
    TwoCertificates {
        /// At this height.
        height: u64,
    },
    /// An honest node committed a block that does not execute to its header.
    InvalidBlock {
        /// At this height.
        height: u64,
    },
    /// An honest validator signed two statements that exclude each other.
    Contradiction {
        /// Who.
        validator: usize,
        /// Which two.
        statements: String,
    },
    /// Evidence names an honest validator, or proves nothing.
    WronglyAccused {
        /// Who, if it is anybody.
        validator: Option<usize>,
    },
    /// An honest node blames another for a message.
    WronglyBlamed {
        /// Whom.
        node: usize,
        /// The words.
        reason: String,
    },
    /// An honest node met what cannot be.
    Alarmed {
        /// Which node.
        node: usize,
        /// The alarm.
        alarm: String,
    },
    /// A node that was up got too few blocks in the calm.
    Stalled {
        /// Which node.
        node: usize,
        /// Blocks it got.
        blocks: u64,
    },
    /// Too many slots passed from one final block to the next.
    Gap {
        /// So many.
        slots: u64,
        /// Allowed.
        most: u64,
    },
    /// A fork that does not expose enough of those who made it.
    Unaccounted {
        /// Validators proven to be bad.
        named: usize,
        /// `2q - n`.
        needed: usize,
    },
}

impl Violation {
    /// Is it a matter of safety: two blocks at one height?
    pub fn is_fork(&self) -> bool {
        matches!(self, Self::Forked { .. } | Self::TwoCertificates { .. })
    }

    /// Its name without details.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forked { .. } => "forked",
            Self::TwoCertificates { .. } => "two certificates",
            Self::InvalidBlock { .. } => "invalid block",
            Self::Contradiction { .. } => "contradiction",
            Self::WronglyAccused { .. } => "wrongly accused",
            Self::WronglyBlamed { .. } => "wrongly blamed",
            Self::Alarmed { .. } => "alarmed",
            Self::Stalled { .. } => "stalled",
            Self::Gap { .. } => "gap",
            Self::Unaccounted { .. } => "unaccounted",
        }
    }
}

/// Who precommitted what.
type Precommit = (SetId, u64, u64, BlockHash);

/// Everything that was ever signed and committed in a run.
pub struct Checker {
    bad: BTreeSet<usize>,
    signatures: Signatures,
    sets: BTreeMap<SetId, Vec<Arc<ValidatorSet>>>,
    signed: BTreeMap<usize, Vec<Statement>>,
    precommits: BTreeMap<Precommit, BTreeSet<usize>>,
    certified: BTreeMap<u64, BTreeSet<BlockHash>>,
    decided: BTreeMap<u64, BlockHash>,
    /// Validators that their own statements prove to be bad.
    named: BTreeSet<usize>,
    /// Slots in which heights became final, as honest nodes know them, ascending.
    finals: Vec<u64>,
    forked: bool,
    may_fork: bool,
    violations: Vec<Violation>,
}

impl Checker {
    /// A checker of a run of these validators, of which the `bad` may do anything.
    pub fn new(bad: BTreeSet<usize>, signatures: Signatures, first: &Arc<ValidatorSet>) -> Self {
        let may_fork = bad.len() > first.faults();
        Self {
            bad,
            signatures,
            sets: BTreeMap::from([(first.id(), vec![first.clone()])]),
            signed: BTreeMap::new(),
            precommits: BTreeMap::new(),
            certified: BTreeMap::new(),
            decided: BTreeMap::new(),
            named: BTreeSet::new(),
            finals: Vec::new(),
            forked: false,
            may_fork,
            violations: Vec::new(),
        }
    }

    /// Notes what must not be.
    pub fn violated(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// A validator has signed.
    pub fn signed(&mut self, validator: usize, statement: &Statement) {
        let earlier = self.signed.entry(validator).or_default();
        if !self.named.contains(&validator)
            && let Some(other) = earlier.iter().find(|other| contradiction(other, statement).is_some())
        {
            self.named.insert(validator);
            if !self.bad.contains(&validator) {
                let statements = format!("{other:?} and {statement:?}");
                self.violations.push(Violation::Contradiction { validator, statements });
            }
        }
        if !earlier.contains(statement) {
            earlier.push(*statement);
        }
        if statement.kind == StatementKind::Precommit {
            self.precommitted(validator, statement);
        }
    }

    fn precommitted(&mut self, validator: usize, statement: &Statement) {
        let Statement {
            set_id,
            height,
            slot,
            hash,
            ..
        } = *statement;
        let height = height.get();
        let voters = self.precommits.entry((set_id, height, slot.get(), hash)).or_default();
        voters.insert(validator);
        let is_certificate = self.sets.get(&set_id).into_iter().flatten().any(|set| {
            let count = voters
                .iter()
                .filter(|voter| set.index_of(&keys::public(**voter)).is_some());
            count.count() >= set.quorum()
        });
        if is_certificate {
            let certified = self.certified.entry(height).or_default();
            if certified.insert(hash) && certified.len() == 2 {
                self.fork(Violation::TwoCertificates { height });
            }
        }
    }

    fn fork(&mut self, violation: Violation) {
        self.forked = true;
        if !self.may_fork {
            self.violations.push(violation);
        }
    }

    /// May more than `f` be bad, so that a fork is allowed?
    pub fn may_fork(&self) -> bool {
        self.may_fork
    }

    /// Would signing this prove the validator to be bad?
    pub fn would_contradict(&self, validator: usize, statement: &Statement) -> bool {
        let earlier = self.signed.get(&validator).into_iter().flatten();
        earlier
            .into_iter()
            .any(|other| contradiction(other, statement).is_some())
    }

    /// An honest node has committed `head`.
    pub fn committed(&mut self, head: &FinalHead) {
        let slot = head
            .certificate
            .as_ref()
            .map_or(0, |certificate| certificate.slot.get());
        let height = head.header.header.number;
        match self.decided.get(&height) {
            Some(hash) if *hash != head.header.hash => self.fork(Violation::Forked { height }),
            Some(_) => {}
            None => {
                self.decided.insert(height, head.header.hash);
                self.finals.push(slot);
            }
        }
        let known = self.sets.entry(head.set.id()).or_default();
        if !known.contains(&head.set) {
            known.push(head.set.clone());
        }
    }

    /// A node hands out evidence; returns whom it proves to be bad.
    pub fn accused(&mut self, evidence: &Evidence) -> Option<usize> {
        let (first, second) = (&evidence.first, &evidence.second);
        let proves = contradiction(&first.statement, &second.statement) == Some(evidence.kind)
            && [first, second]
                .iter()
                .all(|one| keys::is_signed(self.signatures, &evidence.offender, &one.statement, &one.signature));
        let validator = keys::index_of(&evidence.offender);
        let is_right = proves && validator.is_some_and(|index| self.bad.contains(&index));
        if !is_right {
            self.violations.push(Violation::WronglyAccused { validator });
        }
        validator.filter(|_| is_right)
    }

    /// Validators that their own statements prove to be bad.
    pub fn named(&self) -> usize {
        self.named.len()
    }

    /// Slots in which heights became final, as honest nodes know them.
    pub fn finals(&self) -> &[u64] {
        &self.finals
    }

    /// Are there two blocks at one height?
    pub fn is_forked(&self) -> bool {
        self.forked
    }

    /// With more than `f` bad, a fork is no surprise; but it must expose `2q - n` of those who made it.
    pub fn account(&mut self, validators: usize, quorum: usize) {
        let (named, needed) = (self.named(), 2 * quorum - validators);
        if self.forked && named < needed {
            self.violations.push(Violation::Unaccounted { named, needed });
        }
    }

    /// What must not be, in the order in which it was.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
