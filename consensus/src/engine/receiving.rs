//! Is this message for the open height, for the next one, or for none, and does its signer stand behind it (R9, R12)?
//!
//! Takes messages apart and puts what is right where it belongs. Signs nothing and decides nothing.

use std::{collections::BTreeSet, sync::Arc};

use ledger_chainspec::{
    Block, BlockNumber, ConsensusKey, FinalityCertificate, PrevoteCertificate, Slot, Statement, ValidatorSet, Vote,
    digest_of,
};

use super::{Engine, SlotProposal, Verdict, oldest_kept, proposer::proposer_statement};
use crate::{
    effect::{Alarm, Effect},
    finality::Insertion,
    header_rules::open_height,
    input::Origin,
    message::{Message, Place, Proposal, SignedStatement},
    rejection::{HeaderError, Rejection},
};

/// How much a message from above the open height is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// Signed by a validator of the set known here.
    Proven,
    /// Of a set that is not known here: this node may be behind by a change of the set.
    Claimed,
}

/// Most peers that are told within one slot that a height is final.
const ANSWERED_PER_SLOT_MAX: usize = ledger_chainspec::VALIDATORS_MAX;

impl Engine {
    pub(super) fn on_proposal(&mut self, from: Origin, proposal: Proposal) -> Result<(), Rejection> {
        let open = open_height(&self.head);
        let number = proposal.block.number();
        if number == open {
            return self.take_proposal(proposal);
        }
        // Only the proposer's signature can be checked at another height, and only under the set known here.
        let set = if number > open {
            self.head.set.clone()
        } else {
            self.head.signers.clone()
        };
        let place = Place {
            set_id: set.id(),
            height: number,
            ..self.place()
        };
        let (signed, proposer) = proposer_statement(&place, (&proposal.block.header, proposal.again.as_ref()), &set)?;
        let slot = signed.statement.slot;
        let is_signed = self.rules.is_signed(&proposer, &signed.statement, &signed.signature);
        if number < open {
            if is_signed && number == self.head.header.number() {
                self.observe(proposer, &signed);
                self.answer_if_later(from, slot);
            }
            return Err(Rejection::HeightFinal { height: number });
        }
        if open.next() == Some(number) {
            self.refuse_future(slot)?;
            let digest = digest_of(&proposal.block.header).map_err(HeaderError::from)?;
            let missing = HeaderError::CertificatePresence { present: false, number };
            // Its parent's certificate is worth taking even if another set, not known here yet, governs this height.
            self.on_finality(from, digest.parent_certificate.ok_or(missing)?)?;
            if is_signed && self.rules.keeps_next_height() {
                self.early.keep_proposal(slot, from, proposal);
                return Ok(());
            }
        } else {
            let hint = if is_signed { Hint::Proven } else { Hint::Claimed };
            self.catch_up(from, BlockNumber::new(number.get() - 1), hint);
        }
        Err(Rejection::HeightAhead { height: number, open })
    }

    /// A proposal for the open height.
    fn take_proposal(&mut self, proposal: Proposal) -> Result<(), Rejection> {
        let place = self.place();
        let (signed, proposer) = proposer_statement(
            &place,
            (&proposal.block.header, proposal.again.as_ref()),
            &self.head.set,
        )?;
        let slot = signed.statement.slot;
        self.refuse_future(slot)?;
        if slot < oldest_kept(self.slot()) {
            return Err(Rejection::SlotPast {
                slot,
                current: self.slot(),
            });
        }
        let checked = self.context().check(proposal.block)?;
        let hash = checked.hash();
        if let Some(again) = &proposal.again {
            // The block's own seal has been checked; this is the signature of the authority that proposes it again.
            if !self.rules.is_signed(&proposer, &signed.statement, &signed.signature) {
                return Err(Rejection::Signature { voter: proposer });
            }
            let carried = again.certificates.first();
            let is_about_block =
                carried.is_some_and(|one| one.hash == hash && one.slot < slot && one.slot >= checked.slot());
            if !is_about_block {
                return Err(Rejection::Justification {
                    certificates: again.certificates.len(),
                });
            }
            self.take_justification(&again.certificates)?;
        }
        self.observe(proposer, &signed);
        self.notice_own_key(&proposer, &signed.statement);
        self.keep_candidate(checked, Verdict::Unknown);
        let made = SlotProposal {
            hash,
            valid_slot: signed.statement.valid_slot,
        };
        if slot >= self.slot() && self.open.proposals.entry(slot).or_insert(made).hash != hash {
            return Err(Rejection::SecondProposal { slot });
        }
        Ok(())
    }

