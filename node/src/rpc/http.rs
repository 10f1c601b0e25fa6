//! What does the RPC port answer to a plain GET? `/health`, `/ready` and `/metrics`, for whoever watches the node, and the pages of
//! [`web`](super::web) for people. What is posted, and what becomes a WebSocket, goes on to JSON-RPC.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, StatusCode, header::CONTENT_TYPE};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse, ws::is_upgrade_request};
use serde_json::json;
use tower::{Layer, Service};

use super::{charge::AskedBy, context::RpcContext, costs, web};

/// Puts the pages before the RPC service.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    /// Shared, since the layers are put together for each request.
    pub(super) context: Arc<RpcContext>,
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
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let page = (is_read && !is_upgrade_request(&request)).then(|| page(&self.pages.context, &request));
        match page {
            Some(page) => {
                if let Some(AskedBy(caller)) = request.extensions().get() {
                    caller.charge(costs::PAGE);
                }
                Box::pin(async { Ok(page) })
            }
            None => Box::pin(self.inner.call(request)),
        }
    }
}

fn page<B>(context: &RpcContext, request: &HttpRequest<B>) -> HttpResponse {
    match request.uri().path() {
        "/health" => respond(
            StatusCode::OK,
            "application/json",
            json!({ "status": "alive" }).to_string(),
        ),
        "/ready" => ready(context),
        "/metrics" => respond(StatusCode::OK, "text/plain; version=0.0.4", (context.metrics)()),
        path => web::answer(path, request.headers()),
    }
}

/// Ready: the driver runs, the node is not catching up, and the mainchain does not contradict it.
fn ready(context: &RpcContext) -> HttpResponse {
    let head = context.runtime.head();
    let running = context.heads.has_changed().is_ok();
    let syncing = context.network.borrow().sync.is_some();
    let contradicted = context.consensus.confirmed.contradiction().is_some();
    let ready = running && !syncing && !contradicted;
    let body = json!({
        "ready": ready,
        "running": running,
        "syncing": syncing,
        "contradicted": contradicted,
        "head": { "number": head.number().get(), "hash": head.hash().get(), "timestamp": head.header.header.timestamp },
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    respond(status, "application/json", body.to_string())
}

pub(super) fn respond(status: StatusCode, content_type: &'static str, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
