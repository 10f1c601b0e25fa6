//! What does this node answer to peers that ask?
//!
//! One task takes the requests from the network, of which there are as many as that lets through. What they ask for is read on blocking
//! threads, [`ANSWERS_AT_ONCE_MAX`] at a time for validators and as many for all others: a validator that lacks a block has no time to
//! stand behind those who ask for megabytes. Endorsements are handed on to the [`Announcer`](crate::endorse::Announcer). Never asks
//! anything itself.

use std::{collections::HashMap, sync::Arc};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{BlockHash, BlockNumber};
use ledger_network::{BLOCKS_BYTES_TARGET, CheckpointAnchor, IncomingRequest, Request, Response, STATE_BYTES_MAX};
use ledger_runtime::{
    ReadError, Runtime,
    store::StoreError,
    transfer::{CHUNK_BYTES_ASKED_MAX, MANIFEST_BYTES_MAX, StateCursor},
};
use parity_scale_codec::DecodeAll;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::proposals::RecentBlocks;
use crate::{
    checkpoints::{CheckpointBook, wire::anchor_of_wire},
    endorse::EndorseRequest,
    txpool::TxPool,
};

/// Answers of one kind that are read at once: a syncing peer asks for megabytes, and must not take more threads than a validator
/// spares.
const ANSWERS_AT_ONCE_MAX: usize = 2;

// What is kept for a node that begins with a state has to fit into an answer, or it could never begin.
const _: () = assert!(STATE_BYTES_MAX >= MANIFEST_BYTES_MAX && STATE_BYTES_MAX > CHUNK_BYTES_ASKED_MAX);

/// What answers are made of.
#[derive(Debug)]
pub struct Server {
    /// Blocks and state.
    pub runtime: Arc<Runtime>,
    /// Waiting transactions.
    pub pool: Arc<TxPool>,
    /// Blocks that are not final yet.
    pub recent: Arc<RecentBlocks>,
    /// Checkpoints.
    pub book: Arc<CheckpointBook>,
    /// Where requests for endorsements go.
    pub endorse: mpsc::Sender<EndorseRequest>,
}

