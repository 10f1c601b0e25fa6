//! How does an account of ours say something to a contract? In a transaction that costs nothing, as every one on this ledger does.
//!
//! Called by [`crate::admission`], [`crate::evidence`] and `testnet admit`. It sends nothing and knows no nonce.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

/// What a transaction is to say.
#[derive(Clone, Debug)]
pub struct Saying {
    /// The chain's EIP-155 id.
    pub chain_id: u64,
    /// The account's next number.
    pub nonce: u64,
    /// Whom it is for.
    pub to: Address,
    /// The call; none to say nothing.
    pub data: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
}

/// The transaction, as `eth_sendRawTransaction` and the pool take it.
///
/// # Errors
/// What the signer says, if it does not sign.
pub fn signed(signer: &PrivateKeySigner, saying: Saying) -> Result<Vec<u8>, alloy_signer::Error> {
    let transaction = TxEip1559 {
        chain_id: saying.chain_id,
        nonce: saying.nonce,
        gas_limit: saying.gas_limit,
        // Gas costs nothing on this ledger.
        max_fee_per_gas: 0,
        max_priority_fee_per_gas: 0,
        to: TxKind::Call(saying.to),
        value: U256::ZERO,
        access_list: alloy_eips::eip2930::AccessList::default(),
        input: saying.data,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
    Ok(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718())
}
