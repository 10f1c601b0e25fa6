//! What does a caller hear when a request cannot be answered?
//!
//! One type for all methods, turned into JSON-RPC's code, message and data in one place. Codes follow EIP-1474 and geth: 3
//! for a revert (with the raw data, as wallets expect), -32000 with geth's words for what the chain refuses.

use alloy_primitives::Bytes;
use jsonrpsee::types::ErrorObjectOwned;
use ledger_runtime::{
    BrokenRule, CallError, LogsError, ReadError, SimulationError, TraceError, TransactionFault, state::StateError,
    store::StoreError,
};
use thiserror::Error;

use crate::txpool::PoolError;

/// The call was executed and reverted; `data` is what it reverted with.
pub const CODE_REVERTED: i32 = 3;
/// The chain refuses it; the message says why, in geth's words where there are any.
pub const CODE_REFUSED: i32 = -32000;
/// There is no such block, filter or member.
pub const CODE_NOT_FOUND: i32 = -32001;
/// It existed, but this node no longer keeps it.
pub const CODE_UNAVAILABLE: i32 = -32002;
/// A bound of the node: of a range, an answer, or of requests at once.
pub const CODE_LIMIT: i32 = -32005;
/// A parameter is not what it must be.
pub const CODE_PARAMS: i32 = -32602;
/// The node itself failed; its log says more.
pub const CODE_INTERNAL: i32 = -32603;

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum RpcFailure {
    /// A parameter is not what it must be.
    #[error("{0}")]
    Params(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It may exist, but this node does not keep what would tell.
    #[error("{0}")]
    Unavailable(String),
    /// A bound of the node.
    #[error("{0}")]
    Limit(String),
    /// More requests run than the node takes at once.
    #[error("the node is busy: {running} requests of this kind run already; try again")]
    Busy {
        /// How many run.
        running: usize,
    },
    /// The pool does not take the transaction.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A call reverted.
    #[error("{}", reverted(data))]
    Reverted {
        /// What it reverted with, raw.
        data: Bytes,
    },
    /// A call could not be run, or was cut off.
    #[error(transparent)]
    Call(CallError),
    /// A call was cut off.
    #[error("{0}")]
    Halted(String),
    /// There is no trace.
    #[error(transparent)]
    Trace(TraceError),
    /// Blocks cannot be simulated.
    #[error(transparent)]
    Simulation(SimulationError),
    /// Logs could not be given.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// A block or its state could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The node is wrong about something.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<CallError> for RpcFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Reverted { output } => Self::Reverted { data: output },
            other => Self::Call(other),
        }
    }
}

impl From<TraceError> for RpcFailure {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Call(error) => error.into(),
            TraceError::Read(error) => error.into(),
            other => Self::Trace(other),
        }
    }
}

impl From<SimulationError> for RpcFailure {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Read(error) => error.into(),
            other => Self::Simulation(other),
        }
    }
}

impl From<StoreError> for RpcFailure {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl From<StateError> for RpcFailure {
    fn from(error: StateError) -> Self {
        Self::Read(error.into())
    }
}

impl RpcFailure {
    /// JSON-RPC's code for it.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Params(_) | Self::Pool(PoolError::Undecodable { .. }) => CODE_PARAMS,
            Self::NotFound(_) => CODE_NOT_FOUND,
            Self::Unavailable(_) => CODE_UNAVAILABLE,
            Self::Limit(_) | Self::Busy { .. } => CODE_LIMIT,
            Self::Pool(PoolError::State { .. }) => CODE_INTERNAL,
            Self::Pool(_) => CODE_REFUSED,
            Self::Reverted { .. } => CODE_REVERTED,
            Self::Call(error) => call_code(error),
            Self::Halted(_) => CODE_REFUSED,
            Self::Logs(LogsError::Store(error)) => store_code(error),
            Self::Internal(_) => CODE_INTERNAL,
            Self::Logs(LogsError::Backwards { .. }) => CODE_PARAMS,
            Self::Logs(
                LogsError::TooManyBlocks { .. }
                | LogsError::TooManyLogs { .. }
                | LogsError::TooManyBytes { .. }
                | LogsError::TooMuchToRead { .. },
            ) => CODE_LIMIT,
            Self::Read(error) => read_code(error),
            Self::Trace(error) => trace_code(error),
            Self::Simulation(error) => simulation_code(error),
        }
    }
}

