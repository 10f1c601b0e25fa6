//! Could this transaction stand in some block of this fork? What Ethereum's rules say without looking at any state.
//!
//! Asked by the node's pool about bytes from anybody, before the dearer questions, and by Ethereum's public tests. The EVM asks
//! again for itself when it executes: a transaction that passed here and not there would only wait in the pool for nothing.

use alloy_consensus::{Transaction as _, TxType};
use alloy_eips::Typed2718;
use ledger_chainspec::{Hardfork, Transaction};
use thiserror::Error;

use crate::executor::BrokenRule;

/// Longest code that a creation may run (EIP-3860).
pub const INIT_CODE_BYTES_MAX: usize = 49_152;

/// Gas of every transaction.
const BASE_GAS: u64 = 21_000;
/// Gas of a creation, beside [`BASE_GAS`].
const CREATE_GAS: u64 = 32_000;
/// Gas of a word of a creation's code (EIP-3860).
const INIT_CODE_WORD_GAS: u64 = 2;
/// Gas of a token of data; a zero byte is one token, another four (EIP-7623).
const TOKEN_GAS: u64 = 4;
/// Gas of a token of data at least, whatever the execution needs (EIP-7623).
const FLOOR_TOKEN_GAS: u64 = 10;
/// Gas of an address in an access list (EIP-2930).
const ACCESS_ADDRESS_GAS: u64 = 2_400;
/// Gas of a storage slot in an access list (EIP-2930).
const ACCESS_SLOT_GAS: u64 = 1_900;
/// Gas of an authorization (EIP-7702).
const AUTHORIZATION_GAS: u64 = 25_000;

/// Why no block of the fork could hold a transaction, whatever the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransactionFlaw {
    /// The fork has no transactions of this type.
    #[error("transactions of type {got} are not known to this chain's fork")]
    Type {
        /// The type.
        got: u8,
    },
    /// A type 4 transaction that authorizes nothing (EIP-7702).
    #[error("a transaction of type 4 has no authorizations")]
    NoAuthorizations,
    /// Signed for another chain (EIP-155).
    #[error("signed for chain {got}, not for chain {expected}")]
    ChainId {
        /// The transaction's chain id.
        got: u64,
        /// This chain's.
        expected: u64,
    },
    /// The last nonce cannot be used (EIP-2681).
    #[error("the nonce is the largest there is")]
    NonceMax,
    /// The tip is more than the fee that holds it (EIP-1559).
    #[error("the tip, {tip} wei per gas, is above the fee of {fee}")]
    TipAboveFee {
        /// Largest tip, in wei per gas.
        tip: u128,
        /// Largest fee, in wei per gas.
        fee: u128,
    },
    /// The code that a creation would run is too long (EIP-3860).
    #[error("the code of the creation has {bytes} bytes, and may have {max}")]
    InitCode {
        /// Its length.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// Not even its start could be paid for.
    #[error("the gas limit is {gas_limit}, and {needed} are used before anything is done")]
    IntrinsicGas {
        /// Its gas limit.
        gas_limit: u64,
        /// Gas before the first instruction, or the floor that its data sets (EIP-7623).
        needed: u64,
    },
}

impl TransactionFlaw {
    /// The rule that is broken, as the EVM's own check names it.
    #[must_use]
    pub const fn rule(&self) -> BrokenRule {
        match self {
            Self::Type { .. } => BrokenRule::Type,
            Self::NoAuthorizations => BrokenRule::NoAuthorizations,
            Self::ChainId { .. } => BrokenRule::ChainId,
            Self::NonceMax => BrokenRule::NonceMax,
            Self::TipAboveFee { .. } => BrokenRule::TipAboveFee,
            Self::InitCode { .. } => BrokenRule::InitCodeSize,
            Self::IntrinsicGas { .. } => BrokenRule::IntrinsicGas,
        }
    }
}

/// Looks at everything about `transaction` but its signature. One without a chain id may stand on any chain.
///
/// # Errors
/// [`TransactionFlaw`] names the first rule that is broken.
pub fn check_transaction(transaction: &Transaction, hardfork: Hardfork, chain_id: u64) -> Result<(), TransactionFlaw> {
    if transaction.ty() == TxType::Eip7702 as u8 {
        if hardfork == Hardfork::Cancun {
            return Err(TransactionFlaw::Type { got: transaction.ty() });
        }
        if transaction.authorization_list().is_none_or(<[_]>::is_empty) {
            return Err(TransactionFlaw::NoAuthorizations);
        }
    }
    if let Some(got) = transaction.chain_id().filter(|got| *got != chain_id) {
        return Err(TransactionFlaw::ChainId {
            got,
            expected: chain_id,
        });
    }
    if transaction.nonce() == u64::MAX {
        return Err(TransactionFlaw::NonceMax);
    }
    let fee = transaction.max_fee_per_gas();
    if let Some(tip) = transaction.max_priority_fee_per_gas().filter(|tip| *tip > fee) {
        return Err(TransactionFlaw::TipAboveFee { tip, fee });
    }
    let bytes = transaction.input().len();
    if transaction.is_create() && bytes > INIT_CODE_BYTES_MAX {
        return Err(TransactionFlaw::InitCode {
            bytes,
            max: INIT_CODE_BYTES_MAX,
        });
    }
    let gas_limit = transaction.gas_limit();
    let needed = gas_needed(transaction, hardfork);
    if gas_limit < needed {
        return Err(TransactionFlaw::IntrinsicGas { gas_limit, needed });
    }
    Ok(())
}

/// Gas without which `transaction` cannot stand in a block of `hardfork`: the intrinsic gas, or the floor that its data sets.
fn gas_needed(transaction: &Transaction, hardfork: Hardfork) -> u64 {
    let intrinsic = intrinsic_gas(transaction);
    match hardfork {
        Hardfork::Cancun => intrinsic,
        Hardfork::Prague | Hardfork::Osaka => intrinsic.max(BASE_GAS + data_tokens(transaction) * FLOOR_TOKEN_GAS),
    }
}

/// Gas that `transaction` costs before it does anything. The sums cannot overflow: each term is bounded by the transaction's
/// length, and that by [`ledger_chainspec::TRANSACTION_BYTES_MAX`].
#[must_use]
pub fn intrinsic_gas(transaction: &Transaction) -> u64 {
    let mut gas = BASE_GAS + data_tokens(transaction) * TOKEN_GAS;
    if transaction.is_create() {
        gas += CREATE_GAS + count(transaction.input().len().div_ceil(32)) * INIT_CODE_WORD_GAS;
    }
    if let Some(list) = transaction.access_list() {
        gas += count(list.len()) * ACCESS_ADDRESS_GAS + count(list.storage_keys_count()) * ACCESS_SLOT_GAS;
    }
    gas + count(transaction.authorization_list().map_or(0, <[_]>::len)) * AUTHORIZATION_GAS
}

fn data_tokens(transaction: &Transaction) -> u64 {
    let input = transaction.input();
    let zeros = input.iter().filter(|byte| **byte == 0).count();
    count(zeros) + 4 * count(input.len() - zeros)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
