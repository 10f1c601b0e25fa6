//! `ledger-node testnet up --mainchain`: anvil as Ethereum Classic beside the network, with the contract that the chain names.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use ledger_contracts::CheckpointContract::fingerprintOfCall;
use ledger_tests::harness::{
    Account, Rpc, Testnet, built_binary,
    promo::{self, SMALL},
};
use serde_json::{Value, json};

/// What the chain of every testnet names: the first contract of test account 0.
const CONTRACT: &str = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

/// The chain id of the testnet.
const CHAIN_ID: u64 = 6301;

/// How long signing, bringing and reading back may take: a dozen blocks of the mainchain, and a debug build of five nodes.
const PATIENCE: Duration = Duration::from_secs(180);

fn mainchain(net: &Testnet) -> Value {
    net.status()["mainchain"].clone()
}

/// The contract's code on the mainchain.
fn code(net: &Testnet) -> Value {
    let url = mainchain(net)["url"].as_str().unwrap_or_default().to_owned();
    let address = url.trim_start_matches("http://").parse().expect("an address");
    Rpc::new(address).call("eth_getCode", &json!([CONTRACT, "latest"]))
}

fn height(net: &Testnet) -> u64 {
    mainchain(net)["height"].as_u64().expect("it answers")
}

#[test]
fn a_mainchain_stands_beside_the_network_and_comes_back_with_its_contract() {
    let Some(net) = Testnet::start_with_mainchain(1, 0) else {
        return;
    };
    let first = mainchain(&net);
    assert!(
        first["condition"] == "ready" && first["checkpoints"].is_u64(),
        "{first}"
    );
    let made = code(&net);
    assert_ne!(made, "0x");

    // Said again, it changes nothing.
    net.does(&["up", "--detach"]);
    assert_eq!(mainchain(&net)["pid"], first["pid"]);

    // Stopped and started, it goes on with its chain.
    let before = height(&net);
    net.does(&["down"]);
    assert_eq!(mainchain(&net)["condition"], "stopped");
    net.does(&["up", "--detach"]);
    assert!(height(&net) >= before && code(&net) == made);

    // Killed before it has written anything newer: status says so, and the contract is there again at its address.
    let pid = mainchain(&net)["pid"].to_string();
    let sent = Command::new("kill").args(["-KILL", &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    while mainchain(&net)["condition"] != "ended" {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!net.run(&["status"]).status.success());
    std::fs::remove_file(net.path().join("mainchain/chain.json")).expect("it was written when it was stopped");
    net.does(&["up", "--detach"]);
    assert_eq!(code(&net), made);
}

/// What a node says of the first checkpoints.
fn checkpoints(node: &Rpc) -> Vec<Value> {
    let told = node.call("ledger_checkpoints", &json!([{ "from": "0x1", "count": "0x40" }]));
    told.as_array().cloned().expect("a list")
}

/// How many of them the mainchain holds at least so firmly, as the node has read back.
fn held(checkpoints: &[Value], states: &[&str]) -> usize {
    let is_held = |one: &&Value| one["state"].as_str().is_some_and(|state| states.contains(&state));
    checkpoints.iter().filter(is_held).count()
}

/// Makes blocks until the node says so of its checkpoints; gives them.
fn until(net: &Testnet, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let entry = net.rpc("node-0");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = checkpoints(&entry);
        if is_so(&told) {
            return told;
        }
        assert!(Instant::now() < deadline, "{what}: {told:?}: {}", mainchain(net));
        // A quiet chain makes no blocks.
        let user = Account::random(CHAIN_ID);
        user.send(&entry, &promo::request_code(SMALL))
            .expect("a transaction is taken");
    }
}

#[test]
fn what_the_validators_sign_comes_onto_the_mainchain_and_back() {
    let Some(net) = Testnet::start_with_mainchain(4, 1) else {
        return;
    };
    let url = mainchain(&net)["url"].as_str().unwrap_or_default().to_owned();
    let anvil = Rpc::new(url.trim_start_matches("http://").parse().expect("an address"));
    let told = until(&net, "two are believed", |told| held(told, &["soft", "final"]) >= 2);
    assert!(mainchain(&net)["checkpoints"].as_u64() >= Some(2));
    for (index, one) in (1..).zip(&told) {
        assert_eq!(one["index"], format!("{index:#x}"), "in order, without a gap");
        let is_signed = one["state"] != "signing";
        assert_eq!(quantity(&one["signed"]) >= quantity(&one["quorum"]), is_signed, "{one}");
    }
    for one in &told[..2] {
        let index = quantity(&one["index"]);
        let call = fingerprintOfCall { index }.abi_encode();
        let asked = json!([{ "to": CONTRACT, "data": Bytes::from(call) }, "latest"]);
        assert_eq!(anvil.call("eth_call", &asked), one["fingerprint"]);
    }

    // Of each, one of the two relayers has the transaction that brought it, and its node says so.
    let relaying = ["validator-0", "validator-1"].map(|name| checkpoints(&net.rpc(name)));
    for at in 0..2 {
        let mut transactions = relaying.iter().filter_map(|told| told[at]["transaction"].as_str());
        let brought = transactions.any(|hash| {
            let receipt = anvil.call("eth_getTransactionReceipt", &json!([hash]));
            receipt["status"] == "0x1" && receipt["logs"].as_array().is_some_and(|logs| logs.len() == 1)
        });
        assert!(brought, "{}: {:?}", at + 1, relaying);
    }

    // 10,000 blocks of the mainchain later the first of them are final.
    anvil.call("anvil_mine", &json!(["0x2710"]));
    let told = until(&net, "two are final", |told| held(told, &["final"]) >= 2);
    let order = ["signing", "signed", "submitted", "mined", "soft", "final"];
    let firmness = |one: &Value| order.iter().position(|state| one["state"] == *state);
    assert!(
        told.is_sorted_by_key(|one| std::cmp::Reverse(firmness(one))),
        "{told:?}"
    );
    told_by_status(&net);
}

/// What `ledger_status` and `passport status` say, which the pages show.
fn told_by_status(net: &Testnet) {
    let status = net.rpc("validator-0").call("ledger_status", &json!([]));
    let (signing, anchor) = (&status["checkpoints"], &status["anchor"]);
    assert_eq!(
        signing["contract"].as_str().map(str::to_lowercase),
        Some(CONTRACT.to_lowercase())
    );
    assert_eq!(quantity(&signing["mainchainId"]), 63);
    assert!(
        signing["ownKey"].is_string() && quantity(&signing["newestSigned"]["index"]) >= 2,
        "{status}"
    );
    assert!(
        signing["summary"]
            .as_str()
            .unwrap_or_default()
            .starts_with("this node signs a checkpoint every")
    );
    assert!(
        anchor["newest"]["standing"].is_string() && anchor["alarms"] == json!([]),
        "{status}"
    );
    let passport = Command::new(built_binary("passport"))
        .arg("status")
        .env("PASSPORT_RPC", net.rpc("node-0").url())
        .output()
        .expect("passport can be run");
    let words = String::from_utf8_lossy(&passport.stdout);
    for line in ["Checkpoints    this node signs no checkpoints", "Anchored       "] {
        assert!(words.contains(line), "no `{line}`: {words}");
    }
}

fn quantity(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default().trim_start_matches("0x");
    u64::from_str_radix(text, 16).unwrap_or_else(|_| panic!("no quantity: {value}"))
}

#[test]
fn a_network_without_a_mainchain_gets_one_while_it_is_stopped() {
    let Some(arguments) = Testnet::mainchain_arguments() else {
        return;
    };
    let arguments: Vec<_> = ["up", "--detach"]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .collect();
    let net = Testnet::start(1, 0);
    assert!(mainchain(&net).is_null());
    let refused = net.run(&arguments);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(
        words.contains("without the mainchain") && words.contains("testnet down"),
        "{words}"
    );
    net.does(&["down"]);
    net.does(&arguments);
    assert_eq!(mainchain(&net)["condition"], "ready");
}
