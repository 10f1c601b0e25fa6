//! What must a validator's transaction say? Facts and arguments in, one call or a refusal out.
//!
//! Pure: no node, no key, no clock.

use alloy_primitives::{Address, U256, utils::parse_ether};
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::{
    Bootstrap::{self, Candidate, CheckpointConfig, HolderLimits, InstanceSpec, NotaryTuple},
    Transact,
};

use super::args::{CheckpointsArgs, LimitsArgs, SpecArgs};
use crate::{
    error::CliError,
    plan::{Call, address},
};

/// Decimals of a passport token.
const DECIMALS: usize = 18;

/// An amount of passport tokens in whole ones, as somebody typed it.
///
/// # Errors
/// If it is no such amount.
pub fn pass(text: &str) -> Result<U256, String> {
    let is_digits = |digits: &str| digits.chars().all(|c| c.is_ascii_digit());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    // What has more decimals than the token would be cut off without a word.
    let is_exact = !whole.is_empty() && is_digits(whole) && is_digits(decimals) && decimals.len() <= DECIMALS;
    let amount = is_exact.then(|| parse_ether(text).ok()).flatten();
    amount.ok_or_else(|| "give a number of tokens such as 10 or 1.5, with 18 decimals at most".to_owned())
}

fn bootstrap(call: &impl SolCall, what: String) -> Call {
    Call {
        to: BOOTSTRAP,
        data: call.abi_encode().into(),
        what,
    }
}

/// Votes on a proposal. A vote for a candidate names what was verified at the notary, any other one nothing.
#[must_use]
pub fn vote(proposal: u64, support: bool, tuple: NotaryTuple) -> Call {
    let call = Bootstrap::voteCall {
        proposalId: U256::from(proposal),
        support,
        tuple,
    };
    let side = if support { "for" } else { "against" };
    bootstrap(&call, format!("take a vote {side} proposal {proposal}"))
}

/// Asks for the admission of a candidate.
#[must_use]
pub fn request_admission(candidate: Candidate) -> Call {
    bootstrap(
        &Bootstrap::requestAdmissionCall { candidate },
        "take the request for admission".to_owned(),
    )
}

/// Takes a vote back.
#[must_use]
pub fn unvote(proposal: u64) -> Call {
    let call = Bootstrap::unvoteCall {
        proposalId: U256::from(proposal),
    };
    bootstrap(&call, format!("give back the vote on proposal {proposal}"))
}

/// Carries out a proposal.
#[must_use]
pub fn execute(proposal: u64) -> Call {
    let call = Bootstrap::executeCall {
        proposalId: U256::from(proposal),
    };
    bootstrap(&call, format!("carry out proposal {proposal}"))
}

/// Takes a proposal back.
#[must_use]
pub fn withdraw(proposal: u64) -> Call {
    let call = Bootstrap::withdrawCall {
        proposalId: U256::from(proposal),
    };
    bootstrap(&call, format!("withdraw proposal {proposal}"))
}

/// Leaves the set.
#[must_use]
pub fn leave() -> Call {
    bootstrap(&Bootstrap::leaveCall {}, "let your validator leave".to_owned())
}

/// Proposes limits of holders; what is not asked for stays as it is `now`.
#[must_use]
pub fn propose_limits(asked: &LimitsArgs, now: &Transact::HolderLimits) -> Call {
    let limits = HolderLimits {
        liveCodes: asked.live_codes.unwrap_or(now.liveCodes),
        requestsPerPeriod: asked.requests.unwrap_or(now.requestsPerPeriod),
        periodSeconds: asked.period.map_or(now.periodSeconds, |period| period.seconds()),
    };
    bootstrap(
        &Bootstrap::proposeLimitsCall { limits },
        "open a proposal of limits".to_owned(),
    )
}

