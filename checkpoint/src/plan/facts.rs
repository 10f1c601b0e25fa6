//! What is the planner told, and what does it ask? Facts of the mainchain, all of them as of one block of it.
//!
//! Made by the relayer out of what [`crate::mainchain`] answers.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};

use crate::{
    numbers::{BlockNumber, Index, Nonce, Point},
    statement::Bundle,
};

/// A first look at the mainchain: its newest block, and everything else as of that block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The newest block.
    pub head: Point,
    /// Index of the newest checkpoint in the contract.
    pub head_index: Index,
    /// Its fingerprint; the sidechain's genesis hash before the first.
    pub head_fingerprint: B256,
    /// Number of the account's next transaction.
    pub nonce: Nonce,
    /// What the account has.
    pub balance_wei: U256,
    /// What the mainchain's nodes propose to pay per gas now.
    pub gas_price_wei: u128,
}

/// What the planner has to know besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// The contract's fingerprint for this index.
    pub fingerprint: Option<Index>,
    /// Hashes of these blocks.
    pub blocks: Vec<BlockNumber>,
    /// Receipts of these transactions.
    pub receipts: Vec<B256>,
}

/// A mined transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its block.
    pub block: Point,
    /// Whether it did what it was for; a reverted one did not.
    pub succeeded: bool,
    /// Gas that it used.
    pub gas_used: u64,
}

/// The answers. What does not exist is not in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The contract's fingerprint for the index asked for.
    pub fingerprint: Option<B256>,
    /// Hashes by number.
    pub blocks: BTreeMap<BlockNumber, B256>,
    /// Receipts by transaction.
    pub receipts: BTreeMap<B256, Receipt>,
}

/// Everything that one step is decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The mainchain.
    pub sight: Sight,
    /// What was asked for.
    pub answers: Answers,
    /// The sidechain's next bundles, in order.
    pub bundles: Vec<Bundle>,
}
