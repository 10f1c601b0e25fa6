//! Which transaction goes out now, and at which price?
//!
//! The second half of a step. One new transaction at most, for the checkpoint that the contract takes next; besides it, what a
//! reorganisation took back and is still signed with fitting numbers.

use alloy_primitives::B256;

use super::{Action, Alarm, Decision, Facts, Planner, Submission, policy};
use crate::{
    numbers::{BlockNumber, Index, Nonce},
    outbox::{ATTEMPTS_MAX, Attempt, ENTRIES_MAX, Record},
};

/// Refusals in a row before a person is told: one or two come from racing another relayer.
const REFUSALS_TOLD: u32 = 3;

/// After that many refusals the wait does not double any more: 64 blocks.
pub(super) const REFUSAL_DOUBLINGS_MAX: u32 = 6;

/// Reverts of one checkpoint's transactions after which no more is spent on it until somebody starts the relayer anew.
const REVERTS_MAX: usize = 3;

impl Planner {
    pub(super) fn submit(&mut self, facts: &Facts, decision: &mut Decision) {
        let next = facts.sight.head_index.plus(1);
        let head = facts.sight.head.number;
        if self.outbox.entry(next).is_none() {
            self.memory.waiting = None;
            return;
        }
        let since = match self.memory.waiting {
            Some((index, since)) if index == next && since <= head => since,
            _ => head,
        };
        self.memory.waiting = Some((next, since));
        if self
            .memory
            .refusal
            .as_ref()
            .is_some_and(|refusal| refusal.index != next)
        {
            self.memory.refusal = None;
        }
        let nonce = facts.sight.nonce;
        self.note_reverts(next, facts);
        match self.own(next, nonce) {
            Some(attempt) => self.pursue(next, &attempt, facts, decision),
            None if head.since(since) >= self.policy.courtesy_blocks(next) => self.begin(next, facts, decision),
            None => return,
        }
        self.follow(next, nonce, head, decision);
    }

    /// Our dearest transaction with this number, if it is for this checkpoint: a cheaper one would not be taken beside it.
    fn own(&self, index: Index, nonce: Nonce) -> Option<Attempt> {
        let dearest = self.outbox.dearest(nonce);
        dearest
            .filter(|(of, _)| *of == index)
            .map(|(_, attempt)| attempt.clone())
    }

    /// A transaction for the next checkpoint is out: sends it again, or outbids it.
    fn pursue(&mut self, next: Index, attempt: &Attempt, facts: &Facts, decision: &mut Decision) {
        let head = facts.sight.head.number;
        let is_outbid = self.memory.outbid.contains(&attempt.hash);
        let has_to_rise = self.memory.sent.get(&attempt.hash).is_some_and(|sent| {
            // Once per block at most, whatever the nodes say.
            head.since(sent.first) >= self.policy.raise_blocks || (is_outbid && head > sent.last)
        });
        if !has_to_rise {
            self.resend(next, attempt.hash, head, decision);
            return;
        }
        let market_wei = facts.sight.gas_price_wei;
        match self.policy.raised_price(attempt.gas_price_wei, market_wei) {
            Some(gas_price_wei) => self.sign(next, gas_price_wei, true, facts, decision),
            None => {
                decision.alarms.push(Alarm::PriceCapped {
                    index: next,
                    market_wei,
                });
                self.resend(next, attempt.hash, head, decision);
            }
        }
    }

    /// No transaction for the next checkpoint has the right number, or another outbids it: makes one that outbids all of ours.
    fn begin(&mut self, next: Index, facts: &Facts, decision: &mut Decision) {
        let market_wei = facts.sight.gas_price_wei;
        if market_wei > self.policy.gas_price_max_wei {
            decision.alarms.push(Alarm::PriceCapped {
                index: next,
                market_wei,
            });
        }
        let rival = self.outbox.dearest(facts.sight.nonce);
        let rival = rival.map(|(index, attempt)| (index, attempt.hash, attempt.gas_price_wei));
        let Some((index, hash, rival_wei)) = rival else {
            self.sign(next, self.policy.first_price(market_wei), false, facts, decision);
            return;
        };
        match self.policy.raised_price(rival_wei, market_wei) {
            Some(gas_price_wei) => self.sign(next, gas_price_wei, true, facts, decision),
            // It cannot be outbid, so it has to be mined: then the number after it is free.
            None => self.resend(index, hash, facts.sight.head.number, decision),
        }
    }

