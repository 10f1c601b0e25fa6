//! Validators decide: with `ledger-node validator`, on real nodes, from the proposal to its effect.

use std::{
    fs,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use ledger_chainspec::ChainSpec;
use ledger_tests::harness::{Node, NodeOptions, Rpc, Testnet, built_binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Account of the dev chain's validator, and of the testnet's first one, in the public test mnemonic.
const VALIDATOR: &str = "0";

/// Longest wait for a timelock of a second, with a slow machine's blocks.
const PATIENCE: Duration = Duration::from_secs(20);

/// `ledger-node validator` against `rpc`, with account `by` of the test mnemonic.
fn run(rpc: &Rpc, by: &str, arguments: &[&str]) -> Output {
    Command::new(built_binary("ledger-node"))
        .arg("validator")
        .args(["--rpc", &rpc.url(), "--dev-account", by])
        .args(arguments)
        .output()
        .expect("ledger-node can be run")
}

/// As [`run`]: it has to work. Gives what it printed, and what it said beside.
fn does(rpc: &Rpc, by: &str, arguments: &[&str]) -> (String, String) {
    let output = run(rpc, by, arguments);
    let (out, err) = words(&output);
    assert!(output.status.success(), "{arguments:?}: {err}");
    (out, err)
}

/// As [`run`]: it has to end with `code`. Gives its words.
fn fails(rpc: &Rpc, by: &str, code: i32, arguments: &[&str]) -> String {
    let output = run(rpc, by, arguments);
    let (out, err) = words(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
    err
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A dev chain whose timelock lasts a second.
fn quick_chain() -> (Node, TempDir) {
    let mut spec = ChainSpec::dev();
    spec.governance.timelock_seconds = 1;
    let folder = TempDir::with_prefix("ledger-governance-").expect("a temporary folder can be made");
    let path = folder.path().join("chain.toml");
    fs::write(&path, spec.to_toml()).expect("the specification can be written");
    let node = Node::start_with(NodeOptions {
        chain: path.display().to_string(),
        ..NodeOptions::default()
    });
    (node, folder)
}

/// Carries out a proposal as soon as its timelock lets it.
fn execute(rpc: &Rpc, proposal: &str) {
    let started = Instant::now();
    loop {
        let output = run(rpc, VALIDATOR, &["execute", proposal]);
        if output.status.success() {
            return;
        }
        let (_, err) = words(&output);
        assert!(started.elapsed() < PATIENCE, "{err}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn limits_change_from_what_they_are_to_what_was_voted_for() {
    let (node, _folder) = quick_chain();
    let rpc = node.rpc();
    let (out, _) = does(rpc, VALIDATOR, &["proposals"]);
    assert_eq!(out.trim(), "No proposal is open.");

    let (_, said) = does(
        rpc,
        VALIDATOR,
        &["propose", "limits", "--live-codes", "7", "--period", "2h"],
    );
    assert!(
        said.contains("Vote for it, as the others do: ledger-node validator vote 1"),
        "{said}"
    );
    let (shown, _) = does(rpc, VALIDATOR, &["proposals"]);
    for line in [
        "Proposal 1: Change what one holder may ask for: live codes from 100 to 7, period from 86400 seconds to 7200 seconds.",
        "live codes  100 -> 7",
        "period      86400 seconds -> 7200 seconds",
        "open, with 0 of 1 votes that it needs",
    ] {
        assert!(shown.contains(line), "{line:?} is missing: {shown}");
    }
    assert!(!shown.contains("requests"), "what stays is not told: {shown}");

    // Whoever votes sees on what, and what comes next.
    let (out, said) = does(rpc, VALIDATOR, &["vote", "1"]);
    assert!(said.contains("live codes from 100 to 7"), "{said}");
    assert!(out.contains("passed, with 1 of 1 votes that it needs"), "{out}");
    assert!(said.contains("ledger-node validator execute 1"), "{said}");
    execute(rpc, "1");
    let (_, again) = does(rpc, VALIDATOR, &["propose", "limits", "--live-codes", "8"]);
    assert!(again.contains("live codes from 7 to 8"), "{again}");
    assert!(!again.contains("period"), "{again}");
}

#[test]
fn specs_checkpoints_and_removals_are_proposed_and_taken_back() {
    let (node, _folder) = quick_chain();
    let rpc = node.rpc();
    let spec = [
        "propose",
        "spec",
        "small",
        "--vcpus",
        "2",
        "--memory-mib",
        "4096",
        "--disk-gib",
        "40",
        "--hours",
        "720",
        "--ttl",
        "30d",
        "--reward",
        "2.5",
    ];
    let (_, said) = does(rpc, VALIDATOR, &spec);
    for line in [
        "Define the instance specification \"small\", number 4, beside number 1 of the same name.",
        "2.5 PASS",
        "4096 MiB",
    ] {
        assert!(said.contains(line), "{line:?} is missing: {said}");
    }
    does(rpc, VALIDATOR, &["vote", "1"]);
    does(rpc, VALIDATOR, &["unvote", "1"]);
    let open = json_of(rpc);
    assert_eq!(
        (&open[0]["votesFor"], &open[0]["votes"]),
        (&json!("0x0"), &json!([])),
        "{open}"
    );
    does(rpc, VALIDATOR, &["vote", "1"]);
    execute(rpc, "1");
    let specs = rpc.call("ledger_specs", &json!([]));
    assert_eq!(specs[3]["memoryMib"], json!("0x1000"), "{specs}");

    let contract = "0x00000000000000000000000000000000000000aa";
    let checkpoints = ["propose", "checkpoints", "--every", "50", "--contract", contract];
    let (_, said) = does(rpc, VALIDATOR, &checkpoints);
    for line in [
        "100 blocks -> 50 blocks",
        "none: not anchored -> 0x00000000000000000000000000000000000000",
    ] {
        assert!(said.contains(line), "{line:?} is missing: {said}");
    }
    does(rpc, VALIDATOR, &["withdraw", "2"]);
    let words = fails(rpc, VALIDATOR, 2, &["vote", "2"]);
    assert!(words.contains("no proposal 2 is open"), "{words}");

    let account = rpc.call("ledger_validators", &json!([]))["validators"][0]["account"].clone();
    let account = account.as_str().expect("an address");
    let (_, said) = does(rpc, VALIDATOR, &["propose", "removal", account]);
    assert!(
        said.contains("of the cloud \"Aurora Cloud\" (member 1) from the set"),
        "{said}"
    );
    assert!(said.contains("validators  1 -> 0"), "{said}");
    // No majority empties the set.
    does(rpc, VALIDATOR, &["vote", "3"]);
    thread::sleep(Duration::from_secs(2));
    let words = fails(rpc, VALIDATOR, 1, &["execute", "3"]);
    assert!(words.contains("the ledger refuses to carry out proposal 3"), "{words}");
    // Strangers neither propose nor vote.
    let words = fails(rpc, "5", 1, &["propose", "member-removal", "2"]);
    assert!(words.contains("the ledger refuses to open a proposal"), "{words}");
    let words = fails(rpc, VALIDATOR, 2, &["propose", "limits"]);
    assert!(words.contains("--live-codes"), "{words}");
}

fn json_of(rpc: &Rpc) -> Value {
    let (out, _) = does(rpc, VALIDATOR, &["proposals", "--json"]);
    serde_json::from_str(&out).expect("it is JSON")
}

#[test]
fn a_validator_leaves_and_the_others_go_on_without_its_turns() {
    let net = Testnet::start(4, 1);
    let rpc = net.rpc("node-0");
    // The fourth validator's account is account 6.
    let (out, _) = does(&rpc, "6", &["leave"]);
    assert!(out.contains("your validator is in the set no more"), "{out}");
    let (listed, _) = does(&rpc, VALIDATOR, &["list"]);
    assert!(
        listed.starts_with("Set 1: 3 validators, 3 of them make a block final"),
        "{listed}"
    );
    net.does(&["stop-node", "validator-3"]);
    // With three of three needed, each block shows that nobody waits for the fourth.
    let before = net.await_agreement();
    let (_, said) = does(&rpc, VALIDATOR, &["propose", "limits", "--live-codes", "9"]);
    assert!(
        said.contains("Proposal 1: Change what one holder may ask for: live codes from 3 to 9."),
        "{said}"
    );
    let words = fails(&rpc, "6", 1, &["vote", "1"]);
    assert!(
        words.contains("the ledger refuses to take a vote for proposal 1"),
        "{words}"
    );
    assert!(net.await_agreement() > before);
}
