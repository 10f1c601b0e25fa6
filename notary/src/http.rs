//! What does a server have under an address, and what does it answer? Plain HTTP, bounded in bytes and in time.
//!
//! What comes is checked by its signatures and hashes, and what goes out is signed, whoever carries it. One request after the other,
//! waiting in the calling thread, which is none that runs tasks: called by the [mirror](crate::mirror) and by the
//! [client](crate::client), never by the server.

use std::{
    io,
    time::{Duration, Instant},
};

use ::http::{Method, Request, StatusCode, Uri, header::CONTENT_TYPE};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use thiserror::Error;
use tokio::{runtime::Runtime, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::tuf::Answer;

/// Pause before a file is asked for again, for each attempt before.
const PAUSE: Duration = Duration::from_millis(250);

/// How long somebody waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest time for one answer.
    pub file: Duration,
    /// Longest time for all answers together, from [`Http::begin`] on.
    pub all: Duration,
    /// How often a file is asked for at most, where no answer comes.
    pub attempts: u32,
}

impl Patience {
    /// A person's: the longest file at 100 kB/s takes less than a minute, and a server that drips bytes is left.
    pub const PERSON: Self = Self {
        file: Duration::from_secs(60),
        all: Duration::from_secs(3_600),
        attempts: 1,
    };

    /// A node's, which asks again anyhow.
    pub const NODE: Self = Self {
        file: Duration::from_secs(10),
        all: Duration::from_secs(60),
        attempts: 3,
    };
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No threads, no sockets.
    #[error("no connection can be made: {0}")]
    Start(#[from] io::Error),
    /// Not an address of plain HTTP.
    #[error("{address:?} is no address such as http://127.0.0.1:8650: {reason}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No file and no word that there is none.
    #[error("{address}: the server answers {status}")]
    Status {
        /// Who was asked.
        address: String,
        /// What it answered.
        status: StatusCode,
    },
    /// No connection, or one that broke.
    #[error("{address} does not answer: {reason}")]
    Broken {
        /// Who was asked.
        address: String,
        /// What happened.
        reason: String,
    },
    /// Whoever asks ends.
    #[error("{address} was not asked to the end: this process stops")]
    Stopped {
        /// Who was asked.
        address: String,
    },
    /// Too slow.
    #[error("{address} was not complete within {} s", within.as_secs_f64())]
    Late {
        /// Who was asked.
        address: String,
        /// How long was waited.
        within: Duration,
    },
}

impl HttpError {
    /// Whether another attempt may bring more.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Late { .. })
    }
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
    /// There until the end, which takes it.
    runtime: Option<Runtime>,
    client: Client<HttpConnector, Full<Bytes>>,
    patience: Patience,
    deadline: Instant,
    stop: CancellationToken,
}

impl Http {
    /// A client without connections.
    ///
    /// # Errors
    /// [`HttpError::Start`]
    pub fn new(patience: Patience) -> Result<Self, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
            client: Client::builder(TokioExecutor::new()).build_http(),
            patience,
            deadline: Instant::now() + patience.all,
            stop: CancellationToken::new(),
        })
    }

    /// The same, but nobody waits for a server any more once `stop` is cancelled.
    #[must_use]
    pub fn until(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// The time for all answers together begins anew.
    pub fn begin(&mut self) {
        self.deadline = Instant::now() + self.patience.all;
    }

    /// As [`Http::begin`], but all of it is over at `latest`.
    pub fn begin_until(&mut self, latest: Instant) {
        self.begin();
        self.deadline = self.deadline.min(latest);
    }

    /// The file under an address: no more of it than `bytes_max` and the piece that goes beyond.
    ///
    /// # Errors
    /// [`HttpError`] if it cannot be said whether there is one.
    pub fn get(&self, address: &str, bytes_max: u64) -> Result<Answer, HttpError> {
        let mut attempt = 1;
        let reply = loop {
            match self.send(Method::GET, address, Vec::new(), bytes_max) {
                Err(error) if error.is_passing() && attempt < self.patience.attempts && self.has_time() => {
                    std::thread::sleep(PAUSE * attempt);
                    attempt += 1;
                }
                reply => break reply?,
            }
        };
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

    fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// What the server answers to one request: no more of it than `bytes_max` and the piece that goes beyond.
    ///
    /// # Errors
    /// [`HttpError`] if it does not answer.
    pub fn send(&self, method: Method, address: &str, body: Vec<u8>, bytes_max: u64) -> Result<Reply, HttpError> {
        let request = request(method, address, body)?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let within = self.patience.file.min(left);
        let exchange = async {
            self.stop
                .run_until_cancelled(timeout(within, self.exchange(request, bytes_max)))
                .await
        };
        let address = address.to_owned();
        let runtime = self.runtime.as_ref().expect("only the end takes it");
        match runtime.block_on(exchange) {
            Some(Ok(Ok(reply))) => Ok(reply),
            Some(Ok(Err(reason))) => Err(HttpError::Broken { address, reason }),
            Some(Err(_)) => Err(HttpError::Late { address, within }),
            None => Err(HttpError::Stopped { address }),
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

impl Drop for Http {
    /// Waits for nothing: whoever owns a client may end on a thread that runs tasks, where a runtime must not wait for its own.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn request(method: Method, address: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, HttpError> {
    let wrong = |reason: String| HttpError::Address {
        address: address.to_owned(),
        reason,
    };
    let parsed = address.parse::<Uri>();
    let uri = parsed.map_err(|error| wrong(error.to_string()))?;
    if uri.scheme_str() != Some("http") {
        return Err(wrong("it must start with http://".to_owned()));
    }
    let request = Request::builder().method(method).uri(uri);
    let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(body));
    request.map_err(|error| wrong(error.to_string()))
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
