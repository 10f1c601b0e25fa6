//! The port itself: pages, web origins, bounds, stopping, and the document that describes all methods.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ledger_node::rpc::{
    Api, NetworkStatus, RpcBindError, RpcLimits, RpcOptions, SyncProgress, callers::Allowance, methods,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Person, World, options};

/// One request over plain TCP: status line, head and body of the answer.
pub async fn raw(world: &World, request: &str) -> (u16, String, String) {
    let mut socket = TcpStream::connect(world.url.trim_start_matches("http://"))
        .await
        .unwrap();
    // A server that refuses early may close before it has read everything.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = socket.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    (status, head.to_lowercase(), body.to_owned())
}

pub async fn post(world: &World, body: &str) -> (u16, String, String) {
    let length = body.len();
    let head = "POST / HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-type: application/json\r\n";
    raw(world, &format!("{head}content-length: {length}\r\n\r\n{body}")).await
}

async fn get(world: &World, path: &str) -> (u16, String, String) {
    raw(
        world,
        &format!("GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n"),
    )
    .await
}

#[tokio::test]
async fn pages_for_whoever_watches_the_node() {
    let world = World::start().await;
    assert_eq!(get(&world, "/health").await.0, 200);
    let (status, head, body) = get(&world, "/metrics").await;
    assert_eq!((status, body.contains("ledger_test_total 1")), (200, true));
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let ready = async || {
        let (status, _, body) = get(&world, "/ready").await;
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, body) = ready().await;
    assert_eq!(
        (status, &body["ready"], &body["head"]["number"]),
        (200, &json!(true), &json!(0))
    );
    let sync = Some(SyncProgress {
        from: Default::default(),
        target: Default::default(),
    });
    world.network.send_replace(NetworkStatus {
        sync,
        ..NetworkStatus::default()
    });
    assert_eq!(ready().await.0, 503);
}

