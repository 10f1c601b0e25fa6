//! Which blocks of the open height are at hand, and how do they stand?

use std::sync::Arc;

use ledger_chainspec::{Block, BlockHash};

use super::{CANDIDATES_MAX, Candidate, Engine, OpenHeight, Verdict};
use crate::{
    effect::Alarm,
    header_rules::{CheckedBlock, open_height},
    input::ValidationOutcome,
};

impl Engine {
    /// Takes up the lock, the certificate and the block that the guard record holds for the open height.
    pub(super) fn restore_from_guard(&mut self) {
        let open = open_height(&self.head);
        let Some(voter) = &self.voter else { return };
        if let Some(since) = voter.guard.silent_since() {
            self.alarm(Alarm::GuardLost { since });
            return;
        }
        let record = voter.guard.record();
        if record.height > open {
            let recorded = record.height;
            self.alarm(Alarm::GuardAhead { recorded, open });
        } else if record.height == open
            && let Some(newest) = record.newest.clone()
            && let Ok(checked) = self.context().check(newest.block)
        {
            self.keep_candidate(checked, Verdict::Unknown);
            // Certificates of another set or height than the record says were never stored by this engine.
            let _ = self.take_justification(&newest.certificates);
        }
    }

    pub(super) fn on_validated(&mut self, hash: BlockHash, outcome: ValidationOutcome) {
        if self.validating == Some(hash) {
            self.validating = None;
        }
        if let Some(candidate) = self.open.candidates.get_mut(&hash) {
            candidate.verdict = match outcome {
                ValidationOutcome::Valid => Verdict::Valid,
                ValidationOutcome::Withheld => Verdict::Withheld,
                ValidationOutcome::Invalid => Verdict::Invalid,
            };
        }
    }

    /// Keeps a block of the open height; a known one stays as it is.
    pub(super) fn keep_candidate(&mut self, checked: CheckedBlock, verdict: Verdict) {
        let hash = checked.hash();
        self.open.fetching.remove(&hash);
        self.open
            .candidates
            .entry(hash)
            .or_insert(Candidate { checked, verdict });
        self.open.changed = true;
        while self.open.candidates.len() > CANDIDATES_MAX {
            let open = &self.open;
            let is_needed = |hash: &BlockHash| {
                open.certificates.certifies(*hash)
                    || open
                        .decided
                        .as_ref()
                        .is_some_and(|certificate| certificate.hash == *hash)
                    || open.proposals.values().any(|proposal| proposal.hash == *hash)
            };
            let evictable = open
                .candidates
                .iter()
                .filter(|(known, _)| **known != hash && !is_needed(known));
            let Some(oldest) = evictable
                .min_by_key(|(_, candidate)| candidate.checked.slot())
                .map(|(known, _)| *known)
            else {
                break;
            };
            self.open.candidates.remove(&oldest);
        }
    }

    pub(super) fn candidate_block(&self, hash: BlockHash) -> Option<(Arc<Block>, Verdict)> {
        let candidate = self.open.candidates.get(&hash)?;
        Some((candidate.checked.block().clone(), candidate.verdict))
    }
}

impl OpenHeight {
    /// Forgets which blocks this node would not vouch for: it may know more of the mainchain by now (R16).
    pub(super) fn reconsider(&mut self) {
        for candidate in self.candidates.values_mut() {
            if candidate.verdict == Verdict::Withheld {
                candidate.verdict = Verdict::Unknown;
            }
        }
    }
}
