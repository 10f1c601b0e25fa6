//! Why does the pool not take a transaction? In geth's words where geth has any, because wallets look for them.

use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::TRANSACTION_BYTES_MAX;
use ledger_runtime::TransactionFlaw;
use thiserror::Error;

use super::{limits::REPLACEMENT_WAIT_MS, suspects::FAILURES_MAX};

/// Why the pool does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// Not the bytes of a transaction.
    #[error("invalid transaction: {reason}")]
    Undecodable {
        /// What was wrong.
        reason: String,
    },
    /// Longer than any transaction may be.
    #[error("oversized data: transaction size {bytes}, limit {TRANSACTION_BYTES_MAX}")]
    Oversized {
        /// Its length.
        bytes: usize,
    },
    /// Type 3.
    #[error("transaction type not supported: this chain keeps no blobs (type 3); send type 0, 1, 2 or 4")]
    Blob,
    /// A type that the chain's fork does not know.
    #[error("transaction type not supported: {got} is not known to this chain's fork")]
    TypeNotSupported {
        /// The type.
        got: u8,
    },
    /// Signed for no chain, so that it could be replayed anywhere.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {got}, want {expected}")]
    ChainId {
        /// The transaction's chain id.
        got: u64,
        /// This chain's.
        expected: u64,
    },
    /// Nobody's signature, or one with a high `s` (EIP-2).
    #[error("invalid sender: the signature is not valid, or its s is in the upper half (EIP-2)")]
    Signature,
    /// The last nonce cannot be used (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// The tip is more than the fee that holds it.
    #[error("max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas {tip}, maxFeePerGas {fee}")]
    TipAboveFee {
        /// Largest tip, in wei per gas.
        tip: u128,
        /// Largest fee, in wei per gas.
        fee: u128,
    },
    /// The code that a creation would run is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {bytes}, limit {max}")]
    InitCode {
        /// Its length.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// A type 4 transaction that authorizes nothing.
    #[error("EIP-7702 transaction with empty auth list")]
    NoAuthorizations,
    /// Not even its start could be paid for.
    #[error("intrinsic gas too low: gas {gas_limit}, minimum needed {needed}")]
    IntrinsicGas {
        /// Its gas limit.
        gas_limit: u64,
        /// Gas before the first instruction, or the floor that its data sets (EIP-7623).
        needed: u64,
    },
    /// No block could hold it.
    #[error("exceeds block gas limit: gas {gas_limit}, limit {max}")]
    GasLimit {
        /// Its gas limit.
        gas_limit: u64,
        /// The most that a transaction of this sender can have.
        max: u64,
    },
    /// The pool has it.
    #[error("already known: transaction {hash} waits already")]
    AlreadyKnown {
        /// Its hash.
        hash: B256,
    },
    /// Its nonce is used up.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// The transaction's nonce.
        got: u64,
        /// The sender's next nonce.
        next: u64,
    },
    /// The sender cannot pay what it offers.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}; \
         gas is free here: a gas price of 0 needs no balance"
    )]
    InsufficientFunds {
        /// The sender's balance in wei.
        balance: U256,
        /// What its other waiting transactions may cost, in wei.
        queued: U256,
        /// What this one may cost, in wei.
        cost: U256,
    },
    /// Another one with this nonce waits, and this one does not offer more.
    #[error("replacement transaction underpriced: both fees must be 10% higher than those of {replaced}")]
    Underpriced {
        /// The transaction that stays.
        replaced: B256,
    },
    /// Another one with this nonce and price 0 came a moment ago.
    #[error(
        "replacement transaction underpriced: {replaced} with the same nonce came {age_ms} ms ago; at price 0 it can be \
         replaced after {REPLACEMENT_WAIT_MS} ms"
    )]
    TooSoon {
        /// The transaction that stays.
        replaced: B256,
        /// How long it has waited.
        age_ms: u64,
    },
    /// The sender's share of the pool is used up.
    #[error("txpool is full: {sender} has as many waiting transactions as one sender may; wait for the next blocks")]
    SenderFull {
        /// The sender.
        sender: Address,
    },
    /// The pool is full of transactions that are not worse.
    #[error("txpool is full; try again after the next blocks")]
    Full,
    /// This node failed too often while it executed it.
    #[error("set aside: this node failed {FAILURES_MAX} times while it executed {hash}, and does not try again")]
    SetAside {
        /// Its hash.
        hash: B256,
    },
    /// The chain's state could not be read, so nothing can be said about the transaction.
    #[error("the state could not be read: {reason}")]
    State {
        /// Why.
        reason: String,
    },
}

impl PoolError {
    /// Whether no honest node would have passed the transaction on: it can never be valid, whatever the state and the pool.
    #[must_use]
    pub const fn blames_sender(&self) -> bool {
        match self {
            Self::Undecodable { .. }
            | Self::Oversized { .. }
            | Self::Blob
            | Self::TypeNotSupported { .. }
            | Self::Unprotected
            | Self::ChainId { .. }
            | Self::Signature
            | Self::NonceMax
            | Self::TipAboveFee { .. }
            | Self::InitCode { .. }
            | Self::NoAuthorizations
            | Self::IntrinsicGas { .. } => true,
            // A gas limit may fit the reserved lane only, and who is in it can change.
            Self::GasLimit { .. }
            | Self::AlreadyKnown { .. }
            | Self::NonceTooLow { .. }
            | Self::InsufficientFunds { .. }
            | Self::Underpriced { .. }
            | Self::TooSoon { .. }
            | Self::SenderFull { .. }
            | Self::Full
            | Self::SetAside { .. }
            | Self::State { .. } => false,
        }
    }
}

impl From<TransactionFlaw> for PoolError {
    fn from(flaw: TransactionFlaw) -> Self {
        match flaw {
            TransactionFlaw::Type { got } => Self::TypeNotSupported { got },
            TransactionFlaw::NoAuthorizations => Self::NoAuthorizations,
            TransactionFlaw::ChainId { got, expected } => Self::ChainId { got, expected },
            TransactionFlaw::NonceMax => Self::NonceMax,
            TransactionFlaw::TipAboveFee { tip, fee } => Self::TipAboveFee { tip, fee },
            TransactionFlaw::InitCode { bytes, max } => Self::InitCode { bytes, max },
            TransactionFlaw::IntrinsicGas { gas_limit, needed } => Self::IntrinsicGas { gas_limit, needed },
        }
    }
}
