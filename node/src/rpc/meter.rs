//! How often is each method asked, and how long does it take? Counted around every request, for `/metrics`.

use std::{collections::HashSet, future::Future, sync::LazyLock, time::Instant};

use jsonrpsee::{
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    server::MethodResponse,
    types::Request,
};
use ledger_api::openrpc::METHODS;
use metrics::{counter, histogram};
use tower::Layer;

use crate::telemetry::metering::{RPC_REQUESTS, RPC_SECONDS};

/// The methods that there are. Only they become labels: a caller can make up names without end.
static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| METHODS.iter().map(|method| method.name).collect());

/// Counts requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter;

impl<S> Layer<S> for Meter {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner }
    }
}

/// The methods with the meter before them.
#[derive(Clone, Debug)]
pub(super) struct Metered<S> {
    inner: S,
}

impl<S> RpcServiceT for Metered<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move {
            let method = label(request.method_name());
            let started = Instant::now();
            let response = inner.call(request).await;
            let outcome = if response.is_success() { "ok" } else { "error" };
            counter!(RPC_REQUESTS, "method" => method, "outcome" => outcome).increment(1);
            histogram!(RPC_SECONDS, "method" => method).record(started.elapsed().as_secs_f64());
            response
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move {
            for entry in requests.iter().flatten() {
                if let BatchEntry::Call(request) = entry {
                    let method = label(request.method_name());
                    counter!(RPC_REQUESTS, "method" => method, "outcome" => "batched").increment(1);
                }
            }
            let started = Instant::now();
            let response = inner.batch(requests).await;
            histogram!(RPC_SECONDS, "method" => "batch").record(started.elapsed().as_secs_f64());
            response
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

fn label(method: &str) -> &'static str {
    KNOWN.get(method).copied().unwrap_or("unknown")
}
