//! Are honest callers served while others do their worst? One node, honest callers before and during a flood from other
//! addresses: bad, huge, deep, slow and endless requests, batches, answers that nobody takes.
//!
//! What is compared is the same node in the same minute, quiet and under the flood, which runs on the same processors.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ledger_tests::harness::{
    Account, Node, NodeOptions, Visitor,
    promo::{self, SMALL},
    resident_bytes,
};
use serde_json::{Value, json};
use tokio::{runtime::Builder, time::sleep};

/// How long honest callers are watched alone.
const QUIET: Duration = Duration::from_secs(4);
/// How long the flood may use up its bursts before the watch begins.
const ONSET: Duration = Duration::from_secs(4);
/// How long they are watched in the flood.
const FLOOD: Duration = Duration::from_secs(12);
/// How often each honest caller asks.
const PACE: Duration = Duration::from_millis(80);
/// How much longer 99 of 100 answers may take in the flood. The flood's own senders need the same two processors.
const SLOWER_MAX: u32 = 25;
/// No quiet time is taken for shorter than this, so that a fast machine asks for no more than a slow one.
const QUIET_LEAST: Duration = Duration::from_millis(20);
/// Memory of the node at any moment.
const MEMORY_BYTES_MAX: u64 = 1 << 30;

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What honest callers saw.
#[derive(Debug, Default)]
struct Honest {
    waits: Mutex<Vec<Duration>>,
    failures: Mutex<Vec<String>>,
    transactions: AtomicU64,
}

impl Honest {
    /// The wait that 99 of 100 answers stayed below, and how many there were; starts anew.
    fn take(&self) -> (Duration, usize) {
        let mut waits = std::mem::take(&mut *held(&self.waits));
        waits.sort();
        let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or(Duration::MAX);
        (p99, waits.len())
    }
}

