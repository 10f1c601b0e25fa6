//! Does one more transaction fit into the block?
//!
//! The rules R13 (how many transactions, of one sender, how much gas) and R14 (a share of the limits
//! that only reserved senders may use) as one meter. Producing asks it before each candidate and skips
//! what does not fit; importing asks it before each transaction and refuses the block: mirror images,
//! because it is the same code. It never looks at state: the caller says which lane a sender is in.

use std::collections::HashMap;

use alloy_primitives::Address;
use ledger_chainspec::BlockLimits;
use thiserror::Error;

/// Gas that one transaction may ask for at most (R13), whatever the fork: the cap of EIP-7825. It bounds the time of what
/// cannot be interrupted; without it, one free transaction could run for longer than a slot and stop the chain.
pub const TRANSACTION_GAS_MAX: u64 = 1 << 24;

/// Which share of a block a sender may use (R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Everybody: all of a block but the reserved share.
    Open,
    /// Validators' accounts, member clouds' owners and redeemers: the whole block.
    Reserved,
}

/// Why a transaction does not fit into this block. It may fit into the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// The block holds `transactions_per_slot` transactions already (R13).
    #[error("the block is full: it may hold {limit} transactions")]
    Transactions {
        /// Transactions that a block may hold.
        limit: u32,
    },
    /// The sender has `transactions_per_sender_per_slot` transactions in this block already (R13).
    #[error("the block holds {limit} transactions of {sender}, as many as of one sender it may")]
    Sender {
        /// The sender.
        sender: Address,
        /// Transactions of one sender that a block may hold.
        limit: u32,
    },
    /// The rest of the transactions is kept for reserved senders (R14).
    #[error("the open lane is full: {limit} transactions, the rest is reserved")]
    OpenTransactions {
        /// Transactions of unreserved senders that a block may hold.
        limit: u32,
    },
    /// The transaction's gas limit is more than the block has left.
    #[error("gas limit {gas_limit} is more than the {available} gas left in the block")]
    Gas {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// Gas left in the block.
        available: u64,
    },
    /// The rest of the gas is kept for reserved senders (R14).
    #[error("gas limit {gas_limit} is more than the {available} gas left in the block's open lane")]
    OpenGas {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// Gas left for unreserved senders.
        available: u64,
    },
}

impl LimitError {
    /// Whether the block has no room, whoever of the lane sends the transaction; else its sender alone has none left.
    #[must_use]
    pub const fn is_for_room(&self) -> bool {
        !matches!(self, Self::Sender { .. })
    }
}

/// Transactions and gas, counted together.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    transactions: u32,
    gas: u64,
}

impl Usage {
    fn add(&mut self, transactions: u32, gas: u64) {
        self.transactions = self.transactions.saturating_add(transactions);
        self.gas = self.gas.saturating_add(gas);
    }
}

/// What a block under way has used of its limits.
///
/// Lanes are asked for only when they matter: as long as all transactions together fit into the open lane, so do those
/// of unreserved senders.
#[derive(Debug)]
pub(crate) struct LimitMeter {
    limits: BlockLimits,
    open_limit: Usage,
    all: Usage,
    /// What unreserved senders use; from the moment that it matters.
    open: Option<Usage>,
    senders: HashMap<Address, Usage>,
}

impl LimitMeter {
    /// The meter of an empty block.
    pub(crate) fn new(limits: BlockLimits) -> Self {
        let open_limit = open_share(&limits);
        Self {
            limits,
            open_limit,
            all: Usage::default(),
            open: None,
            senders: HashMap::new(),
        }
    }

