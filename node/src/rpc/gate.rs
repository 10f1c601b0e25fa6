//! Who is asking, and is there room for the request? The first thing that a request over HTTP meets, and where its answer
//! leaves.
//!
//! Finds the caller (the address at the other end, or the one that a known proxy names), keeps its limits, and bounds the time
//! of everything behind it. A request that comes without a connection (from inside the process) meets no limits.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{StatusCode, header::RETRY_AFTER};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse, ws::is_upgrade_request};
use serde_json::json;
use tokio::time;
use tower::{Layer, Service};

use super::{
    body::{Held, Weighed},
    callers::{Caller, Callers, Connection, Denied, RequestSlot},
    charge::{AskedBy, refusal, seconds},
    costs, cpu,
    error::CODE_LIMIT,
    http::respond,
    limits::REFUSAL_PAUSE,
};

/// Where proxies name the caller.
const FORWARDED: &str = "x-forwarded-for";

/// The gate before everything else.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) callers: Arc<Callers>,
    pub(super) request_wait: Duration,
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            gate: self.clone(),
            inner,
        }
    }
}

/// A service behind the gate.
#[derive(Clone, Debug)]
pub(super) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S, B> Service<HttpRequest<B>> for Gated<S>
where
    S: Service<HttpRequest<Weighed<B>>, Response = HttpResponse, Error: 'static, Future: Send + 'static>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest<B>) -> Self::Future {
        let connection = request.extensions().get::<Arc<Connection>>().cloned();
        let caller = connection
            .as_ref()
            .map(|connection| self.gate.caller(connection, &request));
        let upgrades = is_upgrade_request(&request);
        let units = if upgrades { costs::UPGRADE } else { costs::BASE };
        let slot = match caller.as_ref().map(|caller| caller.request(units, Instant::now())) {
            Some(Err(denied)) => return Box::pin(async move { Ok(refuse(denied).await) }),
            Some(Ok(slot)) => Some(slot),
            None => None,
        };
        if let Some(caller) = &caller {
            request.extensions_mut().insert(AskedBy(Arc::clone(caller)));
        }
        let work = self.inner.call(request.map(|body| Weighed::new(body, caller.clone())));
        let pays = caller.as_ref().is_some_and(|caller| caller.is_limited());
        let answer = cpu::timed_polls(within(self.gate.request_wait, work), pays);
        Box::pin(async move {
            let (answer, time) = answer.await;
            if let Some(caller) = caller {
                // Reading the request and writing the answer; what ran on a blocking thread was counted there.
                caller.charge(costs::of_time(time));
            }
            let answer = answer?;
            if upgrades && answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                connection.iter().for_each(|connection| connection.upgrade());
                return Ok(answer);
            }
            Ok(hold(answer, slot))
        })
    }
}

impl Gate {
    /// The caller behind a request: the other end of the connection, or the one that it asks for if it is a proxy.
    fn caller<B>(&self, connection: &Connection, request: &HttpRequest<B>) -> Arc<Caller> {
        if self.callers.is_proxy(connection.address()) {
            let named = request.headers().get_all(FORWARDED).iter();
            if let Some(caller) = self.callers.forwarded(named.filter_map(|header| header.to_str().ok())) {
                return caller;
            }
        }
        Arc::clone(connection.caller())
    }
}

/// The answer, whose request counts until it is sent.
fn hold(answer: HttpResponse, slot: Option<RequestSlot>) -> HttpResponse {
    match slot {
        Some(slot) => answer.map(|body| HttpBody::new(Held::new(body, slot))),
        None => answer,
    }
}

/// The answer, if it comes in time. A WebSocket's upgrade is answered at once and lives on without a bound.
async fn within<E>(wait: Duration, answer: impl Future<Output = Result<HttpResponse, E>>) -> Result<HttpResponse, E> {
    time::timeout(wait, answer).await.unwrap_or_else(|_| {
        let error = json!({ "code": CODE_LIMIT, "message": "request timed out" });
        Ok(failure(StatusCode::REQUEST_TIMEOUT, &error))
    })
}

/// Says that the caller asks too much, after a pause.
async fn refuse(denied: Denied) -> HttpResponse {
    let error = json!(refusal(denied));
    time::sleep(REFUSAL_PAUSE).await;
    let mut answer = failure(StatusCode::TOO_MANY_REQUESTS, &error);
    if let Some(wait) = denied.wait() {
        answer.headers_mut().insert(RETRY_AFTER, seconds(wait).into());
    }
    answer
}

/// A request that never became a call, as JSON-RPC says it.
fn failure(status: StatusCode, error: &serde_json::Value) -> HttpResponse {
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": error });
    respond(status, "application/json", body.to_string())
}

/// Names the connection of every request that comes on it.
#[derive(Clone, Debug)]
pub(super) struct OnConnection<S> {
    connection: Arc<Connection>,
    inner: S,
}

impl<S> OnConnection<S> {
    pub(super) const fn new(connection: Arc<Connection>, inner: S) -> Self {
        Self { connection, inner }
    }
}

impl<S, B> Service<HttpRequest<B>> for OnConnection<S>
where
    S: Service<HttpRequest<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest<B>) -> S::Future {
        request.extensions_mut().insert(Arc::clone(&self.connection));
        self.inner.call(request)
    }
}
