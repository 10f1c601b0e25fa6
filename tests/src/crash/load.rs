//! Clients that keep a node busy and remember what it acknowledged, and the check that it is all there.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use alloy_primitives::B256;
use serde_json::{Value, json};

use super::Random;
use crate::harness::{
    Account, Rpc, RpcError,
    promo::{self, SMALL},
};

/// Clients at once.
const CLIENTS: usize = 3;
/// Requests that a client sends before it looks for receipts.
const REQUESTS_PER_LOOK: usize = 8;
/// Receipts that a client asks for at once.
const LOOKS_MAX: usize = 40;
/// How often the newest final block is looked at.
const HEAD_PAUSE: Duration = Duration::from_millis(15);
/// Calls in one JSON-RPC batch.
const BATCH: usize = 50;

/// What a node said is final.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    /// Receipts by transaction.
    pub receipts: BTreeMap<B256, Value>,
    /// Hashes of final blocks by number.
    pub blocks: BTreeMap<u64, Value>,
}

/// What became of the check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Receipts and blocks that were as acknowledged.
    pub there: usize,
    /// What the node said where it could not read, once each.
    pub told: Vec<String>,
}

impl Acknowledged {
    /// Adds what another said.
    pub fn extend(&mut self, other: Self) {
        self.receipts.extend(other.receipts);
        self.blocks.extend(other.blocks);
    }

    /// Some of it: all of the newest `newest` blocks and a sample of the rest.
    #[must_use]
    pub fn sample(&self, newest: usize, random: &mut Random) -> Self {
        let kept = self.blocks.len().saturating_sub(newest) as u64;
        let mut sample = Self {
            blocks: self
                .blocks
                .iter()
                .skip(self.blocks.len().saturating_sub(newest))
                .map(own)
                .collect(),
            receipts: BTreeMap::new(),
        };
        let oldest = sample.blocks.keys().next().copied().unwrap_or_default();
        for (hash, receipt) in &self.receipts {
            if number(&receipt["blockNumber"]) >= Some(oldest) || random.below(kept.max(1)) < 4 {
                sample.receipts.insert(*hash, receipt.clone());
            }
        }
        sample
    }

    /// Asks the node at `rpc` for everything acknowledged.
    ///
    /// # Errors
    /// The first thing that is gone or another; an error of the node is none, and is given.
    pub fn check(&self, rpc: &Rpc) -> Result<Checked, String> {
        let mut checked = Checked::default();
        let receipts = self
            .receipts
            .iter()
            .map(|(hash, receipt)| ("eth_getTransactionReceipt", json!([hash]), receipt));
        let blocks = self.blocks.iter().map(|(number, hash)| {
            let params = json!([format!("0x{number:x}"), false]);
            ("eth_getBlockByNumber", params, hash)
        });
        let all: Vec<_> = receipts.chain(blocks).collect();
        for calls in all.chunks(BATCH) {
            let answers = batch(rpc, calls)?;
            for ((method, params, expected), answer) in calls.iter().zip(answers) {
                if let Some(error) = answer.get("error") {
                    let words = error["message"].as_str().unwrap_or_default().to_owned();
                    if !checked.told.contains(&words) {
                        checked.told.push(words);
                    }
                    continue;
                }
                let result = &answer["result"];
                let found = if *method == "eth_getBlockByNumber" {
                    &result["hash"]
                } else {
                    result
                };
                if found != *expected {
                    return Err(format!(
                        "{method} {params}: acknowledged was {expected}, now it is {found}"
                    ));
                }
                checked.there += 1;
            }
        }
        Ok(checked)
    }
}

fn own((number, hash): (&u64, &Value)) -> (u64, Value) {
    (*number, hash.clone())
}

fn batch(rpc: &Rpc, calls: &[(&str, Value, &Value)]) -> Result<Vec<Value>, String> {
    let requests: Vec<_> = (0..)
        .zip(calls)
        .map(|(id, (method, params, _))| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
        .collect();
    let body = serde_json::to_vec(&requests).map_err(|error| error.to_string())?;
    let answer = rpc
        .post(&body)
        .map_err(|error| format!("the node does not answer: {error}"))?;
    let mut answers: Vec<Value> = serde_json::from_str(&answer.body)
        .map_err(|error| format!("no answer to a batch: {error}: {}", answer.body))?;
    answers.sort_by_key(|answer| answer["id"].as_u64());
    if answers.len() == calls.len() {
        Ok(answers)
    } else {
        Err(format!("{} answers to {} calls", answers.len(), calls.len()))
    }
}

/// The number that a JSON-RPC quantity stands for.
pub fn number(quantity: &Value) -> Option<u64> {
    u64::from_str_radix(quantity.as_str()?.trim_start_matches("0x"), 16).ok()
}

/// Keeps the node at `address` busy while `work` runs; gives what the node acknowledged meanwhile.
///
/// # Panics
/// If a client panics.
pub fn under_load<T>(address: SocketAddr, chain_id: u64, work: impl FnOnce() -> T) -> (Acknowledged, T) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| request_codes(&Rpc::new(address), chain_id, &stop)))
            .collect();
        let watcher = scope.spawn(|| watch_head(&Rpc::new(address), &stop));
        let done = work();
        stop.store(true, Ordering::Relaxed);
        let mut all = watcher.join().expect("the watcher ends");
        for client in clients {
            all.extend(client.join().expect("a client ends"));
        }
        (all, done)
    })
}

fn request_codes(rpc: &Rpc, chain_id: u64, stop: &AtomicBool) -> Acknowledged {
    let call = promo::request_code(SMALL);
    let mut seen = Acknowledged::default();
    let mut waiting = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..REQUESTS_PER_LOOK {
            let (raw, hash) = Account::random(chain_id).signed(0, &call);
            match rpc.try_call("eth_sendRawTransaction", &json!([raw])) {
                Ok(_) => waiting.push(hash),
                Err(RpcError::Unreachable(_)) => thread::sleep(HEAD_PAUSE),
                Err(RpcError::Refused { .. }) => {}
            }
        }
        let looked: Vec<_> = waiting.iter().take(LOOKS_MAX).copied().collect();
        for hash in looked {
            if let Ok(receipt) = rpc.try_call("eth_getTransactionReceipt", &json!([hash]))
                && !receipt.is_null()
            {
                seen.receipts.insert(hash, receipt);
                waiting.retain(|other| *other != hash);
            }
        }
    }
    seen
}

fn watch_head(rpc: &Rpc, stop: &AtomicBool) -> Acknowledged {
    let mut seen = Acknowledged::default();
    while !stop.load(Ordering::Relaxed) {
        if let Ok(block) = rpc.try_call("eth_getBlockByNumber", &json!(["finalized", false]))
            && let Some(number) = number(&block["number"])
        {
            seen.blocks.insert(number, block["hash"].clone());
        }
        thread::sleep(HEAD_PAUSE);
    }
    seen
}
