//! `eth_*`: accounts, proofs, and calls that leave no trace.

use std::collections::BTreeMap;

use alloy_eips::{BlockId, eip2930::AccessListResult};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, EIP1186AccountProofResponse, EIP1186StorageProof, TransactionRequest,
    simulate::{SimulatePayload, SimulatedBlock},
    state::StateOverride,
};
use alloy_serde::JsonStorageKey;
use alloy_trie::EMPTY_ROOT_HASH;
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::EthStateServer;
use ledger_runtime::{CallOutcome, CallOverrides, state::AccountProof};

use super::{context::Api, convert, error::RpcFailure, turns::Begun};

/// Storage slots that one question may name, as geth does.
pub const STORAGE_VALUES_MAX: usize = 1024;

#[async_trait]
impl EthStateServer for Api {
    async fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        self.turns
            .read(move || {
                Ok(runtime
                    .account(&address, at)?
                    .map_or(U256::ZERO, |account| account.balance))
            })
            .await
    }

    async fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        self.turns.read(move || Ok(runtime.code(&address, at)?)).await
    }

    async fn storage_at(&self, address: Address, slot: JsonStorageKey, block: Option<BlockId>) -> RpcResult<B256> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let slot = U256::from_be_bytes(slot.as_b256().0);
        self.turns
            .read(move || Ok(runtime.storage(&address, &slot, at)?.into()))
            .await
    }

    async fn storage_values(
        &self,
        requests: BTreeMap<Address, Vec<JsonStorageKey>>,
        block: Option<BlockId>,
    ) -> RpcResult<BTreeMap<Address, Vec<B256>>> {
        let slots: usize = requests.values().map(Vec::len).sum();
        if slots > STORAGE_VALUES_MAX {
            let message = format!("too many slots: {slots}, at most {STORAGE_VALUES_MAX}");
            return Err(RpcFailure::Limit(message).into());
        }
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        self.turns
            .read(move || {
                let (_, view) = runtime.state(at)?;
                let mut values = BTreeMap::new();
                for (address, keys) in requests {
                    let slots = keys.iter().map(|key| U256::from_be_bytes(key.as_b256().0));
                    let read = slots.map(|slot| Ok(view.storage(&address, &slot)?.into()));
                    values.insert(address, read.collect::<Result<_, RpcFailure>>()?);
                }
                Ok(values)
            })
            .await
    }

    async fn proof(
        &self,
        address: Address,
        storage_keys: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        self.turns
            .read(move || {
                let slots: Vec<B256> = storage_keys.iter().map(JsonStorageKey::as_b256).collect();
                let proof = runtime.proof(&address, &slots, at)?;
                Ok(proof_response(proof, storage_keys))
            })
            .await
    }

    async fn call(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<Bytes> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let overrides = self.in_next_block(
            at,
            CallOverrides {
                state: state_overrides,
                block: block_overrides,
            },
        );
        self.turns
            .call_begun(move || {
                Ok(match runtime.call_if_short(&transaction, at, &overrides)? {
                    Some(done) => Begun::Done(outcome(done.outcome)?),
                    None => Begun::Long(move || outcome(runtime.call(transaction, at, overrides)?.outcome)),
                })
            })
            .await
    }

    async fn simulate(&self, payload: SimulatePayload, block: Option<BlockId>) -> RpcResult<Vec<SimulatedBlock>> {
        self.simulated(payload, block).await
    }

    async fn estimate_gas(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<U64> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let overrides = self.in_next_block(
            at,
            CallOverrides {
                state: state_overrides,
                block: block_overrides,
            },
        );
        self.turns
            .call(move || Ok(U64::from(runtime.estimate_gas(transaction, at, overrides)?)))
            .await
    }

    async fn create_access_list(
        &self,
        transaction: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let overrides = self.in_next_block(
            at,
            CallOverrides {
                state: state_overrides,
                block: None,
            },
        );
        self.turns
            .call(move || {
                let done = runtime.create_access_list(transaction, at, overrides)?;
                let error = outcome(done.result.outcome).err().map(|failure| failure.to_string());
                let gas_used = U256::from(done.result.gas_used);
                Ok(AccessListResult {
                    access_list: done.access_list,
                    gas_used,
                    error,
                })
            })
            .await
    }
}

/// What a call returned, or the failure that its end is.
pub(super) fn outcome(outcome: CallOutcome) -> Result<Bytes, RpcFailure> {
    match outcome {
        CallOutcome::Returned(output) => Ok(output),
        CallOutcome::Reverted(data) => Err(RpcFailure::Reverted { data }),
        CallOutcome::Halted(reason) => Err(RpcFailure::Halted(reason)),
    }
}

/// A proof in the form of EIP-1186. Keys are given back as they were asked for.
pub(super) fn proof_response(proof: AccountProof, keys: Vec<JsonStorageKey>) -> EIP1186AccountProofResponse {
    let account = proof.account;
    EIP1186AccountProofResponse {
        address: proof.address,
        balance: account.map_or(U256::ZERO, |account| account.balance),
        code_hash: account.map_or(KECCAK256_EMPTY, |account| account.code_hash),
        nonce: account.map_or(0, |account| account.nonce),
        storage_hash: account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root),
        account_proof: proof.proof,
        storage_proof: keys
            .into_iter()
            .zip(proof.storage)
            .map(|(key, slot)| EIP1186StorageProof {
                key,
                value: slot.value,
                proof: slot.proof,
            })
            .collect(),
    }
}
