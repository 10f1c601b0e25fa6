//! What does a server have under an address, and what does it answer? Plain HTTP, bounded in bytes and in time.
//!
//! What comes is checked by its signatures and hashes, and what goes out is signed, whoever carries it. One request after the other:
//! called by the commands, by the signer and by `tuf-client`, never by the server.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use thiserror::Error;
use tokio::{runtime::Runtime, time::timeout};

use crate::tuf::Answer;

/// Longest time for one file: the longest of them at 100 kB/s take less, and a server that drips bytes is left.
const FETCH_TIME_MAX: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The operating system gives no sockets.
    #[error("no connection can be made: {0}")]
    Runtime(std::io::Error),
    /// Not written as addresses are.
    #[error("{address:?} is no address such as http://127.0.0.1:8650: {reason}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers.
    #[error("{address} does not answer: {reason}")]
    Silent {
        /// Who was asked.
        address: String,
        /// What happened.
        reason: String,
    },
    /// It takes too long.
    #[error("{address} was not complete within {} s", FETCH_TIME_MAX.as_secs())]
    Slow {
        /// Who was asked.
        address: String,
    },
    /// No file and no word that there is none.
    #[error("{address}: the server answers {status}")]
    Status {
        /// Who was asked.
        address: String,
        /// What it answered.
        status: StatusCode,
    },
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it went.
    pub status: StatusCode,
    /// The answer, or as much of it as shows that it is too long.
    pub body: Vec<u8>,
}

/// A client.
#[derive(Debug)]
pub struct Http {
    runtime: Runtime,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Http {
    /// A client without connections.
    ///
    /// # Errors
    /// [`HttpError::Runtime`]
    pub fn new() -> Result<Self, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(HttpError::Runtime)?,
            client: Client::builder(TokioExecutor::new()).build_http(),
        })
    }

    /// The file under an address: no more of it than `bytes_max` and the piece that goes beyond.
    ///
    /// # Errors
    /// [`HttpError`] if it cannot be said whether there is such a file.
    pub fn get(&self, address: &str, bytes_max: u64) -> Result<Answer, HttpError> {
        let reply = self.send(Method::GET, address, Vec::new(), bytes_max)?;
        match reply.status {
            StatusCode::OK => Ok(Answer::Bytes(reply.body)),
            // Some stores of files answer so for files that they do not have.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(Answer::Missing),
            status => Err(HttpError::Status {
                address: address.to_owned(),
                status,
            }),
        }
    }

    /// What the server answers to a request: no more of it than `bytes_max` and the piece that goes beyond.
    ///
    /// # Errors
    /// [`HttpError`] if it does not answer.
    pub fn send(&self, method: Method, address: &str, body: Vec<u8>, bytes_max: u64) -> Result<Reply, HttpError> {
        let wrong = |reason: String| HttpError::Address {
            address: address.to_owned(),
            reason,
        };
        let uri: Uri = address
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("it must start with http://".to_owned()));
        }
        let request = Request::builder().method(method).uri(uri);
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(body));
        let request = request.map_err(|error| wrong(error.to_string()))?;
        let exchange = async { timeout(FETCH_TIME_MAX, self.exchange(request, bytes_max)).await };
        let address = address.to_owned();
        match self.runtime.block_on(exchange) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(reason)) => Err(HttpError::Silent { address, reason }),
            Err(_) => Err(HttpError::Slow { address }),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, bytes_max: u64) -> Result<Reply, String> {
        let response = self.client.request(request).await.map_err(|error| told(&error))?;
        let status = response.status();
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while bytes.len() as u64 <= bytes_max
            && let Some(frame) = body.frame().await
        {
            if let Ok(data) = frame.map_err(|error| told(&error))?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Reply { status, body: bytes })
    }
}

/// The whole chain of reasons.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(reason) = next {
        told = format!("{told}: {reason}");
        next = reason.source();
    }
    told
}
