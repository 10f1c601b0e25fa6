//! One signed transaction, and the wait for its block.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::{core::client::Error as RpcError, types::ErrorObject};
use ledger_api::{EndorsementInfo, EthStateClient, EthTransactionsClient, LedgerClient};
use ledger_contracts::decode_revert;

use super::Node;
use crate::{error::CliError, output::consensus::promise_words, plan::Call};

/// Time between two looks for a receipt.
const RECEIPT_EVERY: Duration = Duration::from_millis(200);

/// Longest wait for a promise: a node that has none says so within half a second.
const PROMISE_PATIENCE: Duration = Duration::from_secs(2);

/// Gas beyond the estimate's quarter: a vote that makes the majority, in one block with others, writes down more than it knew of.
const SPARE_GAS: u64 = 100_000;

/// JSON-RPC code of a call that the contract reverted, as geth has it.
const EXECUTION_REVERTED: i32 = 3;

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest wait for a receipt.
    pub longest: Duration,
}

/// A transaction that the contract would take, without its signature.
#[derive(Clone, Debug)]
pub struct Prepared {
    from: Address,
    call: Call,
    transaction: TxEip1559,
}

/// A transaction that is in its block.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What it did.
    pub receipt: TransactionReceipt,
    /// The promise of an authority that it goes first, if one was made.
    pub endorsement: Option<EndorsementInfo>,
}

impl Node {
    /// Makes `call` of `from` ready to be signed. Needs no key, so that nobody is asked for a password in vain.
    ///
    /// # Errors
    /// [`CliError::Reverted`] if the contract would refuse it, and as [`Node::chain_id`].
    pub async fn prepare(&self, from: Address, call: Call) -> Result<Prepared, CliError> {
        let gas_limit = self.gas(from, &call).await?;
        let pending = Some(BlockId::pending());
        let nonce = self.http.transaction_count(from, pending).await;
        let transaction = TxEip1559 {
            chain_id: self.chain_id().await?,
            nonce: self.answer("eth_getTransactionCount", nonce)?.to(),
            gas_limit,
            // Gas costs nothing on this ledger, and a price would need a balance.
            max_fee_per_gas: 0,
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(call.to),
            input: call.data.clone(),
            ..TxEip1559::default()
        };
        Ok(Prepared {
            from,
            call,
            transaction,
        })
    }

    /// Signs and sends what is prepared, and waits until it is in a block.
    ///
    /// # Errors
    /// [`CliError::Failed`] if it failed in its block; [`CliError::Unsettled`] if none took it in time; and as
    /// [`Node::chain_id`].
    pub async fn send(
        &self,
        signer: &PrivateKeySigner,
        prepared: Prepared,
        patience: Patience,
    ) -> Result<Sent, CliError> {
        let Prepared {
            from,
            call,
            transaction,
        } = prepared;
        let signature = signer
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|error| CliError::Sign {
                reason: error.to_string(),
            })?;
        let envelope: EthereumTxEnvelope<TxEip4844> = transaction.into_signed(signature).into();
        let raw = Bytes::from(envelope.encoded_2718());
        let sent = self.http.send_raw_transaction(raw).await;
        let hash = self.answer("eth_sendRawTransaction", sent)?;
        eprintln!("Sent {hash}");
        let endorsement = self.promise(hash).await;
        if let Some(promise) = &endorsement {
            eprintln!("Endorsed {}", promise_words(promise));
        }
        let receipt = self.receipt(hash, patience).await?;
        if receipt.status() {
            return Ok(Sent { receipt, endorsement });
        }
        Err(CliError::Failed {
            transaction: hash,
            block: receipt.block_number.unwrap_or_default(),
            reason: self.why_failed(from, &call).await,
            what: call.what,
        })
    }

    /// The promise that a transaction goes first. It is a courtesy: that there is none, or that the node knows of no
    /// promises, is no failure.
    async fn promise(&self, hash: B256) -> Option<EndorsementInfo> {
        let asked = tokio::time::timeout(PROMISE_PATIENCE, self.http.endorsement(hash));
        asked.await.ok()?.ok().flatten()
    }

    /// A gas limit for `call`, with a quarter and [`SPARE_GAS`] to spare: another transaction before it may make it dearer.
    async fn gas(&self, from: Address, call: &Call) -> Result<u64, CliError> {
        match self.http.estimate_gas(request(from, call), None, None, None).await {
            Ok(gas) => {
                let gas: u64 = gas.to();
                Ok(gas.saturating_add(gas / 4).saturating_add(SPARE_GAS))
            }
            Err(RpcError::Call(error)) if error.code() == EXECUTION_REVERTED => Err(reverted(call, &error)),
            Err(error) => self.answer("eth_estimateGas", Err(error)),
        }
    }

    async fn receipt(&self, hash: B256, patience: Patience) -> Result<TransactionReceipt, CliError> {
        let started = Instant::now();
        let progress = Progress::new();
        loop {
            let receipt = self.http.transaction_receipt(hash).await;
            if let Some(receipt) = self.answer("eth_getTransactionReceipt", receipt)? {
                return Ok(receipt);
            }
            if started.elapsed() >= patience.longest {
                return Err(CliError::Unsettled {
                    transaction: hash,
                    seconds: patience.longest.as_secs(),
                });
            }
            progress.show(started.elapsed());
            tokio::time::sleep(RECEIPT_EVERY).await;
        }
    }

    /// The contract's words on a call that failed in its block: it is tried once more on the newest state.
    async fn why_failed(&self, from: Address, call: &Call) -> String {
        match self.http.call(request(from, call), None, None, None).await {
            Err(RpcError::Call(error)) => sentence(&error).1,
            Ok(_) | Err(_) => "it ran out of gas, or what it met has changed again".to_owned(),
        }
    }
}

fn request(from: Address, call: &Call) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(call.to)
        .input(call.data.clone().into())
}

fn reverted(call: &Call, error: &ErrorObject<'_>) -> CliError {
    let (name, reason) = sentence(error);
    CliError::Reverted {
        what: call.what.clone(),
        reason,
        error: name,
    }
}

/// Name and sentence of a contract's error, from its data; else the node's own words.
fn sentence(error: &ErrorObject<'_>) -> (Option<&'static str>, String) {
    let data = error
        .data()
        .and_then(|data| serde_json::from_str::<Bytes>(data.get()).ok());
    if let Some(known) = data.and_then(|data| decode_revert(&data)) {
        return (Some(known.name()), known.to_string());
    }
    let words = error.message().trim_start_matches("execution reverted");
    let words = words.trim_start_matches(':').trim();
    let words = if words.is_empty() {
        "the contract gave no reason"
    } else {
        words
    };
    (None, words.to_owned())
}

/// The wait for a block, on standard error: a line that counts at a terminal, one line elsewhere.
struct Progress {
    is_terminal: bool,
}

impl Progress {
    fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        eprintln!("Waiting for its block");
        Self { is_terminal }
    }

    fn show(&self, waited: Duration) {
        if self.is_terminal && waited.as_secs() > 0 {
            eprint!("\r{} s ", waited.as_secs());
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal {
            eprint!("\r      \r");
        }
    }
}
