//! How a node gets blocks that it missed: by their hash, or one after the other with their certificates.

use std::collections::BTreeSet;

use ledger_chainspec::{BlockHash, digest_of};
use ledger_mutants::{Input, Message, Origin};

use super::{
    chain::SLOT_MS,
    world::{Event, World},
};

/// How often a block is asked for before the node gives up.
const FETCH_TRIES_MAX: u64 = 40;

impl World {
    /// The node asks for a block, and gets an answer or asks again.
    pub(super) fn fetch_later(&mut self, node: usize, hash: BlockHash, tries: u64) {
        let when = self.now + 1 + self.random.below(SLOT_MS / 5);
        let life = self.nodes[node].life;
        let event = Event::Fetched {
            node,
            life,
            hash,
            tries,
        };
        self.schedule(when, event);
    }

    /// Somebody reachable who has the block hands it over; else the node asks again.
    pub(super) fn fetched(&mut self, node: usize, life: u64, hash: BlockHash, tries: u64) {
        if self.nodes[node].life != life || !self.nodes[node].is_up() {
            return;
        }
        let found = self.holders.get(&hash).and_then(|(block, holders)| {
            let reachable = holders.iter().find(|holder| self.is_reachable(**holder, node));
            reachable.map(|holder| (*holder, block.clone()))
        });
        match found {
            Some((holder, block)) => {
                let from = Origin(holder as u64);
                if let Some((_, holders)) = self.holders.get_mut(&hash) {
                    holders.insert(node);
                }
                self.feed(node, Input::Fetched { from, block });
            }
            None if tries < FETCH_TRIES_MAX => self.fetch_later(node, hash, tries + 1),
            None => {}
        }
    }

    /// A peer hands over its certified blocks, one after the other.
    pub(super) fn catch_up(&mut self, node: usize, life: u64, peer: usize) {
        if self.nodes[node].life != life || !self.nodes[node].is_up() || !self.is_reachable(peer, node) {
            return;
        }
        let first = usize::try_from(self.nodes[node].height()).unwrap_or(usize::MAX);
        let missing = self.nodes[peer].disk.chain.get(first..).unwrap_or_default();
        let blocks: Vec<_> = missing
            .iter()
            .filter_map(|(head, block)| Some((block.clone(), head.certificate.clone()?)))
            .collect();
        for (block, certificate) in blocks {
            let certificate = self.as_told(peer, certificate);
            let from = Origin(peer as u64);
            let number = block.number();
            self.feed(
                node,
                Input::Certified {
                    from,
                    block: block.clone(),
                    certificate,
                },
            );
            // Its execution takes no time here, so that the next block finds its parent.
            let outcome = self.validate(node, &block);
            let hash = block.hash();
            self.feed(node, Input::Validated { hash, outcome });
            if self.nodes[node].height() < number.get() {
                return;
            }
        }
    }

    /// Notes that a node has the block of a message.
    pub(super) fn note_block(&mut self, node: usize, message: &Message) {
        if let Message::Proposal(proposal) = message
            && digest_of(&proposal.block.header).is_ok()
        {
            let block = &proposal.block;
            let (_, holders) = self
                .holders
                .entry(block.hash())
                .or_insert_with(|| (block.clone(), BTreeSet::new()));
            holders.insert(node);
        }
    }
}
