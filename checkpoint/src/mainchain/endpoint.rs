//! What does one node of the mainchain say? ethers' `Provider`, with the project's types around it.
//!
//! Called by [`super::agreement`]. Transactions are of type 0 everywhere: the mainchain knows no other that pays by gas price.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use ethers::{
    core::types::{self, BlockId, Filter, TransactionRequest, transaction::eip2718::TypedTransaction},
    providers::{JsonRpcError, Middleware, Provider, ProviderError},
};

use ledger_contracts::{
    CheckpointContract::{FingerprintRejected, fingerprintOfCall, headIndexCall, makeCheckpointCall},
    decode_revert,
};

use super::{MainchainError, Rejection, transport::Transport};
use crate::{
    numbers::{BlockNumber, Index, Nonce, Point},
    plan::{Receipt, SendFault},
};

/// JSON-RPC code of a call that reverted.
const REVERTED: i64 = 3;

/// What geth and its kin say in place of that code.
const REVERTED_WORDS: &str = "revert";

/// Longest excerpt of what a node said.
const WORDS_MAX: usize = 300;

/// Bytes of an answer that are shown to people.
const SHOWN_BYTES_MAX: usize = 64;

/// What the contract would do with a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    Takes,
    Rejects,
    Reverts(String),
}

/// Nodes of different makers put the same revert into different words.
impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// One node.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    contract: Address,
    provider: Provider<Transport>,
}

type Said<T> = Result<T, MainchainError>;

impl Endpoint {
    pub fn new(url: &str, contract: Address) -> Said<Self> {
        let transport = Transport::new(url).map_err(|error| MainchainError::Url {
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            url: url.to_owned(),
            contract,
            provider: Provider::new(transport),
        })
    }

    fn silent(&self, question: &'static str, reason: &str) -> MainchainError {
        MainchainError::Silent {
            url: self.url.clone(),
            question,
            reason: reason.chars().take(WORDS_MAX).collect(),
        }
    }

    pub(super) fn said<T>(&self, question: &'static str, answer: Result<T, ProviderError>) -> Said<T> {
        answer.map_err(|error| self.silent(question, &error.to_string()))
    }

    pub(super) const fn contract(&self) -> Address {
        self.contract
    }

    pub(super) const fn provider(&self) -> &Provider<Transport> {
        &self.provider
    }

    pub(super) fn small(&self, question: &'static str, value: types::U256) -> Said<u64> {
        u64::try_from(value).map_err(|_| self.silent(question, &format!("{value} cannot be true")))
    }

    pub async fn chain_id(&self) -> Said<u64> {
        let id = self.said("the chain id", self.provider.get_chainid().await)?;
        self.small("the chain id", id)
    }

    pub async fn head_number(&self) -> Said<BlockNumber> {
        let number = self.said("the newest block's number", self.provider.get_block_number().await)?;
        Ok(BlockNumber::new(number.as_u64()))
    }

    /// The block with this number in the node's chain.
    pub async fn block(&self, number: BlockNumber) -> Said<Option<Point>> {
        let id = BlockId::Number(number.get().into());
        let block = self.said("a block's hash", self.provider.get_block(id).await)?;
        Ok(block.and_then(|block| block.hash).map(|hash| Point {
            number,
            hash: hash.0.into(),
        }))
    }

    pub(super) async fn ask<C: SolCall>(&self, at: Point, question: &'static str, call: &C) -> Said<C::Return> {
        let request = self.call(None, call.abi_encode().into());
        let answer = self.said(question, self.provider.call(&request, Some(block_id(at))).await)?;
        C::abi_decode_returns_validate(&answer).map_err(|_| self.no_contract(question, &answer))
    }

    pub async fn head_index(&self, at: Point) -> Said<Index> {
        self.ask(at, "headIndex", &headIndexCall {}).await.map(Index::new)
    }

    pub async fn fingerprint(&self, at: Point, index: Index) -> Said<B256> {
        let call = fingerprintOfCall { index: index.get() };
        self.ask(at, "fingerprintOf", &call).await
    }

    pub async fn nonce(&self, at: Point, account: Address) -> Said<Nonce> {
        let account = types::Address::from(account.0.0);
        let count = self.provider.get_transaction_count(account, Some(block_id(at))).await;
        let count = self.said("the account's number of transactions", count)?;
        self.small("the account's number of transactions", count)
            .map(Nonce::new)
    }

    pub async fn balance(&self, at: Point, account: Address) -> Said<U256> {
        let account = types::Address::from(account.0.0);
        let balance = self.provider.get_balance(account, Some(block_id(at))).await;
        self.said("the account's balance", balance).map(amount)
    }

    pub async fn gas_price_wei(&self) -> Said<u128> {
        let price = self.said("the gas price", self.provider.get_gas_price().await)?;
        u128::try_from(price).map_err(|_| self.silent("the gas price", &format!("{price} cannot be true")))
    }

    pub async fn receipt(&self, hash: B256) -> Said<Option<Receipt>> {
        let receipt = self.provider.get_transaction_receipt(types::H256(hash.0)).await;
        let Some(receipt) = self.said("a receipt", receipt)? else {
            return Ok(None);
        };
        let (Some(number), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
            return Ok(None);
        };
        let gas_used = self.small("a receipt", receipt.gas_used.unwrap_or_default())?;
        Ok(Some(Receipt {
            block: Point {
                number: BlockNumber::new(number.as_u64()),
                hash: block_hash.0.into(),
            },
            succeeded: receipt.status.is_some_and(|status| status.as_u64() == 1),
            gas_used,
        }))
    }

