//! What would a proposal change, from what to what?
//!
//! For voters, who see the words before they sign. Names come from whoever asks to be admitted, and stand in quotes with everything
//! escaped that a terminal would act upon. Called by [`super::governance`].

use alloy_primitives::{Address, B256};
use ledger_api::{ProposalChange, whole};
use ledger_chainspec::{
    peer_id_to_text,
    predeploys::{BOOTSTRAP, TRANSACT},
    quorum_of,
};
use ledger_contracts::{
    Bootstrap::{self, Candidate, CheckpointConfig, HolderLimits, InstanceSpec},
    ProposalAction, Transact,
};

use super::{super::error::RpcFailure, contracts::View};

/// Newest specifications among which one of the same name is looked for.
const SPECS_LOOKED_AT_MAX: usize = 64;

/// What a proposal does, in words.
#[derive(Debug)]
pub(super) struct Effect {
    /// As a sentence.
    pub(super) summary: String,
    /// What would be another.
    pub(super) changes: Vec<ProposalChange>,
}

/// What `action`, proposed by `proposer`, would do to what is in view.
pub(super) fn effect(view: &View, proposer: Address, action: ProposalAction) -> Result<Effect, RpcFailure> {
    match action {
        ProposalAction::Admit(candidate) => admit(view, proposer, &candidate),
        ProposalAction::Remove(account) => remove(view, account),
        ProposalAction::RemoveMember(member_id) => remove_member(view, member_id),
        ProposalAction::SetCheckpointConfig(config) => checkpoints(view, &config),
        ProposalAction::DefineSpec(spec) => define_spec(view, &spec),
        ProposalAction::SetLimits(limits) => set_limits(view, &limits),
        ProposalAction::Recover(checkpoint) => Ok(Effect {
            summary: format!(
                "Go on from the state of checkpoint {checkpoint}: what later blocks did is undone, though they stay in the chain."
            ),
            changes: Vec::new(),
        }),
    }
}

fn admit(view: &View, proposer: Address, candidate: &Candidate) -> Result<Effect, RpcFailure> {
    let is_founded = candidate.memberId == 0;
    let cloud = match is_founded {
        true => format!("a new cloud {:?}, owned by {proposer}", candidate.memberName),
        false => cloud_words(view, candidate.memberId)?,
    };
    if candidate.consensusKey == B256::ZERO {
        return Ok(Effect {
            summary: format!("Admit {cloud}, without a validator."),
            changes: Vec::new(),
        });
    }
    let summary = match is_founded {
        true => format!("Admit {cloud}, with its validator {proposer}."),
        false => format!("Admit a further validator, {proposer}, of {cloud}."),
    };
    let mut changes = set_size(view, 1);
    changes.extend([
        new("consensus key", candidate.consensusKey),
        new("checkpoint key", candidate.checkpointKey),
        new("peer id", peer_id_to_text(&candidate.peerId)),
        new("notary's record", candidate.recordHash),
    ]);
    Ok(Effect { summary, changes })
}

fn remove(view: &View, account: Address) -> Result<Effect, RpcFailure> {
    let validator = view.head.set.iter().find(|validator| validator.account == account);
    let Some(validator) = validator else {
        return Ok(Effect {
            summary: format!("Remove the validator {account}, which is not in the set any more."),
            changes: Vec::new(),
        });
    };
    let cloud = cloud_words(view, validator.member_id.get())?;
    Ok(Effect {
        summary: format!("Remove the validator {account} of {cloud} from the set."),
        changes: set_size(view, -1),
    })
}

fn remove_member(view: &View, member_id: u32) -> Result<Effect, RpcFailure> {
    let member = view.ask(BOOTSTRAP, &Bootstrap::memberCall { memberId: member_id })?;
    let still = match member.validators {
        0 => String::new(),
        1 => " Its validator has to be removed first.".to_owned(),
        many => format!(" Its {many} validators have to be removed first."),
    };
    Ok(Effect {
        summary: format!(
            "Remove the cloud {:?} (member {member_id}): it can neither offer nor redeem any more.{still}",
            member.name
        ),
        changes: Vec::new(),
    })
}

