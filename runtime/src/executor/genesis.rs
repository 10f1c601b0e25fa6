//! How does state come to be before there is a block?
//!
//! The executor's part of genesis: accounts put down by hand, and constructors run at fixed addresses. Used once per
//! start, by `genesis` alone.

use alloy_consensus::Header;
use alloy_evm::Evm;
use alloy_primitives::{Address, Bytes, TxKind, U256, map::AddressMap};
use revm::{
    Database, DatabaseCommit,
    bytecode::Bytecode,
    context::{TxEnv, result::ExecutionResult},
    state::{Account, AccountInfo, AccountStatus},
};

use super::{BlockEvm, ContractReader, ExecutionError, Executor};
use crate::state::StateView;

/// Gas of one constructor: for hundreds of validators and members. Genesis is not bound by a block's limit.
const CONSTRUCTOR_GAS: u64 = 4_000_000_000;

/// State under way, on nothing.
pub(crate) struct GenesisState {
    evm: BlockEvm,
}

impl Executor {
    /// No state yet, in the environment of the genesis header.
    pub(crate) fn genesis(&self, header: &Header) -> GenesisState {
        let mut evm = self.evm(StateView::empty(), header);
        evm.cfg.disable_block_gas_limit = true;
        evm.cfg.disable_nonce_check = true;
        evm.cfg.tx_gas_limit_cap = Some(u64::MAX);
        GenesisState { evm }
    }
}

impl GenesisState {
    /// A contract that is there without having been constructed; its nonce is 1 (EIP-161).
    pub(crate) fn put_contract(&mut self, address: Address, code: Bytes) -> Result<(), ExecutionError> {
        self.change(address, |account| {
            let code = Bytecode::new_raw(code);
            account.nonce = 1;
            account.code_hash = code.hash_slow();
            account.code = Some(code);
        })
    }

    /// An account's balance in wei, added to what it has.
    pub(crate) fn put_balance(&mut self, address: Address, wei: U256) -> Result<(), ExecutionError> {
        self.change(address, |account| account.balance = account.balance.saturating_add(wei))
    }

    /// Runs `initcode` (with the constructor's arguments) as the code at `address`, and leaves what it returns there.
    pub(crate) fn construct(&mut self, address: Address, initcode: Bytes) -> Result<(), ExecutionError> {
        self.put_contract(address, initcode)?;
        let transaction = TxEnv {
            caller: Address::ZERO,
            kind: TxKind::Call(address),
            gas_limit: CONSTRUCTOR_GAS,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        let failure = |what| ExecutionError::View {
            contract: address,
            what,
        };
        let mut done = self
            .evm
            .transact(transaction)
            .map_err(|error| ExecutionError::Evm(Box::new(error)))?;
        let code = match done.result {
            ExecutionResult::Success { output, .. } => output.into_data(),
            ExecutionResult::Revert { output, .. } => return Err(failure(format!("reverted with {output}"))),
            ExecutionResult::Halt { reason, .. } => return Err(failure(format!("halted: {reason}"))),
        };
        // The caller's nonce is no part of genesis. It is the beneficiary too, which earned nothing.
        done.state.remove(&Address::ZERO);
        self.evm.db_mut().commit(done.state);
        self.put_contract(address, code)
    }

    /// Reads contracts on the finished state.
    pub(crate) fn into_reader(self) -> ContractReader {
        ContractReader { evm: self.evm }
    }

    fn change(&mut self, address: Address, edit: impl FnOnce(&mut AccountInfo)) -> Result<(), ExecutionError> {
        let state = self.evm.db_mut();
        let before = state
            .basic(address)
            .map_err(|error| ExecutionError::Evm(Box::new(error)))?;
        let mut info = before.unwrap_or_default();
        edit(&mut info);
        let mut account = Account::from(info);
        account.status = AccountStatus::Touched;
        state.commit(AddressMap::from_iter([(address, account)]));
        Ok(())
    }
}
