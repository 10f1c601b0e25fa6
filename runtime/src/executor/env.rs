//! Which EVM does a block run on?
//!
//! The fork of the chain's specification as alloy-evm asks for it, the environment that follows from
//! a header, and Ethereum's precompiles plus the chain's own. Used by the executor's other rooms, and described for callers
//! ([`ForkRules`]).

use std::{collections::BTreeMap, sync::OnceLock};

use alloy_consensus::Header;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip7840::BlobParams};
use alloy_evm::{
    EvmEnv,
    eth::spec::EthExecutorSpec,
    precompiles::{Precompile as _, PrecompilesMap},
};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, Bytes};
use ledger_chainspec::{ChainSpec, Hardfork, predeploys::ED25519_PRECOMPILE};
use revm::precompile::{Precompile, PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileSpecId, Precompiles};

use crate::{
    limits::TRANSACTION_GAS_MAX,
    precompiles::{ed25519_answer, ed25519_gas},
};

/// What a block is executed under: one fork, active from genesis on, and where a chain departs from Ethereum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRules {
    /// The chain id that transactions are signed for (EIP-155).
    pub chain_id: u64,
    /// The EVM's rules, from block 0 on.
    pub hardfork: Hardfork,
    /// Gas that one transaction may ask for at most. `None` leaves it to the fork: no limit before osaka, then that of
    /// EIP-7825.
    pub transaction_gas_max: Option<u64>,
    /// Whether the chain's own precompile is there, [`ED25519_PRECOMPILE`].
    pub has_ed25519: bool,
}

impl ChainRules {
    /// The rules of a chain of ours: Ethereum's, a cap on a transaction's gas in every fork, and one precompile more.
    #[must_use]
    pub fn of(spec: &ChainSpec) -> Self {
        Self {
            transaction_gas_max: Some(TRANSACTION_GAS_MAX),
            has_ed25519: true,
            ..Self::ethereum(spec.chain_id, spec.hardfork)
        }
    }

    /// Ethereum's rules, with nothing of ours: what its public tests are made for.
    #[must_use]
    pub const fn ethereum(chain_id: u64, hardfork: Hardfork) -> Self {
        Self {
            chain_id,
            hardfork,
            transaction_gas_max: None,
            has_ed25519: false,
        }
    }

    /// Whether headers carry the hash of the execution layer's requests (EIP-7685, prague).
    pub(crate) fn has_requests(self) -> bool {
        self.is_prague_active_at_timestamp(0)
    }

    /// The environment of the block that `header` describes. Roots and extra data are not looked at.
    pub(crate) fn env(self, header: &Header) -> EvmEnv {
        let mut env = EvmEnv::for_eth_block(header, self, self.chain_id, Some(self.blobs()));
        env.cfg_env.tx_gas_limit_cap = self.transaction_gas_max;
        env
    }

    /// No block has blobs; the fork's parameters give BLOBBASEFEE its Ethereum value, 1.
    const fn blobs(self) -> BlobParams {
        match self.hardfork {
            Hardfork::Cancun => BlobParams::cancun(),
            Hardfork::Prague => BlobParams::prague(),
            Hardfork::Osaka => BlobParams::osaka(),
        }
    }

    /// Ethereum's precompiles of the fork and the chain's own.
    pub(crate) fn precompiles(self, env: &EvmEnv) -> PrecompilesMap {
        /// With the chain's own, of each fork: made once, since every call wants them.
        static WITH_ED25519: [OnceLock<Precompiles>; 3] = [const { OnceLock::new() }; 3];
        let ethereum = Precompiles::new(PrecompileSpecId::from_spec_id(env.cfg_env.spec));
        if !self.has_ed25519 {
            return PrecompilesMap::from_static(ethereum);
        }
        let [cancun, prague, osaka] = &WITH_ED25519;
        let of_fork = match self.hardfork {
            Hardfork::Cancun => cancun,
            Hardfork::Prague => prague,
            Hardfork::Osaka => osaka,
        };
        PrecompilesMap::from_static(of_fork.get_or_init(|| {
            let mut ours = ethereum.clone();
            ours.extend([ed25519()]);
            ours
        }))
    }
}

/// What a client may want to know of the fork (EIP-7910).
#[derive(Clone, Debug, PartialEq)]
pub struct ForkRules {
    /// Blobs per block: none, whatever the fork; the fraction is the fork's.
    pub blobs: BlobParams,
    /// The precompiles by their names.
    pub precompiles: BTreeMap<String, Address>,
    /// The contracts that the fork calls before and after each block, by the names of their addresses.
    pub system_contracts: BTreeMap<&'static str, Address>,
}

impl ForkRules {
    pub(crate) fn of(rules: ChainRules) -> Self {
        let env = rules.env(&Header::default());
        let precompiles = rules.precompiles(&env);
        let named = |address: &Address| {
            let found = precompiles.get(address)?;
            Some((found.precompile_id().name().to_owned(), *address))
        };
        let mut system_contracts = BTreeMap::from([("BEACON_ROOTS_ADDRESS", eip4788::BEACON_ROOTS_ADDRESS)]);
        if rules.has_requests() {
            system_contracts.extend([
                ("HISTORY_STORAGE_ADDRESS", eip2935::HISTORY_STORAGE_ADDRESS),
                (
                    "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS",
                    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
                ),
                (
                    "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS",
                    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                ),
            ]);
        }
        Self {
            blobs: BlobParams {
                target_blob_count: 0,
                max_blob_count: 0,
                ..rules.blobs()
            },
            precompiles: precompiles.addresses().filter_map(named).collect(),
            system_contracts,
        }
    }
}

impl EthereumHardforks for ChainRules {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        let last = match self.hardfork {
            Hardfork::Cancun => EthereumHardfork::Cancun,
            Hardfork::Prague => EthereumHardfork::Prague,
            Hardfork::Osaka => EthereumHardfork::Osaka,
        };
        match fork {
            // Mainnet's repair of one theft: it would move balances in block 0.
            EthereumHardfork::Dao => ForkCondition::Never,
            later if later > last => ForkCondition::Never,
            by_time if by_time >= EthereumHardfork::Shanghai => ForkCondition::Timestamp(0),
            _ => ForkCondition::Block(0),
        }
    }
}

impl EthExecutorSpec for ChainRules {
    fn deposit_contract_address(&self) -> Option<Address> {
        // Validators come through Bootstrap; nothing here deposits to a beacon chain (EIP-6110).
        None
    }
}

fn ed25519() -> Precompile {
    Precompile::new(
        PrecompileId::custom("ed25519"),
        ED25519_PRECOMPILE,
        |input, gas_limit, reservoir| {
            let gas = ed25519_gas(input.len());
            if gas > gas_limit {
                return Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, reservoir));
            }
            let answer = Bytes::copy_from_slice(ed25519_answer(input).as_slice());
            Ok(PrecompileOutput::new(gas, answer, reservoir))
        },
    )
}
