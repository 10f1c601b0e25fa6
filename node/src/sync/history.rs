//! Which blocks from before its state does a node still need, and from whom?
//!
//! A node that began with a state has the blocks from there on. The id of a promo code is the transaction that issued it, so that blocks are taken
//! from peers backwards for as long as codes that they issued may be live. They are checked by hash alone, and not executed. One task, which
//! sleeps when nothing is missing.

use std::{sync::Arc, time::Duration};

use ledger_chainspec::BlockNumber;
use ledger_network::{Misbehaviour, NetworkHandle, Request, Response};
use ledger_runtime::{
    Runtime,
    transfer::{StateChunk, StateCursor},
};
use parity_scale_codec::Encode;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Pause between two chunks: new blocks come first.
const PAUSE: Duration = Duration::from_millis(50);
/// Pause after no peer had what is missing.
const ROUND_PAUSE: Duration = Duration::from_secs(10);

/// Takes what is missing until nothing is, and runs until `shutdown`: a task of the node that ends by itself has failed.
pub async fn fill_history(network: NetworkHandle, runtime: Arc<Runtime>, shutdown: CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = fill(&network, &runtime) => shutdown.cancelled().await,
    }
}

async fn fill(network: &NetworkHandle, runtime: &Arc<Runtime>) {
    let mut has_begun = false;
    loop {
        let asked = Arc::clone(runtime);
        let wanted = spawn_blocking(move || asked.history_wanted()).await;
        let newest = match wanted {
            Ok(Ok(Some(newest))) => newest,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return warn!(target: "ledger::sync", %error, "older blocks are not taken"),
            Err(error) => return warn!(target: "ledger::sync", %error, "older blocks are not taken"),
        };
        if !has_begun {
            has_begun = true;
            info!(target: "ledger::sync", %newest, "older blocks are taken for the codes that they issued");
        }
        match take(network, runtime, newest).await {
            true => sleep(PAUSE).await,
            false => sleep(ROUND_PAUSE).await,
        }
    }
    if has_begun {
        info!(target: "ledger::sync", oldest = %runtime.oldest_block(), "all live codes are known");
    }
}

/// Takes the blocks from `newest` down from whoever has them; whether anybody had.
async fn take(network: &NetworkHandle, runtime: &Arc<Runtime>, newest: BlockNumber) -> bool {
    let block = runtime.head().hash();
    let peers = Arc::clone(&network.peers().borrow());
    let with_block = peers.connected.iter().filter(|peer| {
        peer.status
            .is_some_and(|status| status.oldest <= newest && status.head > newest)
    });
    for peer in with_block {
        let request = Request::StateChunk {
            block,
            cursor: StateCursor::Blocks { newest }.encode(),
        };
        let Ok(Response::State(Some(bytes))) = network.request(peer.id, request).await else {
            continue;
        };
        let runtime = Arc::clone(runtime);
        let added = spawn_blocking(move || {
            let chunk = StateChunk::decode(&bytes)?;
            runtime.extend_history(chunk)
        });
        match added.await {
            Ok(Ok(_)) => return true,
            Ok(Err(error)) => {
                warn!(target: "ledger::sync", peer = %peer.id, %error, "a peer gave older blocks that are wrong");
                if error.blames_peer() {
                    network.report(peer.id, Misbehaviour::WrongBlock);
                }
            }
            Err(error) => warn!(target: "ledger::sync", %error, "older blocks are not taken"),
        }
    }
    false
}
