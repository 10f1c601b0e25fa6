//! What does a block do to the state?
//!
//! The only place that knows the EVM (revm through alloy-evm): a [`BlockExecution`] runs one block, with the
//! system calls of its fork before and after the transactions, and gives receipts, requests and a
//! [`StateDiff`]; [`call`] runs what leaves no trace, [`trace`] tells how something ran, [`simulate`] runs blocks that
//! nobody makes. Production, import, genesis and the facade call in here.
//! Nothing here writes to the database, checks a limit or knows whose turn it is.

pub(crate) mod call;
mod collision;
mod database;
mod env;
mod error;
mod genesis;
pub(crate) mod recorder;
pub(crate) mod short;
pub(crate) mod simulate;
pub(crate) mod trace;
mod words;

use std::{borrow::Cow, sync::Arc};

use alloy_consensus::{EthereumReceipt, Header, TxType, transaction::Recovered};
use alloy_eips::{eip4788::SYSTEM_ADDRESS, eip7685::Requests};
use alloy_evm::{
    EthEvm, Evm,
    block::{BlockExecutor, TxResult},
    eth::{
        EthBlockExecutionCtx, EthBlockExecutor, EthEvmBuilder, EthEvmContext,
        receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
    },
    precompiles::PrecompilesMap,
};
use alloy_primitives::{Address, Bytes, Log};
use revm::{
    Inspector,
    context::result::ExecutionResult,
    database::{State, WrapDatabaseRef, states::bundle_state::BundleRetention},
};

use collision::{Collisions, StorageOnly};
pub(crate) use database::{CodeCache, ViewDatabase};
pub use env::{ChainRules, ForkRules};
pub use error::{BrokenRule, ExecutionError, Refusal, TransactionFault};

use ledger_chainspec::Transaction;

use crate::state::{StateDiff, StateView};

type BlockState = State<WrapDatabaseRef<ViewDatabase>>;
type BlockEvm<I = Collisions> = EthEvm<BlockState, I, PrecompilesMap>;
type Inner<I = Collisions> = EthBlockExecutor<'static, BlockEvm<I>, ChainRules, Receipts>;

/// What every execution of a node shares: the chain's rules and analysed code. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    rules: ChainRules,
    codes: Arc<CodeCache>,
}

impl Executor {
    pub(crate) fn new(rules: ChainRules) -> Self {
        Self {
            rules,
            codes: Arc::default(),
        }
    }

    pub(crate) const fn rules(&self) -> ChainRules {
        self.rules
    }

    fn database(&self, view: StateView) -> ViewDatabase {
        ViewDatabase {
            view,
            codes: Arc::clone(&self.codes),
            storage_only: StorageOnly::default(),
        }
    }

    /// Starts the block that `header` describes on the state of its parent, and makes the fork's
    /// calls that come before the transactions (EIP-2935, EIP-4788). Of `header` the fields that
    /// execution sees must be there; roots, bloom, gas used and extra data are not read.
    pub(crate) fn begin(&self, parent: StateView, header: &Header) -> Result<BlockExecution, ExecutionError> {
        Ok(BlockExecution {
            inner: self.over(self.evm(parent, header), header)?,
            refuses_collisions: false,
        })
    }

    /// As [`Self::begin`], on an EVM that is ready.
    fn over<I>(&self, evm: BlockEvm<I>, header: &Header) -> Result<Inner<I>, ExecutionError>
    where
        I: Inspector<EthEvmContext<BlockState>>,
    {
        let context = EthBlockExecutionCtx {
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            ommers: &[],
            withdrawals: Some(Cow::Borrowed(&[])),
            extra_data: Bytes::new(),
            tx_count_hint: None,
            slot_number: None,
        };
        let mut inner = Inner::new(evm, context, self.rules, Receipts);
        inner.apply_pre_execution_changes().map_err(error::fatal)?;
        Ok(inner)
    }

    /// A reader of contracts on the state of `view`, in the environment of `header`.
    pub(crate) fn reader(&self, view: StateView, header: &Header) -> ContractReader {
        ContractReader {
            evm: self.evm(view, header),
        }
    }

    fn evm(&self, view: StateView, header: &Header) -> BlockEvm {
        let database = self.database(view);
        let collisions = Collisions::new(database.storage_only.clone());
        self.evm_with(database, header, collisions)
    }

