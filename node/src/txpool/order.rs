//! In which order should a block try what is pending?
//!
//! Reserved senders (R14) first, up to the share that is kept for them; then everybody takes turns, one transaction each
//! and round after round, whoever has waited longest first. A sender that floods the pool therefore fills what the others
//! leave, and no more.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use ledger_runtime::{CANDIDATES_PER_TRANSACTION_MAX, Lane};

use super::{
    limits::PoolLimits,
    sender::{SenderQueue, Waiting},
    validate::PooledTransaction,
};

/// Place of a transaction in the order: its round, then its arrival.
type Place = Reverse<(usize, u64)>;

/// The pending transactions of `senders` in the order to try them; at most as many as production looks at, and of one
/// sender at most as many as a block may hold.
pub(super) fn candidates<'a>(
    senders: impl Iterator<Item = &'a SenderQueue>,
    limits: &PoolLimits,
) -> Vec<Arc<PooledTransaction>> {
    let most = limits.block_transactions.saturating_mul(CANDIDATES_PER_TRANSACTION_MAX);
    let (reserved, open): (Vec<_>, Vec<_>) = senders
        .filter(|queue| queue.pending_len() > 0)
        .partition(|queue| queue.lane() == Lane::Reserved);
    let mut turns = Turns::new(limits.block_sender_transactions);
    reserved.into_iter().for_each(|queue| turns.join(queue));
    let mut order: Vec<_> = turns.by_ref().take(limits.block_reserved.min(most)).collect();
    open.into_iter().for_each(|queue| turns.join(queue));
    order.extend(turns.take(most - order.len()));
    order
}

/// Senders that take turns.
struct Turns<'a> {
    per_sender: usize,
    next: BinaryHeap<(Place, usize)>,
    senders: Vec<Box<dyn Iterator<Item = &'a Waiting> + 'a>>,
    heads: Vec<Option<&'a Waiting>>,
}

impl<'a> Turns<'a> {
    const fn new(per_sender: usize) -> Self {
        Self {
            per_sender,
            next: BinaryHeap::new(),
            senders: Vec::new(),
            heads: Vec::new(),
        }
    }

    fn join(&mut self, queue: &'a SenderQueue) {
        let mut pending = queue.pending().take(self.per_sender);
        let Some(first) = pending.next() else { return };
        self.next.push((Reverse((0, first.arrival)), self.senders.len()));
        self.senders.push(Box::new(pending));
        self.heads.push(Some(first));
    }
}

impl Iterator for Turns<'_> {
    type Item = Arc<PooledTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        let (Reverse((round, _)), sender) = self.next.pop()?;
        let taken = self.heads[sender].take()?;
        if let Some(following) = self.senders[sender].next() {
            self.next.push((Reverse((round + 1, following.arrival)), sender));
            self.heads[sender] = Some(following);
        }
        Some(Arc::clone(&taken.transaction))
    }
}
