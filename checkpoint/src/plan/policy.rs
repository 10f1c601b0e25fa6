//! How patient, how careful and how generous is a relayer? Numbers that its operator may change, and what follows from them.
//!
//! Called by the planner. Pure.

use alloy_primitives::U256;

use crate::{
    numbers::Index,
    statement::{Bundle, SIGNATURE_BYTES},
};

/// Blocks upon a checkpoint before it is soft: half an hour of Ethereum Classic.
pub const SOFT_BLOCKS: u64 = 120;

/// Blocks upon a checkpoint before it is final: more than the deepest reorganisation that Ethereum Classic has seen (over 7,000).
pub const FINAL_BLOCKS: u64 = 10_000;

/// Blocks that a relayer waits for each one whose turn comes before its own.
pub const STAGGER_BLOCKS: u64 = 4;

/// Blocks without inclusion after which a transaction is sent again as it is.
pub const RESEND_BLOCKS: u64 = 3;

/// Blocks without inclusion after which its price is raised.
pub const RAISE_BLOCKS: u64 = 10;

/// Wei in a gwei.
pub const GWEI: u128 = 1_000_000_000;

/// Least price: below it nodes drop transactions.
pub const GAS_PRICE_MIN_WEI: u128 = GWEI;

/// Highest price unless the operator says otherwise: a hundred times the usual one of Ethereum Classic.
pub const GAS_PRICE_MAX_GWEI: u64 = 100;

/// Blocks that a checkpoint may wait before a person should look: a quarter of an hour of Ethereum Classic.
pub const OVERDUE_BLOCKS: u64 = 70;

/// Time without a new block of the mainchain before a person should look.
pub const STALL_MS: u64 = 15 * 60 * 1000;

/// Checkpoints that the balance should pay for.
pub const PURSE_CHECKPOINTS: u64 = 10;

/// Gas of a call beside its signatures: what a hand-over to a new set takes, and some room.
const GAS_BASE: u64 = 150_000;

/// Gas per signature: its recovery, its bytes, its key's bytes.
const GAS_PER_SIGNATURE: u64 = 8_000;

/// A relayer's ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Blocks upon a checkpoint before it is soft.
    pub soft_blocks: u64,
    /// Blocks upon a checkpoint before it is final.
    pub final_blocks: u64,
    /// This relayer's place among all of them, from 0.
    pub rank: u64,
    /// How many relayers there are.
    pub relayers: u64,
    /// Blocks that it waits for each one before it.
    pub stagger_blocks: u64,
    /// Blocks after which a transaction is sent again.
    pub resend_blocks: u64,
    /// Blocks after which its price is raised.
    pub raise_blocks: u64,
    /// Least price.
    pub gas_price_min_wei: u128,
    /// Highest price.
    pub gas_price_max_wei: u128,
    /// Blocks that a checkpoint may wait before it is overdue.
    pub overdue_blocks: u64,
    /// Time without a block before the mainchain stalls.
    pub stall_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            soft_blocks: SOFT_BLOCKS,
            final_blocks: FINAL_BLOCKS,
            rank: 0,
            relayers: 1,
            stagger_blocks: STAGGER_BLOCKS,
            resend_blocks: RESEND_BLOCKS,
            raise_blocks: RAISE_BLOCKS,
            gas_price_min_wei: GAS_PRICE_MIN_WEI,
            gas_price_max_wei: wei_of_gwei(GAS_PRICE_MAX_GWEI),
            overdue_blocks: OVERDUE_BLOCKS,
            stall_ms: STALL_MS,
        }
    }
}

/// Numbers that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There are not so many relayers.
    #[error("rank {rank} is not one of {relayers} relayers: ranks go from 0 to {}", relayers.saturating_sub(1))]
    Rank {
        /// The rank.
        rank: u64,
        /// How many there are.
        relayers: u64,
    },
    /// What is final has to be soft.
    #[error(
        "the blocks before a checkpoint is soft, {soft_blocks}, must not be more than those before it is final, {final_blocks}"
    )]
    Depth {
        /// Blocks before soft.
        soft_blocks: u64,
        /// Blocks before final.
        final_blocks: u64,
    },
}

impl Policy {
    /// Whether its numbers go together.
    ///
    /// # Errors
    /// [`PolicyError`], the first that do not.
    pub fn check(&self) -> Result<(), PolicyError> {
        let Self {
            soft_blocks,
            final_blocks,
            rank,
            relayers,
            ..
        } = *self;
        match () {
            () if rank >= relayers => Err(PolicyError::Rank { rank, relayers }),
            () if soft_blocks > final_blocks => Err(PolicyError::Depth {
                soft_blocks,
                final_blocks,
            }),
            () => Ok(()),
        }
    }

    /// Blocks that this relayer leaves to the ones whose turn comes first. The turns go round, so that all pay alike.
    #[must_use]
    pub fn courtesy_blocks(&self, index: Index) -> u64 {
        let relayers = self.relayers.max(1);
        let turn = (self.rank % relayers + relayers - index.get() % relayers) % relayers;
        turn * self.stagger_blocks
    }

    /// What a first transaction pays, when the mainchain proposes `market_wei`.
    #[must_use]
    pub fn first_price(&self, market_wei: u128) -> u128 {
        market_wei.max(self.gas_price_min_wei).min(self.gas_price_max_wei)
    }

    /// What replaces a transaction at `price_wei`: an eighth more, since nodes refuse less than a tenth, or the market's price if
    /// that is higher. None above the highest price.
    #[must_use]
    pub fn raised_price(&self, price_wei: u128, market_wei: u128) -> Option<u128> {
        let raised = price_wei.checked_add(price_wei.div_ceil(8))?;
        (raised <= self.gas_price_max_wei).then(|| raised.max(self.first_price(market_wei)))
    }
}

/// So many gwei in wei; no overflow, since a `u128` holds every `u64` of them.
#[must_use]
pub fn wei_of_gwei(gwei: u64) -> u128 {
    u128::from(gwei) * GWEI
}

/// Gas that a bundle's call takes at most, as far as it can be said without trying.
#[must_use]
pub fn gas_of(bundle: &Bundle) -> u64 {
    let signatures = (bundle.signatures.len() / SIGNATURE_BYTES) as u64;
    GAS_BASE + GAS_PER_SIGNATURE * signatures
}

/// What that costs at a price.
#[must_use]
pub fn cost_wei(bundle: &Bundle, gas_price_wei: u128) -> U256 {
    U256::from(gas_of(bundle)) * U256::from(gas_price_wei)
}
