//! Which accepted checkpoints does somebody need who wants to prove something of the sidechain?
//!
//! Called by the `passport` command. Checkpoints come from the contract's events, newest first, and each is held against the fingerprint
//! that the contract keeps; nothing is asked of the sidechain. Never sends anything.

use alloy_primitives::{Address, B256};

use crate::{
    mainchain::{MainchainError, Nodes},
    numbers::{BlockNumber, Index, Point},
    reading::{LOG_BLOCKS_MIN, Made},
    statement::{Anchor, Checkpoint},
};

/// Questions about the events of [`LOG_BLOCKS_MIN`] blocks, which every node answers, for one search: 200,000 blocks of the mainchain are
/// 30 days, which is how long codes of the built-in specs live.
const LOG_QUESTIONS_MAX: u64 = 200;

/// Why there is no checkpoint to begin with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The mainchain does not answer.
    #[error(transparent)]
    Mainchain(#[from] MainchainError),
    /// No checkpoint lies deep enough, as far back as is looked.
    #[error(
        "the contract {contract} has accepted no checkpoint in the {blocks} blocks up to block {to} of the mainchain"
    )]
    None {
        /// Where it was looked for.
        contract: Address,
        /// How many blocks were looked through.
        blocks: u64,
        /// The newest of them.
        to: BlockNumber,
    },
    /// An event that the contract's own record contradicts.
    #[error("the event of checkpoint {index} gives the fingerprint {event}, and the contract has {kept}")]
    Contradiction {
        /// Which checkpoint.
        index: u64,
        /// Of the event.
        event: B256,
        /// In the contract.
        kept: B256,
    },
}

/// The contract, as of one block of the mainchain.
#[derive(Debug)]
pub struct Lookup<'a> {
    nodes: &'a Nodes,
    /// The contract.
    pub anchor: Anchor,
    /// The newest block.
    pub head: Point,
    /// The sidechain's genesis hash, as the contract was made with it.
    pub genesis: B256,
    /// Height of the newest checkpoint; 0 before the first.
    pub newest_height: u64,
}

/// The checkpoints that a proof is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The newest that lies deep enough.
    pub trusted: Made,
    /// The one that spans the block asked about, and the one before that (none before the first); none if the block comes after
    /// [`Found::trusted`], or none was found.
    pub span: Option<(Checkpoint, Option<Checkpoint>)>,
}

impl<'a> Lookup<'a> {
    /// The contract at `contract` as of the newest block.
    ///
    /// # Errors
    /// [`MainchainError`]
    pub async fn look(nodes: &'a Nodes, contract: Address) -> Result<Self, MainchainError> {
        let mainchain_id = nodes.chain_id().await?;
        let head = nodes.head().await?;
        let anchor = Anchor { mainchain_id, contract };
        Ok(Self {
            nodes,
            anchor,
            head,
            genesis: nodes.fingerprint(head, Index::new(0)).await?,
            newest_height: nodes.anchored_height(head).await?,
        })
    }

    /// Which of these checkpoints the contract accepted, as their fingerprints.
    ///
    /// # Errors
    /// [`MainchainError`]
    pub async fn accepted(&self, checkpoints: impl Iterator<Item = Checkpoint>) -> Result<Vec<B256>, MainchainError> {
        let mut accepted = Vec::new();
        for checkpoint in checkpoints {
            let index = Index::new(checkpoint.index);
            accepted.push(self.nodes.fingerprint(self.head, index).await?);
        }
        Ok(accepted)
    }

    /// The time of a block of the mainchain, in seconds since the Unix epoch; none if it is gone.
    ///
    /// # Errors
    /// [`MainchainError`]
    pub async fn time(&self, block: BlockNumber) -> Result<Option<u64>, MainchainError> {
        self.nodes.time(block).await
    }

    /// When a checkpoint was accepted: the block and its time; none if that is longer ago than is looked back.
    ///
    /// # Errors
    /// [`MainchainError`]
    pub async fn when(&self, index: u64) -> Result<Option<(BlockNumber, Option<u64>)>, MainchainError> {
        for window in self.windows(self.head.number) {
            let made = self.nodes.made(window.0, window.1).await?;
            if let Some(made) = made.iter().find(|made| made.checkpoint.index == index) {
                return Ok(Some((made.block.number, self.time(made.block.number).await?)));
            }
        }
        Ok(None)
    }

