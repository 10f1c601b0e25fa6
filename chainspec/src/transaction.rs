//! Which bytes are a transaction?
//!
//! Called by the RPC and the network with what strangers sent, and by the database. One place, so that all of them accept
//! the same bytes. Never looks at nonces, balances or signatures' senders.

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use thiserror::Error;

/// A signed Ethereum transaction (EIP-2718) of type 0, 1, 2 or 4.
pub type Transaction = TxEnvelope;

/// Longest transaction: what go-ethereum's pool takes, too (128 KiB).
pub const TRANSACTION_BYTES_MAX: usize = 128 << 10;

/// Why bytes are no transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransactionDecodeError {
    /// Longer than any transaction.
    #[error("a transaction of {bytes} bytes is longer than {TRANSACTION_BYTES_MAX}")]
    TooLong {
        /// Length found.
        bytes: usize,
    },
    /// Not an EIP-2718 transaction of a known type, or bytes are left over.
    #[error("{bytes} bytes are no transaction: {reason}")]
    Malformed {
        /// Length found.
        bytes: usize,
        /// What the decoder met.
        reason: String,
    },
    /// A value in a form that no wallet writes; the bytes would have another hash than the transaction.
    #[error("the transaction is not encoded in the one canonical form")]
    NotCanonical,
    /// This chain has no blobs.
    #[error("blob transactions (type 3) are not accepted; this chain has no blobs")]
    Blob,
}

/// Reads a transaction in its EIP-2718 form: as `eth_sendRawTransaction` takes it and as it is hashed.
///
/// # Errors
/// [`TransactionDecodeError`] for anything but exactly one transaction of this chain's kinds in its canonical form.
pub fn decode_transaction(bytes: &[u8]) -> Result<Transaction, TransactionDecodeError> {
    if bytes.len() > TRANSACTION_BYTES_MAX {
        return Err(TransactionDecodeError::TooLong { bytes: bytes.len() });
    }
    if bytes.first() == Some(&alloy_consensus::constants::EIP4844_TX_TYPE_ID) {
        return Err(TransactionDecodeError::Blob);
    }
    let transaction = Transaction::decode_2718_exact(bytes).map_err(|reason| TransactionDecodeError::Malformed {
        bytes: bytes.len(),
        reason: reason.to_string(),
    })?;
    if transaction.is_eip4844() {
        return Err(TransactionDecodeError::Blob);
    }
    if transaction.encoded_2718() == bytes {
        Ok(transaction)
    } else {
        Err(TransactionDecodeError::NotCanonical)
    }
}
