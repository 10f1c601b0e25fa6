//! What does one sender have waiting, and how much of it can go into blocks now?

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::U256;
use ledger_chainspec::UnixMillis;
use ledger_runtime::Lane;

use super::{
    error::PoolError,
    limits::{PRICE_BUMP_PERCENT, REPLACEMENT_WAIT_MS},
    validate::PooledTransaction,
};

/// What the state says of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its next nonce.
    pub nonce: u64,
    /// Its balance in wei.
    pub balance: U256,
    /// Whether it is one of the accounts that run the chain (R14).
    pub lane: Lane,
}

/// A waiting transaction and its place in the order of arrivals.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) transaction: Arc<PooledTransaction>,
    pub(super) arrival: u64,
}

/// The waiting transactions of one sender.
///
/// The first `pending` of them follow one another from the account's nonce, and its balance covers what they offer
/// together: a block can take them. The others are queued.
#[derive(Clone, Debug)]
pub(super) struct SenderQueue {
    account: AccountFacts,
    /// Number of the block after which the account was read, counted by the pool.
    read_after: u64,
    waiting: BTreeMap<u64, Waiting>,
    pending: usize,
    pending_cost: U256,
    total_cost: U256,
    pending_slots: usize,
    slots: usize,
}

impl SenderQueue {
    pub(super) const fn new(account: AccountFacts, read_after: u64) -> Self {
        Self {
            account,
            read_after,
            waiting: BTreeMap::new(),
            pending: 0,
            pending_cost: U256::ZERO,
            total_cost: U256::ZERO,
            pending_slots: 0,
            slots: 0,
        }
    }

    pub(super) const fn account(&self) -> AccountFacts {
        self.account
    }

    pub(super) const fn read_after(&self) -> u64 {
        self.read_after
    }

    /// The account was read again, and is what it was.
    pub(super) const fn read_again(&mut self, after: u64) {
        self.read_after = after;
    }

