//! Do traces tell what happened? A replay must come to the same end as the chain did, to the last unit of gas.

use alloy_primitives::{Address, B256, U64};
use alloy_rpc_types_trace::geth::{CallFrame, DefaultFrame, DiffMode, PreStateMode};
use ledger_node::rpc::{RpcLimits, error};
use ledger_runtime::{RuntimeOptions, TRACE_BYTES_MAX};
use serde_json::{Value, json};

use crate::{
    filled::{BURNER, Filled},
    world::{Person, World},
};

#[tokio::test]
async fn every_transaction_replays_to_its_receipt() {
    let chain = Filled::start().await;
    let mut steps = 0;
    for hash in &chain.transactions {
        let receipt: Value = chain.world.ask("eth_getTransactionReceipt", json!([hash])).await;
        let gas: U64 = serde_json::from_value(receipt["gasUsed"].clone()).unwrap();
        let succeeded = receipt["status"] == json!("0x1");
        let trace: DefaultFrame = chain.world.ask("debug_traceTransaction", json!([hash])).await;
        assert_eq!((trace.gas, !trace.failed), (gas.to(), succeeded), "{receipt}");
        steps += trace.struct_logs.len();
        let with_logs = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
        let call: CallFrame = chain
            .world
            .ask("debug_traceTransaction", json!([hash, with_logs]))
            .await;
        assert_eq!(call.gas_used.to::<u64>(), gas.to::<u64>(), "{receipt}");
        assert_eq!(call.error.is_none(), succeeded, "{call:?}");
        assert_eq!(json!(call.from), receipt["from"]);
        assert_eq!(logs_of(&call), receipt["logs"].as_array().unwrap().len(), "{call:?}");
    }
    assert!(steps > 1000, "only {steps} steps");
}

/// Logs of the call and of the calls in it that were not undone.
fn logs_of(call: &CallFrame) -> usize {
    if call.error.is_some() {
        return 0;
    }
    call.logs.len() + call.calls.iter().map(logs_of).sum::<usize>()
}

#[tokio::test]
async fn a_block_is_the_list_of_its_transactions() {
    let chain = Filled::start().await;
    let mut seen = Vec::new();
    for number in 1..=chain.head() {
        let tag = format!("{number:#x}");
        let entries: Vec<Value> = chain.world.ask("debug_traceBlockByNumber", json!([tag])).await;
        for entry in entries {
            let alone: Value = chain
                .world
                .ask("debug_traceTransaction", json!([entry["txHash"]]))
                .await;
            assert_eq!(entry["result"], alone);
            seen.push(serde_json::from_value::<B256>(entry["txHash"].clone()).unwrap());
        }
    }
    assert_eq!(seen, chain.transactions);
}

#[tokio::test]
async fn options_leave_out_and_put_in_what_they_say() {
    let chain = Filled::start().await;
    let last = chain.transactions[chain.transactions.len() - 2];
    let steps = async |options: Value| {
        let trace: Value = chain.world.ask("debug_traceTransaction", json!([last, options])).await;
        trace["structLogs"].as_array().unwrap().clone()
    };
    let plain = steps(json!({})).await;
    assert!(
        plain
            .iter()
            .all(|step| step["stack"].is_array() && step.get("memory").is_none())
    );
    assert!(
        plain
            .iter()
            .any(|step| step["op"] == json!("SSTORE") && step["storage"].is_object())
    );
    let bare = steps(json!({ "disableStack": true, "disableStorage": true })).await;
    assert_eq!(bare.len(), plain.len());
    assert!(
        bare.iter()
            .all(|step| step.get("stack").is_none() && step.get("storage").is_none())
    );
    assert_eq!(steps(json!({ "limit": 3 })).await, plain[..3]);
    assert_eq!(steps(json!({ "limit": 0 })).await, plain);
    let memory = json!({ "enableMemory": true, "enableReturnData": true });
    assert!(steps(memory).await.iter().any(|step| step["memory"].is_array()));
}

#[tokio::test]
async fn the_prestate_is_what_the_transaction_read_and_its_difference_what_it_wrote() {
    let chain = Filled::start().await;
    let cleared = chain.transactions[chain.transactions.len() - 2];
    let before = json!({ "tracer": "prestateTracer" });
    let PreStateMode(before) = chain
        .world
        .ask("debug_traceTransaction", json!([cleared, before]))
        .await;
    let one = B256::with_last_byte(1);
    assert_eq!(before[&chain.store].storage[&one], B256::with_last_byte(7));
    let change = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let change: DiffMode = chain
        .world
        .ask("debug_traceTransaction", json!([cleared, change]))
        .await;
    assert!(change.pre[&chain.store].storage.contains_key(&one));
    assert!(
        !change
            .post
            .get(&chain.store)
            .is_some_and(|account| account.storage.contains_key(&one))
    );
    let selectors: Value = chain
        .world
        .ask("debug_traceTransaction", json!([cleared, { "tracer": "4byteTracer" }]))
        .await;
    assert_eq!(selectors, json!({ "0x00000000-60": 1 }));
}

