//! What does the relayer ask of the sidechain? Signed bundles, and blocks to compare with what is anchored.
//!
//! [`SidechainNode`] asks a `ledger-node` over JSON-RPC; tests bring validators of their own. Answers are taken apart here and judged
//! elsewhere: nothing that a node says is believed without its signatures.

use std::{future::Future, time::Duration};

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use jsonrpsee::{
    core::client::{ClientT, Error as RpcError},
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};
use ledger_api::{CheckpointsQuery, EthBlocksClient};
use ledger_chainspec::{CheckpointBundle, predeploys::BOOTSTRAP};
use ledger_contracts::Bootstrap::checkpointConfigCall;
use serde_json::json;

use crate::{
    numbers::Index,
    plan::BUNDLES_PER_ROUND,
    statement::{Anchor, Bundle},
};

/// The method that gives signed bundles.
pub const BUNDLES_METHOD: &str = "ledger_checkpoints";

/// Longest wait for an answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);

/// Largest answer: as many bundles of 256 validators as are asked for, in hexadecimal.
const ANSWER_BYTES_MAX: u32 = 2 << 20;

/// JSON-RPC code of a method that the other side does not have.
const METHOD_NOT_FOUND: i32 = -32601;

/// Why the sidechain did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SidechainError {
    /// No node answers there.
    #[error("the sidechain's node at {url} does not answer: {reason}")]
    Silent {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The node gives no bundles.
    #[error("the node at {url} has no method {BUNDLES_METHOD}: ask one that has")]
    NoBundles {
        /// Where.
        url: String,
    },
    /// More than was asked for.
    #[error("the node at {url} gave {got} bundles where at most {asked} were asked for")]
    TooMany {
        /// Where.
        url: String,
        /// How many it gave.
        got: usize,
        /// How many were asked for.
        asked: u64,
    },
}

impl SidechainError {
    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Silent { .. } | Self::NoBundles { .. } | Self::TooMany { .. } => true,
        }
    }
}

/// A block of the sidechain, as far as a checkpoint names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBlock {
    /// Its hash.
    pub hash: B256,
    /// Its state root.
    pub state_root: B256,
}

/// The sidechain, as far as checkpoints are concerned. Every call comes back in bounded time.
pub trait Sidechain: Send + Sync {
    /// Up to `count` bundles from this index on that a quorum has signed, in order; fewer where there are no more.
    fn bundles(&self, from: Index, count: u64) -> impl Future<Output = Result<Vec<Bundle>, SidechainError>> + Send;

    /// The block at this height; none above the newest.
    fn block(&self, height: u64) -> impl Future<Output = Result<Option<SideBlock>, SidechainError>> + Send;
}

/// A node of the sidechain.
#[derive(Debug)]
pub struct SidechainNode {
    url: String,
    http: HttpClient,
}

impl SidechainNode {
    /// The node at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// [`SidechainError::Silent`] if `url` cannot be one.
    pub fn new(url: &str) -> Result<Self, SidechainError> {
        let http = HttpClientBuilder::default()
            .request_timeout(ANSWER_PATIENCE)
            .connect_timeout(CONNECT_PATIENCE)
            .max_response_size(ANSWER_BYTES_MAX)
            .build(url)
            .map_err(|error| SidechainError::Silent {
                url: url.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            url: url.to_owned(),
            http,
        })
    }

    /// The contract that the sidechain's configuration names; none as long as it names none.
    ///
    /// # Errors
    /// [`SidechainError::Silent`]
    pub async fn anchor(&self) -> Result<Option<Anchor>, SidechainError> {
        let call = json!({ "to": BOOTSTRAP, "input": Bytes::from(checkpointConfigCall {}.abi_encode()) });
        let answer: Result<Bytes, _> = self.http.request("eth_call", rpc_params![call, "latest"]).await;
        let answer = answer.map_err(|error| self.silent(&error))?;
        let config = checkpointConfigCall::abi_decode_returns_validate(&answer);
        let config = config.map_err(|error| SidechainError::Silent {
            url: self.url.clone(),
            reason: format!("{answer} is no checkpoint configuration: {error}"),
        })?;
        Ok((!config.checkpointContract.is_zero()).then_some(Anchor {
            mainchain_id: config.mainchainId,
            contract: config.checkpointContract,
        }))
    }

    fn silent(&self, error: &RpcError) -> SidechainError {
        match error {
            RpcError::Call(object) if object.code() == METHOD_NOT_FOUND => {
                SidechainError::NoBundles { url: self.url.clone() }
            }
            other => SidechainError::Silent {
                url: self.url.clone(),
                reason: other.to_string(),
            },
        }
    }
}

impl Sidechain for SidechainNode {
    async fn bundles(&self, from: Index, count: u64) -> Result<Vec<Bundle>, SidechainError> {
        let count = count.min(BUNDLES_PER_ROUND);
        let query = CheckpointsQuery {
            from: from.get(),
            count,
        };
        let answer: Result<Vec<CheckpointBundle>, _> = self.http.request(BUNDLES_METHOD, rpc_params![query]).await;
        let bundles = answer.map_err(|error| self.silent(&error))?;
        if bundles.len() as u64 > count {
            return Err(SidechainError::TooMany {
                url: self.url.clone(),
                got: bundles.len(),
                asked: count,
            });
        }
        let bundles = bundles.into_iter().map(Bundle::from);
        // The node shows those that still wait for signatures, too.
        Ok(bundles.take_while(Bundle::has_quorum).collect())
    }

    async fn block(&self, height: u64) -> Result<Option<SideBlock>, SidechainError> {
        let answer = self.http.block_by_number(height.into(), Some(false)).await;
        let block = answer.map_err(|error| self.silent(&error))?;
        Ok(block.map(|block| SideBlock {
            hash: block.header.hash,
            state_root: block.header.inner.state_root,
        }))
    }
}
