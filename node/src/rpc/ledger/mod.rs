//! `ledger_*`: promo codes, clouds, validators, consensus.
//!
//! Answers are put together from the contracts' view functions, the store's index of codes and the receipts; no answer is
//! cached, so that they are always about the newest block, whose number they carry where it matters.

mod anchor;
mod changes;
mod checkpoints;
mod codes;
mod consensus;
mod contracts;
mod governance;
mod news;
mod open_proposals;
mod pool;
mod proof;
mod recovery;
mod slots;
mod stalled;
mod usage;
mod verify;

use std::sync::Arc;

use alloy_primitives::{B256, U64};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::{
    BlockPoint, CheckpointInfo, CheckpointsQuery, CloudRef, CodeInfo, CodeProof, CodeProofRequest, ContractAddresses,
    EndorsementInfo, EvidenceInfo, LedgerServer, NodeStatus, PeerInfo, PoolEntry, PoolStatus, ProposalInfo,
    RecoveredSpan, RecoveredSpanQuery, SlotsInfo, SpecInfo, StallReport, UsageReport, ValidatorsInfo, Verification,
    VerifyRequest,
};
use ledger_chainspec::{
    Month, SealedHeader,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
};

pub use self::open_proposals::OpenProposals;
use self::{codes::Lookup, contracts::View};
use super::{context::Api, error::RpcFailure};
use crate::recovery::Targets;

#[async_trait]
impl LedgerServer for Api {
    async fn specs(&self) -> RpcResult<Vec<SpecInfo>> {
        self.ask(|view, _| pool::specs(&view)).await
    }

    async fn pool(&self) -> RpcResult<Vec<PoolEntry>> {
        self.ask(|view, _| pool::entries(&view)).await
    }

    async fn code(&self, id: String) -> RpcResult<Option<CodeInfo>> {
        self.ask(
            move |mut view, api| match codes::find(&mut view, &api.context.pool, &id)? {
                Lookup::Code(code) => Ok(Some(*code)),
                Lookup::NeverIssued
                | Lookup::Pending(_)
                | Lookup::Failed(_)
                | Lookup::NotARequest(_)
                | Lookup::LeftBehind(..) => Ok(None),
            },
        )
        .await
    }

    async fn verify_code(&self, id: String, request: VerifyRequest) -> RpcResult<Verification> {
        self.ask(move |mut view, api| {
            // Codes of a history that the mainchain contradicts are worth nothing, and nobody may give anything for them.
            anchor::must_agree(&api.context.consensus.confirmed)?;
            verify::verify(&mut view, &api.context.pool, &id, request)
        })
        .await
    }

    async fn code_proof(&self, id: String, request: Option<CodeProofRequest>) -> RpcResult<CodeProof> {
        let request = request.unwrap_or_default();
        self.ask(move |mut view, api| proof::code_proof(&mut view, &api.context.pool, &id, request))
            .await
    }

    async fn usage_report(&self, month: Month, cloud: Option<CloudRef>) -> RpcResult<UsageReport> {
        self.ask(move |view, _| usage::report(&view, month, cloud.as_ref()))
            .await
    }

    async fn validators(&self) -> RpcResult<ValidatorsInfo> {
        self.ask(|view, _| governance::validators(&view)).await
    }

    async fn proposals(&self) -> RpcResult<Vec<ProposalInfo>> {
        self.ask(|view, api| governance::proposals(&view, &api.context.consensus.verdicts, &api.proposals))
            .await
    }

    async fn proposal(&self, proposal_id: U64) -> RpcResult<Option<ProposalInfo>> {
        self.ask(move |view, api| governance::proposal(&view, &api.context.consensus.verdicts, proposal_id.to()))
            .await
    }

    async fn status(&self) -> RpcResult<NodeStatus> {
        self.ask(|view, api| api.node_status(&view)).await
    }

