//! Do simulated blocks do what real ones would?

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};

use crate::{
    filled::{Filled, LOGGER, REVERTER, STORE, mixture},
    world::{Person, World},
};

/// A transaction of the chain as a call.
fn as_call(transaction: &Value) -> Value {
    let mut call = json!({});
    let priced = ["0x0", "0x1"].map(|known| json!(known)).contains(&transaction["type"]);
    let fields = [
        "from",
        "to",
        "value",
        "input",
        "gas",
        "nonce",
        "accessList",
        "authorizationList",
    ];
    for field in fields.into_iter().chain(priced.then_some("gasPrice")) {
        if let Some(value) = transaction.get(field).filter(|value| !value.is_null()) {
            call[field] = value.clone();
        }
    }
    call
}

#[tokio::test]
async fn a_simulated_block_is_the_block_that_is_made_then() {
    let chain = Filled::start().await;
    let world = &chain.world;
    world.mine();
    let sent = mixture(&Person::number(6), 0, &Person::number(25), &chain.made);
    let mut calls = Vec::new();
    for transaction in &sent {
        let hash = world.send(transaction).await;
        calls.push(as_call(&world.ask("eth_getTransactionByHash", json!([hash])).await));
    }
    let slot = world.next_slot().next().unwrap();
    let time = format!("{:#x}", ledger_runtime::slot_timestamp(world.runtime.spec(), slot));
    let miner: Address = world.ask("eth_coinbase", json!([])).await;
    let overrides = json!({ "time": time, "feeRecipient": miner });
    let payload = json!({ "blockStateCalls": [{ "blockOverrides": overrides, "calls": calls }], "validation": true });
    let simulated: Value = world.ask("eth_simulateV1", json!([payload])).await;
    assert_eq!(world.mine_in(slot), []);
    let real: Value = world.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(real["transactions"].as_array().unwrap().len(), sent.len());
    let block = &simulated[0];
    for field in [
        "stateRoot",
        "receiptsRoot",
        "logsBloom",
        "gasUsed",
        "gasLimit",
        "requestsHash",
        "number",
        "parentHash",
    ] {
        assert_eq!(block[field], real[field], "{field}");
    }
    let receipts: Vec<Value> = world.ask("eth_getBlockReceipts", json!([real["hash"]])).await;
    for (call, receipt) in block["calls"].as_array().unwrap().iter().zip(&receipts) {
        assert_eq!(
            (&call["status"], &call["gasUsed"]),
            (&receipt["status"], &receipt["gasUsed"]),
            "{call}"
        );
        assert_eq!(
            call["logs"].as_array().unwrap().len(),
            receipt["logs"].as_array().unwrap().len()
        );
        assert_eq!(call["error"].is_null(), receipt["status"] == json!("0x1"), "{call}");
    }
    let parent = json!({ "blockHash": real["parentHash"] });
    let late = world.refused("eth_simulateV1", json!([payload, parent])).await;
    assert!(late.message().contains("newest block alone"), "{late:?}");
}

#[tokio::test]
async fn each_block_sees_what_the_one_before_left_and_gaps_are_filled() {
    let world = World::start().await;
    let store = Address::repeat_byte(0x99);
    let word = |value: u64| B256::from(U256::from(value));
    let set = |value: u64| json!({ "to": store, "input": format!("{:#x}{:064x}", word(value), 0) });
    let payload = json!({
        "blockStateCalls": [
            { "stateOverrides": { store.to_string(): { "code": format!("0x{}", hex::encode(STORE)) } }, "calls": [set(7)] },
            { "blockOverrides": { "number": "0x4" }, "calls": [{ "to": store }, set(9), { "to": store }] },
        ],
    });
    let blocks: Vec<Value> = world.ask("eth_simulateV1", json!([payload])).await;
    let numbers: Vec<&Value> = blocks.iter().map(|block| &block["number"]).collect();
    assert_eq!(numbers, ["0x1", "0x2", "0x3", "0x4"]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
        assert!(pair[0]["timestamp"].as_str() < pair[1]["timestamp"].as_str());
    }
    let results: Vec<&Value> = [0, 2].map(|index| &blocks[3]["calls"][index]["returnData"]).to_vec();
    assert_eq!(results, [&json!(word(7)), &json!(word(9))]);
    assert_eq!(
        world.ask::<Value>("eth_getCode", json!([store])).await,
        json!("0x"),
        "nothing is kept"
    );
    let again: Vec<Value> = world.ask("eth_simulateV1", json!([payload])).await;
    assert_eq!(again[0]["stateRoot"], blocks[0]["stateRoot"]);
}

