//! What does the authority of a slot propose, and when (R2, R11)?

use ledger_chainspec::{Block, BlockHash, Slot, StatementKind, seal_hash, with_digest};

use super::{Engine, Sealing, SlotProposal, Verdict};
use crate::{
    effect::{Alarm, BuildRequest, Effect},
    header_rules::open_height,
    input::BuildOutcome,
    message::{Message, Proposal, Reproposal, SignedStatement},
    rejection::HeaderError,
};

impl Engine {
    /// Proposes in the current slot if it is ours, once: the block of the newest certificate again, else a new one.
    pub(super) fn try_propose(&mut self) {
        let slot = self.slot();
        if self.open.proposed_in >= Some(slot) || !self.is_signing() || !self.owns(slot) {
            return;
        }
        if self.now >= self.params.schedule.proposal_deadline(slot, self.head.set.len()) {
            return;
        }
        if let Some((certified, hash)) = self.reproposable() {
            if certified < slot && self.ask_guard(StatementKind::Seal, hash, Some(certified)) {
                self.open.proposed_in = Some(slot);
            }
            return;
        }
        let is_after_parent = self.first_slot_to_build() <= slot;
        if self.building.is_none() && is_after_parent && self.may_build() && self.wants_block(slot) {
            // Asked before the work, not after it: the guard would refuse the seal.
            let statement = self
                .place()
                .statement(StatementKind::Seal, slot, self.head.header.hash, None);
            let Some(voter) = &mut self.voter else { return };
            voter.last_refusal = voter.guard.refusal_of(&statement);
            if voter.last_refusal.is_none() {
                self.open.proposed_in = Some(slot);
                self.ask_for_block(slot);
            }
        }
    }

    fn ask_for_block(&mut self, slot: Slot) {
        self.building = Some(slot);
        let request = self.build_request(slot);
        self.effects.push(Effect::Build(Box::new(request)));
    }

    fn build_request(&self, slot: Slot) -> BuildRequest {
        BuildRequest {
            heartbeat: self.heartbeat_due(slot),
            ..BuildRequest::on(&self.head, &self.params, slot)
        }
    }

    /// What [`Effect::Build`] will ask for when the next slot begins, if that slot is ours, the block of this one is final, and nothing
    /// else comes first. Whoever knows that there will be work may begin then: building signs nothing, and a seal is given in
    /// its slot alone (R2).
    #[must_use]
    pub fn next_build(&self) -> Option<BuildRequest> {
        let next = self.slot().next()?;
        let is_decided = self.head_slot == self.slot() && self.first_slot_to_build() <= next;
        let is_free = self.building.is_none() && self.reproposable().is_none() && self.head.recovery.is_none();
        let is_ours = self.is_signing() && self.owns(next) && self.may_build();
        (is_decided && is_free && is_ours).then(|| self.build_request(next))
    }

    pub(super) fn on_built(&mut self, slot: Slot, outcome: BuildOutcome) {
        if self.building != Some(slot) {
            return;
        }
        self.building = None;
        match outcome {
            // Certified in the meantime: that block goes first, and its proposal is tried again at once.
            _ if self.reproposable().is_some() => self.open.proposed_in = None,
            BuildOutcome::Nothing => self.has_work = false,
            BuildOutcome::Block(block) => self.seal(slot, block),
        }
    }

    /// Asks for the seal of a block built here, unless it comes too late to be voted on in its slot.
    fn seal(&mut self, slot: Slot, block: Box<Block>) {
        let is_in_time = slot == self.slot() && self.now < self.params.schedule.precommit_deadline(slot);
        // A block that was asked for on an older head is no longer wanted.
        if !is_in_time || !self.is_signing() || block.number() != open_height(&self.head) {
            return;
        }
        match self.context().check_unsealed(&block) {
            Ok(digest) if digest.slot == slot => {
                if self.ask_guard(StatementKind::Seal, seal_hash(&block.header, &digest), None) {
                    self.open.sealing = Some(Sealing { block, digest });
                }
            }
            Ok(digest) => {
                let error = HeaderError::Slot {
                    got: digest.slot,
                    after: slot,
                };
                self.alarm(Alarm::BuilderBroken { slot, error });
            }
            Err(error) => self.alarm(Alarm::BuilderBroken { slot, error }),
        }
    }