    async fn endorsement(&self, transaction_hash: B256) -> RpcResult<Option<EndorsementInfo>> {
        let Some(promise) = self.promise_about(transaction_hash).await else {
            return Ok(None);
        };
        self.ask(move |view, _| consensus::endorsement(&view, transaction_hash, &promise).map(Some))
            .await
    }

    async fn why_stalled(&self) -> RpcResult<StallReport> {
        let status = self.open_height().await;
        self.ask(move |view, api| api.stall_report(&view, status.as_ref()))
            .await
    }

    async fn slots(&self, count: U64) -> RpcResult<SlotsInfo> {
        self.ask(move |view, api| slots::info(&view, &api.context.consensus.slots, count.to()))
            .await
    }

    async fn evidence(&self) -> RpcResult<Vec<EvidenceInfo>> {
        let kept = self.context.consensus.evidence.all();
        self.ask(move |view, _| kept.iter().map(|kept| consensus::evidence(&view, kept)).collect())
            .await
    }

    async fn checkpoints(&self, query: CheckpointsQuery) -> RpcResult<Vec<CheckpointInfo>> {
        self.ask(move |_, api| checkpoints::infos(&api.context.consensus.checkpoints, query))
            .await
    }

    async fn recovered_span(&self, query: RecoveredSpanQuery) -> RpcResult<RecoveredSpan> {
        self.ask(move |view, api| {
            let confirmed = Arc::clone(&api.context.consensus.confirmed);
            let targets = Targets::new(Arc::clone(&view.runtime), confirmed);
            recovery::span(&view, &targets, query)
        })
        .await
    }

    async fn peers(&self) -> RpcResult<Vec<PeerInfo>> {
        let Some(peers) = self.connected() else {
            return Ok(Vec::new());
        };
        self.ask(move |view, _| {
            let connected = peers.connected.iter();
            connected.map(|peer| consensus::peer(&view, peer)).collect()
        })
        .await
    }
}

impl Api {
    /// Asks the contracts, as of the newest block and the present.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(View, &Self) -> Result<T, RpcFailure> + Send + 'static,
    ) -> RpcResult<T> {
        let api = self.clone();
        self.turns.own(move || question(View::of(api.runtime()), &api)).await
    }

    /// The answer to `ledger_status`.
    fn node_status(&self, view: &View) -> Result<NodeStatus, RpcFailure> {
        let (head, runtime) = (&view.head, &self.context.runtime);
        let spec = runtime.spec();
        let network = *self.context.network.borrow();
        let peers = self.connected().unwrap_or_default();
        let told = peers.connected.iter().filter_map(|peer| Some(peer.status?.head.get()));
        let counts = self.context.pool.counts();
        Ok(NodeStatus {
            chain: spec.name.clone(),
            chain_id: spec.chain_id,
            genesis_hash: runtime.genesis_hash().get(),
            client_version: self.context.client_version.clone(),
            slot: head.slot.get(),
            slot_duration_ms: spec.consensus.slot_duration_ms,
            history_from: runtime.store().oldest_state().get(),
            set_id: head.set.id().get(),
            validators: number(head.set.len()),
            own_validator: self.own_validator(view)?,
            head: point(&head.header),
            peers: network.peers,
            connected_validators: number(consensus::connected_validators(head, &peers)),
            highest_peer_block: told.max(),
            syncing: network.sync.is_some(),
            sync_target: network.sync.map(|sync| sync.target.get()),
            checkpoints: Some(checkpoints::status(&self.context.consensus.checkpoints)),
            pool: PoolStatus {
                pending: number(counts.pending),
                queued: number(counts.queued),
            },
            contracts: ContractAddresses {
                bootstrap: BOOTSTRAP,
                transact: TRANSACT,
                passport_token: PASSPORT_TOKEN,
            },
            anchor: anchor::status(&self.context.consensus.confirmed, view),
        })
    }
}

/// A block, briefly.
fn point(header: &SealedHeader) -> BlockPoint {
    BlockPoint {
        number: header.header.number,
        hash: header.hash.get(),
        timestamp: header.header.timestamp,
    }
}

fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
