//! Is what was final still there after the process ended, politely or not, in the middle of work, and after its disk failed?

use std::{
    collections::BTreeMap,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::B256;
use ledger_tests::{
    crash::{self, Plan},
    harness::{
        Account, Node, Rpc, built_binary,
        promo::{self, SMALL},
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a node works before it is ended.
const WORK: Duration = Duration::from_secs(4);
/// SIGTERM must be obeyed within this time.
const STOP_MAX: Duration = Duration::from_secs(5);

/// What a client saw as final: receipts by transaction.
type Seen = BTreeMap<B256, Value>;

/// Requests codes from new accounts on and on until told to stop, and returns every receipt that it saw and every transaction that
/// the node had accepted.
fn load(rpc: &Rpc, chain_id: u64, stop: &AtomicBool) -> (Seen, Vec<B256>) {
    let (mut seen, mut accepted) = (Seen::new(), Vec::new());
    let call = promo::request_code(SMALL);
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..20 {
            let (raw, hash) = Account::random(chain_id).signed(0, &call);
            if rpc.try_call("eth_sendRawTransaction", &json!([raw])).is_ok() {
                accepted.push(hash);
            }
        }
        for hash in accepted
            .iter()
            .rev()
            .take(200)
            .filter(|hash| !seen.contains_key(*hash))
            .copied()
            .collect::<Vec<_>>()
        {
            if let Ok(receipt) = rpc.try_call("eth_getTransactionReceipt", &json!([hash]))
                && !receipt.is_null()
            {
                seen.insert(hash, receipt);
            }
        }
    }
    (seen, accepted)
}

fn head(rpc: &Rpc) -> Value {
    rpc.call("eth_getBlockByNumber", &json!(["latest", false]))
}

/// Loads the node, ends it in the middle with `end`, starts it again and compares: three times over, on one folder.
fn survive(end: impl Fn(&mut Node), keeps_waiting: bool) {
    let mut node = Node::start();
    let offer = node
        .dev_account(0)
        .send(node.rpc(), &promo::set_offer(SMALL, 1_000_000))
        .expect("an offer is accepted");
    assert!(promo::succeeded(&offer));
    let mut all_seen = Seen::new();
    for round in 1..=3 {
        let stop = AtomicBool::new(false);
        let (address, chain_id) = (node.address(), node.chain_id());
        let (seen, accepted, last) = thread::scope(|scope| {
            let loader = scope.spawn(|| load(&Rpc::new(address), chain_id, &stop));
            thread::sleep(WORK);
            let last = head(node.rpc());
            end(&mut node);
            stop.store(true, Ordering::Relaxed);
            let (seen, accepted) = loader.join().expect("the load runs to its end");
            (seen, accepted, last)
        });
        assert!(
            seen.len() > 20,
            "round {round}: too little load to show anything: {} receipts",
            seen.len()
        );
        all_seen.extend(seen);

        node.restart();
        let rpc = node.rpc();
        let again = rpc.call("eth_getBlockByNumber", &json!([last["number"], false]));
        assert_eq!(again, last, "round {round}: the final block changed");
        for (hash, receipt) in &all_seen {
            let kept = rpc.call("eth_getTransactionReceipt", &json!([hash]));
            assert_eq!(&kept, receipt, "round {round}: a final receipt changed");
        }
        let fresh = Account::random(chain_id)
            .send(rpc, &promo::request_code(SMALL))
            .expect("the chain goes on");
        promo::code_of(&fresh);
        if keeps_waiting {
            accepted
                .iter()
                .for_each(|hash| assert!(promo::succeeded(&rpc.await_receipt(*hash)), "round {round}"));
        }
    }
    assert!(!node.log().contains("panicked"), "{}", node.log());
}

#[test]
fn nothing_final_is_lost_when_the_process_is_killed_under_load() {
    survive(Node::kill, false);
}

#[test]
fn nothing_accepted_is_lost_when_the_process_is_told_to_stop_under_load() {
    let end = |node: &mut Node| {
        let (status, took) = node.terminate();
        assert!(status.success(), "ended with {status}");
        assert!(took < STOP_MAX, "took {took:?} to stop");
    };
    survive(end, true);
}

/// A short form of what `make crash` does for an hour.
#[test]
fn nothing_final_is_lost_to_kills_failing_disks_and_damaged_files() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let plan = Plan {
        seed,
        kills: 15,
        verify_every: 15,
        faults: 6,
        damages: 4,
    };
    let shown = crash::run(plan, |what| println!("{what}")).unwrap_or_else(|what| panic!("{what}"));
    println!("{}", shown.tables());
    assert_eq!(shown.kills.under_load + shown.kills.while_starting, plan.kills);
    // How much a debug build gets done in these moments is the machine's affair; that it did something is not.
    let (receipts, blocks) = (shown.receipts, shown.blocks);
    assert!(
        receipts > 0 && blocks > 10,
        "too little load to show anything: {receipts} receipts, {blocks} blocks"
    );
}

/// Runs `ledger-node db` on the data of `node`, which may run; gives the JSON object that it prints.
fn db(node: &Node, arguments: &[&str]) -> Value {
    let output = Command::new(built_binary("ledger-node"))
        .args(["db", "--chain", "dev", "--json", "--data-dir"])
        .arg(node.data_dir())
        .args(arguments)
        .output()
        .expect("ledger-node starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn a_backup_taken_under_load_is_a_whole_chain_up_to_its_head() {
    let node = Node::start();
    let offer = node
        .dev_account(0)
        .send(node.rpc(), &promo::set_offer(SMALL, 1_000_000))
        .expect("an offer is accepted");
    assert!(promo::succeeded(&offer));
    let (folder, stop) = (
        TempDir::with_prefix("ledger-backup-").expect("a folder"),
        AtomicBool::new(false),
    );
    thread::scope(|scope| {
        let loader = scope.spawn(|| load(&Rpc::new(node.address()), node.chain_id(), &stop));
        for backup in ["first", "second", "third"] {
            thread::sleep(Duration::from_millis(1200));
            let path = folder.path().join(backup).display().to_string();
            let before = head(node.rpc());
            let made = db(&node, &["backup", &path]);
            let head = made["head"].as_u64().map(|number| format!("0x{number:x}"));
            let block = node.rpc().call("eth_getBlockByNumber", &json!([head, false]));
            assert_eq!(
                block["hash"], made["head_hash"],
                "the backup ends in another block than the chain has"
            );
            assert!(
                crash::number(&before["number"]) <= made["head"].as_u64(),
                "the backup lacks final blocks"
            );
            let report = db(&node, &["verify", "--re-execute", "--backup", &path]);
            assert_eq!(report["sound"], true, "{report}");
        }
        stop.store(true, Ordering::Relaxed);
        let (seen, _) = loader.join().expect("the load runs to its end");
        assert!(
            seen.len() > 20,
            "too little load to show anything: {} receipts",
            seen.len()
        );
    });
}

#[test]
fn a_killed_node_is_back_within_seconds() {
    let mut node = Node::start();
    node.kill();
    let before = Instant::now();
    node.restart();
    node.rpc().call("eth_blockNumber", &json!([]));
    assert!(before.elapsed() < Duration::from_secs(5), "took {:?}", before.elapsed());
}
