//! Which messages came too early, and are to be looked at again when their height or slot opens (R9)?
//!
//! Dropping them would cost the slot they belong to. Only messages whose signature verified under the current set get here, so
//! that each validator can fill its own places and nobody else's. Never judges a message.

use std::collections::BTreeMap;

use ledger_chainspec::{ConsensusKey, Slot, StatementKind, VALIDATORS_MAX, Vote};

use crate::{
    input::Origin,
    message::{Message, Proposal},
};

/// Most proposals kept: those of the current slot and the next at the next height, and one of each for a double seal.
pub const EARLY_PROPOSALS_MAX: usize = 4;

/// Most votes kept: two slots, two kinds, one per validator.
pub const EARLY_VOTES_MAX: usize = 4 * VALIDATORS_MAX;

/// Messages for the height after the open one.
#[derive(Debug, Default)]
pub(crate) struct EarlyMessages {
    proposals: BTreeMap<Slot, (Origin, Proposal)>,
    votes: BTreeMap<(Slot, StatementKind, ConsensusKey), (Origin, Vote)>,
}

impl EarlyMessages {
    /// Keeps the first proposal of each slot; the oldest slot goes first when there are too many.
    pub(crate) fn keep_proposal(&mut self, slot: Slot, from: Origin, proposal: Proposal) {
        self.proposals.entry(slot).or_insert((from, proposal));
        while self.proposals.len() > EARLY_PROPOSALS_MAX {
            self.proposals.pop_first();
        }
    }

    /// Keeps the first vote per slot, kind and validator; the oldest slot goes first when there are too many.
    pub(crate) fn keep_vote(&mut self, from: Origin, vote: Vote) {
        debug_assert!(vote.kind != StatementKind::Seal, "a seal is no vote");
        self.votes
            .entry((vote.slot, vote.kind, vote.voter))
            .or_insert((from, vote));
        while self.votes.len() > EARLY_VOTES_MAX {
            self.votes.pop_first();
        }
    }

    /// Everything kept, since the next height is open: votes, then proposals, each oldest slot first.
    pub(crate) fn take(&mut self) -> Vec<(Origin, Message)> {
        let kept = std::mem::take(self);
        let votes = kept.votes.into_values().map(|(from, vote)| (from, Message::Vote(vote)));
        let proposals = kept
            .proposals
            .into_values()
            .map(|(from, proposal)| (from, Message::Proposal(proposal)));
        votes.chain(proposals).collect()
    }
}
