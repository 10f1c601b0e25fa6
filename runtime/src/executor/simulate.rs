//! What would blocks do that nobody makes?
//!
//! `eth_simulateV1`: blocks of calls on top of the newest block, each on the state that the one before left, with the fork's own
//! calls before and after, and with the roots that such blocks would have. Nothing is kept. All calls together may use
//! [`GAS_CAP_CALL`], and give at most [`SIMULATED_BYTES_MAX`]; there are at most [`SIMULATED_BLOCKS_MAX`] blocks.

use alloy_consensus::{Header, SignableTransaction, transaction::Recovered};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_evm::{
    Evm, EvmEnv,
    block::{BlockExecutor, TxResult},
    eth::EthEvmBuilder,
    overrides::{apply_block_overrides, apply_state_overrides},
};
use alloy_primitives::{B256, Log, Signature, TxKind, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionRequest,
    simulate::{SimBlock, SimulatePayload},
    state::StateOverride,
};
use ledger_chainspec::{SealedHeader, Transaction};
use revm::{
    Database,
    context::result::ExecutionResult,
    database::{State, states::bundle_state::BundleRetention},
};
use revm_inspectors::transfer::TransferInspector;
use thiserror::Error;

use super::{
    BlockEvm, BlockState, ExecutionError, Executor, TransactionFault,
    call::{CallError, CallOutcome, GAS_CAP_CALL, TRANSFER_GAS, outcome_of},
    database, error,
};
use crate::{
    header,
    limits::TRANSACTION_GAS_MAX,
    read::ReadError,
    receipts,
    state::{StateCommitment, StateError, StateView},
};

/// Blocks that one simulation may make, gaps between them included: as far as BLOCKHASH looks back.
pub const SIMULATED_BLOCKS_MAX: u64 = 256;

/// Bytes that the calls of one simulation may give together, in outputs and logs.
pub const SIMULATED_BYTES_MAX: usize = 8 << 20;

/// Bytes of a call's or a log's record beside its data.
const RECORD_BYTES: usize = 256;

/// A call of a simulated block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCall {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Gas used, refunds taken off.
    pub gas_used: u64,
    /// Gas that it held at most, before refunds.
    pub gas_held: u64,
    /// The logs it left.
    pub logs: Vec<Log>,
}

/// A block that nobody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedBlock {
    /// Its header and hash. Nobody sealed it, so the extra data is empty.
    pub header: SealedHeader,
    /// Its calls as transactions, with a signature of zeros.
    pub transactions: Vec<Recovered<Transaction>>,
    /// What they did.
    pub calls: Vec<SimulatedCall>,
}

/// Why blocks cannot be simulated.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The block to begin with, or its state, cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// State roots can be computed on top of the newest block alone.
    #[error(
        "blocks can be simulated on top of the newest block alone, and {asked} is not the newest (any more); ask for latest"
    )]
    NotNewest {
        /// The block that was asked for.
        asked: u64,
    },
    /// A call is none, cannot be run, or does not pass where a transaction's would not.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Numbers must rise.
    #[error("block numbers must be in order: {got} <= {before}")]
    Number {
        /// The number of a block.
        got: U256,
        /// Of the one before it.
        before: u64,
    },
    /// Times must rise.
    #[error("block timestamps must be in order: {got} <= {before}")]
    Time {
        /// The time of a block.
        got: u64,
        /// Of the one before it.
        before: u64,
    },
    /// More blocks than one simulation may make.
    #[error("too many blocks: at most {SIMULATED_BLOCKS_MAX}, gaps between their numbers included")]
    TooManyBlocks,
    /// The calls of a block ask for more gas than it has.
    #[error("block gas limit reached: {asked} >= {left}")]
    BlockGas {
        /// What a call asks for.
        asked: u64,
        /// What the block has left.
        left: u64,
    },
    /// The calls use too much.
    #[error("the calls of one simulation may use {GAS_CAP_CALL} gas together; simulate less at once")]
    Gas,
    /// The calls give too much.
    #[error("the calls give more than {SIMULATED_BYTES_MAX} bytes of output and logs; simulate less at once")]
    TooLong,
}

impl From<ExecutionError> for SimulationError {
    fn from(error: ExecutionError) -> Self {
        Self::Call(error.into())
    }
}

impl From<StateError> for SimulationError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NotHead { parent } => Self::NotNewest { asked: parent.get() },
            other => Self::Read(other.into()),
        }
    }
}

/// The state of a simulation between two blocks.
struct Simulation<'a> {
    executor: &'a Executor,
    /// The state of the block it began with.
    base: StateView,
    /// What the simulated blocks made of it; empty while one is under way.
    state: Option<BlockState>,
    parent: SealedHeader,
    /// What is left of [`GAS_CAP_CALL`].
    gas_left: u64,
    /// What is left of [`SIMULATED_BYTES_MAX`].
    bytes_left: usize,
    validation: bool,
    trace_transfers: bool,
}