/// What the flood was answered, by attack and outcome.
#[derive(Clone, Debug, Default)]
struct Outcomes(Arc<Mutex<BTreeMap<(&'static str, String), u64>>>);

impl Outcomes {
    fn note(&self, attack: &'static str, outcome: impl Into<String>) {
        *held(&self.0).entry((attack, outcome.into())).or_default() += 1;
    }

    fn count(&self, attack: &str, outcome: &str) -> u64 {
        let all = held(&self.0);
        let found = all
            .iter()
            .filter(|((of, what), _)| *of == attack && what.starts_with(outcome));
        found.map(|(_, count)| count).sum()
    }
}

#[test]
fn honest_callers_are_served_while_others_do_their_worst() {
    let node = Node::start_with(NodeOptions {
        // The clouds are trusted, as an operator would trust those of the programme; the user who sends transactions and all the
        // others are strangers. Their share suits a build without optimisation, where the same request takes ten times as long.
        arguments: [
            "--rpc-trusted",
            "127.1.0.0/16",
            "--rpc-caller-rate",
            "300",
            "--rpc-caller-burst",
            "500",
            "--rpc-idle-seconds",
            "3",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..NodeOptions::default()
    });
    let holder = Account::random(node.chain_id());
    let receipt = holder
        .send(node.rpc(), &promo::request_code(SMALL))
        .expect("a code is issued");
    let code = receipt["transactionHash"]
        .as_str()
        .expect("a receipt names its transaction")
        .to_owned();

    let (honest, stop) = (Arc::new(Honest::default()), Arc::new(AtomicBool::new(false)));
    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started");
    for last in 1..=2 {
        threads.spawn(verify(
            node.address(),
            [1, 0, last],
            code.clone(),
            Arc::clone(&honest),
            Arc::clone(&stop),
        ));
    }
    let chain_id = node.chain_id();
    threads.spawn(transact(
        node.address(),
        chain_id,
        Arc::clone(&honest),
        Arc::clone(&stop),
    ));
    thread::sleep(QUIET);
    let (quiet, quiet_answers) = honest.take();
    let quiet_transactions = honest.transactions.swap(0, Ordering::Relaxed);

    let outcomes = Outcomes::default();
    attack(&threads, node.address(), &outcomes, &stop);
    thread::sleep(ONSET);
    honest.take();
    let (mut most, until) = (0, Instant::now() + FLOOD);
    while Instant::now() < until {
        most = most.max(resident_bytes(node.pid()));
        thread::sleep(Duration::from_millis(100));
    }
    let (flooded, flood_answers) = honest.take();
    stop.store(true, Ordering::Relaxed);
    threads.shutdown_timeout(Duration::from_secs(2));

    let transactions = honest.transactions.load(Ordering::Relaxed);
    println!("quiet: p99 {quiet:?} of {quiet_answers} answers, {quiet_transactions} transactions");
    println!(
        "flood: p99 {flooded:?} of {flood_answers} answers, {transactions} transactions, {} MiB",
        most >> 20
    );
    for ((attack, outcome), count) in held(&outcomes.0).iter() {
        println!("  {attack:<12} {outcome:<28} {count}");
    }
    let failures = held(&honest.failures);
    assert!(failures.is_empty(), "honest callers failed: {failures:?}");
    let bound = quiet.max(QUIET_LEAST) * SLOWER_MAX;
    assert!(flooded <= bound, "99 of 100 within {flooded:?}, {bound:?} at most");
    assert!(flood_answers > 50, "only {flood_answers} honest answers");
    assert!(transactions > 10, "only {transactions} honest transactions were taken");
    assert!(most < MEMORY_BYTES_MAX, "the node took {} MiB", most >> 20);
    assert_refused(&outcomes);
    assert!(!node.log().contains("panicked"), "{}", node.log());
    assert_eq!(node.rpc().get("/health").map(|answer| answer.status), Ok(200));
}

/// Each attack met the answer that is meant for it.
fn assert_refused(outcomes: &Outcomes) {
    for (attack, outcome) in [
        ("garbage", "200 -32700"),
        ("deep", "200 -32602"),
        ("deep", "429 -32005"),
        ("huge", "413 -32007"),
        ("endless", "429 -32005"),
        ("batch", "429 -32005"),
        ("connections", "closed"),
        ("slow head", "closed"),
        ("untaken", "blocked"),
        ("nonsense", "blocked"),
    ] {
        assert!(
            outcomes.count(attack, outcome) > 0,
            "{attack} never met {outcome}: {outcomes:?}"
        );
    }
}

/// A cloud that checks a code again and again.
async fn verify(server: SocketAddr, at: [u8; 3], code: String, honest: Arc<Honest>, stop: Arc<AtomicBool>) {
    let body = call("ledger_verifyCode", json!([code, { "cloud": 1 }]));
    let Ok(mut visitor) = Visitor::connect(server, at).await else {
        held(&honest.failures).push("not connected".to_owned());
        return;
    };
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        match visitor.post(body.as_bytes()).await {
            Ok(answer) if answer.body.contains("\"verdict\"") => held(&honest.waits).push(started.elapsed()),
            other => held(&honest.failures).push(format!("{other:?}")),
        }
        sleep(PACE.saturating_sub(started.elapsed())).await;
    }
}

/// A user that sends transactions.
async fn transact(server: SocketAddr, chain_id: u64, honest: Arc<Honest>, stop: Arc<AtomicBool>) {
    let Ok(mut visitor) = Visitor::connect(server, [2, 0, 1]).await else {
        held(&honest.failures).push("not connected".to_owned());
        return;
    };
    while !stop.load(Ordering::Relaxed) {
        let (raw, _) = Account::random(chain_id).signed(0, &promo::request_code(SMALL));
        match visitor
            .post(call("eth_sendRawTransaction", json!([raw])).as_bytes())
            .await
        {
            Ok(answer) if answer.code().is_none() => honest.transactions.fetch_add(1, Ordering::Relaxed),
            other => {
                held(&honest.failures).push(format!("{other:?}"));
                0
            }
        };
        sleep(2 * PACE).await;
    }
}

fn call(method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

/// Starts the flood: every attack from addresses of its own.
fn attack(threads: &tokio::runtime::Runtime, server: SocketAddr, outcomes: &Outcomes, stop: &Arc<AtomicBool>) {
    let endless = json!({ "0x0000000000000000000000000000000000009999": { "code": "0x5b5f56" } });
    let endless = call(
        "eth_call",
        json!([{ "to": "0x0000000000000000000000000000000000009999" }, "latest", endless]),
    );
    let logs = call("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "latest" }]));
    let balance = call(
        "eth_getBalance",
        json!(["0x7777777777777777777777777777777777777777", "latest"]),
    );
    let batch = format!("[{}]", vec![balance; 900].join(","));
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let nested = call("eth_call", Value::Null).replace("null", &deep);
    let bodies: [(&'static str, Vec<u8>, u8); 7] = [
        ("garbage", b"{\"jsonrpc\": nonsense".to_vec(), 4),
        ("deep", deep.into_bytes(), 4),
        ("deep", nested.into_bytes(), 4),
        ("huge", vec![b' '; 8 << 20], 2),
        ("endless", endless.into_bytes(), 24),
        ("logs", logs.into_bytes(), 8),
        ("batch", batch.into_bytes(), 8),
    ];
    for (at, (name, body, connections)) in (10..).zip(bodies) {
        let body = Arc::new(body);
        for connection in 0..connections {
            // Two addresses for each attack.
            let from = [0, at, connection % 2];
            threads.spawn(flood(server, from, name, Arc::clone(&body), outcomes.clone()));
        }
    }
    for last in 0..2 {
        threads.spawn(open_many(server, [0, 30, last], outcomes.clone(), Arc::clone(stop)));
        threads.spawn(slow_heads(server, [0, 31, last], outcomes.clone()));
        threads.spawn(slow_bodies(server, [0, 32, last]));
        threads.spawn(take_nothing(
            server,
            [0, 33, last],
            ("untaken", call("rpc.discover", json!([]))),
            outcomes.clone(),
        ));
        threads.spawn(take_nothing(
            server,
            [0, 34, last],
            ("nonsense", "x".to_owned()),
            outcomes.clone(),
        ));
    }
}

/// Posts the same body without a pause, on and on.
async fn flood(server: SocketAddr, at: [u8; 3], name: &'static str, body: Arc<Vec<u8>>, outcomes: Outcomes) {
    loop {
        let Ok(mut visitor) = Visitor::connect(server, at).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        loop {
            match visitor.post(&body).await {
                Ok(answer) => {
                    let code = answer.code().map_or_else(String::new, |code| code.to_string());
                    outcomes.note(name, format!("{} {code}", answer.status));
                }
                Err(_) => {
                    outcomes.note(name, "closed");
                    sleep(Duration::from_millis(20)).await;
                    break;
                }
            }
        }
    }
}

/// Opens connections and keeps them.
async fn open_many(server: SocketAddr, at: [u8; 3], outcomes: Outcomes, stop: Arc<AtomicBool>) {
    let mut held = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match Visitor::connect(server, at).await {
            Ok(mut visitor) if held.len() >= 32 => {
                let closed = visitor.is_closed_within(Duration::from_millis(200)).await;
                outcomes.note("connections", if closed { "closed" } else { "open" });
            }
            Ok(visitor) => held.push(visitor),
            Err(_) => outcomes.note("connections", "refused"),
        }
        if held.len() > 64 {
            held.clear();
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Sends the head of a request a byte at a time.
async fn slow_heads(server: SocketAddr, at: [u8; 3], outcomes: Outcomes) {
    loop {
        let Ok(mut visitor) = Visitor::connect(server, at).await else {
            return;
        };
        let mut outcome = "open";
        for byte in b"POST / HTTP/1.1\r\nhost: node\r\nx-slow: 0123456789".chunks(1) {
            if visitor.write(byte).await.is_err() {
                outcome = "closed";
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        outcomes.note("slow head", outcome);
    }
}

/// Promises bodies and sends a byte a second, on sixteen connections.
async fn slow_bodies(server: SocketAddr, at: [u8; 3]) {
    let mut held = Vec::new();
    loop {
        if held.len() < 16
            && let Ok(mut visitor) = Visitor::connect(server, at).await
        {
            let head =
                b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 5000000\r\n\r\n";
            let _ = visitor.write(head).await;
            held.push(visitor);
        }
        for visitor in &mut held {
            let _ = visitor.write(b" ").await;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Speaks on a WebSocket and takes nothing of what it is told.
async fn take_nothing(server: SocketAddr, at: [u8; 3], (name, message): (&'static str, String), outcomes: Outcomes) {
    let mut held = Vec::new();
    for _ in 0..4 {
        let Ok(mut visitor) = Visitor::connect(server, at).await else {
            continue;
        };
        if visitor.upgrade().await.is_ok_and(|answer| answer.status == 101) {
            let _ = visitor.say(&call("eth_subscribe", json!(["newHeads"]))).await;
            held.push(visitor);
        }
    }
    loop {
        for visitor in &mut held {
            let speaking = tokio::time::timeout(Duration::from_millis(500), async {
                loop {
                    if visitor.say(&message).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            });
            outcomes.note(name, if speaking.await.is_err() { "blocked" } else { "closed" });
        }
        sleep(Duration::from_millis(100)).await;
    }
}
