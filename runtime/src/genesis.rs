//! What is block 0?
//!
//! A function of the chain's specification alone: balances, Ethereum's system contracts of the fork, and the three
//! contracts, whose real constructors run at their fixed addresses. Nobody writes storage slots by hand. Called when a
//! database is opened, to make genesis or to tell whether the database is of this chain.

use alloy_consensus::Header;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip7685::Requests};
use alloy_primitives::{Address, Bloom, Bytes};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::{
    AuthorityDigest, ChainSpec, GenesisHash, SealedHeader, ValidatorSet,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
};
use thiserror::Error;

use crate::{
    bootstrap::{self, BootstrapError},
    deploy,
    executor::{ExecutionError, Executor},
    header::{self, Effects},
    state::{StateCommitment, StateError, StateView},
    store::BlockCommit,
};

/// Why a specification gives no genesis.
#[derive(Debug, Error)]
pub enum GenesisError {
    /// A constructor did not run to its end.
    #[error("the constructor of {contract} failed: {source}")]
    Constructor {
        /// The contract.
        contract: &'static str,
        /// Why.
        source: ExecutionError,
    },
    /// The state could not be made.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// Bootstrap does not answer.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Bootstrap holds another set than the specification names.
    #[error("Bootstrap begins with the validator set {contract}, but the specification gives {spec}")]
    OtherSet {
        /// Hash of the contract's set.
        contract: ledger_chainspec::ValidatorSetHash,
        /// Hash of the specification's.
        spec: ledger_chainspec::ValidatorSetHash,
    },
    /// The state root could not be computed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Block 0, with everything the store keeps of it.
#[derive(Clone, Debug)]
pub(crate) struct Genesis {
    header: SealedHeader,
    state: StateCommitment,
    set: ValidatorSet,
}

impl Genesis {
    /// Runs the constructors of `spec`.
    pub(crate) fn build(executor: &Executor, spec: &ChainSpec) -> Result<Self, GenesisError> {
        let draft = Header {
            timestamp: spec.genesis_timestamp,
            // Rules that no state holds are part of the chain's name too, which every signature carries.
            mix_hash: spec.rules_hash(),
            ..header::common(spec)
        };
        let mut state = executor.genesis(&draft);
        for (address, code) in system_contracts(spec) {
            state.put_contract(address, code)?;
        }
        let constructors = [
            ("Bootstrap", BOOTSTRAP, deploy::bootstrap(spec)),
            ("Transact", TRANSACT, deploy::transact(spec)),
            ("PassportToken", PASSPORT_TOKEN, deploy::passport_token()),
        ];
        for (contract, address, initcode) in constructors {
            state
                .construct(address, initcode)
                .map_err(|source| GenesisError::Constructor { contract, source })?;
        }
        for balance in &spec.balances {
            state.put_balance(balance.address, balance.wei)?;
        }
        let mut reader = state.into_reader();
        let set = bootstrap::validator_set(&mut reader)?;
        let from_spec = spec.validator_set();
        if set != from_spec {
            return Err(GenesisError::OtherSet {
                contract: set.hash(),
                spec: from_spec.hash(),
            });
        }
        let state = StateCommitment::compute(&StateView::empty(), &reader.into_diff())?;
        let effects = Effects {
            state_root: state.root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            logs_bloom: Bloom::ZERO,
            gas_used: 0,
            requests: Requests::default(),
        };
        let digest = AuthorityDigest {
            recovery: None,
            slot: spec.genesis_slot(),
            next_set_hash: set.hash(),
            parent_certificate: None,
            seal: None,
        };
        Ok(Self {
            header: SealedHeader::new(header::complete(draft, effects, &digest)),
            state,
            set,
        })
    }

    /// The hash that names the chain.
    pub(crate) const fn hash(&self) -> GenesisHash {
        self.header.hash.as_genesis()
    }

    /// What the store writes into an empty database.
    pub(crate) fn into_commit(self) -> BlockCommit {
        BlockCommit {
            header: self.header,
            transactions: Vec::new(),
            receipts: Vec::new(),
            certificate: None,
            state: self.state,
            codes: Vec::new(),
            next_set: Some(self.set),
        }
    }
}

/// The contracts that the fork calls before and after each block, with their code of mainnet.
fn system_contracts(spec: &ChainSpec) -> Vec<(Address, Bytes)> {
    let mut contracts = vec![(eip4788::BEACON_ROOTS_ADDRESS, eip4788::BEACON_ROOTS_CODE.clone())];
    if crate::executor::ChainRules::of(spec).has_requests() {
        contracts.extend([
            (eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE.clone()),
            (
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone(),
            ),
            (
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone(),
            ),
        ]);
    }
    contracts
}
