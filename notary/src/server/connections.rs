//! Who is connected? Accepts, bounds how many connections there are and how long a head may take, and lets each end in peace when the
//! server stops. What is asked over them, the [routes](super::routes) answer.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    http::{Extensions, HeaderMap, Request},
};
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
    limits::{
        ACCEPT_REST, CONNECTION_LIFE_MAX, CONNECTIONS_MAX, CONNECTIONS_PER_CALLER_MAX, HEAD_BYTES_MAX, HEAD_WAIT_MAX,
        REQUEST_WAIT_MAX, STOP_WAIT_MAX,
    },
};

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

impl Caller {
    /// Who sent the request with these extensions. Requests that came over no connection are our own, in tests.
    pub fn of(extensions: &Extensions) -> Self {
        let caller = extensions.get::<Self>().copied();
        caller.unwrap_or(Self(IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }
}

/// Whom a proxy asks for, by the last address in its `X-Forwarded-For`: it wrote that one itself.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let address = last.to_str().ok()?.rsplit(',').next()?;
    address.trim().parse().ok()
}

/// The routes, for one connection.
#[derive(Clone)]
struct OnConnection {
    routes: Router,
    caller: Caller,
    /// Whether the caller asks for others.
    is_proxy: bool,
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
        let told = self.is_proxy.then(|| forwarded(request.headers())).flatten();
        request.extensions_mut().insert(told.map_or(self.caller, Caller));
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
    fn enter(self: &Arc<Self>, from: IpAddr, most: usize) -> Option<Counted> {
        let caller = subscriber(from);
        let mut counts = self.0.lock();
        if counts.values().sum::<usize>() >= CONNECTIONS_MAX {
            return None;
        }
        let count = counts.entry(caller).or_default();
        if *count >= most {
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

/// Serves `routes` until `stop` says so, then lets requests under way end. What `proxies` say of whom they ask for is believed, and
/// their connections are those of many.
pub async fn serve(listener: TcpListener, routes: Router, proxies: &[IpAddr], mut stop: watch::Receiver<bool>) {
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
                let from = from.ip().to_canonical();
                let is_proxy = proxies.contains(&from);
                let most = if is_proxy {
                    CONNECTIONS_MAX
                } else {
                    CONNECTIONS_PER_CALLER_MAX
                };
                let Some(counted) = counts.enter(from, most) else {
                    metrics::counter!("ledger_notary_refused_connections_total").increment(1);
                    continue;
                };
                let service = OnConnection {
                    routes: routes.clone(),
                    caller: Caller(from),
                    is_proxy,
                };
                let life = (CONNECTION_LIFE_MAX, REQUEST_WAIT_MAX);
                let conversation = converse(socket, service, life, stop.clone());
                connections.spawn(async {
                    conversation.await;
                    drop(counted);
                });
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

/// Answers what comes over a connection for as long as `life`, and then, or at a stop, for as long as `end` to what is under way.
async fn converse(
    socket: TcpStream,
    service: OnConnection,
    (life, end): (Duration, Duration),
    mut stop: watch::Receiver<bool>,
) {
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
        ended = &mut connection => Ok(ended),
        _ = time::timeout(life, stopped(&mut stop)) => {
            connection.as_mut().graceful_shutdown();
            time::timeout(end, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(target: "ledger::notary", %error, "connection ended"),
        Err(_) => tracing::debug!(target: "ledger::notary", "connection cut off, whose answers nobody reads"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[test]
    fn one_caller_cannot_take_all_connections() {
        let counts = Arc::new(Counts::default());
        let enter = |last: usize| {
            let address = IpAddr::V4(u32::try_from(last).unwrap().into());
            counts.enter(address, CONNECTIONS_PER_CALLER_MAX)
        };
        let mine: Vec<_> = (0..CONNECTIONS_PER_CALLER_MAX).map(|_| enter(1).unwrap()).collect();
        assert!(enter(1).is_none());
        let left = CONNECTIONS_MAX - CONNECTIONS_PER_CALLER_MAX;
        let others: Vec<_> = (0..left).map(|other| enter(2 + other).unwrap()).collect();
        assert!(enter(1_000).is_none(), "all are taken");
        drop(mine);
        assert!(enter(1).is_some());
        drop(others);
        assert!(counts.0.lock().is_empty(), "who left is not counted");
    }

    #[test]
    fn of_a_proxys_words_the_last_address_counts() {
        for (lines, expected) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["198.51.100.1, 192.0.2.7"], Some("192.0.2.7")),
            (&["198.51.100.1", "2001:db8::1"], Some("2001:db8::1")),
            (&["192.0.2.7, unknown"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(forwarded(&headers), expected, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn who_reads_no_answer_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, from) = listener.accept().await.unwrap();
        let service = OnConnection {
            routes: Router::new().fallback(|| async { vec![0_u8; 16 << 20] }),
            caller: Caller(from.ip()),
            is_proxy: false,
        };
        let (_running, stop) = watch::channel(false);
        // One answer is more than the sockets hold, and the next request keeps the server from waiting for a head.
        caller
            .write_all(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2))
            .await
            .unwrap();
        let life = Duration::from_millis(200);
        let conversation = converse(socket, service, (life, life), stop);
        let ended = time::timeout(HEAD_WAIT_MAX / 2, conversation).await;
        assert!(ended.is_ok(), "it would never end by itself");
    }
}
