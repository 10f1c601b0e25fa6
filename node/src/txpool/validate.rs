//! Could this transaction ever be valid? What can be said without the state, said once.
//!
//! Called by the pool with bytes from anybody: decodes them once, recovers the sender once, and keeps both. Never reads
//! state.

use alloy_consensus::{
    Transaction as _, TxEnvelope,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{Hardfork, Transaction, TransactionDecodeError, UnixMillis, decode_transaction};
use ledger_runtime::check_transaction;

use super::{error::PoolError, limits::SLOT_BYTES};

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
    /// The fork, whose types of transactions and prices count.
    pub hardfork: Hardfork,
}

impl TransactionRules {
    /// Decodes and checks a transaction that came at `received`.
    ///
    /// # Errors
    /// [`PoolError`] names the first rule that is broken.
    pub fn check(&self, raw: &[u8], received: UnixMillis) -> Result<PooledTransaction, PoolError> {
        self.check_new(raw, received, |_| false)
    }

    /// As [`Self::check`], for a transaction that does not wait already as far as `is_known` tells.
    ///
    /// # Errors
    /// As [`Self::check`], and [`PoolError::AlreadyKnown`].
    pub fn check_new(
        &self,
        raw: &[u8],
        received: UnixMillis,
        is_known: impl FnOnce(&B256) -> bool,
    ) -> Result<PooledTransaction, PoolError> {
        let transaction = decode_transaction(raw).map_err(|error| match error {
            TransactionDecodeError::TooLong { bytes } => PoolError::Oversized { bytes },
            TransactionDecodeError::Blob => PoolError::Blob,
            TransactionDecodeError::Malformed { .. } | TransactionDecodeError::NotCanonical => PoolError::Undecodable {
                reason: error.to_string(),
            },
        })?;
        self.check_fields(&transaction)?;
        // Most of what peers tell has come another way before.
        let hash = *transaction.tx_hash();
        if is_known(&hash) {
            return Err(PoolError::AlreadyKnown { hash });
        }
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
        if transaction.chain_id().is_none() {
            return Err(PoolError::Unprotected);
        }
        check_transaction(transaction, self.hardfork, self.chain_id)?;
        let gas_limit = transaction.gas_limit();
        if gas_limit > self.gas_limit_max {
            return Err(PoolError::GasLimit {
                gas_limit,
                max: self.gas_limit_max,
            });
        }
        Ok(())
    }
}
