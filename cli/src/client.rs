//! The talk with a node: facts in, one signed transaction out, and the wait for its receipt.
//!
//! Called by [`crate::commands`]. Every failure of the connection becomes a [`CliError`] here. It decides nothing.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use jsonrpsee::{
    core::client::Error as RpcError,
    http_client::{HttpClient, HttpClientBuilder},
    types::ErrorObject,
};
use ledger_api::{
    CodeInfo, EthBlocksClient, EthStateClient, EthTransactionsClient, LedgerClient, NodeStatus, PoolEntry, SpecInfo,
    ValidatorsInfo, Verification, VerifyRequest,
};
use ledger_contracts::decode_revert;

use crate::{error::CliError, plan::Call};

/// Longest wait for one answer of the node.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Time between two looks for a receipt.
const RECEIPT_EVERY: Duration = Duration::from_millis(200);

/// JSON-RPC code of a method that the other side does not have.
const METHOD_NOT_FOUND: i32 = -32601;

/// JSON-RPC code of a call that the contract reverted, as geth has it.
const EXECUTION_REVERTED: i32 = 3;

/// A node, reached over HTTP.
#[derive(Debug)]
pub struct Node {
    url: String,
    http: HttpClient,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest wait for a receipt.
    pub longest: Duration,
}

impl Node {
    /// The node at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// [`CliError::Unreachable`] if `url` cannot be one.
    pub fn new(url: &str) -> Result<Self, CliError> {
        let unreachable = |reason: String| CliError::Unreachable {
            url: url.to_owned(),
            reason,
        };
        let http = HttpClientBuilder::default()
            .request_timeout(ANSWER_PATIENCE)
            .connect_timeout(CONNECT_PATIENCE)
            .build(url)
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(Self {
            url: url.to_owned(),
            http,
        })
    }

    /// The chain's EIP-155 id.
    ///
    /// # Errors
    /// As all that follow: [`CliError::Unreachable`], [`CliError::NotALedger`], [`CliError::NodeRefused`].
    pub async fn chain_id(&self) -> Result<u64, CliError> {
        let id = self.answer("eth_chainId", self.http.chain_id().await)?;
        Ok(id.to())
    }