    /// An EVM with `inspector` at hand, which does not look yet.
    fn evm_with<I>(&self, database: ViewDatabase, header: &Header, inspector: I) -> BlockEvm<I>
    where
        I: Inspector<EthEvmContext<BlockState>>,
    {
        let env = self.rules.env(header);
        let state = State::builder()
            .with_database_ref(database)
            .with_bundle_update()
            .build();
        let precompiles = self.rules.precompiles(&env);
        EthEvmBuilder::new(state, env)
            .precompiles(precompiles)
            .inspector(inspector)
            .build()
    }
}

/// One block under way.
pub(crate) struct BlockExecution {
    inner: Inner,
    /// Whether [`Collisions`] is switched on.
    refuses_collisions: bool,
}

impl BlockExecution {
    /// Executes one transaction and keeps its changes. Gives the gas it used.
    ///
    /// After a [`TransactionFault`] the block is as it was; after an [`ExecutionError`] it is lost.
    pub(crate) fn apply(
        &mut self,
        transaction: &Recovered<Transaction>,
    ) -> Result<Result<u64, TransactionFault>, ExecutionError> {
        self.apply_if(transaction, |_| Ok(()))
    }

    /// As [`Self::apply`], unless `judge` refuses it for the logs that it leaves.
    pub(crate) fn apply_if(
        &mut self,
        transaction: &Recovered<Transaction>,
        judge: impl FnOnce(&[Log]) -> Result<(), TransactionFault>,
    ) -> Result<Result<u64, TransactionFault>, ExecutionError> {
        if transaction.is_eip4844() {
            return Ok(Err(TransactionFault::Blob));
        }
        let mut done = self.inner.execute_transaction_without_commit(transaction);
        if !self.refuses_collisions && self.inner.evm().components().1.may_matter() {
            // It met an account that revm would create a contract over. Nothing was kept, so it can be executed again.
            self.inner.evm_mut().set_inspector_enabled(true);
            self.refuses_collisions = true;
            done = self.inner.execute_transaction_without_commit(transaction);
        }
        match done {
            Ok(result) => Ok(match judge(result.result().result.logs()) {
                Ok(()) => Ok(self.inner.commit_transaction(result).tx_gas_used()),
                Err(fault) => Err(fault),
            }),
            Err(failure) => error::fault(failure).map(Err),
        }
    }

    /// Makes the fork's calls that come after the transactions (EIP-7002, EIP-7251).
    pub(crate) fn finish(self) -> Result<FinishedBlock, ExecutionError> {
        let (evm, result) = self.inner.finish().map_err(error::fatal)?;
        Ok(FinishedBlock {
            reader: ContractReader { evm },
            receipts: result.receipts,
            requests: result.requests,
            gas_used: result.gas_used,
        })
    }
}

/// A block whose transactions are done.
pub(crate) struct FinishedBlock {
    /// Reads contracts on the state after the block.
    pub(crate) reader: ContractReader,
    pub(crate) receipts: Vec<EthereumReceipt>,
    pub(crate) requests: Requests,
    pub(crate) gas_used: u64,
}

/// Calls view functions of contracts; what the calls would change is dropped.
pub(crate) struct ContractReader {
    evm: BlockEvm,
}

impl ContractReader {
    /// What `contract` returns to `input`. Free of charge, with the 30 million gas of a system call.
    pub(crate) fn call(&mut self, contract: Address, input: Bytes) -> Result<Bytes, ExecutionError> {
        let done = self
            .evm
            .transact_system_call(SYSTEM_ADDRESS, contract, input)
            .map_err(|failure| ExecutionError::Evm(Box::new(failure)))?;
        match done.result {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(ExecutionError::View {
                contract,
                what: format!("reverted with {output}"),
            }),
            ExecutionResult::Halt { reason, .. } => Err(ExecutionError::View {
                contract,
                what: format!("halted: {reason}"),
            }),
        }
    }

    /// What the block changed, once nothing is to be read any more.
    pub(crate) fn into_diff(self) -> StateDiff {
        let (mut state, _) = self.evm.finish();
        state.merge_transitions(BundleRetention::PlainState);
        database::diff_of(state.take_bundle())
    }
}

/// Makes Ethereum's receipt of what the EVM says.
#[derive(Clone, Copy, Debug)]
struct Receipts;

impl ReceiptBuilder for Receipts {
    type Transaction = Transaction;
    type Receipt = EthereumReceipt;

    fn build_receipt<E: Evm>(&self, done: ReceiptBuilderCtx<'_, TxType, E>) -> EthereumReceipt {
        EthereumReceipt {
            tx_type: done.tx_type,
            success: done.result.is_success(),
            cumulative_gas_used: done.cumulative_gas_used,
            logs: done.result.into_logs(),
        }
    }
}
