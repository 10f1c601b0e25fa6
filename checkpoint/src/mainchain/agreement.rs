//! What is true, when several nodes are asked? What more than half of them say.
//!
//! The real [`Mainchain`]. Answers are compared as facts (a hash, a number, a receipt's outcome), not as JSON, and taken as soon as enough
//! agree. The newest block is the newest that more than half have reached. One node is believed; of two, both have to agree; with
//! three, one may lie or be gone.

use std::{collections::BTreeMap, future::Future, time::Duration};

use alloy_primitives::{Address, B256, Bytes, U256};
use futures::{
    StreamExt,
    future::join_all,
    stream::{FuturesUnordered, iter},
    try_join,
};

use super::{
    Mainchain, MainchainError, Preflight, Rejection,
    endpoint::{Endpoint, Outcome},
};
use crate::{
    numbers::{BlockNumber, Nonce, Point},
    plan::{Answers, Questions, Receipt, SendFault, Sight},
};

/// Nodes that are asked at most.
pub const URLS_MAX: usize = 9;

/// Longest wait where the slowest of all nodes is waited for: for the number of its newest block, its gas price, and that it takes a
/// transaction.
const SLOWEST_PATIENCE: Duration = Duration::from_secs(3);

/// Questions about different things that are under way at one time.
pub(super) const QUESTIONS_AT_ONCE: usize = 8;

/// Nodes of the mainchain, asked together.
#[derive(Debug)]
pub struct Nodes {
    endpoints: Vec<Endpoint>,
}

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    /// Number of its next transaction.
    pub nonce: Nonce,
    /// Its balance.
    pub balance_wei: U256,
}

impl Nodes {
    /// The nodes at `urls`, asked about `contract`; nothing is sent yet.
    ///
    /// # Errors
    /// [`MainchainError::Url`], [`MainchainError::Count`].
    pub fn new(urls: &[String], contract: Address) -> Result<Self, MainchainError> {
        if urls.is_empty() || urls.len() > URLS_MAX {
            return Err(MainchainError::Count(urls.len()));
        }
        let endpoints = urls.iter().map(|url| Endpoint::new(url, contract));
        Ok(Self {
            endpoints: endpoints.collect::<Result<_, _>>()?,
        })
    }

    /// The chain id.
    ///
    /// # Errors
    /// [`MainchainError::Silent`], [`MainchainError::Disagreement`].
    pub async fn chain_id(&self) -> Result<u64, MainchainError> {
        self.agree("the chain id", Endpoint::chain_id).await
    }

    /// The price per gas that the nodes propose.
    ///
    /// # Errors
    /// As [`Nodes::chain_id`].
    pub async fn gas_price_wei(&self) -> Result<u128, MainchainError> {
        self.reached("the gas price", Endpoint::gas_price_wei).await
    }

    /// The newest block that more than half have.
    ///
    /// # Errors
    /// As [`Nodes::chain_id`].
    pub async fn head(&self) -> Result<Point, MainchainError> {
        let number = self.reached("the newest block's number", Endpoint::head_number).await?;
        let head = self.agree("the newest block's hash", |node| node.block(number)).await?;
        head.ok_or_else(|| self.disagreement("the newest block's hash", &[]))
    }

    /// What an account has, and its next number, as of the newest block.
    ///
    /// # Errors
    /// As [`Nodes::chain_id`].
    pub async fn purse(&self, account: Address) -> Result<Purse, MainchainError> {
        let head = self.head().await?;
        let nonce = self.agree("the account's number of transactions", |node| node.nonce(head, account));
        let balance = self.agree("the account's balance", |node| node.balance(head, account));
        let (nonce, balance_wei) = try_join!(nonce, balance)?;
        Ok(Purse { nonce, balance_wei })
    }

    /// Gas to make a contract of this code.
    ///
    /// # Errors
    /// As [`Nodes::chain_id`]; also if the constructor would revert.
    pub async fn creation_gas(&self, account: Address, code: &Bytes) -> Result<u64, MainchainError> {
        self.reached("the gas of a creation", |node| node.creation_gas(account, code))
            .await
    }

    /// The receipt of a transaction, once it is mined.
    ///
    /// # Errors
    /// As [`Nodes::chain_id`].
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, MainchainError> {
        self.agree("a receipt", |node| node.receipt(hash)).await
    }

    fn needed(&self) -> usize {
        self.endpoints.len() / 2 + 1
    }

    fn disagreement(&self, question: &'static str, silent: &[MainchainError]) -> MainchainError {
        let reasons: Vec<_> = silent.iter().map(ToString::to_string).collect();
        MainchainError::Disagreement {
            question,
            needed: self.needed(),
            asked: self.endpoints.len(),
            reasons: match reasons.is_empty() {
                true => "all answered, differently".to_owned(),
                false => reasons.join("; "),
            },
        }
    }

