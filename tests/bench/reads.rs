//! How many reads per second does a target answer, and how long does each take?

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use ledger_tests::harness::Rpc;
use serde_json::Value;

use super::{Options, stats::Phase};

/// Asks over several connections, one request after the other on each.
pub fn run(address: SocketAddr, options: &Options, request: impl Fn(usize) -> (&'static str, Value) + Sync) -> Phase {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        (started.elapsed() < options.reading()).then(|| (index, Instant::now()))
    };
    ask(address, options.connections, &take, &request)
}

/// Asks at a steady rate, whether answers come or not: the time of an answer counts from when it was due, so that one that
/// keeps others waiting is counted for each of them.
pub fn paced(
    address: SocketAddr,
    options: &Options,
    per_second: u32,
    request: impl Fn(usize) -> (&'static str, Value) + Sync,
) -> Phase {
    let started = Instant::now();
    let interval = Duration::from_secs(1) / per_second;
    let next = AtomicU64::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let due = interval.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
        if due >= options.reading() {
            return None;
        }
        thread::sleep(due.saturating_sub(started.elapsed()));
        Some((index, started + due))
    };
    ask(address, options.connections, &take, &request)
}

fn ask(
    address: SocketAddr,
    connections: usize,
    take: &(impl Fn() -> Option<(u64, Instant)> + Sync),
    request: &(impl Fn(usize) -> (&'static str, Value) + Sync),
) -> Phase {
    let started = Instant::now();
    let reader = || {
        let rpc = Rpc::new(address);
        let mut samples = Vec::new();
        while let Some((index, due)) = take() {
            let (method, params) = request(usize::try_from(index).unwrap_or_default());
            let body = format!(r#"{{"jsonrpc":"2.0","id":{index},"method":"{method}","params":{params}}}"#);
            let answer = rpc.post(body.as_bytes()).expect("the target answers");
            assert!(answer.body.contains("\"result\""), "{method}: {}", answer.body);
            samples.push(due.elapsed());
        }
        samples
    };
    let samples = thread::scope(|scope| {
        let readers: Vec<_> = (0..connections).map(|_| scope.spawn(reader)).collect();
        let samples = readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader does not panic"));
        samples.flatten().collect()
    });
    Phase {
        took: started.elapsed(),
        samples,
    }
}
