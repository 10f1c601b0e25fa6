//! What does a server have under an address? Plain HTTP, bounded in bytes and in time: what comes is checked by its signatures and
//! hashes, whoever sent it.

use std::{
    io,
    time::{Duration, Instant},
};

use ::http::{StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use thiserror::Error;
use tokio::{runtime::Runtime, time::timeout};

use crate::tuf::Answer;

/// Pause before a file is asked for again, for each attempt before.
const PAUSE: Duration = Duration::from_millis(250);

/// How long somebody waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest time for one file.
    pub file: Duration,
    /// Longest time for all files together, from [`Http::begin`] on.
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

/// Why it cannot be said what a server has.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No threads, no sockets.
    #[error("cannot start a client: {0}")]
    Start(#[from] io::Error),
    /// Not an address of plain HTTP.
    #[error("this is no address such as http://notary.example/metadata: {reason}")]
    Address {
        /// What the parser met.
        reason: String,
    },
    /// Another answer than the file, or that there is none.
    #[error("the server answers {status}")]
    Status {
        /// Its status.
        status: StatusCode,
    },
    /// No connection, or one that broke.
    #[error("no answer: {reason}")]
    Broken {
        /// What happened.
        reason: String,
    },
    /// Too slow.
    #[error("not complete within {seconds} s")]
    Late {
        /// How long was waited.
        seconds: u64,
    },
}

impl HttpError {
    /// Whether another attempt may bring more.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Late { .. })
    }
}

/// A client. Waits in the calling thread, which is none that runs tasks.
#[derive(Debug)]
pub struct Http {
    runtime: Runtime,
    client: Client<HttpConnector, Empty<Bytes>>,
    patience: Patience,
    deadline: Instant,
}

impl Http {
    /// A client without connections.
    ///
    /// # Errors
    /// [`HttpError::Start`]
    pub fn new(patience: Patience) -> Result<Self, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime,
            client: Client::builder(TokioExecutor::new()).build_http(),
            patience,
            deadline: Instant::now() + patience.all,
        })
    }

    /// The time for all files together begins anew.
    pub fn begin(&mut self) {
        self.deadline = Instant::now() + self.patience.all;
    }

    /// The file under an address: no more of it than `bytes_max` and the piece that goes beyond.
    ///
    /// # Errors
    /// [`HttpError`] if it cannot be said whether there is one.
    pub fn get(&self, address: &str, bytes_max: u64) -> Result<Answer, HttpError> {
        let address: Uri = address
            .parse()
            .map_err(|error: ::http::uri::InvalidUri| HttpError::Address {
                reason: error.to_string(),
            })?;
        let mut attempt = 1;
        loop {
            match self.try_get(&address, bytes_max) {
                Err(error) if error.is_passing() && attempt < self.patience.attempts && self.has_time() => {
                    std::thread::sleep(PAUSE * attempt);
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    fn try_get(&self, address: &Uri, bytes_max: u64) -> Result<Answer, HttpError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let longest = self.patience.file.min(left);
        let read = self.read(address.clone(), bytes_max);
        let fetched = self.runtime.block_on(async { timeout(longest, read).await });
        let seconds = longest.as_secs();
        fetched.unwrap_or(Err(HttpError::Late { seconds }))
    }

    async fn read(&self, address: Uri, bytes_max: u64) -> Result<Answer, HttpError> {
        let broken = |error: &dyn std::error::Error| {
            // The outermost error says only that something was wrong.
            let inner = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            let reason = format!("{error}{inner}");
            HttpError::Broken { reason }
        };
        let response = self.client.get(address).await.map_err(|error| broken(&error))?;
        match response.status() {
            StatusCode::OK => {}
            // Some stores of files answer so for files that they do not have.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(Answer::Missing),
            status => return Err(HttpError::Status { status }),
        }
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while bytes.len() as u64 <= bytes_max
            && let Some(frame) = body.frame().await
        {
            if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Answer::Bytes(bytes))
    }
}
