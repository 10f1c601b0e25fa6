//! Does a node that has nothing to do leave the machine alone, and does a new one answer at once? Alone in its test binary: it
//! measures time and memory.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use ledger_tests::harness::{
    Account, Node, process_cpu_ticks, process_io_written,
    promo::{self, SMALL},
    resident_bytes,
};
use serde_json::json;

/// Longest time from the start of the process to its first answer.
const START_MAX: Duration = Duration::from_secs(1);
/// Most memory of a node that has nothing to do.
const IDLE_BYTES_MAX: u64 = 100_000_000;
/// How long the quiet is watched.
const WATCHED: Duration = Duration::from_secs(8);
/// Processor time that a quiet node may use while it is watched, in the kernel's ticks of 10 ms.
const QUIET_TICKS_MAX: u64 = 8;

/// Path, size and time of the last change of every file below a folder.
fn files(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the data folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let about = path.metadata().expect("a file has metadata");
            if about.is_dir() {
                folders.push(path);
            } else {
                found.push((path, about.len(), about.modified().expect("files have times")));
            }
        }
    }
    found.sort();
    found
}

/// A new node, and the time from the start of its process to its first answer.
fn start() -> (Node, Duration) {
    let node = Node::start();
    let asked = Instant::now();
    node.rpc().call("eth_chainId", &json!([]));
    let started = node.announced().after + asked.elapsed();
    (node, started)
}

#[test]
fn a_quiet_node_writes_nothing_and_is_small() {
    // The quickest of three starts, since something else may hold the machine during one.
    let (node, started) = (0..3)
        .map(|_| start())
        .min_by_key(|(_, started)| *started)
        .expect("three starts");

    // Not only a node that never worked: one that made blocks and has been quiet since.
    let offer = node
        .dev_account(0)
        .send(node.rpc(), &promo::set_offer(SMALL, 10))
        .expect("an offer is accepted");
    assert!(promo::succeeded(&offer));
    promo::code_of(
        &Account::random(node.chain_id())
            .send(node.rpc(), &promo::request_code(SMALL))
            .expect("accepted"),
    );
    thread::sleep(Duration::from_secs(3));

    let (before, written, ticks) = (
        files(&node.data_dir()),
        process_io_written(node.pid()),
        process_cpu_ticks(node.pid()),
    );
    thread::sleep(WATCHED);
    let memory = resident_bytes(node.pid());
    let used = process_cpu_ticks(node.pid()) - ticks;
    println!("first answer after {started:?}; idle: {memory} bytes resident, {used} ticks in {WATCHED:?}");
    assert_eq!(process_io_written(node.pid()), written, "a quiet node caused writes");
    assert_eq!(files(&node.data_dir()), before, "a quiet node changed its files");
    assert!(!before.is_empty());
    assert!(
        used <= QUIET_TICKS_MAX,
        "a quiet node used {used} ticks of processor time in {WATCHED:?}"
    );
    assert!(memory < IDLE_BYTES_MAX, "an idle node holds {memory} bytes");
    assert!(started < START_MAX, "the first answer took {started:?}");
}
