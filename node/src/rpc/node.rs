//! `net_*`, `web3_*`, `txpool_*` and what can be asked at all.

use std::{collections::BTreeMap, sync::LazyLock};

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};
use alloy_rpc_types_eth::Transaction;
use alloy_rpc_types_txpool::{TxpoolContent, TxpoolContentFrom, TxpoolInspect, TxpoolInspectSummary, TxpoolStatus};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::{
    DiscoveryServer, NetServer, PoolServer, Web3Server,
    openrpc::{METHODS, document},
};
use serde_json::Value;

use super::{context::Api, convert};
use crate::txpool::{PooledTransaction, SenderContent};

impl NetServer for Api {
    fn version(&self) -> RpcResult<String> {
        Ok(self.context.runtime.spec().chain_id.to_string())
    }

    fn peer_count(&self) -> RpcResult<U64> {
        Ok(U64::from(self.context.network.borrow().peers))
    }

    fn listening(&self) -> RpcResult<bool> {
        Ok(self.context.network.borrow().listening)
    }
}

impl Web3Server for Api {
    fn client_version(&self) -> RpcResult<String> {
        Ok(self.context.client_version.clone())
    }

    fn sha3(&self, data: Bytes) -> RpcResult<B256> {
        Ok(keccak256(data))
    }
}

#[async_trait]
impl PoolServer for Api {
    fn status(&self) -> RpcResult<TxpoolStatus> {
        let counts = self.context.pool.counts();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(TxpoolStatus {
            pending: number(counts.pending),
            queued: number(counts.queued),
        })
    }

    async fn content(&self) -> RpcResult<TxpoolContent> {
        let pool = self.context.pool.clone();
        self.turns
            .read(move || {
                let mut content = TxpoolContent::default();
                for (sender, waiting) in pool.content() {
                    let TxpoolContentFrom { pending, queued } = content_of(waiting);
                    content.pending.insert(sender, pending);
                    content.queued.insert(sender, queued);
                }
                content.pending.retain(|_, transactions| !transactions.is_empty());
                content.queued.retain(|_, transactions| !transactions.is_empty());
                Ok(content)
            })
            .await
    }

    fn content_from(&self, address: Address) -> RpcResult<TxpoolContentFrom> {
        Ok(content_of(self.context.pool.content_of(&address)))
    }

    async fn inspect(&self) -> RpcResult<TxpoolInspect> {
        let pool = self.context.pool.clone();
        let line = |waiting: &PooledTransaction| TxpoolInspectSummary::from_tx(waiting.transaction.inner().clone());
        self.turns
            .read(move || {
                let mut lines = TxpoolInspect::default();
                for (sender, SenderContent { pending, queued }) in pool.content() {
                    for (part, into) in [(pending, &mut lines.pending), (queued, &mut lines.queued)] {
                        if !part.is_empty() {
                            let part = part.iter().map(|(nonce, waiting)| (nonce.to_string(), line(waiting)));
                            into.insert(sender, part.collect());
                        }
                    }
                }
                Ok(lines)
            })
            .await
    }
}

fn content_of(waiting: SenderContent) -> TxpoolContentFrom {
    let shown = |part: BTreeMap<u64, std::sync::Arc<PooledTransaction>>| -> BTreeMap<String, Transaction> {
        part.iter()
            .map(|(nonce, waiting)| (nonce.to_string(), convert::waiting(waiting.transaction.clone())))
            .collect()
    };
    TxpoolContentFrom {
        pending: shown(waiting.pending),
        queued: shown(waiting.queued),
    }
}

impl DiscoveryServer for Api {
    fn discover(&self) -> RpcResult<Value> {
        /// It is the same for everybody, and long.
        static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(env!("CARGO_PKG_VERSION")));
        Ok(DOCUMENT.clone())
    }

    fn modules(&self) -> RpcResult<BTreeMap<String, String>> {
        let namespaces = METHODS.iter().filter_map(|method| method.name.split_once('_'));
        Ok(namespaces
            .map(|(namespace, _)| (namespace.to_owned(), "1.0".to_owned()))
            .collect())
    }
}
