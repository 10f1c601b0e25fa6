//! Logs, and filters that are asked again.

use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::Transact;
use ledger_node::rpc::{FILTERS_MAX, error};
use serde_json::{Value, json};

use crate::world::{Person, World};

#[tokio::test]
async fn logs_are_found_by_address_topic_and_range() {
    let world = World::start().await;
    world.offer(1, 5).await;
    let user = Person::number(20);
    let hash = world.does(&user, &Transact::requestCodeCall { specId: 1 }).await;
    let issued = Transact::CodeIssued::SIGNATURE_HASH;
    let holder = user.address().into_word();
    let find = |filter: Value| world.ask::<Vec<Log>>("eth_getLogs", json!([filter]));
    for filter in [
        json!({ "fromBlock": "earliest", "topics": [issued] }),
        json!({ "fromBlock": "0x0", "toBlock": "0xffff", "address": TRANSACT, "topics": [issued, null, holder] }),
        json!({ "address": [TRANSACT], "topics": [[issued, B256::ZERO]] }),
        json!({ "blockHash": world.runtime.head().hash().get() }),
    ] {
        let logs = find(filter.clone()).await;
        assert_eq!(logs.len(), 1, "{filter}");
        assert_eq!((logs[0].transaction_hash, logs[0].block_number), (Some(hash), Some(3)));
    }
    for filter in [
        json!({ "fromBlock": "0x0", "topics": [B256::ZERO] }),
        json!({ "fromBlock": "0x0", "toBlock": "0x2", "topics": [issued] }),
        json!({ "fromBlock": "0x9", "toBlock": "0x10" }),
    ] {
        assert_eq!(find(filter.clone()).await, [], "{filter}");
    }
    let many: Vec<B256> = (0..1001).map(|number| B256::from(U256::from(number))).collect();
    for (filter, code) in [
        (json!({ "fromBlock": "0x3", "toBlock": "0x1" }), error::CODE_PARAMS),
        (json!({ "blockHash": B256::ZERO }), error::CODE_NOT_FOUND),
        (json!({ "topics": [many] }), error::CODE_LIMIT),
    ] {
        assert_eq!(world.refused("eth_getLogs", json!([filter])).await.code(), code);
    }
}

#[tokio::test]
async fn filters_tell_what_is_new_once() {
    let world = World::start().await;
    world.offer(1, 5).await;
    let logs: U256 = world.ask("eth_newFilter", json!([{ "address": TRANSACT }])).await;
    let blocks: U256 = world.ask("eth_newBlockFilter", json!([])).await;
    let pending: U256 = world.ask("eth_newPendingTransactionFilter", json!([])).await;
    let changes = |id: U256| world.ask::<Value>("eth_getFilterChanges", json!([id]));
    for id in [logs, blocks, pending] {
        assert_eq!(changes(id).await, json!([]));
    }
    let hash = world
        .does(&Person::number(20), &Transact::requestCodeCall { specId: 1 })
        .await;
    let seen = changes(logs).await;
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(seen[0]["transactionHash"], json!(hash));
    assert_eq!(changes(blocks).await, json!([world.runtime.head().hash().get()]));
    assert_eq!(changes(pending).await, json!([hash]));
    for id in [logs, blocks, pending] {
        assert_eq!(changes(id).await, json!([]), "nothing is told twice");
    }
    let all: Vec<Log> = world.ask("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        world.refused("eth_getFilterLogs", json!([blocks])).await.code(),
        error::CODE_PARAMS
    );
    assert!(world.ask::<bool>("eth_uninstallFilter", json!([logs])).await);
    assert!(!world.ask::<bool>("eth_uninstallFilter", json!([logs])).await);
    let gone = world.refused("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(
        (gone.code(), gone.message()),
        (error::CODE_NOT_FOUND, "filter not found")
    );
}

#[tokio::test]
async fn there_is_a_bound_on_filters() {
    let world = World::start().await;
    let client = world.client();
    for _ in 0..FILTERS_MAX {
        let id: U256 =
            jsonrpsee::core::client::ClientT::request(&client, "eth_newBlockFilter", jsonrpsee::rpc_params![])
                .await
                .unwrap();
        assert!(!id.is_zero());
    }
    assert_eq!(
        world.refused("eth_newBlockFilter", json!([])).await.code(),
        error::CODE_LIMIT
    );
}