/// Proposes another way of anchoring; what is not asked for stays as it is `now`.
///
/// # Errors
/// [`CliError::Address`].
pub fn propose_checkpoints(asked: &CheckpointsArgs, now: &Bootstrap::checkpointConfigReturn) -> Result<Call, CliError> {
    let contract = asked.contract.as_deref().map(address).transpose()?;
    let config = CheckpointConfig {
        intervalBlocks: asked.every.unwrap_or(now.intervalBlocks),
        mainchainId: asked.mainchain_id.unwrap_or(now.mainchainId),
        checkpointContract: contract.unwrap_or(now.checkpointContract),
        confirmations: asked.final_after.unwrap_or(now.confirmations),
    };
    Ok(bootstrap(
        &Bootstrap::proposeCheckpointConfigCall { config },
        "open a proposal of checkpoints".to_owned(),
    ))
}

/// Proposes an instance specification.
#[must_use]
pub fn propose_spec(asked: &SpecArgs) -> Call {
    let spec = InstanceSpec {
        name: asked.name.clone(),
        vcpus: asked.vcpus,
        memoryMiB: asked.memory_mib,
        diskGiB: asked.disk_gib,
        durationHours: asked.hours,
        ttlSeconds: asked.ttl.seconds(),
        reward: asked.reward,
        requireAuthorization: !asked.without_authorization,
    };
    let what = format!("open a proposal of the specification {:?}", spec.name);
    bootstrap(&Bootstrap::proposeSpecCall { spec }, what)
}

/// Proposes that a validator be removed.
#[must_use]
pub fn propose_removal(account: Address) -> Call {
    bootstrap(
        &Bootstrap::proposeRemovalCall { account },
        format!("open a proposal to remove the validator {account}"),
    )
}

/// Proposes to go back to the state of a checkpoint.
#[must_use]
pub fn propose_recovery(checkpoint: u64) -> Call {
    bootstrap(
        &Bootstrap::proposeRecoveryCall {
            checkpointNumber: checkpoint,
        },
        format!("open a proposal to recover to checkpoint {checkpoint}"),
    )
}

/// Proposes that a member be removed.
#[must_use]
pub fn propose_member_removal(member_id: u32) -> Call {
    bootstrap(
        &Bootstrap::proposeMemberRemovalCall { memberId: member_id },
        format!("open a proposal to remove the member {member_id}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_stays_as_it_is() {
        let now = Transact::HolderLimits {
            liveCodes: 1,
            requestsPerPeriod: 2,
            periodSeconds: 3,
        };
        let asked = LimitsArgs {
            requests: Some(9),
            ..LimitsArgs::default()
        };
        let call =
            Bootstrap::proposeLimitsCall::abi_decode(&propose_limits(&asked, &now).data).expect("it is this call");
        let limits = call.limits;
        assert_eq!(
            (limits.liveCodes, limits.requestsPerPeriod, limits.periodSeconds),
            (1, 9, 3)
        );
        let now = Bootstrap::checkpointConfigReturn {
            intervalBlocks: 1,
            mainchainId: 2,
            checkpointContract: Address::repeat_byte(3),
            confirmations: 4,
        };
        let asked = CheckpointsArgs {
            every: Some(9),
            ..CheckpointsArgs::default()
        };
        let call = propose_checkpoints(&asked, &now).expect("nothing is wrong");
        let call = Bootstrap::proposeCheckpointConfigCall::abi_decode(&call.data).expect("it is this call");
        let config = CheckpointConfig {
            intervalBlocks: 9,
            mainchainId: 2,
            checkpointContract: Address::repeat_byte(3),
            confirmations: 4,
        };
        assert_eq!(call.config, config);
        let typing_error = CheckpointsArgs {
            contract: Some("0x12".to_owned()),
            ..CheckpointsArgs::default()
        };
        let refused = propose_checkpoints(&typing_error, &now).map(|_| ());
        assert!(matches!(refused, Err(CliError::Address { .. })), "{refused:?}");
    }

    #[test]
    fn tokens_are_read_in_whole_ones() {
        assert_eq!(pass("1.5"), Ok(U256::from(1_500_000_000_000_000_000_u64)));
        for wrong in ["", ".5", "many", "1e3", "1.0000000000000000001", "-1"] {
            assert!(pass(wrong).is_err(), "{wrong:?}");
        }
    }
}
