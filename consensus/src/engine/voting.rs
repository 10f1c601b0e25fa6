//! Does this validator prevote or precommit in the current slot (R3, R4), and what becomes of its signature?

use ledger_chainspec::{BlockHash, StatementKind, UnixMillis, Vote};

use super::{Engine, Verdict};
use crate::{
    effect::{Alarm, Effect},
    error::Refusal,
    header_rules::open_height,
    message::{Message, SignedStatement},
};

impl Engine {
    /// Prevotes for the current slot's proposal, once, if it is valid and the lock permits it.
    pub(super) fn try_prevote(&mut self) {
        let slot = self.slot();
        let Some(proposal) = self.open.proposals.get(&slot).copied() else {
            return;
        };
        if !self.is_signing() || !self.is_votable(proposal.hash) || self.has_signed(StatementKind::Prevote) {
            return;
        }
        // Whoever is locked on this block stands by its lock, so that the vote cannot look like a forgotten one (R12).
        let own = self
            .lock()
            .filter(|lock| lock.hash == proposal.hash)
            .map(|lock| lock.slot);
        let valid_slot = proposal.valid_slot.max(own);
        if !self.ask_guard(StatementKind::Prevote, proposal.hash, valid_slot) && self.is_locked_out() {
            self.show_newest_certificate();
        }
    }

    /// Shows the certificate of a lock of this slot, if nothing is final though most of the slot is over: others may lack it,
    /// and the next authority would propose what we have to refuse (R4).
    pub(super) fn try_show_lock(&mut self) {
        if self.lock_to_show().is_some_and(|at| self.now >= at) {
            self.show_newest_certificate();
        }
    }

    /// When the lock of this slot has to be shown, unless it was.
    pub(super) fn lock_to_show(&self) -> Option<UnixMillis> {
        let slot = self.slot();
        let is_locked_now = self.lock().is_some_and(|lock| lock.slot == slot);
        let is_alone = self.head.set.len() == 1;
        let is_due = is_locked_now && !is_alone && self.is_signing() && self.open.shown_in != Some(slot);
        is_due.then(|| self.params.schedule.lock_shown_at(slot))
    }

    /// Did the guard refuse just now because of our lock?
    fn is_locked_out(&self) -> bool {
        let refusal = self.voter.as_ref().and_then(|voter| voter.last_refusal.as_ref());
        matches!(refusal, Some(Refusal::Locked { .. }))
    }

    /// Tells everybody the newest certificate, once per slot. It is as new as our lock, so whoever holds it proposes nothing
    /// that we have to refuse.
    fn show_newest_certificate(&mut self) {
        let slot = self.slot();
        if self.open.shown_in == Some(slot) || !self.rules.shows_locks() {
            return;
        }
        let Some((certified, hash)) = self.open.certificates.newest() else {
            return;
        };
        self.open.shown_in = Some(slot);
        let certificates = self.open.certificates.justification(certified, hash);
        self.effects
            .push(Effect::Broadcast(Message::Justification(certificates)));
    }

    /// Precommits a block that a quorum prevoted in the current slot, once, before three quarters of it are over. The
    /// record that permits it holds the lock, the certificate and the block.
    pub(super) fn try_precommit(&mut self) {
        let slot = self.slot();
        let deadline = self.params.schedule.precommit_deadline(slot);
        if !self.is_signing() || self.now >= deadline {
            return;
        }
        let certified = self.open.certificates.of_slot(slot).find(|hash| self.is_votable(*hash));
        if let Some(hash) = certified
            && !self.has_signed(StatementKind::Precommit)
        {
            self.ask_guard(StatementKind::Precommit, hash, None);
        }
    }

    /// Our key has signed a permitted statement.
    pub(super) fn on_signed(&mut self, signed: SignedStatement) {
        let Some(key) = self.voter.as_ref().map(|voter| voter.key) else {
            return;
        };
        let statement = signed.statement;
        if !self.rules.is_signed(&key, &statement, &signed.signature) {
            self.alarm(Alarm::SignerBroken { voter: key });
            return;
        }
        let is_open = statement.height == open_height(&self.head);
        if statement.kind == StatementKind::Seal {
            if is_open {
                self.on_sealed(&signed);
            }
            return;
        }
        let vote = Vote::from_parts(&statement, key, signed.signature);
        if is_open && let Some(index) = self.head.set.index_of(&key).and_then(|index| u16::try_from(index).ok()) {
            // One vote per slot and kind is the guard's promise; a twin's vote that came first is its evidence.
            let _ = self.count(index, &vote);
            self.show_own_certificate(&vote);
        }
        self.effects.push(Effect::Broadcast(Message::Vote(vote)));
    }

    /// A vote that rests on our lock counts only for those who hold the lock's certificate (R3).
    fn show_own_certificate(&mut self, vote: &Vote) {
        let carried = self
            .open
            .proposals
            .get(&vote.slot)
            .and_then(|proposal| proposal.valid_slot);
        if let Some(valid_slot) = vote.valid_slot.filter(|_| vote.valid_slot > carried) {
            let certificates = self.open.certificates.justification(valid_slot, vote.hash);
            if !certificates.is_empty() {
                self.effects
                    .push(Effect::Broadcast(Message::Justification(certificates)));
            }
        }
    }

    /// Asks for the re-execution of the block that matters most: the decided one, then the current proposal, then the one
    /// of the newest certificate, which we may have to propose again. A follower executes only what is decided.
    pub(super) fn try_validate(&mut self) {
        if self.validating.is_some() {
            return;
        }
        let decided = self.open.decided.as_ref().map(|certificate| certificate.hash);
        let is_validator = self.me().is_some();
        let proposed = self.open.proposals.get(&self.slot()).map(|proposal| proposal.hash);
        let certified = self.open.certificates.newest().map(|(_, hash)| hash);
        let wanted = [
            decided,
            proposed.filter(|_| is_validator),
            certified.filter(|_| is_validator),
        ];
        let next = wanted.into_iter().flatten().find_map(|hash| {
            let (block, verdict) = self.candidate_block(hash)?;
            (verdict == Verdict::Unknown).then_some((hash, block))
        });
        if let Some((hash, block)) = next {
            self.validating = Some(hash);
            self.effects.push(Effect::Validate { block });
        }
    }

    /// Has the block been found valid, and does no confirmed checkpoint speak against it (R15)?
    fn is_votable(&self, hash: BlockHash) -> bool {
        let is_valid = self
            .open
            .candidates
            .get(&hash)
            .is_some_and(|known| known.verdict == Verdict::Valid);
        is_valid
            && self
                .checkpoints
                .contradicted_by(open_height(&self.head), hash)
                .is_none()
    }

    /// Was a statement of this kind permitted in the current slot or a later one?
    fn has_signed(&self, kind: StatementKind) -> bool {
        let newest = self.voter.as_ref().and_then(|voter| voter.guard.record().slot_of(kind));
        newest >= Some(self.slot())
    }

    /// Our lock at the open height.
    pub(super) fn lock(&self) -> Option<crate::guard_record::Lock> {
        self.voter.as_ref()?.guard.lock_at(open_height(&self.head))
    }
}
