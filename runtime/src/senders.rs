//! Who sent the transactions of a block?
//!
//! Called by import. Recovering a sender from a signature is several times the work of executing a transfer, so that it is
//! done beside the execution: other threads work ahead, and the executing one takes part when it has caught up with them.

use std::{
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use ledger_chainspec::Transaction;

/// Transactions that a thread takes at once: few, so that the execution waits for little, and enough to take turns rarely.
const PIECE: usize = 16;

/// A signature that no key made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// The senders of some transactions, as far as they are recovered.
struct Senders<'a> {
    transactions: &'a [Transaction],
    found: Vec<OnceLock<Result<Address, BadSignature>>>,
    /// The first transaction that nobody has taken yet.
    next: AtomicUsize,
}

/// Runs `execute` with a function that gives the sender of the transaction at an index, while others recover ahead of it.
pub(crate) fn with_senders<T>(
    transactions: &[Transaction],
    execute: impl FnOnce(&dyn Fn(usize) -> Result<Address, BadSignature>) -> T,
) -> T {
    let senders = Senders {
        transactions,
        found: vec![OnceLock::new(); transactions.len()],
        next: AtomicUsize::new(0),
    };
    rayon::in_place_scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| while senders.recover_piece() {});
        }
        let done = execute(&|index| senders.get(index));
        // If the execution ended early, the rest is of no use.
        senders.next.store(transactions.len(), Ordering::Relaxed);
        done
    })
}

impl Senders<'_> {
    /// Recovers the next piece; whether there was one.
    fn recover_piece(&self) -> bool {
        let from = self.next.fetch_add(PIECE, Ordering::Relaxed);
        let piece: Range<usize> = from..self.transactions.len().min(from.saturating_add(PIECE));
        if piece.is_empty() {
            return false;
        }
        for (transaction, found) in self.transactions[piece.clone()].iter().zip(&self.found[piece]) {
            found.get_or_init(|| transaction.recover_signer().map_err(|_| BadSignature));
        }
        true
    }

    fn get(&self, index: usize) -> Result<Address, BadSignature> {
        loop {
            if let Some(found) = self.found[index].get() {
                return *found;
            }
            if !self.recover_piece() {
                // Another thread is at it.
                thread::yield_now();
            }
        }
    }
}
