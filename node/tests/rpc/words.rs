//! Does the node refuse in geth's words and with its codes? Wallets and libraries tell errors apart by them.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, uint};
use alloy_signer::SignerSync;
use serde_json::{Value, json};

use crate::{
    filled::{BAD_JUMP, BURNER, INVALID, REVERTER},
    world::{Person, World, blank},
};

/// The order of secp256k1's group.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

fn raw(transaction: &TxEnvelope) -> Value {
    json!([Bytes::from(transaction.encoded_2718())])
}

/// The same transaction with the other signature that verifies: `s` in the upper half.
fn with_high_s(person: &Person, transaction: TxEip1559) -> TxEnvelope {
    let low = person.0.sign_hash_sync(&transaction.signature_hash()).unwrap();
    let high = Signature::new(low.r(), ORDER - low.s(), !low.v());
    transaction.into_signed(high).into()
}

#[tokio::test]
async fn transactions_are_refused_as_geth_refuses_them() {
    let world = World::start().await;
    let (rich, poor) = (Person::number(4), Person::number(20));
    world.send(&rich.pay(0, 1, 0)).await;
    world.mine();
    world.send(&rich.pay(1, 1, 100)).await;
    let at_least = |gas_limit, nonce| TxEip1559 {
        to: TxKind::Call(Address::ZERO),
        gas_limit,
        ..blank(nonce)
    };
    let blob = TxEip4844 {
        chain_id: blank(0).chain_id,
        gas_limit: 21_000,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    for (params, words) in [
        (raw(&rich.pay(0, 1, 0)), "nonce too low: next nonce 1, tx nonce 0"),
        (raw(&rich.pay(1, 1, 100)), "already known"),
        (raw(&rich.pay(1, 2, 100)), "replacement transaction underpriced"),
        (
            raw(&poor.pay(0, 1, 0)),
            "insufficient funds for gas * price + value: balance 0",
        ),
        (
            raw(&poor.pay(0, 0, 1)),
            "insufficient funds for gas * price + value: balance 0",
        ),
        (
            raw(&poor.sign(at_least(20_999, 0))),
            "intrinsic gas too low: gas 20999, minimum needed 21000",
        ),
        (raw(&poor.sign(at_least(200_000_000, 0))), "exceeds block gas limit"),
        (raw(&with_high_s(&poor, at_least(21_000, 0))), "invalid sender"),
        (
            raw(&poor.sign(blob)),
            "transaction type not supported: this chain keeps no blobs",
        ),
        (
            raw(&poor.sign(TxEip1559 {
                chain_id: 1,
                ..at_least(21_000, 0)
            })),
            "invalid chain id for signer: have 1, want 6300",
        ),
        (
            raw(&poor.sign(TxEip1559 {
                max_priority_fee_per_gas: 1,
                ..at_least(21_000, 0)
            })),
            "max priority fee per gas higher than max fee per gas",
        ),
    ] {
        let error = world.refused("eth_sendRawTransaction", params).await;
        assert!(error.message().starts_with(words), "{words:?}: {error:?}");
        assert_eq!(error.code(), -32000, "{error:?}");
    }
}

#[tokio::test]
async fn calls_end_as_geth_ends_them() {
    let world = World::start().await;
    let there = Address::repeat_byte(0x99);
    let ask = async |method: &str, code: &[u8], mut request: Value| {
        request["to"] = json!(there);
        let pretended = json!({ there.to_string(): { "code": Bytes::copy_from_slice(code) } });
        world.refused(method, json!([request, "latest", pretended])).await
    };
    for (code, words) in [
        (BURNER, "out of gas"),
        (INVALID, "invalid opcode: INVALID"),
        (BAD_JUMP, "invalid jump destination"),
        (&[0x50], "stack underflow"),
        (&[0x0c], "invalid opcode: opcode not defined"),
    ] {
        let error = ask("eth_call", code, json!({})).await;
        assert_eq!((error.code(), error.message()), (-32000, words));
        let error = ask("eth_estimateGas", code, json!({})).await;
        let words = if code == BURNER {
            "gas required exceeds allowance (16777216)"
        } else {
            words
        };
        assert_eq!((error.code(), error.message()), (-32000, words));
    }
    for method in ["eth_call", "eth_estimateGas"] {
        let error = ask(method, REVERTER, json!({})).await;
        assert_eq!((error.code(), error.message()), (3, "execution reverted"));
        let data: Bytes = serde_json::from_str(error.data().unwrap().get()).unwrap();
        assert_eq!(data.last(), Some(&0xaa), "the data of the revert, raw");
        let error = ask(method, &[], json!({ "value": "0x1" })).await;
        assert_eq!(error.code(), -32000);
        assert!(
            error
                .message()
                .starts_with("insufficient funds for gas * price + value"),
            "{error:?}"
        );
    }
    let error = ask("eth_call", &[0], json!({ "gas": "0x5207" })).await;
    assert_eq!(
        (error.code(), error.message()),
        (-32000, "intrinsic gas too low: have 20999, want 21000")
    );
    let long = json!({ "gas": "0x9c40", "input": Bytes::from(vec![1; 1000]) });
    let error = ask("eth_call", &[0], long).await;
    assert_eq!(
        (error.code(), error.message()),
        (
            -32000,
            "insufficient gas for floor data gas cost: have 40000, want 61000"
        )
    );
}

#[tokio::test]
async fn estimates_and_access_lists_pretend_as_calls_do() {
    let world = World::start().await;
    let there = Address::repeat_byte(0x99);
    // Reads the slot whose number is the time, and refuses at time 0.
    let pretended = json!({ there.to_string(): { "code": "0x4280545015600957005b5f5ffd" } });
    let request = json!({ "to": there });
    let list: Value = world
        .ask("eth_createAccessList", json!([request, "latest", pretended]))
        .await;
    assert_eq!(list["accessList"][0]["address"], json!(there), "{list}");
    let gas: U256 = world
        .ask(
            "eth_estimateGas",
            json!([request, "latest", pretended, { "time": "0x7" }]),
        )
        .await;
    assert!(gas > U256::from(21_000), "{gas}");
    let zero = json!([request, "latest", pretended, { "time": "0x0" }]);
    assert_eq!(world.refused("eth_estimateGas", zero).await.code(), 3);
}

#[tokio::test]
async fn input_and_data_may_both_be_given_when_they_are_the_same() {
    let world = World::start().await;
    let there = Address::repeat_byte(0x99);
    // Returns its input's first word.
    let pretended = json!({ there.to_string(): { "code": "0x5f355f5260205ff3" } });
    let word = B256::repeat_byte(5);
    let ask = |request: Value| json!([request, "latest", pretended]);
    let same = json!({ "to": there, "input": word, "data": word });
    assert_eq!(world.ask::<B256>("eth_call", ask(same.clone())).await, word);
    let _: Value = world.ask("eth_estimateGas", ask(same)).await;
    let other = json!({ "to": there, "input": word, "data": B256::ZERO });
    for method in [
        "eth_call",
        "eth_estimateGas",
        "eth_createAccessList",
        "eth_fillTransaction",
        "debug_traceCall",
    ] {
        let params = match method {
            "eth_fillTransaction" => json!([other]),
            _ => json!([other, "latest"]),
        };
        let error = world.refused(method, params).await;
        assert_eq!(error.code(), -32602, "{method}: {error:?}");
        assert!(
            error
                .message()
                .contains("both \"data\" and \"input\" are set and not equal"),
            "{method}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_is_missing_or_makes_no_sense_is_told_apart() {
    let world = World::start().await;
    let nobody = Address::repeat_byte(9);
    for (method, params, code, words) in [
        ("eth_getBalance", json!([nobody, "0x99"]), -32001, "header not found"),
        ("eth_getBalance", json!(["0x12", "latest"]), -32602, "Invalid params"),
        ("eth_getBalance", json!([]), -32602, "Invalid params"),
        ("eth_getBalance", json!([nobody, "newest"]), -32602, "Invalid params"),
        ("eth_getStorageAt", json!([nobody, "0xzz"]), -32602, "Invalid params"),
        ("eth_nothing", json!([]), -32601, "Method not found"),
        ("eth_getFilterChanges", json!(["0x1"]), -32001, "filter not found"),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]),
            -32602,
            "invalid block range params",
        ),
        (
            "eth_fillTransaction",
            json!([{ "to": nobody, "chainId": "0x1" }]),
            -32602,
            "chainId does not match node's (have=1, want=6300)",
        ),
        (
            "eth_getStorageValues",
            json!([{ nobody.to_string(): vec!["0x0"; 1025] }]),
            -32005,
            "too many slots",
        ),
    ] {
        let error = world.refused(method, params.clone()).await;
        assert_eq!(error.code(), code, "{method} {params}: {error:?}");
        assert!(error.message().starts_with(words), "{method} {params}: {error:?}");
    }
}
