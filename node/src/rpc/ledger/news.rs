//! `ledger_subscribe`: how a promo code stands, and how slots went, over a WebSocket.
//!
//! `eth_subscribe` tells of blocks. What a person waits for comes between them too: the promise that a request goes first, the end of a
//! code's time, a turn that was missed. A subscriber reads at its own pace, and hears how it stands then; of slots it misses those that
//! the node has forgotten meanwhile.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionSink,
    core::{SubscriptionError, SubscriptionResult, async_trait},
};
use ledger_api::{CodeNews, CodeState, LedgerPubSubServer, LedgerTopic};

use super::{
    super::{context::Api, error::RpcFailure, subscribe::send},
    codes::{self, Lookup},
    consensus,
    contracts::View,
    slots, verify,
};
use crate::slot_log::SLOTS_KEPT_MAX;

/// Longest that a subscriber waits for a code's time to be over before the clock is looked at again: it may be set.
const CLOCK_LOOK: Duration = Duration::from_secs(60);

#[async_trait]
impl LedgerPubSubServer for Api {
    async fn ledger_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        topic: LedgerTopic,
        id: Option<String>,
    ) -> SubscriptionResult {
        let first = match (topic, id) {
            (LedgerTopic::Code, Some(id)) => self.stand(&id).await.map(|stand| Some((id, stand))),
            (LedgerTopic::Slots, None) => Ok(None),
            (LedgerTopic::Code, None) => Err(RpcFailure::Params("news of a code need its id".to_owned()).into()),
            (LedgerTopic::Slots, Some(_)) => Err(RpcFailure::Params("news of slots take no id".to_owned()).into()),
        };
        let api = self.clone();
        match first {
            Ok(Some((id, stand))) => api.send_code(&pending.accept().await?, &id, stand).await,
            Ok(None) => api.send_slots(&pending.accept().await?).await,
            Err(refusal) => {
                pending.reject(refusal).await;
                Ok(())
            }
        }
    }
}

/// How a code stands, and until when that can change by what.
struct Stand {
    news: CodeNews,
    /// The transaction whose promise is waited for.
    waits: Option<B256>,
    /// How long the code is still good for, by the clock.
    left: Option<Duration>,
}

impl Stand {
    fn of(view: &mut View, api: &Api, id: &str) -> Result<Self, RpcFailure> {
        let lookup = codes::find(view, &api.context.pool, id)?;
        let verdict = verify::verdict(&lookup);
        let (mut endorsement, mut waits, mut code) = (None, None, None);
        match lookup {
            Lookup::Pending(hash) => {
                let promise = api.context.consensus.endorsements.receipt(&hash);
                let told = promise.map(|promise| consensus::endorsement(view, hash, &promise));
                endorsement = told.transpose()?;
                waits = endorsement.is_none().then_some(hash);
            }
            Lookup::Code(found) => code = Some(*found),
            Lookup::NeverIssued | Lookup::Failed(_) | Lookup::NotARequest(_) | Lookup::LeftBehind(..) => {}
        }
        let live = code.as_ref().filter(|code| code.state == CodeState::Live);
        let left = live.map(|code| Duration::from_secs(code.expires_at.saturating_sub(view.now).max(1)));
        Ok(Self {
            news: CodeNews {
                verdict,
                endorsement,
                code,
            },
            waits,
            left,
        })
    }
}

impl Api {
    async fn stand(&self, id: &str) -> Result<Stand, jsonrpsee::types::ErrorObjectOwned> {
        let id = id.to_owned();
        self.ask(move |mut view, api| Stand::of(&mut view, api, &id)).await
    }

    /// Says at once how the code stands, then whenever that changes, until the subscriber leaves.
    async fn send_code(&self, sink: &SubscriptionSink, id: &str, mut stand: Stand) -> Result<(), SubscriptionError> {
        let mut heads = self.context.heads.clone();
        let mut told = None;
        loop {
            if told.as_ref() != Some(&stand.news) {
                send(sink, &stand.news).await?;
                told = Some(stand.news);
            }
            let promised = async {
                match stand.waits {
                    Some(hash) => drop(self.promise_about(hash).await),
                    None => std::future::pending().await,
                }
            };
            let expired = async {
                match stand.left {
                    Some(left) => tokio::time::sleep(left.min(CLOCK_LOOK)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = heads.changed() => if changed.is_err() { return Ok(()) },
                () = promised => {},
                () = expired => {},
                () = sink.closed() => return Ok(()),
            }
            heads.mark_unchanged();
            stand = self.stand(id).await?;
        }
    }

    /// Sends how each slot went from the present on.
    async fn send_slots(&self, sink: &SubscriptionSink) -> Result<(), SubscriptionError> {
        let log = Arc::clone(&self.context.consensus.slots);
        let mut newest = log.watch();
        let mut told = *newest.borrow_and_update();
        loop {
            tokio::select! {
                changed = newest.changed() => if changed.is_err() { return Ok(()) },
                () = sink.closed() => return Ok(()),
            }
            newest.mark_unchanged();
            for record in log.newest(SLOTS_KEPT_MAX) {
                if Some(record.slot) > told {
                    told = Some(record.slot);
                    send(sink, &slots::slot(record)).await?;
                }
            }
        }
    }
}
