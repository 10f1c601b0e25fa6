//! Real time around the consensus engine: carries facts in, carries effects out.
//!
//! Started by the assembly as one task. It wakes when the engine asked to be woken, when the pool changes, when a block
//! was executed, and otherwise not at all: a quiet chain costs nothing. Blocks are built (full ones ahead of their slots) and
//! re-executed on blocking threads; guard records are synced, statements signed and final blocks committed one after the
//! other, in the order the engine gave them. It decides nothing: what may be signed is the engine's affair, what a block
//! does the runtime's.

mod ahead;
mod alarms;
mod catching_up;
mod checkpoints;
mod executing;
mod pace;
mod slots;
mod start;
mod talking;
mod work;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ledger_chainspec::{Block, FinalityCertificate, UnixMillis};
use ledger_consensus::{Alarm, Effect, Engine, Evidence, GuardWrite, Input, Permission, Schedule, Status};
use ledger_runtime::{Executed, Head, Runtime};
use parity_scale_codec::Encode;
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinError, JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, trace, warn};

pub use start::{LostGuardAnswer, Signing, StartError, guard_start};
pub use talking::DriverNetwork;

use crate::{
    anchor::Confirmed,
    endorse::Endorsements,
    recovery::{self, Targets},
    signer::{ConsensusSigner, GuardStore, GuardStoreError},
    slot_log::SlotLog,
    sync::Batch,
    telemetry::metering,
    txpool::TxPool,
};
use ahead::{Ahead, BegunAhead, NewestFinal};
use catching_up::CatchingUp;
use pace::Pace;
use talking::{Ears, Talk, news_of, next_fetched, next_message};
pub(crate) use work::as_f64;
use work::{Built, Done};

/// Blocks that were executed and are not final: the one built here and the one validated last, beside one built ahead. Each holds its changes of
/// state in memory.
const EXECUTED_MAX: usize = 2;

/// Blocks from one look at which states are to be kept to the next; fewer than the shortest window of states that makes sense.
const KEEP_STATES_EVERY: u64 = 64;

/// Parts of a slot; a block that is ready one part after its build's deadline is still in time.
const BUILD_GRACE_PARTS: u64 = 8;

/// Why the driver ended by itself. None of them leaves anything half done on disk.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The guard store failed, so nothing may be signed any more (R7).
    #[error(transparent)]
    Guard(#[from] GuardStoreError),
    /// A block could not be built or executed for a reason that is this machine's.
    #[error("a block cannot be executed here: {0}")]
    Execution(String),
    /// A final block could not be written.
    #[error("a final block cannot be written: {0}")]
    Commit(String),
    /// The engine stopped for good: what happened needs a person.
    #[error("consensus halted: {0:?}")]
    Halted(Box<Alarm>),
    /// A thread of the driver panicked.
    #[error("a worker of the driver failed: {0}")]
    Worker(#[from] JoinError),
}

/// What the driver works with.
#[derive(Debug)]
pub struct DriverParts {
    /// Execution and state.
    pub runtime: Arc<Runtime>,
    /// Where transactions come from.
    pub pool: Arc<TxPool>,
    /// Where new heads are announced.
    pub heads: watch::Sender<Arc<Head>>,
    /// Renders metrics; tidied up with every block.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Promises, whose transactions go first.
    pub endorsements: Arc<Endorsements>,
    /// Where proofs of broken rules go (R12).
    pub evidence: mpsc::Sender<Evidence>,
    /// What the mainchain has confirmed (R15).
    pub confirmed: Arc<Confirmed>,
    /// Where it is remembered how slots went.
    pub slots: Arc<SlotLog>,
}

/// What others ask of the driver.
#[derive(Debug)]
pub struct DriverInputs {
    /// The network; `None` to talk to nobody.
    pub network: Option<DriverNetwork>,
    /// Certified blocks to import, from the sync.
    pub batches: mpsc::Receiver<Batch>,
    /// Who wants to know how the open height stands.
    pub questions: mpsc::Receiver<oneshot::Sender<Status>>,
}

/// The driver, ready to [`run`](Driver::run).
pub struct Driver {
    engine: Engine,
    first_effects: Vec<Effect>,
    /// What the chain could go back to (R16).
    targets: Targets,
    signer: Option<Arc<ConsensusSigner>>,
    guard: Option<Arc<Mutex<GuardStore>>>,
    parts: DriverParts,
    talk: Option<Talk>,
    ears: Option<Ears>,
    batches: mpsc::Receiver<Batch>,
    questions: mpsc::Receiver<oneshot::Sender<Status>>,
    catching_up: CatchingUp,
    params: ledger_consensus::ChainParams,
    schedule: Schedule,
    clock_offset_ms: Option<i64>,
    executed: VecDeque<Executed>,
    /// The block of our next slot, begun before it.
    ahead: Option<Ahead<Built>>,
    /// The newest one that the engine got.
    begun_ahead: Option<BegunAhead>,
    /// The block that has just become final, until it is known what comes after it.
    newest_final: Option<NewestFinal>,
    work: JoinSet<Result<Done, DriverError>>,
    wake_at: Option<UnixMillis>,
    pace: Pace,
    told_has_work: bool,
    /// A checkpoint contradicts what is final here: nothing is made or adopted any more (R15).
    is_contradicted: bool,
    shutdown: CancellationToken,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("signer", &self.signer)
            .field("wake_at", &self.wake_at)
            .finish_non_exhaustive()
    }
}

