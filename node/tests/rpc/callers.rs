//! Limits of single callers: addresses of the loopback network stand for callers from different places.

use std::{net::SocketAddr, time::Duration};

use ledger_node::rpc::{
    FILTERS_PER_CALLER_MAX, RpcLimits,
    callers::{Allowance, CallerLimits},
    error::CODE_LIMIT,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::world::World;

/// A connection to the world's server from 127.0.0.`last`.
async fn from(world: &World, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
    let address = world.url.trim_start_matches("http://").parse().unwrap();
    socket.connect(address).await.unwrap()
}

fn request(method: &str, head: &str) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [] }).to_string();
    post(&body, head)
}

fn post(body: &str, head: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: n\r\n{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Sends a request and reads its answer: status, head and body.
async fn ask(socket: &mut TcpStream, request: &str) -> (u16, String, Value) {
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let read = timeout(Duration::from_secs(10), socket.read_buf(&mut answer)).await;
        assert_ne!(
            read.unwrap().unwrap(),
            0,
            "closed after {:?}",
            String::from_utf8_lossy(&answer)
        );
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, head, serde_json::from_str(body).unwrap_or_default());
        }
    }
}

fn limits(change: impl FnOnce(&mut CallerLimits)) -> RpcLimits {
    let mut limits = RpcLimits::default();
    change(&mut limits.caller);
    limits
}

