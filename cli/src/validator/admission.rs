//! What does a vote on a candidate rest on, besides the notary's word? Facts of the chain, as a node tells them.
//!
//! Asks the node and decides nothing: whoever knows a notary judges. Called by `ledger-node validator`.

use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use ledger_api::{ProposalKind, ValidatorsInfo};
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::{
    Bootstrap::{self, Candidate},
    ProposalAction,
};

use super::{Context, args::DecideArgs, context, signer};
use crate::error::CliError;

/// Who asks to be admitted, or will ask.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// Its account.
    pub account: Address,
    /// What it asks for. Of one that will ask, only the member is filled in.
    pub candidate: Candidate,
    /// What the chain calls its member.
    pub member_name: String,
    /// Validators that its member has in the set.
    pub validators: u32,
    /// The chain's EIP-155 id.
    pub chain_id: u64,
    /// Versions of root and targets that the chain has seen.
    pub floor: (u64, u64),
    /// The set.
    pub set: ValidatorsInfo,
}

/// Who asks for admission by this proposal; none if it is another kind of proposal.
///
/// # Errors
/// [`CliError::NoSuchProposal`], and as [`crate::client::Node::chain_id`].
pub async fn applicant(args: &DecideArgs, id: u64) -> Result<Option<Applicant>, CliError> {
    let signer = signer(args, None);
    let context = context(args, &signer)?;
    let open = context.node.proposal(id).await?;
    let open = open.ok_or(CliError::NoSuchProposal { id })?;
    if open.kind != ProposalKind::Admit {
        return Ok(None);
    }
    let call = Bootstrap::proposalCall {
        proposalId: U256::from(id),
    };
    let stored = context.node.view(BOOTSTRAP, &call).await?;
    let kind = ledger_contracts::ProposalKind::Admit;
    match ProposalAction::decode(kind, &stored.payload) {
        Some(ProposalAction::Admit(candidate)) => facts(&context, stored.proposer, candidate).await.map(Some),
        _ => Err(CliError::NoSuchProposal { id }),
    }
}

/// Who would ask with the wallet's account: for its own member, for the member `member_id`, or for a new one of this name.
///
/// # Errors
/// [`CliError::NoMember`] if there is no member to ask for; as [`crate::wallet::Actor::new`] and [`crate::client::Node::chain_id`].
pub async fn newcomer(
    args: &DecideArgs,
    password_file: Option<PathBuf>,
    member_id: Option<u32>,
    name: Option<&str>,
) -> Result<Applicant, CliError> {
    let signer = signer(args, password_file);
    let context = context(args, &signer)?;
    let account = context.actor()?.address();
    let own = context
        .node
        .view(BOOTSTRAP, &Bootstrap::memberOfCall { account })
        .await?;
    let member = match (member_id, own, name) {
        (Some(id), _, _) => (id, String::new()),
        (None, 0, Some(name)) => (0, name.to_owned()),
        (None, 0, None) => return Err(CliError::NoMember { account }),
        (None, own, _) => (own, String::new()),
    };
    let candidate = Candidate {
        memberId: member.0,
        memberName: member.1,
        ..Candidate::default()
    };
    facts(&context, account, candidate).await
}

async fn facts(context: &Context<'_>, account: Address, candidate: Candidate) -> Result<Applicant, CliError> {
    let node = &context.node;
    let (member_name, validators) = match candidate.memberId {
        0 => (candidate.memberName.clone(), 0),
        id => {
            let member = node.view(BOOTSTRAP, &Bootstrap::memberCall { memberId: id }).await?;
            (member.name, member.validators.into())
        }
    };
    let floor = node.view(BOOTSTRAP, &Bootstrap::notaryFloorCall {}).await?;
    Ok(Applicant {
        account,
        candidate,
        member_name,
        validators,
        chain_id: node.chain_id().await?,
        floor: (floor.rootVersion, floor.targetsVersion),
        set: node.validators().await?,
    })
}
