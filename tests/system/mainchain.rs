//! `ledger-node testnet up --mainchain`: anvil as Ethereum Classic beside the network, with the contract that the chain names.

use std::{process::Command, thread, time::Duration};

use ledger_tests::harness::{Rpc, Testnet};
use serde_json::{Value, json};

/// What the chain of every testnet names: the first contract of test account 0.
const CONTRACT: &str = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

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
    assert_eq!(
        (&first["condition"], &first["checkpoints"]),
        (&json!("ready"), &json!(0)),
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
