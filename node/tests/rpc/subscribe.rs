//! News over a WebSocket.

use std::time::Duration;

use alloy_sol_types::SolCall;
use jsonrpsee::{
    core::client::{ClientT, Subscription, SubscriptionClientT, SubscriptionKind},
    rpc_params,
};
use ledger_api::{CodeNews, Verdict};
use ledger_chainspec::{BlockNumber, predeploys::TRANSACT};
use ledger_contracts::Transact;
use ledger_node::rpc::{NetworkStatus, RpcLimits, SyncProgress};
use serde_json::{Value, json};

use crate::world::{Person, World};

async fn next(subscription: &mut Subscription<Value>) -> Value {
    tokio::time::timeout(Duration::from_secs(10), subscription.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn subscribers_hear_of_every_block_log_and_transaction() {
    let world = World::start().await;
    let socket = world.websocket().await;
    let subscribe = |params| socket.subscribe::<Value, _>("eth_subscribe", params, "eth_unsubscribe");
    let mut heads = subscribe(rpc_params!["newHeads"]).await.unwrap();
    let mut logs = subscribe(rpc_params!["logs", json!({ "address": TRANSACT })])
        .await
        .unwrap();
    let mut pending = subscribe(rpc_params!["newPendingTransactions"]).await.unwrap();
    let mut whole = subscribe(rpc_params!["newPendingTransactions", true]).await.unwrap();
    let SubscriptionKind::Subscription(id) = heads.kind() else {
        panic!("a subscription has an id")
    };
    assert!(
        serde_json::to_value(id).unwrap().as_str().unwrap().starts_with("0x"),
        "{id:?}"
    );

    let user = Person::number(20);
    world.offer(1, 5).await;
    let hash = world.does(&user, &Transact::requestCodeCall { specId: 1 }).await;
    for number in 1..=3 {
        let head = next(&mut heads).await;
        assert_eq!(head["number"], json!(format!("{number:#x}")), "no block is missed");
        assert!(head["hash"].is_string() && head["parentHash"].is_string());
    }
    let seen = [next(&mut logs).await, next(&mut logs).await, next(&mut logs).await];
    assert_eq!(
        (&seen[2]["transactionHash"], &seen[2]["removed"]),
        (&json!(hash), &json!(false))
    );
    let mut arrived = Vec::new();
    for _ in 0..3 {
        let hash = next(&mut pending).await;
        assert_eq!(next(&mut whole).await["hash"], hash);
        arrived.push(hash);
    }
    assert_eq!(arrived[2], json!(hash));

    heads.unsubscribe().await.unwrap();
    let chain_id: Value = socket.request("eth_chainId", rpc_params![]).await.unwrap();
    assert_eq!(chain_id, json!("0x189c"), "methods work on the same socket");
}

#[tokio::test]
async fn subscribers_hear_how_synchronisation_stands() {
    let world = World::start().await;
    let socket = world.websocket().await;
    let mut news = socket
        .subscribe::<Value, _>("eth_subscribe", rpc_params!["syncing"], "eth_unsubscribe")
        .await
        .unwrap();
    assert_eq!(next(&mut news).await, json!(false));
    let sync = Some(SyncProgress {
        from: BlockNumber::new(0),
        target: BlockNumber::new(9),
    });
    world.network.send_replace(NetworkStatus {
        sync,
        ..NetworkStatus::default()
    });
    assert_eq!(next(&mut news).await["highestBlock"], json!("0x9"));
    let status: Value = world.ask("eth_syncing", json!([])).await;
    assert_eq!(status["highestBlock"], json!("0x9"));
    world.network.send_replace(NetworkStatus::default());
    assert_eq!(next(&mut news).await, json!(false));
}

#[tokio::test]
async fn subscribers_hear_how_a_code_stands_from_its_request_to_its_end() {
    let world = World::start().await;
    world.offer(1, 5).await;
    let socket = world.websocket().await;
    let (user, friend) = (Person::number(20), Person::number(21));
    let request = Transact::requestCodeCall { specId: 1 }.abi_encode();
    let hash = world.send(&user.call(0, TRANSACT, request)).await;
    let mut code: Subscription<CodeNews> = socket
        .subscribe("ledger_subscribe", rpc_params!["code", hash], "ledger_unsubscribe")
        .await
        .unwrap();
    let mut news = async || {
        let news = tokio::time::timeout(Duration::from_secs(10), code.next()).await;
        let news = news.unwrap().unwrap().unwrap();
        (news.verdict, news.code)
    };
    assert_eq!(news().await, (Verdict::Pending, None));
    world.mine();
    let (verdict, issued) = news().await;
    let issued = issued.unwrap();
    assert_eq!(
        (verdict, issued.transaction, issued.holder),
        (Verdict::Valid, hash, user.address())
    );
    // A block that has nothing to do with it is no news.
    world.offer(1, 6).await;
    let to = friend.address();
    world
        .does(
            &user,
            &Transact::transferCall {
                codeId: issued.code_id,
                to,
            },
        )
        .await;
    let (verdict, passed) = news().await;
    assert_eq!((verdict, passed.unwrap().holder), (Verdict::Transferred, to));
    world
        .does(&friend, &Transact::cancelCall { codeId: issued.code_id })
        .await;
    let (verdict, ended) = news().await;
    assert_eq!(verdict, Verdict::Cancelled);
    assert!(ended.unwrap().ending.is_some());
}

#[tokio::test]
async fn subscribers_hear_that_a_codes_time_is_over_though_no_block_is_made() {
    let world = World::start().await;
    // Blocks of the past, and codes that live for a minute: three seconds of it are left.
    let mine = || {
        let next = world.runtime.head().slot.get() + 1;
        let slot = next.max(world.next_slot().get() - 57);
        assert_eq!(world.mine_in(ledger_chainspec::Slot::new(slot)), []);
    };
    let offer = Transact::setOfferCall { specId: 3, quantity: 1 }.abi_encode();
    world.send(&Person::number(0).call(0, TRANSACT, offer)).await;
    mine();
    let request = Transact::requestCodeCall { specId: 3 }.abi_encode();
    let hash = world.send(&Person::number(20).call(0, TRANSACT, request)).await;
    mine();
    let socket = world.websocket().await;
    let mut code = socket
        .subscribe::<Value, _>("ledger_subscribe", rpc_params!["code", hash], "ledger_unsubscribe")
        .await
        .unwrap();
    assert_eq!(next(&mut code).await["verdict"], "valid");
    assert_eq!(next(&mut code).await["verdict"], "expired");
}

#[tokio::test]
async fn topics_that_make_no_sense_are_refused_with_words() {
    let world = World::start().await;
    let socket = world.websocket().await;
    let subscribe = |params| socket.subscribe::<Value, _>("ledger_subscribe", params, "ledger_unsubscribe");
    for (params, words) in [
        (rpc_params!["code"], "need its id"),
        (rpc_params!["slots", "0x1"], "take no id"),
        (rpc_params!["code", "03A0-0ADF"], "typing error"),
        (rpc_params!["moons"], "unknown variant"),
    ] {
        let refusal = subscribe(params).await.unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused() {
    let world = World::with(
        RpcLimits {
            subscriptions: 2,
            ..RpcLimits::default()
        },
        |options| options,
    )
    .await;
    let socket = world.websocket().await;
    let subscribe = |params| socket.subscribe::<Value, _>("eth_subscribe", params, "eth_unsubscribe");
    assert!(subscribe(rpc_params!["newMoons"]).await.is_err());
    assert!(subscribe(rpc_params!["newHeads", true]).await.is_err());
    assert!(subscribe(rpc_params!["transactionReceipts"]).await.is_err());
    let _first = subscribe(rpc_params!["newHeads"]).await.unwrap();
    let _second = subscribe(rpc_params!["newHeads"]).await.unwrap();
    let third = subscribe(rpc_params!["newHeads"]).await.unwrap_err().to_string();
    assert!(third.contains("Too many subscriptions"), "{third}");
    assert!(world.client().subscription_fails().await, "HTTP has no subscriptions");
}

trait Refuses {
    async fn subscription_fails(&self) -> bool;
}

impl Refuses for jsonrpsee::http_client::HttpClient {
    async fn subscription_fails(&self) -> bool {
        self.request::<Value, _>("eth_subscribe", rpc_params!["newHeads"])
            .await
            .is_err()
    }
}
