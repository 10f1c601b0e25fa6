//! How much may anybody ask for? The bounds of the server, with their defaults and the reasons.
//!
//! Every one can be set on the command line ([`crate::cli::rpc`]). Never enforces anything.

use std::time::Duration;

use super::callers::{Allowance, CallerLimits};

/// Largest request, in bytes: forty transactions of the largest size.
pub const REQUEST_BYTES_MAX: u32 = 5 << 20;

/// Largest answer, in bytes.
pub const RESPONSE_BYTES_MAX: u32 = 25 << 20;

/// Requests in one batch.
pub const BATCH_REQUESTS_MAX: u32 = 1000;

/// Connections at once, WebSockets among them. When all are taken, the caller with the most gives one up to a caller that
/// has fewer.
pub const CONNECTIONS_MAX: u32 = 512;

/// Subscriptions on one WebSocket.
pub const SUBSCRIPTIONS_MAX: u32 = 64;

/// Messages that wait to be sent on one WebSocket before its methods wait for it; each may be as large as an answer.
pub const MESSAGES_WAITING_MAX: u32 = 8;

/// Requests at once on one HTTP/2 connection; each may be as large as a request, and its answer as an answer.
pub(super) const STREAMS_MAX: u32 = 8;

/// Bytes of the head of a request, twice: hyper reads into a buffer of this size.
pub(super) const HEAD_BYTES_MAX: usize = 32 << 10;

/// How long a connection may take to send the head of its next request.
pub const REQUEST_HEAD_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a request over HTTP may take from its head to its answer, a whole batch included. It bounds what a caller that
/// sends a body slowly can hold.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often a silent WebSocket is asked whether anybody is there.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a silent WebSocket is kept.
pub(super) const PING_WAIT_MAX: Duration = Duration::from_secs(90);

/// How long a caller waits for the news that it asks too much. Without the pause, being refused would be the cheapest way to
/// keep the server busy.
pub(super) const REFUSAL_PAUSE: Duration = Duration::from_millis(500);

/// What one caller may have unless the operator says otherwise. A unit is a tenth of a millisecond of one processor
/// ([`super::costs`]), so that one caller has at most a tenth of one, and three hundred cheap reads a second; who needs more is
/// the operator's own, or a cloud that the operator trusts.
pub const CALLER_LIMITS: CallerLimits = CallerLimits {
    connections: 32,
    requests: 32,
    allowance: Allowance {
        per_second: 1000,
        burst: 2000,
    },
};

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
    /// From one request over HTTP to the head of the next.
    pub idle_wait: Duration,
    /// What one caller may have.
    pub caller: CallerLimits,
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
            idle_wait: REQUEST_HEAD_WAIT_MAX,
            caller: CALLER_LIMITS,
        }
    }
}
