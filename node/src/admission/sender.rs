//! How does the account say it? Signed transactions to Bootstrap, through the node's own pool.
//!
//! A transaction that the contract would refuse now is not sent, and one that was sent is not sent again while it may be on its way.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::decode_revert;
use ledger_runtime::{BlockRef, CallError, CallOverrides, Runtime};
use tracing::{debug, info, warn};

use crate::txpool::TxPool;

/// Seconds after which the same is said again, if it still has to be and the pool still has it.
const AGAIN_SECONDS: u64 = 30;

/// Seconds after which it is said again if it has left the pool, so that what came of it can be seen.
const SETTLED_SECONDS: u64 = 3;

/// Gas beyond what a call would use now: the vote that makes the majority, in a block with others, writes down more than it knew of.
const SPARE_GAS: u64 = 300_000;

/// Signs for the account.
#[derive(Debug)]
pub struct Sender {
    runtime: Arc<Runtime>,
    pool: Arc<TxPool>,
    signer: PrivateKeySigner,
    /// What was said: when, and in which transaction.
    sent: BTreeMap<B256, (u64, B256)>,
}

impl Sender {
    /// A sender that has said nothing yet.
    #[must_use]
    pub const fn new(runtime: Arc<Runtime>, pool: Arc<TxPool>, signer: PrivateKeySigner) -> Self {
        Self {
            runtime,
            pool,
            signer,
            sent: BTreeMap::new(),
        }
    }

    /// Whose word it is.
    #[must_use]
    pub const fn account(&self) -> Address {
        self.signer.address()
    }

    /// Says `call` at `now`, unless that was said a moment ago; `what` is what it does, for the log. Whether it is on its way.
    pub fn send(&mut self, call: &impl SolCall, what: &str, now: u64) -> bool {
        let data = Bytes::from(call.abi_encode());
        let key = keccak256(&data);
        let pool = &self.pool;
        self.sent.retain(|_, (at, transaction)| {
            let longest = match pool.get(transaction) {
                Some(_) => AGAIN_SECONDS,
                None => SETTLED_SECONDS,
            };
            now.saturating_sub(*at) < longest
        });
        if self.sent.contains_key(&key) {
            return true;
        }
        match self.submit(data, now) {
            Ok(transaction) => {
                info!(target: "ledger::admission", what, %transaction, "sent");
                self.sent.insert(key, (now, transaction));
                true
            }
            Err(Unsent::Refused(reason)) => {
                debug!(target: "ledger::admission", what, reason, "the contract would refuse this now");
                false
            }
            Err(Unsent::Failed(reason)) => {
                warn!(target: "ledger::admission", what, reason, "not sent; it is tried again");
                false
            }
        }
    }

    fn submit(&self, data: Bytes, now: u64) -> Result<B256, Unsent> {
        let failed = |reason: String| Unsent::Failed(reason);
        let account = self.signer.address();
        let stored = self.runtime.account(&account, BlockRef::Head);
        let stored = stored.map_err(|error| failed(error.to_string()))?;
        let next = self.pool.next_nonce(&account);
        let transaction = TxEip1559 {
            chain_id: self.runtime.spec().chain_id,
            nonce: next.unwrap_or_else(|| stored.map(|stored| stored.nonce).unwrap_or_default()),
            gas_limit: self.gas(data.clone(), now)?,
            // Gas costs nothing on this ledger.
            max_fee_per_gas: 0,
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(BOOTSTRAP),
            value: U256::ZERO,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input: data,
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|error| failed(error.to_string()))?;
        let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        self.pool.submit(&raw).map_err(|error| failed(error.to_string()))
    }

    /// A gas limit for the call.
    fn gas(&self, data: Bytes, now: u64) -> Result<u64, Unsent> {
        let head = self.runtime.head();
        let request = TransactionRequest {
            from: Some(self.signer.address()),
            to: Some(TxKind::Call(BOOTSTRAP)),
            input: data.into(),
            ..TransactionRequest::default()
        };
        let block = Some(Box::new(BlockOverrides {
            time: Some(now.max(head.header.header.timestamp)),
            number: Some(U256::from(head.number().get().saturating_add(1))),
            ..BlockOverrides::default()
        }));
        let overrides = CallOverrides { state: None, block };
        match self.runtime.estimate_gas(request, BlockRef::Head, overrides) {
            Ok(gas) => Ok(gas.saturating_add(SPARE_GAS)),
            Err(CallError::Reverted { output }) => Err(Unsent::Refused(match decode_revert(&output) {
                Some(known) => known.to_string(),
                None => "the contract gave no reason".to_owned(),
            })),
            Err(error) => Err(Unsent::Failed(error.to_string())),
        }
    }
}

/// Why nothing was sent.
enum Unsent {
    /// The contract says no, as of now.
    Refused(String),
    /// Something is in the way.
    Failed(String),
}
