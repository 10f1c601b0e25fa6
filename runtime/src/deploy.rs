//! With which arguments are the three contracts constructed?
//!
//! The translation of a specification into what the contracts' bindings want. Called by `genesis` alone; it never runs
//! anything.

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{
    ChainSpec, GenesisMember, InstanceSpec, Validator,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
};
use ledger_contracts::{Bootstrap, Transact, initcode};

/// Initcode of Bootstrap with members, validators, governance and checkpoints of `spec`.
pub(crate) fn bootstrap(spec: &ChainSpec) -> Bytes {
    let arguments = Bootstrap::constructorCall {
        members: spec.members.iter().map(member).collect(),
        validators: spec.validator_set().iter().map(validator).collect(),
        times: Bootstrap::GovernanceConfig {
            timelockSeconds: spec.governance.timelock_seconds,
            proposalTtlSeconds: spec.governance.proposal_ttl_seconds,
        },
        checkpoint: Bootstrap::CheckpointConfig {
            intervalBlocks: spec.checkpoint.interval_blocks,
            mainchainId: spec.checkpoint.mainchain_id,
            checkpointContract: spec.checkpoint.contract,
            confirmations: spec.checkpoint.confirmations.into(),
        },
        transact_: TRANSACT,
    };
    initcode::bootstrap(&arguments)
}

/// Initcode of Transact with what codes are for and what a holder may have.
pub(crate) fn transact(spec: &ChainSpec) -> Bytes {
    let limits = &spec.holder_limits;
    let arguments = Transact::constructorCall {
        bootstrap_: BOOTSTRAP,
        token_: PASSPORT_TOKEN,
        specs: spec.instance_specs.iter().map(instance).collect(),
        limits: Transact::HolderLimits {
            liveCodes: limits.live_codes,
            requestsPerPeriod: limits.requests_per_period,
            periodSeconds: seconds(limits.period_seconds),
        },
    };
    initcode::transact(&arguments)
}

/// Initcode of PassportToken, which only Transact may mint.
pub(crate) fn passport_token() -> Bytes {
    initcode::passport_token(TRANSACT)
}

fn member(member: &GenesisMember) -> Bootstrap::GenesisMember {
    Bootstrap::GenesisMember {
        owner: member.owner,
        name: member.name.clone(),
        redeemers: member.redeemers.clone(),
    }
}

/// A validator of genesis; the notary has no record of it.
fn validator(validator: &Validator) -> Bootstrap::GenesisValidator {
    Bootstrap::GenesisValidator {
        memberId: validator.member_id.get(),
        account: validator.account,
        consensusKey: validator.consensus_key.get().into(),
        checkpointKey: validator.checkpoint_key,
        peerId: validator.peer_id.clone().into(),
        recordHash: B256::ZERO,
    }
}

fn instance(spec: &InstanceSpec) -> Transact::InstanceSpec {
    Transact::InstanceSpec {
        name: spec.name.clone(),
        vcpus: spec.vcpus,
        memoryMiB: spec.memory_mib,
        diskGiB: spec.disk_gib,
        durationHours: spec.hours,
        ttlSeconds: seconds(spec.ttl_seconds),
        reward: spec.reward,
        requireAuthorization: spec.require_authorization,
    }
}

fn seconds(seconds: u64) -> u32 {
    u32::try_from(seconds).expect("a specification's periods are at most ten years")
}
