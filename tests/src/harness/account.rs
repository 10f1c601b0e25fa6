//! An account that signs its own transactions, as any wallet does: gas price 0, no balance needed.

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use ledger_chainspec::dev_keys;
use serde_json::{Value, json};

use super::{Rpc, RpcError};

/// Gas that every transaction of these tests may use; more than any call of the contracts needs.
const GAS_LIMIT: u64 = 1_000_000;

/// Gas that the creation of a contract may use.
const CREATE_GAS_LIMIT: u64 = 5_000_000;

/// What to call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
}

/// A private key with the chain it signs for.
#[derive(Clone, Debug)]
pub struct Account {
    signer: PrivateKeySigner,
    chain_id: u64,
}

impl Account {
    /// A new account that nobody has ever heard of.
    pub fn random(chain_id: u64) -> Self {
        Self {
            signer: PrivateKeySigner::random(),
            chain_id,
        }
    }

    /// Account `index` of the test mnemonic that everybody knows.
    ///
    /// # Panics
    /// Never: the mnemonic is one.
    pub fn development(index: u32, chain_id: u64) -> Self {
        let builder = MnemonicBuilder::<English>::default().phrase(dev_keys::DEV_MNEMONIC);
        let signer = builder.index(index).and_then(|builder| builder.build());
        Self {
            signer: signer.expect("the test mnemonic is one"),
            chain_id,
        }
    }

    /// The account of `key`.
    ///
    /// # Panics
    /// If `key` is no private key.
    pub fn from_key(key: B256, chain_id: u64) -> Self {
        Self {
            signer: PrivateKeySigner::from_bytes(&key).expect("a valid private key"),
            chain_id,
        }
    }

    /// Its key.
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// The private key in hexadecimal, for clients that are given one.
    pub fn key_hex(&self) -> String {
        self.signer.to_bytes().to_string()
    }

    /// A 65-byte signature over `digest`.
    ///
    /// # Panics
    /// Never: a key in memory always signs.
    pub fn sign_digest(&self, digest: B256) -> Bytes {
        self.signer
            .sign_hash_sync(&digest)
            .expect("a local key signs")
            .as_bytes()
            .to_vec()
            .into()
    }

    /// A signed transaction with this nonce, as `eth_sendRawTransaction` takes it, and its hash.
    pub fn signed(&self, nonce: u64, call: &Call) -> (String, B256) {
        self.signed_to(nonce, TxKind::Call(call.to), &call.data, GAS_LIMIT)
    }

    fn signed_to(&self, nonce: u64, to: TxKind, data: &Bytes, gas_limit: u64) -> (String, B256) {
        let transaction = TxLegacy {
            chain_id: Some(self.chain_id),
            nonce,
            gas_price: 0,
            gas_limit,
            to,
            value: U256::ZERO,
            input: data.clone(),
        };
        let signature = self
            .signer
            .sign_hash_sync(&transaction.signature_hash())
            .expect("a key in memory always signs");
        let envelope: EthereumTxEnvelope<TxEip4844> = transaction.into_signed(signature).into();
        (hex::encode_prefixed(envelope.encoded_2718()), *envelope.tx_hash())
    }

    /// Creates a contract and gives the receipt.
    ///
    /// # Errors
    /// [`RpcError`] if the node refuses the transaction.
    ///
    /// # Panics
    /// If no receipt comes.
    pub fn create(&self, rpc: &Rpc, nonce: u64, initcode: &Bytes) -> Result<Value, RpcError> {
        let (raw, hash) = self.signed_to(nonce, TxKind::Create, initcode, CREATE_GAS_LIMIT);
        rpc.try_call("eth_sendRawTransaction", &json!([raw]))?;
        Ok(rpc.await_receipt(hash))
    }

    /// Sends a call with this nonce and does not wait; gives the hash.
    ///
    /// # Errors
    /// [`RpcError`] if the node refuses the transaction.
    pub fn hand_in(&self, rpc: &Rpc, nonce: u64, call: &Call) -> Result<B256, RpcError> {
        let (raw, hash) = self.signed(nonce, call);
        rpc.try_call("eth_sendRawTransaction", &json!([raw]))?;
        Ok(hash)
    }

    /// Sends a call with the account's next nonce and waits for its receipt.
    ///
    /// # Errors
    /// [`RpcError`] if the node refuses the transaction.
    ///
    /// # Panics
    /// If no receipt comes.
    pub fn send(&self, rpc: &Rpc, call: &Call) -> Result<Value, RpcError> {
        let nonce = rpc.try_call("eth_getTransactionCount", &json!([self.address(), "pending"]))?;
        let nonce = U256::from_str_radix(nonce.as_str().unwrap_or_default().trim_start_matches("0x"), 16);
        let (raw, hash) = self.signed(nonce.expect("a nonce is a number").to(), call);
        rpc.try_call("eth_sendRawTransaction", &json!([raw]))?;
        Ok(rpc.await_receipt(hash))
    }
}
