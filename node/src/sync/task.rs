//! The task around the plan: asks the network, hands batches to the driver.

use std::{sync::Arc, time::Duration};

use ledger_chainspec::BlockNumber;
use ledger_network::{
    BLOCKS_BYTES_TARGET, Misbehaviour, NetworkHandle, PeerId, Peers, Request, RequestError, Response,
};
use ledger_runtime::{Head, Runtime};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{
    Batch, Hint, Imported,
    pieces::{Blocks, certified},
    plan::{Piece, Plan, Source, Step},
    progress::{BEHIND_BLOCKS_MIN, Progress},
    proving::{Proof, Prover},
};
use crate::{anchor::Confirmed, rpc::NetworkStatus, until::until};

/// How long a peer may be ahead by a block or two before that is caught up with: votes and proposals bring such blocks by
/// themselves, unless some were lost.
const NEAR_SLOTS: u32 = 2;

/// An answer that took longer is a slow one, and whoever gave it lets others go first: a third of what a request may take.
const SLOW_ANSWER: Duration = Duration::from_secs(3);

/// Bytes from which on a part of what was asked for is a fair answer; one with less is a crumb.
const FAIR_ANSWER_BYTES: usize = BLOCKS_BYTES_TARGET / 2;

/// What the sync works with.
#[derive(Debug)]
pub struct Sync {
    /// The network.
    pub network: NetworkHandle,
    /// Where batches go.
    pub batches: mpsc::Sender<Batch>,
    /// What JSON-RPC shows.
    pub status: watch::Sender<NetworkStatus>,
    /// How long a slot is.
    pub slot: Duration,
    /// What is here.
    pub runtime: Arc<Runtime>,
    /// What the mainchain has confirmed.
    pub confirmed: Arc<Confirmed>,
}

/// What comes in for the sync.
#[derive(Debug)]
pub struct SyncInputs {
    /// Blocks that somebody spoke of.
    pub hints: mpsc::Receiver<Hint>,
    /// The newest final block.
    pub heads: watch::Receiver<Arc<Head>>,
}

/// What a peer answered.
struct Answer {
    peer: PeerId,
    piece: Piece,
    took: Duration,
    result: Result<Response, RequestError>,
}

/// The loop's own state.
struct Running {
    sync: Sync,
    plan: Plan<Blocks>,
    prover: Prover,
    asks: JoinSet<Answer>,
    import: JoinSet<Option<Imported>>,
    started: Instant,
    /// Since when somebody has been ahead by little, and from when on that is caught up with.
    near_until: Option<Instant>,
    progress: Option<Progress>,
}

impl Sync {
    /// Keeps up until `shutdown`.
    pub async fn run(self, inputs: SyncInputs, shutdown: CancellationToken) {
        let SyncInputs { mut hints, mut heads } = inputs;
        let mut peers = self.network.peers();
        let mut confirmed = self.confirmed.changes();
        let head = heads.borrow_and_update().number();
        let mut running = Running::new(self, head);
        loop {
            running.look(&peers.borrow_and_update().clone());
            let known = running.known(&peers.borrow());
            running.prove(&known);
            running.step(&known);
            let wake = running.wake_at();
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(Ok(answer)) = running.asks.join_next() => running.on_answer(answer),
                Some(Ok(imported)) = running.import.join_next() => match imported {
                    Some(imported) => running.on_imported(imported),
                    // The driver has ended, and says why; the node stops.
                    None => return shutdown.cancelled().await,
                },
                changed = heads.changed() => match changed {
                    Ok(()) => running.plan.follow(heads.borrow_and_update().number()),
                    Err(_) => return shutdown.cancelled().await,
                },
                changed = peers.changed() => if changed.is_err() { return shutdown.cancelled().await },
                Some(Ok(proof)) = running.prover.asked.join_next() => running.on_proof(proof),
                Ok(()) = confirmed.changed() => {}
                Some(hint) = hints.recv() => running.on_hint(hint),
                () = until(wake) => {}
            }
        }
    }
}

