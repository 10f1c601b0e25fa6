//! Who runs the chain, and what do they decide?

use alloy_primitives::{B256, U256};
use ledger_api::{ProposalInfo, ProposalKind, ProposalStatus, ProposalVote, ValidatorInfo, ValidatorsInfo};
use ledger_chainspec::{Validator, peer_id_to_text, predeploys::BOOTSTRAP};
use ledger_contracts::{
    Bootstrap::{self, Proposal},
    ProposalAction, ProposalKind as Kind, ProposalStatus as Status,
};

use parking_lot::Mutex;

use super::{
    super::error::RpcFailure,
    changes,
    contracts::View,
    number,
    open_proposals::{OpenProposals, Seen},
};
use crate::admission::Verdicts;

/// Open proposals that are described at once: each takes a question for each validator.
const PROPOSALS_MAX: usize = 100;

/// The ballot of a vote against, as the contract has it.
const AGAINST: B256 = B256::with_last_byte(1);

/// The validators that decide the next block.
pub(super) fn validators(view: &View) -> Result<ValidatorsInfo, RpcFailure> {
    let set = &view.head.set;
    let describe = |(index, validator): (u64, &Validator)| {
        let member_id = validator.member_id.get();
        Ok(ValidatorInfo {
            index,
            account: validator.account,
            consensus_key: B256::from(validator.consensus_key.get()),
            checkpoint_key: validator.checkpoint_key,
            peer_id: peer_id_to_text(&validator.peer_id),
            member_id,
            cloud: view.cloud(member_id)?.name,
        })
    };
    Ok(ValidatorsInfo {
        set_id: set.id().get(),
        set_hash: set.hash().get(),
        quorum: number(set.quorum()),
        validators: (0..).zip(set.iter()).map(describe).collect::<Result<_, RpcFailure>>()?,
    })
}

/// A proposal that can still pass.
struct Open {
    id: u64,
    kind: Kind,
    status: ProposalStatus,
    stored: Proposal,
}

/// A proposal, as it was looked at.
enum Found {
    Open(Box<Open>),
    Over(Kind, Status),
}

/// The open proposals, newest first, requests for admission after all others.
pub(super) fn proposals(
    view: &View,
    verdicts: &Verdicts,
    known: &Mutex<OpenProposals>,
) -> Result<Vec<ProposalInfo>, RpcFailure> {
    let count = count(view)?;
    let look = known.lock().look(count);
    let mut seen = Vec::new();
    let (mut requests, mut own) = (Vec::new(), Vec::new());
    for id in look.ids.iter().rev().copied() {
        match find(view, id)? {
            Found::Open(open) if open.kind == Kind::Admit => {
                // An older one is looked at once, for its kind: it would be there in one answer and in no other.
                if id >= look.newest {
                    requests.push(open);
                }
            }
            Found::Open(open) => {
                seen.push((id, Seen::OfValidator));
                own.push(open);
            }
            Found::Over(kind, status) => seen.push((id, settled(view, id, kind, status)?)),
        }
    }
    known.lock().note(&look, seen.into_iter());
    let shown = own.into_iter().chain(requests).take(PROPOSALS_MAX);
    shown.map(|open| describe(view, verdicts, *open)).collect()
}

/// Whether a proposal that is over is so for good: one that has expired by this machine's clock may still pass in the next block.
fn settled(view: &View, id: u64, kind: Kind, status: Status) -> Result<Seen, RpcFailure> {
    if kind == Kind::Admit || status != Status::Expired {
        return Ok(Seen::NotKept);
    }
    let at_head = View::of_head(&view.runtime, &view.head);
    Ok(match find(&at_head, id)? {
        Found::Open(_) => Seen::OfValidator,
        Found::Over(..) => Seen::NotKept,
    })
}

/// The proposal with this number, if it is open.
pub(super) fn proposal(view: &View, verdicts: &Verdicts, id: u64) -> Result<Option<ProposalInfo>, RpcFailure> {
    if id == 0 || id > count(view)? {
        return Ok(None);
    }
    match find(view, id)? {
        Found::Open(open) => describe(view, verdicts, *open).map(Some),
        Found::Over(..) => Ok(None),
    }
}

fn count(view: &View) -> Result<u64, RpcFailure> {
    let count = view.ask(BOOTSTRAP, &Bootstrap::proposalCountCall {})?;
    Ok(count.saturating_to())
}

fn find(view: &View, id: u64) -> Result<Found, RpcFailure> {
    let unknown = |error: ledger_contracts::UnknownValue| RpcFailure::Internal(error.to_string());
    let asked = Bootstrap::proposalCall {
        proposalId: U256::from(id),
    };
    let stored = view.ask(BOOTSTRAP, &asked)?;
    let kind = Kind::try_from(stored.kind).map_err(unknown)?;
    let status = match Status::try_from(stored.status).map_err(unknown)? {
        Status::Open => ProposalStatus::Open,
        Status::Passed => ProposalStatus::Passed,
        over @ (Status::None | Status::Executed | Status::Expired | Status::Withdrawn) => {
            return Ok(Found::Over(kind, over));
        }
    };
    Ok(Found::Open(Box::new(Open {
        id,
        kind,
        status,
        stored,
    })))
}

fn describe(view: &View, verdicts: &Verdicts, open: Open) -> Result<ProposalInfo, RpcFailure> {
    let Open {
        id,
        kind,
        status,
        stored: proposal,
    } = open;
    let proposal_id = U256::from(id);
    let tally = view.ask(
        BOOTSTRAP,
        &Bootstrap::tallyCall {
            proposalId: proposal_id,
        },
    )?;
    let action = ProposalAction::decode(kind, &proposal.payload)
        .ok_or_else(|| RpcFailure::Internal(format!("proposal {id} of kind {kind} does not say what it does")))?;
    let effect = changes::effect(view, proposal.proposer, action)?;
    let mut votes = Vec::new();
    for validator in view.head.set.iter() {
        let voter = validator.account;
        let ballot = view.ask(
            BOOTSTRAP,
            &Bootstrap::ballotCall {
                proposalId: proposal_id,
                voter,
            },
        )?;
        if ballot != B256::ZERO {
            votes.push(ProposalVote {
                validator: voter,
                support: ballot != AGAINST,
            });
        }
    }
    Ok(ProposalInfo {
        proposal_id: id,
        kind: kind_of(kind).ok_or_else(|| RpcFailure::Internal(format!("proposal {id} has no kind")))?,
        status,
        proposer: proposal.proposer,
        opened_at: proposal.createdAt,
        expires_at: proposal.expiresAt,
        executable_at: Some(proposal.executableAt).filter(|at| *at > 0),
        votes_for: tally.votes.saturating_to(),
        votes_needed: tally.needed.saturating_to(),
        votes,
        notary: verdicts.of(id),
        summary: effect.summary,
        changes: effect.changes,
    })
}

const fn kind_of(kind: Kind) -> Option<ProposalKind> {
    Some(match kind {
        Kind::None => return None,
        Kind::Admit => ProposalKind::Admit,
        Kind::Remove => ProposalKind::Remove,
        Kind::RemoveMember => ProposalKind::RemoveMember,
        Kind::SetCheckpointConfig => ProposalKind::SetCheckpointConfig,
        Kind::DefineSpec => ProposalKind::DefineSpec,
        Kind::SetLimits => ProposalKind::SetLimits,
        Kind::Recover => ProposalKind::Recover,
    })
}
