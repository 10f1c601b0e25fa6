//! What waits, for those who only look?

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use ledger_runtime::Lane;

use super::{PoolCounts, PooledTransaction, SenderContent, TxPool};

impl TxPool {
    /// A waiting transaction.
    #[must_use]
    pub fn get(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        self.pool.lock().get(hash)
    }

    /// The lane of a sender that has something waiting.
    #[must_use]
    pub fn lane(&self, sender: &Address) -> Option<Lane> {
        self.pool.lock().lane(sender)
    }

    /// Waiting transactions by their hashes, in the order asked for.
    #[must_use]
    pub fn get_all(&self, hashes: &[B256]) -> Vec<Option<Arc<PooledTransaction>>> {
        let pool = self.pool.lock();
        hashes.iter().map(|hash| pool.get(hash)).collect()
    }

    /// As [`super::Pool::next_waiting`].
    pub fn next_waiting(&self, hashes: &mut VecDeque<B256>, most: usize) -> Vec<Arc<PooledTransaction>> {
        self.pool.lock().next_waiting(hashes, most)
    }

    /// The nonce after a sender's pending transactions; none if nothing of it waits.
    #[must_use]
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        self.pool.lock().next_nonce(sender)
    }

    /// How many wait.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        *self.counts.borrow()
    }

    /// What a sender has waiting.
    #[must_use]
    pub fn content_of(&self, sender: &Address) -> SenderContent {
        self.pool.lock().content_of(sender)
    }

    /// What everybody has waiting.
    #[must_use]
    pub fn content(&self) -> BTreeMap<Address, SenderContent> {
        self.pool.lock().content()
    }
}
