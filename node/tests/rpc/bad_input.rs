//! Whatever comes in: an error that says what is wrong, no panic, and the node goes on.

use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::predeploys::TRANSACT;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    server::{post, raw},
    world::{Person, World},
};

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let world = World::start().await;
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("nonsense", -32700),
        ("\u{0}\u{1}\u{2}", -32700),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_coinbases"}"#, -32601),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_sendTransaction","params":[{}]}"#,
            -32601,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}"#, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":"0x1"}"#,
            -32602,
        ),
        ("[]", -32600),
    ] {
        let (_, _, answer) = post(&world, body).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{body:?} gave {answer:?}"));
        assert_eq!(answer["error"]["code"], json!(code), "{body}: {answer}");
        assert!(
            answer["error"]["message"]
                .as_str()
                .is_some_and(|words| !words.is_empty()),
            "{answer}"
        );
    }
    let deep = "[".repeat(100_000);
    assert!(post(&world, &deep).await.2.contains("error"));
    assert_eq!(
        raw(&world, "PUT / HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n")
            .await
            .0,
        405
    );
    assert_eq!(raw(&world, "not http at all\r\n\r\n").await.0, 400);
    alive(&world).await;
}

#[tokio::test]
async fn parameters_of_the_wrong_kind_are_refused() {
    let world = World::start().await;
    let zero = B256::ZERO;
    for (method, params) in [
        ("eth_getBalance", json!(["0x12", "latest"])),
        ("eth_getBalance", json!([TRANSACT, "newest"])),
        ("eth_getBalance", json!([TRANSACT, "0xzz"])),
        ("eth_getBalance", json!([TRANSACT, "0x1ffffffffffffffff"])),
        ("eth_getBalance", json!([[], {}])),
        ("eth_getBlockByNumber", json!([true, "no"])),
        ("eth_getBlockByHash", json!(["latest", true])),
        (
            "eth_getStorageAt",
            json!([TRANSACT, format!("0x{}", "1".repeat(65)), "latest"]),
        ),
        ("eth_getProof", json!([TRANSACT, "0x0", "latest"])),
        ("eth_call", json!(["0x"])),
        ("eth_call", json!([{ "to": "me" }])),
        ("eth_call", json!([{ "to": TRANSACT, "data": "0x1" }])),
        ("eth_call", json!([{ "to": TRANSACT }, "latest", { "0x12": {} }])),
        ("eth_estimateGas", json!([{ "gas": "lots" }])),
        ("eth_getLogs", json!([{ "topics": "all" }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "blockHash": zero }])),
        ("eth_getTransactionByHash", json!(["0x00"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([zero, "-1"])),
        ("eth_getFilterChanges", json!(["filter"])),
        ("eth_feeHistory", json!(["0x1", "latest", ["high"]])),
        ("eth_sendRawTransaction", json!(["0xabc"])),
        ("eth_sendRawTransaction", json!([17])),
        ("web3_sha3", json!(["hello"])),
        ("ledger_verifyCode", json!([7, { "cloud": 1 }])),
        ("ledger_verifyCode", json!(["0x7", "Aurora Cloud"])),
        ("ledger_code", json!([null])),
    ] {
        let error = world.refused(method, params.clone()).await;
        assert_eq!(error.code(), -32602, "{method} {params}: {error:?}");
    }
    alive(&world).await;
}

#[tokio::test]
async fn garbage_transactions_are_refused_in_words() {
    let world = World::start().await;
    let good = alloy_eips::eip2718::Encodable2718::encoded_2718(&Person::number(20).pay(0, 0, 0));
    let cut = |length: usize| Bytes::copy_from_slice(&good[..length]);
    let longer = Bytes::from([good.as_slice(), &[0]].concat());
    let mut cases: Vec<Bytes> = (0..good.len()).step_by(7).map(cut).collect();
    cases.extend([
        longer,
        Bytes::from(vec![0xc0]),
        Bytes::from(vec![0xff; 64]),
        Bytes::from(vec![5, 0xc0]),
    ]);
    for bytes in cases {
        let error = world.refused("eth_sendRawTransaction", json!([bytes])).await;
        assert_eq!(error.code(), -32602, "{bytes}: {error:?}");
        assert!(error.message().starts_with("invalid transaction"), "{error:?}");
    }
    let long = Bytes::from(vec![2; 200_000]);
    let error = world.refused("eth_sendRawTransaction", json!([long])).await;
    assert_eq!(error.message(), "oversized data: transaction size 200000, limit 131072");
    let offered = alloy_eips::eip2718::Encodable2718::encoded_2718(&Person::number(20).pay(0, 0, 1));
    let error = world
        .refused("eth_sendRawTransaction", json!([Bytes::from(offered)]))
        .await;
    assert_eq!(error.code(), -32000);
    assert!(
        error.message().contains("insufficient funds") && error.message().contains("gas is free"),
        "{error:?}"
    );
    assert_eq!(
        world.send(&Person::number(20).pay(0, 0, 0)).await,
        alloy_primitives::keccak256(&good)
    );
    let again = world
        .refused("eth_sendRawTransaction", json!([Bytes::from(good)]))
        .await;
    assert!(again.message().starts_with("already known"), "{again:?}");
    alive(&world).await;
}

#[tokio::test]
async fn calls_that_never_end_are_cut_off() {
    let world = World::start().await;
    // JUMPDEST PUSH0 JUMP: for ever.
    let endless = json!({ "0x0000000000000000000000000000000000009999": { "code": "0x5b5f56" } });
    let request = json!({ "to": "0x0000000000000000000000000000000000009999", "gas": "0xffffffffffff" });
    let error = world.refused("eth_call", json!([request, "latest", endless])).await;
    assert_eq!(error.code(), -32000, "{error:?}");
    assert_eq!(error.message(), "out of gas");
    alive(&world).await;
}

#[tokio::test]
async fn silent_and_broken_sockets_hurt_nobody() {
    let world = World::start().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let mut broken = TcpStream::connect(&address).await.unwrap();
    broken
        .write_all(b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\n{\"half")
        .await
        .unwrap();
    drop(broken);
    let _silent = TcpStream::connect(&address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    alive(&world).await;
}

async fn alive(world: &World) {
    assert_eq!(world.ask::<Value>("eth_chainId", json!([])).await, json!("0x189c"));
}