impl Server {
    /// Answers until `shutdown`, or until the network has ended.
    pub async fn run(self, mut requests: mpsc::Receiver<IncomingRequest>, shutdown: CancellationToken) {
        let server = Arc::new(self);
        let turns = Turns::new();
        let mut answers = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(_) = answers.join_next() => {}
                incoming = requests.recv() => match incoming {
                    Some(incoming) => {
                        let turns = turns.of(incoming.is_validator);
                        answers.spawn(Arc::clone(&server).serve(incoming, turns));
                    }
                    None => return,
                },
            }
        }
    }

    async fn serve(self: Arc<Self>, mut incoming: IncomingRequest, turns: Arc<Semaphore>) {
        if let Request::Endorse { transactions } = &mut incoming.request {
            let transactions = std::mem::take(transactions);
            let request = EndorseRequest { incoming, transactions };
            // Half of the queue is for validators alone. Without room it is refused as busy.
            let has_room = request.incoming.is_validator || self.endorse.capacity() > self.endorse.max_capacity() / 2;
            if has_room {
                let _ = self.endorse.try_send(request);
            }
            return;
        }
        let Ok(turn) = turns.acquire_owned().await else { return };
        let read = spawn_blocking(move || {
            self.answer(incoming);
            drop(turn);
        });
        // A panic in it has been printed, and the peer hears that this node is busy.
        let _ = read.await;
    }

    fn answer(&self, incoming: IncomingRequest) {
        let response = match &incoming.request {
            Request::Blocks { from, count } => self.blocks(*from, *count),
            Request::Block { number, hash } => self.block(*number, hash),
            Request::Transactions { block, hashes } => Some(self.transactions(block, hashes)),
            Request::StateManifest { block } => self.state(self.runtime.state_manifest(*block)),
            Request::StateChunk { block, cursor } => self.chunk(*block, cursor),
            Request::Checkpoints { anchor, from, count } => self.checkpoints(anchor, *from, *count),
            Request::Hashes { from, count } => self.hashes(*from, *count),
            // Answered by the network itself, or handed on above.
            Request::Status(_) | Request::Endorse { .. } => None,
        };
        incoming.answer(response.unwrap_or(Response::Busy));
    }

    fn blocks(&self, from: BlockNumber, count: u32) -> Option<Response> {
        match self.runtime.certified_blocks(from, count, BLOCKS_BYTES_TARGET) {
            Ok(found) => Some(Response::Blocks {
                blocks: found.blocks,
                certificate: found.certificate,
            }),
            // Nothing there: whoever asks believes a false claim, or is faster than this node.
            Err(ReadError::NoBlock(_) | ReadError::Store(StoreError::NotKept { .. })) => Some(Response::Blocks {
                blocks: Vec::new(),
                certificate: None,
            }),
            Err(error) => {
                warn!(target: "ledger::network", %from, %error, "blocks for a peer cannot be read");
                None
            }
        }
    }

    /// Hashes of final blocks, as many as are here from the first on.
    fn hashes(&self, from: BlockNumber, count: u32) -> Option<Response> {
        let numbers = (0..u64::from(count)).map_while(|step| from.get().checked_add(step));
        let mut hashes = Vec::new();
        for number in numbers {
            match self.runtime.store().block_hash(BlockNumber::new(number)) {
                Ok(Some(hash)) => hashes.push(hash.get()),
                Ok(None) | Err(StoreError::NotKept { .. }) => break,
                Err(error) => {
                    warn!(target: "ledger::network", number, %error, "hashes for a peer cannot be read");
                    return None;
                }
            }
        }
        Some(Response::Hashes(hashes))
    }

    /// A block of the open height, or the final one.
    fn block(&self, number: BlockNumber, hash: &BlockHash) -> Option<Response> {
        if let Some(recent) = self.recent.get(hash) {
            return Some(Response::Block(Some(Box::new((*recent.block).clone()))));
        }
        match self.runtime.certified_blocks(number, 1, BLOCKS_BYTES_TARGET) {
            Ok(found) => {
                let block = found.blocks.into_iter().find(|block| block.hash() == *hash);
                Some(Response::Block(block.map(Box::new)))
            }
            Err(ReadError::NoBlock(_) | ReadError::Store(StoreError::NotKept { .. })) => Some(Response::Block(None)),
            Err(error) => {
                warn!(target: "ledger::network", %number, %error, "a block for a peer cannot be read");
                None
            }
        }
    }

    /// A part of a state; none if it is not kept here, or the cursor is none.
    fn chunk(&self, block: BlockHash, cursor: &[u8]) -> Option<Response> {
        match StateCursor::decode_all(&mut &*cursor) {
            Ok(cursor) => self.state(self.runtime.state_chunk(block, &cursor, CHUNK_BYTES_ASKED_MAX)),
            Err(_) => Some(Response::State(None)),
        }
    }

    fn state(&self, read: Result<Option<Vec<u8>>, ReadError>) -> Option<Response> {
        match read {
            Ok(bytes) => {
                let fits = bytes.filter(|bytes| bytes.len() <= STATE_BYTES_MAX);
                Some(Response::State(fits.map(Bytes::from)))
            }
            Err(error) => {
                warn!(target: "ledger::network", %error, "state for a peer cannot be read");
                None
            }
        }
    }

    /// Checkpoints with the signatures that are known here; from 0 on, the newest that a quorum has signed.
    fn checkpoints(&self, anchor: &CheckpointAnchor, from: u64, count: u32) -> Option<Response> {
        let (anchor, count) = (anchor_of_wire(anchor), usize::try_from(count).unwrap_or(usize::MAX));
        let found = match from {
            0 => self.book.newest_signed(&anchor, count),
            from => self.book.checkpoints(&anchor, from, count),
        };
        match found {
            Ok(bundles) => Some(Response::Checkpoints(bundles.into_iter().map(Into::into).collect())),
            Err(error) => {
                warn!(target: "ledger::network", from, %error, "checkpoints for a peer cannot be read");
                None
            }
        }
    }

    /// Transactions of a proposed block, in the order asked for, as far as a response holds them.
    fn transactions(&self, block: &BlockHash, hashes: &[B256]) -> Response {
        let of_block = self.recent.get(block).map(|recent| recent.block);
        let of_block = of_block.iter().flat_map(|block| &block.transactions);
        // A block may have tens of thousands, and a question thousands.
        let of_block: HashMap<_, _> = of_block
            .map(|transaction| (transaction.tx_hash(), transaction))
            .collect();
        let mut room = BLOCKS_BYTES_TARGET;
        let find = |hash: &B256| -> Option<Bytes> {
            match of_block.get(hash) {
                Some(found) => Some(found.encoded_2718().into()),
                None => self.pool.get(hash).map(|found| found.transaction.encoded_2718().into()),
            }
        };
        let found = hashes.iter().map(|hash| {
            let bytes = find(hash).filter(|bytes| bytes.len() <= room)?;
            room -= bytes.len();
            Some(bytes)
        });
        Response::Transactions(found.collect())
    }
}

/// Who may read now.
struct Turns {
    validators: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Turns {
    fn new() -> Self {
        let turns = || Arc::new(Semaphore::new(ANSWERS_AT_ONCE_MAX));
        Self {
            validators: turns(),
            others: turns(),
        }
    }

    fn of(&self, is_validator: bool) -> Arc<Semaphore> {
        Arc::clone(if is_validator { &self.validators } else { &self.others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_does_not_wait_for_strangers() {
        let turns = Turns::new();
        let held: Vec<_> = std::iter::from_fn(|| turns.of(false).try_acquire_owned().ok()).collect();
        assert_eq!(held.len(), ANSWERS_AT_ONCE_MAX);
        assert!(turns.of(true).try_acquire_owned().is_ok());
    }
}