    /// Whether a transaction of `sender` with `gas_limit` fits now; counts nothing. Gives the sender's lane if it
    /// mattered, for [`Self::record`].
    ///
    /// The outer error is that of `lane_of`, the inner one the first limit that the transaction would break.
    pub(crate) fn check<E>(
        &mut self,
        sender: Address,
        gas_limit: u64,
        mut lane_of: impl FnMut(Address) -> Result<Lane, E>,
    ) -> Result<Result<Option<Lane>, LimitError>, E> {
        if let Err(limit) = self.check_whole(sender, gas_limit) {
            return Ok(Err(limit));
        }
        let open = match self.open {
            Some(open) => open,
            None if self.check_open(self.all, gas_limit).is_ok() => return Ok(Ok(None)),
            None => {
                let mut open = Usage::default();
                for (sender, usage) in &self.senders {
                    if lane_of(*sender)? == Lane::Open {
                        open.add(usage.transactions, usage.gas);
                    }
                }
                *self.open.insert(open)
            }
        };
        let lane = lane_of(sender)?;
        Ok(match lane {
            Lane::Reserved => Ok(Some(lane)),
            Lane::Open => self.check_open(open, gas_limit).map(|()| Some(lane)),
        })
    }

    /// The limits that are the same for everybody.
    fn check_whole(&self, sender: Address, gas_limit: u64) -> Result<(), LimitError> {
        let limits = &self.limits;
        if self.all.transactions >= limits.transactions_per_slot {
            return Err(LimitError::Transactions {
                limit: limits.transactions_per_slot,
            });
        }
        let limit = limits.transactions_per_sender_per_slot;
        if self
            .senders
            .get(&sender)
            .is_some_and(|usage| usage.transactions >= limit)
        {
            return Err(LimitError::Sender { sender, limit });
        }
        let available = limits.gas_limit.saturating_sub(self.all.gas);
        if gas_limit > available {
            return Err(LimitError::Gas { gas_limit, available });
        }
        Ok(())
    }

    /// The limits of the open lane, of which `open` is used.
    fn check_open(&self, open: Usage, gas_limit: u64) -> Result<(), LimitError> {
        if open.transactions >= self.open_limit.transactions {
            return Err(LimitError::OpenTransactions {
                limit: self.open_limit.transactions,
            });
        }
        let available = self.open_limit.gas.saturating_sub(open.gas);
        if gas_limit > available {
            return Err(LimitError::OpenGas { gas_limit, available });
        }
        Ok(())
    }

    /// Gas that all transactions together have used so far.
    pub(crate) const fn gas_used(&self) -> u64 {
        self.all.gas
    }

    /// Whether no further transaction fits, whoever sends it.
    pub(crate) fn is_full(&self) -> bool {
        self.all.transactions >= self.limits.transactions_per_slot || self.all.gas >= self.limits.gas_limit
    }

    /// Counts a transaction that was executed and used `gas_used`, with the lane that [`Self::check`] gave.
    pub(crate) fn record(&mut self, sender: Address, lane: Option<Lane>, gas_used: u64) {
        self.all.add(1, gas_used);
        self.senders.entry(sender).or_default().add(1, gas_used);
        if let (Some(open), Some(Lane::Open)) = (&mut self.open, lane) {
            open.add(1, gas_used);
        }
    }
}

/// The largest gas limit a transaction of `lane` can have in any block under `limits`: the pool
/// refuses more, because no block would ever take it.
#[must_use]
pub fn gas_limit_max(limits: &BlockLimits, lane: Lane) -> u64 {
    let share = match lane {
        Lane::Open => open_share(limits).gas,
        Lane::Reserved => limits.gas_limit,
    };
    share.min(TRANSACTION_GAS_MAX)
}

