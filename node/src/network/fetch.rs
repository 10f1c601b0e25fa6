//! Who has the block, or the transactions of a block, that this node lacks?
//!
//! Run by the driver as tasks beside its loop. Asks one peer after the other, validators before others: a stranger that passes a proposal on
//! before anybody else could keep it from this node by answering slowly. What comes is checked against its hash, and a peer that sends
//! something else is reported. Never decides what a block is worth.

use std::{sync::Arc, time::Duration};

use ledger_chainspec::{Block, BlockHash, BlockNumber, Transaction, decode_transaction};
use ledger_network::{GossipId, Misbehaviour, NetworkHandle, PeerId, Peers, Request, Response};
use ledger_runtime::Head;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tracing::debug;

use super::proposals::Assembly;

/// Peers that are asked for the transactions of a proposal before it is given up: its slot is over soon.
const BODY_PEERS_MAX: usize = 3;
/// Peers that are asked for a block in one round.
const BLOCK_PEERS_MAX: usize = 8;
/// Pause between two rounds for a block that nobody had: a quorum voted for it, so that somebody has it.
const BLOCK_ROUND_PAUSE: Duration = Duration::from_millis(250);
/// Most transactions of one request for bodies; a proposal that lacks more takes several.
const BODIES_PER_REQUEST: usize = 1024;

/// What came of a fetch.
#[derive(Debug)]
pub enum Fetched {
    /// A proposal is whole, or was given up.
    Proposal {
        /// Who passed it on.
        from: PeerId,
        /// Its name for the verdict.
        id: Option<GossipId>,
        /// The proposal.
        assembly: Box<Assembly>,
    },
    /// A block came.
    Block {
        /// Who had it.
        from: PeerId,
        /// The block.
        block: Arc<Block>,
    },
    /// The block is not needed any more.
    Obsolete,
}

/// Fills in what an assembly lacks; each peer has the time `within`, whatever it gives until then.
pub async fn bodies(
    handle: NetworkHandle,
    (from, id): (PeerId, Option<GossipId>),
    mut assembly: Box<Assembly>,
    within: Duration,
) -> Fetched {
    for peer in peers_to_ask(&handle, Some(from)).into_iter().take(BODY_PEERS_MAX) {
        if timeout(within, fill(&handle, peer, &mut assembly)).await.is_err() {
            debug!(target: "ledger::network", %peer, block = %assembly.hash(), "a peer takes too long over a proposal's bodies");
        }
        if assembly.missing().is_empty() {
            return Fetched::Proposal { from, id, assembly };
        }
    }
    debug!(target: "ledger::network", block = %assembly.hash(), missing = assembly.missing().len(), "bodies of a proposal not found");
    Fetched::Proposal { from, id, assembly }
}

/// Takes what `peer` has of what an assembly lacks.
async fn fill(handle: &NetworkHandle, peer: PeerId, assembly: &mut Assembly) {
    loop {
        let mut hashes = assembly.missing();
        if hashes.is_empty() {
            return;
        }
        let rest = hashes.split_off(hashes.len().min(BODIES_PER_REQUEST));
        let asked = hashes.len();
        let request = Request::Transactions {
            block: assembly.hash(),
            hashes,
        };
        let Ok(Response::Transactions(found)) = handle.request(peer, request).await else {
            return;
        };
        let mut found: Vec<_> = found.iter().map(|bytes| decoded(bytes.as_ref()?)).collect();
        found.resize(asked, None);
        let came = found.iter().flatten().count();
        found.resize(asked + rest.len(), None);
        if !assembly.fill(found) {
            return handle.report(peer, Misbehaviour::BadResponse);
        }
        if came == 0 {
            return;
        }
    }
}

fn decoded(bytes: &[u8]) -> Option<Transaction> {
    decode_transaction(bytes).ok()
}

/// Finds the block `hash`, round after round, until it came or its height is final.
pub async fn block(
    handle: NetworkHandle,
    heads: watch::Receiver<Arc<Head>>,
    (number, hash): (BlockNumber, BlockHash),
) -> Fetched {
    for round in 0.. {
        let mut peers = peers_to_ask(&handle, None);
        // Others each round: a third of the validators may lack it for good.
        let turn = BLOCK_PEERS_MAX.wrapping_mul(round) % peers.len().max(1);
        peers.rotate_left(turn);
        for peer in peers.into_iter().take(BLOCK_PEERS_MAX) {
            if heads.borrow().number() >= number {
                return Fetched::Obsolete;
            }
            match handle.request(peer, Request::Block { number, hash }).await {
                Ok(Response::Block(Some(block))) if block.hash() == hash => {
                    let block = Arc::new(*block);
                    return Fetched::Block { from: peer, block };
                }
                Ok(Response::Block(Some(_))) => handle.report(peer, Misbehaviour::WrongBlock),
                Ok(_) | Err(_) => {}
            }
        }
        if heads.borrow().number() >= number || heads.has_changed().is_err() {
            break;
        }
        sleep(BLOCK_ROUND_PAUSE).await;
    }
    Fetched::Obsolete
}

fn peers_to_ask(handle: &NetworkHandle, first: Option<PeerId>) -> Vec<PeerId> {
    in_order(&handle.peers().borrow(), first)
}

/// Whom to ask: validators, then others; of each `first` before the rest.
fn in_order(peers: &Peers, first: Option<PeerId>) -> Vec<PeerId> {
    let mut peers: Vec<_> = peers
        .connected
        .iter()
        .map(|peer| (!peer.is_validator, Some(peer.id) != first, peer.id))
        .collect();
    peers.sort_unstable();
    peers.into_iter().map(|(.., peer)| peer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::tests::peer;

    #[test]
    fn whoever_passed_it_on_is_asked_first_among_its_kind_and_no_stranger_before_a_validator() {
        let peers = Peers {
            listening: Vec::new(),
            connected: [true, false, true, false, true]
                .map(|is_validator| peer(is_validator, None))
                .to_vec(),
        };
        for passed_on in &peers.connected {
            let order = in_order(&peers, Some(passed_on.id));
            let place = if passed_on.is_validator { 0 } else { 3 };
            assert_eq!(order[place], passed_on.id);
            let is_validator = |peer: &PeerId| peers.get(*peer).unwrap().is_validator;
            assert!(order[..3].iter().all(is_validator) && order.len() == 5);
        }
    }
}
