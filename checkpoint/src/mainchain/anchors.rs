//! What does the contract hold and tell? The questions of who reads checkpoints back.
//!
//! [`Nodes`] answers them by agreement, as it does the relayer's; tests bring a simulated mainchain.

use std::future::Future;

use alloy_primitives::B256;
use alloy_sol_types::SolEvent;
use ethers::{
    core::types::{self, BlockId, Filter},
    providers::Middleware,
};
use futures::{StreamExt, stream::iter, try_join};
use ledger_contracts::CheckpointContract::{CheckpointMade, getHeightCall};

use super::{MainchainError, Nodes, agreement::QUESTIONS_AT_ONCE, endpoint::Endpoint};
use crate::{
    numbers::{BlockNumber, Index, Point},
    reading::{Answers, LOG_BLOCKS_MIN, Logs, Made, Questions, Tip},
};

/// The mainchain, for whoever only reads. Every call comes back in bounded time.
pub trait Anchors: Send + Sync {
    /// The newest block, and what the contract has as of it.
    fn tip(&self) -> impl Future<Output = Result<Tip, MainchainError>> + Send;

    /// The answers, as of the block of `tip`; blocks last, and its own the very last.
    fn read(&self, tip: &Tip, questions: &Questions) -> impl Future<Output = Result<Answers, MainchainError>> + Send;
}

impl Anchors for Nodes {
    async fn tip(&self) -> Result<Tip, MainchainError> {
        let block = self.head().await?;
        let index = self.agree("headIndex", |node| node.head_index(block)).await?;
        let fingerprint = self.fingerprint(block, index).await?;
        Ok(Tip {
            block,
            index,
            fingerprint,
        })
    }

    async fn read(&self, tip: &Tip, questions: &Questions) -> Result<Answers, MainchainError> {
        let mut answers = Answers::default();
        let asked = iter(questions.fingerprints.iter().copied().map(|index| async move {
            let said = self.fingerprint(tip.block, index).await?;
            Ok::<_, MainchainError>((index, said))
        }));
        let said: Vec<_> = asked.buffer_unordered(QUESTIONS_AT_ONCE).collect().await;
        answers.fingerprints = said.into_iter().collect::<Result<_, _>>()?;
        if let Some((from, to)) = questions.logs {
            answers.logs = match self.logs(from, to).await {
                Ok(logs) => Some(logs),
                // It may have been too much at once; less than this is not.
                Err(_) if to.since(from) >= LOG_BLOCKS_MIN => None,
                Err(error) => return Err(error),
            };
        }
        let (last, others): (Vec<_>, Vec<_>) = questions
            .blocks
            .iter()
            .copied()
            .partition(|number| *number == tip.block.number);
        answers.blocks = self.blocks(&others).await?;
        answers.blocks.extend(self.blocks(&last).await?);
        Ok(answers)
    }
}

/// What whoever proves something by checkpoints asks beside that, once.
impl Nodes {
    /// What the contract has as the fingerprint of a checkpoint, as of block `at`; 0 if it has none.
    ///
    /// # Errors
    /// [`MainchainError`], as for all that follow.
    pub async fn fingerprint(&self, at: Point, index: Index) -> Result<B256, MainchainError> {
        self.agree("fingerprintOf", |node| node.fingerprint(at, index)).await
    }

    /// Height of the newest checkpoint, as of block `at`; 0 before the first.
    ///
    /// # Errors
    /// As [`Nodes::fingerprint`].
    pub async fn anchored_height(&self, at: Point) -> Result<u64, MainchainError> {
        self.agree("getHeight", |node| node.anchored_height(at)).await
    }

    /// The checkpoints that the contract accepted in these blocks, both included, in order.
    ///
    /// # Errors
    /// As [`Nodes::fingerprint`].
    pub async fn made(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<Made>, MainchainError> {
        self.agree("the checkpoints", |node| node.made(from, to)).await
    }

    /// The time of a block, in seconds since the Unix epoch; none if there is no such block.
    ///
    /// # Errors
    /// As [`Nodes::fingerprint`].
    pub async fn time(&self, number: BlockNumber) -> Result<Option<u64>, MainchainError> {
        self.agree("a block's time", |node| node.time(number)).await
    }

    async fn logs(&self, from: BlockNumber, to: BlockNumber) -> Result<Logs, MainchainError> {
        let made = self.made(from, to);
        let rejections = self.agree("the rejections", |node| node.rejections(from, to));
        let (made, rejections) = try_join!(made, rejections)?;
        Ok(Logs { made, rejections })
    }
}

impl Endpoint {
    async fn anchored_height(&self, at: Point) -> Result<u64, MainchainError> {
        self.ask(at, "getHeight", &getHeightCall {}).await
    }

    /// The time of the block with this number in the node's chain.
    async fn time(&self, number: BlockNumber) -> Result<Option<u64>, MainchainError> {
        let question = "a block's time";
        let block = self.provider().get_block(BlockId::Number(number.get().into())).await;
        let block = self.said(question, block)?;
        block.map(|block| self.small(question, block.timestamp)).transpose()
    }

    /// Checkpoints that the contract accepted in these blocks.
    async fn made(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<Made>, MainchainError> {
        let filter = Filter::new()
            .address(types::Address::from(self.contract().0.0))
            .topic0(types::H256(CheckpointMade::SIGNATURE_HASH.0))
            .from_block(from.get())
            .to_block(to.get());
        let logs = self.said("the checkpoints", self.provider().get_logs(&filter).await)?;
        let mut made: Vec<_> = logs.into_iter().filter_map(made_in).collect();
        made.sort_unstable_by_key(|made| made.checkpoint.index);
        Ok(made)
    }
}

fn made_in(log: types::Log) -> Option<Made> {
    let topics = log.topics.iter().map(|topic| B256::new(topic.0));
    let event = CheckpointMade::decode_raw_log_validate(topics, &log.data).ok()?;
    Some(Made {
        block: Point {
            number: BlockNumber::new(log.block_number?.as_u64()),
            hash: log.block_hash?.0.into(),
        },
        checkpoint: event.checkpoint,
        fingerprint: event.fingerprint,
    })
}
