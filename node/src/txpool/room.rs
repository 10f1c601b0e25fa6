//! Who gives way to whom? A newcomer that needs room, and what others would give for it, before anything is taken.
//!
//! Kept by the pool while it looks for room; nobody loses a transaction to a newcomer that does not fit in the end.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use ledger_runtime::Lane;

use super::validate::PooledTransaction;

/// A transaction that wants in, as far as room is concerned.
pub(super) struct Newcomer {
    pub(super) sender: Address,
    pub(super) lane: Lane,
    /// Whether the next block could take it.
    pub(super) can_go: bool,
    /// Slots that it needs beside those that it replaces.
    pub(super) more: usize,
    /// Slots of its sender once it is in.
    pub(super) after: usize,
}

/// Transactions that give way together, if they are enough.
#[derive(Default)]
pub(super) struct Going {
    pub(super) hashes: Vec<B256>,
    pub(super) slots: usize,
    pub(super) by_sender: BTreeMap<Address, Gone>,
}

/// What one sender gives.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) count: usize,
    pub(super) slots: usize,
    pub(super) queued_slots: usize,
}

/// The last transaction of a sender that it has not given yet.
pub(super) struct Victim {
    pub(super) sender: Address,
    pub(super) is_queued: bool,
    pub(super) transaction: Arc<PooledTransaction>,
}

impl Going {
    pub(super) fn add(&mut self, victim: Victim) {
        let slots = victim.transaction.slots();
        let gone = self.by_sender.entry(victim.sender).or_default();
        gone.count += 1;
        gone.slots += slots;
        if victim.is_queued {
            gone.queued_slots += slots;
        }
        self.slots += slots;
        self.hashes.push(victim.transaction.hash());
    }
}
