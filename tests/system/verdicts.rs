//! Does a cloud get the right word for every id it may be shown?

use std::{fs, thread, time::Duration};

use alloy_primitives::{B256, U256};
use ledger_chainspec::ChainSpec;
use ledger_tests::harness::{
    Account, Node, NodeOptions, RpcError,
    promo::{self, SMALL},
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const AURORA: u32 = 1;
const BOREALIS: u32 = 2;

/// A dev chain whose codes of spec "small" live for `ttl_seconds`, where both clouds offer 100 of them.
fn start(ttl_seconds: Option<u32>) -> (Node, Option<NamedTempFile>) {
    let mut options = NodeOptions::default();
    let file = ttl_seconds.map(|ttl| {
        let mut spec = ChainSpec::dev();
        let small = spec.instance_specs.first_mut().expect("the dev chain has specs");
        small.ttl_seconds = ttl.into();
        let file = NamedTempFile::with_suffix(".toml").expect("a temporary file can be made");
        fs::write(file.path(), spec.to_toml()).expect("the temporary file can be written");
        options.chain = file.path().display().to_string();
        file
    });
    let node = Node::start_with(options);
    for owner in [0, 2] {
        let receipt = node.dev_account(owner).send(node.rpc(), &promo::set_offer(SMALL, 100));
        assert!(promo::succeeded(&receipt.expect("an offer is accepted")));
    }
    (node, file)
}

/// A new user with a code: the user, the transaction's id, the code's number.
fn request(node: &Node) -> (Account, String, U256) {
    let user = Account::random(node.chain_id());
    let receipt = user
        .send(node.rpc(), &promo::request_code(SMALL))
        .expect("a request is accepted");
    let id = receipt["transactionHash"]
        .as_str()
        .expect("a receipt names its transaction")
        .to_owned();
    (user, id, promo::code_of(&receipt))
}

fn verify(node: &Node, id: &str, member: u32) -> Value {
    promo::verify(node.rpc(), id, member).expect("every id gets a verdict")
}

fn assert_verdict(node: &Node, id: &str, expected: &str) -> Value {
    let answer = verify(node, id, BOREALIS);
    assert_eq!(answer["verdict"], expected, "{answer}");
    let is_live = matches!(expected, "valid" | "transferred");
    assert_eq!(answer["ttlSeconds"] != "0x0", is_live, "{answer}");
    assert!(
        answer["reason"].as_str().is_some_and(|words| words.len() > 10),
        "no sentence for people: {answer}"
    );
    answer
}

#[test]
fn each_end_of_a_code_has_its_own_verdict() {
    let (node, _file) = start(None);
    let rpc = node.rpc();

    let (_, valid, _) = request(&node);
    let answer = assert_verdict(&node, &valid, "valid");
    assert_eq!(answer["code"]["spec"]["name"], "small");
    assert_eq!(answer["redeemable"], false, "without the holder's signature: {answer}");

    let (user, cancelled, code) = request(&node);
    assert!(promo::succeeded(
        &user
            .send(rpc, &promo::cancel(code))
            .expect("a cancellation is accepted")
    ));
    assert_verdict(&node, &cancelled, "cancelled");

    let (user, transferred, code) = request(&node);
    let other = Account::random(node.chain_id());
    let sent = user
        .send(rpc, &promo::transfer(code, other.address()))
        .expect("a transfer is accepted");
    assert!(promo::succeeded(&sent));
    let answer = assert_verdict(&node, &transferred, "transferred");
    let holder = answer["code"]["holder"].as_str().expect("a code has a holder");
    assert_eq!(holder.parse(), Ok(other.address()));

    let (user, redeemed, code) = request(&node);
    let consent = promo::consent(&user, node.chain_id(), code, AURORA);
    let used = node
        .dev_account(1)
        .send(rpc, &promo::redeem(code, &consent))
        .expect("a redemption is accepted");
    assert!(promo::succeeded(&used));
    let answer = assert_verdict(&node, &redeemed, "redeemed");
    assert_eq!(answer["code"]["ending"]["transaction"], used["transactionHash"]);

    assert_verdict(&node, &B256::repeat_byte(0xab).to_string(), "neverIssued");
    let offer = node
        .dev_account(0)
        .send(rpc, &promo::set_offer(SMALL, 99))
        .expect("an offer is accepted");
    assert_verdict(&node, offer["transactionHash"].as_str().expect("a hash"), "notARequest");
    let failed = Account::random(node.chain_id())
        .send(rpc, &promo::request_code(99))
        .expect("a transaction is accepted");
    assert!(!promo::succeeded(&failed));
    assert_verdict(&node, failed["transactionHash"].as_str().expect("a hash"), "failed");
}

#[test]
fn a_code_expires_by_the_clock_even_if_no_block_comes() {
    let (node, _file) = start(Some(3));
    let (user, id, code) = request(&node);
    assert_verdict(&node, &id, "valid");
    thread::sleep(Duration::from_millis(4_500));
    assert_verdict(&node, &id, "expired");

    let consent = promo::consent(&user, node.chain_id(), code, AURORA);
    let late = node
        .dev_account(1)
        .send(node.rpc(), &promo::redeem(code, &consent))
        .expect("a transaction is accepted");
    assert!(!promo::succeeded(&late), "an expired code was redeemed: {late}");
    assert_verdict(&node, &id, "expired");
}

#[test]
fn somebody_elses_id_is_worth_nothing_without_the_holders_signature() {
    let (node, _file) = start(None);
    let (user, id, code) = request(&node);
    let thief = Account::random(node.chain_id());
    let redeemer = node.dev_account(1);
    let chain = node.chain_id();
    let stolen = [
        promo::consent(&thief, chain, code, AURORA),
        promo::consent(&user, chain, code, BOREALIS),
        promo::consent(&user, chain + 1, code, AURORA),
        promo::consent(&user, chain, code + U256::from(1), AURORA),
    ];
    for consent in &stolen {
        let authorization = json!({
            "signupRef": consent.signupRef,
            "deadline": format!("{:#x}", consent.deadline),
            "signature": consent.signature,
        });
        let asked = json!([id, { "cloud": AURORA, "authorization": authorization }]);
        let answer = node.rpc().call("ledger_verifyCode", &asked);
        assert_eq!(
            (&answer["verdict"], &answer["redeemable"]),
            (&json!("valid"), &json!(false)),
            "{answer}"
        );
        let receipt = redeemer
            .send(node.rpc(), &promo::redeem(code, consent))
            .expect("a transaction is accepted");
        assert!(!promo::succeeded(&receipt), "redeemed with {consent:?}");
    }
    let by_stranger = thief.send(
        node.rpc(),
        &promo::redeem(code, &promo::consent(&user, chain, code, AURORA)),
    );
    assert!(
        !promo::succeeded(&by_stranger.expect("a transaction is accepted")),
        "a stranger redeemed"
    );
    assert_verdict(&node, &id, "valid");
}

#[test]
fn an_id_that_is_none_is_refused_with_words() {
    let (node, _file) = start(None);
    for id in ["", "0x", "hello", "0x1234zz", "ABCD-EFGH", &"7".repeat(5_000)] {
        match promo::verify(node.rpc(), id, AURORA) {
            Err(RpcError::Refused { message, .. }) => assert!(!message.is_empty(), "{id:?}"),
            Ok(answer) => assert_eq!(answer["verdict"], "neverIssued", "{id:?}: {answer}"),
            Err(error @ RpcError::Unreachable(_)) => panic!("{id:?}: {error}"),
        }
    }
}
