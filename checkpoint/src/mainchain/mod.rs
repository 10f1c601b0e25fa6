//! What does the relayer ask of the mainchain?
//!
//! One trait, spoken to by [`crate::relayer`] and [`crate::watch`], and a smaller one, [`Anchors`], for [`crate::reader`]; [`Nodes`] is
//! it over JSON-RPC, and tests bring a simulated one. Every question names the block that it is about, by hash: nodes that do not have it
//! say so, and no answer mixes two chains. The tags `safe` and `finalized` are never used: they mean nothing on a proof-of-work chain.

mod agreement;
mod anchors;
mod endpoint;
pub mod signing;
mod transport;

use std::future::Future;

use alloy_primitives::{Address, B256, Bytes, U256};

pub use agreement::{Nodes, Purse, URLS_MAX};
pub use anchors::Anchors;

use crate::{
    numbers::{BlockNumber, Index, Point},
    plan::{Answers, Questions, SendFault, Sight},
};

/// Why the mainchain did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MainchainError {
    /// An address that cannot be one.
    #[error("{url} is no address of a node: {reason}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// None, or too many, addresses.
    #[error("{0} addresses of mainchain nodes were given; 1 to {URLS_MAX} can be")]
    Count(usize),
    /// A node did not answer, or not with what was asked.
    #[error("{url} did not answer {question}: {reason}")]
    Silent {
        /// Which node.
        url: String,
        /// What it was asked.
        question: &'static str,
        /// What happened.
        reason: String,
    },
    /// Fewer nodes agree than it takes.
    #[error("{needed} of {asked} mainchain nodes have to agree on {question}, and they do not: {reasons}")]
    Disagreement {
        /// What they were asked.
        question: &'static str,
        /// How many have to agree.
        needed: usize,
        /// How many were asked.
        asked: usize,
        /// What the silent ones said.
        reasons: String,
    },
    /// There is no such contract at the address, or not as of this block.
    #[error("there is no checkpoint contract at {contract}: it answered {question} with {got}")]
    NoContract {
        /// Where it was looked for.
        contract: Address,
        /// What it was asked.
        question: &'static str,
        /// Its answer.
        got: Bytes,
    },
}

impl MainchainError {
    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Count(_) => false,
            Self::Silent { .. } | Self::Disagreement { .. } | Self::NoContract { .. } => true,
        }
    }
}

/// What the contract would do with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// Take it, for this much gas.
    Takes {
        /// Gas, as the node estimates it.
        gas: u64,
    },
    /// Record a rejection: it has another checkpoint with this index.
    Rejects,
    /// Revert.
    Reverts {
        /// Why.
        reason: String,
    },
}

/// The contract recorded that validators signed something else than what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// In which block.
    pub block: Point,
    /// By which transaction.
    pub transaction: B256,
    /// For which checkpoint.
    pub index: Index,
    /// What was rejected.
    pub fingerprint: B256,
    /// Who signed it: bit i for the key at position i of the set.
    pub bitmap: U256,
}

/// The mainchain, as far as checkpoints are concerned. Every call comes back in bounded time.
pub trait Mainchain: Send + Sync {
    /// The newest block and what is known as of it, for this account.
    fn sight(&self, account: Address) -> impl Future<Output = Result<Sight, MainchainError>> + Send;

    /// The answers, as of the block of `sight`; blocks last, and its own the very last.
    fn answer(
        &self,
        sight: &Sight,
        questions: &Questions,
    ) -> impl Future<Output = Result<Answers, MainchainError>> + Send;

    /// What the contract would do with `call` from `account`, as of block `at`.
    fn preflight(
        &self,
        at: Point,
        account: Address,
        call: &Bytes,
    ) -> impl Future<Output = Result<Preflight, MainchainError>> + Send;

    /// Gives the signed transaction to all nodes.
    ///
    /// # Errors
    /// [`SendFault`] if none of them takes it. One that has it already takes it.
    fn send(&self, raw: &Bytes) -> impl Future<Output = Result<(), SendFault>> + Send;

    /// What the contract rejected in these blocks, both included.
    fn rejections(
        &self,
        from: BlockNumber,
        to: BlockNumber,
    ) -> impl Future<Output = Result<Vec<Rejection>, MainchainError>> + Send;
}
