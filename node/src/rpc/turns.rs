//! How do many callers read the database without starving the node?
//!
//! Reads and calls block, on the disk or on the processor, so they run on blocking threads; and they run in bounded
//! numbers, so that a crowd of callers makes callers wait and not the driver. Who waits longer than [`WAIT_MAX`] hears
//! that the node is busy.

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use jsonrpsee::core::RpcResult;
use tokio::{sync::Semaphore, task, time};

use super::error::RpcFailure;

/// Reads of the database at once.
pub const READS_MAX: usize = 16;

/// Calls and estimates at once, for each processor: each may keep one busy for a second, with a caller's code.
pub const CALLS_PER_PROCESSOR_MAX: usize = 1;

/// Checks of transactions, and questions to the chain's own contracts, at once, for each processor. They have turns of
/// their own, so that no crowd of calls keeps transactions out or clouds waiting.
pub const OWN_PER_PROCESSOR_MAX: usize = 2;

/// Processors that are counted at most, so that all turns together leave blocking threads for the driver.
const PROCESSORS_MAX: usize = 12;

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
    permits: Arc<Semaphore>,
    most: usize,
    wait_max: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        let processors = thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(PROCESSORS_MAX);
        Self {
            reads: Lot::new(READS_MAX, WAIT_MAX),
            calls: Lot::new(processors.saturating_mul(CALLS_PER_PROCESSOR_MAX), WAIT_MAX),
            own: Lot::new(processors.saturating_mul(OWN_PER_PROCESSOR_MAX), WAIT_MAX),
        }
    }
}

impl Turns {
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
}

impl Lot {
    fn new(most: usize, wait_max: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(most)),
            most,
            wait_max,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        let waiting = time::timeout(self.wait_max, Arc::clone(&self.permits).acquire_owned());
        let permit = waiting.await.map_err(|_| RpcFailure::Busy { running: self.most })?;
        let permit = permit.expect("the semaphore is never closed");
        let done = task::spawn_blocking(move || {
            // The turn ends with the work, not with the caller: a caller that hangs up frees no processor.
            let _turn = permit;
            work()
        });
        let done = done.await.map_err(|error| RpcFailure::Internal(error.to_string()))?;
        Ok(done?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_run_at_once_than_there_are_turns() {
        let lot = Lot::new(3, WAIT_MAX);
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
    }

    #[tokio::test]
    async fn who_waits_too_long_hears_that_the_node_is_busy() {
        let lot = Lot::new(1, Duration::from_millis(1));
        let _held = Arc::clone(&lot.permits).acquire_owned().await.unwrap();
        let error = lot.run(|| Ok(())).await.unwrap_err();
        assert_eq!(error.code(), super::super::error::CODE_LIMIT);
        assert!(error.message().contains("busy"), "{}", error.message());
    }
}
