//! When is something done about checkpoints? One task: when blocks become final, when a peer says something, and while signatures are
//! missing, when it is time to ask a peer for them.
//!
//! Signatures are told once. Whoever was not there, or has lost what it had, asks: one peer at a time, another one each time, until a
//! quorum is known. Validators are asked first, since they have signatures before anybody else. Nothing is asked while nothing is
//! missing.

use std::{sync::Arc, time::Duration};

use ledger_chainspec::CheckpointBundle;
use ledger_network::{
    CHECKPOINTS_PER_REQUEST_MAX, CheckpointAnchor, CheckpointSignature, GossipMessage, Incoming, Misbehaviour,
    NetworkHandle, PeerId, Request, Response,
};
use ledger_runtime::Head;
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinSet, spawn_blocking},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{
    planner::Worth,
    worker::{CheckpointError, CheckpointParts, Worker},
};
use crate::until::until;

/// Pause between two questions: longer than gossip needs to reach everybody.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Messages of peers that are dealt with in one go.
const MESSAGES_AT_ONCE: usize = 64;

/// What the task listens to.
#[derive(Debug)]
pub struct CheckpointInputs {
    /// The newest final block.
    pub heads: watch::Receiver<Arc<Head>>,
    /// The network, if there is one.
    pub network: Option<NetworkHandle>,
    /// Signatures of peers.
    pub signatures: mpsc::Receiver<Incoming<CheckpointSignature>>,
}

/// What one peer was asked for, and gave.
type Asked = (PeerId, Option<Vec<CheckpointBundle>>);

/// Looks after checkpoints until `shutdown`. Ends before only if it cannot go on.
pub async fn run(parts: CheckpointParts, inputs: CheckpointInputs, shutdown: CancellationToken) {
    let opened = spawn_blocking(move || Worker::open(parts)).await;
    let worker = match opened {
        Ok(Ok(worker)) => Arc::new(Mutex::new(worker)),
        Ok(Err(error)) => return error!(target: "ledger::checkpoints", %error, "checkpoints cannot be looked after"),
        Err(error) => return error!(target: "ledger::checkpoints", %error, "checkpoints cannot be looked after"),
    };
    let running = Running {
        worker,
        network: inputs.network,
        asking: JoinSet::new(),
        ask_at: None,
        turn: 0,
    };
    if let Err(error) = running.run(inputs.heads, inputs.signatures, shutdown).await {
        error!(target: "ledger::checkpoints", %error, "checkpoints cannot be looked after any more");
    }
}

struct Running {
    worker: Arc<Mutex<Worker>>,
    network: Option<NetworkHandle>,
    /// The question that is under way.
    asking: JoinSet<Asked>,
    /// When the next one is due.
    ask_at: Option<Instant>,
    /// Counts the questions, so that each goes to another peer.
    turn: usize,
}

