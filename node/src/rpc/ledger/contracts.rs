//! What do the contracts say, all at one block and one time?

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use alloy_primitives::{Address, Bytes, TxKind};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_sol_types::SolCall;
use ledger_api::{CloudInfo, CloudRef, SpecInfo};
use ledger_chainspec::{
    BlockNumber,
    predeploys::{BOOTSTRAP, TRANSACT},
};
use ledger_contracts::{Bootstrap, Transact};
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, Head, Runtime};

use super::super::{clock::unix_seconds, error::RpcFailure, state};

/// Gas that one question to the contracts may use: forty redemptions' worth. A holder may be a wallet contract (ERC-1271),
/// whose code is anybody's.
const QUESTION_GAS_MAX: u64 = 5_000_000;

/// The contracts on the state of one block, asked as if in a block made now.
pub(super) struct View {
    pub(super) runtime: Arc<Runtime>,
    pub(super) head: Arc<Head>,
    /// Seconds since the Unix epoch: now, or the head's time if this machine's clock is behind it.
    pub(super) now: u64,
    clouds: RefCell<HashMap<u32, CloudInfo>>,
}

impl View {
    pub(super) fn of(runtime: Arc<Runtime>) -> Self {
        let head = runtime.head();
        let now = unix_seconds().max(head.header.header.timestamp);
        Self {
            runtime,
            head,
            now,
            clouds: RefCell::default(),
        }
    }

    /// As of a block's own time.
    pub(super) fn of_head(runtime: &Arc<Runtime>, head: &Arc<Head>) -> Self {
        Self {
            runtime: Arc::clone(runtime),
            now: head.header.header.timestamp,
            head: Arc::clone(head),
            clouds: RefCell::default(),
        }
    }

    /// Goes on to the newest block if `block` is not in view: the head moves while a question is answered.
    pub(super) fn reach(&mut self, block: BlockNumber) {
        if block > self.head.number() {
            *self = Self::of(Arc::clone(&self.runtime));
        }
    }

    /// Calls a view function, whose revert is a failure.
    pub(super) fn ask<C: SolCall>(&self, contract: Address, call: &C) -> Result<C::Return, RpcFailure> {
        let output = state::outcome(self.run(Address::ZERO, contract, call.abi_encode().into())?)?;
        C::abi_decode_returns(&output)
            .map_err(|error| RpcFailure::Internal(format!("{contract} answers {}: {error}", C::SIGNATURE)))
    }

    /// Runs a call of `from` and gives its end.
    pub(super) fn run(&self, from: Address, to: Address, input: Bytes) -> Result<CallOutcome, RpcFailure> {
        let request = TransactionRequest {
            from: Some(from),
            to: Some(TxKind::Call(to)),
            input: input.into(),
            gas: Some(QUESTION_GAS_MAX),
            ..TransactionRequest::default()
        };
        let block = Some(Box::new(BlockOverrides {
            time: Some(self.now),
            ..BlockOverrides::default()
        }));
        let at = BlockRef::Number(self.head.number());
        Ok(self
            .runtime
            .call(request, at, CallOverrides { state: None, block })?
            .outcome)
    }

    /// A member cloud by its id.
    pub(super) fn cloud(&self, member_id: u32) -> Result<CloudInfo, RpcFailure> {
        if let Some(known) = self.clouds.borrow().get(&member_id) {
            return Ok(known.clone());
        }
        let member = self.ask(BOOTSTRAP, &Bootstrap::memberCall { memberId: member_id })?;
        let cloud = CloudInfo {
            member_id,
            name: member.name,
            owner: member.owner,
        };
        self.clouds.borrow_mut().insert(member_id, cloud.clone());
        Ok(cloud)
    }

    fn cloud_count(&self) -> Result<u32, RpcFailure> {
        self.ask(BOOTSTRAP, &Bootstrap::memberCountCall {})
    }

    /// All member clouds there ever were, by id.
    pub(super) fn clouds(&self) -> Result<Vec<CloudInfo>, RpcFailure> {
        (1..=self.cloud_count()?)
            .map(|member_id| self.cloud(member_id))
            .collect()
    }

    /// The cloud that a caller names.
    pub(super) fn cloud_named(&self, cloud: &CloudRef) -> Result<CloudInfo, RpcFailure> {
        let unknown = || {
            let shown = match cloud {
                CloudRef::Id(id) => id.to_string(),
                CloudRef::Name(name) => format!("{:?}", name.chars().take(64).collect::<String>()),
            };
            RpcFailure::NotFound(format!(
                "there is no member cloud {shown}; ledger_pool lists those that offer"
            ))
        };
        let id = match cloud {
            CloudRef::Id(id) => Some(*id),
            CloudRef::Name(name) => match name.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => name.parse().ok(),
            },
        };
        let found = match (id, cloud) {
            (Some(id), _) => match (1..=self.cloud_count()?).contains(&id) {
                true => Some(self.cloud(id)?),
                false => None,
            },
            (None, CloudRef::Name(name)) => self
                .clouds()?
                .into_iter()
                .find(|cloud| cloud.name.eq_ignore_ascii_case(name)),
            (None, CloudRef::Id(_)) => None,
        };
        found.ok_or_else(unknown)
    }

    /// A specification by its number.
    pub(super) fn spec(&self, spec_id: u32) -> Result<SpecInfo, RpcFailure> {
        let spec = self.ask(TRANSACT, &Transact::specCall { specId: spec_id })?;
        Ok(SpecInfo {
            spec_id,
            name: spec.name,
            vcpus: spec.vcpus,
            memory_mib: spec.memoryMiB,
            disk_gib: spec.diskGiB,
            hours: spec.durationHours,
            ttl_seconds: spec.ttlSeconds.into(),
            reward: spec.reward,
            requires_authorization: spec.requireAuthorization,
        })
    }

    /// Number of specifications; the last one's number.
    pub(super) fn spec_count(&self) -> Result<u32, RpcFailure> {
        self.ask(TRANSACT, &Transact::specCountCall {})
    }
}