    pub(super) fn on_vote(&mut self, from: Origin, vote: Vote) -> Result<(), Rejection> {
        let open = open_height(&self.head);
        let height = vote.height;
        let is_behind = height < open;
        let set = if is_behind {
            self.head.signers.clone()
        } else {
            self.head.set.clone()
        };
        if (is_behind && height != self.head.header.number()) || vote.slot < oldest_kept(self.slot()) {
            return Err(Rejection::HeightFinal { height });
        }
        self.refuse_future(vote.slot)?;
        if vote.set_id != set.id() {
            if height > open && vote.set_id > set.id() {
                self.catch_up(from, BlockNumber::new(height.get() - 1), Hint::Claimed);
            }
            return Err(Rejection::WrongSet {
                got: vote.set_id,
                expected: set.id(),
            });
        }
        let index = set.index_of(&vote.voter).and_then(|index| u16::try_from(index).ok());
        let index = index.ok_or(Rejection::NotAValidator {
            voter: vote.voter,
            set_id: set.id(),
        })?;
        if height == open && self.open.votes.lookup(index, &vote) == Insertion::Known {
            return Ok(());
        }
        self.rules.verify_vote(&vote, self.params.genesis)?;
        let signed = SignedStatement {
            statement: vote.statement(self.params.genesis),
            signature: vote.signature,
        };
        self.observe(vote.voter, &signed);
        if is_behind {
            self.answer_if_later(from, vote.slot);
            return Err(Rejection::HeightFinal { height });
        }
        self.notice_own_key(&vote.voter, &signed.statement);
        if height == open {
            return self.count(index, &vote);
        }
        self.catch_up(from, BlockNumber::new(height.get() - 1), Hint::Proven);
        if open.next() != Some(height) || !self.rules.keeps_next_height() {
            return Err(Rejection::HeightAhead { height, open });
        }
        self.early.keep_vote(from, vote);
        Ok(())
    }

    /// Puts a verified vote of the open height into the book.
    pub(super) fn count(&mut self, index: u16, vote: &Vote) -> Result<(), Rejection> {
        match self.open.votes.insert(index, vote) {
            Insertion::New => self.open.changed = true,
            Insertion::Known => {}
            Insertion::Different => {
                return Err(Rejection::SecondVote {
                    voter: vote.voter,
                    slot: vote.slot,
                });
            }
        }
        Ok(())
    }

    pub(super) fn on_justification(
        &mut self,
        from: Origin,
        certificates: &[PrevoteCertificate],
    ) -> Result<(), Rejection> {
        let height = self.head.header.number();
        if certificates.first().is_some_and(|one| one.height == height) {
            // Shown by somebody who has not seen that the height is final.
            self.answer_with_finality(from);
            return Err(Rejection::HeightFinal { height });
        }
        if let Some(one) = certificates.iter().find(|one| one.slot > self.slot()) {
            self.refuse_future(one.slot)?;
        }
        self.take_justification(certificates)
    }

    /// Checks and keeps certificates, newest first, of one block of the open height.
    pub(super) fn take_justification(&mut self, certificates: &[PrevoteCertificate]) -> Result<(), Rejection> {
        let (place, rules) = (self.place(), self.rules);
        let set = self.head.set.clone();
        let unknown = self
            .open
            .certificates
            .check_justification(&place, rules, certificates, |certificate| {
                rules.verify_prevotes(certificate, place.genesis, &set)
            })?;
        for certificate in unknown {
            for vote in &certificate.signatures {
                let statement = certificate.statement(place.genesis, vote.valid_slot);
                self.observe_indexed(
                    &set,
                    vote.index,
                    SignedStatement {
                        statement,
                        signature: vote.signature,
                    },
                );
            }
            self.open.certificates.insert(certificate);
            self.open.changed = true;
        }
        Ok(())
    }

