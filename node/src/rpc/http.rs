//! What does the RPC port answer to a plain GET? `/health`, `/ready` and `/metrics`, for whoever watches the node.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, StatusCode, header::CONTENT_TYPE};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use serde_json::json;
use tokio::time;
use tower::{Layer, Service};

use super::{context::RpcContext, error::CODE_LIMIT};

/// Puts the pages before the RPC service, and a bound on the time that it may take.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    pub(super) context: RpcContext,
    pub(super) request_wait: Duration,
}

impl<S> Layer<S> for Pages {
    type Service = WithPages<S>;

    fn layer(&self, inner: S) -> WithPages<S> {
        WithPages {
            pages: self.clone(),
            inner,
        }
    }
}

/// The RPC service with the pages before it.
#[derive(Clone, Debug)]
pub(super) struct WithPages<S> {
    pages: Pages,
    inner: S,
}

impl<S, B> Service<HttpRequest<B>> for WithPages<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse, Error: 'static, Future: Send + 'static>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let is_get = request.method() == Method::GET;
        match page(&self.pages.context, request.uri().path()).filter(|_| is_get) {
            Some(page) => Box::pin(async { Ok(page) }),
            None => Box::pin(within(self.pages.request_wait, self.inner.call(request))),
        }
    }
}

/// The answer, if it comes in time. A WebSocket's upgrade is answered at once and lives on without a bound.
async fn within<E>(wait: Duration, answer: impl Future<Output = Result<HttpResponse, E>>) -> Result<HttpResponse, E> {
    time::timeout(wait, answer).await.unwrap_or_else(|_| {
        let body =
            json!({ "jsonrpc": "2.0", "id": null, "error": { "code": CODE_LIMIT, "message": "request timed out" } });
        Ok(respond(
            StatusCode::REQUEST_TIMEOUT,
            "application/json",
            body.to_string(),
        ))
    })
}

fn page(context: &RpcContext, path: &str) -> Option<HttpResponse> {
    match path {
        "/health" => Some(respond(
            StatusCode::OK,
            "application/json",
            json!({ "status": "alive" }).to_string(),
        )),
        "/ready" => Some(ready(context)),
        "/metrics" => Some(respond(
            StatusCode::OK,
            "text/plain; version=0.0.4",
            (context.metrics)(),
        )),
        _ => None,
    }
}

/// Ready: the driver runs and the node is not catching up.
fn ready(context: &RpcContext) -> HttpResponse {
    let head = context.runtime.head();
    let running = context.heads.has_changed().is_ok();
    let syncing = context.network.borrow().sync.is_some();
    let ready = running && !syncing;
    let body = json!({
        "ready": ready,
        "running": running,
        "syncing": syncing,
        "head": { "number": head.number().get(), "hash": head.hash().get(), "timestamp": head.header.header.timestamp },
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    respond(status, "application/json", body.to_string())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
