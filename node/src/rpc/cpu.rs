//! How long has a processor worked for this? Time of the processor and not of the clock: on a busy machine, waiting would be charged
//! to whoever is made to wait.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// Processor time of `work`, which runs on this thread alone.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = thread_time();
    let done = work();
    (done, thread_time().saturating_sub(started))
}

/// Processor time of `work`, wherever it is polled. What it has others do is not counted, and nothing is that nobody `pays`
/// for: each look at the clock is a call of the system.
pub(super) async fn timed_polls<T>(work: impl Future<Output = T>, pays: bool) -> (T, Duration) {
    if !pays {
        return (work.await, Duration::ZERO);
    }
    let mut work = pin!(work);
    let mut spent = Duration::ZERO;
    let done = poll_fn(|context| {
        let (polled, time) = timed(|| work.as_mut().poll(context));
        spent += time;
        polled
    });
    let done = done.await;
    (done, spent)
}

/// Time that this thread has had a processor.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, thread, time::Instant};

    use super::*;

    #[tokio::test]
    async fn work_counts_and_waiting_does_not() {
        let (_, slept) = timed(|| thread::sleep(Duration::from_millis(30)));
        assert!(slept < Duration::from_millis(20), "{slept:?} of sleep");
        let work = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let started = Instant::now();
            let mut rounds = 0_u64;
            while started.elapsed() < Duration::from_millis(30) {
                rounds = black_box(rounds + 1);
            }
            rounds
        };
        let (rounds, worked) = timed_polls(work, true).await;
        assert!(rounds > 0 && worked > Duration::ZERO, "{worked:?} of work");
        assert_eq!(timed_polls(async { 7 }, false).await, (7, Duration::ZERO));
    }
}
