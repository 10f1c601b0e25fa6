//! Who pays for this call? Every call, alone or in a batch, is charged to the caller that asked, before it runs and after.
//!
//! A layer around the methods, so that calls over HTTP, in batches and on WebSockets meet the same rule. It knows no method:
//! what each costs is in [`costs`]. Requests that come from nobody (from inside the process) are free.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Extensions;
use jsonrpsee::{
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    server::MethodResponse,
    types::{ErrorObjectOwned, Request},
};
use metrics::counter;
use serde_json::json;
use tokio::time;
use tower::Layer;

use super::{
    callers::{CallGuard, Caller, Connection, Denied},
    costs, cpu,
    error::CODE_LIMIT,
};
use crate::telemetry::metering::RPC_REFUSED;

/// How long a call on a WebSocket waits until its caller may ask again.
const DEBT_WAIT_MAX: Duration = Duration::from_secs(20);

tokio::task_local! {
    /// For whom this task works.
    static CALLER: Arc<Caller>;
}

/// The caller that this task works for; none for the node itself.
pub(super) fn current() -> Option<Arc<Caller>> {
    CALLER.try_with(Arc::clone).ok()
}

/// The caller of a request, as the gate has found it; it travels in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct AskedBy(pub(super) Arc<Caller>);

/// Charges calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge;

impl<S> Layer<S> for Charge {
    type Service = Charged<S>;

    fn layer(&self, inner: S) -> Charged<S> {
        Charged { inner }
    }
}

/// The methods with the charge before them.
#[derive(Clone, Debug)]
pub(super) struct Charged<S> {
    inner: S,
}

/// Who asks, and the count of its calls on a WebSocket.
struct Asking {
    caller: Arc<Caller>,
    call: Option<CallGuard>,
}

impl Asking {
    fn of(extensions: &Extensions) -> Option<Self> {
        let AskedBy(caller) = extensions.get()?;
        let connection = extensions.get::<Arc<Connection>>();
        Some(Self {
            caller: Arc::clone(caller),
            call: connection
                .filter(|connection| connection.is_websocket())
                .map(Connection::call),
        })
    }

    /// Takes the price of `request`, if the caller may ask at all.
    fn pay(&self, request: &Request<'_>) -> Result<(), Denied> {
        self.caller.pay(costs::of_method(request.method_name()), Instant::now())
    }

    /// Takes the price of `request`. On a WebSocket a caller in debt waits for it; so few of its calls are under way that
    /// they may, and its socket is not read meanwhile. Over HTTP it would have been stopped at the gate.
    async fn admit(&self, request: &Request<'_>) -> Result<(), Denied> {
        let started = Instant::now();
        loop {
            match self.pay(request) {
                Err(Denied::Spent(wait)) if self.call.is_some() && started.elapsed() + wait <= DEBT_WAIT_MAX => {
                    time::sleep(wait).await;
                }
                settled => return settled,
            }
        }
    }

    /// Runs `work` in the caller's name and charges its answer.
    async fn run(self, work: impl Future<Output = MethodResponse>) -> MethodResponse {
        // Over HTTP the gate counts it, with what comes before and after.
        let pays = self.call.is_some() && self.caller.is_limited();
        let (answer, time) = cpu::timed_polls(CALLER.scope(Arc::clone(&self.caller), work), pays).await;
        self.caller.charge(costs::of_answer(answer.as_json().get().len()));
        self.caller.charge(costs::of_time(time));
        answer
    }
}

impl<S> RpcServiceT for Charged<S>
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
            let Some(asking) = Asking::of(request.extensions()) else {
                return inner.call(request).await;
            };
            let connection = asking.call.as_ref().map(|call| Arc::clone(call.connection()));
            let _running = match &connection {
                Some(connection) => Some(connection.run().await),
                None => None,
            };
            match asking.admit(&request).await {
                // Methods that do not wait run as soon as they are called, so the call is part of the work.
                Ok(()) => asking.run(async move { inner.call(request).await }).await,
                Err(denied) => MethodResponse::error(request.id, refusal(denied)),
            }
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move {
            let Some(asking) = Asking::of(&extensions_of(&requests)) else {
                return inner.batch(requests).await;
            };
            let connection = asking.call.as_ref().map(|call| Arc::clone(call.connection()));
            let _running = match &connection {
                Some(connection) => Some(connection.run().await),
                None => None,
            };
            let paid = requests.into_iter().map(|entry| match entry {
                Ok(BatchEntry::Call(request)) => match asking.pay(&request) {
                    Ok(()) => Ok(BatchEntry::Call(request)),
                    Err(denied) => Err(BatchEntryErr::new(request.id, refusal(denied))),
                },
                other => other,
            });
            let paid = Batch::from(paid.collect::<Vec<_>>());
            asking.run(async move { inner.batch(paid).await }).await
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

/// All entries of a batch come from one request.
fn extensions_of(requests: &Batch<'_>) -> Extensions {
    let first = requests.iter().flatten().next();
    first.map(|entry| entry.extensions().clone()).unwrap_or_default()
}

/// What a caller hears that is not served now.
pub(super) fn refusal(denied: Denied) -> ErrorObjectOwned {
    counter!(RPC_REFUSED, "why" => denied.label()).increment(1);
    let data = denied
        .wait()
        .map(|wait| json!({ "retryAfterMs": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }));
    ErrorObjectOwned::owned(CODE_LIMIT, denied.to_string(), data)
}

/// Whole seconds of `wait`, at least one, as `Retry-After` takes them.
pub(super) const fn seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs();
    if wait.subsec_nanos() > 0 || seconds == 0 {
        seconds.saturating_add(1)
    } else {
        seconds
    }
}
