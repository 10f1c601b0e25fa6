//! The promises of all authorities, as this node knows them.
//!
//! Filled by the announcer (own promises and those asked for) and by the driver (gossip); read by the builder and by `ledger_endorsement`.
//! Takes nothing that is not signed by the authority of its slot, of no slot but the last ones, and no more than a slot may promise.

use std::{collections::HashMap, collections::VecDeque, sync::Arc, time::Duration};

use alloy_primitives::B256;
use ledger_chainspec::{Endorsement, GenesisHash, Slot};
use ledger_consensus::limits::Endorsed;
use ledger_network::Verdict;
use ledger_runtime::Head;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tracing::{debug, warn};

use crate::txpool::TxPool;

/// Transactions whose endorsement can be asked for; the oldest are forgotten. Some 8 MiB.
pub const RECEIPTS_MAX: usize = 65_536;

/// How long `ledger_endorsement` waits for a promise about a transaction that waits: an authority answers within some
/// milliseconds, and one that does not within this time has no room or is not reached.
pub const ENDORSEMENT_WAIT: Duration = Duration::from_millis(500);

/// Slots before and after the current one whose endorsements are taken: the clocks of two honest nodes differ by less.
const SLOTS_APART_MAX: u64 = 1;

/// All promises.
#[derive(Debug)]
pub struct Endorsements {
    genesis: GenesisHash,
    inner: Mutex<Inner>,
    /// Counts what came, for those who wait.
    news: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    endorsed: Endorsed,
    receipts: HashMap<B256, Arc<Endorsement>>,
    order: VecDeque<B256>,
}

impl Endorsements {
    /// No promises yet, on the chain `genesis`; of one slot `per_slot_max` transactions are taken at most.
    #[must_use]
    pub fn new(genesis: GenesisHash, per_slot_max: u32) -> Self {
        Self {
            genesis,
            inner: Mutex::new(Inner {
                endorsed: Endorsed::new(per_slot_max),
                receipts: HashMap::new(),
                order: VecDeque::new(),
            }),
            news: watch::Sender::new(0),
        }
    }

    /// Takes a promise, if the authority of its slot signed it, while `head` is the newest block and `slot` the current one. Says
    /// what it is worth as a gossip message.
    pub fn take(&self, endorsement: Endorsement, head: &Head, slot: Slot) -> Verdict {
        if endorsement.slot.get().abs_diff(slot.get()) > SLOTS_APART_MAX || endorsement.transactions.is_empty() {
            return Verdict::Ignore;
        }
        if head.set.authority(endorsement.slot).consensus_key != endorsement.authority {
            // Of the set of a block ago, or of one that this node, being behind, does not know: nobody's fault.
            return Verdict::Ignore;
        }
        if !endorsement.verify(self.genesis) {
            return Verdict::Reject("endorsement not signed by its authority");
        }
        let endorsement = Arc::new(endorsement);
        let mut inner = self.inner.lock();
        if !inner.endorsed.take(&endorsement, head.number()) {
            debug!(target: "ledger::endorse", slot = %endorsement.slot, authority = %endorsement.authority, "more promises than a slot holds");
            return Verdict::Ignore;
        }
        inner.keep(&endorsement);
        drop(inner);
        self.news.send_modify(|count| *count = count.wrapping_add(1));
        Verdict::Accept
    }

    /// The transactions that a builder tries first.
    #[must_use]
    pub fn first(&self) -> Vec<B256> {
        self.inner.lock().endorsed.first().copied().collect()
    }

    /// Follows the new head, whose block holds `included`; the rest waits in `pool`.
    pub fn follow(&self, head: &Head, included: &[B256], pool: &TxPool) {
        let is_waiting = |transaction: &B256| pool.get(transaction).is_some();
        let mut inner = self.inner.lock();
        let broken = inner.endorsed.follow(head.number(), head.slot, included, is_waiting);
        drop(inner);
        if !broken.is_empty() {
            metrics::counter!(crate::telemetry::metering::PROMISES_BROKEN).increment(broken.len() as u64);
            warn!(
                target: "ledger::endorse", number = %head.number(), authority = %head.header.header.beneficiary,
                promises = broken.len(), first = ?broken.first(), "a block overtook endorsed transactions"
            );
        }
    }

    /// The promise about a transaction, if there is one.
    #[must_use]
    pub fn receipt(&self, transaction: &B256) -> Option<Arc<Endorsement>> {
        self.inner.lock().receipts.get(transaction).cloned()
    }

    /// The promise about a transaction, waiting for it for [`ENDORSEMENT_WAIT`].
    pub async fn wait_for(&self, transaction: &B256) -> Option<Arc<Endorsement>> {
        let until = Instant::now() + ENDORSEMENT_WAIT;
        let mut news = self.news.subscribe();
        loop {
            if let Some(receipt) = self.receipt(transaction) {
                return Some(receipt);
            }
            if timeout_at(until, news.changed()).await.is_err() {
                debug!(target: "ledger::endorse", %transaction, "no endorsement in time");
                return None;
            }
        }
    }
}

impl Inner {
    fn keep(&mut self, endorsement: &Arc<Endorsement>) {
        for transaction in &endorsement.transactions {
            // The first promise is the one that counts.
            if let std::collections::hash_map::Entry::Vacant(entry) = self.receipts.entry(*transaction) {
                entry.insert(Arc::clone(endorsement));
                self.order.push_back(*transaction);
            }
        }
        while self.order.len() > RECEIPTS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.receipts.remove(&oldest);
            }
        }
    }
}
