//! How much does one node do on this machine, client included? Starts a node of the same build on a new folder, and measures promo
//! code requests from signed bytes to final receipt, then reads. Prints one line per phase; every figure is of this run.
//!
//! `make bench` builds for release and runs it. Arguments: number of requests (default 10000), connections (default 4).

mod stats;

use std::{
    collections::HashMap,
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use ledger_tests::harness::{Account, Node, Rpc, promo, resident_bytes};
use serde_json::{Value, json};
use stats::Phase;

/// Transactions per JSON-RPC batch.
const BATCH: usize = 100;
/// Reads of each kind.
const READS: usize = 20_000;
/// How often the head is looked at while requests are awaited.
const HEAD_POLL: Duration = Duration::from_millis(5);
/// The run ends with an error if requests are still missing after this long without a new block.
const STALL: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let requests = arguments.next().transpose()?.unwrap_or(10_000);
    let connections = arguments.next().transpose()?.unwrap_or(4).max(1);
    let node = Node::start();
    let cores = thread::available_parallelism()?;
    println!("{requests} requests, {connections} connections, {cores} cores, node and client on the same machine");

    // More than are asked for, so that the reads afterwards find a pool with codes left.
    let offer = promo::set_offer(promo::SMALL, u32::try_from(requests + 1)?);
    let receipt = node.dev_account(0).send(node.rpc(), &offer)?;
    assert!(promo::succeeded(&receipt), "the offer was refused: {receipt}");

    let signed = sign_requests(node.chain_id(), requests);
    let (submitted, finals) = request_codes(&node, &signed, connections)?;
    println!("{}", submitted.line());
    println!("{}", finals.line());
    let call = json!([{ "to": promo::request_code(1).to, "data": promo::request_code(1).data }, "latest"]);
    println!(
        "{}",
        read(&node, "eth_call requestCode", connections, |_| (
            "eth_call",
            call.clone()
        ))
        .line()
    );
    let receipt_of = |index: usize| ("eth_getTransactionReceipt", json!([signed[index % signed.len()].1]));
    println!(
        "{}",
        read(&node, "eth_getTransactionReceipt", connections, receipt_of).line()
    );
    let verify_of = |index: usize| {
        (
            "ledger_verifyCode",
            json!([signed[index % signed.len()].1, { "cloud": 1 }]),
        )
    };
    println!("{}", read(&node, "ledger_verifyCode", connections, verify_of).line());
    println!(
        "memory of the node afterwards: {} MB",
        resident_bytes(node.pid()) / 1_000_000
    );
    Ok(())
}

/// One request each from as many accounts that nobody knows, signed ahead of the measurement.
fn sign_requests(chain_id: u64, count: usize) -> Vec<(String, B256)> {
    let call = promo::request_code(promo::SMALL);
    (0..count).map(|_| Account::random(chain_id).signed(0, &call)).collect()
}

/// Sends all requests in batches and waits until each is in a final block: the time that handing in took, per batch, and the time
/// from handing in to final, per request.
fn request_codes(node: &Node, signed: &[(String, B256)], connections: usize) -> Result<(Phase, Phase), Box<dyn Error>> {
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let sender = || {
        let rpc = Rpc::new(node.address());
        let mut sent = Vec::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = signed
                .get(from..signed.len().min(from + BATCH))
                .filter(|batch| !batch.is_empty())
            else {
                return sent;
            };
            let before = Instant::now();
            send_batch(&rpc, batch);
            sent.push((from, before, before.elapsed()));
        }
    };
    let (sent, seen) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch_blocks(node, signed.len()));
        let senders: Vec<_> = (0..connections).map(|_| scope.spawn(sender)).collect();
        let sent: Vec<_> = senders
            .into_iter()
            .flat_map(|sender| sender.join().expect("a sender works"))
            .collect();
        (sent, watcher.join().expect("the watcher works"))
    });
    let seen = seen?;
    let mut batches = Phase {
        name: "batches of 100 requests handed in",
        took: Duration::ZERO,
        samples: Vec::new(),
    };
    let mut finals = Phase {
        name: "requests, from handing in to final",
        took: Duration::ZERO,
        samples: Vec::new(),
    };
    for (from, before, took) in sent {
        batches.samples.push(took);
        batches.took = batches.took.max((before + took).duration_since(started));
        for (_, hash) in signed.iter().skip(from).take(BATCH) {
            let at = seen.get(hash).ok_or_else(|| format!("request {hash} was lost"))?;
            finals.samples.push(at.saturating_duration_since(before));
            finals.took = finals.took.max(at.duration_since(started));
        }
    }
    Ok((batches, finals))
}

fn send_batch(rpc: &Rpc, batch: &[(String, B256)]) {
    let request = |(id, (raw, _)): (usize, &(String, B256))| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw] });
    let body = Value::Array(batch.iter().enumerate().map(request).collect()).to_string();
    let answer = rpc.post(body.as_bytes()).expect("the node answers");
    let answers: Vec<Value> = serde_json::from_str(&answer.body).expect("a batch is answered by a batch");
    let refused = answers.iter().find(|answer| answer.get("error").is_some());
    assert!(
        answers.len() == batch.len() && refused.is_none(),
        "refused: {refused:?}"
    );
}

/// When each transaction was first seen in a block, until `count` of them were.
fn watch_blocks(node: &Node, count: usize) -> Result<HashMap<B256, Instant>, String> {
    let rpc = Rpc::new(node.address());
    let number = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<U256>().ok())
            .map(|number| number.to::<u64>())
    };
    let mut next = number(&rpc.call("eth_blockNumber", &json!([]))).ok_or("no block number")? + 1;
    let mut seen = HashMap::with_capacity(count);
    let mut newest = Instant::now();
    while seen.len() < count {
        let block = rpc.call("eth_getBlockByNumber", &json!([format!("{next:#x}"), false]));
        let Some(hashes) = block["transactions"].as_array() else {
            if newest.elapsed() > STALL {
                return Err(format!(
                    "{} of {count} requests are final, and no block came for {STALL:?}",
                    seen.len()
                ));
            }
            thread::sleep(HEAD_POLL);
            continue;
        };
        newest = Instant::now();
        seen.extend(
            hashes
                .iter()
                .filter_map(|hash| Some((hash.as_str()?.parse().ok()?, newest))),
        );
        next += 1;
    }
    Ok(seen)
}

/// Reads over several connections, one after the other on each.
fn read(
    node: &Node,
    name: &'static str,
    connections: usize,
    request: impl Fn(usize) -> (&'static str, Value) + Sync,
) -> Phase {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let reader = || {
        let rpc = Rpc::new(node.address());
        let mut samples = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= READS {
                return samples;
            }
            let (method, params) = request(index);
            let before = Instant::now();
            rpc.call(method, &params);
            samples.push(before.elapsed());
        }
    };
    let samples = thread::scope(|scope| {
        let readers: Vec<_> = (0..connections).map(|_| scope.spawn(reader)).collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("a reader works"))
            .collect()
    });
    Phase {
        name,
        took: started.elapsed(),
        samples,
    }
}
