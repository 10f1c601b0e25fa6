//! How do many callers read the database without starving the node, or each other?
//!
//! Reads and calls block, on the disk or on the processor, and run in bounded numbers, so that a crowd of callers makes
//! callers wait and not the driver. What is short runs where it was asked, on JSON-RPC's own threads, since handing it to
//! another thread and back takes longer than most reads. A caller's code may run for a second: it begins there too where it
//! can be given up soon, and gets a blocking thread once it has turned out to be long. Who has had less lately goes first, so
//! that a caller that fills the queue waits behind those that do not. Who waits longer than the limit, or comes when too many wait,
//! hears that the node is busy. What a turn took is charged to the caller that it was taken for, and a caller that has run deep
//! into debt while it waited has lost its turn.

use std::{
    collections::BTreeMap,
    num::NonZero,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jsonrpsee::core::RpcResult;
use parking_lot::Mutex;
use tokio::{sync::oneshot, task, time};

use super::{
    callers::{Caller, Denied},
    charge, costs, cpu,
    error::RpcFailure,
};

/// Reads of the database at once.
pub const READS_MAX: usize = 16;

/// Calls and estimates at once, for each processor: each may keep one busy for a second, with a caller's code.
pub const CALLS_PER_PROCESSOR_MAX: usize = 1;

/// Checks of transactions, and questions to the chain's own contracts, at once, for each processor. They have turns of
/// their own, so that no crowd of calls keeps transactions out or clouds waiting.
pub const OWN_PER_PROCESSOR_MAX: usize = 2;

/// Processors that are counted at most, so that all turns together leave blocking threads for the driver.
const PROCESSORS_MAX: usize = 12;

/// Requests of one kind that wait for a turn at most; each holds its parameters in memory.
const WAITING_MAX: usize = 4096;

/// How long a request waits for its turn.
pub const WAIT_MAX: Duration = Duration::from_secs(10);

/// The turns of requests that block.
#[derive(Clone, Debug)]
pub struct Turns {
    reads: Lot,
    calls: Lot,
    own: Lot,
}

/// Turns of one kind.
#[derive(Clone, Debug)]
struct Lot {
    queue: Arc<Mutex<Queue>>,
    most: usize,
    wait_max: Duration,
    place: Place,
}

/// Where work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the thread that asks.
    Here,
    /// On a blocking thread.
    BlockingThread,
}

/// What came of work that began where it was asked.
#[derive(Debug)]
pub enum Begun<T, F> {
    /// It was short.
    Done(T),
    /// It is long, and this does it all.
    Long(F),
}

/// Who waits.
#[derive(Debug)]
struct Queue {
    free: usize,
    arrivals: u64,
    /// By what the caller had had when it came, then by arrival.
    waiting: BTreeMap<(u64, u64), oneshot::Sender<Turn>>,
}

/// The right to run, given to the next one when dropped.
#[derive(Debug)]
struct Turn(Option<Arc<Mutex<Queue>>>);

impl Default for Turns {
    fn default() -> Self {
        Self::within(WAIT_MAX)
    }
}

impl Turns {
    /// Turns that are waited for at most `wait_max`.
    #[must_use]
    pub fn within(wait_max: Duration) -> Self {
        let processors = thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(PROCESSORS_MAX);
        Self {
            reads: Lot::new(READS_MAX, wait_max, Place::Here),
            calls: Lot::new(
                processors.saturating_mul(CALLS_PER_PROCESSOR_MAX),
                wait_max,
                Place::BlockingThread,
            ),
            own: Lot::new(processors.saturating_mul(OWN_PER_PROCESSOR_MAX), wait_max, Place::Here),
        }
    }

    /// Runs a read of the database.
    ///
    /// # Errors
    /// What `work` says, or [`RpcFailure::Busy`].
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        self.reads.run(work).await
    }

    /// Runs what needs the processor but no caller's code.
    ///
    /// # Errors
    /// What `work` says, or [`RpcFailure::Busy`].
    pub async fn own<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        self.own.run(work).await
    }

    /// Runs a caller's code.
    ///
    /// # Errors
    /// What `work` says, or [`RpcFailure::Busy`].
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        self.calls.run(work).await
    }

    /// Runs a caller's code, of which most is short: `begin` does that and does not block for longer than a read.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_begun<T: Send + 'static, F: FnOnce() -> Result<T, RpcFailure> + Send + 'static>(
        &self,
        begin: impl FnOnce() -> Result<Begun<T, F>, RpcFailure> + Send,
    ) -> RpcResult<T> {
        let (turn, caller) = self.calls.admit().await?;
        match here(begin)? {
            Begun::Done(done) => Ok(done),
            Begun::Long(work) => elsewhere(work, turn, caller).await,
        }
    }
}

