//! How is a request answered that cannot be done? One form for all: a status, a word for programs and a sentence for people.

use std::time::Duration;

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::limits::REQUEST_WAIT_MAX;

/// Why there is nothing better to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    message: String,
    wait: Option<Duration>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Fault<'a>,
}

#[derive(Serialize)]
struct Fault<'a> {
    kind: &'a str,
    message: &'a str,
}

impl Problem {
    /// A problem with a word for programs and a sentence for people.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind,
            message,
            wait: None,
        }
    }

    /// Nothing lies under this path.
    pub fn no_such_file(path: &str) -> Self {
        let path: String = path.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, "missing", format!("there is no file {path:?}"))
    }

    /// Nothing has this name.
    pub fn nothing(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "missing", what)
    }

    /// The caller asks too often.
    pub fn too_often(wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        let message = format!("this address asks too often; come back in {seconds} s");
        Self {
            wait: Some(wait),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", message)
        }
    }

    /// Others are waiting already.
    pub fn busy() -> Self {
        let message = "too many commands wait already; send this one again in a second";
        Self {
            wait: Some(Duration::from_secs(1)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
        }
    }

    /// It took too long.
    pub fn slow() -> Self {
        let message = format!(
            "not done within {} s; a command may be taken down all the same, so look at /v1/status before sending it again",
            REQUEST_WAIT_MAX.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", message)
    }

    /// The writer has stopped.
    pub fn stopped() -> Self {
        let message = "the server is stopping; whether this command was taken down, it tells after its next start";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", message)
    }

    /// Our own disk.
    pub fn disk() -> Self {
        let message = "the server cannot read its own files; its log says which";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "disk", message)
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (kind, message) = (self.kind, self.message.as_str());
        let body = Body {
            error: Fault { kind, message },
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        // What is missing today may be there tomorrow: the next root, for one.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }
}
