//! What can happen to one honest validator at one moment of the exploration, and what the equivocator can say to it.

use std::collections::{BTreeMap, BTreeSet};

use ledger_chainspec::{BlockHash, PrevoteCertificate, PrevoteSignature, Slot, Statement, StatementKind, Vote};
use ledger_mutants::{Message, Proposal, Reproposal, message::reproposal_statement};

use super::{EQUIVOCATOR, Explorer, FIRST_SLOT, Global, HONEST, MOMENTS, QUORUM, Step, VALIDATORS};
use crate::simulation::{
    chain::SLOT_MS,
    keys::{self, Signatures},
};

impl Explorer {
    /// What can happen to one honest validator at one moment.
    pub(super) fn possibilities(&mut self, global: &Global, node: usize, slot: u64, moment: usize) -> Vec<Step> {
        let now = slot * SLOT_MS + MOMENTS[moment];
        let step = |hears| Step {
            now,
            restarts: false,
            hears,
        };
        match moment {
            0 if slot == FIRST_SLOT => vec![step(Vec::new())],
            0 => {
                let mut all = vec![step(Vec::new())];
                if self.scope.hears_late {
                    all.push(step(self.said_by_others(global, node)));
                }
                if self.scope.restarts {
                    all.push(Step {
                        now,
                        restarts: true,
                        hears: Vec::new(),
                    });
                }
                all
            }
            1 => {
                let proposals = self.proposals(global, slot);
                let mut all: Vec<Step> = proposals.into_iter().map(|proposal| step(vec![proposal])).collect();
                if slot % VALIDATORS as u64 != EQUIVOCATOR as u64 {
                    all.push(step(Vec::new()));
                }
                all
            }
            2 => self
                .votes(global, node, slot, StatementKind::Prevote)
                .into_iter()
                .map(step)
                .collect(),
            _ => self
                .votes(global, node, slot, StatementKind::Precommit)
                .into_iter()
                .map(step)
                .collect(),
        }
    }

    fn said_by_others(&self, global: &Global, node: usize) -> Vec<usize> {
        let others = (0..HONEST).filter(|other| *other != node);
        others
            .flat_map(|other| self.locals[global[other]].said.clone())
            .collect()
    }

    /// What is proposed in a slot: by its authority, or anything by the equivocator.
    fn proposals(&mut self, global: &Global, slot: u64) -> Vec<usize> {
        if slot % VALIDATORS as u64 != EQUIVOCATOR as u64 {
            let said = self.said_by_others(global, HONEST);
            let is_now = |position: &usize| match &self.messages[*position] {
                Message::Proposal(Proposal { again: Some(again), .. }) => again.slot.get() == slot,
                Message::Proposal(Proposal { block, again: None }) => block.header.timestamp == slot * SLOT_MS / 1_000,
                Message::Vote(_) | Message::Justification(_) | Message::Finality(_) => false,
            };
            return said.into_iter().filter(is_now).collect();
        }
        let head = self.chain.genesis_head();
        let place = self.chain.place(&head);
        let mut proposals = Vec::new();
        for salt in [100, 101] {
            let request = self.chain.request(&head, Slot::new(slot));
            let block = self.chain.build(&head.set, &request, salt, None);
            let (block, _) = self.chain.seal(&place, block, EQUIVOCATOR);
            let block = block.into();
            proposals.push(self.message(Message::Proposal(Proposal { block, again: None })));
        }
        for certificate in self.certificates(global, slot) {
            let Some(block) = self.block(certificate.hash) else {
                continue;
            };
            let statement = reproposal_statement(&place, Slot::new(slot), certificate.hash, certificate.slot);
            let again = Reproposal {
                slot: Slot::new(slot),
                signature: keys::sign(Signatures::Ideal, EQUIVOCATOR, &statement),
                certificates: vec![certificate],
            };
            let again = Some(again);
            proposals.push(self.message(Message::Proposal(Proposal { block, again })));
        }
        proposals
    }