    /// Shows the finder every signature of a verified finality certificate.
    pub(super) fn observe_certificate(&mut self, certificate: &FinalityCertificate, set: &ValidatorSet) {
        let statement = certificate.statement(self.params.genesis);
        for (index, signature) in &certificate.signatures {
            self.observe_indexed(
                set,
                *index,
                SignedStatement {
                    statement,
                    signature: *signature,
                },
            );
        }
    }

    fn observe_indexed(&mut self, set: &ValidatorSet, index: u16, signed: SignedStatement) {
        if let Some(validator) = set.get(usize::from(index)) {
            self.observe(validator.consensus_key, &signed);
        }
    }

    fn observe(&mut self, voter: ConsensusKey, signed: &SignedStatement) {
        if let Some(evidence) = self.finder.observe(voter, signed) {
            self.effects.push(Effect::Evidence(Box::new(evidence)));
        }
    }

    /// A verified statement under our key that our guard did not permit was made elsewhere.
    fn notice_own_key(&mut self, signer: &ConsensusKey, statement: &Statement) {
        let Some(voter) = self.voter.as_ref().filter(|voter| voter.key == *signer) else {
            return;
        };
        let slot = statement.slot;
        if voter.guard.silent_since().is_none() && voter.guard.record().newest_slot().is_none_or(|own| slot > own) {
            self.alarm(Alarm::KeyUsedElsewhere { slot });
        }
    }

    /// Messages for the slot after the current one are kept, later ones are not (R9).
    fn refuse_future(&self, slot: Slot) -> Result<(), Rejection> {
        self.refuse_after(self.slot(), slot)
    }

    /// Somebody votes on a height that is final here, in a later slot than the one that made it final: tell it.
    fn answer_if_later(&mut self, to: Origin, slot: Slot) {
        let certified = self.head.certificate.as_ref().map(|certificate| certificate.slot);
        if certified.is_some_and(|certified| slot > certified) {
            self.answer_with_finality(to);
        }
    }

    /// Tells a peer, once per slot, that the newest final height is final.
    fn answer_with_finality(&mut self, to: Origin) {
        let Some(certificate) = &self.head.certificate else {
            return;
        };
        let current = self.slot();
        if self.answered.0 != current {
            self.answered = (current, BTreeSet::new());
        }
        let has_room = self.answered.1.len() < ANSWERED_PER_SLOT_MAX;
        if has_room && self.answered.1.insert(to) {
            self.effects.push(Effect::Send {
                to,
                message: Message::Finality(certificate.clone()),
            });
        }
    }

    /// Somebody works above `through`, so that block is final: ask for it, once per slot for what is proven and once for
    /// what is only claimed, so that claims cannot crowd out the truth.
    pub(super) fn catch_up(&mut self, from: Origin, through: BlockNumber, hint: Hint) {
        let current = Some(self.slot());
        // With the decided block at hand there is nothing to ask for; without it, whoever hands over certified blocks may have it.
        let is_deciding = self.open.decided.as_ref().is_some_and(|decided| {
            let is_at_hand = self.open.candidates.contains_key(&decided.hash);
            is_at_hand || self.open.finalizing
        });
        let asked_in = match hint {
            Hint::Proven => &mut self.caught_up_in.0,
            Hint::Claimed => &mut self.caught_up_in.1,
        };
        if *asked_in != current && !is_deciding {
            *asked_in = current;
            self.effects.push(Effect::CatchUp { through, from });
        }
    }

    pub(super) fn on_fetched(&mut self, block: Arc<Block>) -> Result<(), Rejection> {
        let hash = block.hash();
        if !self.open.fetching.contains(&hash) {
            return Err(Rejection::NotAskedFor { hash });
        }
        let checked = self.context().check(block)?;
        self.keep_candidate(checked, Verdict::Unknown);
        Ok(())
    }
}
