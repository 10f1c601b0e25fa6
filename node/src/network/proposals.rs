//! How does a proposal travel without its transactions, and how does it become whole again?
//!
//! Called by the driver: a proposal leaves with its transactions' hashes, and the pool of whoever receives it mostly has them. Blocks that are not
//! final yet are kept for those who lack a transaction or the whole block ([`RecentBlocks`]). Never judges a block.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{Address, B256};
use ledger_chainspec::{Block, BlockHash, Transaction};
use ledger_consensus::{CANDIDATES_MAX, Proposal};
use ledger_network::CompactProposal;
use parking_lot::Mutex;

use crate::txpool::TxPool;

/// Blocks kept for peers: those that the engine keeps of a height, for this height and the one before, which peers may still be
/// at.
pub const RECENT_BLOCKS_MAX: usize = 2 * CANDIDATES_MAX;

/// Blocks that were proposed lately, with the senders of their transactions as far as the pool knew them. Newest last.
#[derive(Debug, Default)]
pub struct RecentBlocks(Mutex<VecDeque<RecentBlock>>);

/// One of them.
#[derive(Clone, Debug)]
pub struct RecentBlock {
    /// Its hash.
    pub hash: BlockHash,
    /// The block.
    pub block: Arc<Block>,
    /// Who sent its transactions, in their order, where that is known; may be shorter.
    pub senders: Vec<Option<Address>>,
}

impl RecentBlocks {
    /// Keeps a block; the oldest one goes when there are too many.
    pub fn keep(&self, recent: RecentBlock) {
        let mut blocks = self.0.lock();
        if blocks.iter().all(|known| known.hash != recent.hash) {
            blocks.push_back(recent);
            if blocks.len() > RECENT_BLOCKS_MAX {
                blocks.pop_front();
            }
        }
    }

    /// The block with this hash.
    #[must_use]
    pub fn get(&self, hash: &BlockHash) -> Option<RecentBlock> {
        self.0.lock().iter().find(|known| known.hash == *hash).cloned()
    }
}

/// The proposal as it travels.
#[must_use]
pub fn compact(proposal: &Proposal) -> CompactProposal {
    CompactProposal {
        header: proposal.block.header.clone(),
        transactions: proposal
            .block
            .transactions
            .iter()
            .map(|transaction| *transaction.tx_hash())
            .collect(),
        again: proposal.again.clone(),
    }
}

/// A proposal on its way to be whole again.
#[derive(Debug)]
pub struct Assembly {
    proposal: CompactProposal,
    hash: BlockHash,
    bodies: Vec<Option<Transaction>>,
    senders: Vec<Option<Address>>,
}

impl Assembly {
    /// Begins with what is known here of the block `hash`, whose header that is.
    #[must_use]
    pub fn begin(proposal: CompactProposal, hash: BlockHash, pool: &TxPool, recent: &RecentBlocks) -> Self {
        let (bodies, senders) = match recent.get(&hash) {
            Some(known) => (
                known.block.transactions.iter().cloned().map(Some).collect(),
                known.senders,
            ),
            None => pool
                .get_all(&proposal.transactions)
                .into_iter()
                .map(|found| {
                    found
                        .map(|found| (found.transaction.inner().clone(), found.sender()))
                        .unzip()
                })
                .unzip(),
        };
        Self {
            proposal,
            hash,
            bodies,
            senders,
        }
    }

    /// The block's hash.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Hashes of the transactions that are not here.
    #[must_use]
    pub fn missing(&self) -> Vec<B256> {
        let all = self.proposal.transactions.iter().zip(&self.bodies);
        all.filter(|(_, body)| body.is_none()).map(|(hash, _)| *hash).collect()
    }

    /// Takes transactions in the order of [`Self::missing`], each checked against its hash; false if one is another.
    pub fn fill(&mut self, found: Vec<Option<Transaction>>) -> bool {
        let places = self.proposal.transactions.iter().zip(&mut self.bodies);
        let missing: Vec<_> = places.filter(|(_, body)| body.is_none()).collect();
        if missing.len() != found.len() {
            return false;
        }
        for ((hash, body), found) in missing.into_iter().zip(found) {
            if found.as_ref().is_some_and(|found| found.tx_hash() != hash) {
                return false;
            }
            *body = found;
        }
        true
    }

    /// The whole proposal, or what there is of it so far.
    ///
    /// # Errors
    /// `self` while transactions are missing.
    pub fn finish(self) -> Result<(Proposal, RecentBlock), Box<Self>> {
        if self.bodies.iter().any(Option::is_none) {
            return Err(Box::new(self));
        }
        let CompactProposal { header, again, .. } = self.proposal;
        let block = Arc::new(Block {
            header,
            transactions: self.bodies.into_iter().flatten().collect(),
        });
        let recent = RecentBlock {
            hash: self.hash,
            block: Arc::clone(&block),
            senders: self.senders,
        };
        Ok((Proposal { block, again }, recent))
    }
}
