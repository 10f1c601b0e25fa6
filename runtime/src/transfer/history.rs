//! Do these blocks come before the one that is known, and what do they leave behind?
//!
//! Blocks before a state are not executed: a header has to have the hash that the one after it names, and transactions and
//! receipts have to give the header's roots. They come from the newest to the oldest, because a hash leads back alone.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_rlp::Encodable;
use alloy_sol_types::SolCall;
use ledger_chainspec::{BlockHash, BlockNumber, SealedHeader, predeploys::TRANSACT};
use ledger_contracts::Transact;
use rayon::prelude::*;

use super::{
    ChunkFault, StateChunk, StateImportError,
    wire::{BlockPart, Body},
};
use crate::{
    BootstrapError, Runtime, header, receipts,
    store::{IncludedTransaction, OldBlock, Store, StoreError, included_from_bytes},
};

/// The blocks from `newest` down, about `bytes_max` bytes of them but one at least; none if it is not kept here.
pub(super) fn read(store: &Store, newest: BlockNumber, bytes_max: usize) -> Result<Vec<BlockPart>, StoreError> {
    let oldest = store.oldest_block();
    let mut blocks = Vec::new();
    let mut bytes = 0_usize;
    let mut next = Some(newest.get());
    while let Some(number) = next.filter(|number| *number >= oldest.get()).map(BlockNumber::new) {
        let Some(header) = store.header(number)? else { break };
        let transactions = store.transaction_records(number)?;
        let length = header.header.length() + transactions.iter().map(Vec::len).sum::<usize>();
        bytes = bytes.saturating_add(length);
        if bytes > bytes_max && !blocks.is_empty() {
            break;
        }
        blocks.push(BlockPart {
            header: alloy_rlp::encode(&header.header),
            transactions,
        });
        next = number.get().checked_sub(1);
    }
    Ok(blocks)
}

/// Where in the chain of hashes the next block belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Its number.
    pub(super) number: BlockNumber,
    /// Its hash, by the word of the block after it.
    pub(super) hash: BlockHash,
}

/// Checks blocks from the one at `link` down. Gives them, and where the one before them belongs; none before genesis.
pub(super) fn check(blocks: Vec<BlockPart>, link: Link) -> Result<(Vec<OldBlock>, Option<Link>), ChunkFault> {
    let mut next = Some(link);
    let mut linked = Vec::new();
    for part in blocks {
        let Link { number, hash } = next.ok_or(ChunkFault::Shape {
            what: "blocks before genesis",
        })?;
        let fault = |what: &str| ChunkFault::Block {
            block: number,
            what: what.to_owned(),
        };
        let header = SealedHeader::from_rlp(&part.header).ok_or_else(|| fault("its header is none"))?;
        if header.hash != hash || header.number() != number {
            return Err(fault("it is another than the block after it names"));
        }
        next = number.get().checked_sub(1).map(|before| Link {
            number: BlockNumber::new(before),
            hash: BlockHash::new(header.header.parent_hash),
        });
        linked.push((header, part.transactions));
    }
    let blocks = linked
        .into_par_iter()
        .map(|(header, records)| {
            let number = header.number();
            body(header, &records).map_err(|what| ChunkFault::Block { block: number, what })
        })
        .collect::<Result<_, _>>()?;
    Ok((blocks, next))
}

/// Transactions and receipts against the roots in `header`.
fn body(header: SealedHeader, records: &[Vec<u8>]) -> Result<OldBlock, String> {
    let included = records
        .par_iter()
        .map(|record| included_from_bytes(record))
        .collect::<Result<Vec<_>, _>>()?;
    let (transactions, kept): (Vec<_>, Vec<_>) = included
        .into_iter()
        .map(|IncludedTransaction { transaction, receipt }| (transaction, receipt))
        .unzip();
    let differ = |what: &str| format!("its {what} is not that of its header");
    if header::transactions_root(&transactions) != header.header.transactions_root {
        return Err(differ("root of transactions"));
    }
    let plain: Vec<_> = kept.iter().map(|receipt| receipt.receipt.clone()).collect();
    let (root, bloom) = receipts::root_and_bloom(&plain);
    if root != header.header.receipts_root || bloom != header.header.logs_bloom {
        return Err(differ("root of receipts"));
    }
    let signed = |one: &alloy_consensus::transaction::Recovered<_>| {
        let one: &alloy_consensus::transaction::Recovered<ledger_chainspec::Transaction> = one;
        one.inner().recover_signer().ok() == Some(one.signer())
    };
    if !transactions.par_iter().all(signed) {
        return Err("a sender did not sign its transaction".to_owned());
    }
    let codes = receipts::code_changes(&plain);
    if receipts::stored(&transactions, plain) != kept {
        return Err("what is kept beside a receipt does not follow from it".to_owned());
    }
    Ok(OldBlock {
        header,
        transactions,
        receipts: kept,
        codes,
    })
}

impl Runtime {
    /// Adds blocks before the oldest one that is kept, as [`Self::block_history`] of another node gave them for the block before
    /// it. Gives the oldest one that is kept then.
    ///
    /// # Errors
    /// [`StateImportError::blames_peer`] tells a bad chunk from a failing disk.
    pub fn extend_history(&self, chunk: StateChunk) -> Result<BlockNumber, StateImportError> {
        let store = self.store();
        let oldest = store.oldest_block();
        let header = store.header(oldest)?;
        let header =
            header.ok_or_else(|| StoreError::missing(crate::store::Column::Headers, &oldest.get().to_be_bytes()))?;
        let before = oldest.get().checked_sub(1).ok_or(ChunkFault::Shape {
            what: "blocks before genesis",
        })?;
        let Body::Blocks(blocks) = chunk.body else {
            let what = "a state instead of blocks";
            return Err(ChunkFault::Shape { what }.into());
        };
        let link = Link {
            number: BlockNumber::new(before),
            hash: BlockHash::new(header.header.parent_hash),
        };
        let (blocks, _) = check(blocks, link)?;
        Ok(store.put_history(oldest, &blocks)?)
    }

    /// The block before the oldest one that is kept, as long as promo codes that it or older ones issued may be live: without
    /// them the id of such a code is unknown here. None once all live codes are known, and on a node that has all blocks.
    ///
    /// # Errors
    /// [`BootstrapError`] if the contract cannot be asked.
    pub fn history_wanted(&self) -> Result<Option<BlockNumber>, BootstrapError> {
        let oldest = self.oldest_block();
        let Some(before) = oldest.get().checked_sub(1) else {
            return Ok(None);
        };
        let (head, view) = self.head_and_state()?;
        let mut reader = self.executor.reader(view, &head.header.header);
        let mut ask = |input: Vec<u8>| reader.call(TRANSACT, input.into());
        let count = Transact::specCountCall::abi_decode_returns(&ask(Transact::specCountCall {}.abi_encode())?)?;
        let mut ttl = 0;
        for spec in 1..=count {
            let answer = ask(Transact::specCall { specId: spec }.abi_encode())?;
            ttl = ttl.max(u64::from(Transact::specCall::abi_decode_returns(&answer)?.ttlSeconds));
        }
        let header = self.store().header(oldest).map_err(crate::state::StateError::from)?;
        let began = header.map_or(0, |header| header.header.timestamp);
        let may_live = began.saturating_add(ttl) > head.header.header.timestamp;
        Ok(may_live.then(|| BlockNumber::new(before)))
    }
}
