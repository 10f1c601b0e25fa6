//! `ledger_*`: promo codes, clouds, validators.
//!
//! Answers are put together from the contracts' view functions, the store's index of codes and the receipts; nothing is
//! cached, so that they are always about the newest block, whose number they carry where it matters.

mod codes;
mod contracts;
mod governance;
mod pool;
mod verify;

use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::{
    BlockPoint, CodeInfo, ContractAddresses, LedgerServer, NodeStatus, PoolEntry, PoolStatus, ProposalInfo, SpecInfo,
    ValidatorsInfo, Verification, VerifyRequest,
};
use ledger_chainspec::{
    SealedHeader,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
};

use self::{codes::Lookup, contracts::View};
use super::{context::Api, error::RpcFailure};

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
                Lookup::NeverIssued | Lookup::Pending(_) | Lookup::Failed(_) | Lookup::NotARequest(_) => Ok(None),
            },
        )
        .await
    }

    async fn verify_code(&self, id: String, request: VerifyRequest) -> RpcResult<Verification> {
        self.ask(move |mut view, api| verify::verify(&mut view, &api.context.pool, &id, request))
            .await
    }

    async fn validators(&self) -> RpcResult<ValidatorsInfo> {
        self.ask(|view, _| governance::validators(&view)).await
    }

    async fn proposals(&self) -> RpcResult<Vec<ProposalInfo>> {
        self.ask(|view, _| governance::proposals(&view)).await
    }

    async fn status(&self) -> RpcResult<NodeStatus> {
        let head = self.head();
        let runtime = &self.context.runtime;
        let spec = runtime.spec();
        let network = *self.context.network.borrow();
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
            head: point(&head.header),
            peers: network.peers,
            syncing: network.sync.is_some(),
            pool: PoolStatus {
                pending: number(counts.pending),
                queued: number(counts.queued),
            },
            contracts: ContractAddresses {
                bootstrap: BOOTSTRAP,
                transact: TRANSACT,
                passport_token: PASSPORT_TOKEN,
            },
        })
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
