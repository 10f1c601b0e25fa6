//! Does this validator prevote or precommit in the current slot (R3, R4), and what becomes of its signature?

use ledger_chainspec::{BlockHash, StatementKind, Vote};

use super::{Engine, Verdict};
use crate::{
    effect::{Alarm, Effect},
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
        self.ask_guard(StatementKind::Prevote, proposal.hash, proposal.valid_slot.max(own));
    }

    /// Precommits a block that a quorum prevoted in the current slot, once, before three quarters of it are over. The
    /// record that permits it holds the lock, the certificate and the block.
    pub(super) fn try_precommit(&mut self) {
        let slot = self.slot();
        if !self.is_signing() || self.now >= self.params.schedule.precommit_deadline(slot) {
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
        if !statement.verify(&key, &signed.signature) {
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
