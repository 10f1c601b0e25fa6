//! Who is connected? Accepts, bounds how many connections there are and how long a head may take, and lets each end in peace when the
//! server stops. What is asked over them, the [routes](super::routes) answer.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time,
};
use tower::Service;

use super::{
    callers::subscriber,
    limits::{ACCEPT_REST, CONNECTIONS_MAX, CONNECTIONS_PER_CALLER_MAX, HEAD_BYTES_MAX, HEAD_WAIT_MAX, STOP_WAIT_MAX},
};

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

/// The routes, for one connection.
#[derive(Clone)]
struct OnConnection {
    routes: Router,
    caller: Caller,
}

impl<B> Service<Request<B>> for OnConnection
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.caller);
        self.routes.call(request)
    }
}

/// How many connections each caller has.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<IpAddr, usize>>);

/// One connection, as long as it is counted.
struct Counted {
    counts: Arc<Counts>,
    caller: IpAddr,
}

impl Counts {
    fn enter(self: &Arc<Self>, from: SocketAddr) -> Option<Counted> {
        let caller = subscriber(from.ip());
        let mut counts = self.0.lock();
        if counts.values().sum::<usize>() >= CONNECTIONS_MAX {
            return None;
        }
        let count = counts.entry(caller).or_default();
        if *count >= CONNECTIONS_PER_CALLER_MAX {
            return None;
        }
        *count += 1;
        let counts = self.clone();
        Some(Counted { counts, caller })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock();
        let count = counts
            .get_mut(&self.caller)
            .expect("a connection is counted as long as it is there");
        *count -= 1;
        if *count == 0 {
            counts.remove(&self.caller);
        }
    }
}

/// Serves `routes` until `stop` says so, then lets requests under way end.
pub async fn serve(listener: TcpListener, routes: Router, mut stop: watch::Receiver<bool>) {
    let counts = Arc::new(Counts::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, from)) => {
                let Some(counted) = counts.enter(from) else {
                    metrics::counter!("ledger_notary_refused_connections_total").increment(1);
                    continue;
                };
                let caller = Caller(from.ip());
                let routes = routes.clone();
                let service = OnConnection { routes, caller };
                connections.spawn(converse(socket, service, counted, stop.clone()));
            }
            // Out of sockets, most likely: give others time to end.
            Err(error) => {
                tracing::debug!(target: "ledger::notary", %error, "connection not accepted");
                time::sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if time::timeout(STOP_WAIT_MAX, ended).await.is_err() {
        tracing::warn!(target: "ledger::notary", "connections cut off");
    }
}

/// Waits for the word to stop, or until nobody is left to give it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // What it gives back is a lock, which must not live on beside an await.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}

async fn converse(socket: TcpStream, service: OnConnection, counted: Counted, mut stop: watch::Receiver<bool>) {
    // Answers are small and wanted soon. A socket that refuses is as good as closed, and will say so.
    let _ = socket.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES_MAX)
        .header_read_timeout(HEAD_WAIT_MAX);
    let connection = builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "ledger::notary", %error, "connection ended");
    }
    drop(counted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_cannot_take_all_connections() {
        let counts = Arc::new(Counts::default());
        let address = |last: usize| SocketAddr::new(IpAddr::V4(u32::try_from(last).unwrap().into()), 1);
        let mine: Vec<_> = (0..CONNECTIONS_PER_CALLER_MAX)
            .map(|_| counts.enter(address(1)).unwrap())
            .collect();
        assert!(counts.enter(address(1)).is_none());
        let left = CONNECTIONS_MAX - CONNECTIONS_PER_CALLER_MAX;
        let others: Vec<_> = (0..left)
            .map(|other| counts.enter(address(2 + other)).unwrap())
            .collect();
        assert!(counts.enter(address(1_000)).is_none(), "all are taken");
        drop(mine);
        assert!(counts.enter(address(1)).is_some());
        drop(others);
        assert!(counts.0.lock().is_empty(), "who left is not counted");
    }
}