/// The wall clock, which is what slots are counted by (R1).
#[must_use]
pub fn now() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::new(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

impl Driver {
    /// Runs until `shutdown`, or until something goes wrong that a restart has to answer.
    ///
    /// # Errors
    /// [`DriverError`]; the node stops with it.
    pub async fn run(mut self) -> Result<(), DriverError> {
        let mut pool_changes = self.parts.pool.watch_counts();
        let (mut consensus, mut peers) = self.ears.take().map(|ears| (ears.consensus, ears.peers)).unzip();
        self.tell_network();
        let mut confirmed = self.parts.confirmed.changes();
        // Before anything else is done: what was confirmed before may speak against the chain that is here.
        self.on_confirmed().await?;
        let effects = std::mem::take(&mut self.first_effects);
        self.carry_out(effects).await?;
        self.tell_pool().await?;
        loop {
            let shutdown = self.shutdown.clone();
            let is_idle = self.catching_up.is_idle();
            // What peers can send without end comes last.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(done) = self.work.join_next() => self.on_done(done?).await?,
                () = until(self.wake_at) => self.tick().await?,
                Some(question) = self.questions.recv() => self.answer(question),
                Ok(()) = pool_changes.changed() => self.tell_pool().await?,
                // Between two batches the engine knows of every block that is here.
                Ok(()) = confirmed.changed(), if is_idle => self.on_confirmed().await?,
                Some(batch) = self.batches.recv(), if is_idle && !self.is_contradicted => self.start_batch(batch),
                Some(peers) = news_of(&mut peers) => self.on_peers(&peers).await?,
                fetched = next_fetched(&mut self.talk) => self.on_fetched(fetched).await?,
                Some(message) = next_message(&mut consensus) => self.on_message(message).await?,
            }
        }
        // Work under way sees the same token and ends early; nothing of it is written.
        while let Some(done) = self.work.join_next().await {
            drop(done?);
        }
        Ok(())
    }

    /// The moment that the engine named has come, by the clock that the engine is told; a timer may be early by it.
    async fn tick(&mut self) -> Result<(), DriverError> {
        let moment = now();
        if self.wake_at.is_some_and(|at| at <= moment) {
            self.wake_at = None;
            let effects = self.engine.handle(moment, Input::Tick);
            self.carry_out(effects).await?;
        }
        Ok(())
    }

    /// Hands one fact to the engine and does what it asks for, and what that leads to.
    async fn feed(&mut self, input: Input) -> Result<(), DriverError> {
        let effects = self.engine.handle(now(), input);
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), DriverError> {
        let mut queue = VecDeque::from(effects);
        // What was asked for before the engine halted is not done any more, a vote least of all.
        while let Some(effect) = queue.pop_front().filter(|_| !self.is_contradicted) {
            for input in self.perform(effect).await? {
                queue.extend(self.engine.handle(now(), input));
            }
        }
        self.build_ahead();
        Ok(())
    }

    /// Does one thing; gives the facts that it leads to at once.
    async fn perform(&mut self, effect: Effect) -> Result<Vec<Input>, DriverError> {
        match effect {
            Effect::Build(request) => self.start_build(*request),
            Effect::Validate { block } => self.start_validation(block),
            Effect::StoreGuard(write) => return Ok(vec![self.store_guard(write).await?]),
            Effect::Sign(permission) => return Ok(self.sign(permission).into_iter().collect()),
            Effect::Finalize { block, certificate } => return self.finalize(block, certificate).await,
            Effect::WakeAt(at) => self.wake_at = Some(at),
            Effect::Alarm(alarm) => self.on_alarm(alarm)?,
            Effect::Evidence(evidence) => self.hand_over(*evidence),
            Effect::Reject { from, rejection } => {
                debug!(target: "ledger::consensus", peer = from.0, %rejection, "message not taken");
            }
            effect @ (Effect::Broadcast(_)
            | Effect::Send { .. }
            | Effect::FetchBlock { .. }
            | Effect::CatchUp { .. }) => {
                self.talk_about(effect);
            }
        }
        Ok(Vec::new())
    }

    /// What is for the peers.
    fn talk_about(&mut self, effect: Effect) {
        let Some(talk) = &mut self.talk else {
            return trace!(target: "ledger::consensus", "nobody to talk to");
        };
        match effect {
            Effect::Broadcast(message) => talk.broadcast(message),
            Effect::Send { to, message } => talk.send(to, message),
            Effect::FetchBlock { number, hash } => talk.fetch_block(number, hash),
            Effect::CatchUp { through, from } => talk.catch_up(through, from),
            _ => {}
        }
    }

    fn hand_over(&self, evidence: Evidence) {
        error!(
            target: "ledger::consensus", offender = %evidence.offender, kind = ?evidence.kind,
            slot = %evidence.second.statement.slot, "a validator broke the rules provably"
        );
        // What finds the queue full was found by others too.
        if let Err(error) = self.parts.evidence.try_send(evidence) {
            warn!(target: "ledger::consensus", %error, "evidence not handed over");
        }
    }

    fn answer(&self, question: oneshot::Sender<Status>) {
        // An error means that whoever asked has left.
        let _ = question.send(self.engine.status());
    }

    fn tell_network(&self) {
        if let Some(talk) = &self.talk {
            talk.follow(&self.parts.runtime.head(), self.parts.runtime.oldest_block());
        }
    }

    /// Tells the engine whether there is something to include, if that is news to it.
    async fn tell_pool(&mut self) -> Result<(), DriverError> {
        let has_work = self.has_work();
        if has_work != self.told_has_work {
            self.told_has_work = has_work;
            self.feed(Input::PoolChanged { has_work }).await?;
        }
        Ok(())
    }

    /// Whether anything waits that a block could take. If not, what comes after this look wakes the driver. If so, no news
    /// is wanted: a build that finds nothing after all, and the next head, bring the driver back here.
    fn has_work(&self) -> bool {
        self.parts.pool.want_news();
        let has_work = self.parts.pool.counts().pending > 0;
        if has_work {
            self.parts.pool.want_no_news();
        }
        has_work
    }

    async fn store_guard(&self, write: GuardWrite) -> Result<Input, DriverError> {
        if let Some(guard) = &self.guard {
            let guard = Arc::clone(guard);
            let bytes = write.record().encode();
            let started = Instant::now();
            spawn_blocking(move || guard.lock().store(&bytes)).await??;
            metrics::histogram!(metering::GUARD_SECONDS).record(started.elapsed());
        }
        Ok(Input::GuardStored(write.stored()))
    }

    fn sign(&self, permission: Permission) -> Option<Input> {
        // The engine asks for signatures only if it was given the signer's public key.
        let signature = self.signer.as_ref()?.sign(permission.statement());
        Some(Input::Signed(permission.signed(signature)))
    }

    async fn finalize(
        &mut self,
        block: Arc<Block>,
        certificate: FinalityCertificate,
    ) -> Result<Vec<Input>, DriverError> {
        if self.is_contradicted {
            return Ok(Vec::new());
        }
        // A batch under way commits this very block, or ends before it; then it is this one's turn.
        if !self.catching_up.is_idle() {
            self.catching_up.deferred = Some((block, certificate));
            return Ok(Vec::new());
        }
        let known = self.take_executed(&block);
        let slot = self.open_slot(&block);
        let (runtime, pool) = (Arc::clone(&self.parts.runtime), Arc::clone(&self.parts.pool));
        let started = Instant::now();
        let (head, included) =
            spawn_blocking(move || work::commit(&runtime, &pool, &block, known, certificate)).await??;
        metrics::histogram!(metering::COMMIT_SECONDS).record(started.elapsed());
        self.parts.endorsements.follow(&head, &included, &self.parts.pool);
        self.learn_pace(&head);
        self.close_slot(slot, &head, included.len());
        self.newest_final = Some(NewestFinal {
            transactions: included.len() as u64,
            gas: head.header.header.gas_used,
        });
        Ok(self.on_head(&head))
    }

    /// Tells everybody of a new head, and gives what the engine has to hear.
    fn on_head(&mut self, head: &Arc<Head>) -> Vec<Input> {
        self.parts.metrics.run_upkeep();
        // It stands on another head, and the engine asks for it no more.
        self.ahead.take_if(|ahead| !ahead.is_wanted());
        if head.number().get().is_multiple_of(KEEP_STATES_EVERY) {
            self.targets.keep_states();
        }
        self.parts.confirmed.recovered(recovery::orders(&self.parts.runtime));
        self.parts.heads.send_replace(Arc::clone(head));
        self.tell_network();
        self.told_has_work = self.has_work();
        let changed = Input::PoolChanged {
            has_work: self.told_has_work,
        };
        let mut inputs = vec![Input::Imported(Box::new(start::final_head(head))), changed];
        inputs.extend(self.next_checkpoints());
        inputs
    }
}

/// Sleeps until `moment`; for ever without one.
async fn until(moment: Option<UnixMillis>) {
    match moment {
        // Counted from the wall clock each time, so that a clock that was set is followed at the next wake-up.
        Some(moment) => tokio::time::sleep(Duration::from_millis(moment.get().saturating_sub(now().get()))).await,
        None => std::future::pending().await,
    }
}
