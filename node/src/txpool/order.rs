//! In which order should a block try what is pending?
//!
//! Reserved senders (R14) first, up to the share that is kept for them; then what authorities have promised (R13), in the
//! order of the promises; then everybody takes turns, one transaction each and round after round, whoever has waited
//! longest first. A promised transaction is a turn of its sender. A sender that floods the pool therefore fills what the
//! others leave, and no more.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::{Address, map::AddressHashMap};
use ledger_runtime::{CANDIDATES_PER_TRANSACTION_MAX, Lane};

use super::{
    limits::PoolLimits,
    sender::{SenderQueue, Waiting},
    validate::PooledTransaction,
};

/// The pending transactions of `senders` in the order to try them, of which the `promised` ones (sender and nonce) come before what
/// is not reserved; at most as many as production looks at, and of one sender at most as many as a block may hold.
pub(super) fn candidates(
    senders: &HashMap<Address, SenderQueue>,
    promised: impl Iterator<Item = (Address, u64)>,
    limits: &PoolLimits,
) -> Vec<Arc<PooledTransaction>> {
    let most = limits.block_transactions.saturating_mul(CANDIDATES_PER_TRANSACTION_MAX);
    let per_sender = limits.block_sender_transactions;
    let (mut reserved, mut rest) = (Vec::new(), Vec::with_capacity(senders.len()));
    for queue in senders.values() {
        let turns = match queue.lane() {
            Lane::Reserved => &mut reserved,
            Lane::Open => &mut rest,
        };
        let pending = queue.pending().take(per_sender).enumerate();
        turns.extend(pending.map(|(round, waiting)| Turn { round, waiting }));
    }
    let mut order = Order::default();
    let share = limits.block_reserved.min(most);
    reserved.sort_unstable_by_key(Turn::place);
    rest.extend(reserved.split_off(share.min(reserved.len())));
    reserved.into_iter().for_each(|turn| order.push(turn.waiting));
    for (sender, nonce) in promised {
        if order.transactions.len() >= most {
            break;
        }
        if let Some(queue) = senders.get(&sender) {
            let from = order.next_nonce(&sender);
            queue
                .pending_between(from, nonce, per_sender)
                .for_each(|waiting| order.push(waiting));
        }
    }
    order.transactions.truncate(most);
    rest.retain(|turn| order.is_left(turn.waiting));
    let room = most - order.transactions.len();
    if room < rest.len() {
        rest.select_nth_unstable_by_key(room, Turn::place);
        rest.truncate(room);
    }
    rest.sort_unstable_by_key(Turn::place);
    let rest = rest.into_iter().map(|turn| Arc::clone(&turn.waiting.transaction));
    order.transactions.extend(rest);
    order.transactions
}

/// A sender's turn: those with fewer transactions before it come first, then those that have waited longer.
struct Turn<'a> {
    round: usize,
    waiting: &'a Waiting,
}

impl Turn<'_> {
    const fn place(&self) -> (usize, u64) {
        (self.round, self.waiting.arrival)
    }
}

/// What goes before everybody's turn.
#[derive(Default)]
struct Order {
    transactions: Vec<Arc<PooledTransaction>>,
    /// The nonce behind those of each sender.
    next: AddressHashMap<u64>,
}

impl Order {
    fn push(&mut self, waiting: &Waiting) {
        let transaction = &waiting.transaction;
        self.next
            .insert(transaction.sender(), transaction.nonce().saturating_add(1));
        self.transactions.push(Arc::clone(transaction));
    }

    fn next_nonce(&self, sender: &Address) -> u64 {
        self.next.get(sender).copied().unwrap_or_default()
    }

    /// Whether this did not go before everybody's turn.
    fn is_left(&self, waiting: &Waiting) -> bool {
        self.next.is_empty() || waiting.transaction.nonce() >= self.next_nonce(&waiting.transaction.sender())
    }
}