impl Executor {
    /// Simulates the blocks of `payload` on top of `base`; `interval` is the time between them, in seconds, where they name
    /// none.
    pub(crate) fn simulate(
        &self,
        base: (StateView, SealedHeader),
        payload: SimulatePayload,
        interval: u64,
    ) -> Result<Vec<SimulatedBlock>, SimulationError> {
        let (view, parent) = base;
        let blocks = in_order(&parent.header, payload.block_state_calls, interval)?;
        let state = State::builder()
            .with_database_ref(self.database(view.clone()))
            .with_bundle_update()
            .build();
        let mut simulation = Simulation {
            executor: self,
            base: view,
            state: Some(state),
            parent,
            gas_left: GAS_CAP_CALL,
            bytes_left: SIMULATED_BYTES_MAX,
            validation: payload.validation,
            trace_transfers: payload.trace_transfers,
        };
        blocks.into_iter().map(|block| simulation.block(block)).collect()
    }
}

impl Simulation<'_> {
    fn block(&mut self, block: SimBlock) -> Result<SimulatedBlock, SimulationError> {
        let overrides = block.block_overrides.unwrap_or_default();
        let draft = self.draft(&overrides);
        let mut env: EvmEnv = self.executor.rules().env(&draft);
        if !self.validation {
            env.cfg_env.disable_nonce_check = true;
            // As for a call, the cap of all calls together is the limit; that of a transaction is not.
            env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        }
        // Nobody signed: whether a contract could have is no question here.
        env.cfg_env.disable_eip3607 = true;
        let mut state = self
            .state
            .take()
            .expect("a block gives the state back, or ends the simulation");
        apply_block_overrides(overrides, &mut state, &mut env.block_env);
        override_accounts(&mut state, block.state_overrides.unwrap_or_default())?;
        let precompiles = self.executor.rules().precompiles(&env);
        let evm = EthEvmBuilder::new(state, env)
            .inspector(TransferInspector::new(false).with_logs(true))
            .set_inspect(self.trace_transfers)
            .precompiles(precompiles)
            .build();
        let mut inner = self.executor.over(evm, &draft)?;
        let (mut transactions, mut calls) = (Vec::new(), Vec::new());
        for request in block.calls {
            let block_left = draft.gas_limit.saturating_sub(inner.cumulative_tx_gas_used);
            let transaction = self.transaction(&mut inner.evm, request, block_left)?;
            let done = inner.execute_transaction_without_commit(&transaction);
            let done = done.map_err(|failure| error::fault(failure).map_or_else(CallError::from, CallError::from))?;
            calls.push(self.call(done.result().result.clone())?);
            inner.commit_transaction(done);
            transactions.push(transaction);
        }
        let (evm, result) = inner.finish().map_err(error::fatal)?;
        let (mut state, _) = evm.finish();
        state.merge_transitions(BundleRetention::PlainState);
        let diff = database::diff_of(state.bundle_state.clone());
        let (receipts_root, logs_bloom) = receipts::root_and_bloom(&result.receipts);
        let header = SealedHeader::new(Header {
            state_root: StateCommitment::compute(&self.base, &diff)?.root(),
            transactions_root: header::transactions_root(&transactions),
            receipts_root,
            logs_bloom,
            gas_used: result.gas_used,
            requests_hash: draft.requests_hash.map(|_| result.requests.requests_hash()),
            ..draft
        });
        state.block_hashes.insert(header.header.number, header.hash.get());
        self.state = Some(state);
        self.parent = header.clone();
        Ok(SimulatedBlock {
            header,
            transactions,
            calls,
        })
    }

    /// The header's fields that are known before the block runs.
    fn draft(&self, overrides: &BlockOverrides) -> Header {
        let parent = &self.parent.header;
        Header {
            parent_hash: self.parent.hash.get(),
            number: overrides.number.map_or(0, |number| number.saturating_to()),
            timestamp: overrides.time.unwrap_or_default(),
            beneficiary: overrides.coinbase.unwrap_or(parent.beneficiary),
            gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
            mix_hash: overrides.random.unwrap_or_default(),
            base_fee_per_gas: Some(overrides.base_fee.map_or(0, |fee| fee.saturating_to())),
            withdrawals_root: parent.withdrawals_root,
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(overrides.beacon_root.unwrap_or(B256::ZERO)),
            requests_hash: parent.requests_hash.map(|_| EMPTY_REQUESTS_HASH),
            ..Header::default()
        }
    }

    /// The transaction that a call is, with everything filled in that it leaves out.
    fn transaction(
        &self,
        evm: &mut BlockEvm<TransferInspector>,
        mut request: TransactionRequest,
        block_left: u64,
    ) -> Result<Recovered<Transaction>, SimulationError> {
        if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
            return Err(CallError::from(TransactionFault::Blob).into());
        }
        let refused = |reason: String| SimulationError::Call(CallError::Request(reason));
        let input = request.input.try_into_unique_input();
        request.input = input.map_err(|error| refused(error.to_string()))?.into();
        let from = request.from.unwrap_or_default();
        if request.nonce.is_none() {
            let account = evm.db_mut().basic(from);
            let account = account.map_err(|failure| ExecutionError::Evm(Box::new(failure)))?;
            request.nonce = Some(account.map_or(0, |account| account.nonce));
        }
        let asked = request.gas.unwrap_or_else(|| block_left.min(TRANSACTION_GAS_MAX));
        if asked > block_left {
            return Err(SimulationError::BlockGas {
                asked,
                left: block_left,
            });
        }
        if self.gas_left < TRANSFER_GAS {
            return Err(SimulationError::Gas);
        }
        request.gas = Some(asked.min(self.gas_left));
        request.chain_id.get_or_insert(evm.chain_id());
        request.to.get_or_insert(TxKind::Create);
        request.value.get_or_insert_default();
        if request.gas_price.is_none() {
            request.max_fee_per_gas.get_or_insert(evm.block().basefee.into());
            request.max_priority_fee_per_gas.get_or_insert_default();
        }
        let built = request.build_consensus_tx().map_err(|failure| refused(failure.error))?;
        let unsigned = Signature::new(U256::ZERO, U256::ZERO, false);
        Ok(Recovered::new_unchecked(built.into_signed(unsigned).into(), from))
    }

    /// What a call did, off the budgets of gas and bytes.
    fn call(&mut self, result: ExecutionResult) -> Result<SimulatedCall, SimulationError> {
        let (gas_used, gas_held) = (result.tx_gas_used(), result.gas().total_gas_spent());
        let logs = result.logs().to_vec();
        let outcome = outcome_of(result);
        let output = match &outcome {
            CallOutcome::Returned(output) | CallOutcome::Reverted(output) => output.len(),
            CallOutcome::Halted(_) => 0,
        };
        let logged: usize = logs.iter().map(|log| RECORD_BYTES + log.data.data.len()).sum();
        let bytes = self.bytes_left.checked_sub(RECORD_BYTES + output + logged);
        self.bytes_left = bytes.ok_or(SimulationError::TooLong)?;
        self.gas_left = self.gas_left.saturating_sub(gas_used);
        Ok(SimulatedCall {
            outcome,
            gas_used,
            gas_held,
            logs,
        })
    }
}

