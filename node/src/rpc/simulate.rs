//! `eth_simulateV1`: blocks that nobody makes, in Ethereum's JSON.

use alloy_eips::BlockId;
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::{
    Log,
    simulate::{SimCallResult, SimulateError, SimulatePayload, SimulatedBlock},
};
use jsonrpsee::core::RpcResult;
use ledger_chainspec::SealedHeader;
use ledger_runtime::{BlockRef, CallOutcome, SimulatedBlock as Simulated, SimulatedCall, StoredBlock};

use super::{clock::unix_seconds, context::Api, convert, state};

impl Api {
    pub(super) async fn simulated(
        &self,
        mut payload: SimulatePayload,
        block: Option<BlockId>,
    ) -> RpcResult<Vec<SimulatedBlock>> {
        let (runtime, at) = (self.runtime(), convert::block_ref(block));
        let head = self.head().header.header.timestamp;
        if let (BlockRef::Head, Some(first)) = (at, payload.block_state_calls.first_mut()) {
            // As for calls: what would be made now would be made at this time, however old the newest block is.
            let overrides = first.block_overrides.get_or_insert_default();
            if overrides.number.is_none() {
                overrides.time.get_or_insert(unix_seconds().max(head.saturating_add(1)));
            }
        }
        let whole = payload.return_full_transactions;
        self.turns
            .call(move || {
                let blocks = runtime.simulate(payload, at)?;
                Ok(blocks.into_iter().map(|block| shown(block, whole)).collect())
            })
            .await
    }
}

fn shown(simulated: Simulated, whole: bool) -> SimulatedBlock {
    let Simulated {
        header,
        transactions,
        calls,
    } = simulated;
    let mut logs_before = 0;
    let mut results = Vec::with_capacity(calls.len());
    for (index, (call, transaction)) in (0_u64..).zip(calls.into_iter().zip(&transactions)) {
        let place = Log {
            transaction_hash: Some(*transaction.tx_hash()),
            transaction_index: Some(index),
            log_index: Some(logs_before),
            ..placed(&header)
        };
        logs_before += u64::try_from(call.logs.len()).unwrap_or(u64::MAX);
        results.push(result(call, &place));
    }
    SimulatedBlock {
        inner: convert::block(StoredBlock { header, transactions }, whole),
        calls: results,
    }
}

fn placed(header: &SealedHeader) -> Log {
    Log {
        block_hash: Some(header.hash.get()),
        block_number: Some(header.header.number),
        block_timestamp: Some(header.header.timestamp),
        ..Log::default()
    }
}

/// What a call did; `place` is where its first log stands.
fn result(call: SimulatedCall, place: &Log) -> SimCallResult {
    let status = matches!(call.outcome, CallOutcome::Returned(_));
    let first = place.log_index.unwrap_or_default();
    let logs = (first..).zip(call.logs).map(|(log_index, inner)| Log {
        inner,
        log_index: Some(log_index),
        ..place.clone()
    });
    let logs = logs.collect();
    let (return_data, error) = match call.outcome {
        CallOutcome::Returned(output) => (output, None),
        CallOutcome::Reverted(data) => {
            let words = state::outcome(CallOutcome::Reverted(data.clone())).map_err(|failure| failure.to_string());
            let error = SimulateError {
                code: SimulateError::EXECUTION_REVERTED_CODE,
                message: words.err().unwrap_or_default(),
                data: Some(data.clone()),
            };
            (data, Some(error))
        }
        CallOutcome::Halted(reason) => {
            let error = SimulateError {
                code: SimulateError::VM_EXECUTION_ERROR_CODE,
                message: format!("vm execution error: {reason}"),
                data: None,
            };
            (Bytes::new(), Some(error))
        }
    };
    SimCallResult {
        return_data,
        logs,
        gas_used: call.gas_used,
        max_used_gas: Some(call.gas_held),
        status,
        error,
    }
}
