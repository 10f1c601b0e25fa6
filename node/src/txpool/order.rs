//! In which order should a block try what is pending?
//!
//! Reserved senders (R14) first, up to the share that is kept for them; then what authorities have promised (R13), in the
//! order of the promises; then everybody takes turns, one transaction each and round after round, whoever has waited
//! longest first. A promised transaction is a turn of its sender. A sender that floods the pool therefore fills what the
//! others leave, and no more.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use alloy_primitives::Address;
use ledger_runtime::{CANDIDATES_PER_TRANSACTION_MAX, Lane};

use super::{
    limits::PoolLimits,
    sender::{SenderQueue, Waiting},
    validate::PooledTransaction,
};

/// Place of a transaction in the order: its round, then its arrival.
type Place = Reverse<(usize, u64)>;

/// The pending transactions of `senders` in the order to try them, of which the `promised` ones (sender and nonce) come before what
/// is not reserved; at most as many as production looks at, and of one sender at most as many as a block may hold.
pub(super) fn candidates<'a>(
    senders: impl Iterator<Item = (&'a Address, &'a SenderQueue)>,
    promised: impl Iterator<Item = (Address, u64)>,
    limits: &PoolLimits,
) -> Vec<Arc<PooledTransaction>> {
    let most = limits.block_transactions.saturating_mul(CANDIDATES_PER_TRANSACTION_MAX);
    let (reserved, open): (Vec<_>, Vec<_>) = senders
        .filter(|(_, queue)| queue.pending_len() > 0)
        .partition(|(_, queue)| queue.lane() == Lane::Reserved);
    let mut turns = Turns::new(limits.block_sender_transactions);
    reserved
        .into_iter()
        .for_each(|(sender, queue)| turns.join(*sender, queue));
    let mut order: Vec<_> = turns.by_ref().take(limits.block_reserved.min(most)).collect();
    open.into_iter().for_each(|(sender, queue)| turns.join(*sender, queue));
    for (sender, nonce) in promised {
        turns.take_through(&sender, nonce, &mut order);
    }
    order.truncate(most);
    let room = most - order.len();
    order.extend(turns.take(room));
    order
}

/// Senders that take turns.
struct Turns<'a> {
    per_sender: usize,
    next: BinaryHeap<(Place, usize)>,
    index_of: HashMap<Address, usize>,
    senders: Vec<Queue<'a>>,
}

/// What a sender has left.
struct Queue<'a> {
    rest: Box<dyn Iterator<Item = &'a Waiting> + 'a>,
    head: Option<&'a Waiting>,
    /// Transactions that it has had.
    round: usize,
}

impl<'a> Queue<'a> {
    fn place(&self) -> Option<Place> {
        self.head.map(|head| Reverse((self.round, head.arrival)))
    }

    fn take(&mut self) -> Option<&'a Waiting> {
        let taken = self.head.take()?;
        self.head = self.rest.next();
        self.round += 1;
        Some(taken)
    }
}

impl<'a> Turns<'a> {
    fn new(per_sender: usize) -> Self {
        Self {
            per_sender,
            next: BinaryHeap::new(),
            index_of: HashMap::new(),
            senders: Vec::new(),
        }
    }

    fn join(&mut self, sender: Address, queue: &'a SenderQueue) {
        let mut rest = queue.pending().take(self.per_sender);
        let head = rest.next();
        let queue = Queue {
            rest: Box::new(rest),
            head,
            round: 0,
        };
        let Some(place) = queue.place() else { return };
        self.next.push((place, self.senders.len()));
        self.index_of.insert(sender, self.senders.len());
        self.senders.push(queue);
    }

    /// Moves what `sender` has up to `nonce` into `order`, out of turn.
    fn take_through(&mut self, sender: &Address, nonce: u64, order: &mut Vec<Arc<PooledTransaction>>) {
        let Some(queue) = self.index_of.get(sender).and_then(|index| self.senders.get_mut(*index)) else {
            return;
        };
        while queue.head.is_some_and(|head| head.transaction.nonce() <= nonce) {
            order.extend(queue.take().map(|taken| Arc::clone(&taken.transaction)));
        }
    }
}

impl Iterator for Turns<'_> {
    type Item = Arc<PooledTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (place, index) = self.next.pop()?;
            let queue = &mut self.senders[index];
            // A sender whose promised transactions went before has its next turn later than it was noted.
            let taken = (queue.place() == Some(place)).then(|| queue.take()).flatten();
            if let Some(place) = queue.place() {
                self.next.push((place, index));
            }
            if let Some(taken) = taken {
                return Some(Arc::clone(&taken.transaction));
            }
        }
    }
}