impl Running {
    fn new(sync: Sync, head: BlockNumber) -> Self {
        Self {
            sync,
            plan: Plan::new(head),
            prover: Prover::default(),
            asks: JoinSet::new(),
            import: JoinSet::new(),
            started: Instant::now(),
            near_until: None,
            progress: None,
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Looks at what the peers have: aims at what is far ahead at once, and at what is near when it stays.
    fn look(&mut self, peers: &Peers) {
        let best = self.known(peers).iter().map(|source| source.head).max();
        let head = self.plan.head().get();
        let ahead = best.map_or(0, |best| best.get().saturating_sub(head));
        match best {
            Some(best) if ahead >= BEHIND_BLOCKS_MIN => {
                self.plan.aim(best);
                self.near_until = None;
            }
            Some(best) if ahead > 0 => {
                let now = Instant::now();
                let until = *self.near_until.get_or_insert(now + self.sync.slot * NEAR_SLOTS);
                if until <= now {
                    self.plan.aim(best);
                }
            }
            _ => self.near_until = None,
        }
        // What was claimed and nobody has is not waited for.
        if self.plan.is_idle() {
            self.plan.lower(best.unwrap_or(self.plan.head()));
        }
        self.show(peers);
    }

    /// What the peers have whose history is not known to be another one.
    fn known(&self, peers: &Peers) -> Vec<Source> {
        let known = sources(peers).filter(|source| !self.prover.is_strange(source.peer));
        known.collect()
    }

    /// Has the history proven that is to be followed, before any of it is asked for.
    fn prove(&mut self, sources: &[Source]) {
        if self.plan.is_done() {
            return;
        }
        let (network, confirmed) = (&self.sync.network, self.sync.confirmed.as_ref());
        let bound = self.prover.prove((network, confirmed), self.plan.head(), sources);
        self.plan.bind(bound);
    }

    /// A peer gave hashes. What they prove of blocks that are here already may be that these are others.
    fn on_proof(&mut self, proof: Proof) {
        let head = self.plan.head().get();
        let proven = self.prover.take(&self.sync.network, proof);
        for (number, hash) in proven.into_iter().filter(|(number, _)| *number <= head) {
            let own = self.sync.runtime.store().block_hash(BlockNumber::new(number));
            if own.is_ok_and(|own| own.is_some_and(|own| own.get() != hash)) {
                return self.sync.confirmed.prove(number, hash);
            }
        }
    }

    fn on_hint(&mut self, hint: Hint) {
        debug!(target: "ledger::sync", through = %hint.through, from = ?hint.from, "somebody is ahead");
        self.plan.aim(hint.through);
        // Whoever spoke of it may have it before its status says so.
        let known = self.known(&self.sync.network.peers().borrow());
        self.prove(&known);
        if let Some(peer) = hint.from.filter(|peer| !self.prover.is_strange(*peer)) {
            self.step(&[source_of(peer, hint.through)]);
        }
    }

    /// Does what the plan says.
    fn step(&mut self, sources: &[Source]) {
        if self.prover.waits(&self.sync.confirmed, self.plan.head()) {
            return;
        }
        for step in self.plan.steps(sources, self.now()) {
            match step {
                Step::Ask(peer, piece) => self.ask(peer, piece),
                Step::Import(_, _, blocks) => self.import(blocks),
            }
        }
    }

    fn ask(&mut self, peer: PeerId, piece: Piece) {
        let network = self.sync.network.clone();
        self.asks.spawn(async move {
            let from = BlockNumber::new(piece.from);
            let request = Request::Blocks {
                from,
                count: piece.count,
            };
            let asked = Instant::now();
            let result = network.request(peer, request).await;
            let took = asked.elapsed();
            Answer {
                peer,
                piece,
                took,
                result,
            }
        });
    }

    fn import(&mut self, blocks: Blocks) {
        let batches = self.sync.batches.clone();
        self.import.spawn(async move {
            let (answer, answered) = oneshot::channel();
            batches.send(Batch { blocks, answer }).await.ok()?;
            answered.await.ok()
        });
    }

    fn on_answer(&mut self, answer: Answer) {
        let Answer {
            peer,
            piece,
            took,
            result,
        } = answer;
        let now = self.now();
        let bytes = result.as_ref().map_or(0, Response::weight);
        match result {
            Ok(Response::Blocks { blocks, certificate }) if blocks.is_empty() && certificate.is_none() => {
                // Who only passed on what somebody else said of a later block has claimed nothing.
                let peers = self.sync.network.peers();
                let status = peers.borrow().get(peer).and_then(|peer| peer.status);
                if status.is_some_and(|status| status.head.get() >= piece.from && status.oldest.get() <= piece.from) {
                    self.sync.network.report(peer, Misbehaviour::FalseHeight);
                }
                self.plan.failed(peer, now);
            }
            Ok(Response::Blocks { blocks, certificate }) => match certified(piece, blocks, certificate) {
                Some(blocks) => {
                    if self.is_strange(peer, &blocks) {
                        return self.plan.failed(peer, now);
                    }
                    let got = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                    self.plan.came(peer, got, blocks);
                    let is_crumb = got < piece.count && bytes < FAIR_ANSWER_BYTES;
                    if (is_crumb || took > SLOW_ANSWER) && self.is_elsewhere(piece, peer) {
                        debug!(target: "ledger::sync", %peer, got, bytes, ?took, "a peer drips: others go first");
                        self.plan.dripped(peer, now);
                    }
                }
                None => {
                    self.sync.network.report(peer, Misbehaviour::WrongBlock);
                    self.plan.failed(peer, now);
                }
            },
            Ok(_) => self.plan.failed(peer, now),
            Err(error) => {
                debug!(target: "ledger::sync", %peer, %error, "no blocks from a peer");
                self.plan.failed(peer, now);
            }
        }
    }

    /// Are these blocks of a history that a checkpoint contradicts?
    fn is_strange(&mut self, peer: PeerId, blocks: &Blocks) -> bool {
        let hashes = blocks
            .iter()
            .map(|(block, certificate)| (block.number().get(), certificate.hash.get()));
        let Some(contradiction) = self.prover.contradiction(&self.sync.confirmed, hashes) else {
            return false;
        };
        error!(target: "ledger::sync", %peer, %contradiction, "a peer gave blocks that contradict the mainchain");
        self.sync.confirmed.refuse(contradiction);
        self.prover.estrange(&self.sync.network, peer);
        true
    }

    /// Does anybody but `peer` say that it has the piece?
    fn is_elsewhere(&self, piece: Piece, peer: PeerId) -> bool {
        let peers = self.sync.network.peers();
        let peers = peers.borrow();
        let has = |source: Source| (source.oldest.get()..=source.head.get()).contains(&piece.from);
        sources(&peers).any(|source| source.peer != peer && has(source))
    }

    fn on_imported(&mut self, imported: Imported) {
        let target = self.shown_target(&self.sync.network.peers().borrow());
        if let Some(progress) = &mut self.progress {
            progress.imported(&imported, target);
        }
        if let Some(peer) = self.plan.imported(imported.head, imported.wrong.is_some(), self.now())
            && imported.wrong.is_some()
        {
            self.sync.network.report(peer, Misbehaviour::WrongBlock);
        }
    }

    /// Tells JSON-RPC and the log. What a stranger claims is tried, but nobody is told of it while validators say otherwise: it would
    /// make the node look as if it were behind.
    fn show(&mut self, peers: &Peers) {
        let (head, target) = (self.plan.head(), self.shown_target(peers));
        if target.get() >= head.get() + BEHIND_BLOCKS_MIN && self.progress.is_none() {
            self.progress = Some(Progress::begin(head, target));
        }
        if target <= head
            && let Some(progress) = self.progress.take()
        {
            progress.end(head);
        }
        let status = NetworkStatus {
            listening: !peers.listening.is_empty(),
            peers: u64::try_from(peers.connected.len()).unwrap_or(u64::MAX),
            sync: self.progress.as_ref().map(|progress| progress.shown(target)),
        };
        self.sync
            .status
            .send_if_modified(|shown| std::mem::replace(shown, status) != status);
    }

    fn shown_target(&self, peers: &Peers) -> BlockNumber {
        let head = self.plan.head();
        self.plan.target().min(peers.best_head().unwrap_or(head)).max(head)
    }

    /// When something has to be looked at though nothing comes.
    fn wake_at(&self) -> Option<Instant> {
        let retry = self.plan.retry_at(self.now()).map(|at| self.started + at);
        let is_waiting = |at: &Instant| *at > Instant::now();
        [self.near_until, retry, self.prover.retry_at()]
            .into_iter()
            .flatten()
            .filter(is_waiting)
            .min()
    }
}

/// What the peers say that they have.
fn sources(peers: &Peers) -> impl Iterator<Item = Source> + '_ {
    peers.connected.iter().filter_map(|peer| {
        let status = peer.status?;
        Some(Source {
            peer: peer.id,
            oldest: status.oldest,
            head: status.head,
        })
    })
}

fn source_of(peer: PeerId, head: BlockNumber) -> Source {
    Source {
        peer,
        oldest: BlockNumber::new(0),
        head,
    }
}
