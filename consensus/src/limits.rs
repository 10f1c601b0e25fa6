//! How many transactions does a slot take, which of them did its authority promise, and which promises of others come first
//! (R13)?
//!
//! The driver asks [`EndorsementBook::admit`] before it signs an endorsement, and keeps the endorsements of all authorities in
//! [`Endorsed`], whose transactions its builder tries first. Never signs and never recovers a sender. The limits themselves are
//! enforced by execution, and so is the share kept for validators and members (R14): only it knows who they are.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use ledger_chainspec::{BlockNumber, Endorsement, Slot};
use thiserror::Error;

use crate::error::Fault;

/// Slots after its own in which an endorsement still moves its transactions to the front. A transaction that no proposer of so
/// many slots could include has become impossible, or the chain stands still.
pub const ENDORSED_SLOTS_KEPT: u64 = 16;

/// Blocks for which a promise must have been known here before a block that does not keep it is said to break it: whoever built
/// it may have heard of the promise a block later than this node.
pub const PROMISE_KNOWN_BLOCKS: u64 = 1;

/// What an authority may promise in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotLimits {
    /// Most transactions of all senders.
    pub transactions: u32,
    /// Most transactions of one sender.
    pub transactions_per_sender: u32,
    /// Most gas that all of them may ask for.
    pub gas: u64,
}

/// A slot takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LimitExceeded {
    /// Of all senders.
    #[error("a slot takes {limit} transactions")]
    Transactions {
        /// The limit.
        limit: u32,
    },
    /// Of one sender.
    #[error("a slot takes {limit} transactions of one sender, and {sender} has more")]
    Sender {
        /// Whose they are.
        sender: Address,
        /// The limit.
        limit: u32,
    },
    /// Of gas.
    #[error("a slot takes {limit} gas, and {gas} more do not fit")]
    Gas {
        /// Gas that the transaction may use.
        gas: u64,
        /// The limit.
        limit: u64,
    },
}

/// A transaction that is to be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its hash.
    pub transaction: B256,
    /// Its sender.
    pub sender: Address,
    /// Gas that it may use.
    pub gas: u64,
}

/// How much of a slot's limits is used.
#[derive(Debug, Default)]
struct Usage {
    transactions: u32,
    gas: u64,
    by_sender: BTreeMap<Address, u32>,
}

impl Usage {
    fn add(&mut self, candidate: &Candidate, limits: &SlotLimits) -> Result<(), LimitExceeded> {
        if self.transactions >= limits.transactions {
            return Err(LimitExceeded::Transactions {
                limit: limits.transactions,
            });
        }
        let (sender, gas) = (candidate.sender, candidate.gas);
        let used = self.by_sender.get(&sender).copied().unwrap_or(0);
        if used >= limits.transactions_per_sender {
            return Err(LimitExceeded::Sender {
                sender,
                limit: limits.transactions_per_sender,
            });
        }
        let total = self.gas.saturating_add(gas);
        if total > limits.gas {
            return Err(LimitExceeded::Gas { gas, limit: limits.gas });
        }
        self.by_sender.insert(sender, used + 1);
        self.transactions += 1;
        self.gas = total;
        Ok(())
    }
}

/// Why an authority does not endorse a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EndorsementRefusal {
    /// Promises are made for the newest slot only.
    #[error("slot {slot} is over: the newest with promises is {newest}")]
    SlotOver {
        /// The slot asked for.
        slot: Slot,
        /// The newest slot.
        newest: Slot,
    },
    /// A block could not hold it beside what was promised before.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl EndorsementRefusal {
    /// Who is to blame: nobody. A slot that is full or over is no offence.
    pub fn fault(&self) -> Fault {
        match self {
            Self::SlotOver { .. } | Self::Limit(_) => Fault::Timing,
        }
    }
}

/// The promises of one authority in its newest slot: never more than a block can hold, so bounded by the limits.
#[derive(Debug)]
pub struct EndorsementBook {
    limits: SlotLimits,
    slot: Slot,
    usage: Usage,
    promised: BTreeSet<B256>,
}

impl EndorsementBook {
    /// A book without promises.
    pub fn new(limits: SlotLimits) -> Self {
        Self {
            limits,
            slot: Slot::new(0),
            usage: Usage::default(),
            promised: BTreeSet::new(),
        }
    }

