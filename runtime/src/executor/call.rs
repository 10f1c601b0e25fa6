//! What would this call return, and what gas would it need?
//!
//! `eth_call`, `eth_estimateGas` and `eth_createAccessList` on the state of one block, with the overrides that
//! Ethereum's clients allow. Nothing is kept. A call may use at most [`GAS_CAP_CALL`] a run, which bounds
//! its time (a second or two, where it does nothing but the dearest cryptography) and, by the price of memory, that of one
//! frame (5 MiB; a deep tree of calls can hold many such frames, each smaller than the one above), whatever it asks for.

use alloy_consensus::Header;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_evm::{
    EthEvm, Evm, EvmEnv,
    eth::{EthEvmBuilder, EthEvmContext},
    overrides::{apply_block_overrides, apply_state_overrides},
    precompiles::PrecompilesMap,
    rpc::TryIntoTxEnv,
};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use revm::{
    Inspector,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction, ResultAndState},
    },
    database::{State, WrapDatabaseRef},
    inspector::NoOpInspector,
};
use thiserror::Error;

use super::{ExecutionError, Executor, TransactionFault, database::ViewDatabase, words};
use crate::{limits::TRANSACTION_GAS_MAX, read::ReadError, state::StateView};

/// Gas that a call, or an access list's single run, may use at most.
pub const GAS_CAP_CALL: u64 = 50_000_000;

// An estimate may try what a transaction may have.
const _: () = assert!(TRANSACTION_GAS_MAX <= GAS_CAP_CALL);

/// An estimate stops searching when it is within this many thousandths of the least gas that succeeds.
const ESTIMATE_TOLERANCE_THOUSANDTHS: u64 = 15;

/// Runs of one access list at most. Naming the list changes the gas, which a contract can look at.
const ACCESS_LIST_RUNS: usize = 4;

/// Gas of a plain transfer of value.
pub(super) const TRANSFER_GAS: u64 = 21_000;

/// Gas that a call with value gives its callee for nothing.
const CALL_STIPEND: u64 = 2_300;

/// What a call pretends, beside its own fields.
#[derive(Clone, Debug, Default)]
pub struct CallOverrides {
    /// Balances, nonces, code and storage of accounts.
    pub state: Option<StateOverride>,
    /// Number, time and other fields of the block it runs in.
    pub block: Option<Box<BlockOverrides>>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned this.
    Returned(Bytes),
    /// It reverted with this data, raw.
    Reverted(Bytes),
    /// It was cut off: out of gas, an invalid opcode, and the like, in geth's words.
    Halted(String),
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Gas used, refunds taken off.
    pub gas_used: u64,
    /// Logs it would leave.
    pub logs: Vec<Log>,
}

/// An access list (EIP-2930) that covers what a call touches, and how the call went with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListResult {
    /// The list.
    pub access_list: AccessList,
    /// The call's end and gas, with the list.
    pub result: CallResult,
}

