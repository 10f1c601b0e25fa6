//! Do two signed statements of one validator prove that it broke the rules (R12)?
//!
//! The engine shows every verified statement to the [`EquivocationFinder`], which remembers those of recent slots. Never
//! punishes anybody: evidence goes to the bootstrap contract, which judges for itself by the same rules.

use std::collections::{BTreeMap, BTreeSet};

use ledger_chainspec::{ConsensusKey, Slot, Statement, StatementKind};
use parity_scale_codec::{Decode, Encode};

use crate::message::SignedStatement;

/// Slots before the newest one seen whose statements are remembered. Bounds the finder to this many slots, three kinds and
/// one statement per validator: some 6 MiB at 128 validators.
pub const EVIDENCE_WINDOW_SLOTS: u64 = 64;

/// What two statements prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum EvidenceKind {
    /// Two seals in one slot with different hashes.
    #[codec(index = 0)]
    DoubleSeal,
    /// Two votes of one kind and slot with different contents.
    #[codec(index = 1)]
    DoubleVote,
    /// A precommit, and in a later slot of the same height a prevote for another block that names no certificate at least
    /// as new as the precommit.
    #[codec(index = 2)]
    Amnesia,
}

/// Two statements that no honest validator signs both. For amnesia the precommit comes first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Evidence {
    /// What they prove.
    pub kind: EvidenceKind,
    /// Whose statements they are.
    pub offender: ConsensusKey,
    /// One statement.
    pub first: SignedStatement,
    /// The other.
    pub second: SignedStatement,
}

impl Evidence {
    /// Does the evidence prove what it says: right signatures of the offender, one chain and set, a broken rule?
    pub fn verify(&self) -> bool {
        let (a, b) = (&self.first.statement, &self.second.statement);
        contradiction(a, b) == Some(self.kind)
            && (self.kind != EvidenceKind::Amnesia || a.kind == StatementKind::Precommit)
            && [&self.first, &self.second]
                .iter()
                .all(|signed| signed.statement.verify(&self.offender, &signed.signature))
    }
}

/// What two statements of one validator prove, in either order.
///
/// ```text
///   double seal   same slot, both seals, other hash
///   double vote   same slot, same kind of vote, any other content
///   amnesia       precommit (h, s, X), prevote (h, s', Y, v):  s < s', X != Y, v absent or v < s
/// ```
pub fn contradiction(a: &Statement, b: &Statement) -> Option<EvidenceKind> {
    if a.genesis != b.genesis || a.set_id != b.set_id {
        return None;
    }
    match (a.kind, b.kind) {
        (StatementKind::Seal, StatementKind::Seal) => {
            (a.slot == b.slot && a.hash != b.hash).then_some(EvidenceKind::DoubleSeal)
        }
        (StatementKind::Prevote, StatementKind::Prevote) | (StatementKind::Precommit, StatementKind::Precommit) => {
            (a.slot == b.slot && a != b).then_some(EvidenceKind::DoubleVote)
        }
        (StatementKind::Precommit, StatementKind::Prevote) => is_amnesia(a, b).then_some(EvidenceKind::Amnesia),
        (StatementKind::Prevote, StatementKind::Precommit) => is_amnesia(b, a).then_some(EvidenceKind::Amnesia),
        (StatementKind::Seal, _) | (_, StatementKind::Seal) => None,
    }
}

fn is_amnesia(precommit: &Statement, prevote: &Statement) -> bool {
    precommit.height == prevote.height
        && precommit.slot < prevote.slot
        && precommit.hash != prevote.hash
        && prevote.valid_slot.is_none_or(|valid| valid < precommit.slot)
}

/// Statements of recent slots by validator.
#[derive(Debug, Default)]
pub struct EquivocationFinder {
    newest: Option<Slot>,
    statements: BTreeMap<ConsensusKey, BTreeMap<(Slot, StatementKind), SignedStatement>>,
    reported: BTreeSet<ConsensusKey>,
}

impl EquivocationFinder {
    /// Remembers a statement whose signature has been verified, and returns the evidence that it completes. One piece per
    /// validator: it is jailed for the first.
    pub fn observe(&mut self, voter: ConsensusKey, signed: &SignedStatement) -> Option<Evidence> {
        let slot = signed.statement.slot;
        if self.oldest().is_some_and(|oldest| slot < oldest) || self.reported.contains(&voter) {
            return None;
        }
        let known = self.statements.entry(voter).or_default();
        let kind = signed.statement.kind;
        let found = known
            .values()
            .find_map(|other| contradiction(&other.statement, &signed.statement).map(|found| (found, other.clone())));
        known.entry((slot, kind)).or_insert_with(|| signed.clone());
        self.advance(slot);
        let (kind, other) = found?;
        self.reported.insert(voter);
        self.statements.remove(&voter);
        let swap = kind == EvidenceKind::Amnesia && other.statement.kind == StatementKind::Prevote;
        let (first, second) = if swap {
            (signed.clone(), other)
        } else {
            (other, signed.clone())
        };
        Some(Evidence {
            kind,
            offender: voter,
            first,
            second,
        })
    }

    /// Forgets everybody outside `members`: the set has changed.
    pub fn retain(&mut self, members: &BTreeSet<ConsensusKey>) {
        self.statements.retain(|voter, _| members.contains(voter));
        self.reported.retain(|voter| members.contains(voter));
    }

    fn oldest(&self) -> Option<Slot> {
        self.newest
            .map(|newest| Slot::new(newest.get().saturating_sub(EVIDENCE_WINDOW_SLOTS)))
    }

    fn advance(&mut self, slot: Slot) {
        if self.newest.is_none_or(|newest| slot > newest) {
            self.newest = Some(slot);
            let oldest = self.oldest().unwrap_or(slot);
            for known in self.statements.values_mut() {
                *known = known.split_off(&(oldest, StatementKind::Seal));
            }
        }
    }
}