fn override_accounts(state: &mut BlockState, accounts: StateOverride) -> Result<(), CallError> {
    if accounts.values().any(|account| account.move_precompile_to.is_some()) {
        return Err(CallError::Overrides("precompiles cannot be moved".to_owned()));
    }
    apply_state_overrides(accounts, state).map_err(|error| CallError::Overrides(error.to_string()))
}

/// The blocks with a number and a time each, and with empty ones in the gaps between their numbers.
fn in_order(base: &Header, asked: Vec<SimBlock>, interval: u64) -> Result<Vec<SimBlock>, SimulationError> {
    let last = base.number.saturating_add(SIMULATED_BLOCKS_MAX);
    let (mut number, mut time) = (base.number, base.timestamp);
    let mut blocks = Vec::new();
    for mut block in asked {
        let overrides = block.block_overrides.get_or_insert_default();
        let wanted = overrides.number.unwrap_or(U256::from(number) + U256::ONE);
        if wanted <= U256::from(number) {
            return Err(SimulationError::Number {
                got: wanted,
                before: number,
            });
        }
        if wanted > U256::from(last) {
            return Err(SimulationError::TooManyBlocks);
        }
        while U256::from(number) + U256::ONE < wanted {
            number += 1;
            time = time.saturating_add(interval);
            let placed = BlockOverrides::default()
                .with_number(U256::from(number))
                .with_time(time);
            blocks.push(SimBlock::default().with_block_overrides(placed));
        }
        number = wanted.saturating_to();
        let wanted = overrides.time.unwrap_or(time.saturating_add(interval));
        if wanted <= time {
            return Err(SimulationError::Time {
                got: wanted,
                before: time,
            });
        }
        time = wanted;
        (overrides.number, overrides.time) = (Some(U256::from(number)), Some(time));
        blocks.push(block);
    }
    Ok(blocks)
}
