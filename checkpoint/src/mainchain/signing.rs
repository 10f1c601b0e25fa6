//! Which bytes does the mainchain take from us? A signed transaction of type 0, bound to its chain.
//!
//! Called by the relayer and by `deploy`. ethers writes and signs it; a test holds its bytes against those of an independent
//! implementation. It sends nothing and decides no price.

use alloy_primitives::{B256, Bytes, TxKind, keccak256};
use alloy_signer_local::PrivateKeySigner;
use ethers::{
    core::types::{self, TransactionRequest, transaction::eip2718::TypedTransaction},
    signers::{LocalWallet, WalletError},
};

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

/// The key does not sign.
#[derive(Debug, thiserror::Error)]
#[error("the key does not sign: {0}")]
pub struct SigningError(#[from] WalletError);

/// Signs the order: the transaction's hash and bytes.
///
/// # Errors
/// [`SigningError`]
pub fn sign(signer: &PrivateKeySigner, order: Order) -> Result<(B256, Bytes), SigningError> {
    let request = TransactionRequest::new()
        .chain_id(order.chain_id)
        .nonce(order.nonce.get())
        .gas_price(order.gas_price_wei)
        .gas(order.gas_limit)
        .value(0_u64)
        .data(order.data.to_vec());
    let request = match order.to {
        TxKind::Call(contract) => request.to(types::Address::from(contract.0.0)),
        TxKind::Create => request,
    };
    let transaction = TypedTransaction::Legacy(request);
    let wallet = LocalWallet::from(signer.credential().clone());
    let signature = wallet.sign_transaction_sync(&transaction)?;
    let raw = Bytes::from(transaction.rlp_signed(&signature).to_vec());
    Ok((keccak256(&raw), raw))
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::{Address, U256};
    use alloy_signer::SignerSync;

    use super::*;

    /// The same transaction by alloy.
    fn by_another(signer: &PrivateKeySigner, order: Order) -> (B256, Bytes) {
        let transaction = TxLegacy {
            chain_id: Some(order.chain_id),
            nonce: order.nonce.get(),
            gas_price: order.gas_price_wei,
            gas_limit: order.gas_limit,
            to: order.to,
            value: U256::ZERO,
            input: order.data,
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash()).unwrap();
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        (*signed.tx_hash(), signed.encoded_2718().into())
    }

    #[test]
    fn two_implementations_write_the_same_bytes() {
        for number in 0_u64..64 {
            let signer = PrivateKeySigner::from_bytes(&keccak256(number.to_be_bytes())).unwrap();
            let order = Order {
                chain_id: [1, 61, 63, 6301, u64::MAX / 2 - 18][usize::try_from(number % 5).unwrap()],
                nonce: Nonce::new([0, 1, 127, 128, u64::MAX - 1][usize::try_from(number % 5).unwrap()]),
                gas_price_wei: u128::from(number) << (number % 60),
                gas_limit: 21_000 + number,
                to: match number % 2 {
                    0 => TxKind::Create,
                    _ => TxKind::Call(Address::repeat_byte(0x0f)),
                },
                data: vec![0xab; usize::try_from(number * 7).unwrap()].into(),
            };
            assert_eq!(
                sign(&signer, order.clone()).unwrap(),
                by_another(&signer, order),
                "{number}"
            );
        }
    }
}
