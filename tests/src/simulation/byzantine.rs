//! What bad authorities do with their keys: they equivocate, withhold, lie and forget.
//!
//! Each runs an engine to know how things stand. What the engine wants said goes through [`World::say`], and liars act by
//! themselves besides, in [`World::mischief`]. Nobody forges an honest signature: whoever could, could do anything.

use std::sync::Arc;

use alloy_primitives::B256;
use ledger_chainspec::{
    Block, BlockHash, FinalityCertificate, Header, PrevoteCertificate, PrevoteSignature, Signature64, Slot, Statement,
    StatementKind, Vote, digest_of,
};
use ledger_mutants::{Message, Proposal, Reproposal, message::reproposal_statement};

use super::{
    chain::{Chain, SLOT_MS},
    keys::{self, IDENTITIES_MAX},
    setup::Role,
    world::World,
};

/// Of an equivocator's votes, so many reach each peer.
const EQUIVOCAL_VOTE_PERCENT: u64 = 75;
/// Of a silent authority's proposals and votes, so many reach nobody.
const WITHHELD_PERCENT: u64 = 60;
/// How often an amnesiac forgets, in percent of slots.
const FORGETS_PERCENT: u64 = 50;
/// Lies per slot.
const LIES_PER_SLOT: u64 = 2;
/// How many kinds of lies there are.
const LIES: u64 = 11;

impl World {
    /// A node wants something said to everybody.
    pub(super) fn say(&mut self, from: usize, message: Message) {
        match self.nodes[from].role {
            Role::Honest | Role::Twin => self.broadcast(from, &message),
            Role::Equivocating => self.equivocate(from, message),
            Role::Silent => {
                if !self.random.percent(WITHHELD_PERCENT) {
                    self.count_vote(from, &message);
                    self.send_to_some(from, &message, 50);
                }
            }
            Role::Lying | Role::Amnesiac => {
                self.count_vote(from, &message);
                self.broadcast(from, &message);
            }
            Role::Excusing => {
                let message = self.excused(from, message);
                self.count_vote(from, &message);
                self.broadcast(from, &message);
            }
        }
    }

    fn count_vote(&mut self, from: usize, message: &Message) {
        if let Message::Vote(vote) = message {
            let statement = vote.statement(self.chain.params.genesis);
            self.checker.signed(self.nodes[from].identity, &statement);
        }
    }