    /// The newest checkpoint upon which at least `confirmations` blocks lie, and the one that spans block `height` of the sidechain, if
    /// that is not after it.
    ///
    /// # Errors
    /// [`LookupError`]
    pub async fn find(&self, confirmations: u64, height: u64) -> Result<Found, LookupError> {
        let newest = BlockNumber::new(self.head.number.get().saturating_sub(confirmations));
        let mut search = Search::default();
        for (from, to) in self.windows(newest) {
            for made in self.nodes.made(from, to).await?.into_iter().rev() {
                if search.take(made, height) {
                    return self.checked(search).await;
                }
            }
        }
        if search.trusted.is_none() {
            let blocks = newest.get().saturating_add(1).min(LOG_BLOCKS_MIN * LOG_QUESTIONS_MAX);
            let contract = self.anchor.contract;
            return Err(LookupError::None {
                contract,
                blocks,
                to: newest,
            });
        }
        self.checked(search).await
    }

    /// What the events say has to be what the contract keeps.
    async fn checked(&self, search: Search) -> Result<Found, LookupError> {
        let trusted = search.trusted.expect("the caller has seen it");
        let span = search.span.as_ref().map(|(checkpoint, _)| checkpoint.clone());
        for checkpoint in [trusted.checkpoint.clone()].into_iter().chain(span) {
            let index = checkpoint.index;
            let event = self.anchor.fingerprint(&checkpoint);
            let kept = self.nodes.fingerprint(self.head, Index::new(index)).await?;
            if event != kept {
                return Err(LookupError::Contradiction { index, event, kept });
            }
        }
        Ok(Found {
            trusted,
            span: search.span,
        })
    }

    /// Blocks to look through, the newest first.
    fn windows(&self, newest: BlockNumber) -> impl Iterator<Item = (BlockNumber, BlockNumber)> {
        let newest = newest.get();
        let window = move |place: u64| {
            let to = newest.checked_sub(place * LOG_BLOCKS_MIN)?;
            let from = to.saturating_sub(LOG_BLOCKS_MIN - 1);
            Some((BlockNumber::new(from), BlockNumber::new(to)))
        };
        (0..LOG_QUESTIONS_MAX).map_while(window)
    }
}

/// What was found so far, going back.
#[derive(Default)]
struct Search {
    trusted: Option<Made>,
    /// The last that was seen whose height is not below the one looked for.
    above: Option<Checkpoint>,
    span: Option<(Checkpoint, Option<Checkpoint>)>,
}

impl Search {
    /// Takes the next older checkpoint. Whether everything was found with it.
    fn take(&mut self, made: Made, height: u64) -> bool {
        let checkpoint = made.checkpoint.clone();
        if self.trusted.is_none() {
            let is_before = height > checkpoint.height;
            self.trusted = Some(made);
            if is_before {
                return true;
            }
        }
        if checkpoint.height < height {
            self.span = self.above.take().map(|above| (above, Some(checkpoint)));
            return true;
        }
        if checkpoint.index == 1 {
            self.span = Some((checkpoint, None));
            return true;
        }
        self.above = Some(checkpoint);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checkpoint `index` of height `10 * index`.
    fn made(index: u64) -> Made {
        Made {
            block: Point {
                number: BlockNumber::new(100 * index),
                hash: B256::ZERO,
            },
            fingerprint: B256::ZERO,
            checkpoint: Checkpoint {
                index,
                height: 10 * index,
                ..Checkpoint::default()
            },
        }
    }

    #[test]
    fn the_newest_is_trusted_and_the_one_that_spans_the_block_is_found() {
        // Block -> the checkpoint that spans it, of four.
        let table = [
            (0, Some(1)),
            (1, Some(1)),
            (10, Some(1)),
            (11, Some(2)),
            (30, Some(3)),
            (31, Some(4)),
            (40, Some(4)),
            (41, None),
        ];
        for (height, spans) in table {
            let mut search = Search::default();
            let is_done = (1..=4).rev().any(|index| search.take(made(index), height));
            assert!(is_done, "{height}");
            assert_eq!(search.trusted.map(|made| made.checkpoint.index), Some(4));
            let found = search
                .span
                .map(|(checkpoint, parent)| (checkpoint.index, parent.map(|parent| parent.index)));
            assert_eq!(
                found,
                spans.map(|index: u64| (index, index.checked_sub(1).filter(|index| *index > 0))),
                "{height}"
            );
        }
    }
}
