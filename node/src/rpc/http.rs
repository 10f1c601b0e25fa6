//! What does the RPC port answer to a plain GET? `/health`, `/ready` and `/metrics`, for whoever watches the node.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Method, StatusCode, header::CONTENT_TYPE};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use serde_json::json;
use tower::{Layer, Service};

use super::context::RpcContext;

/// Puts the pages before the RPC service.
#[derive(Clone, Debug)]
pub(super) struct Pages(pub(super) RpcContext);

impl<S> Layer<S> for Pages {
    type Service = WithPages<S>;

    fn layer(&self, inner: S) -> WithPages<S> {
        WithPages {
            context: self.0.clone(),
            inner,
        }
    }
}

/// The RPC service with the pages before it.
#[derive(Clone, Debug)]
pub(super) struct WithPages<S> {
    context: RpcContext,
    inner: S,
}

impl<S, B> Service<HttpRequest<B>> for WithPages<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse, Future: Send + 'static>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let is_get = request.method() == Method::GET;
        match page(&self.context, request.uri().path()).filter(|_| is_get) {
            Some(page) => Box::pin(async { Ok(page) }),
            None => Box::pin(self.inner.call(request)),
        }
    }
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
