//! What does one transaction do to this state, under these rules? And which root has this trie?
//!
//! For states and blocks that come from no chain: Ethereum's public tests. Everything is done by the code that a node
//! runs. A state is written into a [`Store`](crate::store::Store) as a block; the transaction goes through the executor that
//! makes and checks blocks, with its fork's system calls; its changes go through [`StateCommitment`] into the store. What is
//! missing of a block of a chain are the limits R13 and R14, which need our contracts, and the header, which no public test has.
//!
//! Never used by a running node.

mod blocks;
mod past;
mod trie;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use alloy_consensus::{EthereumReceipt, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use ledger_chainspec::{Header, Transaction};
use thiserror::Error;

use crate::{
    executor::{ChainRules, ExecutionError, Executor, TransactionFault},
    receipts,
    state::{AccountChange, AccountFields, StateCommitment, StateDiff, StateError, VerifiedState},
    store::{CommitError, OpenError},
};
use blocks::Blocks;

pub use trie::TrieScenario;

/// An account of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioAccount {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Its code.
    pub code: Bytes,
    /// Its storage; slots with the value 0 are no slots.
    pub slots: BTreeMap<U256, U256>,
}

/// Accounts by address.
pub type ScenarioState = BTreeMap<Address, ScenarioAccount>;

/// What a transaction did.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioOutcome {
    /// Its receipt, or why no block can hold it here.
    pub receipt: Result<EthereumReceipt, TransactionFault>,
    /// Root of the state afterwards.
    pub state_root: B256,
}

/// Why a scenario could not be played to its end. This says nothing about the transaction.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not take a block.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The state cannot be read, or is not what it should be.
    #[error(transparent)]
    State(#[from] StateError),
    /// The EVM stopped.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

/// A database of states, each of which replaces the one before it.
#[derive(Debug)]
pub struct Scenario {
    blocks: Blocks,
    /// Accounts that may be in the state, with the slots that they may have: what the next state has to take away.
    known: BTreeMap<Address, BTreeSet<U256>>,
}

impl Scenario {
    /// An empty state in `folder`, which must be empty too.
    ///
    /// # Errors
    /// [`ScenarioError`] if the folder cannot hold a database.
    pub fn open(folder: &Path) -> Result<Self, ScenarioError> {
        Ok(Self {
            blocks: Blocks::open(folder)?,
            known: BTreeMap::new(),
        })
    }

    /// Replaces the whole state. Gives the new root.
    ///
    /// # Errors
    /// [`ScenarioError`] if the database fails.
    pub fn set_state(&mut self, state: &ScenarioState) -> Result<B256, ScenarioError> {
        let mut diff = StateDiff::default();
        for (address, _) in std::mem::take(&mut self.known) {
            diff.accounts.insert(address, AccountChange::default());
        }
        for (address, account) in state {
            let code_hash = code_hash(&account.code);
            if !account.code.is_empty() {
                diff.codes.insert(code_hash, account.code.clone());
            }
            let after = AccountFields {
                nonce: account.nonce,
                balance: account.balance,
                code_hash,
            };
            let slots = account.slots.iter();
            let change = AccountChange {
                after: Some(after),
                is_new: false,
                wipe_storage: true,
                slots: slots.map(|(slot, value)| (*slot, (*value).into())).collect(),
            };
            diff.accounts.insert(*address, change);
        }
        let commitment = StateCommitment::compute(&self.blocks.view(), &diff)?;
        let root = self.blocks.push(commitment)?;
        self.learn(&diff);
        Ok(root)
    }

    /// Executes `transaction` in the block that `header` describes, under `rules`, and makes what it left the state. Of
    /// `header` the fields that execution sees must be there.
    ///
    /// # Errors
    /// [`ScenarioError`] if the block cannot be executed or kept. A transaction that is refused is no error.
    pub fn run(
        &mut self,
        rules: ChainRules,
        header: &Header,
        transaction: &Recovered<Transaction>,
    ) -> Result<ScenarioOutcome, ScenarioError> {
        let parent = self.blocks.view();
        let mut block = Executor::new(rules).begin(parent.clone(), header)?;
        let fault = block.apply(transaction)?.err();
        let done = block.finish()?;
        let diff = done.reader.into_diff();
        let commitment = StateCommitment::compute(&parent, &diff)?;
        let included = match &fault {
            Some(_) => Vec::new(),
            None => vec![transaction.clone()],
        };
        let stored = receipts::stored(&included, done.receipts.clone());
        let state_root = self.blocks.push_with(commitment, included, stored)?;
        self.learn(&diff);
        let receipt = match fault {
            Some(fault) => Err(fault),
            None => Ok(done
                .receipts
                .into_iter()
                .next()
                .expect("an applied transaction has a receipt")),
        };
        Ok(ScenarioOutcome { receipt, state_root })
    }

    /// The whole state, read from the database.
    ///
    /// # Errors
    /// [`ScenarioError`] if the database fails.
    pub fn state(&self) -> Result<ScenarioState, ScenarioError> {
        let view = self.blocks.view();
        let mut state = ScenarioState::new();
        for (address, slots) in &self.known {
            let Some(account) = view.account(address)? else {
                continue;
            };
            let mut found = ScenarioAccount {
                nonce: account.nonce,
                balance: account.balance,
                code: view.code(&account.code_hash)?.unwrap_or_default(),
                slots: BTreeMap::new(),
            };
            for slot in slots {
                let value = view.storage(address, slot)?;
                if !value.is_zero() {
                    found.slots.insert(*slot, value);
                }
            }
            state.insert(*address, found);
        }
        Ok(state)
    }

    /// Computes all roots anew from the records in the database, and looks for records that nothing leads to.
    ///
    /// # Errors
    /// [`ScenarioError::State`] names the first difference.
    pub fn verify(&self) -> Result<VerifiedState, ScenarioError> {
        Ok(self.blocks.store().verify_state()?)
    }

    /// Reads and proves the state that the newest block replaced, which must be `state` with `root`, from what the store keeps to
    /// undo that block.
    ///
    /// # Errors
    /// [`ScenarioError::State`] names the first difference.
    pub fn verify_past(&self, state: &ScenarioState, root: B256) -> Result<(), ScenarioError> {
        let view = self.blocks.view_before()?;
        for (address, slots) in &self.known {
            past::check(&view, root, address, state.get(address), slots)?;
        }
        Ok(())
    }

    fn learn(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            self.known.entry(*address).or_default().extend(change.slots.keys());
        }
    }
}

fn code_hash(code: &Bytes) -> B256 {
    match code.is_empty() {
        true => KECCAK256_EMPTY,
        false => keccak256(code),
    }
}