#[tokio::test]
async fn transfers_are_told_when_they_are_asked_for() {
    let world = World::start().await;
    let rich = Person::number(4).address();
    let call = json!({ "from": rich, "to": Address::repeat_byte(7), "value": "0x5" });
    for (traced, logs) in [(false, 0), (true, 1)] {
        let payload = json!({ "blockStateCalls": [{ "calls": [call] }], "traceTransfers": traced });
        let blocks: Value = world.ask("eth_simulateV1", json!([payload, "latest"])).await;
        let told = blocks[0]["calls"][0]["logs"].as_array().unwrap();
        assert_eq!(told.len(), logs);
        for log in told {
            assert_eq!(log["address"], json!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"));
            assert_eq!(log["topics"][2], json!(Address::repeat_byte(7).into_word()));
            assert_eq!(log["blockHash"], blocks[0]["hash"]);
        }
    }
}

#[tokio::test]
async fn calls_that_fail_stand_in_the_block_with_their_reason() {
    let world = World::start().await;
    let at = |byte: u8| Address::repeat_byte(byte);
    let codes = json!({
        at(1).to_string(): { "code": format!("0x{}", hex::encode(REVERTER)) },
        at(2).to_string(): { "code": "0xfe" },
        at(3).to_string(): { "code": format!("0x{}", hex::encode(LOGGER)) },
    });
    let calls = [1, 2, 3].map(|byte| json!({ "to": at(byte), "gas": "0x186a0" }));
    let payload =
        json!({ "blockStateCalls": [{ "stateOverrides": codes, "calls": calls }], "returnFullTransactions": true });
    let blocks: Value = world.ask("eth_simulateV1", json!([payload])).await;
    let calls = &blocks[0]["calls"];
    assert_eq!(
        (&calls[0]["status"], &calls[0]["error"]["code"]),
        (&json!("0x0"), &json!(3))
    );
    assert_eq!(calls[0]["error"]["data"], calls[0]["returnData"]);
    assert_eq!(
        calls[1]["error"],
        json!({ "code": -32015, "message": "vm execution error: invalid opcode: INVALID" })
    );
    let indexes: Vec<&Value> = calls[2]["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| &log["logIndex"])
        .collect();
    assert_eq!(indexes, ["0x0", "0x1", "0x2", "0x3", "0x4"]);
    assert_eq!(
        blocks[0]["transactions"][2]["hash"],
        calls[2]["logs"][0]["transactionHash"]
    );
}

#[tokio::test]
async fn what_cannot_be_simulated_has_the_code_that_the_execution_apis_name() {
    let world = World::start().await;
    let rich = Person::number(4);
    world.send(&rich.pay(0, 1, 0)).await;
    world.mine();
    let (rich, there) = (rich.address(), Address::repeat_byte(7));
    let one = |call: Value| json!([{ "calls": [call] }]);
    let checked = |blocks: Value| json!({ "blockStateCalls": blocks, "validation": true });
    let free = |blocks: Value| json!({ "blockStateCalls": blocks });
    let long = format!("0x{}", "00".repeat(49_153));
    let numbered = |numbers: [&str; 2]| json!(numbers.map(|number| json!({ "blockOverrides": { "number": number } })));
    let timed = json!([{ "blockOverrides": { "time": "0x1" } }]);
    let burner = json!([{
        "stateOverrides": { there.to_string(): { "code": "0x62ffffff5ff3" } },
        "calls": vec![json!({ "to": there, "gas": "0xf4240000" }); 2],
        "blockOverrides": { "gasLimit": "0xffffffff" },
    }]);
    for (payload, code, words) in [
        (
            checked(one(json!({ "from": rich, "to": there, "nonce": "0x0" }))),
            -38010,
            "nonce too low",
        ),
        (
            checked(one(json!({ "from": rich, "to": there, "nonce": "0x9" }))),
            -38011,
            "nonce too high",
        ),
        (
            checked(
                json!([{ "blockOverrides": { "baseFeePerGas": "0x9" }, "calls": [{ "to": there, "maxFeePerGas": "0x1" }] }]),
            ),
            -38012,
            "max fee per gas less than block base fee",
        ),
        (
            free(one(json!({ "to": there, "gas": "0x5207" }))),
            -38013,
            "intrinsic gas too low",
        ),
        (
            free(one(json!({ "to": there, "value": "0x1" }))),
            -38014,
            "insufficient funds",
        ),
        (
            free(one(json!({ "to": there, "gas": "0xffffffff" }))),
            -38015,
            "block gas limit reached",
        ),
        (free(numbered(["0x5", "0x5"])), -38020, "block numbers must be in order"),
        (free(timed), -38021, "block timestamps must be in order"),
        (
            free(one(json!({ "input": long }))),
            -38025,
            "max initcode size exceeded",
        ),
        (free(numbered(["0x2", "0x103"])), -38026, "too many blocks"),
        (
            free(one(json!({ "to": there, "input": "0x01", "data": "0x02" }))),
            -32602,
            "the request is not a call",
        ),
    ] {
        let error = world.refused("eth_simulateV1", json!([payload])).await;
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.message().starts_with(words), "{error:?}");
    }
    let error = world.refused("eth_simulateV1", json!([free(burner)])).await;
    assert_eq!(error.code(), -38026);
    assert!(
        error
            .message()
            .starts_with("the calls of one simulation may use 50000000 gas"),
        "{error:?}"
    );
}
