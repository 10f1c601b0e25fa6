//! Who sent the transactions of a block?
//!
//! Called by import. Recovering a sender from a signature is several times the work of executing a transfer, and needs no
//! state. It is done beside the execution, which takes part when it has caught up; of a block that is announced, it is done
//! beside whatever comes before: the writing of its parent, above all.

use std::{
    ops::Range,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use ledger_chainspec::{Block, Transaction};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Transactions that a thread takes at once: few, so that the execution waits for little, and enough to take turns rarely.
const PIECE: usize = 16;

/// A signature that no key made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// Threads for recovery alone, one for each processor: roots are computed on others, and wait for none of it.
static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    ThreadPoolBuilder::new()
        .thread_name(|index| format!("senders-{index}"))
        .build()
        .expect("the process can start threads")
});

/// A block to be imported, with the senders of its transactions as far as they are recovered.
#[derive(Debug)]
pub struct IncomingBlock {
    pub(crate) block: Block,
    recovery: Option<Recovery>,
}

impl IncomingBlock {
    /// A block that will be imported next: recovery begins at once, on other threads, before anything of the block is
    /// checked. Whoever announces blocks bounds how many there are.
    #[must_use]
    pub fn announce(block: Block) -> Self {
        let recovery = Some(Recovery::start(block.transactions.clone(), &[]));
        Self { block, recovery }
    }

    /// A block with the senders of its transactions as far as they are known, in the order of the transactions. Whoever knows
    /// them recovered them from these signatures; the others are recovered now.
    #[must_use]
    pub fn with_senders(block: Block, senders: &[Option<Address>]) -> Self {
        let recovery = Some(Recovery::start(block.transactions.clone(), senders));
        Self { block, recovery }
    }

    /// The block, and its recovery, which begins now if it was not announced.
    pub(crate) fn into_parts(self) -> (Block, Recovery) {
        let Self { block, recovery } = self;
        let recovery = recovery.unwrap_or_else(|| Recovery::start(block.transactions.clone(), &[]));
        (block, recovery)
    }
}

impl From<Block> for IncomingBlock {
    /// A block whose recovery begins when the rest of its header is known to be right.
    fn from(block: Block) -> Self {
        Self { block, recovery: None }
    }
}

/// The recovery of a block's senders. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Recovery(Arc<Senders>);

/// The senders of some transactions, as far as they are recovered.
#[derive(Debug)]
struct Senders {
    transactions: Vec<Transaction>,
    found: Vec<OnceLock<Result<Address, BadSignature>>>,
    /// The first transaction that nobody has taken yet.
    next: AtomicUsize,
}

impl Recovery {
    /// Begins with what is `known`, in the order of the transactions; nothing is known of those beyond its end.
    fn start(transactions: Vec<Transaction>, known: &[Option<Address>]) -> Self {
        let known = known.iter().copied().chain(std::iter::repeat(None));
        let found: Vec<OnceLock<_>> = known
            .take(transactions.len())
            .map(|sender| sender.map_or_else(OnceLock::new, |sender| OnceLock::from(Ok(sender))))
            .collect();
        let is_complete = found.iter().all(|sender| sender.get().is_some());
        let senders = Arc::new(Senders {
            next: AtomicUsize::new(if is_complete { transactions.len() } else { 0 }),
            found,
            transactions,
        });
        let pieces = match is_complete {
            true => 0,
            false => senders.transactions.len().div_ceil(PIECE),
        };
        for _ in 0..POOL.current_num_threads().min(pieces) {
            let senders = Arc::clone(&senders);
            POOL.spawn(move || while senders.recover_piece() {});
        }
        Self(senders)
    }

    /// The sender of the transaction at `index`.
    pub(crate) fn sender(&self, index: usize) -> Result<Address, BadSignature> {
        while self.0.found[index].get().is_none() {
            if !self.0.recover_piece() {
                // All are taken: what another thread is at is waited for, and what it has not begun is done here.
                return self.0.recovered(index);
            }
        }
        self.0.recovered(index)
    }
}

impl Drop for Recovery {
    fn drop(&mut self) {
        self.0.next.store(self.0.transactions.len(), Ordering::Relaxed);
    }
}

impl Senders {
    /// Recovers the next piece; whether there was one.
    fn recover_piece(&self) -> bool {
        let from = self.next.fetch_add(PIECE, Ordering::Relaxed);
        let piece: Range<usize> = from..self.transactions.len().min(from.saturating_add(PIECE));
        if piece.is_empty() {
            return false;
        }
        for index in piece {
            let _ = self.recovered(index);
        }
        true
    }

    fn recovered(&self, index: usize) -> Result<Address, BadSignature> {
        *self.found[index].get_or_init(|| self.transactions[index].recover_signer().map_err(|_| BadSignature))
    }
}
