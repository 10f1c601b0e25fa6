//! Could this transaction ever be valid? What can be said without the state, said once.
//!
//! Called by the pool with bytes from anybody: decodes them once, recovers the sender once, and keeps both. Never reads
//! state.

use alloy_consensus::{
    Transaction as _, TxEnvelope, TxType,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_eips::Typed2718;
use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{Transaction, TransactionDecodeError, UnixMillis, decode_transaction};

use super::{error::PoolError, limits::SLOT_BYTES};

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

/// A transaction that could be valid, with what was found out on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PooledTransaction {
    /// The transaction and its sender.
    pub transaction: Recovered<Transaction>,
    /// What it may cost at most, in wei: gas limit times price, plus value.
    pub cost: U256,
    /// Its length in bytes.
    pub bytes: usize,
    /// When it came.
    pub received: UnixMillis,
}

impl PooledTransaction {
    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        *self.transaction.tx_hash()
    }

    /// Its sender.
    #[must_use]
    pub const fn sender(&self) -> Address {
        self.transaction.signer()
    }

    /// Its nonce.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.transaction.nonce()
    }

    /// Slots that it takes in the pool.
    #[must_use]
    pub const fn slots(&self) -> usize {
        if self.bytes == 0 {
            1
        } else {
            self.bytes.div_ceil(SLOT_BYTES)
        }
    }
}

/// What a transaction must keep to on this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionRules {
    /// The chain's EIP-155 id.
    pub chain_id: u64,
    /// Gas that any transaction may ask for at most.
    pub gas_limit_max: u64,
    /// Whether the fork has type 4 and the floor of data gas: Prague and later.
    pub prague: bool,
}

impl TransactionRules {
    /// Decodes and checks a transaction that came at `received`.
    ///
    /// # Errors
    /// [`PoolError`] names the first rule that is broken.
    pub fn check(&self, raw: &[u8], received: UnixMillis) -> Result<PooledTransaction, PoolError> {
        let transaction = decode_transaction(raw).map_err(|error| match error {
            TransactionDecodeError::TooLong { bytes } => PoolError::Oversized { bytes },
            TransactionDecodeError::Blob => PoolError::Blob,
            TransactionDecodeError::Malformed { .. } | TransactionDecodeError::NotCanonical => PoolError::Undecodable {
                reason: error.to_string(),
            },
        })?;
        self.check_fields(&transaction)?;
        // The dearest check comes last: recovering a sender costs as much as everything before it many times over.
        let sender = transaction.recover_signer().map_err(|_| PoolError::Signature)?;
        let price = U256::from(transaction.max_fee_per_gas());
        let gas = price.saturating_mul(U256::from(transaction.gas_limit()));
        Ok(PooledTransaction {
            cost: gas.saturating_add(transaction.value()),
            bytes: raw.len(),
            received,
            transaction: Recovered::new_unchecked(transaction, sender),
        })
    }

    fn check_fields(&self, transaction: &TxEnvelope) -> Result<(), PoolError> {
        if transaction.ty() == TxType::Eip7702 as u8 {
            if !self.prague {
                return Err(PoolError::TypeNotSupported { got: transaction.ty() });
            }
            if transaction.authorization_list().is_none_or(<[_]>::is_empty) {
                return Err(PoolError::NoAuthorizations);
            }
        }
        match transaction.chain_id() {
            None => return Err(PoolError::Unprotected),
            Some(got) if got != self.chain_id => {
                return Err(PoolError::ChainId {
                    got,
                    expected: self.chain_id,
                });
            }
            Some(_) => {}
        }
        if transaction.nonce() == u64::MAX {
            return Err(PoolError::NonceMax);
        }
        let fee = transaction.max_fee_per_gas();
        if let Some(tip) = transaction.max_priority_fee_per_gas().filter(|tip| *tip > fee) {
            return Err(PoolError::TipAboveFee { tip, fee });
        }
        let bytes = transaction.input().len();
        if transaction.is_create() && bytes > INIT_CODE_BYTES_MAX {
            return Err(PoolError::InitCode {
                bytes,
                max: INIT_CODE_BYTES_MAX,
            });
        }
        let gas_limit = transaction.gas_limit();
        if gas_limit > self.gas_limit_max {
            return Err(PoolError::GasLimit {
                gas_limit,
                max: self.gas_limit_max,
            });
        }
        let needed = intrinsic_gas(transaction, self.prague);
        if gas_limit < needed {
            return Err(PoolError::IntrinsicGas { gas_limit, needed });
        }
        Ok(())
    }
}

/// Gas without which a transaction cannot stand in a block. The sums cannot overflow: each term is bounded by
/// [`ledger_chainspec::TRANSACTION_BYTES_MAX`].
fn intrinsic_gas(transaction: &TxEnvelope, prague: bool) -> u64 {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let input = transaction.input();
    let zeros = input.iter().filter(|byte| **byte == 0).count();
    let tokens = count(zeros) + 4 * count(input.len() - zeros);
    let mut gas = BASE_GAS + tokens * TOKEN_GAS;
    if transaction.is_create() {
        gas += CREATE_GAS + count(input.len().div_ceil(32)) * INIT_CODE_WORD_GAS;
    }
    if let Some(list) = transaction.access_list() {
        gas += count(list.len()) * ACCESS_ADDRESS_GAS + count(list.storage_keys_count()) * ACCESS_SLOT_GAS;
    }
    gas += count(transaction.authorization_list().map_or(0, <[_]>::len)) * AUTHORIZATION_GAS;
    match prague {
        true => gas.max(BASE_GAS + tokens * FLOOR_TOKEN_GAS),
        false => gas,
    }
}
