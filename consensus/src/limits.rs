//! How many transactions does a slot take, and which of them did its authority promise (R13)?
//!
//! The driver asks [`EndorsementBook::admit`] before it signs an endorsement and has the builder honour
//! [`EndorsementBook::promised`] first; whoever imports a block asks [`SlotLimits::check`]. Never signs and never recovers a
//! sender. The share kept for validators and members (R14) is execution's: only it knows who they are.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use ledger_chainspec::Slot;
use thiserror::Error;

use crate::error::Fault;

/// The transactions that one slot takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotLimits {
    /// Most transactions of all senders.
    pub transactions: u32,
    /// Most transactions of one sender.
    pub transactions_per_sender: u32,
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
}

impl LimitExceeded {
    /// Who is to blame: whoever built or sent what exceeds the limit.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Transactions { .. } | Self::Sender { .. } => Fault::Sender,
        }
    }
}

/// How much of a slot's limits is used.
#[derive(Debug, Default)]
struct Usage {
    transactions: u32,
    by_sender: BTreeMap<Address, u32>,
}

impl Usage {
    fn add(&mut self, sender: Address, limits: &SlotLimits) -> Result<(), LimitExceeded> {
        if self.transactions >= limits.transactions {
            return Err(LimitExceeded::Transactions {
                limit: limits.transactions,
            });
        }
        let used = self.by_sender.get(&sender).copied().unwrap_or(0);
        if used >= limits.transactions_per_sender {
            return Err(LimitExceeded::Sender {
                sender,
                limit: limits.transactions_per_sender,
            });
        }
        self.by_sender.insert(sender, used + 1);
        self.transactions += 1;
        Ok(())
    }
}

impl SlotLimits {
    /// Checks a block by the senders of its transactions.
    ///
    /// # Errors
    /// [`LimitExceeded`] for the first transaction that is one too many.
    pub fn check(&self, senders: impl IntoIterator<Item = Address>) -> Result<(), LimitExceeded> {
        let mut usage = Usage::default();
        senders.into_iter().try_for_each(|sender| usage.add(sender, self))
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
    /// The slot's block could not hold it.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl EndorsementRefusal {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::SlotOver { .. } => Fault::Timing,
            Self::Limit(limit) => limit.fault(),
        }
    }
}

/// The promises of one authority in its newest slot: never more than its block can hold, so bounded by the limits.
#[derive(Debug)]
pub struct EndorsementBook {
    limits: SlotLimits,
    slot: Slot,
    usage: Usage,
    promised: BTreeSet<B256>,
    order: Vec<B256>,
}

impl EndorsementBook {
    /// A book without promises.
    pub fn new(limits: SlotLimits) -> Self {
        let (usage, promised) = (Usage::default(), BTreeSet::new());
        Self {
            limits,
            slot: Slot::new(0),
            usage,
            promised,
            order: Vec::new(),
        }
    }

    /// Promises `transaction` of `sender` for `slot`; promising it again changes nothing.
    ///
    /// # Errors
    /// [`EndorsementRefusal`] if the slot is over or its block could not hold the transaction.
    pub fn admit(&mut self, slot: Slot, sender: Address, transaction: B256) -> Result<(), EndorsementRefusal> {
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
        if !self.promised.contains(&transaction) {
            self.usage.add(sender, &self.limits)?;
            self.promised.insert(transaction);
            self.order.push(transaction);
        }
        Ok(())
    }

    /// What was promised for `slot`, in the order of the promises.
    pub fn promised(&self, slot: Slot) -> &[B256] {
        if slot == self.slot { &self.order } else { &[] }
    }

    /// The promises for `slot` that a block of that slot with these transactions breaks.
    pub fn broken(&self, slot: Slot, included: &BTreeSet<B256>) -> Vec<B256> {
        self.promised(slot)
            .iter()
            .filter(|transaction| !included.contains(*transaction))
            .copied()
            .collect()
    }
}
