//! Does wrong input get words instead of harm? Everything here goes to one node, which must answer as before afterwards.

use alloy_primitives::hex;
use ledger_tests::harness::{Account, Call, Node, RpcError, promo};
use serde_json::{Value, json};

/// A body and the JSON-RPC error code that it must be answered with.
const BODIES: &[(&str, &str, i64)] = &[
    (
        "malformed JSON",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["#,
        -32700,
    ),
    ("an empty body", "", -32700),
    ("bytes of nothing", "\u{0}\u{1}\u{2}", -32700),
    ("no request object", r#""eth_chainId""#, -32700),
    (
        "a number as method",
        r#"{"jsonrpc":"2.0","id":1,"method":7,"params":[]}"#,
        -32600,
    ),
    (
        "an unknown method",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_mine","params":[]}"#,
        -32601,
    ),
    (
        "a wrong type",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[true,"latest"]}"#,
        -32602,
    ),
    (
        "a missing parameter",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}"#,
        -32602,
    ),
    (
        "half an address",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1234","latest"]}"#,
        -32602,
    ),
    (
        "an unknown block tag",
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["newest",false]}"#,
        -32602,
    ),
];

#[test]
fn bodies_that_are_no_request_get_the_standard_error() {
    let node = Node::start();
    for (what, body, code) in BODIES {
        let answer = node
            .rpc()
            .post(body.as_bytes())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{what}: {answer:?}"));
        assert_eq!(json["error"]["code"], *code, "{what}: {json}");
    }
    let oversized = node.rpc().post(&vec![b' '; 64 << 20]);
    assert!(
        oversized
            .as_ref()
            .map_or(true, |answer| answer.status == 413 || answer.body.contains("error")),
        "an oversized body was taken: {oversized:?}"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        node.rpc()
            .post(deep.as_bytes())
            .is_ok_and(|answer| answer.body.contains("error")),
        "deep nesting"
    );
    assert_unharmed(&node);
}

#[test]
fn transactions_that_cannot_be_are_refused_with_words() {
    let node = Node::start();
    let user = Account::random(node.chain_id());
    let call = promo::request_code(promo::SMALL);
    let refused =
        |what: &str, raw: &str, words: &str| match node.rpc().try_call("eth_sendRawTransaction", &json!([raw])) {
            Err(RpcError::Refused { message, .. }) => {
                assert!(
                    message.to_lowercase().contains(words),
                    "{what}: {message:?} does not say {words:?}"
                );
            }
            other => panic!("{what} was not refused: {other:?}"),
        };
    refused("nothing", "0x", "");
    refused("garbage", "0xdeadbeef", "");
    refused("a long run of zeros", &format!("0x{}", "00".repeat(4096)), "");
    let (good, _) = user.signed(0, &call);
    refused("half a transaction", &good[..good.len() / 2], "");
    refused("a transaction with more behind it", &format!("{good}00"), "");
    refused(
        "another chain's transaction",
        &Account::random(1).signed(0, &call).0,
        "chain",
    );
    let huge = Call {
        to: call.to,
        data: vec![1; 300_000].into(),
    };
    refused("an oversized transaction", &user.signed(0, &huge).0, "");
    let blob = format!("0x03{}", hex::encode(alloy_primitives::keccak256(b"blob")));
    refused("a blob transaction", &blob, "");

    node.rpc().call("eth_sendRawTransaction", &json!([good]));
    refused("the same once more", &good, "already known");
    user.send(node.rpc(), &call).expect("the next one is accepted");
    refused(
        "a nonce that was used",
        &user.signed(0, &promo::set_offer(1, 1)).0,
        "nonce too low",
    );
    assert_unharmed(&node);
}

/// The node answers as ever, and no part of it has panicked.
fn assert_unharmed(node: &Node) {
    assert_eq!(node.rpc().call("eth_gasPrice", &json!([])), "0x0");
    assert_eq!(node.rpc().get("/health").map(|answer| answer.status), Ok(200));
    assert!(!node.log().contains("panicked"), "{}", node.log());
}
