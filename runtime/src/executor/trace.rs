//! What did the EVM do, step by step or call by call?
//!
//! The `debug_trace*` methods: a block is replayed on its parent's state as it was executed, with a [`Recorder`] on the
//! transactions that are asked for; a call is run under one. Nothing is kept. Time is bounded by the gas of a block, and of a
//! call by [`super::call::GAS_CAP_CALL`]; memory by [`super::recorder::TRACE_BYTES_MAX`].

use alloy_consensus::{Header, transaction::Recovered};
use alloy_evm::{Evm, FromRecoveredTx, block::BlockExecutor, precompiles::PrecompilesMap};
use alloy_primitives::KECCAK256_EMPTY;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingOptions, GethTrace,
};
use ledger_chainspec::Transaction;
use revm::{
    DatabaseRef,
    context::{TxEnv, result::ResultAndState},
    state::EvmState,
};
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError};
use thiserror::Error;

use super::{
    BlockState, ExecutionError, Executor, TransactionFault,
    call::{CallError, CallOverrides, PreparedCall},
    error,
    recorder::{Recorder, TRACE_BYTES_MAX},
};
use crate::{read::ReadError, state::StateView};

/// The tracers that there are, beside the log of steps.
const TRACERS: &[GethDebugBuiltInTracerType] = &[
    GethDebugBuiltInTracerType::CallTracer,
    GethDebugBuiltInTracerType::PreStateTracer,
    GethDebugBuiltInTracerType::FourByteTracer,
    GethDebugBuiltInTracerType::NoopTracer,
];

/// Characters of an unknown tracer's name that an error repeats; it may be a whole program in JavaScript.
const TRACER_NAME_CHARS: usize = 64;

/// Why there is no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The block or its parent's state cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Block 0 executed nothing.
    #[error("genesis is not traceable: it holds no transactions")]
    Genesis,
    /// There is no such tracer.
    #[error(
        "tracer {name:?} not found; there are {}, and without `tracer` the log of steps",
        known()
    )]
    Tracer {
        /// What was asked for.
        name: String,
    },
    /// The tracer cannot be configured so.
    #[error("tracerConfig does not fit the tracer: {reason}")]
    Config {
        /// What is wrong.
        reason: String,
    },
    /// The records take too much.
    #[error(
        "the trace takes more than {TRACE_BYTES_MAX} bytes; ask for less: one transaction, the callTracer, disableStack, \
         disableStorage, or a limit"
    )]
    TooLong,
    /// The call cannot be run.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A transaction that stands in the chain was refused by its replay: ours is not the EVM that executed it.
    #[error("transaction {index} of the block does not replay: {fault}")]
    Replay {
        /// Its index.
        index: usize,
        /// Why it was refused.
        fault: TransactionFault,
    },
    /// The EVM stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

fn known() -> String {
    let names = TRACERS.iter().map(|tracer| GethDebugTracerType::from(*tracer));
    names
        .map(|tracer| tracer.as_str().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}

impl Executor {
    /// Replays the block of `header` on the state of its parent: the first `skip` of `transactions` as they are, the others
    /// with a trace each.
    pub(crate) fn trace_block(
        &self,
        parent: StateView,
        header: &Header,
        transactions: &[Recovered<Transaction>],
        skip: usize,
        options: GethDebugTracingOptions,
    ) -> Result<Vec<GethTrace>, TraceError> {
        let evm = self.evm_with(self.database(parent), header, recorder(options)?);
        let mut block = self.over(evm, header)?;
        let mut traces = Vec::with_capacity(transactions.len().saturating_sub(skip));
        for (index, transaction) in transactions.iter().enumerate() {
            let traced = index >= skip;
            block.evm.set_inspector_enabled(traced);
            let done = match block.execute_transaction_without_commit(transaction) {
                Ok(done) => done,
                Err(_) if block.evm.inspector().is_full() => return Err(TraceError::TooLong),
                Err(failure) => {
                    let fault = error::fault(failure)?;
                    return Err(TraceError::Replay { index, fault });
                }
            };
            if traced {
                let sent = TxEnv::from_recovered_tx(transaction.inner(), transaction.signer());
                traces.push(result(&mut block.evm, &sent, &done.result)?);
            }
            block.commit_transaction(done);
        }
        Ok(traces)
    }

    /// Runs a call as `eth_call` does, and traces it.
    pub(crate) fn trace_call(
        &self,
        at: (StateView, &Header),
        request: TransactionRequest,
        overrides: CallOverrides,
        options: GethDebugTracingOptions,
    ) -> Result<GethTrace, TraceError> {
        let (view, header) = at;
        let mut call = self.prepare_with(view, header, request, overrides, recorder(options)?)?;
        call.evm.enable_inspector();
        let ran = call.run_as_call();
        if call.evm.inspector().is_full() {
            return Err(TraceError::TooLong);
        }
        let done = ran?;
        let PreparedCall { evm, transaction, .. } = &mut call;
        result(evm, transaction, &done)
    }
}

/// What the recorder made of the transaction that just ran; then it is ready for the next.
fn result<E>(evm: &mut E, sent: &TxEnv, done: &ResultAndState) -> Result<GethTrace, TraceError>
where
    E: Evm<DB = BlockState, Inspector = Recorder, Precompiles = PrecompilesMap>,
{
    let block = evm.block().clone();
    let (state, recorder, _) = evm.components_mut();
    if matches!(recorder.tracer(), DebugInspector::PreStateTracer(..)) {
        let codes = code_bytes(state, &done.state)?;
        recorder.keep(codes);
    }
    if recorder.is_full() {
        return Err(TraceError::TooLong);
    }
    let made = recorder.tracer().get_result(None, sent, &block, done, state);
    let trace = made.map_err(stopped)?;
    recorder.begin_anew().map_err(stopped)?;
    Ok(trace)
}

/// Bytes of the code of all accounts that a transaction touched, which the prestate repeats for each of them.
fn code_bytes(state: &BlockState, touched: &EvmState) -> Result<usize, ExecutionError> {
    let mut bytes = 0_usize;
    for account in touched.values() {
        let hash = account.info.code_hash;
        let length = match &account.info.code {
            Some(code) => code.len(),
            None if hash == KECCAK256_EMPTY => 0,
            None => {
                let code = state.code_by_hash_ref(hash);
                code.map_err(|failure| ExecutionError::Evm(Box::new(failure)))?.len()
            }
        };
        bytes = bytes.saturating_add(length);
    }
    Ok(bytes)
}

fn stopped<E: std::error::Error + Send + Sync + 'static>(failure: DebugInspectorError<E>) -> TraceError {
    match failure {
        DebugInspectorError::Database(cause) => ExecutionError::Evm(Box::new(cause)).into(),
        other => TraceError::Config {
            reason: other.to_string(),
        },
    }
}

/// The recorder that was asked for.
fn recorder(options: GethDebugTracingOptions) -> Result<Recorder, TraceError> {
    if let Some(tracer) = options.tracer.as_ref().filter(|tracer| !tracer.as_str().is_empty()) {
        let known = matches!(tracer, GethDebugTracerType::BuiltInTracer(tracer) if TRACERS.contains(tracer));
        if !known {
            return Err(TraceError::Tracer {
                name: tracer.as_str().chars().take(TRACER_NAME_CHARS).collect(),
            });
        }
    }
    let tracer = DebugInspector::new(options).map_err(stopped)?;
    Ok(Recorder::new(tracer))
}