    /// Promises a transaction for `slot`; promising it again changes nothing.
    ///
    /// # Errors
    /// [`EndorsementRefusal`] if the slot is over or a block could not hold the transaction.
    pub fn admit(&mut self, slot: Slot, candidate: &Candidate) -> Result<(), EndorsementRefusal> {
        if slot < self.slot {
            return Err(EndorsementRefusal::SlotOver {
                slot,
                newest: self.slot,
            });
        }
        if slot > self.slot {
            *self = Self {
                slot,
                ..Self::new(self.limits)
            };
        }
        if !self.promised.contains(&candidate.transaction) {
            self.usage.add(candidate, &self.limits)?;
            self.promised.insert(candidate.transaction);
        }
        Ok(())
    }
}

/// A promise that is waiting to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Promise {
    place: (Slot, u32),
    /// Head when the promise came to be known here.
    since: BlockNumber,
}

/// The promises of all authorities that no block has kept yet, oldest first. Bounded to what [`ENDORSED_SLOTS_KEPT`] slots may
/// promise: more of one slot is not taken, whoever signed it.
#[derive(Debug)]
pub struct Endorsed {
    per_slot_max: u32,
    promises: BTreeMap<B256, Promise>,
    order: BTreeMap<(Slot, u32), B256>,
    taken: BTreeMap<Slot, u32>,
    /// Broken promises that were told.
    told: BTreeSet<B256>,
}

impl Endorsed {
    /// No promises; of one slot `per_slot_max` are taken at most.
    pub fn new(per_slot_max: u32) -> Self {
        Self {
            per_slot_max,
            promises: BTreeMap::new(),
            order: BTreeMap::new(),
            taken: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// Takes an endorsement whose signature and authority have been checked, while `head` is the newest block; false if it goes
    /// beyond what a slot may promise. A transaction that was promised before keeps its place. Time goes on by the slots of
    /// endorsements too: a chain that stands still has no blocks to tell it by.
    pub fn take(&mut self, endorsement: &Endorsement, head: BlockNumber) -> bool {
        let slot = endorsement.slot;
        self.forget_before(Slot::new(slot.get().saturating_sub(ENDORSED_SLOTS_KEPT)));
        let taken = self.taken.entry(slot).or_default();
        for transaction in &endorsement.transactions {
            let std::collections::btree_map::Entry::Vacant(entry) = self.promises.entry(*transaction) else {
                continue;
            };
            if *taken >= self.per_slot_max {
                return false;
            }
            let place = (slot, *taken);
            entry.insert(Promise { place, since: head });
            self.order.insert(place, *transaction);
            *taken += 1;
        }
        true
    }

    /// The transactions that go first, in the order of the promises.
    pub fn first(&self) -> impl Iterator<Item = &B256> {
        self.order.values()
    }

    /// Follows block `number` of `slot`, which holds `included`: gives the promises that it breaks, each once. Those are the ones
    /// of an earlier slot than another one that it keeps, which were known here for [`PROMISE_KNOWN_BLOCKS`] and whose transactions
    /// still wait, as far as `is_waiting` knows. Within a slot the order of promises is not the same everywhere.
    pub fn follow(
        &mut self,
        number: BlockNumber,
        slot: Slot,
        included: &[B256],
        is_waiting: impl Fn(&B256) -> bool,
    ) -> Vec<B256> {
        let kept: Vec<(Slot, u32)> = included
            .iter()
            .filter_map(|transaction| self.promises.remove(transaction))
            .map(|promise| promise.place)
            .collect();
        for place in &kept {
            if let Some(transaction) = self.order.remove(place) {
                self.told.remove(&transaction);
            }
        }
        let newest = kept.into_iter().map(|(slot, _)| slot).max();
        let was_known = |transaction: &B256| {
            let known = self.promises.get(transaction).map(|promise| promise.since.get());
            known.is_some_and(|since| since.saturating_add(PROMISE_KNOWN_BLOCKS) < number.get())
        };
        let overtaken: Vec<B256> = self
            .order
            .iter()
            .filter(|((slot, _), transaction)| Some(*slot) < newest && was_known(transaction))
            .map(|(_, transaction)| *transaction)
            .filter(|transaction| !self.told.contains(transaction) && is_waiting(transaction))
            .collect();
        self.told.extend(&overtaken);
        self.forget_before(Slot::new(slot.get().saturating_sub(ENDORSED_SLOTS_KEPT)));
        overtaken
    }

    fn forget_before(&mut self, oldest: Slot) {
        self.taken = self.taken.split_off(&oldest);
        let kept = self.order.split_off(&(oldest, 0));
        for transaction in std::mem::replace(&mut self.order, kept).values() {
            self.promises.remove(transaction);
            self.told.remove(transaction);
        }
    }
}