/// Hardly anything comes back in the time of a test.
fn few(burst: u32) -> RpcLimits {
    limits(|caller| caller.allowance = Allowance { per_second: 1, burst })
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back_and_others_are_served() {
    let world = World::wary(few(60), &[]).await;
    let mut greedy = from(&world, 2).await;
    let chain_id = request("eth_chainId", "");
    let mut answered = 0;
    let (head, body) = loop {
        let (status, head, body) = ask(&mut greedy, &chain_id).await;
        if status != 200 {
            assert_eq!(status, 429, "{body}");
            break (head, body);
        }
        answered += 1;
        assert!(answered <= 60, "no limit");
    };
    // An answer is two units, and what it takes of the processor.
    assert!(answered >= 5, "only {answered} answers for 60 units");
    assert_eq!(body["error"]["code"], json!(CODE_LIMIT), "{body}");
    assert!(
        body["error"]["data"]["retryAfterMs"]
            .as_u64()
            .is_some_and(|wait| wait > 0),
        "{body}"
    );
    assert!(head.contains("retry-after: "), "{head}");
    let (status, _, body) = ask(&mut from(&world, 3).await, &chain_id).await;
    assert_eq!((status, &body["result"]), (200, &json!("0x189c")), "another caller");
}

#[tokio::test]
async fn trusted_callers_ask_as_much_as_they_like() {
    let world = World::with(few(5), |options| options).await;
    let mut own = from(&world, 1).await;
    for _ in 0..50 {
        assert_eq!(ask(&mut own, &request("eth_chainId", "")).await.0, 200);
    }
}

#[tokio::test]
async fn a_batch_is_answered_as_far_as_it_is_paid() {
    let world = World::wary(few(30), &[]).await;
    let call = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId" });
    let batch = json!((0..100).map(call).collect::<Vec<_>>()).to_string();
    let (status, _, answers) = ask(&mut from(&world, 2).await, &post(&batch, "")).await;
    let answers = answers.as_array().unwrap();
    assert_eq!((status, answers.len()), (200, 100));
    let paid = answers.iter().filter(|answer| answer["result"] == "0x189c").count();
    let refused = answers
        .iter()
        .filter(|answer| answer["error"]["code"] == json!(CODE_LIMIT))
        .count();
    assert!(
        (20..=30).contains(&paid) && paid + refused == 100,
        "{paid} paid, {refused} refused"
    );
}

#[tokio::test]
async fn work_is_charged_by_what_it_took() {
    let world = World::wary(few(2000), &[]).await;
    let mut heavy = from(&world, 2).await;
    // JUMPDEST PUSH0 JUMP: for ever, until the gas is used up.
    let code = json!({ "0x0000000000000000000000000000000000009999": { "code": "0x5b5f56" } });
    let call = json!([{ "to": "0x0000000000000000000000000000000000009999" }, "latest", code]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": call }).to_string();
    let mut calls = 0;
    while ask(&mut heavy, &post(&body, "")).await.0 == 200 {
        calls += 1;
        assert!(
            calls < 200,
            "two thousand units of a tenth of a millisecond are not 200 endless calls"
        );
    }
    assert!(calls > 0);
}

#[tokio::test]
async fn connections_of_one_caller_are_bounded_and_a_full_house_makes_room() {
    let per_caller = RpcLimits {
        connections: 6,
        ..limits(|caller| caller.connections = 4)
    };
    let world = World::wary(per_caller, &[]).await;
    let chain_id = request("eth_chainId", "");
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut socket = from(&world, 2).await;
        assert_eq!(ask(&mut socket, &chain_id).await.0, 200);
        held.push(socket);
    }
    let mut fifth = from(&world, 2).await;
    assert!(is_closed(&mut fifth).await, "the fifth of one caller");
    // Two more callers, and the house is full.
    for last in [3, 4] {
        let mut socket = from(&world, last).await;
        assert_eq!(ask(&mut socket, &chain_id).await.0, 200);
        held.push(socket);
    }
    let mut newcomer = from(&world, 5).await;
    assert_eq!(ask(&mut newcomer, &chain_id).await.0, 200, "a newcomer");
    assert!(
        is_closed(&mut held[0]).await,
        "the oldest of the caller with the most gave way"
    );
    assert_eq!(ask(&mut held[4], &chain_id).await.0, 200, "others stayed");
}

async fn is_closed(socket: &mut TcpStream) -> bool {
    let read = timeout(Duration::from_secs(5), socket.read(&mut [0])).await;
    matches!(read, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn only_a_known_proxy_says_who_calls() {
    let world = World::wary(few(10), &["127.0.0.9"]).await;
    let spend = async |last: u8, head: &str| {
        let mut socket = from(&world, last).await;
        for _ in 0..20 {
            if ask(&mut socket, &request("eth_chainId", head)).await.0 == 429 {
                return true;
            }
        }
        false
    };
    let one = "x-forwarded-for: 10.0.0.1, 203.0.113.1\r\n";
    assert!(spend(9, one).await, "one caller behind the proxy is limited");
    let mut proxy = from(&world, 9).await;
    let other = "x-forwarded-for: 203.0.113.2\r\n";
    assert_eq!(
        ask(&mut proxy, &request("eth_chainId", other)).await.0,
        200,
        "another one is not"
    );
    // Whoever is no proxy is itself, whatever it writes; 203.0.113.3 has not asked for anything.
    assert!(spend(8, "x-forwarded-for: 203.0.113.3\r\n").await);
    let mut proxy = from(&world, 9).await;
    assert_eq!(
        ask(&mut proxy, &request("eth_chainId", "x-forwarded-for: 203.0.113.3\r\n"))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn one_caller_cannot_take_all_filters() {
    let world = World::wary(RpcLimits::default(), &[]).await;
    let mut greedy = from(&world, 2).await;
    for _ in 0..FILTERS_PER_CALLER_MAX {
        let (_, _, body) = ask(&mut greedy, &request("eth_newBlockFilter", "")).await;
        assert!(body["result"].is_string(), "{body}");
    }
    let (_, _, body) = ask(&mut greedy, &request("eth_newBlockFilter", "")).await;
    assert_eq!(body["error"]["code"], json!(CODE_LIMIT), "{body}");
    let (_, _, body) = ask(&mut from(&world, 3).await, &request("eth_newBlockFilter", "")).await;
    assert!(body["result"].is_string(), "{body}");
}

/// A WebSocket from 127.0.0.`last`, past its handshake.
async fn websocket(world: &World, last: u8) -> TcpStream {
    let mut socket = from(world, last).await;
    let upgrade = "GET / HTTP/1.1\r\nhost: n\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_eq!(ask(&mut socket, upgrade).await.0, 101);
    socket
}

/// A text message of a WebSocket's client, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_whose_answers_nobody_takes_is_not_read() {
    let world = World::start().await;
    let mut socket = websocket(&world, 2).await;
    // The answer is a document of many kilobytes, so that the system's buffers are full soon.
    let message = frame(&json!({ "jsonrpc": "2.0", "id": 1, "method": "rpc.discover", "params": [] }).to_string());
    let mut sent = 0_u64;
    while let Ok(written) = timeout(Duration::from_secs(1), socket.write_all(&message)).await {
        written.unwrap();
        sent += 1;
        assert!(sent < 500_000, "the server reads on and on");
    }
    // Then they are taken, and every one comes.
    let started = Instant::now();
    let mut taken = 0_u64;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(read) = timeout(Duration::from_secs(2), socket.read(&mut buffer)).await {
        taken += u64::try_from(read.unwrap()).unwrap();
        if started.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    assert!(taken > 1 << 20, "only {taken} bytes came for {sent} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_in_debt_waits_and_is_served_again() {
    let slow = limits(|caller| {
        caller.allowance = Allowance {
            per_second: 100,
            burst: 50,
        };
    });
    let world = World::wary(slow, &[]).await;
    let mut socket = websocket(&world, 2).await;
    let started = Instant::now();
    for id in 1..=60 {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId" });
        socket.write_all(&frame(&message.to_string())).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    let mut answers = Vec::new();
    while String::from_utf8_lossy(&answers).matches("0x189c").count() < 60 {
        let read = timeout(Duration::from_secs(10), socket.read_buf(&mut answers)).await;
        assert_ne!(
            read.unwrap().unwrap(),
            0,
            "closed after {}",
            String::from_utf8_lossy(&answers)
        );
    }
    assert!(started.elapsed() > Duration::from_millis(300), "there was no limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_full_of_nonsense_is_soon_not_read() {
    let world = World::wary(few(40), &[]).await;
    let mut socket = websocket(&world, 2).await;
    let flood = frame("x").repeat(20_000);
    let _ = timeout(Duration::from_secs(1), socket.write_all(&flood)).await;
    let mut taken = Vec::new();
    let _ = timeout(Duration::from_secs(2), socket.read_to_end(&mut taken)).await;
    let answered = String::from_utf8_lossy(&taken).matches("Parse error").count();
    assert!(
        (1..5_000).contains(&answered),
        "{answered} of 20000 messages became tasks"
    );
    let mut other = from(&world, 3).await;
    assert_eq!(ask(&mut other, &request("eth_chainId", "")).await.0, 200);
}
