//! How do callers get in? One port for HTTP and WebSocket, with a bound on everything that a caller can make large.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, header::CONTENT_TYPE};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use jsonrpsee::server::stop_channel;
use metrics::counter;
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    callers::{Callers, Net},
    context::RpcContext,
    gate::OnConnection,
    limits::{HEAD_BYTES_MAX, PING_INTERVAL, RpcLimits, STREAMS_MAX},
    service::{RpcBuilder, RpcService},
    socket::Socket,
};
use crate::telemetry::metering::RPC_REFUSED;

/// How long a stop waits for requests under way.
pub const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// How long the server rests when the system has no sockets left.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Where and for whom the server is.
#[derive(Clone, Debug)]
pub struct RpcOptions {
    /// Where to listen; port 0 for any.
    pub address: SocketAddr,
    /// Web origins whose pages may call; `*` for all.
    pub cors: Vec<String>,
    /// The bounds.
    pub limits: RpcLimits,
    /// Callers that no limit of single callers holds for.
    pub trusted: Vec<Net>,
    /// Proxies, which say in `X-Forwarded-For` for whom they ask.
    pub proxies: Vec<Net>,
}

/// Why the server could not be set up.
#[derive(Debug, Error)]
pub enum RpcBindError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Not a web origin.
    #[error("{origin:?} is not a web origin; write it like https://example.org, or * for all")]
    Origin {
        /// What was given.
        origin: String,
    },
}

/// A server that has its port and waits to be run.
#[derive(Debug)]
pub struct RpcServer {
    listener: StdTcpListener,
    address: SocketAddr,
    service: RpcBuilder,
    callers: Arc<Callers>,
    idle_wait: Duration,
}

impl RpcServer {
    /// Takes the port, so that a port in use is known before anything else starts.
    ///
    /// # Errors
    /// [`RpcBindError`] if the address cannot be had or an origin is none.
    pub fn bind(options: RpcOptions, context: RpcContext) -> Result<Self, RpcBindError> {
        let cors = cors(&options.cors)?;
        let failed = |source| RpcBindError::Listen {
            address: options.address,
            source,
        };
        let listener = StdTcpListener::bind(options.address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let limits = options.limits;
        let connections = usize::try_from(limits.connections).unwrap_or(usize::MAX);
        let callers = Arc::new(Callers::new(
            limits.caller,
            options.trusted,
            options.proxies,
            connections,
        ));
        Ok(Self {
            listener,
            address,
            service: RpcBuilder::new(&limits, cors, Arc::clone(&callers), context),
            callers,
            idle_wait: limits.idle_wait,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then finishes what is under way, within [`STOP_WAIT_MAX`].
    ///
    /// # Errors
    /// If the listener cannot be used.
    pub async fn run(self, shutdown: CancellationToken) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let (stop, handle) = stop_channel();
        let connections = TaskTracker::new();
        while let Some((socket, from)) = accept(&listener, &shutdown).await {
            // Dropping the socket tells the caller at once that there is no room.
            let Some(slot) = self.callers.connect(from.ip(), Instant::now()) else {
                counter!(RPC_REFUSED, "why" => "connections").increment(1);
                continue;
            };
            let connection = Arc::clone(slot.connection());
            let socket = Socket::new(socket, slot, Arc::clone(&self.callers));
            let service = OnConnection::new(Arc::clone(&connection), self.service.build(stop.clone()));
            let builder = http_builder(self.idle_wait);
            connections.spawn(serve(builder, socket, service, stop.clone().shutdown()));
        }
        connections.close();
        // That nobody is connected any more is no error.
        let _ = handle.stop();
        drop((stop, self.service));
        let ended = async {
            connections.wait().await;
            // WebSockets live on in tasks of their own, each with its end of the stop channel.
            handle.stopped().await;
        };
        if time::timeout(STOP_WAIT_MAX, ended).await.is_err() {
            tracing::warn!(target: "ledger::rpc", "connections cut off");
        }
        Ok(())
    }
}

/// The next connection; none when it is time to stop.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((socket, from)) => {
                // Answers are small and wanted soon. A socket that refuses is as good as closed, and will say so.
                let _ = socket.set_nodelay(true);
                return Some((socket, from));
            }
            // Out of sockets, most likely: give others time to end.
            Err(error) => {
                tracing::debug!(target: "ledger::rpc", %error, "connection not accepted");
                time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Serves one connection until it ends or everything stops.
async fn serve(
    builder: auto::Builder<TokioExecutor>,
    socket: Socket,
    service: OnConnection<RpcService>,
    stopped: impl Future<Output = ()>,
) {
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    tokio::pin!(connection, stopped);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "ledger::rpc", %error, "connection ended");
    }
}

fn http_builder(idle_wait: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES_MAX)
        .header_read_timeout(idle_wait);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL);
    builder
}

fn cors(origins: &[String]) -> Result<CorsLayer, RpcBindError> {
    let layer = CorsLayer::new()
        .allow_methods([Method::POST, Method::GET])
        .allow_headers([CONTENT_TYPE]);
    if origins.iter().any(|origin| origin == "*") {
        return Ok(layer.allow_origin(AllowOrigin::any()));
    }
    let parse = |origin: &String| {
        let value = origin
            .contains("://")
            .then(|| HeaderValue::from_str(origin).ok())
            .flatten();
        value.ok_or_else(|| RpcBindError::Origin { origin: origin.clone() })
    };
    let origins = origins.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    Ok(layer.allow_origin(AllowOrigin::list(origins)))
}
