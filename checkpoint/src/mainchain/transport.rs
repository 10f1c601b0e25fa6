//! How do the questions of ethers travel? Over one bounded HTTP client.
//!
//! Called by ethers' `Provider`. Its own HTTP client has no time limit, reads answers of any size, and would bring an old TLS; this one is
//! the project's JSON-RPC client. Its `RetryClient` is not used (a request given up stays in its queue's count, so later ones wait
//! longer and longer; here the next round asks again), nor its `QuorumProvider` (of two nodes it takes one for a majority, of four
//! two, and it compares answers as JSON, in which honest nodes of different makers differ).

use std::{fmt, time::Duration};

use async_trait::async_trait;
use ethers::providers::{JsonRpcClient, JsonRpcError, ProviderError, RpcError};
use jsonrpsee::{
    core::{
        client::{ClientT, Error},
        traits::ToRpcParams,
    },
    http_client::{HttpClient, HttpClientBuilder},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// Longest wait for an answer.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);

/// Largest answer: a block with the hashes of 380 transactions has 30 KiB, the receipt of a checkpoint less.
const ANSWER_BYTES_MAX: u32 = 4 << 20;

/// Requests to one node at one time.
const REQUESTS_MAX: usize = 16;

/// A connection to one node.
pub struct Transport {
    http: HttpClient,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// To the node at `url`; nothing is sent yet.
    pub fn new(url: &str) -> Result<Self, Error> {
        let http = HttpClientBuilder::default()
            .request_timeout(ANSWER_PATIENCE)
            .connect_timeout(CONNECT_PATIENCE)
            .max_response_size(ANSWER_BYTES_MAX)
            .max_concurrent_requests(REQUESTS_MAX)
            .build(url)?;
        Ok(Self { http })
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum TransportError {
    /// The node answered with an error.
    Answer(JsonRpcError),
    /// Anything else.
    Other(Error),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => f.write_str(&error.message),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TransportError {}

impl RpcError for TransportError {
    fn as_error_response(&self) -> Option<&JsonRpcError> {
        match self {
            Self::Answer(error) => Some(error),
            Self::Other(_) => None,
        }
    }

    fn as_serde_error(&self) -> Option<&serde_json::Error> {
        match self {
            Self::Other(Error::ParseError(error)) => Some(error),
            Self::Answer(_) | Self::Other(_) => None,
        }
    }
}

impl From<TransportError> for ProviderError {
    fn from(error: TransportError) -> Self {
        Self::JsonRpcClientError(Box::new(error))
    }
}

impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        match error {
            Error::Call(object) => Self::Answer(JsonRpcError {
                code: object.code().into(),
                message: object.message().to_owned(),
                data: object.data().and_then(|data| serde_json::from_str(data.get()).ok()),
            }),
            other => Self::Other(other),
        }
    }
}

/// Parameters that are JSON already.
struct Ready(Box<RawValue>);

impl ToRpcParams for Ready {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        // ethers says `()` for no parameters, which is `null`.
        Ok((self.0.get() != "null").then_some(self.0))
    }
}

#[async_trait]
impl JsonRpcClient for Transport {
    type Error = TransportError;

    async fn request<T, R>(&self, method: &str, params: T) -> Result<R, TransportError>
    where
        T: fmt::Debug + Serialize + Send + Sync,
        R: DeserializeOwned + Send,
    {
        let params = Ready(to_raw_value(&params).map_err(Error::ParseError)?);
        Ok(self.http.request(method, params).await?)
    }
}