    /// Our seal has been signed: the block built here gets it, or a certified block is proposed again with it.
    pub(super) fn on_sealed(&mut self, signed: &SignedStatement) {
        let slot = signed.statement.slot;
        let proposal = match signed.statement.valid_slot {
            None => self.sealed_block(signed),
            Some(certified) => self.certified_block(signed, certified),
        };
        let Some(proposal) = proposal else { return };
        let made = SlotProposal {
            hash: proposal.block.hash(),
            valid_slot: signed.statement.valid_slot,
        };
        self.open.proposals.insert(slot, made);
        self.effects.push(Effect::Broadcast(Message::Proposal(proposal)));
    }

    fn sealed_block(&mut self, signed: &SignedStatement) -> Option<Proposal> {
        let Sealing { block, mut digest } = self.open.sealing.take()?;
        if seal_hash(&block.header, &digest) != signed.statement.hash {
            return None;
        }
        digest.seal = Some(signed.signature);
        let sealed = Block {
            header: with_digest(block.header, &digest),
            transactions: block.transactions,
        };
        match self.context().check(sealed.into()) {
            Ok(checked) => {
                let block = checked.block().clone();
                // Built on this head by this node: building is executing.
                self.keep_candidate(checked, Verdict::Valid);
                Some(Proposal { block, again: None })
            }
            Err(error) => {
                self.alarm(Alarm::BuilderBroken {
                    slot: signed.statement.slot,
                    error,
                });
                None
            }
        }
    }

    fn certified_block(&self, signed: &SignedStatement, certified: Slot) -> Option<Proposal> {
        let (block, _) = self.candidate_block(signed.statement.hash)?;
        let certificates = self.open.certificates.justification(certified, signed.statement.hash);
        let again = Reproposal {
            slot: signed.statement.slot,
            signature: signed.signature,
            certificates,
        };
        Some(Proposal {
            block,
            again: Some(again),
        })
    }

    /// The newest certificate, if its block is at hand and not known to be invalid.
    pub(super) fn reproposable(&self) -> Option<(Slot, BlockHash)> {
        let (slot, hash) = self.open.certificates.newest()?;
        let (_, verdict) = self.candidate_block(hash)?;
        (verdict != Verdict::Invalid).then_some((slot, hash))
    }

    /// Is this slot ours?
    fn owns(&self, slot: Slot) -> bool {
        self.voter
            .as_ref()
            .is_some_and(|voter| self.head.set.authority(slot).consensus_key == voter.key)
    }

    /// May we build at all: not twice in a row while there are others (R2).
    pub(super) fn may_build(&self) -> bool {
        self.me()
            .is_some_and(|validator| !self.context().sealed_parent(validator))
    }

    /// Is there something to do in this slot (R11)? A recovery that was ordered is (R16).
    pub(super) fn wants_block(&self, slot: Slot) -> bool {
        self.has_work || self.head.recovery.is_some() || self.heartbeat_due(slot)
    }

    fn heartbeat_due(&self, slot: Slot) -> bool {
        slot >= self.heartbeat_slot()
    }

    /// The slot from which a block is due even if it is empty.
    pub(super) fn heartbeat_slot(&self) -> Slot {
        Slot::new(self.head_slot.get().saturating_add(self.params.heartbeat_slots))
    }

    /// A block's slot comes after its parent's and after the slot that made the parent final.
    pub(super) fn first_slot_to_build(&self) -> Slot {
        let certified = self
            .head
            .certificate
            .as_ref()
            .map_or(self.head_slot, |certificate| certificate.slot);
        let newest = certified.max(self.head_slot);
        newest.next().unwrap_or(newest)
    }
}