/// Why a call could not be run, or has no estimate.
#[derive(Debug, Error)]
pub enum CallError {
    /// The block's state cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The request contradicts itself.
    #[error("the request is not a call: {0}")]
    Request(String),
    /// An override cannot be applied.
    #[error("the overrides cannot be applied: {0}")]
    Overrides(String),
    /// The call's fields do not pass where a transaction's would not.
    #[error(transparent)]
    Fault(#[from] TransactionFault),
    /// The estimate's call reverts with any gas.
    #[error("execution reverted")]
    Reverted {
        /// What it reverted with, raw.
        output: Bytes,
    },
    /// The estimate's call is cut off for another reason than gas.
    #[error("{reason}")]
    Halted {
        /// The EVM's reason, in geth's words.
        reason: String,
    },
    /// The estimate's call needs more gas than it may use.
    #[error("gas required exceeds allowance ({allowance})")]
    Allowance {
        /// Gas that was allowed: by the request, the sender's balance, or the cap.
        allowance: u64,
    },
    /// The EVM stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

type CallState = State<WrapDatabaseRef<ViewDatabase>>;

/// A request made ready on the state of one block.
pub(crate) struct PreparedCall<I = NoOpInspector> {
    pub(super) evm: EthEvm<CallState, I, PrecompilesMap>,
    pub(super) transaction: TxEnv,
    gas_given: bool,
}

impl Executor {
    /// Makes `request` ready to run in the environment of `header`, on the state after it.
    pub(crate) fn prepare(
        &self,
        view: StateView,
        header: &Header,
        request: TransactionRequest,
        overrides: CallOverrides,
    ) -> Result<PreparedCall, CallError> {
        self.prepare_with(view, header, request, overrides, NoOpInspector)
    }

    /// As [`Self::prepare`], with `inspector` at hand, which does not look yet.
    pub(super) fn prepare_with<I: Inspector<EthEvmContext<CallState>>>(
        &self,
        view: StateView,
        header: &Header,
        request: TransactionRequest,
        overrides: CallOverrides,
        inspector: I,
    ) -> Result<PreparedCall<I>, CallError> {
        let unique = request.input.unique_input();
        unique.map_err(|error| CallError::Request(error.to_string()))?;
        if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
            return Err(TransactionFault::Blob.into());
        }
        let mut env: EvmEnv = self.rules().env(header);
        env.cfg_env.disable_nonce_check = true;
        env.cfg_env.disable_eip3607 = true;
        env.cfg_env.disable_block_gas_limit = true;
        // The cap below is the limit of a call; that of a transaction is not.
        env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        let mut state = State::builder().with_database_ref(self.database(view)).build();
        if let Some(block) = overrides.block {
            apply_block_overrides(*block, &mut state, &mut env.block_env);
        }
        if let Some(accounts) = overrides.state {
            if accounts.values().any(|account| account.move_precompile_to.is_some()) {
                return Err(CallError::Overrides("precompiles cannot be moved".to_owned()));
            }
            apply_state_overrides(accounts, &mut state).map_err(|error| CallError::Overrides(error.to_string()))?;
        }
        let gas_given = request.gas.is_some();
        let mut transaction: TxEnv = request
            .try_into_tx_env(&env)
            .map_err(|error| CallError::Request(error.to_string()))?;
        transaction.gas_limit = transaction.gas_limit.min(GAS_CAP_CALL);
        let precompiles = self.rules().precompiles(&env);
        let evm = EthEvmBuilder::new(state, env)
            .inspector(inspector)
            .precompiles(precompiles)
            .build();
        Ok(PreparedCall {
            evm,
            transaction,
            gas_given,
        })
    }
}

impl PreparedCall {
    /// Runs the call once.
    pub(crate) fn call(mut self) -> Result<CallResult, CallError> {
        Ok(result_of(self.run_as_call()?.result))
    }

    /// The gas with which the call succeeds: tried, and within 1.5 % of the least, as geth searches.
    pub(crate) fn estimate(mut self) -> Result<u64, CallError> {
        let allowance = self.allowance()?;
        if self.is_transfer()? && allowance >= TRANSFER_GAS && self.succeeds(TRANSFER_GAS)? {
            return Ok(TRANSFER_GAS);
        }
        let first = self.run_or_allowance(allowance)?;
        let gas = *first.gas();
        match first {
            ExecutionResult::Success { .. } => {}
            ExecutionResult::Revert { output, .. } => return Err(CallError::Reverted { output }),
            ExecutionResult::Halt {
                reason: revm::context::result::HaltReason::OutOfGas(_),
                ..
            } => {
                return Err(CallError::Allowance { allowance });
            }
            ExecutionResult::Halt { reason, .. } => {
                return Err(CallError::Halted {
                    reason: words::halt(&reason),
                });
            }
        }
        // `fails` is known to be too little, `works` to be enough.
        let mut fails = gas.tx_gas_used().saturating_sub(1);
        let mut works = allowance;
        let guess = gas.total_gas_spent().saturating_add(CALL_STIPEND);
        let guess = guess.saturating_add(guess / 63);
        if guess < works {
            if self.succeeds(guess)? {
                works = guess;
            } else {
                fails = fails.max(guess);
            }
        }
        // The least is above `fails`, so that a share of `fails` is less than the same share of the least.
        while works - fails > 1 && (works - fails) > fails / 1_000 * ESTIMATE_TOLERANCE_THOUSANDTHS {
            // Most calls need little more than they use: look near the lower end first.
            let middle = (fails + (works - fails) / 2).min(fails.saturating_mul(2).max(fails + 1));
            if self.succeeds(middle)? {
                works = middle;
            } else {
                fails = middle;
            }
        }
        Ok(works)
    }

    /// The access list of what the call touches beside its sender, its target and the precompiles.
    pub(crate) fn access_list(mut self) -> Result<AccessListResult, CallError> {
        if !self.gas_given {
            self.transaction.gas_limit = GAS_CAP_CALL;
        }
        let mut runs = 0;
        loop {
            let done = self.run(self.transaction.gas_limit)?;
            let access_list = self.touched(&done);
            runs += 1;
            if access_list == self.transaction.access_list || runs == ACCESS_LIST_RUNS {
                return Ok(AccessListResult {
                    access_list,
                    result: result_of(done.result),
                });
            }
            self.transaction.access_list = access_list;
            // A legacy call cannot carry a list; the least type that can is 1.
            self.transaction.tx_type = self.transaction.tx_type.max(1);
        }
    }