/// The codes that the execution-apis name for `eth_simulateV1`.
const fn simulation_code(error: &SimulationError) -> i32 {
    match error {
        SimulationError::Read(error) => read_code(error),
        SimulationError::NotNewest { .. } => CODE_UNAVAILABLE,
        SimulationError::Call(CallError::Fault(fault)) => match fault {
            TransactionFault::NonceTooLow { .. } => -38010,
            TransactionFault::NonceTooHigh { .. } => -38011,
            TransactionFault::InsufficientFunds { .. } => -38014,
            TransactionFault::Refused(refusal) => match refusal.rule() {
                BrokenRule::FeeBelowBaseFee => -38012,
                BrokenRule::IntrinsicGas | BrokenRule::FloorGas => -38013,
                BrokenRule::SenderHasCode => -38024,
                BrokenRule::InitCodeSize => -38025,
                _ => CODE_REFUSED,
            },
            TransactionFault::Limit(_) => -38015,
            TransactionFault::Blob | TransactionFault::Signature | TransactionFault::Recovery { .. } => CODE_REFUSED,
        },
        SimulationError::Call(error) => call_code(error),
        SimulationError::BlockGas { .. } => -38015,
        SimulationError::Number { .. } => -38020,
        SimulationError::Time { .. } => -38021,
        SimulationError::TooManyBlocks | SimulationError::Gas | SimulationError::TooLong => -38026,
    }
}

const fn trace_code(error: &TraceError) -> i32 {
    match error {
        TraceError::Call(error) => call_code(error),
        TraceError::Read(error) => read_code(error),
        TraceError::Genesis => CODE_REFUSED,
        TraceError::Tracer { .. } | TraceError::Config { .. } => CODE_PARAMS,
        TraceError::TooLong => CODE_LIMIT,
        TraceError::Replay { .. } | TraceError::Execution(_) => CODE_INTERNAL,
    }
}

const fn call_code(error: &CallError) -> i32 {
    match error {
        CallError::Read(error) => read_code(error),
        CallError::Request(_) | CallError::Overrides(_) => CODE_PARAMS,
        CallError::Fault(_) | CallError::Halted { .. } | CallError::Allowance { .. } => CODE_REFUSED,
        CallError::Reverted { .. } => CODE_REVERTED,
        CallError::Execution(_) => CODE_INTERNAL,
    }
}

const fn read_code(error: &ReadError) -> i32 {
    match error {
        ReadError::NoBlock(_) | ReadError::State(StateError::Future { .. }) => CODE_NOT_FOUND,
        ReadError::State(StateError::OutsideWindow { .. } | StateError::Grown { .. }) => CODE_UNAVAILABLE,
        ReadError::State(StateError::TooManySlots { .. }) => CODE_LIMIT,
        ReadError::State(StateError::Store(error)) | ReadError::Store(error) => store_code(error),
        ReadError::State(_) => CODE_INTERNAL,
    }
}

const fn store_code(error: &StoreError) -> i32 {
    match error {
        StoreError::NotKept { .. } => CODE_UNAVAILABLE,
        StoreError::Database(_) | StoreError::Corrupt { .. } => CODE_INTERNAL,
    }
}

/// geth's words for a revert, and what it means where that is known.
fn reverted(data: &Bytes) -> String {
    match ledger_contracts::decode_revert(data) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    }
}

impl From<RpcFailure> for ErrorObjectOwned {
    fn from(failure: RpcFailure) -> Self {
        let code = failure.code();
        if code == CODE_INTERNAL {
            tracing::error!(target: "ledger::rpc", error = %failure, "request failed");
        }
        let data = match &failure {
            RpcFailure::Reverted { data } => Some(data.clone()),
            _ => None,
        };
        Self::owned(code, failure.to_string(), data)
    }
}
