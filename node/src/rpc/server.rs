//! How do callers get in? One port for HTTP and WebSocket, with a bound on everything that a caller can make large.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdTcpListener},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Method, header::CONTENT_TYPE};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use jsonrpsee::{
    core::middleware::RpcServiceBuilder,
    server::{BatchRequestConfig, PingConfig, Server, ServerConfig, stop_channel},
};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    context::{Api, RpcContext},
    http::Pages,
    meter::Meter,
    methods,
    subscribe::HexIds,
};

/// Largest request, in bytes: forty transactions of the largest size.
pub const REQUEST_BYTES_MAX: u32 = 5 << 20;

/// Largest answer, in bytes.
pub const RESPONSE_BYTES_MAX: u32 = 25 << 20;

/// Requests in one batch.
pub const BATCH_REQUESTS_MAX: u32 = 1000;

/// Connections at once, and WebSockets as many again; further ones are closed at once.
pub const CONNECTIONS_MAX: u32 = 512;

/// Subscriptions on one WebSocket.
pub const SUBSCRIPTIONS_MAX: u32 = 64;

/// Messages that wait to be sent on one WebSocket before its methods wait for it; each may be as large as an answer.
pub const MESSAGES_WAITING_MAX: u32 = 32;

/// Requests at once on one HTTP/2 connection; each may be as large as a request, and its answer as an answer.
const STREAMS_MAX: u32 = 8;

/// How long a connection may take to send the head of its next request.
pub const REQUEST_HEAD_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a request over HTTP may take from its head to its answer, a whole batch included. It bounds what a caller that
/// sends a body slowly can hold.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(120);

/// How often a silent WebSocket is asked whether anybody is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a silent WebSocket is kept.
const PING_WAIT_MAX: Duration = Duration::from_secs(90);

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
}

/// The bounds of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcLimits {
    /// Bytes of a request.
    pub request_bytes: u32,
    /// Bytes of an answer.
    pub response_bytes: u32,
    /// Requests in one batch.
    pub batch_requests: u32,
    /// Connections at once.
    pub connections: u32,
    /// Subscriptions on one WebSocket.
    pub subscriptions: u32,
    /// From the head of a request over HTTP to its answer.
    pub request_wait: Duration,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            request_bytes: REQUEST_BYTES_MAX,
            response_bytes: RESPONSE_BYTES_MAX,
            batch_requests: BATCH_REQUESTS_MAX,
            connections: CONNECTIONS_MAX,
            subscriptions: SUBSCRIPTIONS_MAX,
            request_wait: REQUEST_WAIT_MAX,
        }
    }
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
    cors: CorsLayer,
    limits: RpcLimits,
    context: RpcContext,
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
        Ok(Self {
            listener,
            address,
            cors,
            limits: options.limits,
            context,
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
        let middleware = ServiceBuilder::new().layer(self.cors).layer(Pages {
            context: self.context.clone(),
            request_wait: self.limits.request_wait,
        });
        let service = Server::builder()
            .set_config(config(&self.limits))
            .set_http_middleware(middleware)
            .set_rpc_middleware(RpcServiceBuilder::new().layer(Meter))
            .to_service_builder();
        let methods = methods(Api::new(self.context));
        let permits = Arc::new(Semaphore::new(
            usize::try_from(self.limits.connections).unwrap_or(usize::MAX),
        ));
        let (stop, handle) = stop_channel();
        let connections = TaskTracker::new();
        while let Some(socket) = accept(&listener, &shutdown).await {
            // Dropping the socket tells the caller at once that there is no room.
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                continue;
            };
            let service = TowerToHyperService::new(service.clone().build(methods.clone(), stop.clone()));
            let stopped = stop.clone().shutdown();
            connections.spawn(async move {
                let builder = http_builder();
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
                drop(permit);
            });
        }
        connections.close();
        // That nobody is connected any more is no error.
        let _ = handle.stop();
        drop((stop, service));
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
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((socket, _)) => {
                // Answers are small and wanted soon. A socket that refuses is as good as closed, and will say so.
                let _ = socket.set_nodelay(true);
                return Some(socket);
            }
            // Out of sockets, most likely: give others time to end.
            Err(error) => {
                tracing::debug!(target: "ledger::rpc", %error, "connection not accepted");
                time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_WAIT_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL);
    builder
}

fn config(limits: &RpcLimits) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        .max_connections(limits.connections)
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_requests))
        .set_message_buffer_capacity(MESSAGES_WAITING_MAX)
        .enable_ws_ping(
            PingConfig::new()
                .ping_interval(PING_INTERVAL)
                .inactive_limit(PING_WAIT_MAX),
        )
        .set_id_provider(HexIds)
        .build()
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
