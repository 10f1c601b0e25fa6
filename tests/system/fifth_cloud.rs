//! A fifth cloud from nothing to its first block, suspended, revoked, readmitted and gone, by the commands of the README, while
//! others use the chain.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use alloy_primitives::B256;
use ledger_tests::{
    harness::{Account, Call, Rpc, Testnet, built_binary},
    tidy::repository_root,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The part of the README whose shell blocks are run.
const PART: &str = "### Watch it on the testnet";
/// The chain id of the testnet.
const CHAIN_ID: u64 = 6301;
/// Longest time for all commands, twice what they take; a wait that never ends is one that failed.
const SCRIPT_SECONDS_MAX: &str = "200";
/// The newcomer, as the README names it.
const CLOUD: &str = "Everest Cloud";

/// What is run before the blocks: waits for the set, and says when.
const WAITS: &str = r#"
said() { printf '%5d s  %s\n' $SECONDS "$*"; }
is_in() { clouds=$(ledger-node validator list --json | jq -er '.validators[].cloud') || exit 3; grep -qxF "$CLOUD" <<<"$clouds"; }
await_in() { until is_in; do sleep 0.2; done; said "$1"; }
await_out() { while is_in; do sleep 0.2; done; said "$1"; }
"#;

/// What has to come about after each block.
const AFTER: [&str; 6] = [
    "await_in 'admitted, and its first block is sealed'",
    "await_out 'suspended'",
    "await_in 'back'",
    "await_out 'revoked'",
    "await_in 'readmitted'",
    "await_out 'it left'",
];

fn blocks(readme: &str) -> Vec<&str> {
    let part = readme.split_once(PART).expect("the README has this part").1;
    let part = part.split("\n## ").next().unwrap_or_default();
    let blocks = part.split("```sh\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

/// The README's commands for the network `net`, whose ports are not the usual ones.
fn script(net: &Testnet) -> String {
    let readme = fs::read_to_string(repository_root().join("README.md")).expect("there is a README");
    let blocks = blocks(&readme);
    assert_eq!(blocks.len(), AFTER.len(), "{blocks:#?}");
    let steps = blocks
        .iter()
        .zip(AFTER)
        .map(|(block, after)| format!("{block}\n{after}\n"));
    let status = net.status();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let peers = net.node("node-0")["p2p_port"].as_u64().expect("a port") + 1;
    let script: String = steps.collect();
    script
        .replace("--chain testnet", &format!("--chain {}", text(&status["chain"])))
        .replace("http://127.0.0.1:8650", &text(&status["notary"]["url"]))
        .replace("/tcp/30338", &format!("/tcp/{peers}"))
        .replace(".data/testnet", &net.path().display().to_string())
}

/// Runs the README's commands; gives what they said.
fn run(net: &Testnet) -> String {
    let home = TempDir::with_prefix("ledger-fifth-").expect("a temporary folder can be made");
    let notary = built_binary("ledger-notary");
    let binaries = notary.parent().expect("a binary lies in a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args([
            SCRIPT_SECONDS_MAX,
            "bash",
            "-euo",
            "pipefail",
            "-c",
            &format!("{WAITS}{}", script(net)),
        ])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("PATH", format!("{binaries}:{path}"))
        .env("CLOUD", CLOUD)
        .env("LEDGER_RPC", net.rpc("node-0").url())
        .env(
            "LEDGER_NOTARY_SERVER",
            net.status()["notary"]["url"].as_str().expect("an address"),
        )
        .output()
        .expect("timeout and bash are installed");
    let (said, complaint) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{complaint}\n---- said ----\n{said}");
    assert!(output.status.success(), "the commands of the README do not work");
    said.into_owned()
}

/// Uses the chain until told to end; gives the receipts of all that was taken.
fn load(rpc: &Rpc, is_over: &AtomicBool) -> Vec<B256> {
    let user = Account::random(CHAIN_ID);
    let nothing = Call {
        to: user.address(),
        data: Default::default(),
    };
    let mut taken = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let receipt = user.send(rpc, &nothing).expect("a transfer of nothing is taken");
        let hash = receipt["transactionHash"].as_str().and_then(|hash| hash.parse().ok());
        taken.push(hash.expect("a receipt names its transaction"));
        thread::sleep(Duration::from_millis(200));
    }
    taken
}

#[test]
fn a_fifth_cloud_comes_is_suspended_revoked_and_readmitted_and_leaves_by_the_readmes_commands() {
    let net = Testnet::start_with_notary(4, 1);
    let (entry, is_over) = (net.rpc("node-0"), AtomicBool::new(false));
    let (said, taken) = thread::scope(|scope| {
        let loader = scope.spawn(|| load(&entry, &is_over));
        let said = run(&net);
        is_over.store(true, Ordering::SeqCst);
        (said, loader.join().expect("the load goes on"))
    });
    let height = net.await_agreement();
    let newcomer = net.rpc("validator-4");
    for transaction in &taken {
        newcomer.await_receipt(*transaction);
    }
    assert!(said.contains("its first block is"), "{said}");
    let account = fs::read_to_string(net.path().join("validator-4/wallets/account.json")).expect("it has an account");
    let account: Value = serde_json::from_str(&account).expect("a keystore is JSON");
    let account = format!(
        "0x{}",
        account["address"]
            .as_str()
            .expect("a keystore names its account")
            .trim_start_matches("0x")
    );
    let miner =
        |number: u64| entry.call("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]))["miner"].clone();
    let own = (1..=height).filter(|number| miner(*number) == json!(account)).count();
    println!(
        "{} transfers in {height} blocks, {own} of them the newcomer's",
        taken.len()
    );
    // Thrice in the set, a fifth of the blocks each time.
    assert!(own >= 3, "the newcomer made {own} of {height} blocks");
    // Its turns ended with its membership.
    let last = (1..=height)
        .rev()
        .find(|number| miner(*number) == json!(account))
        .expect("it made some");
    let set = entry.call("ledger_validators", &json!([]));
    assert_eq!(set["validators"].as_array().map(Vec::len), Some(4), "{set}");
    let after = Account::random(CHAIN_ID);
    for _ in 0..6 {
        let nothing = Call {
            to: after.address(),
            data: Default::default(),
        };
        after.send(&entry, &nothing).expect("a transfer of nothing is taken");
    }
    let end = net.await_agreement();
    assert!((last + 1..=end).all(|number| miner(number) != json!(account)));
    a_dead_notary_is_named_and_started_again(&net);
}

/// The network goes on without its notary, and `up` brings it back.
fn a_dead_notary_is_named_and_started_again(net: &Testnet) {
    let notary = net.status()["notary"].clone();
    for pid in ["pid", "signer_pid"].map(|process| notary[process].to_string()) {
        let sent = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGKILL could not be sent");
    }
    while net.status()["notary"]["condition"] != "ended" {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!net.run(&["status"]).status.success());
    net.does(&["up", "--detach"]);
    let status = net.status();
    assert_eq!(
        (&status["notary"]["condition"], &status["good"]),
        (&json!("ready"), &json!(true)),
        "{status}"
    );
}