impl Lot {
    fn new(most: usize, wait_max: Duration, place: Place) -> Self {
        Self {
            queue: Arc::new(Mutex::new(Queue {
                free: most,
                arrivals: 0,
                waiting: BTreeMap::new(),
            })),
            most,
            wait_max,
            place,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        let (turn, caller) = self.admit().await?;
        match self.place {
            Place::Here => here(move || {
                let _turn = turn;
                work()
            }),
            Place::BlockingThread => elsewhere(work, turn, caller).await,
        }
    }

    /// The next turn of whoever asks, and who that is.
    async fn admit(&self) -> RpcResult<(Turn, Option<Arc<Caller>>)> {
        let caller = charge::current();
        let turn = self.turn(caller.as_deref()).await?;
        if let Some(wait) = caller.as_ref().and_then(|caller| caller.overdrawn(Instant::now())) {
            // Many of its requests were let in before the first was paid for: the rest is not worth its turn.
            return Err(charge::refusal(Denied::Spent(wait)));
        }
        Ok((turn, caller))
    }

    /// The next turn of `caller`; the node itself goes before all callers.
    async fn turn(&self, caller: Option<&Caller>) -> Result<Turn, RpcFailure> {
        let used = caller.map_or(0, |caller| caller.used(Instant::now()));
        let busy = RpcFailure::Busy { running: self.most };
        let (key, ready) = {
            let mut queue = self.queue.lock();
            if queue.free > 0 {
                queue.free -= 1;
                return Ok(Turn(Some(Arc::clone(&self.queue))));
            }
            queue.forget_gone();
            if queue.waiting.len() >= WAITING_MAX {
                return Err(busy);
            }
            queue.arrivals += 1;
            let key = (used, queue.arrivals);
            let (sender, ready) = oneshot::channel();
            queue.waiting.insert(key, sender);
            (key, ready)
        };
        match time::timeout(self.wait_max, ready).await {
            Ok(turn) => turn.map_err(|_| busy),
            Err(_) => {
                self.queue.lock().waiting.remove(&key);
                Err(busy)
            }
        }
    }
}

/// Runs `work` on this thread, where its time is counted with all else that the request needs.
fn here<T>(work: impl FnOnce() -> Result<T, RpcFailure>) -> RpcResult<T> {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    Ok(done.map_err(|_| RpcFailure::Internal("it panicked".to_owned()))??)
}

/// Runs `work` on a blocking thread, at the expense of `caller`.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    turn: Turn,
    caller: Option<Arc<Caller>>,
) -> RpcResult<T> {
    let work = move || {
        // The turn ends with the work, not with the caller: a caller that hangs up frees no processor.
        let _turn = turn;
        let (done, time) = cpu::timed(work);
        if let Some(caller) = caller {
            caller.charge(costs::of_time(time));
        }
        done
    };
    let done = task::spawn_blocking(work).await;
    Ok(done.map_err(|error| RpcFailure::Internal(error.to_string()))??)
}

impl Queue {
    /// Forgets callers that hung up, once so many wait that it matters.
    fn forget_gone(&mut self) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.retain(|_, sender| !sender.is_closed());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        let mut waiting = queue.lock();
        while let Some((_, sender)) = waiting.waiting.pop_first() {
            match sender.send(Turn(Some(Arc::clone(&queue)))) {
                Ok(()) => return,
                // It hung up: the turn that came back must not be given on a second time.
                Err(mut turn) => turn.0 = None,
            }
        }
        waiting.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_run_at_once_than_there_are_turns() {
        run_many(Place::BlockingThread).await;
        run_many(Place::Here).await;
    }

    #[tokio::test]
    async fn work_that_panics_is_an_answer_and_gives_its_turn_back() {
        for place in [Place::Here, Place::BlockingThread] {
            let lot = Lot::new(1, WAIT_MAX, place);
            let error = lot.run::<()>(|| panic!("on purpose")).await.unwrap_err();
            assert!(error.message().contains("panic"), "{}", error.message());
            assert_eq!(lot.run(|| Ok(7)).await.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn what_turns_out_to_be_long_leaves_the_thread_that_asked() {
        let turns = Turns::default();
        let begin = |is_long| {
            turns.call_begun(move || {
                let long = || Ok(thread::current().id());
                Ok(match is_long {
                    true => Begun::Long(long),
                    false => Begun::Done(thread::current().id()),
                })
            })
        };
        let asked = thread::current().id();
        assert_eq!(begin(false).await.unwrap(), asked);
        assert_ne!(begin(true).await.unwrap(), asked);
        type Work = fn() -> Result<(), RpcFailure>;
        let panics = || -> Result<Begun<(), Work>, RpcFailure> { panic!("on purpose") };
        let error = turns.call_begun(panics).await.unwrap_err();
        assert!(error.message().contains("panic"), "{}", error.message());
        assert_eq!(turns.calls.queue.lock().free, turns.calls.most, "all turns came back");
    }

    async fn run_many(place: Place) {
        let lot = Lot::new(3, WAIT_MAX, place);
        let running = Arc::new(AtomicUsize::new(0));
        let tasks = (0..24).map(|_| {
            let (lot, running) = (lot.clone(), Arc::clone(&running));
            tokio::spawn(async move {
                lot.run(move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    thread::sleep(Duration::from_millis(2));
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(now)
                })
                .await
            })
        });
        let seen: Vec<_> = futures::future::join_all(tasks).await;
        let most = seen.into_iter().map(|done| done.unwrap().unwrap()).max();
        assert!(most <= Some(3), "{most:?} ran at once");
        assert_eq!(lot.queue.lock().free, 3, "all turns came back");
    }

    #[tokio::test]
    async fn who_waits_too_long_hears_that_the_node_is_busy() {
        let lot = Lot::new(1, Duration::from_millis(1), Place::Here);
        let _held = lot.turn(None).await.unwrap();
        let error = lot.run(|| Ok(())).await.unwrap_err();
        assert_eq!(error.code(), super::super::error::CODE_LIMIT);
        assert!(error.message().contains("busy"), "{}", error.message());
        assert!(lot.queue.lock().waiting.is_empty(), "it waits no more");
    }

    #[tokio::test]
    async fn callers_that_hang_up_lose_their_turn_and_nobody_elses() {
        let lot = Lot::new(1, WAIT_MAX, Place::Here);
        let held = lot.turn(None).await.unwrap();
        let gone = tokio::spawn({
            let lot = lot.clone();
            async move { lot.turn(None).await.map(drop) }
        });
        task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        drop(held);
        assert!(lot.turn(None).await.is_ok());
        assert_eq!(lot.queue.lock().free, 1);
    }
}