#[tokio::test]
async fn a_call_is_traced_without_a_transaction() {
    let chain = Filled::start().await;
    let call = json!({ "to": chain.reverter });
    let options = json!({ "tracer": "callTracer" });
    let frame: CallFrame = chain
        .world
        .ask("debug_traceCall", json!([call, "latest", options]))
        .await;
    assert_eq!(frame.error.as_deref(), Some("execution reverted"));
    assert_eq!(frame.output.unwrap().last(), Some(&0xaa));
    let pretended =
        json!({ "tracer": "callTracer", "stateOverrides": { chain.reverter.to_string(): { "code": "0x00" } } });
    let frame: CallFrame = chain
        .world
        .ask("debug_traceCall", json!([call, "latest", pretended]))
        .await;
    assert_eq!(frame.error, None);
    let indexed = json!([call, "latest", { "txIndex": "0x0" }]);
    assert_eq!(
        chain.world.refused("debug_traceCall", indexed).await.code(),
        error::CODE_PARAMS
    );
}

#[tokio::test]
async fn what_cannot_be_traced_is_refused_with_words() {
    let chain = Filled::start().await;
    let last = chain.transactions.last().unwrap();
    for (tracer, named) in [
        ("myTracer", "myTracer"),
        ("{step: function(log, db) {}}", "step"),
        ("muxTracer", "muxTracer"),
    ] {
        let refused = chain
            .world
            .refused("debug_traceTransaction", json!([last, { "tracer": tracer }]))
            .await;
        assert_eq!(refused.code(), error::CODE_PARAMS, "{refused:?}");
        for words in [named, "callTracer, prestateTracer, 4byteTracer, noopTracer"] {
            assert!(refused.message().contains(words), "{refused:?}");
        }
    }
    let odd = json!([last, { "tracer": "callTracer", "tracerConfig": { "withLog": "perhaps" } }]);
    let refused = chain.world.refused("debug_traceTransaction", odd).await;
    assert_eq!(refused.code(), error::CODE_PARAMS, "{refused:?}");
    let unsent = chain
        .world
        .refused("debug_traceTransaction", json!([chain.waiting[0]]))
        .await;
    assert!(unsent.message().starts_with("transaction not found"), "{unsent:?}");
    let genesis = chain.world.refused("debug_traceBlockByNumber", json!(["0x0"])).await;
    assert!(genesis.message().starts_with("genesis is not traceable"), "{genesis:?}");
}

#[tokio::test]
async fn a_trace_that_would_not_end_is_stopped_and_a_limit_or_another_tracer_helps() {
    let world = World::start().await;
    let burner = json!({ Address::repeat_byte(7).to_string(): { "code": format!("0x{}", hex::encode(BURNER)) } });
    let call = json!({ "to": Address::repeat_byte(7), "gas": "0x989680" });
    let trace = async |options: Value| {
        let mut options = options;
        options["stateOverrides"] = burner.clone();
        world.try_ask("debug_traceCall", json!([call, "latest", options])).await
    };
    let refused = trace(json!({})).await.unwrap_err();
    assert_eq!(refused.code(), error::CODE_LIMIT, "{refused:?}");
    assert!(refused.message().contains(&TRACE_BYTES_MAX.to_string()), "{refused:?}");
    let few = trace(json!({ "limit": 10 })).await.unwrap();
    assert_eq!(
        (few["structLogs"].as_array().unwrap().len(), &few["failed"]),
        (10, &json!(true))
    );
    let called = trace(json!({ "tracer": "callTracer" })).await.unwrap();
    assert_eq!(called["error"], json!("out of gas"));
}

#[tokio::test]
async fn a_block_before_the_window_cannot_be_replayed() {
    let keep_two = |options: RuntimeOptions| RuntimeOptions {
        history_blocks: 2,
        ..options
    };
    let world = World::with(RpcLimits::default(), keep_two).await;
    let mut hashes = Vec::new();
    for nonce in 0..5 {
        hashes.push(world.send(&Person::number(20).pay(nonce, 0, 0)).await);
        world.mine();
    }
    let refused = world.refused("debug_traceTransaction", json!([hashes[0]])).await;
    assert_eq!(refused.code(), error::CODE_UNAVAILABLE, "{refused:?}");
    assert!(
        refused.message().contains("oldest block available here is 3"),
        "{refused:?}"
    );
    let kept: DefaultFrame = world.ask("debug_traceTransaction", json!([hashes[4]])).await;
    assert_eq!(kept.gas, 21_000);
}