    /// The answer that enough nodes give.
    pub(super) async fn agree<'a, T, F>(
        &'a self,
        question: &'static str,
        ask: impl Fn(&'a Endpoint) -> F,
    ) -> Result<T, MainchainError>
    where
        T: PartialEq,
        F: Future<Output = Result<T, MainchainError>>,
    {
        let mut waiting: FuturesUnordered<_> = self.endpoints.iter().map(ask).collect();
        let mut answers: Vec<(T, usize)> = Vec::new();
        let mut silent = Vec::new();
        while let Some(answer) = waiting.next().await {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    silent.push(error);
                    continue;
                }
            };
            let at = answers.iter().position(|(known, _)| *known == answer);
            let at = at.unwrap_or_else(|| {
                answers.push((answer, 0));
                answers.len() - 1
            });
            answers[at].1 += 1;
            if answers[at].1 >= self.needed() {
                return Ok(answers.swap_remove(at).0);
            }
        }
        match (self.endpoints.len(), silent.pop()) {
            (1, Some(error)) => Err(error),
            (_, last) => {
                silent.extend(last);
                Err(self.disagreement(question, &silent))
            }
        }
    }

    /// The largest value that enough nodes have reached. All are waited for, but not for long: the first to answer may lie.
    async fn reached<'a, T, F>(
        &'a self,
        question: &'static str,
        ask: impl Fn(&'a Endpoint) -> F,
    ) -> Result<T, MainchainError>
    where
        T: Ord + Copy,
        F: Future<Output = Result<T, MainchainError>>,
    {
        let asked = self
            .endpoints
            .iter()
            .map(|node| tokio::time::timeout(SLOWEST_PATIENCE, ask(node)));
        let (mut values, mut silent) = (Vec::new(), Vec::new());
        for answer in join_all(asked).await.into_iter().flatten() {
            match answer {
                Ok(value) => values.push(value),
                Err(error) => silent.push(error),
            }
        }
        values.sort_unstable();
        values
            .iter()
            .rev()
            .nth(self.needed() - 1)
            .copied()
            .ok_or_else(|| self.disagreement(question, &silent))
    }

    async fn receipts(&self, hashes: &[B256]) -> Result<Answers, MainchainError> {
        let asked = iter(
            hashes
                .iter()
                .copied()
                .map(|hash| async move { Ok((hash, self.receipt(hash).await?)) }),
        );
        let found: Vec<_> = asked.buffer_unordered(QUESTIONS_AT_ONCE).collect().await;
        let mut answers = Answers::default();
        for pair in found {
            let (hash, receipt) = pair?;
            answers.receipts.extend(receipt.map(|receipt| (hash, receipt)));
        }
        Ok(answers)
    }

    pub(super) async fn blocks(&self, numbers: &[BlockNumber]) -> Result<BTreeMap<BlockNumber, B256>, MainchainError> {
        let asked = iter(
            numbers
                .iter()
                .copied()
                .map(|number| async move { self.agree("a block's hash", |node| node.block(number)).await }),
        );
        let found: Vec<_> = asked.buffer_unordered(QUESTIONS_AT_ONCE).collect().await;
        let mut blocks = BTreeMap::new();
        for point in found {
            blocks.extend(point?.map(|point| (point.number, point.hash)));
        }
        Ok(blocks)
    }
}

impl Mainchain for Nodes {
    async fn sight(&self, account: Address) -> Result<Sight, MainchainError> {
        let (head, gas_price_wei) = try_join!(self.head(), self.gas_price_wei())?;
        let index = async {
            let index = self.agree("headIndex", |node| node.head_index(head)).await?;
            let fingerprint = self
                .agree("fingerprintOf", |node| node.fingerprint(head, index))
                .await?;
            Ok::<_, MainchainError>((index, fingerprint))
        };
        let nonce = self.agree("the account's number of transactions", |node| node.nonce(head, account));
        let balance = self.agree("the account's balance", |node| node.balance(head, account));
        let ((head_index, head_fingerprint), nonce, balance_wei) = try_join!(index, nonce, balance)?;
        Ok(Sight {
            head,
            head_index,
            head_fingerprint,
            nonce,
            balance_wei,
            gas_price_wei,
        })
    }

    async fn answer(&self, sight: &Sight, questions: &Questions) -> Result<Answers, MainchainError> {
        let mut answers = self.receipts(&questions.receipts).await?;
        if let Some(index) = questions.fingerprint {
            let fingerprint = self.agree("fingerprintOf", |node| node.fingerprint(sight.head, index));
            answers.fingerprint = Some(fingerprint.await?);
        }
        let (last, others): (Vec<_>, Vec<_>) = questions
            .blocks
            .iter()
            .copied()
            .partition(|number| *number == sight.head.number);
        answers.blocks = self.blocks(&others).await?;
        answers.blocks.extend(self.blocks(&last).await?);
        Ok(answers)
    }

    async fn preflight(&self, at: Point, account: Address, call: &Bytes) -> Result<Preflight, MainchainError> {
        let outcome = self.agree("a call's outcome", |node| node.outcome(at, account, call));
        Ok(match outcome.await? {
            Outcome::Takes => Preflight::Takes {
                gas: self.reached("a call's gas", |node| node.gas(account, call)).await?,
            },
            Outcome::Rejects => Preflight::Rejects,
            Outcome::Reverts(reason) => Preflight::Reverts { reason },
        })
    }

    async fn send(&self, raw: &Bytes) -> Result<(), SendFault> {
        let sending = self
            .endpoints
            .iter()
            .map(|node| tokio::time::timeout(SLOWEST_PATIENCE, node.send(raw)));
        let mut fault = None;
        for answer in join_all(sending).await {
            match answer.unwrap_or_else(|_| Err(SendFault::Other("no answer in time".to_owned()))) {
                Ok(()) => return Ok(()),
                // What one node says of the transaction outweighs that another did not answer.
                Err(SendFault::Other(words)) => fault = fault.or(Some(SendFault::Other(words))),
                Err(said) => fault = Some(said),
            }
        }
        Err(fault.expect("there is at least one node, and none took it"))
    }

    async fn rejections(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<Rejection>, MainchainError> {
        self.agree("the rejections", |node| node.rejections(from, to)).await
    }
}
