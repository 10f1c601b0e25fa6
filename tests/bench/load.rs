//! How many transactions per second does a target take in and include, for as long as it is offered more?

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use ledger_tests::harness::Rpc;
use serde_json::{Value, json};

use super::{Options, stats::Phase, target::Signed};

/// Transactions in one JSON-RPC batch.
const BATCH: usize = 100;

/// Transactions handed in and not included yet, at most: more than a block of either side, and less than a pool.
const UNDER_WAY_MAX: usize = 8_000;

/// How often a sender that is ahead looks again, and the watcher for a block.
const POLL: Duration = Duration::from_millis(2);

/// The run ends with an error if transactions are still missing after this long without a new block.
const STALL: Duration = Duration::from_secs(30);

/// What a load did.
#[derive(Default)]
pub struct Load {
    /// From handing in to being seen in a block, for each transaction; and the time from the first to the last.
    pub phase: Phase,
    /// Hashes of what was included.
    pub included: Vec<B256>,
}

impl Load {
    /// What another load did after it.
    pub fn add(&mut self, more: Self) {
        self.phase.add(more.phase);
        self.included.extend(more.included);
    }
}

/// Where transactions go, and where they are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub name: &'static str,
    pub sent_to: SocketAddr,
    pub seen_on: SocketAddr,
}

/// Sends `signed` in batches for [`Options::seconds`], then waits until all that was sent is included.
pub fn run(route: Route, signed: &[Signed], options: &Options) -> Result<Load, Box<dyn Error>> {
    let progress = Progress::default();
    let started = Instant::now();
    let sent = Mutex::new(HashMap::new());
    let sender = || {
        let rpc = Rpc::new(route.sent_to);
        while started.elapsed() < options.sending() {
            if progress.under_way() >= UNDER_WAY_MAX {
                thread::sleep(POLL);
                continue;
            }
            let from = progress.taken.fetch_add(BATCH, Ordering::SeqCst);
            let Some(batch) = signed.get(from..from + BATCH) else {
                return Err(format!("{} was faster than signed transactions were made", route.name));
            };
            let at = Instant::now();
            send(&rpc, batch)?;
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.extend(batch.iter().map(|(_, hash)| (*hash, at)));
            drop(sent);
            progress.sent.fetch_add(BATCH, Ordering::SeqCst);
        }
        Ok(())
    };
    let seen = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(route.seen_on, &progress));
        let senders: Vec<_> = (0..options.connections).map(|_| scope.spawn(sender)).collect();
        let sent: Result<Vec<()>, String> = senders
            .into_iter()
            .map(|sender| sender.join().expect("a sender does not panic"))
            .collect();
        progress.done.store(true, Ordering::SeqCst);
        let seen = watcher.join().expect("the watcher does not panic");
        sent.and(seen)
    })?;
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut samples = Vec::with_capacity(sent.len());
    let mut last = started;
    for (hash, at) in &sent {
        let included = seen.get(hash).ok_or_else(|| format!("{hash} was lost"))?;
        samples.push(included.saturating_duration_since(*at));
        last = last.max(*included);
    }
    Ok(Load {
        phase: Phase {
            took: last.duration_since(started),
            samples,
        },
        included: sent.into_keys().collect(),
    })
}

/// How far senders and watcher are.
#[derive(Default)]
pub struct Progress {
    taken: AtomicUsize,
    sent: AtomicUsize,
    seen: AtomicUsize,
    done: AtomicBool,
}

impl Progress {
    /// Of a load of which `count` transactions are to be seen, sent by somebody else.
    pub fn expecting(count: usize) -> Self {
        Self {
            sent: AtomicUsize::new(count),
            done: AtomicBool::new(true),
            ..Self::default()
        }
    }

    fn under_way(&self) -> usize {
        let taken = self.taken.load(Ordering::SeqCst);
        taken.saturating_sub(self.seen.load(Ordering::SeqCst))
    }

    fn is_complete(&self) -> bool {
        self.done.load(Ordering::SeqCst) && self.seen.load(Ordering::SeqCst) >= self.sent.load(Ordering::SeqCst)
    }
}

fn send(rpc: &Rpc, batch: &[Signed]) -> Result<(), String> {
    let mut body = String::with_capacity(batch.len() * 512);
    for (id, (raw, _)) in batch.iter().enumerate() {
        body.push(if id == 0 { '[' } else { ',' });
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{raw}"]}}"#);
        body.push_str(&request);
    }
    body.push(']');
    let answer = rpc.post(body.as_bytes()).map_err(|error| error.to_string())?;
    // Looked at as text: parsing the answers would take the processor that is measured.
    let results = answer.body.matches("\"result\"").count();
    if results == batch.len() {
        return Ok(());
    }
    Err(format!(
        "a batch was not taken: {}",
        answer.body.get(..500).unwrap_or(&answer.body)
    ))
}

/// When each transaction was first seen in a block, until all that was sent is there.
pub fn watch(node: SocketAddr, progress: &Progress) -> Result<HashMap<B256, Instant>, String> {
    let rpc = Rpc::new(node);
    let head = rpc.call("eth_blockNumber", &json!([]));
    let head = head
        .as_str()
        .and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
    let mut next = head.ok_or("no block number")? + 1;
    let mut seen = HashMap::new();
    let mut newest = Instant::now();
    while !progress.is_complete() {
        let block = rpc.call("eth_getBlockByNumber", &json!([format!("{next:#x}"), false]));
        let Some(hashes) = block["transactions"].as_array() else {
            if newest.elapsed() > STALL {
                return Err(format!("no block came for {STALL:?}, and transactions are missing"));
            }
            thread::sleep(POLL);
            continue;
        };
        newest = Instant::now();
        let parse = |hash: &Value| Some((hash.as_str()?.parse().ok()?, newest));
        seen.extend(hashes.iter().filter_map(parse));
        progress.seen.store(seen.len(), Ordering::SeqCst);
        next += 1;
    }
    Ok(seen)
}
