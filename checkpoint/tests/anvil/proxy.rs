//! A node of the mainchain that is not to be trusted: anvil behind somebody who breaks, delays or forges answers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use jsonrpsee::{
    core::{
        client::{ClientT, Error},
        params::ArrayParams,
    },
    http_client::{HttpClient, HttpClientBuilder},
};
use serde_json::{Value, json};

use crate::{lock, random::Random};

/// How it misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Honest,
    /// Of so many answers one is an error.
    ErrorOneIn(u64),
    /// Of so many answers one never comes.
    HangOneIn(u64),
    /// Never answers.
    Mute,
    /// Forges whatever a relayer asks.
    Liar,
}

#[derive(Clone)]
struct Shared {
    client: HttpClient,
    manner: Arc<Mutex<Manner>>,
    random: Arc<Mutex<Random>>,
}

pub struct Proxy {
    pub url: String,
    manner: Arc<Mutex<Manner>>,
}

impl Proxy {
    pub async fn start(upstream: &str, manner: Manner, seed: u64) -> Self {
        let manner = Arc::new(Mutex::new(manner));
        let shared = Shared {
            client: HttpClientBuilder::default()
                .build(upstream)
                .expect("that is an address"),
            manner: manner.clone(),
            random: Arc::new(Mutex::new(Random::new(seed))),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let router = Router::new().route("/", post(answer)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, manner }
    }

    pub fn set(&self, manner: Manner) {
        *lock(&self.manner) = manner;
    }
}

async fn answer(State(shared): State<Shared>, Json(request): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let manner = *lock(&shared.manner);
    match manner {
        Manner::ErrorOneIn(times) if lock(&shared.random).once_in(times) => {
            return Err(StatusCode::BAD_GATEWAY);
        }
        Manner::HangOneIn(times) if lock(&shared.random).once_in(times) => hang().await,
        Manner::Mute => hang().await,
        Manner::Honest | Manner::Liar | Manner::ErrorOneIn(_) | Manner::HangOneIn(_) => {}
    }
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    let mut params = ArrayParams::new();
    for param in request["params"].as_array().into_iter().flatten() {
        params.insert(param).expect("it was JSON before");
    }
    let answered: Result<Value, Error> = shared.client.request(&method, params).await;
    let mut response = json!({ "jsonrpc": "2.0", "id": request["id"] });
    match answered {
        Ok(result) if manner == Manner::Liar => response["result"] = forged(&method, &request, result),
        Ok(result) => response["result"] = result,
        Err(Error::Call(error)) => response["error"] = json!(error),
        Err(_) => return Err(StatusCode::BAD_GATEWAY),
    }
    Ok(Json(response))
}

/// Longer than anybody waits.
async fn hang() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

/// The most harmful answers: everything is there already, for nothing, long ago.
fn forged(method: &str, request: &Value, honest: Value) -> Value {
    match method {
        "eth_blockNumber" => json!("0xffffff"),
        "eth_getBlockByNumber" | "eth_getBlockByHash" => {
            let mut block = honest;
            if block.is_object() {
                block["hash"] = json!(format!("0x{}", "ee".repeat(32)));
            }
            block
        }
        "eth_call" => json!(format!("0x{:064x}", 1_000)),
        "eth_getTransactionCount" => json!("0x63"),
        "eth_getBalance" => json!("0x0"),
        "eth_gasPrice" => json!("0xffffffffffffffff"),
        "eth_getTransactionReceipt" => Value::Null,
        // It says that it took the transaction, whatever it does with it.
        "eth_sendRawTransaction" => request["params"][0].clone(),
        _ => honest,
    }
}
