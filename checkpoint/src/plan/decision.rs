//! What does the planner decide? Records to keep, actions to take, and what a person should know.
//!
//! Carried out by the relayer: first the records, then the actions in their order.

use std::fmt;

use alloy_primitives::{B256, U256};

use crate::{
    numbers::{Index, Nonce, Point},
    outbox::Record,
    statement::BadBundle,
};

/// The outcome of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be on disk before anything else happens.
    pub keep: Vec<Record>,
    /// To do, in this order.
    pub actions: Vec<Action>,
    /// What happened.
    pub notes: Vec<Note>,
    /// What is wrong as long as it is said; a person should look.
    pub alarms: Vec<Alarm>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask again and step again: more has to be known of the past than was asked for.
    LookAgain,
    /// Try the call; if the contract would take it, sign it, keep it and send it.
    Submit(Submission),
    /// Send a transaction once more, as it is.
    Resend {
        /// The checkpoint it is for.
        index: Index,
        /// Its hash.
        hash: B256,
    },
}

/// A transaction to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// For which checkpoint.
    pub index: Index,
    /// With which number.
    pub nonce: Nonce,
    /// At which price.
    pub gas_price_wei: u128,
    /// Whether it replaces another with the same number.
    pub raises: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A bundle was taken.
    Taken {
        /// Which.
        index: Index,
    },
    /// A checkpoint is on the mainchain.
    Anchored {
        /// Which.
        index: Index,
        /// In which block, or first seen in which.
        block: Point,
        /// What it cost, if a transaction of ours did it.
        cost_wei: Option<U256>,
    },
    /// A reorganisation took a checkpoint from the mainchain, or to another block of it.
    Reorganised {
        /// Which.
        index: Index,
        /// Blocks that had been upon it.
        depth: u64,
    },
    /// A checkpoint has as many blocks upon it as it takes to be final.
    Settled {
        /// Which.
        index: Index,
    },
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The contract has another checkpoint than the sidechain.
    Conflict {
        /// At which index.
        index: Index,
        /// The sidechain's fingerprint.
        ours: B256,
        /// The contract's.
        theirs: B256,
    },
    /// The sidechain gives a bundle that is worth nothing.
    BadBundle {
        /// For which checkpoint.
        index: Index,
        /// Why.
        reason: BadBundle,
    },
    /// A reorganisation went deeper than soft.
    DeepReorganisation {
        /// Blocks that had been upon the oldest checkpoint it took.
        depth: u64,
    },
    /// A checkpoint that was final is not on the mainchain any more.
    FinalLost {
        /// Which.
        index: Index,
    },
    /// The contract would refuse the call, again and again.
    Refused {
        /// For which checkpoint.
        index: Index,
        /// Its reason.
        reason: String,
    },
    /// A transaction was mined and reverted.
    Reverted {
        /// For which checkpoint.
        index: Index,
        /// Which.
        hash: B256,
    },
    /// The purse pays for few checkpoints more, or for none.
    LowBalance {
        /// What is there.
        balance_wei: U256,
        /// What one checkpoint costs now.
        cost_wei: U256,
    },
    /// The mainchain asks for more than the highest price.
    PriceCapped {
        /// For which checkpoint.
        index: Index,
        /// What it asks.
        market_wei: u128,
    },
    /// A checkpoint waits for too long.
    Overdue {
        /// Which.
        index: Index,
        /// For how many blocks.
        blocks: u64,
    },
    /// No new block of the mainchain for too long.
    Stalled {
        /// For how long.
        ms: u64,
    },
    /// As many bundles are kept as can be; no more are taken.
    OutboxFull,
}

impl Alarm {
    /// Its name, for metrics and for scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::BadBundle { .. } => "bad_bundle",
            Self::DeepReorganisation { .. } => "deep_reorganisation",
            Self::FinalLost { .. } => "final_lost",
            Self::Refused { .. } => "refused",
            Self::Reverted { .. } => "reverted",
            Self::LowBalance { .. } => "low_balance",
            Self::PriceCapped { .. } => "price_capped",
            Self::Overdue { .. } => "overdue",
            Self::Stalled { .. } => "stalled",
            Self::OutboxFull => "outbox_full",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { index, ours, theirs } => write!(
                f,
                "checkpoint {index} is {theirs} on the mainchain and {ours} on the sidechain: nothing is sent until that is understood"
            ),
            Self::BadBundle { index, reason } => {
                write!(f, "the sidechain's bundle of checkpoint {index} is no good: {reason}")
            }
            Self::DeepReorganisation { depth } => write!(
                f,
                "the mainchain was reorganised {depth} blocks deep: checkpoints are sent again, and nobody should trust fewer confirmations"
            ),
            Self::FinalLost { index } => write!(
                f,
                "checkpoint {index} was final and is not on the mainchain any more: it is sent again; raise --final-blocks"
            ),
            Self::Refused { index, reason } => {
                write!(f, "the contract would refuse checkpoint {index}: {reason}")
            }
            Self::Reverted { index, hash } => write!(f, "transaction {hash} for checkpoint {index} reverted"),
            Self::LowBalance { balance_wei, cost_wei } => write!(
                f,
                "the account has {balance_wei} wei, and a checkpoint costs up to {cost_wei}: send it some"
            ),
            Self::PriceCapped { index, market_wei } => write!(
                f,
                "checkpoint {index} waits at the highest price, and the mainchain asks for {market_wei} wei per gas: raise \
                 --gas-price-max, or wait"
            ),
            Self::Overdue { index, blocks } => write!(f, "checkpoint {index} waits since {blocks} blocks"),
            Self::Stalled { ms } => write!(
                f,
                "the mainchain has shown no new block for {} seconds: ask other nodes of it",
                ms / 1000
            ),
            Self::OutboxFull => {
                f.write_str("as many bundles wait for finality as can be kept: no more are taken until one is final")
            }
        }
    }
}

/// Why a node of the mainchain did not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// Another with this number is there, and this one does not outbid it.
    #[error("another transaction with this number is there, and this one does not outbid it")]
    Underpriced,
    /// The number was used by a mined transaction.
    #[error("its number was used already")]
    NonceUsed,
    /// The account cannot pay.
    #[error("the account cannot pay for it")]
    NoFunds,
    /// Something else.
    #[error("{0}")]
    Other(String),
}