    fn sign(&mut self, index: Index, gas_price_wei: u128, raises: bool, facts: &Facts, decision: &mut Decision) {
        let head = facts.sight.head.number;
        let refusal = self.memory.refusal.as_ref();
        let reverts = self.memory.reverted.values().filter(|reverted| **reverted == index);
        if refusal.is_some_and(|refusal| head < refusal.until) || reverts.count() >= REVERTS_MAX {
            return;
        }
        let Some(entry) = self.outbox.entry(index) else {
            return;
        };
        // Less than the price of one call: the nodes would refuse it.
        if facts.sight.balance_wei < policy::cost_wei(&entry.bundle, gas_price_wei) {
            return;
        }
        self.make_room(index, facts.sight.nonce, decision);
        decision.actions.push(Action::Submit(Submission {
            index,
            nonce: facts.sight.nonce,
            gas_price_wei,
            raises,
        }));
    }

    /// Drops the transaction that matters least, if as many are kept as can be: one whose number was used, else the cheapest.
    fn make_room(&mut self, index: Index, nonce: Nonce, decision: &mut Decision) {
        let Some(entry) = self.outbox.entry(index) else {
            return;
        };
        if entry.attempts.len() < ATTEMPTS_MAX {
            return;
        }
        let least = entry
            .attempts
            .iter()
            .min_by_key(|attempt| (attempt.nonce >= nonce, attempt.gas_price_wei))
            .map(|attempt| attempt.hash);
        if let Some(hash) = least {
            self.apply(Record::Dropped { index, hash }, decision);
        }
    }

    fn resend(&self, index: Index, hash: B256, head: BlockNumber, decision: &mut Decision) {
        let sent = self.memory.sent.get(&hash);
        if sent.is_none_or(|sent| head.since(sent.last) >= self.policy.resend_blocks) {
            decision.actions.push(Action::Resend { index, hash });
        }
    }

    /// The checkpoints after the next one, as long as transactions for them are signed with the numbers that follow.
    fn follow(&self, next: Index, nonce: Nonce, head: BlockNumber, decision: &mut Decision) {
        for step in 1.. {
            let Some(attempt) = self.own(next.plus(step), nonce.plus(step)) else {
                return;
            };
            self.resend(next.plus(step), attempt.hash, head, decision);
        }
    }

    fn note_reverts(&mut self, next: Index, facts: &Facts) {
        let Some(entry) = self.outbox.entry(next) else {
            return;
        };
        for attempt in &entry.attempts {
            if let Some(receipt) = facts.answers.receipts.get(&attempt.hash)
                && !receipt.succeeded
            {
                self.memory.reverted.insert(attempt.hash, next);
            }
        }
    }

    /// Everything that a person should know, whatever was decided.
    pub(super) fn warn(&mut self, facts: &Facts, decision: &mut Decision) {
        let head = facts.sight.head.number;
        let alarms = &mut decision.alarms;
        if let Some((depth, noticed)) = self.memory.deep {
            if head.since(noticed) < self.policy.soft_blocks {
                alarms.push(Alarm::DeepReorganisation { depth });
            } else {
                self.memory.deep = None;
            }
        }
        if let Some(refusal) = &self.memory.refusal
            && refusal.times >= REFUSALS_TOLD
        {
            alarms.push(Alarm::Refused {
                index: refusal.index,
                reason: refusal.reason.clone(),
            });
        }
        for (hash, index) in &self.memory.reverted {
            alarms.push(Alarm::Reverted {
                index: *index,
                hash: *hash,
            });
        }
        if let Some((index, since)) = self.memory.waiting
            && head.since(since) > self.policy.overdue_blocks
        {
            let blocks = head.since(since);
            alarms.push(Alarm::Overdue { index, blocks });
        }
        if self.outbox.entries().len() >= ENTRIES_MAX {
            alarms.push(Alarm::OutboxFull);
        }
        if let Some((_, entry)) = self.outbox.last() {
            let price_wei = self.policy.first_price(facts.sight.gas_price_wei);
            let cost_wei = policy::cost_wei(&entry.bundle, price_wei);
            let purse_wei = cost_wei.saturating_mul(alloy_primitives::U256::from(policy::PURSE_CHECKPOINTS));
            if facts.sight.balance_wei < purse_wei || self.memory.no_funds {
                alarms.push(Alarm::LowBalance {
                    balance_wei: facts.sight.balance_wei,
                    cost_wei,
                });
            }
        }
    }
}
