//! Users who keep asking for codes at a steady rate, each at a node of its own, and remember every receipt that they were shown.
//!
//! A receipt means that the block is final. So each has to be there in the end, the same, on every node.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::harness::{
    Account, Rpc,
    promo::{self, SMALL},
};

/// Between two requests of one user.
const PAUSE: Duration = Duration::from_millis(250);
/// Receipts that a user asks for between two requests.
const LOOKS: usize = 4;
/// Requests whose receipts a user waits for. Older ones may be lost with the node that took them.
const WAITING_MAX: usize = 1_000;

/// Asks until it is dropped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ends: AtomicBool,
    receipts: Mutex<BTreeMap<B256, Value>>,
    chain_id: u64,
}

impl Load {
    /// One user for each of these nodes.
    pub fn start(nodes: &[SocketAddr], chain_id: u64) -> Self {
        let shared = Arc::new(Shared {
            ends: AtomicBool::new(false),
            receipts: Mutex::default(),
            chain_id,
        });
        let threads = nodes.iter().map(|address| {
            let (shared, rpc) = (Arc::clone(&shared), Rpc::new(*address));
            thread::spawn(move || shared.ask(&rpc))
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }

    /// Every receipt that a user was shown so far.
    pub fn receipts(&self) -> BTreeMap<B256, Value> {
        let receipts = self.shared.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        receipts.clone()
    }
}

impl Shared {
    fn ask(&self, rpc: &Rpc) {
        let call = promo::request_code(SMALL);
        let mut waiting = VecDeque::new();
        let mut due = Instant::now();
        while !self.ends.load(Ordering::Relaxed) {
            let (raw, hash) = Account::random(self.chain_id).signed(0, &call);
            if rpc.try_call("eth_sendRawTransaction", &json!([raw])).is_ok() {
                waiting.push_back(hash);
                if waiting.len() > WAITING_MAX {
                    waiting.pop_front();
                }
            }
            for hash in waiting.drain(..waiting.len().min(LOOKS)).collect::<Vec<_>>() {
                match rpc.try_call("eth_getTransactionReceipt", &json!([hash])) {
                    Ok(receipt) if !receipt.is_null() => self.remember(hash, receipt),
                    _ => waiting.push_back(hash),
                }
            }
            due += PAUSE;
            match due.checked_duration_since(Instant::now()) {
                Some(pause) => thread::sleep(pause),
                // What could not be asked in time is not asked at once afterwards.
                None => due = Instant::now(),
            }
        }
    }

    fn remember(&self, hash: B256, receipt: Value) {
        let mut receipts = self.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        receipts.insert(hash, receipt);
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
