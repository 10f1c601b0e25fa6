//! Where do the bundles stand on the mainchain now?
//!
//! The first half of a step: compares the outbox with the contract and the blocks, notices reorganisations, lets go of what is final.

use std::collections::BTreeSet;

use alloy_primitives::U256;

use super::{Action, Alarm, Decision, Facts, Note, Planner};
use crate::{
    numbers::Index,
    outbox::{Anchored, Entry, Record, Settled},
};

impl Planner {
    /// Brings the outbox up to the facts. Whether submitting makes sense: not while the contract contradicts the sidechain.
    pub(super) fn observe(&mut self, facts: &Facts, decision: &mut Decision) -> bool {
        if let Some(settled) = self.outbox.settled()
            && settled.index > facts.sight.head_index
        {
            decision.alarms.push(Alarm::FinalLost { index: settled.index });
        }
        if self.conflicts(facts, decision) {
            return false;
        }
        if self.wants_another_look(facts, decision) {
            return false;
        }
        self.in_doubt = false;
        self.lose(facts, decision);
        self.find(facts, decision);
        self.settle(facts, decision);
        true
    }

    /// Checkpoints name their parents: if the newest one that both have is the same, all before it are.
    fn conflicts(&self, facts: &Facts, decision: &mut Decision) -> bool {
        let mut there = self.outbox.entries().range(..=facts.sight.head_index);
        let Some((index, entry)) = there.next_back() else {
            return false;
        };
        match facts.answers.fingerprint {
            Some(theirs) if theirs == entry.fingerprint => false,
            theirs => {
                decision.alarms.push(Alarm::Conflict {
                    index: *index,
                    ours: entry.fingerprint,
                    theirs: theirs.unwrap_or_default(),
                });
                true
            }
        }
    }

    /// Only the newest recorded block was asked for, and it is not where it was: the others have to be looked at, too.
    fn wants_another_look(&mut self, facts: &Facts, decision: &mut Decision) -> bool {
        if self.in_doubt {
            return false;
        }
        let recorded = self.outbox.entries().values().filter_map(|entry| entry.anchored);
        let newest = recorded.max_by_key(|anchored| anchored.block.number);
        if newest.is_none_or(|newest| is_canonical(&newest, facts)) {
            return false;
        }
        self.in_doubt = true;
        decision.actions.push(Action::LookAgain);
        true
    }

    /// Checkpoints that are not in their block any more.
    fn lose(&mut self, facts: &Facts, decision: &mut Decision) {
        let newest_known = self.newest_recorded(facts);
        let lost: Vec<_> = self
            .outbox
            .entries()
            .iter()
            .filter_map(|(index, entry)| entry.anchored.map(|anchored| (*index, anchored)))
            .filter(|(index, anchored)| {
                let is_older = newest_known.is_some_and(|newest| anchored.block.number < newest.block.number)
                    && !facts.answers.blocks.contains_key(&anchored.block.number);
                *index > facts.sight.head_index || !(is_older || is_canonical(anchored, facts))
            })
            .collect();
        let mut deepest = 0;
        for (index, anchored) in lost {
            let depth = facts.sight.head.number.since(anchored.block.number);
            deepest = deepest.max(depth);
            self.apply(Record::Lost { index }, decision);
            decision.notes.push(Note::Reorganised { index, depth });
            self.forget_sending(index);
        }
        if deepest >= self.policy.soft_blocks {
            self.memory.deep = Some((deepest, facts.sight.head.number));
        }
    }

    fn newest_recorded(&self, facts: &Facts) -> Option<Anchored> {
        let recorded = self.outbox.entries().values().filter_map(|entry| entry.anchored);
        recorded
            .max_by_key(|anchored| anchored.block.number)
            .filter(|newest| is_canonical(newest, facts))
    }

    /// The nodes may have dropped what a reorganisation took back: it is sent at once.
    fn forget_sending(&mut self, index: Index) {
        let Some(entry) = self.outbox.entry(index) else {
            return;
        };
        for attempt in &entry.attempts {
            self.memory.sent.remove(&attempt.hash);
            self.memory.outbid.remove(&attempt.hash);
        }
    }

    /// Checkpoints that the contract has, and whose block is not recorded.
    fn find(&mut self, facts: &Facts, decision: &mut Decision) {
        let found: Vec<_> = self
            .outbox
            .entries()
            .range(..=facts.sight.head_index)
            .filter(|(_, entry)| entry.anchored.is_none())
            .map(|(index, entry)| {
                let anchored = locate(entry, facts);
                (*index, anchored, cost_wei(entry, &anchored, facts))
            })
            .collect();
        for (index, anchored, cost_wei) in found {
            self.apply(Record::Anchored { index, anchored }, decision);
            decision.notes.push(Note::Anchored {
                index,
                block: anchored.block,
                cost_wei,
            });
        }
        let head_index = facts.sight.head_index;
        self.memory.reverted.retain(|_, index| *index > head_index);
    }

    /// Lets go of what is final, in order.
    fn settle(&mut self, facts: &Facts, decision: &mut Decision) {
        let head = facts.sight.head.number;
        let is_final = |anchored: &Anchored| head.since(anchored.block.number) >= self.policy.final_blocks;
        let settled: Vec<_> = self
            .outbox
            .entries()
            .iter()
            .map_while(|(index, entry)| {
                entry.anchored.filter(is_final).map(|anchored| Settled {
                    index: *index,
                    fingerprint: entry.fingerprint,
                    block: anchored.block,
                })
            })
            .collect();
        for settled in settled {
            let index = settled.index;
            self.apply(Record::Settled(settled), decision);
            decision.notes.push(Note::Settled { index });
        }
        let kept = self.outbox.entries().values().flat_map(|entry| &entry.attempts);
        let kept: BTreeSet<_> = kept.map(|attempt| attempt.hash).collect();
        self.memory.sent.retain(|hash, _| kept.contains(hash));
        self.memory.outbid.retain(|hash| kept.contains(hash));
    }
}

/// The block that a transaction of ours made it in; else the newest, in which it was seen.
fn locate(entry: &Entry, facts: &Facts) -> Anchored {
    let ours = entry.attempts.iter().filter_map(|attempt| {
        let receipt = facts.answers.receipts.get(&attempt.hash)?;
        let is_there = receipt.succeeded && receipt.block.number <= facts.sight.head.number;
        is_there.then_some((receipt.block, attempt.hash))
    });
    match ours.min() {
        Some((block, hash)) => Anchored { block, by: Some(hash) },
        None => Anchored {
            block: facts.sight.head,
            by: None,
        },
    }
}

/// What our transaction that did it has cost; none if it was somebody else's.
fn cost_wei(entry: &Entry, anchored: &Anchored, facts: &Facts) -> Option<U256> {
    let hash = anchored.by?;
    let attempt = entry.attempts.iter().find(|attempt| attempt.hash == hash)?;
    let gas = U256::from(facts.answers.receipts.get(&hash)?.gas_used);
    Some(gas.saturating_mul(U256::from(attempt.gas_price_wei)))
}

fn is_canonical(anchored: &Anchored, facts: &Facts) -> bool {
    facts.answers.blocks.get(&anchored.block.number) == Some(&anchored.block.hash)
}
