//! What does a server have under an address? Plain HTTP, bounded in bytes and in time: what comes is checked by its signatures and
//! hashes, whoever sent it.

use std::time::Duration;

use ::http::{StatusCode, Uri};
use bytes::Bytes;
use eyre::WrapErr;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use ledger_notary::tuf::Answer;
use tokio::{runtime::Runtime, time::timeout};

/// Longest time for one file: the longest of them at 100 kB/s take less, and a server that drips bytes is left.
const FETCH_TIME_MAX: Duration = Duration::from_secs(60);

/// A client.
pub struct Http {
    runtime: Runtime,
    client: Client<HttpConnector, Empty<Bytes>>,
}

impl Http {
    /// A client without connections.
    pub fn new() -> eyre::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime,
            client: Client::builder(TokioExecutor::new()).build_http(),
        })
    }

    /// The file under an address: no more of it than `bytes_max` and the piece that goes beyond.
    pub fn get(&self, address: &str, bytes_max: u64) -> eyre::Result<Answer> {
        let address: Uri = address.parse().wrap_err("this is no address")?;
        let fetched = self
            .runtime
            .block_on(async { timeout(FETCH_TIME_MAX, self.read(address, bytes_max)).await });
        fetched.wrap_err_with(|| format!("not complete within {} s", FETCH_TIME_MAX.as_secs()))?
    }

    async fn read(&self, address: Uri, bytes_max: u64) -> eyre::Result<Answer> {
        let response = self.client.get(address).await?;
        match response.status() {
            StatusCode::OK => {}
            // Some stores of files answer so for files that they do not have.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(Answer::Missing),
            status => eyre::bail!("the server answers {status}"),
        }
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while bytes.len() as u64 <= bytes_max
            && let Some(frame) = body.frame().await
        {
            if let Ok(data) = frame?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Answer::Bytes(bytes))
    }
}
