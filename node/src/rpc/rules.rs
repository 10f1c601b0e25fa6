//! `eth_*`: the chain's rules, and what the node keeps.

use alloy_eips::{
    eip2124::ForkHash,
    eip7910::{EthConfig, EthForkConfig, SystemContract},
};
use alloy_primitives::Address;
use jsonrpsee::core::RpcResult;
use ledger_api::{Capabilities, CapabilitiesHead, Capability, DeleteStrategy, EthRulesServer};
use ledger_runtime::store::History;

use super::context::Api;

impl EthRulesServer for Api {
    fn config(&self) -> RpcResult<EthConfig> {
        let runtime = self.runtime();
        let rules = runtime.fork_rules();
        let genesis = runtime.genesis_hash().get();
        let contracts = rules.system_contracts.into_iter();
        Ok(EthConfig {
            current: EthForkConfig {
                // The one fork is active from genesis on.
                activation_time: 0,
                blob_schedule: rules.blobs,
                chain_id: runtime.spec().chain_id,
                fork_id: ForkHash::from(genesis).0.into(),
                precompiles: rules.precompiles,
                system_contracts: contracts
                    .map(|(name, address)| (SystemContract::Other(name.to_owned()), address))
                    .collect(),
            },
            next: None,
            last: None,
        })
    }

    fn capabilities(&self) -> RpcResult<Capabilities> {
        let runtime = self.runtime();
        let head = self.head();
        let kept = |oldest, delete_strategy| Capability {
            disabled: false,
            oldest_block: Some(oldest),
            delete_strategy,
        };
        let window = match runtime.store().history() {
            History::Archive => None,
            History::Blocks(blocks) => Some(DeleteStrategy::Window {
                retention_blocks: blocks,
            }),
        };
        let state = kept(runtime.store().oldest_state().get(), window);
        let everything = kept(runtime.oldest_block().get(), None);
        Ok(Capabilities {
            head: CapabilitiesHead {
                number: head.number().get(),
                hash: head.hash().get(),
            },
            stateproofs: state.clone(),
            state,
            tx: everything.clone(),
            logs: everything.clone(),
            receipts: everything.clone(),
            blocks: everything,
        })
    }

    fn coinbase(&self) -> RpcResult<Address> {
        let head = self.head();
        let next = head.slot.next().unwrap_or(head.slot);
        Ok(head.set.authority(next).account)
    }
}