    fn block(&self, hash: BlockHash) -> Option<std::sync::Arc<ledger_chainspec::Block>> {
        self.messages.iter().find_map(|message| match message {
            Message::Proposal(proposal) if proposal.block.hash() == hash => Some(proposal.block.clone()),
            _ => None,
        })
    }

    /// Votes of the honest ones, each once.
    fn votes_said(&self, global: &Global) -> Vec<Vote> {
        let said = self.said_by_others(global, HONEST);
        let votes = said.into_iter().filter_map(|position| match &self.messages[position] {
            Message::Vote(vote) => Some(vote.clone()),
            _ => None,
        });
        votes.collect()
    }

    /// The certificates that the equivocator can put together before `slot`.
    fn certificates(&self, global: &Global, slot: u64) -> Vec<PrevoteCertificate> {
        let mut votes: BTreeMap<(Slot, BlockHash), BTreeMap<u16, Vote>> = BTreeMap::new();
        for vote in self.votes_said(global) {
            let index = keys::index_of(&vote.voter).and_then(|index| u16::try_from(index).ok());
            let is_plain = vote.kind == StatementKind::Prevote && vote.valid_slot.is_none() && vote.slot.get() < slot;
            if let Some(index) = index.filter(|_| is_plain) {
                votes.entry((vote.slot, vote.hash)).or_default().insert(index, vote);
            }
        }
        let place = self.chain.place(&self.chain.genesis_head());
        let certified = votes.into_iter().filter(|(_, votes)| votes.len() + 1 >= QUORUM);
        let made = certified.map(|((slot, hash), votes)| {
            let own = place.statement(StatementKind::Prevote, slot, hash, None);
            let own = keys::sign(Signatures::Ideal, EQUIVOCATOR, &own);
            let others = votes.into_iter().map(|(index, vote)| (index, vote.signature));
            let signatures = std::iter::once((0, own))
                .chain(others)
                .map(|(index, signature)| PrevoteSignature {
                    index,
                    valid_slot: None,
                    signature,
                });
            PrevoteCertificate {
                signatures: signatures.collect(),
                set_id: place.set_id,
                height: place.height,
                slot,
                hash,
            }
        });
        made.collect()
    }

    /// The votes of a slot and kind that one honest validator may hear.
    fn votes(&mut self, global: &Global, node: usize, slot: u64, kind: StatementKind) -> Vec<Vec<usize>> {
        let mut prevoted = BTreeSet::new();
        let mut honest = Vec::new();
        for (other, local) in global.iter().enumerate() {
            for vote in self.locals[*local].votes.iter().filter(|vote| vote.slot == slot) {
                if vote.kind == StatementKind::Prevote {
                    prevoted.insert((vote.hash, vote.valid.filter(|_| kind == StatementKind::Prevote)));
                }
                if vote.kind == kind && other != node {
                    honest.push(vote.position);
                }
            }
        }
        let mut all = vec![Vec::new()];
        for (hash, valid) in prevoted {
            // Who hears a vote first counts that one: the equivocator's comes first.
            let own = self.equivocal_vote(slot, kind, (hash, valid));
            all.push(std::iter::once(own).chain(honest.iter().copied()).collect());
        }
        all
    }

    fn equivocal_vote(&mut self, slot: u64, kind: StatementKind, (hash, valid): (BlockHash, Option<Slot>)) -> usize {
        let key = (slot, kind, hash, valid);
        if let Some(known) = self.equivocal.get(&key) {
            return *known;
        }
        let place = self.chain.place(&self.chain.genesis_head());
        let statement: Statement = place.statement(kind, Slot::new(slot), hash, valid);
        let signature = keys::sign(Signatures::Ideal, EQUIVOCATOR, &statement);
        let vote = Vote::from_parts(&statement, keys::public(EQUIVOCATOR), signature);
        let position = self.message(Message::Vote(vote));
        self.equivocal.insert(key, position);
        position
    }
}