impl Running {
    async fn run(
        mut self,
        mut heads: watch::Receiver<Arc<Head>>,
        mut signatures: mpsc::Receiver<Incoming<CheckpointSignature>>,
        shutdown: CancellationToken,
    ) -> Result<(), CheckpointError> {
        let mut is_behind = true;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                Ok(()) = heads.changed() => is_behind = true,
                () = std::future::ready(()), if is_behind => {
                    is_behind = self.work(Worker::advance).await?;
                }
                Some(first) = signatures.recv() => {
                    self.hear(first, &mut signatures).await?;
                    is_behind = is_behind || self.worker.lock().is_behind();
                }
                () = until(self.ask_at), if self.asking.is_empty() => self.ask(),
                Some(asked) = self.asking.join_next() => match asked {
                    Ok(asked) => {
                        self.answered(asked).await?;
                        is_behind = is_behind || self.worker.lock().is_behind();
                    }
                    Err(error) => debug!(target: "ledger::checkpoints", %error, "a question for checkpoints failed"),
                },
            }
        }
    }

    /// Has the worker do something, tells what it signed, and sees whether something is missing.
    async fn work<T: Send + 'static>(
        &mut self,
        step: impl FnOnce(&mut Worker) -> Result<T, CheckpointError> + Send + 'static,
    ) -> Result<T, CheckpointError> {
        let worker = Arc::clone(&self.worker);
        let done = spawn_blocking(move || {
            let mut worker = worker.lock();
            let done = step(&mut worker)?;
            Ok::<_, CheckpointError>((done, worker.take_outbox(), worker.missing().is_some()))
        });
        let (done, outbox, is_missing) = done
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        if let Some(network) = &self.network {
            for signature in outbox {
                network.publish(GossipMessage::Checkpoint(signature));
            }
            self.ask_at = is_missing.then(|| self.ask_at.unwrap_or_else(|| Instant::now() + ASK_EVERY));
        }
        Ok(done)
    }

    async fn hear(
        &mut self,
        first: Incoming<CheckpointSignature>,
        more: &mut mpsc::Receiver<Incoming<CheckpointSignature>>,
    ) -> Result<(), CheckpointError> {
        let mut messages = vec![first];
        while messages.len() < MESSAGES_AT_ONCE
            && let Ok(next) = more.try_recv()
        {
            messages.push(next);
        }
        let verdicts = self.work(move |worker| worker.signatures(messages)).await?;
        if let Some(network) = &self.network {
            for (id, verdict) in verdicts {
                network.judge(id, verdict);
            }
        }
        Ok(())
    }

    /// Asks the next peer for what is missing.
    fn ask(&mut self) {
        self.ask_at = None;
        let (Some(network), Some((anchor, from))) = (self.network.clone(), self.worker.lock().missing()) else {
            return;
        };
        let Some(peer) = self.next_peer(&network) else {
            self.ask_at = Some(Instant::now() + ASK_EVERY);
            return;
        };
        self.asking.spawn(ask(network, peer, (anchor, from)));
    }

    /// Validators take turns, and between any two of them somebody else where there is one.
    fn next_peer(&mut self, network: &NetworkHandle) -> Option<PeerId> {
        let peers = Arc::clone(&network.peers().borrow());
        let (validators, others): (Vec<_>, Vec<_>) = peers.connected.iter().partition(|peer| peer.is_validator);
        self.turn = self.turn.wrapping_add(1);
        let (chosen, turn) = match (validators.is_empty(), others.is_empty()) {
            (true, true) => return None,
            (false, true) => (validators, self.turn),
            (true, false) => (others, self.turn),
            (false, false) if self.turn % 2 == 1 => (validators, self.turn / 2),
            (false, false) => (others, self.turn / 2),
        };
        chosen.get(turn % chosen.len()).map(|peer| peer.id)
    }

    async fn answered(&mut self, (peer, told): Asked) -> Result<(), CheckpointError> {
        let mut pause = ASK_EVERY;
        if let Some(told) = told {
            let worth = self.work(move |worker| worker.bundles(told)).await?;
            match worth {
                Worth::Wrong => {
                    if let Some(network) = &self.network {
                        network.report(peer, Misbehaviour::BadResponse);
                    }
                }
                // There may be more where that came from.
                Worth::Good => pause = Duration::ZERO,
                Worth::Nothing => {}
            }
        }
        let is_missing = self.worker.lock().missing().is_some();
        self.ask_at = is_missing.then(|| Instant::now() + pause);
        Ok(())
    }
}

async fn ask(network: NetworkHandle, peer: PeerId, (anchor, from): (CheckpointAnchor, u64)) -> Asked {
    let count = CHECKPOINTS_PER_REQUEST_MAX;
    match network
        .request(peer, Request::Checkpoints { anchor, from, count })
        .await
    {
        Ok(Response::Checkpoints(told)) => (peer, Some(told)),
        Ok(other) => {
            debug!(target: "ledger::checkpoints", %peer, got = other.name(), "no checkpoints in an answer");
            (peer, None)
        }
        Err(error) => {
            debug!(target: "ledger::checkpoints", %peer, %error, "a peer gives no checkpoints");
            (peer, None)
        }
    }
}
