//! What does a node that follows the chain need of the one that has it?
//!
//! Called by the node for its peers. Everything here is bounded by who asks, and at least one block is given if there is one:
//! a block has a bound of its own. Nothing is executed, and nothing changes.

use alloy_rlp::Encodable;
use ledger_chainspec::{Block, BlockNumber, FinalityCertificate};

use crate::{
    BlockRef, ReadError, Runtime,
    store::{Store, StoreError, TxLocation},
};

/// Consecutive final blocks. What made each of them final but the last is in the digest of the block after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedBlocks {
    /// The blocks, the oldest first.
    pub blocks: Vec<Block>,
    /// What made the last one final; none if that is genesis.
    pub certificate: Option<FinalityCertificate>,
}

impl Runtime {
    /// The oldest block that is kept here, as are all after it: 0, unless the state came from another node.
    #[must_use]
    pub fn oldest_block(&self) -> BlockNumber {
        self.store().oldest_block()
    }

    /// The blocks from `from` on: `count` of them at most, and no more than fit into `bytes_max` as RLP, but one at least.
    ///
    /// # Errors
    /// [`ReadError::NoBlock`] if `from` is after the head, [`StoreError::NotKept`] if it is before the oldest block.
    pub fn certified_blocks(
        &self,
        from: BlockNumber,
        count: u32,
        bytes_max: usize,
    ) -> Result<CertifiedBlocks, ReadError> {
        let store = self.store();
        let newest = self.head().number();
        let first = block(store, from, usize::MAX)?.filter(|_| from <= newest);
        let first = first.ok_or(ReadError::NoBlock(BlockRef::Number(from)))?;
        let mut left = bytes_max.saturating_sub(first.bytes);
        let mut blocks = vec![first.block];
        let mut last = from;
        for number in (from.get().saturating_add(1)..=newest.get()).map(BlockNumber::new) {
            if blocks.len() >= usize::try_from(count).unwrap_or(usize::MAX) {
                break;
            }
            let Some(next) = block(store, number, left)? else {
                break;
            };
            left = left.saturating_sub(next.bytes);
            blocks.push(next.block);
            last = number;
        }
        let certificate = store.certificate(last)?;
        Ok(CertifiedBlocks { blocks, certificate })
    }
}

/// Bytes that a block's RLP has beside its header and transactions, at most: the heads of two lists, and two lists of nothing.
const BLOCK_BYTES_BASE: usize = 5 + 5 + 2;

/// A block with the length of its RLP, to a few bytes.
struct Measured {
    block: Block,
    bytes: usize,
}

/// Block `number`; none if there is no such block, or it is longer than `bytes_max`.
fn block(store: &Store, number: BlockNumber, bytes_max: usize) -> Result<Option<Measured>, StoreError> {
    let Some(header) = store.header(number)? else {
        return Ok(None);
    };
    let header = header.header;
    let mut bytes = header.length() + BLOCK_BYTES_BASE;
    let mut transactions = Vec::new();
    for (index, stored) in (0..).zip(store.stored_transactions(number)) {
        let transaction = stored?
            .transaction()
            .map_err(|what| StoreError::of_transaction(TxLocation { block: number, index }, what))?;
        bytes = bytes.saturating_add(transaction.length());
        if bytes > bytes_max {
            return Ok(None);
        }
        transactions.push(transaction);
    }
    Ok((bytes <= bytes_max).then_some(Measured {
        block: Block { header, transactions },
        bytes,
    }))
}
