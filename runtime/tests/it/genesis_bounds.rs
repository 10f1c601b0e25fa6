//! Does a genesis grow from every specification that passes its own check? The contracts' constructors have rules of
//! their own, and a specification that only they refuse would be found out at the first start.

use alloy_primitives::{Address, U256, keccak256};
use ledger_chainspec::{
    ChainSpec, ConsensusKey, GenesisMember, GenesisValidator, InstanceSpec, MemberId, VALIDATORS_MAX, dev_keys,
    peer_id_of, peer_id_to_text,
};
use ledger_runtime::Runtime;

fn address(of: String) -> Address {
    Address::from_word(keccak256(of))
}

fn least() -> ChainSpec {
    let mut spec = ChainSpec::dev();
    spec.governance.proposal_ttl_seconds = 60;
    spec.governance.timelock_seconds = 0;
    spec.checkpoint.interval_blocks = 1;
    spec.checkpoint.confirmations = 1;
    spec.holder_limits.live_codes = 1;
    spec.holder_limits.requests_per_period = 1;
    spec.holder_limits.period_seconds = 1;
    spec.instance_specs.truncate(1);
    spec.instance_specs[0] = InstanceSpec {
        name: "x".into(),
        vcpus: 1,
        memory_mib: 1,
        disk_gib: 1,
        hours: 1,
        ttl_seconds: 1,
        reward: U256::ZERO,
        require_authorization: false,
    };
    spec.members.truncate(1);
    spec.members[0].name = "x".into();
    spec.members[0].redeemers.clear();
    spec.balances.clear();
    spec
}

fn most() -> ChainSpec {
    let mut spec = ChainSpec::dev();
    spec.governance.proposal_ttl_seconds = 31_536_000;
    spec.governance.timelock_seconds = 31_535_999;
    spec.checkpoint.interval_blocks = u32::MAX.into();
    spec.checkpoint.confirmations = u32::MAX;
    spec.holder_limits.live_codes = u32::MAX;
    spec.holder_limits.requests_per_period = u32::MAX;
    spec.holder_limits.period_seconds = 315_360_000;
    let largest = |k: u32| InstanceSpec {
        name: format!("{k:0>31}"),
        vcpus: u32::MAX,
        memory_mib: u32::MAX,
        disk_gib: u32::MAX,
        hours: u32::MAX,
        ttl_seconds: 315_360_000,
        reward: U256::from(u128::MAX),
        require_authorization: true,
    };
    spec.instance_specs = (0..64).map(largest).collect();
    let member = |id: u32| GenesisMember {
        id: MemberId::new(id),
        name: format!("{id:0>32}"),
        owner: address(format!("owner {id}")),
        redeemers: (0..16).map(|key| address(format!("redeemer {id} {key}"))).collect(),
    };
    spec.members = (1..=128).map(member).collect();
    let validator = |k: u32| GenesisValidator {
        member_id: MemberId::new(k + 1),
        account: address(format!("validator {k}")),
        consensus_key: ConsensusKey::of(&dev_keys::validator_key(k)),
        checkpoint_key: address(format!("checkpoint {k}")),
        peer_id: peer_id_to_text(&peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(k)))),
    };
    spec.validators = (0..u32::try_from(VALIDATORS_MAX).unwrap()).map(validator).collect();
    spec
}

#[test]
fn a_genesis_grows_from_the_least_and_from_the_most_that_a_specification_may_say() {
    for (which, spec) in [("least", least()), ("most", most())] {
        spec.check().unwrap();
        let genesis = Runtime::genesis_of(&spec);
        assert!(genesis.is_ok(), "{which}: {}", genesis.unwrap_err());
    }
}
