//! Which EVM does a block run on?
//!
//! The fork of the chain's specification as alloy-evm asks for it, the environment that follows from
//! a header, and Ethereum's precompiles plus the chain's own. Used by the executor's other rooms only.

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_evm::{
    EvmEnv,
    eth::spec::EthExecutorSpec,
    precompiles::{DynPrecompile, PrecompileInput, PrecompilesMap},
};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, Bytes};
use ledger_chainspec::{ChainSpec, Hardfork, predeploys::ED25519_PRECOMPILE};
use revm::precompile::{PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileSpecId, Precompiles};

use crate::{
    limits::TRANSACTION_GAS_MAX,
    precompiles::{ed25519_answer, ed25519_gas},
};

/// The chain id and the one fork that is active from genesis on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainRules {
    /// The chain id that transactions are signed for (EIP-155).
    pub(crate) chain_id: u64,
    /// The EVM's rules, from block 0 on.
    pub(crate) hardfork: Hardfork,
}

impl ChainRules {
    /// The rules of `spec`.
    pub(crate) fn of(spec: &ChainSpec) -> Self {
        Self {
            chain_id: spec.chain_id,
            hardfork: spec.hardfork,
        }
    }

    /// Whether headers carry the hash of the execution layer's requests (EIP-7685, prague).
    pub(crate) fn has_requests(self) -> bool {
        self.is_prague_active_at_timestamp(0)
    }

    /// The environment of the block that `header` describes. Roots and extra data are not looked at.
    pub(crate) fn env(self, header: &Header) -> EvmEnv {
        // No block has blobs; the parameters give BLOBBASEFEE its Ethereum value, 1.
        let blobs = match self.hardfork {
            Hardfork::Cancun => BlobParams::cancun(),
            Hardfork::Prague => BlobParams::prague(),
            Hardfork::Osaka => BlobParams::osaka(),
        };
        let mut env = EvmEnv::for_eth_block(header, self, self.chain_id, Some(blobs));
        env.cfg_env.tx_gas_limit_cap = Some(TRANSACTION_GAS_MAX);
        env
    }

    /// Ethereum's precompiles of the fork and the chain's own.
    pub(crate) fn precompiles(self, env: &EvmEnv) -> PrecompilesMap {
        let spec = PrecompileSpecId::from_spec_id(env.cfg_env.spec);
        PrecompilesMap::from_static(Precompiles::new(spec))
            .with_applied_precompile(&ED25519_PRECOMPILE, |_| Some(ed25519()))
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

fn ed25519() -> DynPrecompile {
    let id = PrecompileId::custom("ed25519");
    DynPrecompile::new(id, |call: PrecompileInput<'_>| {
        let gas = ed25519_gas(call.data.len());
        if gas > call.gas {
            return Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, call.reservoir));
        }
        let answer = Bytes::copy_from_slice(ed25519_answer(call.data).as_slice());
        Ok(PrecompileOutput::new(gas, answer, call.reservoir))
    })
}
