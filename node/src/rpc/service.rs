//! What happens to a request between its connection and its method? The layers, in the order in which a request meets them.
//!
//! Web origins, the gate, the pages, and then JSON-RPC's own server with the meter and the charge around every call. The
//! server makes one service for each connection. Never touches a socket.

use std::sync::Arc;

use http::{HeaderValue, Method, header::CONTENT_TYPE};
use jsonrpsee::{
    Methods,
    core::{BoxError, middleware::RpcServiceBuilder},
    server::{
        BatchRequestConfig, HttpBody, HttpRequest, HttpResponse, PingConfig, Server, ServerConfig, ServerHandle,
        StopHandle, TowerService, TowerServiceBuilder, stop_channel,
    },
};
use tower::{
    Service, ServiceBuilder,
    layer::util::{Identity, Stack},
};
use tower_http::cors::CorsLayer;

use super::{
    callers::Callers,
    charge::Charge,
    context::{Api, RpcContext},
    gate::Gate,
    http::Pages,
    limits::{MESSAGES_WAITING_MAX, PING_INTERVAL, PING_WAIT_MAX, RpcLimits},
    meter::Meter,
    methods,
    subscribe::HexIds,
};

/// What is around every request over HTTP, innermost first.
type HttpLayers = Stack<Pages, Stack<Gate, Stack<CorsLayer, Identity>>>;
/// What is around every call, innermost first.
type RpcLayers = Stack<Charge, Stack<Meter, Identity>>;

/// The service of one connection.
pub(super) type RpcService = TowerService<RpcLayers, HttpLayers>;

/// Makes services.
#[derive(Debug)]
pub(super) struct RpcBuilder {
    layers: TowerServiceBuilder<RpcLayers, HttpLayers>,
    methods: Methods,
}

impl RpcBuilder {
    pub(super) fn new(limits: &RpcLimits, cors: CorsLayer, callers: Arc<Callers>, context: RpcContext) -> Self {
        let http = ServiceBuilder::new()
            .layer(cors)
            .layer(Gate {
                callers,
                request_wait: limits.request_wait,
            })
            .layer(Pages {
                context: Arc::new(context.clone()),
            });
        let layers = Server::builder()
            .set_config(config(limits))
            .set_http_middleware(http)
            .set_rpc_middleware(RpcServiceBuilder::new().layer(Meter).layer(Charge))
            .to_service_builder();
        Self {
            layers,
            methods: methods(Api::new(context)),
        }
    }

    /// The service of one connection, which ends with `stop`.
    pub(super) fn build(&self, stop: StopHandle) -> RpcService {
        self.layers.clone().build(self.methods.clone(), stop)
    }
}

fn config(limits: &RpcLimits) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        // What it calls connections are requests; those of each connection are bounded by the socket and by HTTP.
        .max_connections(u32::MAX >> 1)
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

/// JSON-RPC without a port: what a request over HTTP would be answered, for whoever has the bytes of its body. No limits of
/// callers hold, since nobody is at the other end.
#[derive(Debug)]
pub struct InProcess {
    service: RpcService,
    _stop: ServerHandle,
}

impl InProcess {
    /// The methods over `context`, within `limits`.
    #[must_use]
    pub fn new(limits: &RpcLimits, context: RpcContext) -> Self {
        let callers = Callers::new(limits.caller, Vec::new(), Vec::new(), 0);
        let (stop, handle) = stop_channel();
        Self {
            service: RpcBuilder::new(limits, CorsLayer::new(), Arc::new(callers), context).build(stop),
            _stop: handle,
        }
    }

    /// The answer to a request with this body.
    ///
    /// # Errors
    /// If the layers fail rather than answer, which none of them does.
    pub async fn post(&mut self, body: Vec<u8>) -> Result<HttpResponse, BoxError> {
        let mut request = HttpRequest::new(HttpBody::from(body));
        *request.method_mut() = Method::POST;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        self.service.call(request).await
    }
}