fn checkpoints(view: &View, config: &CheckpointConfig) -> Result<Effect, RpcFailure> {
    let now = view.ask(BOOTSTRAP, &Bootstrap::checkpointConfigCall {})?;
    let blocks = |count: u64| format!("{count} blocks");
    let contract = |address: Address| match address {
        Address::ZERO => "none: not anchored".to_owned(),
        address => address.to_string(),
    };
    let changes = differing([
        (
            "checkpoint every",
            blocks(now.intervalBlocks),
            blocks(config.intervalBlocks),
        ),
        (
            "chain id of the mainchain",
            now.mainchainId.to_string(),
            config.mainchainId.to_string(),
        ),
        (
            "checkpoint contract",
            contract(now.checkpointContract),
            contract(config.checkpointContract),
        ),
        ("final after", blocks(now.confirmations), blocks(config.confirmations)),
    ]);
    Ok(Effect {
        summary: sentence("Change how the chain is anchored", &changes),
        changes,
    })
}

fn define_spec(view: &View, spec: &InstanceSpec) -> Result<Effect, RpcFailure> {
    let count = view.spec_count()?;
    let mut same_name = Vec::new();
    for spec_id in (1..=count).rev().take(SPECS_LOOKED_AT_MAX) {
        if view.spec(spec_id)?.name == spec.name {
            same_name.push(spec_id.to_string());
        }
    }
    let beside = match same_name.is_empty() {
        true => String::new(),
        false => format!(", beside number {} of the same name", same_name.join(", ")),
    };
    let authorization = match spec.requireAuthorization {
        true => "needed",
        false => "not needed",
    };
    let changes = vec![
        new("virtual processors", spec.vcpus),
        new("memory", format!("{} MiB", spec.memoryMiB)),
        new("disk", format!("{} GiB", spec.diskGiB)),
        new("given for", format!("{} hours", spec.durationHours)),
        new("a code holds for", format!("{} seconds", spec.ttlSeconds)),
        new("reward", format!("{} PASS", whole(spec.reward))),
        new("holder's authorization", authorization),
    ];
    Ok(Effect {
        summary: format!(
            "Define the instance specification {:?}, number {}{beside}.",
            spec.name,
            count.saturating_add(1)
        ),
        changes,
    })
}

fn set_limits(view: &View, limits: &HolderLimits) -> Result<Effect, RpcFailure> {
    let now = view.ask(TRANSACT, &Transact::holderLimitsCall {})?;
    let period = |seconds: u32| format!("{seconds} seconds");
    let changes = differing([
        ("live codes", now.liveCodes.to_string(), limits.liveCodes.to_string()),
        (
            "requests in one period",
            now.requestsPerPeriod.to_string(),
            limits.requestsPerPeriod.to_string(),
        ),
        ("period", period(now.periodSeconds), period(limits.periodSeconds)),
    ]);
    Ok(Effect {
        summary: sentence("Change what one holder may ask for", &changes),
        changes,
    })
}

/// What becomes of the set and its quorum with `more` validators.
fn set_size(view: &View, more: isize) -> Vec<ProposalChange> {
    let before = view.head.set.len();
    let after = before.saturating_add_signed(more);
    let quorum = |size: usize| quorum_of(size).to_string();
    differing([
        ("validators", before.to_string(), after.to_string()),
        ("votes that make a block final", quorum(before), quorum(after)),
    ])
}

fn cloud_words(view: &View, member_id: u32) -> Result<String, RpcFailure> {
    Ok(format!(
        "the cloud {:?} (member {member_id})",
        view.cloud(member_id)?.name
    ))
}

/// `subject: a from 1 to 2, b from 3 to 4.`
fn sentence(subject: &str, changes: &[ProposalChange]) -> String {
    if changes.is_empty() {
        return format!("{subject}: nothing differs from what holds now.");
    }
    let each = |change: &ProposalChange| match &change.from {
        Some(from) => format!("{} from {from} to {}", change.name, change.to),
        None => format!("{} {}", change.name, change.to),
    };
    let all: Vec<_> = changes.iter().map(each).collect();
    format!("{subject}: {}.", all.join(", "))
}

/// Those of the names whose values differ before and after.
fn differing<const N: usize>(values: [(&str, String, String); N]) -> Vec<ProposalChange> {
    let change = |(name, from, to): (&str, String, String)| ProposalChange {
        name: name.to_owned(),
        from: Some(from),
        to,
    };
    values
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(change)
        .collect()
}

fn new(name: &str, value: impl ToString) -> ProposalChange {
    ProposalChange {
        name: name.to_owned(),
        from: None,
        to: value.to_string(),
    }
}
