//! What does the reading planner decide? Records to keep, what happened, and what a person should know.
//!
//! Carried out by the reader: first the records, then the rest.

use std::fmt;

use alloy_primitives::B256;

use super::{Anchored, Record, Standing};
use crate::{
    mainchain::Rejection,
    numbers::{BlockNumber, Index},
};

/// The outcome of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// To be on disk before anybody acts on it.
    pub keep: Vec<Record>,
    /// What happened.
    pub notes: Vec<Note>,
    /// What is wrong for as long as it is said.
    pub alarms: Vec<Alarm>,
    /// There is more to be read, or what was asked did not suffice: step again at once.
    pub again: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A checkpoint is as firm as this from now on.
    Reached {
        /// Which.
        index: Index,
        /// How firm.
        standing: Standing,
    },
    /// A reorganisation took this checkpoint.
    Lost {
        /// The checkpoint as it was.
        entry: Box<Anchored>,
        /// Blocks that had been upon it.
        depth: u64,
    },
    /// The contract recorded that validators signed something else.
    Rejected(Rejection),
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The nodes are of another mainchain.
    OtherMainchain {
        /// Its chain id.
        got: u64,
        /// The one that is meant.
        expected: u64,
    },
    /// The contract is another sidechain's.
    OtherSidechain {
        /// Genesis hash in the contract.
        got: B256,
        /// This chain's.
        expected: B256,
    },
    /// What was final on the mainchain is another checkpoint now, or none.
    FinalReplaced {
        /// Which.
        index: Index,
        /// The fingerprint that was final.
        known: B256,
        /// The contract's now; zero if it has none.
        got: B256,
    },
    /// A reorganisation took checkpoints that were believed.
    DeepReorganisation {
        /// Blocks that had been upon the oldest of them.
        depth: u64,
        /// The first checkpoint that it took.
        index: Index,
    },
    /// What the nodes tell of the contract's past is not what the contract says of itself.
    Incomplete {
        /// The newest checkpoint according to the contract.
        contract: Index,
        /// The newest one that was told.
        told: Index,
    },
    /// A checkpoint is due for too long.
    Overdue {
        /// For how long.
        ms: u64,
        /// The newest one.
        newest: Index,
    },
    /// The mainchain has shown no new block for too long.
    Stalled {
        /// For how long.
        ms: u64,
        /// Its newest block.
        block: BlockNumber,
    },
    /// The mainchain has not answered for too long.
    Silent {
        /// For how long.
        ms: u64,
    },
}

impl Alarm {
    /// Every name that an alarm can have.
    pub const NAMES: [&'static str; 8] = [
        "other_mainchain",
        "other_sidechain",
        "final_replaced",
        "deep_reorganisation",
        "incomplete",
        "overdue",
        "stalled",
        "silent",
    ];

    /// Its name, for metrics and for scripts.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OtherMainchain { .. } => "other_mainchain",
            Self::OtherSidechain { .. } => "other_sidechain",
            Self::FinalReplaced { .. } => "final_replaced",
            Self::DeepReorganisation { .. } => "deep_reorganisation",
            Self::Incomplete { .. } => "incomplete",
            Self::Overdue { .. } => "overdue",
            Self::Stalled { .. } => "stalled",
            Self::Silent { .. } => "silent",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMainchain { got, expected } => write!(
                f,
                "the mainchain's nodes have the chain id {got}, and this chain is anchored on {expected}: name others with --mainchain"
            ),
            Self::OtherSidechain { got, expected } => write!(
                f,
                "the contract anchors the sidechain with the genesis block {got}, and this one's is {expected}: name another contract or \
                 another mainchain"
            ),
            Self::FinalReplaced { index, known, got } => write!(
                f,
                "checkpoint {index} was final on the mainchain as {known} and is {got} there now: what was final stays believed, and \
                 nothing is read until the mainchain's nodes say so again"
            ),
            Self::DeepReorganisation { depth, index } => write!(
                f,
                "the mainchain was reorganised {depth} blocks deep, which took checkpoint {index} and those after it although they were \
                 believed: ask for more confirmations"
            ),
            Self::Incomplete { contract, told } => write!(
                f,
                "the contract has {contract} checkpoints, and the mainchain's nodes tell of {told} that follow each other: ask nodes \
                 that keep all logs"
            ),
            Self::Overdue { ms, newest } => write!(
                f,
                "a checkpoint after {newest} is due for {} minutes and not on the mainchain: do the validators sign, and does a relayer \
                 run?",
                ms / 60_000
            ),
            Self::Stalled { ms, block } => write!(
                f,
                "the mainchain has shown no block after {block} for {} minutes: ask other nodes of it",
                ms / 60_000
            ),
            Self::Silent { ms } => write!(
                f,
                "the mainchain has not answered for {} minutes: the chain goes on, and nothing new is confirmed meanwhile",
                ms / 60_000
            ),
        }
    }
}
