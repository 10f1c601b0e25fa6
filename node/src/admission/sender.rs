//! How does the account say it? Signed transactions to Bootstrap, through the node's own pool.
//!
//! A transaction that the contract would refuse now is not sent, and one that was sent is not sent again while it may be on its way: as
//! long as the pool has it, it waits there, and if the pool lost it before a block took its nonce, the same transaction goes out again.
//! So however long the chain stalls, one thing is said once.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::decode_revert;
use ledger_runtime::{BlockRef, CallError, CallOverrides, Runtime};
use tracing::{debug, info, warn};

use crate::{
    transaction::{Saying, signed},
    txpool::{SenderContent, TxPool},
};

/// Seconds after which the same is said again if it has left the pool, so that what came of it can be seen.
const SETTLED_SECONDS: u64 = 3;

/// Gas beyond what a call would use now: the vote that makes the majority, in a block with others, writes down more than it knew of.
const SPARE_GAS: u64 = 300_000;

/// Signs for the account.
#[derive(Debug)]
pub struct Sender {
    runtime: Arc<Runtime>,
    pool: Arc<TxPool>,
    signer: PrivateKeySigner,
    /// What was said, by the hash of the call.
    sent: BTreeMap<B256, Sent>,
}

/// A transaction that was sent.
#[derive(Clone, Debug)]
struct Sent {
    /// When it last went to the pool.
    at: u64,
    nonce: u64,
    hash: B256,
    raw: Vec<u8>,
}

impl Sent {
    /// Whether it is on its way, or what came of it may not be seen yet.
    fn is_under_way(&self, pool: &TxPool, now: u64) -> bool {
        // One that waits for an earlier nonce, which the pool has lost, waits in vain.
        let is_next = |sender: &Address| pool.next_nonce(sender).is_some_and(|next| self.nonce < next);
        let waiting = pool.get(&self.hash);
        // A clock that was ahead and is set right must not keep it under way until that time comes.
        let is_new = now.checked_sub(self.at).is_some_and(|age| age < SETTLED_SECONDS);
        is_new || waiting.is_some_and(|waiting| is_next(&waiting.sender()))
    }
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

    /// Whether nothing of the account is on its way at `now`, and what was has shown what came of it.
    #[must_use]
    pub fn is_idle(&self, now: u64) -> bool {
        let mut sent = self.sent.values();
        let SenderContent { pending, queued } = self.pool.content_of(&self.account());
        // What waits for a nonce that may never come is on its way only if it may be a vote.
        let mut queued = queued.values();
        pending.is_empty()
            && !queued.any(|waiting| waiting.transaction.to() == Some(BOOTSTRAP))
            && !sent.any(|sent| sent.is_under_way(&self.pool, now))
    }

    /// Says `call` at `now`, unless that was said a moment ago; `what` is what it does, for the log. Whether it is on its way.
    pub fn send(&mut self, call: &impl SolCall, what: &str, now: u64) -> bool {
        self.send_noted(call, what, now, || true)
    }

    /// As [`Self::send`], but `note` writes it down right before it leaves, and only then; if that fails, it does not leave.
    pub fn send_noted(&mut self, call: &impl SolCall, what: &str, now: u64, note: impl FnOnce() -> bool) -> bool {
        let data = Bytes::from(call.abi_encode());
        let key = keccak256(&data);
        if self
            .sent
            .get(&key)
            .is_some_and(|sent| sent.is_under_way(&self.pool, now))
        {
            return true;
        }
        match self.submit((key, data), now, note) {
            Ok(sent) => {
                info!(target: "ledger::admission", what, transaction = %sent.hash, "sent");
                self.sent.insert(key, sent);
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
            Err(Unsent::Unnoted) => false,
        }
    }

    /// Hands the call to the pool: in the transaction that was sent before, if no block has taken its nonce since.
    fn submit(&mut self, (key, data): (B256, Bytes), now: u64, note: impl FnOnce() -> bool) -> Result<Sent, Unsent> {
        let gas_limit = self.gas(data.clone(), now)?;
        let stored = self.runtime.account(&self.account(), BlockRef::Head).map_err(failed)?;
        let first = stored.map(|stored| stored.nonce).unwrap_or_default();
        let nonce = self.pool.next_nonce(&self.account()).unwrap_or(first);
        if !note() {
            return Err(Unsent::Unnoted);
        }
        // Once a block or another transaction has its nonce, it is never sent again.
        self.sent
            .retain(|_, sent| sent.nonce >= first || sent.is_under_way(&self.pool, now));
        if let Some(sent) = self.sent.remove(&key).filter(|sent| sent.nonce == nonce)
            && self.pool.submit(&sent.raw).is_ok()
        {
            return Ok(Sent { at: now, ..sent });
        }
        let raw = self.sign(data, nonce, gas_limit)?;
        let hash = self.pool.submit(&raw).map_err(failed)?;
        Ok(Sent {
            at: now,
            nonce,
            hash,
            raw,
        })
    }

    fn sign(&self, data: Bytes, nonce: u64, gas_limit: u64) -> Result<Vec<u8>, Unsent> {
        let saying = Saying {
            chain_id: self.runtime.spec().chain_id,
            nonce,
            to: BOOTSTRAP,
            data,
            gas_limit,
        };
        signed(&self.signer, saying).map_err(failed)
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
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: impl ToString) -> Unsent {
    Unsent::Failed(error.to_string())
}

/// Why nothing was sent.
enum Unsent {
    /// The contract says no, as of now.
    Refused(String),
    /// Something is in the way.
    Failed(String),
    /// It was not written down, which was said.
    Unnoted,
}
