//! The talk with a node: facts here, one signed transaction and the wait for its receipt in `send`.
//!
//! Called by [`crate::commands`]. Every failure of the connection becomes a [`CliError`] here. It decides nothing.

mod send;

use std::time::Duration;

use alloy_primitives::{Address, B256, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use jsonrpsee::{
    core::client::Error as RpcError,
    http_client::{HttpClient, HttpClientBuilder},
};
use ledger_api::{
    CloudRef, CodeInfo, CodeProof, CodeProofRequest, EthBlocksClient, EthStateClient, EthTransactionsClient,
    LedgerClient, NodeStatus, PeerInfo, PoolEntry, ProposalInfo, RecoveredSpan, RecoveredSpanQuery, SpecInfo,
    StallReport, UsageReport, ValidatorsInfo, Verification, VerifyRequest,
};
use ledger_chainspec::{CodeRef, Month};

pub use send::{Patience, Prepared, Sent};

use crate::error::{CliError, NoCode};

/// Longest wait for one answer of the node.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// JSON-RPC code of a method that the other side does not have.
const METHOD_NOT_FOUND: i32 = -32601;

/// JSON-RPC code of something that a request names and that does not exist.
const NOT_FOUND: i32 = -32001;

/// A node, reached over HTTP.
#[derive(Debug)]
pub struct Node {
    url: String,
    http: HttpClient,
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
    pub async fn code(&self, id: &CodeRef) -> Result<CodeInfo, CliError> {
        let found = LedgerClient::code(&self.http, id.to_string()).await;
        match self.answer("ledger_code", found)? {
            Some(code) => Ok(code),
            None => Err(self.no_code(id).await),
        }
    }

    /// What to say of `id`, which names no promo code.
    pub async fn no_code(&self, id: &CodeRef) -> CliError {
        let why = match id {
            CodeRef::Passport(_) => Ok(NoCode::Unknown),
            CodeRef::Transaction(hash) => self.what_is(*hash).await,
        };
        match why {
            Ok(why) => CliError::NoSuchCode {
                id: id.to_string(),
                why,
            },
            Err(error) => error,
        }
    }

    async fn what_is(&self, hash: B256) -> Result<NoCode, CliError> {
        let receipt = self.http.transaction_receipt(hash).await;
        if let Some(receipt) = self.answer("eth_getTransactionReceipt", receipt)? {
            return Ok(if receipt.status() {
                NoCode::NotARequest
            } else {
                NoCode::Failed
            });
        }
        let waiting = self.http.transaction_by_hash(hash).await;
        let waiting = self.answer("eth_getTransactionByHash", waiting)?;
        Ok(if waiting.is_some() {
            NoCode::Pending
        } else {
            NoCode::Unknown
        })
    }

    /// The verdict on the promo code `id`.
    ///
    /// # Errors
    /// [`CliError::UnknownCloud`], and as [`Node::chain_id`].
    pub async fn verify(&self, id: &str, request: VerifyRequest) -> Result<Verification, CliError> {
        let asked = cloud_words(&request.cloud);
        match self.http.verify_code(id.to_owned(), request).await {
            Err(RpcError::Call(error)) if error.code() == NOT_FOUND => Err(CliError::UnknownCloud { asked }),
            answer => self.answer("ledger_verifyCode", answer),
        }
    }

    /// Number of the block that issued the promo code, as the node says.
    ///
    /// # Errors
    /// [`CliError::NoSuchCode`], and as [`Node::chain_id`].
    pub async fn block_of_code(&self, id: &str) -> Result<u64, CliError> {
        let found = LedgerClient::code(&self.http, id.to_owned()).await;
        let code = self.answer("ledger_code", found)?;
        code.map(|code| code.block_number).ok_or_else(|| CliError::NoSuchCode {
            id: id.to_owned(),
            why: NoCode::Unknown,
        })
    }

    /// Number of the block with this hash, as the node says.
    ///
    /// # Errors
    /// [`CliError::NodeRefused`] if it has none, and as [`Node::chain_id`].
    pub async fn number_of_block(&self, hash: B256) -> Result<u64, CliError> {
        let found = self.http.block_by_hash(hash, Some(false)).await;
        let block = self.answer("eth_getBlockByHash", found)?;
        block
            .map(|block| block.header.inner.number)
            .ok_or_else(|| CliError::NodeRefused {
                method: "eth_getBlockByHash",
                reason: format!("it has no block {hash}"),
            })
    }

    /// The promo code with its proofs.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn code_proof(&self, id: &str, request: CodeProofRequest) -> Result<CodeProof, CliError> {
        let proof = self.http.code_proof(id.to_owned(), Some(request)).await;
        self.answer("ledger_codeProof", proof)
    }

    /// What became of promo codes in a month, and of them at one cloud.
    ///
    /// # Errors
    /// [`CliError::UnknownCloud`], and as [`Node::chain_id`].
    pub async fn usage(&self, month: Month, cloud: Option<CloudRef>) -> Result<UsageReport, CliError> {
        let asked = cloud.as_ref().map(cloud_words).unwrap_or_default();
        match self.http.usage_report(month, cloud).await {
            Err(RpcError::Call(error)) if error.code() == NOT_FOUND => Err(CliError::UnknownCloud { asked }),
            answer => self.answer("ledger_usageReport", answer),
        }
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

    /// The open proposals, newest first.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn proposals(&self) -> Result<Vec<ProposalInfo>, CliError> {
        self.answer("ledger_proposals", self.http.proposals().await)
    }

    /// The proposal with this number, if it is open.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn proposal(&self, id: u64) -> Result<Option<ProposalInfo>, CliError> {
        self.answer("ledger_proposal", self.http.proposal(U64::from(id)).await)
    }

    /// What a recovery left behind, or would; see [`RecoveredSpanQuery`].
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn recovered_span(&self, query: RecoveredSpanQuery) -> Result<RecoveredSpan, CliError> {
        self.answer("ledger_recoveredSpan", self.http.recovered_span(query).await)
    }

    /// Whom the node is connected to.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, CliError> {
        self.answer("ledger_peers", self.http.peers().await)
    }

    /// Whether blocks come, and if not, why.
    ///
    /// # Errors
    /// As [`Node::chain_id`].
    pub async fn why_stalled(&self) -> Result<StallReport, CliError> {
        self.answer("ledger_whyStalled", self.http.why_stalled().await)
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

/// A cloud as somebody named it.
fn cloud_words(cloud: &CloudRef) -> String {
    match cloud {
        CloudRef::Id(id) => id.to_string(),
        CloudRef::Name(name) => name.clone(),
    }
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