/// The limits less the reserved share, which is rounded up: at least that much is kept.
fn open_share(limits: &BlockLimits) -> Usage {
    let open = u64::from(100_u8.saturating_sub(limits.reserved_share_percent));
    let share = |whole: u64| (whole / 100) * open + (whole % 100) * open / 100;
    let transactions = share(u64::from(limits.transactions_per_slot));
    Usage {
        transactions: u32::try_from(transactions).expect("a share of a u32 is a u32"),
        gas: share(limits.gas_limit),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const ALICE: Address = Address::with_last_byte(1);
    const BOB: Address = Address::with_last_byte(2);
    const CLOUD: Address = Address::with_last_byte(3);

    /// Alice and Bob are anybody; the cloud is reserved.
    fn lane(sender: Address) -> Result<Lane, Infallible> {
        Ok(if sender == CLOUD { Lane::Reserved } else { Lane::Open })
    }

    fn meter() -> LimitMeter {
        LimitMeter::new(BlockLimits {
            gas_limit: 1_000,
            transactions_per_slot: 7,
            transactions_per_sender_per_slot: 3,
            reserved_share_percent: 20,
        })
    }

    fn refused(meter: &mut LimitMeter, sender: Address, gas_limit: u64) -> LimitError {
        meter.check(sender, gas_limit, lane).unwrap().unwrap_err()
    }

    /// Checks and counts a transaction that uses all of its gas limit.
    fn take(meter: &mut LimitMeter, sender: Address, gas: u64) {
        let lane = meter.check(sender, gas, lane).unwrap().unwrap();
        meter.record(sender, lane, gas);
    }

    #[test]
    fn one_sender_cannot_take_more_than_its_number() {
        let mut meter = meter();
        for _ in 0..3 {
            take(&mut meter, ALICE, 10);
        }
        let limit = LimitError::Sender {
            sender: ALICE,
            limit: 3,
        };
        assert_eq!(refused(&mut meter, ALICE, 10), limit);
        take(&mut meter, BOB, 10);
    }

    #[test]
    fn the_reserved_share_is_rounded_up_and_open_senders_stop_before_it() {
        // A fifth of 7 transactions is 1.4: two are kept, five are open.
        let mut meter = meter();
        for sender in [ALICE, ALICE, ALICE, BOB, BOB] {
            take(&mut meter, sender, 10);
        }
        assert_eq!(refused(&mut meter, BOB, 10), LimitError::OpenTransactions { limit: 5 });
        take(&mut meter, CLOUD, 10);
        take(&mut meter, CLOUD, 10);
        assert!(meter.is_full());
        assert_eq!(refused(&mut meter, CLOUD, 10), LimitError::Transactions { limit: 7 });
    }

    #[test]
    fn what_reserved_senders_used_first_is_not_taken_from_the_open_lane() {
        let mut meter = meter();
        for sender in [CLOUD, CLOUD, ALICE, ALICE, ALICE, BOB] {
            take(&mut meter, sender, 10);
        }
        take(&mut meter, BOB, 10);
        assert_eq!(refused(&mut meter, BOB, 10), LimitError::Transactions { limit: 7 });
    }

    #[test]
    fn gas_is_kept_for_the_reserved_lane_too() {
        let mut meter = meter();
        take(&mut meter, ALICE, 700);
        let limit = LimitError::OpenGas {
            gas_limit: 101,
            available: 100,
        };
        assert_eq!(refused(&mut meter, BOB, 101), limit);
        take(&mut meter, BOB, 100);
        let limit = LimitError::Gas {
            gas_limit: 201,
            available: 200,
        };
        assert_eq!(refused(&mut meter, CLOUD, 201), limit);
        take(&mut meter, CLOUD, 200);
    }

    #[test]
    fn nobody_is_asked_for_a_lane_while_there_is_room_for_all() {
        let mut meter = meter();
        let lane = meter.check(ALICE, 800, |_| Err("asked")).unwrap().unwrap();
        assert_eq!(lane, None);
        assert_eq!(meter.check(ALICE, 801, |_| Err("asked")), Err("asked"));
    }

    #[test]
    fn shares_of_the_largest_limits_do_not_overflow() {
        let limits = BlockLimits {
            gas_limit: u64::MAX,
            transactions_per_slot: u32::MAX,
            transactions_per_sender_per_slot: 1,
            reserved_share_percent: 0,
        };
        assert_eq!(open_share(&limits).gas, u64::MAX);
        assert_eq!(open_share(&limits).transactions, u32::MAX);
    }
}
