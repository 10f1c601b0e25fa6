//! What becomes of a message between two nodes: it comes soon, late, twice or never.

use ledger_mutants::{Input, Message, Origin};

use super::{
    chain::SLOT_MS,
    setup::Role,
    world::{Event, World},
};

/// Messages that liars keep in mind.
const OVERHEARD_MAX: usize = 32;

impl World {
    /// Tells everybody else.
    pub(super) fn broadcast(&mut self, from: usize, message: &Message) {
        self.note_block(from, message);
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            self.send(from, to, message.clone());
        }
    }

    /// Is the way between two running nodes open?
    pub(super) fn is_reachable(&self, from: usize, to: usize) -> bool {
        self.nodes[from].is_up() && self.nodes[from].group == self.nodes[to].group
    }

    /// Puts a message on its way.
    pub(super) fn send(&mut self, from: usize, to: usize, message: Message) {
        let network = self.setup.network;
        if self.nodes[from].group != self.nodes[to].group {
            return;
        }
        if !self.is_calm && self.random.percent(network.drop_percent) {
            return;
        }
        if self.random.percent(network.duplicate_percent) {
            self.travel(from, to, message.clone());
        }
        self.travel(from, to, message);
    }

    fn travel(&mut self, from: usize, to: usize, message: Message) {
        let network = self.setup.network;
        let is_late = !self.is_calm && self.random.percent(network.late_percent);
        let longest = if is_late { 2 * SLOT_MS } else { network.delay_ms };
        let at = self.now + 1 + self.random.below(longest);
        self.schedule(at, Event::Deliver { to, from, message });
    }

    /// A message arrives.
    pub(super) fn deliver(&mut self, to: usize, from: usize, message: Message) {
        if !self.nodes[to].is_up() {
            return;
        }
        self.note_block(to, &message);
        match self.nodes[to].role {
            Role::Equivocating => self.vote_for(to, &message),
            Role::Lying => self.overhear(&message),
            Role::Honest | Role::Twin | Role::Silent | Role::Amnesiac | Role::Excusing => {}
        }
        let from = Origin(from as u64);
        self.feed(to, Input::Message { from, message });
    }

    fn overhear(&mut self, message: &Message) {
        match message {
            Message::Proposal(proposal) => {
                let shown = proposal.again.iter().flat_map(|again| &again.certificates);
                self.certificates.extend(shown.cloned());
            }
            Message::Justification(certificates) => self.certificates.extend(certificates.iter().cloned()),
            Message::Vote(_) | Message::Finality(_) => {}
        }
        self.overheard.push(message.clone());
        let (old, stale) = (
            self.overheard.len().saturating_sub(OVERHEARD_MAX),
            self.certificates.len().saturating_sub(OVERHEARD_MAX),
        );
        self.overheard.drain(..old);
        self.certificates.drain(..stale);
    }
}
