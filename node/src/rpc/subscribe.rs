//! `eth_subscribe`: news over a WebSocket.
//!
//! Every block is final, so nothing is ever taken back: no log is `removed`, no header replaced. A subscriber reads at its
//! own pace; blocks that were committed meanwhile are read from the store, one after another, so that none is missed.

use alloy_rpc_types_eth::{
    Filter,
    pubsub::{Params, PubSubSyncStatus, SubscriptionKind, SyncStatusMetadata},
};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionSink,
    core::{SubscriptionError, SubscriptionResult, async_trait},
    server::IdProvider,
    types::SubscriptionId,
};
use ledger_api::{EthPubSubServer, SyncStatus};
use ledger_chainspec::BlockNumber;
use ledger_runtime::BlockRef;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::{context::Api, convert, error::RpcFailure, filters};

/// Names subscriptions as geth does: random numbers, in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub(super) struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the system's source of random bytes does not fail once it has started");
        SubscriptionId::Str(format!("{:#x}", u128::from_be_bytes(id)).into())
    }
}

#[async_trait]
impl EthPubSubServer for Api {
    async fn eth_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        kind: SubscriptionKind,
        params: Option<Params>,
    ) -> SubscriptionResult {
        let news = match news(kind, params.unwrap_or_default()) {
            Ok(news) => news,
            Err(failure) => {
                pending.reject(failure).await;
                return Ok(());
            }
        };
        let api = self.clone();
        let sink = pending.accept().await?;
        match news {
            News::Heads => api.send_heads(&sink).await,
            News::Logs(filter) => api.send_logs(&sink, *filter).await,
            News::Transactions { whole } => api.send_transactions(&sink, whole).await,
            News::Syncing => api.send_syncing(&sink).await,
        }
    }
}

/// What a subscriber wants.
enum News {
    Heads,
    Logs(Box<Filter>),
    Transactions { whole: bool },
    Syncing,
}

fn news(kind: SubscriptionKind, params: Params) -> Result<News, RpcFailure> {
    match (kind, params) {
        (SubscriptionKind::NewHeads, Params::None) => Ok(News::Heads),
        (SubscriptionKind::Logs, Params::None) => Ok(News::Logs(Box::default())),
        (SubscriptionKind::Logs, Params::Logs(filter)) => {
            filters::check(&filter, filters::KEPT_FILTER_VALUES_MAX)?;
            Ok(News::Logs(filter))
        }
        (SubscriptionKind::NewPendingTransactions, Params::None) => Ok(News::Transactions { whole: false }),
        (SubscriptionKind::NewPendingTransactions, Params::Bool(whole)) => Ok(News::Transactions { whole }),
        (SubscriptionKind::Syncing, Params::None) => Ok(News::Syncing),
        (SubscriptionKind::TransactionReceipts, _) => Err(RpcFailure::Params(
            "there are no subscriptions to transactionReceipts; use logs".to_owned(),
        )),
        (kind, _) => Err(RpcFailure::Params(format!(
            "these are no parameters of a subscription to {kind}"
        ))),
    }
}

impl Api {
    /// Sends each header from the present on, until the subscriber leaves.
    async fn send_heads(&self, sink: &SubscriptionSink) -> Result<(), SubscriptionError> {
        let mut blocks = Blocks::from_now(self);
        while let Some(number) = blocks.next(sink).await {
            let runtime = self.runtime();
            let header = self
                .turns
                .read(move || Ok(runtime.header(BlockRef::Number(number))?))
                .await?;
            if let Some(header) = header {
                send(sink, &convert::header(header, None)).await?;
            }
        }
        Ok(())
    }

    async fn send_logs(&self, sink: &SubscriptionSink, filter: Filter) -> Result<(), SubscriptionError> {
        let mut blocks = Blocks::from_now(self);
        while let Some(number) = blocks.next(sink).await {
            let (runtime, filter) = (self.runtime(), filter.clone());
            let read = move || match filters::within(&runtime, &filter, number.get(), number.get())? {
                Some((from, to)) => Ok(runtime.logs(from, to, &filter)?),
                None => Ok(Vec::new()),
            };
            for log in self.turns.read(read).await? {
                send(sink, &log).await?;
            }
        }
        Ok(())
    }

    async fn send_transactions(&self, sink: &SubscriptionSink, whole: bool) -> Result<(), SubscriptionError> {
        let mut arrivals = self.context.pool.subscribe();
        loop {
            let arrival = tokio::select! {
                arrival = arrivals.recv() => arrival,
                () = sink.closed() => return Ok(()),
            };
            match arrival {
                Ok(arrival) if whole => send(sink, &convert::waiting(arrival.transaction.clone())).await?,
                Ok(arrival) => send(sink, &arrival.hash()).await?,
                // A subscriber that reads too slowly misses some, as it does on every node.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Says at once how it stands, then whenever that changes.
    async fn send_syncing(&self, sink: &SubscriptionSink) -> Result<(), SubscriptionError> {
        let mut network = self.context.network.clone();
        let mut said = None;
        loop {
            network.borrow_and_update();
            let status = match self.sync_status() {
                SyncStatus::Done(done) => PubSubSyncStatus::Simple(done),
                SyncStatus::Catching(info) => PubSubSyncStatus::Detailed(SyncStatusMetadata {
                    syncing: true,
                    starting_block: info.starting_block,
                    current_block: info.current_block,
                    highest_block: Some(info.highest_block),
                }),
            };
            if said.as_ref() != Some(&status) {
                send(sink, &status).await?;
                said = Some(status);
            }
            tokio::select! {
                changed = network.changed() => if changed.is_err() { return Ok(()) },
                () = sink.closed() => return Ok(()),
            }
        }
    }
}

/// The numbers of blocks as they are committed, without a gap.
struct Blocks {
    heads: tokio::sync::watch::Receiver<std::sync::Arc<ledger_runtime::Head>>,
    next: u64,
}

impl Blocks {
    fn from_now(api: &Api) -> Self {
        let mut heads = api.context.heads.clone();
        let next = heads.borrow_and_update().number().get().saturating_add(1);
        Self { heads, next }
    }

    /// The next block's number, once it is there; none when the subscriber or the node is gone.
    async fn next(&mut self, sink: &SubscriptionSink) -> Option<BlockNumber> {
        while self.heads.borrow_and_update().number().get() < self.next {
            tokio::select! {
                changed = self.heads.changed() => changed.ok()?,
                () = sink.closed() => return None,
            }
        }
        let number = BlockNumber::new(self.next);
        self.next = self.next.saturating_add(1);
        (!sink.is_closed()).then_some(number)
    }
}

/// Hands `item` to the subscriber.
pub(super) async fn send(sink: &SubscriptionSink, item: &impl Serialize) -> Result<(), SubscriptionError> {
    let message = serde_json::value::to_raw_value(item)?;
    Ok(sink.send(message).await?)
}