    /// All specifications.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn specs(&self) -> Result<Vec<SpecInfo>, CliError> {
        self.answer("ledger_specs", self.http.specs().await)
    }

    /// What is left, per specification.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn pool(&self) -> Result<Vec<PoolEntry>, CliError> {
        self.answer("ledger_pool", self.http.pool().await)
    }

    /// The promo code `id`.
    ///
    /// # Errors
    /// [`CliError::NoSuchCode`], and as [`Node::chain_id`].
    pub async fn code(&self, id: &str) -> Result<CodeInfo, CliError> {
        let found = self.answer("ledger_code", LedgerClient::code(&self.http, id.to_owned()).await)?;
        found.ok_or_else(|| CliError::NoSuchCode { id: id.to_owned() })
    }

    /// The verdict on the promo code `id`.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn verify(&self, id: &str, request: VerifyRequest) -> Result<Verification, CliError> {
        self.answer("ledger_verifyCode", self.http.verify_code(id.to_owned(), request).await)
    }

    /// How the node and its chain stand.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn status(&self) -> Result<NodeStatus, CliError> {
        self.answer("ledger_status", LedgerClient::status(&self.http).await)
    }

    /// Who runs the chain.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn validators(&self) -> Result<ValidatorsInfo, CliError> {
        self.answer("ledger_validators", self.http.validators().await)
    }

    /// An account's coins, in wei.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn coins(&self, account: Address) -> Result<U256, CliError> {
        self.answer("eth_getBalance", self.http.balance(account, None).await)
    }

    /// What a call of a contract that changes nothing returns.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn view<C: SolCall>(&self, contract: Address, call: &C) -> Result<C::Return, CliError> {
        let request = TransactionRequest::default()
            .to(contract)
            .input(call.abi_encode().into());
        let returned = self.answer("eth_call", self.http.call(request, None, None, None).await)?;
        C::abi_decode_returns(&returned).map_err(|error| CliError::NotALedger {
            url: self.url.clone(),
            reason: error.to_string(),
        })
    }

    /// Signs and sends `call`, and waits until it is in a block.
    ///
    /// # Errors
    /// [`CliError::Reverted`] if the contract would refuse it, before it is sent; [`CliError::Failed`] if it failed in its
    /// block; [`CliError::Unsettled`] if none took it in time; and as [`Node::chain_id`].
    pub async fn send(
        &self,
        signer: &PrivateKeySigner,
        call: &Call,
        patience: Patience,
    ) -> Result<TransactionReceipt, CliError> {
        let from = signer.address();
        let gas = self.gas(from, call).await?;
        let pending = Some(BlockId::pending());
        let nonce = self.answer(
            "eth_getTransactionCount",
            self.http.transaction_count(from, pending).await,
        )?;
        let transaction = TxEip1559 {
            chain_id: self.chain_id().await?,
            nonce: nonce.to(),
            gas_limit: gas,
            // Gas costs nothing on this ledger, and a price would need a balance.
            max_fee_per_gas: 0,
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(call.to),
            input: call.data.clone(),
            ..TxEip1559::default()
        };
        let signature = signer
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|error| CliError::Sign {
                reason: error.to_string(),
            })?;
        let envelope: EthereumTxEnvelope<TxEip4844> = transaction.into_signed(signature).into();
        let raw = Bytes::from(envelope.encoded_2718());
        let sent = self.http.send_raw_transaction(raw).await;
        let hash = self.answer("eth_sendRawTransaction", sent)?;
        let receipt = self.receipt(hash, patience).await?;
        if receipt.status() {
            return Ok(receipt);
        }
        Err(CliError::Failed {
            transaction: hash,
            block: receipt.block_number.unwrap_or_default(),
            what: call.what.clone(),
            reason: self.why_failed(from, call).await,
        })
    }

    /// A gas limit for `call`, with a quarter to spare: another transaction before it may make it dearer.
    async fn gas(&self, from: Address, call: &Call) -> Result<u64, CliError> {
        match self.http.estimate_gas(request(from, call), None, None).await {
            Ok(gas) => {
                let gas: u64 = gas.to();
                Ok(gas.saturating_add(gas / 4))
            }
            Err(RpcError::Call(error)) if error.code() == EXECUTION_REVERTED => Err(reverted(call, &error)),
            Err(error) => self.answer("eth_estimateGas", Err(error)),
        }
    }

    async fn receipt(&self, hash: B256, patience: Patience) -> Result<TransactionReceipt, CliError> {
        let started = Instant::now();
        let progress = Progress::new(hash);
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

    fn answer<T>(&self, method: &'static str, answer: Result<T, RpcError>) -> Result<T, CliError> {
        answer.map_err(|error| match error {
            RpcError::Call(error) if error.code() == METHOD_NOT_FOUND => CliError::NotALedger {
                url: self.url.clone(),
                reason: format!("it has no method {method}"),
            },
            RpcError::Call(error) => CliError::NodeRefused {
                method,
                reason: error.message().to_owned(),
            },
            RpcError::ParseError(error) => CliError::NotALedger {
                url: self.url.clone(),
                reason: format!("its answer to {method} cannot be read: {error}"),
            },
            RpcError::RequestTimeout => CliError::Unreachable {
                url: self.url.clone(),
                reason: format!("no answer to {method} in {} s", ANSWER_PATIENCE.as_secs()),
            },
            other => CliError::Unreachable {
                url: self.url.clone(),
                reason: with_sources(&other),
            },
        })
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

/// An error with what caused it, since the outermost one often says only that something went wrong.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = inner.source();
    }
    text
}

/// The wait for a block, on standard error: a line that counts at a terminal, one line elsewhere.
struct Progress {
    is_terminal: bool,
}

impl Progress {
    fn new(hash: B256) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        eprintln!("Sent {hash}, waiting for its block");
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
