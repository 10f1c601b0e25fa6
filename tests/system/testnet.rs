//! Four validators and a full node as real processes: one promo code across two of them, and what the death of some changes.

use std::{thread, time::Duration};

use alloy_primitives::{B256, U256};
use ledger_tests::harness::{
    Account, Node, NodeOptions, Rpc, Testnet,
    promo::{self, SMALL},
};
use serde_json::{Value, json};

/// The chain id of the testnet.
const CHAIN_ID: u64 = 6301;
/// Redeemer of Aurora Cloud: account 1 of the public test mnemonic.
const REDEEMER: B256 = alloy_primitives::b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
/// Its member id.
const AURORA: u32 = 1;

fn redeemer() -> Account {
    Account::from_key(REDEEMER, CHAIN_ID)
}

/// A new user asks for a code over `rpc`; gives the transaction, the code and the user.
fn request(rpc: &Rpc) -> (Value, U256, Account) {
    let user = Account::random(CHAIN_ID);
    let receipt = user
        .send(rpc, &promo::request_code(SMALL))
        .expect("the request is taken");
    (receipt["transactionHash"].clone(), promo::code_of(&receipt), user)
}

fn offer(rpc: &Rpc) {
    let receipt = redeemer()
        .send(rpc, &promo::set_offer(SMALL, 100))
        .expect("the offer is taken");
    assert!(promo::succeeded(&receipt), "{receipt}");
}

/// Waits until the node at `rpc` knows the transaction.
fn await_transaction(rpc: &Rpc, transaction: &Value) {
    let hash = transaction.as_str().and_then(|hash| hash.parse().ok());
    rpc.await_receipt(hash.expect("a hash"));
}

#[test]
fn a_code_of_one_node_is_redeemed_at_another_while_a_validator_is_dead_and_it_rejoins() {
    let net = Testnet::start(4, 1);
    let (entry, other) = (net.rpc("node-0"), net.rpc("validator-1"));
    offer(&other);
    await_agreement_of_the_pool(&entry);

    net.kill("validator-3");
    let (transaction, code, user) = request(&entry);
    await_transaction(&other, &transaction);
    let id = transaction.as_str().expect("a hash");
    let consent = promo::consent(&user, CHAIN_ID, code, AURORA);
    let redeem = promo::redeem(code, &consent);
    let receipt = redeemer().send(&other, &redeem).expect("it is taken");
    assert!(promo::succeeded(&receipt), "{receipt}");
    let again = redeemer().send(&other, &redeem).expect("it is taken");
    assert!(!promo::succeeded(&again), "a code was redeemed twice: {again}");

    let status = net.status();
    assert_eq!(
        (&status["good"], &status["running"]),
        (&json!(false), &json!(4)),
        "{status}"
    );
    assert_eq!(net.node("validator-3")["condition"], "ended");
    net.does(&["up", "--detach"]);
    net.await_agreement();
    let seen = promo::verify(&net.rpc("validator-3"), id, AURORA).expect("it answers");
    assert_eq!(seen["verdict"], "redeemed", "{seen}");
    // It takes part again: without another one, the three that are left need it.
    net.does(&["stop-node", "validator-0"]);
    request(&entry);
    net.await_agreement();
}

/// Waits until the node at `rpc` knows of something to ask for.
fn await_agreement_of_the_pool(rpc: &Rpc) {
    for _ in 0..100 {
        let pool = rpc.call("ledger_pool", &json!([]));
        if pool[0]["available"] != "0x0" {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("the offer never came: {}", rpc.call("ledger_pool", &json!([])));
}

#[test]
fn the_network_goes_on_with_its_chain_and_a_further_node_joins_it_by_its_specification() {
    let net = Testnet::start(4, 1);
    offer(&net.rpc("node-0"));
    let height = net.await_agreement();
    let head = net.node("node-0")["head"].clone();
    net.does(&["down"]);
    net.does(&["up", "--detach"]);
    assert_eq!(net.node("node-0")["head"], head, "block {height} is what it was");
    let (transaction, ..) = request(&net.rpc("node-0"));

    let joined = Node::start_with(NodeOptions {
        chain: net.path().join("spec.toml").display().to_string(),
        arguments: vec!["--p2p-port".to_owned(), "0".to_owned()],
        ..NodeOptions::default()
    });
    await_transaction(joined.rpc(), &transaction);
    let (later, ..) = request(joined.rpc());
    await_transaction(&net.rpc("validator-2"), &later);
}

/// Slots of load: enough for each of seven validators to have its turn.
const SLOTS: usize = 8;

/// Brings up a network, has a code requested in slot after slot, with all validators and while one of them is stopped, and takes it down.
fn a_network_of(validators: u16) {
    let net = Testnet::start(validators, 0);
    let last = format!("validator-{}", validators - 1);
    offer(&net.rpc("validator-0"));
    for _ in 0..SLOTS {
        request(&net.rpc("validator-0"));
    }
    let status = net.status();
    let running = &status["running"];
    assert_eq!(
        (&status["good"], running),
        (&json!(true), &json!(validators)),
        "{status}"
    );

    net.does(&["stop-node", &last]);
    assert_eq!(net.node(&last)["condition"], "stopped");
    if validators > 1 {
        for _ in 0..SLOTS {
            request(&net.rpc("validator-0"));
        }
    }
    net.does(&["start-node", &last]);
    let (transaction, ..) = request(&net.rpc(&last));
    await_transaction(&net.rpc("validator-0"), &transaction);
    assert!(net.await_agreement() > SLOTS as u64);
    net.does(&["down"]);
    let status = net.status();
    assert_eq!(status["running"], 0, "{status}");
}

#[test]
fn seven_validators_make_blocks_and_go_on_without_one() {
    a_network_of(7);
}

#[test]
fn one_validator_alone_makes_blocks_and_is_stopped_and_started() {
    a_network_of(1);
}