    fn touched(&self, done: &ResultAndState) -> AccessList {
        let target = match self.transaction.kind {
            TxKind::Call(to) => to,
            TxKind::Create => self.transaction.caller.create(self.transaction.nonce),
        };
        let mut items: Vec<AccessListItem> = done
            .state
            .iter()
            .filter_map(|(address, account)| {
                let mut storage_keys: Vec<B256> = account.storage.keys().map(|slot| B256::from(*slot)).collect();
                storage_keys.sort_unstable();
                let warm = *address == target || self.is_warm(address);
                (!warm || !storage_keys.is_empty()).then_some(AccessListItem {
                    address: *address,
                    storage_keys,
                })
            })
            .collect();
        items.sort_unstable_by_key(|item| item.address);
        AccessList(items)
    }

    /// Whether a transaction pays nothing extra for the address anyway.
    fn is_warm(&self, address: &Address) -> bool {
        *address == self.transaction.caller
            || *address == self.evm.block().beneficiary
            || self.evm.components().2.get(address).is_some()
    }

    /// Gas that the estimate may try: what was asked, what the sender can pay, the most that a transaction can have.
    fn allowance(&mut self) -> Result<u64, CallError> {
        let gas = self.transaction.gas_limit.min(TRANSACTION_GAS_MAX);
        let price = self.transaction.gas_price;
        if price == 0 {
            return Ok(gas);
        }
        let caller = self.transaction.caller;
        let balance = revm::Database::basic(self.evm.db_mut(), caller)
            .map_err(|error| ExecutionError::Evm(Box::new(error)))?
            .map_or(alloy_primitives::U256::ZERO, |account| account.balance);
        let value = self.transaction.value;
        let Some(left) = balance.checked_sub(value) else {
            return Err(TransactionFault::InsufficientFunds { cost: value, balance }.into());
        };
        let payable = left / alloy_primitives::U256::from(price);
        Ok(payable.saturating_to::<u64>().min(gas))
    }

    /// Whether this only moves value to an account without code.
    fn is_transfer(&mut self) -> Result<bool, CallError> {
        let transaction = &self.transaction;
        let (TxKind::Call(to), true) = (transaction.kind, transaction.data.is_empty()) else {
            return Ok(false);
        };
        if !transaction.access_list.is_empty() || !transaction.authorization_list.is_empty() {
            return Ok(false);
        }
        let account =
            revm::Database::basic(self.evm.db_mut(), to).map_err(|error| ExecutionError::Evm(Box::new(error)))?;
        let precompile = self.evm.components().2.get(&to).is_some();
        Ok(!precompile && account.is_none_or(|account| account.is_empty_code_hash()))
    }

    fn succeeds(&mut self, gas_limit: u64) -> Result<bool, CallError> {
        match self.run(gas_limit) {
            Ok(done) => Ok(done.result.is_success()),
            Err(CallError::Fault(TransactionFault::Refused(refusal))) if refusal.is_too_little_gas() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn run_or_allowance(&mut self, allowance: u64) -> Result<ExecutionResult, CallError> {
        match self.run(allowance) {
            Ok(done) => Ok(done.result),
            Err(CallError::Fault(TransactionFault::Refused(refusal))) if refusal.is_too_little_gas() => {
                Err(CallError::Allowance { allowance })
            }
            Err(error) => Err(error),
        }
    }
}

impl<I: Inspector<EthEvmContext<CallState>>> PreparedCall<I> {
    /// Runs it with the gas that it names, or with all that a call may use.
    pub(super) fn run_as_call(&mut self) -> Result<ResultAndState, CallError> {
        if !self.gas_given {
            self.transaction.gas_limit = GAS_CAP_CALL;
        }
        self.run(self.transaction.gas_limit)
    }

    fn run(&mut self, gas_limit: u64) -> Result<ResultAndState, CallError> {
        let mut transaction = self.transaction.clone();
        transaction.gas_limit = gas_limit;
        self.evm.transact(transaction).map_err(|error| match error {
            EVMError::Transaction(invalid) => CallError::Fault(InvalidTransaction::into(invalid)),
            other => CallError::Execution(ExecutionError::Evm(Box::new(other))),
        })
    }
}

pub(super) fn result_of(result: ExecutionResult) -> CallResult {
    CallResult {
        gas_used: result.tx_gas_used(),
        // What was undone left none.
        logs: if result.is_success() {
            result.logs().to_vec()
        } else {
            Vec::new()
        },
        outcome: outcome_of(result),
    }
}

pub(super) fn outcome_of(result: ExecutionResult) -> CallOutcome {
    match result {
        ExecutionResult::Success { output, .. } => CallOutcome::Returned(output.into_data()),
        ExecutionResult::Revert { output, .. } => CallOutcome::Reverted(output),
        ExecutionResult::Halt { reason, .. } => CallOutcome::Halted(words::halt(&reason)),
    }
}
