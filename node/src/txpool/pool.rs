//! Which transactions wait, and which of them go first? The pool itself: pure, without clock, disk or lock.
//!
//! Called by the shell in [`super`], which knows the state and the time. Gas is free, so nothing is ordered by price:
//! senders take turns, and where room is short the sender that takes the most of it gives way. Everything is bounded by
//! [`PoolLimits`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::{Address, B256, map::B256Set};
use ledger_chainspec::UnixMillis;
use ledger_runtime::Lane;

use super::{
    error::PoolError,
    limits::{EXPIRY_INTERVAL_MS, PENDING_LIFETIME_MS, PoolLimits, QUEUED_LIFETIME_MS},
    order,
    room::{Going, Gone, Newcomer, Victim},
    sender::{AccountFacts, SenderQueue, Waiting},
    validate::PooledTransaction,
};

/// How many transactions wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Those that the next blocks can take.
    pub pending: usize,
    /// Those that wait for an earlier nonce or for balance.
    pub queued: usize,
}

/// The waiting transactions of one sender, by nonce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderContent {
    /// Those that the next blocks can take.
    pub pending: BTreeMap<u64, Arc<PooledTransaction>>,
    /// The others.
    pub queued: BTreeMap<u64, Arc<PooledTransaction>>,
}

/// The transaction pool.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    senders: HashMap<Address, SenderQueue>,
    by_hash: HashMap<B256, (Address, u64)>,
    /// Blocks that were committed while the pool was there.
    blocks: u64,
    /// Senders of the open lane by the slots that they take, to find who gives way.
    by_slots: BTreeSet<(usize, Address)>,
    /// The same by the slots of their queued transactions.
    by_queued_slots: BTreeSet<(usize, Address)>,
    counts: PoolCounts,
    slots: usize,
    open_slots: usize,
    queued_slots: usize,
    arrivals: u64,
    expired_at: UnixMillis,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            senders: HashMap::new(),
            by_hash: HashMap::new(),
            blocks: 0,
            by_slots: BTreeSet::new(),
            by_queued_slots: BTreeSet::new(),
            counts: PoolCounts::default(),
            slots: 0,
            open_slots: 0,
            queued_slots: 0,
            arrivals: 0,
            expired_at: UnixMillis::new(0),
        }
    }

    /// How many wait.
    #[must_use]
    pub const fn counts(&self) -> PoolCounts {
        self.counts
    }

    /// How many have come in, whatever became of them.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// The lane of a sender that has something waiting.
    #[must_use]
    pub fn lane(&self, sender: &Address) -> Option<Lane> {
        self.senders.get(sender).map(SenderQueue::lane)
    }

    /// A waiting transaction.
    #[must_use]
    pub fn get(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders
            .get(sender)?
            .at(*nonce)
            .map(|entry| Arc::clone(&entry.transaction))
    }

    /// The next transactions of `hashes` that wait, `most` of them at most: each hash is looked at once, until so many are found. Those go
    /// to the end; what waits no longer, or was met before, is dropped.
    pub fn next_waiting(&self, hashes: &mut VecDeque<B256>, most: usize) -> Vec<Arc<PooledTransaction>> {
        let mut waiting = Vec::with_capacity(most.min(hashes.len()));
        let mut met = B256Set::default();
        for _ in 0..hashes.len() {
            if waiting.len() >= most {
                break;
            }
            let next = hashes.pop_front().filter(|hash| met.insert(*hash));
            if let Some((hash, found)) = next.and_then(|hash| Some((hash, self.get(&hash)?))) {
                hashes.push_back(hash);
                waiting.push(found);
            }
        }
        waiting
    }

    /// Whether a transaction waits.
    pub fn contains(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// The nonce after a sender's pending transactions; none if nothing of it waits.
    #[must_use]
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        self.senders.get(sender).map(SenderQueue::next_nonce)
    }

    /// The account of a sender that has something waiting, if it was read since the newest block.
    #[must_use]
    pub fn account(&self, sender: &Address) -> Option<AccountFacts> {
        let queue = self.senders.get(sender)?;
        (queue.read_after() == self.blocks).then(|| queue.account())
    }

    /// A block was committed: every account may be another now.
    pub const fn block_committed(&mut self) {
        self.blocks = self.blocks.saturating_add(1);
    }

    /// What a sender has waiting.
    #[must_use]
    pub fn content_of(&self, sender: &Address) -> SenderContent {
        let by_nonce = |entry: &Waiting| (entry.transaction.nonce(), Arc::clone(&entry.transaction));
        self.senders
            .get(sender)
            .map_or_else(SenderContent::default, |queue| SenderContent {
                pending: queue.pending().map(by_nonce).collect(),
                queued: queue.queued().map(by_nonce).collect(),
            })
    }

    /// What everybody has waiting.
    #[must_use]
    pub fn content(&self) -> BTreeMap<Address, SenderContent> {
        self.senders
            .keys()
            .map(|sender| (*sender, self.content_of(sender)))
            .collect()
    }

    /// Every waiting transaction, each sender's in the order of its nonces.
    pub fn transactions(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.senders
            .values()
            .flat_map(|queue| queue.pending().chain(queue.queued()))
            .map(|entry| &entry.transaction)
    }

    /// The senders whose balance matters to what they have waiting.
    #[must_use]
    pub fn priced_senders(&self) -> Vec<Address> {
        self.senders
            .iter()
            .filter(|(_, queue)| queue.is_priced())
            .map(|(sender, _)| *sender)
            .collect()
    }

    /// The pending transactions in the order in which a block should try them, of which the `endorsed` ones were promised.
    #[must_use]
    pub fn candidates(&self, endorsed: &[B256]) -> Vec<Arc<PooledTransaction>> {
        let promised = endorsed.iter().filter_map(|hash| self.by_hash.get(hash).copied());
        order::candidates(&self.senders, promised, &self.limits)
    }

    /// Takes a transaction in, whose sender's account is `account`.
    ///
    /// # Errors
    /// [`PoolError`] if it is known, does not fit its sender's account, does not outbid the one that it would replace,
    /// or finds no room.
    pub fn insert(
        &mut self,
        transaction: Arc<PooledTransaction>,
        account: AccountFacts,
        now: UnixMillis,
    ) -> Result<(), PoolError> {
        let (hash, sender, nonce) = (transaction.hash(), transaction.sender(), transaction.nonce());
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown { hash });
        }
        self.expire(now);
        self.follow(sender, account);
        let fresh = SenderQueue::new(account, self.blocks);
        let queue = self.senders.get(&sender).unwrap_or(&fresh);
        queue.check(&transaction, now)?;
        let replaced = queue.at(nonce).map_or(0, |old| old.transaction.slots());
        let after = queue.slots() + transaction.slots() - replaced;
        if after > self.limits.sender_slots {
            return Err(PoolError::SenderFull { sender });
        }
        let can_go = queue.would_be_pending(nonce);
        let more = transaction.slots().saturating_sub(replaced);
        self.make_room(Newcomer {
            sender,
            lane: account.lane,
            can_go,
            more,
            after,
        })?;

        let mut queue = self.senders.remove(&sender).unwrap_or(fresh);
        self.uncount(sender, &queue);
        self.arrivals = self.arrivals.saturating_add(1);
        if let Some(old) = queue.insert(Waiting {
            transaction,
            arrival: self.arrivals,
        }) {
            self.by_hash.remove(&old.hash());
        }
        self.by_hash.insert(hash, (sender, nonce));
        self.count(sender, &queue);
        self.senders.insert(sender, queue);
        Ok(())
    }

    /// Follows the state of a sender: what its nonce has passed goes, what its balance no longer covers waits.
    pub fn follow(&mut self, sender: Address, account: AccountFacts) {
        let blocks = self.blocks;
        match self.senders.get_mut(&sender) {
            Some(queue) if queue.account() == account => queue.read_again(blocks),
            Some(_) => self.change(sender, |queue| queue.follow(account, blocks)),
            None => {}
        }
    }

    /// Takes a transaction out. What follows it stays and waits.
    pub fn remove(&mut self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        let (sender, nonce) = *self.by_hash.get(hash)?;
        let mut removed = None;
        self.change(sender, |queue| {
            removed = queue.remove(nonce);
            removed.iter().cloned().collect()
        });
        removed
    }

    /// Drops what has waited too long. Looks at most once per [`EXPIRY_INTERVAL_MS`].
    pub fn expire(&mut self, now: UnixMillis) {
        if now.get().saturating_sub(self.expired_at.get()) < EXPIRY_INTERVAL_MS {
            return;
        }
        self.expired_at = now;
        let is_old = |entry: &&Waiting, lifetime_ms: u64| {
            now.get().saturating_sub(entry.transaction.received.get()) > lifetime_ms
        };
        let old: Vec<B256> = self
            .senders
            .values()
            .flat_map(|queue| {
                let pending = queue.pending().filter(|entry| is_old(entry, PENDING_LIFETIME_MS));
                pending.chain(queue.queued().filter(|entry| is_old(entry, QUEUED_LIFETIME_MS)))
            })
            .map(|entry| entry.transaction.hash())
            .collect();
        for hash in old {
            self.remove(&hash);
        }
    }

    /// Makes room for a newcomer, or says that there is none; then nobody has given way.
    fn make_room(&mut self, newcomer: Newcomer) -> Result<(), PoolError> {
        if !newcomer.can_go && self.queued_slots + newcomer.more > self.limits.queued_slots {
            return Err(PoolError::Full);
        }
        let mut going = Going::default();
        while self.is_short(&newcomer, going.slots) {
            let victim = self.victim(&newcomer, &going).ok_or(PoolError::Full)?;
            going.add(victim);
        }
        for hash in going.hashes {
            self.remove(&hash);
        }
        Ok(())
    }

    /// Whether room is short once `freed` slots of open senders are free.
    fn is_short(&self, newcomer: &Newcomer, freed: usize) -> bool {
        let open_max = self.limits.slots.saturating_sub(self.limits.reserved_slots);
        let open_is_short = newcomer.lane == Lane::Open && self.open_slots + newcomer.more > open_max + freed;
        open_is_short || self.slots + newcomer.more > self.limits.slots + freed
    }

    /// The transaction that gives way to a newcomer next: the last one of the open sender with the most slots of queued
    /// ones; if none is queued, of the one with the most slots at all, as long as that is more than the newcomer's.
    fn victim(&self, newcomer: &Newcomer, going: &Going) -> Option<Victim> {
        let last_of = |sender: Address| {
            let queue = self.senders.get(&sender)?;
            let gone = going.by_sender.get(&sender).map_or(0, |gone| gone.count);
            let is_queued = queue.len() - gone > queue.pending_len();
            let transaction = Arc::clone(&queue.nth_last(gone)?.transaction);
            Some(Victim {
                sender,
                is_queued,
                transaction,
            })
        };
        let queued = self.most(&self.by_queued_slots, newcomer, going, |queue, gone| {
            queue.queued_slots() - gone.queued_slots
        });
        if let Some((slots, sender)) = queued.filter(|(slots, _)| *slots > 0) {
            return (newcomer.can_go || slots > newcomer.after)
                .then(|| last_of(sender))
                .flatten();
        }
        let (slots, sender) = self.most(&self.by_slots, newcomer, going, |queue, gone| {
            queue.slots() - gone.slots
        })?;
        let is_fairer = newcomer.lane == Lane::Reserved || slots > newcomer.after;
        (newcomer.can_go && is_fairer).then(|| last_of(sender)).flatten()
    }

    /// The other sender with the most slots in `index`; of one that gives some, what is `left`.
    fn most(
        &self,
        index: &BTreeSet<(usize, Address)>,
        newcomer: &Newcomer,
        going: &Going,
        left: impl Fn(&SenderQueue, &Gone) -> usize,
    ) -> Option<(usize, Address)> {
        let is_whole = |rank: &&(usize, Address)| rank.1 != newcomer.sender && !going.by_sender.contains_key(&rank.1);
        let whole = index.iter().rev().find(is_whole).copied();
        let rest = going.by_sender.iter().filter_map(|(sender, given)| {
            let queue = self.senders.get(sender)?;
            Some((left(queue, given), *sender))
        });
        rest.chain(whole).max()
    }

    /// Changes a sender's queue by `work`, which gives what it took out, and keeps every index right.
    fn change(&mut self, sender: Address, work: impl FnOnce(&mut SenderQueue) -> Vec<Arc<PooledTransaction>>) {
        let Some(mut queue) = self.senders.remove(&sender) else {
            return;
        };
        self.uncount(sender, &queue);
        for gone in work(&mut queue) {
            self.by_hash.remove(&gone.hash());
        }
        if queue.len() > 0 {
            self.count(sender, &queue);
            self.senders.insert(sender, queue);
        }
    }

    fn count(&mut self, sender: Address, queue: &SenderQueue) {
        self.counts.pending += queue.pending_len();
        self.counts.queued += queue.len() - queue.pending_len();
        self.slots += queue.slots();
        self.queued_slots += queue.queued_slots();
        if queue.lane() == Lane::Open {
            self.open_slots += queue.slots();
            self.by_slots.insert((queue.slots(), sender));
            self.by_queued_slots.insert((queue.queued_slots(), sender));
        }
    }

    fn uncount(&mut self, sender: Address, queue: &SenderQueue) {
        self.counts.pending -= queue.pending_len();
        self.counts.queued -= queue.len() - queue.pending_len();
        self.slots -= queue.slots();
        self.queued_slots -= queue.queued_slots();
        if queue.lane() == Lane::Open {
            self.open_slots -= queue.slots();
            self.by_slots.remove(&(queue.slots(), sender));
            self.by_queued_slots.remove(&(queue.queued_slots(), sender));
        }
    }
}