#[tokio::test]
async fn people_get_pages_where_programs_post() {
    let world = World::start().await;
    let (status, head, first) = get(&world, "/").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    assert!(first.starts_with("<!doctype html>"), "{first}");
    let asked = "HEAD / HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n";
    let (status, head, body) = raw(&world, asked).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains(&format!("content-length: {}", first.len())), "{head}");
    let (status, _, words) = get(&world, "/nothing?x=1").await;
    assert_eq!(status, 404);
    assert!(words.contains("JSON-RPC is posted to /"), "{words}");
    let (_, _, answer) = post(&world, r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await;
    assert!(answer.contains("0x189c"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_reads_pages_without_end_is_stopped_like_any_other() {
    let mut limits = RpcLimits::default();
    limits.caller.allowance = Allowance {
        per_second: 1,
        burst: 50,
    };
    let world = World::wary(limits, &[]).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(get(&world, "/").await.0);
    }
    assert!(
        statuses.starts_with(&[200, 200]) && statuses.contains(&429),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn a_node_without_its_driver_is_not_ready() {
    let mut world = World::start().await;
    // The driver's end of the channel goes when the driver ends.
    world.heads = tokio::sync::watch::Sender::new(world.runtime.head());
    let (status, _, body) = get(&world, "/ready").await;
    assert_eq!(status, 503, "{body}");
}

#[tokio::test]
async fn only_known_web_origins_may_call() {
    let world = World::start().await;
    for (origin, allowed) in [("https://cloud.example", true), ("https://evil.example", false)] {
        let request = format!(
            "OPTIONS / HTTP/1.1\r\nhost: node\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n\r\n"
        );
        let (_, head, _) = raw(&world, &request).await;
        assert_eq!(
            head.contains(&format!("access-control-allow-origin: {origin}")),
            allowed,
            "{head}"
        );
    }
}

#[tokio::test]
async fn batches_are_answered_in_order_and_bounded() {
    let world = World::with(
        RpcLimits {
            batch_requests: 3,
            ..RpcLimits::default()
        },
        |options| options,
    )
    .await;
    let call = |id: u32, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": [] });
    let batch = json!([call(7, "eth_chainId"), call(8, "eth_nothing"), call(9, "net_version")]);
    let (_, _, body) = post(&world, &batch.to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(
        answers.iter().map(|answer| answer["id"].clone()).collect::<Vec<_>>(),
        [7, 8, 9]
    );
    assert_eq!(
        (&answers[0]["result"], &answers[1]["error"]["code"]),
        (&json!("0x189c"), &json!(-32601))
    );
    let long: Vec<_> = (0..4).map(|id| call(id, "eth_chainId")).collect();
    let (_, _, body) = post(&world, &json!(long).to_string()).await;
    assert!(body.contains("error") && !body.contains("0x189c"), "{body}");
}

#[tokio::test]
async fn long_requests_and_long_answers_are_refused() {
    let limits = RpcLimits {
        request_bytes: 2000,
        response_bytes: 3000,
        ..RpcLimits::default()
    };
    let world = World::with(limits, |options| options).await;
    let long =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "web3_sha3", "params": ["0x".to_owned() + &"00".repeat(2000)] });
    let (status, _, body) = post(&world, &long.to_string()).await;
    assert!(
        status == 413 || body.contains("too big") || body.contains("-32007"),
        "{status} {body}"
    );
    let (_, _, body) = post(&world, r#"{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}"#).await;
    assert!(body.contains("error") && body.len() < 1000, "{body}");
    assert_eq!(
        world.ask::<Value>("eth_chainId", json!([])).await,
        json!("0x189c"),
        "the node goes on"
    );
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_and_room_comes_back() {
    let world = World::with(
        RpcLimits {
            connections: 2,
            ..RpcLimits::default()
        },
        |options| options,
    )
    .await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let held = [
        TcpStream::connect(&address).await.unwrap(),
        TcpStream::connect(&address).await.unwrap(),
    ];
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut third = TcpStream::connect(&address).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), third.read(&mut [0]))
        .await
        .unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "the third is closed at once");
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(5);
    while get(&world, "/health").await.0 != 200 {
        assert!(Instant::now() < deadline, "no room came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let limits = RpcLimits {
        request_wait: Duration::from_millis(200),
        ..RpcLimits::default()
    };
    let world = World::with(limits, |options| options).await;
    let head = "POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let (status, _, body) = raw(&world, head).await;
    assert_eq!(status, 408, "{body}");
    assert!(body.contains("timed out"), "{body}");
}

#[tokio::test]
async fn requests_and_the_pool_are_counted() {
    let metering = ledger_node::telemetry::metering::install(None).unwrap();
    let world = World::start().await;
    let _: Value = world.ask("eth_chainId", json!([])).await;
    world.refused("eth_made_up_by_somebody", json!([])).await;
    post(&world, r#"[{"jsonrpc":"2.0","id":1,"method":"net_version"}]"#).await;
    world.send(&Person::number(20).pay(0, 0, 0)).await;
    let page = metering.handle.render();
    for line in [
        r#"ledger_rpc_requests_total{method="eth_chainId",outcome="ok"}"#,
        r#"ledger_rpc_requests_total{method="unknown",outcome="error"}"#,
        r#"ledger_rpc_requests_total{method="net_version",outcome="batched"}"#,
        r#"ledger_rpc_seconds_bucket{method="eth_chainId",le="1"}"#,
        "ledger_pool_pending",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    assert!(!page.contains("made_up"), "callers make no labels");
}

#[tokio::test]
async fn a_stop_ends_every_connection_soon() {
    let world = World::start().await;
    let socket = world.websocket().await;
    let _idle = TcpStream::connect(world.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let started = Instant::now();
    world.stop().await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    tokio::time::timeout(Duration::from_secs(5), socket.on_disconnect())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_port_in_use_and_a_wrong_origin_are_named() {
    let world = World::start().await;
    let address = world.url.trim_start_matches("http://").parse().unwrap();
    let limits = RpcLimits::default();
    let error = world
        .bind(RpcOptions {
            address,
            ..options(limits)
        })
        .unwrap_err();
    assert!(matches!(&error, RpcBindError::Listen { .. }) && error.to_string().contains(&address.to_string()));
    let error = world
        .bind(RpcOptions {
            cors: vec!["cloud".to_owned()],
            ..options(limits)
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"cloud\" is not a web origin; write it like https://example.org, or * for all"
    );
}

#[tokio::test]
async fn the_document_lists_exactly_the_methods_that_are_served() {
    let world = World::start().await;
    let served = methods(Api::new(world.context()));
    let served: BTreeSet<String> = served.method_names().map(str::to_owned).collect();
    let document: Value = world.ask("rpc.discover", json!([])).await;
    let listed = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap().to_owned());
    assert_eq!(listed.collect::<BTreeSet<_>>(), served);
}