    fn send_to_some(&mut self, from: usize, message: &Message, percent: u64) {
        self.note_block(from, message);
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            if self.random.percent(percent) {
                self.send(from, to, message.clone());
            }
        }
    }

    /// A statement of a bad node's key, signed and noted.
    fn sign_badly(&mut self, node: usize, statement: &Statement) -> Signature64 {
        let identity = self.nodes[node].identity;
        self.checker.signed(identity, statement);
        keys::sign(self.setup.signatures, identity, statement)
    }

    fn bad_vote(&mut self, node: usize, statement: &Statement) -> Message {
        let signature = self.sign_badly(node, statement);
        let voter = keys::public(self.nodes[node].identity);
        Message::Vote(Vote::from_parts(statement, voter, signature))
    }

    /// A block of a bad node, sealed by it.
    fn sealed(&mut self, node: usize, block: Block) -> Arc<Block> {
        let place = self.chain.place(&self.nodes[node].head(&self.chain));
        let identity = self.nodes[node].identity;
        let (block, statement) = self.chain.seal(&place, block, identity);
        self.checker.signed(identity, &statement);
        Arc::new(block)
    }

    /// A new block goes to one half, and another of the same slot to the other; votes are cast as proposals are heard of.
    fn equivocate(&mut self, from: usize, message: Message) {
        match message {
            Message::Proposal(Proposal { block, again: None }) => {
                let header = Header {
                    state_root: B256::from(alloy_primitives::U256::from(self.random.below(1 << 40))),
                    ..block.header.clone()
                };
                let other = Block {
                    header,
                    transactions: Vec::new(),
                };
                let other = self.sealed(from, Chain::disobedient(other));
                let halves = self.random.below(u64::MAX);
                let proposals = [block, other].map(|block| Message::Proposal(Proposal { block, again: None }));
                for message in &proposals {
                    self.note_block(from, message);
                }
                for to in (0..self.nodes.len()).filter(|to| *to != from) {
                    let half = usize::from(halves >> to & 1 == 1);
                    self.send(from, to, proposals[half].clone());
                }
                for message in &proposals {
                    self.vote_for(from, message);
                }
            }
            Message::Proposal(_) => {
                self.send_to_some(from, &message, 50);
                self.vote_for(from, &message);
            }
            Message::Vote(_) => {}
            Message::Justification(_) | Message::Finality(_) => self.broadcast(from, &message),
        }
    }

    /// An equivocator votes for whatever is proposed, both times, and tells some.
    pub(super) fn vote_for(&mut self, node: usize, message: &Message) {
        let Message::Proposal(proposal) = message else { return };
        let head = self.nodes[node].head(&self.chain);
        let place = self.chain.place(&head);
        let Ok(digest) = digest_of(&proposal.block.header) else {
            return;
        };
        let (slot, valid) = match &proposal.again {
            None => (digest.slot, None),
            Some(again) => (again.slot, again.valid_slot()),
        };
        let hash = proposal.block.hash();
        if proposal.block.number() != place.height || !self.nodes[node].voted.insert((slot.get(), hash)) {
            return;
        }
        for (kind, valid) in [(StatementKind::Prevote, valid), (StatementKind::Precommit, None)] {
            let vote = self.bad_vote(node, &place.statement(kind, slot, hash, valid));
            self.send_to_some(node, &vote, EQUIVOCAL_VOTE_PERCENT);
        }
    }

    /// A prevote against a lock that was forgotten states the slot before it, as if there were a certificate of that slot.
    fn excused(&mut self, node: usize, message: Message) -> Message {
        let Message::Vote(vote) = &message else { return message };
        let statement = vote.statement(self.chain.params.genesis);
        let identity = self.nodes[node].identity;
        if vote.kind != StatementKind::Prevote || !self.checker.would_contradict(identity, &statement) {
            return message;
        }
        let before = Slot::new(vote.slot.get() - 1);
        self.bad_vote(
            node,
            &Statement {
                valid_slot: Some(before),
                ..statement
            },
        )
    }

    /// A bad node acts by itself, once per slot.
    pub(super) fn mischief(&mut self, node: usize) {
        if !self.nodes[node].is_up() {
            return;
        }
        match self.nodes[node].role {
            Role::Amnesiac | Role::Excusing if self.random.percent(FORGETS_PERCENT) => {
                self.kill(node, None);
                self.start(node);
            }
            Role::Lying => {
                for _ in 0..LIES_PER_SLOT {
                    let message = self.lie(node);
                    self.send_to_some(node, &message, 70);
                }
            }
            Role::Honest | Role::Twin | Role::Equivocating | Role::Silent | Role::Amnesiac | Role::Excusing => {}
        }
    }

    fn lie(&mut self, node: usize) -> Message {
        let head = self.nodes[node].head(&self.chain);
        let place = self.chain.place(&head);
        let slot = Slot::new(self.clock(node).get() / SLOT_MS);
        let hash = self.some_hash();
        let valid = Slot::new(slot.get() - 1);
        match self.random.below(LIES) {
            0 => self.forged_vote(&place.statement(StatementKind::Precommit, slot, hash, None)),
            1 => {
                let block = self.chain.build(&head.set, &self.chain.request(&head, slot), 1, None);
                self.proposal_of(node, Chain::invalid(block))
            }
            2 => {
                let block = self.chain.build(&head.set, &self.chain.request(&head, slot), 2, None);
                let number = block.header.number + 1 + self.random.below(100);
                let header = Header { number, ..block.header };
                self.proposal_of(node, Block { header, ..block })
            }
            3 => {
                // Claims a set that no execution of this block gives.
                let victim = self.random.index(self.setup.validators);
                let block = self
                    .chain
                    .build(&head.set, &self.chain.request(&head, slot), 3, Some(victim));
                self.proposal_of(node, block)
            }
            4 => {
                let statement = place.statement(StatementKind::Precommit, slot, hash, None);
                Message::Finality(self.forged_finality(node, &statement))
            }
            5 => self.stale_reproposal(node, slot),
            6 => self.bad_vote(node, &place.statement(StatementKind::Prevote, slot, hash, Some(valid))),
            7 => self.bad_vote(node, &place.statement(StatementKind::Precommit, slot, hash, None)),
            8 => Message::Justification(vec![
                self.forged_prevotes(node, &place.statement(StatementKind::Prevote, valid, hash, None)),
            ]),
            9 => {
                let far = Slot::new(slot.get() + self.random.below(3_000) - 1_000);
                self.bad_vote(node, &place.statement(StatementKind::Prevote, far, hash, None))
            }
            _ if self.overheard.is_empty() => self.stale_reproposal(node, slot),
            _ => self.random.pick(&self.overheard).clone(),
        }
    }

    /// A block that somebody proposed, or none that exists.
    fn some_hash(&mut self) -> BlockHash {
        let known: Vec<BlockHash> = self.holders.keys().copied().collect();
        if known.is_empty() || self.random.percent(30) {
            BlockHash::new(B256::repeat_byte(self.random.byte()))
        } else {
            *self.random.pick(&known)
        }
    }

    fn some_signature(&mut self) -> Signature64 {
        let mut bytes = [0; 64];
        for byte in &mut bytes[..32] {
            *byte = self.random.byte();
        }
        Signature64::new(bytes)
    }

    fn proposal_of(&mut self, node: usize, block: Block) -> Message {
        let block = self.sealed(node, block);
        Message::Proposal(Proposal { block, again: None })
    }

    /// A vote in somebody else's name.
    fn forged_vote(&mut self, statement: &Statement) -> Message {
        let voter = keys::public(self.random.index(IDENTITIES_MAX));
        let signature = self.some_signature();
        Message::Vote(Vote::from_parts(statement, voter, signature))
    }

    /// A certificate with one right signature at most.
    fn forged_finality(&mut self, node: usize, statement: &Statement) -> FinalityCertificate {
        let right = self.sign_badly(node, statement);
        let signers = u16::try_from(self.setup.quorum()).unwrap_or(u16::MAX);
        let signatures = (0..signers).map(|index| (index, if index == 0 { right } else { self.some_signature() }));
        FinalityCertificate {
            signatures: signatures.collect(),
            set_id: statement.set_id,
            height: statement.height,
            slot: statement.slot,
            hash: statement.hash,
        }
    }

    fn forged_prevotes(&mut self, node: usize, statement: &Statement) -> PrevoteCertificate {
        let certificate = self.forged_finality(node, statement);
        let signatures = certificate
            .signatures
            .iter()
            .map(|(index, signature)| PrevoteSignature {
                index: *index,
                valid_slot: None,
                signature: *signature,
            });
        PrevoteCertificate {
            signatures: signatures.collect(),
            set_id: statement.set_id,
            height: statement.height,
            slot: statement.slot,
            hash: statement.hash,
        }
    }

    /// A block of an old certificate, proposed again though newer ones may be known.
    fn stale_reproposal(&mut self, node: usize, slot: Slot) -> Message {
        let place = self.chain.place(&self.nodes[node].head(&self.chain));
        let known: Vec<PrevoteCertificate> = self
            .certificates
            .iter()
            .filter(|one| one.height == place.height && one.slot < slot && self.holders.contains_key(&one.hash))
            .cloned()
            .collect();
        if known.is_empty() {
            let hash = self.some_hash();
            return self.bad_vote(node, &place.statement(StatementKind::Prevote, slot, hash, None));
        }
        let certificate = self.random.pick(&known).clone();
        let (block, _) = &self.holders[&certificate.hash];
        let block = block.clone();
        let statement = reproposal_statement(&place, slot, certificate.hash, certificate.slot);
        let signature = self.sign_badly(node, &statement);
        let again = Reproposal {
            slot,
            signature,
            certificates: vec![certificate],
        };
        Message::Proposal(Proposal {
            block,
            again: Some(again),
        })
    }

    /// A certificate as a peer hands it over: a liar forges every other one.
    pub(super) fn as_told(&mut self, peer: usize, certificate: FinalityCertificate) -> FinalityCertificate {
        if self.nodes[peer].role == Role::Lying && self.random.percent(50) {
            let signatures = certificate
                .signatures
                .iter()
                .map(|(index, _)| (*index, self.some_signature()));
            let signatures = signatures.collect();
            return FinalityCertificate {
                signatures,
                ..certificate
            };
        }
        certificate
    }
}