    pub(super) const fn lane(&self) -> Lane {
        self.account.lane
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn pending_len(&self) -> usize {
        self.pending
    }

    pub(super) const fn slots(&self) -> usize {
        self.slots
    }

    pub(super) const fn queued_slots(&self) -> usize {
        self.slots - self.pending_slots
    }

    /// Whether anything here costs something, so that the balance matters.
    pub(super) fn is_priced(&self) -> bool {
        !self.total_cost.is_zero()
    }

    /// The nonce after the pending transactions.
    pub(super) fn next_nonce(&self) -> u64 {
        self.account
            .nonce
            .saturating_add(u64::try_from(self.pending).unwrap_or(u64::MAX))
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values().take(self.pending)
    }

    /// Those of the first `most` pending ones whose nonces are from `from` to `to`.
    pub(super) fn pending_between(&self, from: u64, to: u64, most: usize) -> impl Iterator<Item = &Waiting> {
        let most = u64::try_from(self.pending.min(most)).unwrap_or(u64::MAX);
        let end = self.account.nonce.saturating_add(most).min(to.saturating_add(1));
        self.waiting.range(from.min(end)..end).map(|(_, waiting)| waiting)
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values().skip(self.pending)
    }

    pub(super) fn at(&self, nonce: u64) -> Option<&Waiting> {
        self.waiting.get(&nonce)
    }

    /// The transaction that `before` others come after: 0 for the last one, which the others need least.
    pub(super) fn nth_last(&self, before: usize) -> Option<&Waiting> {
        self.waiting.values().rev().nth(before)
    }

    /// Whether `transaction` may come in, alone or in place of the one with its nonce.
    pub(super) fn check(&self, transaction: &PooledTransaction, now: UnixMillis) -> Result<(), PoolError> {
        let nonce = transaction.nonce();
        if nonce < self.account.nonce {
            return Err(PoolError::NonceTooLow {
                got: nonce,
                next: self.account.nonce,
            });
        }
        let mut queued = self.total_cost;
        if let Some(old) = self.waiting.get(&nonce) {
            check_replacement(&old.transaction, transaction, now)?;
            queued = queued.saturating_sub(old.transaction.cost);
        }
        let cost = transaction.cost;
        // What costs nothing needs no balance, whatever else the sender has offered.
        if !cost.is_zero() && queued.saturating_add(cost) > self.account.balance {
            return Err(PoolError::InsufficientFunds {
                balance: self.account.balance,
                queued,
                cost,
            });
        }
        Ok(())
    }

    /// Whether a block could take a transaction with this nonce at once, were it here.
    pub(super) fn would_be_pending(&self, nonce: u64) -> bool {
        nonce <= self.next_nonce()
    }

    /// Puts a transaction in, and gives the one that it replaces.
    pub(super) fn insert(&mut self, entry: Waiting) -> Option<Arc<PooledTransaction>> {
        let nonce = entry.transaction.nonce();
        self.total_cost = self.total_cost.saturating_add(entry.transaction.cost);
        self.slots += entry.transaction.slots();
        let replaced = self.waiting.insert(nonce, entry);
        match replaced {
            Some(old) => {
                self.total_cost = self.total_cost.saturating_sub(old.transaction.cost);
                self.slots -= old.transaction.slots();
                self.recount();
                Some(old.transaction)
            }
            None => {
                self.extend();
                None
            }
        }
    }

    /// Takes a transaction out.
    pub(super) fn remove(&mut self, nonce: u64) -> Option<Arc<PooledTransaction>> {
        let old = self.waiting.remove(&nonce)?.transaction;
        self.total_cost = self.total_cost.saturating_sub(old.cost);
        self.slots -= old.slots();
        self.recount();
        Some(old)
    }

    /// Follows the state: drops what its nonce has passed, and gives it.
    pub(super) fn follow(&mut self, account: AccountFacts, read_after: u64) -> Vec<Arc<PooledTransaction>> {
        self.read_after = read_after;
        let before = std::mem::replace(&mut self.account, account);
        let kept = self.waiting.split_off(&account.nonce);
        let passed = std::mem::replace(&mut self.waiting, kept);
        let passed: Vec<_> = passed.into_values().map(|entry| entry.transaction).collect();
        for old in &passed {
            self.total_cost = self.total_cost.saturating_sub(old.cost);
            self.slots -= old.slots();
        }
        // Most often a block took the first of the pending ones, and what costs nothing stays payable.
        let gone = passed.len();
        let is_in_order = u64::try_from(gone).is_ok_and(|gone| before.nonce.checked_add(gone) == Some(account.nonce));
        if is_in_order && gone <= self.pending && self.pending_cost.is_zero() {
            self.pending -= gone;
            self.pending_slots -= passed.iter().map(|old| old.slots()).sum::<usize>();
            self.extend();
        } else {
            self.recount();
        }
        passed
    }

    fn recount(&mut self) {
        self.pending = 0;
        self.pending_cost = U256::ZERO;
        self.pending_slots = 0;
        self.extend();
    }

    /// Counts as pending what follows the pending ones.
    fn extend(&mut self) {
        let mut next = self.next_nonce();
        for (nonce, entry) in self.waiting.range(next..) {
            let cost = self.pending_cost.saturating_add(entry.transaction.cost);
            let is_payable = entry.transaction.cost.is_zero() || cost <= self.account.balance;
            if *nonce != next || !is_payable {
                break;
            }
            next = next.saturating_add(1);
            self.pending += 1;
            self.pending_cost = cost;
            self.pending_slots += entry.transaction.slots();
        }
    }
}

/// Both fees 10 % higher and more than nothing; or, where both are 0, after [`REPLACEMENT_WAIT_MS`].
fn check_replacement(old: &PooledTransaction, new: &PooledTransaction, now: UnixMillis) -> Result<(), PoolError> {
    let fees = |transaction: &PooledTransaction| {
        let fee = transaction.transaction.max_fee_per_gas();
        (fee, transaction.transaction.max_priority_fee_per_gas().unwrap_or(fee))
    };
    let (old_fee, old_tip) = fees(old);
    let (new_fee, new_tip) = fees(new);
    if (old_fee, new_fee) == (0, 0) {
        let age_ms = now.get().saturating_sub(old.received.get());
        return match age_ms < REPLACEMENT_WAIT_MS {
            true => Err(PoolError::TooSoon {
                replaced: old.hash(),
                age_ms,
            }),
            false => Ok(()),
        };
    }
    let bumped = |price: u128| {
        // Rounded up, so that one wei is not enough to replace a price of a few.
        price.saturating_add(price.saturating_mul(PRICE_BUMP_PERCENT).div_ceil(100))
    };
    match new_fee > old_fee && new_fee >= bumped(old_fee) && new_tip >= bumped(old_tip) {
        true => Ok(()),
        false => Err(PoolError::Underpriced { replaced: old.hash() }),
    }
}