    pub async fn outcome(&self, at: Point, account: Address, call: &Bytes) -> Said<Outcome> {
        let request = self.call(Some(account), call.clone());
        let answer = match self.provider.call(&request, Some(block_id(at))).await {
            Ok(answer) => answer,
            Err(error) => return self.reverted("a call's outcome", &error),
        };
        match makeCheckpointCall::abi_decode_returns_validate(&answer) {
            Ok(true) => Ok(Outcome::Takes),
            Ok(false) => Ok(Outcome::Rejects),
            Err(_) => Err(self.no_contract("makeCheckpoint", &answer)),
        }
    }

    pub async fn gas(&self, account: Address, call: &Bytes) -> Said<u64> {
        let request = self.call(Some(account), call.clone());
        let gas = self.said("a call's gas", self.provider.estimate_gas(&request, None).await)?;
        self.small("a call's gas", gas)
    }

    pub async fn creation_gas(&self, account: Address, code: &Bytes) -> Said<u64> {
        let request = TransactionRequest::new()
            .from(types::Address::from(account.0.0))
            .data(code.to_vec());
        let request = TypedTransaction::Legacy(request);
        let gas = self.said(
            "the gas of a creation",
            self.provider.estimate_gas(&request, None).await,
        )?;
        self.small("the gas of a creation", gas)
    }

    fn no_contract(&self, question: &'static str, answer: &[u8]) -> MainchainError {
        MainchainError::NoContract {
            contract: self.contract,
            question,
            got: Bytes::copy_from_slice(&answer[..answer.len().min(SHOWN_BYTES_MAX)]),
        }
    }

    fn reverted(&self, question: &'static str, error: &ProviderError) -> Said<Outcome> {
        match response(error) {
            Some(said) if said.code == REVERTED || said.message.contains(REVERTED_WORDS) => {
                // Hardhat's node puts it one level deeper.
                let data = said.data.as_ref().map(|data| data.get("data").unwrap_or(data));
                let data = data.and_then(|data| data.as_str());
                let data = data.and_then(|data| hex::decode(data.trim_start_matches("0x")).ok());
                let known = data.and_then(|data| decode_revert(&data));
                let reason = known.map_or_else(|| said.message.clone(), |error| error.to_string());
                Ok(Outcome::Reverts(reason.chars().take(WORDS_MAX).collect()))
            }
            _ => Err(self.silent(question, &error.to_string())),
        }
    }

    pub async fn send(&self, raw: &Bytes) -> Result<(), SendFault> {
        let sent = self
            .provider
            .send_raw_transaction(types::Bytes::from(raw.to_vec()))
            .await;
        // The promise of ethers to wait for it is dropped: after a reorganisation it would be wrong.
        sent.map(drop).or_else(|error| fault(&error.to_string()))
    }

    pub async fn rejections(&self, from: BlockNumber, to: BlockNumber) -> Said<Vec<Rejection>> {
        let filter = Filter::new()
            .address(types::Address::from(self.contract.0.0))
            .topic0(types::H256(FingerprintRejected::SIGNATURE_HASH.0))
            .from_block(from.get())
            .to_block(to.get());
        let logs = self.said("the rejections", self.provider.get_logs(&filter).await)?;
        let mut rejections: Vec<_> = logs.into_iter().filter_map(rejection).collect();
        rejections.sort_unstable();
        Ok(rejections)
    }

    fn call(&self, from: Option<Address>, data: Bytes) -> TypedTransaction {
        let request = TransactionRequest::new()
            .to(types::Address::from(self.contract.0.0))
            .data(data.to_vec());
        let request = match from {
            Some(account) => request.from(types::Address::from(account.0.0)),
            None => request,
        };
        TypedTransaction::Legacy(request)
    }
}

fn block_id(at: Point) -> BlockId {
    BlockId::Hash(types::H256(at.hash.0))
}

fn amount(value: types::U256) -> U256 {
    U256::from_limbs(value.0)
}

fn response(error: &ProviderError) -> Option<&JsonRpcError> {
    match error {
        ProviderError::JsonRpcClientError(error) => error.as_error_response(),
        _ => None,
    }
}

/// What nodes of several makers say when they do not take a transaction.
fn fault(words: &str) -> Result<(), SendFault> {
    let lower = words.to_lowercase();
    let says = |patterns: &[&str]| patterns.iter().any(|pattern| lower.contains(pattern));
    if says(&["already known", "already imported", "known transaction", "already in"]) {
        return Ok(());
    }
    Err(match () {
        () if says(&["underpriced", "too low to replace", "gas price too low"]) => SendFault::Underpriced,
        () if says(&["nonce too low", "nonce is too low", "oldnonce"]) => SendFault::NonceUsed,
        () if says(&["insufficient funds", "insufficient balance"]) => SendFault::NoFunds,
        () => SendFault::Other(words.chars().take(WORDS_MAX).collect()),
    })
}

fn rejection(log: types::Log) -> Option<Rejection> {
    let topics = log.topics.iter().map(|topic| B256::new(topic.0));
    let event = FingerprintRejected::decode_raw_log_validate(topics, &log.data).ok()?;
    Some(Rejection {
        block: Point {
            number: BlockNumber::new(log.block_number?.as_u64()),
            hash: log.block_hash?.0.into(),
        },
        transaction: log.transaction_hash?.0.into(),
        index: Index::new(event.index),
        fingerprint: event.fingerprint,
        bitmap: event.bitmap,
    })
}
