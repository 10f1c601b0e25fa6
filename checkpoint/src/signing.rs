//! Which bytes does the mainchain take from us? A signed transaction of type 0, bound to its chain.
//!
//! Called by the relayer and by `deploy`. It sends nothing and decides no price.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

use crate::numbers::Nonce;

/// What a transaction is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The chain that it is for: it is worth nothing on another (EIP-155).
    pub chain_id: u64,
    /// Its number among the account's.
    pub nonce: Nonce,
    /// What it pays per gas.
    pub gas_price_wei: u128,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// The contract to call, or none to make one.
    pub to: TxKind,
    /// The call, or the creation code.
    pub data: Bytes,
}

/// Signs the order: the transaction's hash and bytes.
///
/// # Errors
/// What the signer says, if it does not sign.
pub fn sign(signer: &PrivateKeySigner, order: Order) -> Result<(B256, Bytes), alloy_signer::Error> {
    let transaction = TxLegacy {
        chain_id: Some(order.chain_id),
        nonce: order.nonce.get(),
        gas_price: order.gas_price_wei,
        gas_limit: order.gas_limit,
        to: order.to,
        value: U256::ZERO,
        input: order.data,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    Ok((*signed.tx_hash(), signed.encoded_2718().into()))
}
