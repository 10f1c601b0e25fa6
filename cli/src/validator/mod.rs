//! `ledger-node validator`: how do validators decide who runs the chain, and what holds on it?
//!
//! A validator's account proposes and votes by transactions to Bootstrap, which counts. The account's key is in a wallet, as a user's
//! is; the node whose `--rpc` is named needs no key. The reader's path: [`args`] is what can be asked, [`admission`] what a vote on a
//! candidate rests on, [`plan`] what a transaction must say (pure), [`output`] what is shown. Called by `ledger-node`.

pub mod admission;
pub mod args;
pub mod output;
pub mod plan;
pub mod recovery;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use ledger_api::ProposalInfo;
use ledger_chainspec::predeploys::{BOOTSTRAP, TRANSACT};
use ledger_contracts::{
    Bootstrap::{self, Candidate, NotaryTuple},
    KnownEvent, Transact, decode_event,
};

use self::args::{DecideArgs, NodeArgs, ProposeCommand, ValidatorCommand};
use crate::{
    args::SignerArgs,
    client::{Node, Patience, Sent},
    commands::{Context, settled},
    error::CliError,
    output as show,
    output::Report,
    plan::Call,
};

/// Does what the command line asks for; the wallet's password is in `password_file`, if it is not asked for.
///
/// # Errors
/// Whatever went wrong; see [`CliError`].
pub async fn run(args: &DecideArgs, password_file: Option<PathBuf>) -> Result<Report, CliError> {
    let signer = signer(args, password_file);
    let context = context(args, &signer)?;
    match &args.command {
        ValidatorCommand::List => Ok(show::chain::validators(&context.node.validators().await?)),
        ValidatorCommand::Proposals => Ok(output::proposals(&context.node.proposals().await?)),
        ValidatorCommand::Propose(command) => propose(&context, command).await,
        ValidatorCommand::Vote { proposal, against } => {
            let open = context.node.proposal(*proposal).await?;
            let open = open.ok_or(CliError::NoSuchProposal { id: *proposal })?;
            tell(&open);
            if let Some(words) = output::again(&open, context.actor()?.address()).filter(|_| !against) {
                let _ = writeln!(io::stderr(), "{words}");
            }
            decide(
                &context,
                *proposal,
                plan::vote(*proposal, !against, NotaryTuple::default()),
            )
            .await
        }
        ValidatorCommand::Unvote { proposal } => decide(&context, *proposal, plan::unvote(*proposal)).await,
        ValidatorCommand::Execute { proposal } => {
            let done = format!("proposal {proposal} has taken effect");
            Ok(settled(done, sent(&context, plan::execute(*proposal)).await?))
        }
        ValidatorCommand::Withdraw { proposal } => {
            let done = format!("proposal {proposal} is withdrawn");
            Ok(settled(done, sent(&context, plan::withdraw(*proposal)).await?))
        }
        ValidatorCommand::Leave => {
            let done = "your validator is in the set no more; stop its node once the next block is final".to_owned();
            Ok(settled(done, sent(&context, plan::leave()).await?))
        }
        ValidatorCommand::Request(_) | ValidatorCommand::Record(_) => Err(CliError::NeedsNotary),
    }
}

/// Votes for a candidate, with what was verified at the notary.
///
/// # Errors
/// Whatever went wrong; see [`CliError`].
pub async fn vote_for(
    args: &DecideArgs,
    password_file: Option<PathBuf>,
    proposal: u64,
    tuple: NotaryTuple,
) -> Result<Report, CliError> {
    let signer = signer(args, password_file);
    let context = context(args, &signer)?;
    let open = context.node.proposal(proposal).await?;
    tell(&open.ok_or(CliError::NoSuchProposal { id: proposal })?);
    decide(&context, proposal, plan::vote(proposal, true, tuple)).await
}

/// Asks for the admission of a candidate, and says what the ledger understood.
///
/// # Errors
/// Whatever went wrong; see [`CliError`].
pub async fn request(
    args: &DecideArgs,
    password_file: Option<PathBuf>,
    candidate: Candidate,
) -> Result<Report, CliError> {
    let signer = signer(args, password_file);
    let context = context(args, &signer)?;
    let sent = sent(&context, plan::request_admission(candidate)).await?;
    let Some(id) = opened(&sent) else {
        return Ok(settled("your request is open".to_owned(), sent));
    };
    if let Ok(Some(proposal)) = context.node.proposal(id).await {
        tell(&proposal);
    }
    let next = "The validators look at the notary and vote; see ledger-node validator proposals. Keep your node running: once it is \
                admitted, it takes its turns by itself."
        .to_owned();
    Ok(settled(format!("your request is proposal {id}"), sent).with_next(next))
}

fn signer(args: &DecideArgs, password_file: Option<PathBuf>) -> SignerArgs {
    signer_of(&args.node, password_file)
}

fn signer_of(args: &NodeArgs, password_file: Option<PathBuf>) -> SignerArgs {
    SignerArgs {
        wallet: args.wallet.clone(),
        password_file,
    }
}

fn context<'a>(args: &DecideArgs, signer: &'a SignerArgs) -> Result<Context<'a>, CliError> {
    context_of(&args.node, signer)
}

fn context_of<'a>(args: &NodeArgs, signer: &'a SignerArgs) -> Result<Context<'a>, CliError> {
    Ok(Context {
        node: Node::new(&args.rpc)?,
        patience: Patience {
            longest: Duration::from_secs(args.timeout),
        },
        signer,
    })
}

async fn sent(context: &Context<'_>, call: Call) -> Result<Sent, CliError> {
    context.send(&context.actor()?, call).await
}

/// Opens a proposal, and says what the ledger understood.
async fn propose(context: &Context<'_>, command: &ProposeCommand) -> Result<Report, CliError> {
    let node = &context.node;
    let call = match command {
        ProposeCommand::Limits(limits) => {
            let now = node.view(TRANSACT, &Transact::holderLimitsCall {}).await?;
            plan::propose_limits(limits, &now)
        }
        ProposeCommand::Checkpoints(checkpoints) => {
            let now = node.view(BOOTSTRAP, &Bootstrap::checkpointConfigCall {}).await?;
            plan::propose_checkpoints(checkpoints, &now)?
        }
        ProposeCommand::Spec(spec) => plan::propose_spec(spec),
        ProposeCommand::Removal { account } => plan::propose_removal(crate::plan::address(account)?),
        ProposeCommand::MemberRemoval { member_id } => plan::propose_member_removal(*member_id),
    };
    let sent = sent(context, call).await?;
    let Some(id) = opened(&sent) else {
        return Ok(settled("the proposal is open".to_owned(), sent));
    };
    // It stands, whatever comes of the question for its words.
    if let Ok(Some(proposal)) = node.proposal(id).await {
        tell(&proposal);
    }
    let next = format!("Vote for it, as the others do: ledger-node validator vote {id}");
    Ok(settled(format!("proposal {id} is open"), sent).with_next(next))
}

/// The number of the proposal that a transaction opened.
fn opened(sent: &Sent) -> Option<u64> {
    let mut events = sent.receipt.logs().iter().map(|log| decode_event(&log.inner));
    events.find_map(|event| match event {
        Some(KnownEvent::Bootstrap(Bootstrap::BootstrapEvents::ProposalOpened(opened))) => {
            Some(opened.proposalId.saturating_to())
        }
        _ => None,
    })
}

/// Sends a vote, or takes one back, and says where the proposal stands then, as far as that can be learned.
async fn decide(context: &Context<'_>, id: u64, call: Call) -> Result<Report, CliError> {
    let sent = sent(context, call).await?;
    let Ok(Some(proposal)) = context.node.proposal(id).await else {
        return Ok(settled(format!("proposal {id} has your word"), sent));
    };
    let report = settled(output::standing(&proposal), sent);
    Ok(match output::next(&proposal) {
        Some(next) => report.with_next(next),
        None => report,
    })
}

/// A proposal's words beside the answer. Where nobody takes them, the answer still says what was done.
fn tell(proposal: &ProposalInfo) {
    let _ = write!(io::stderr(), "{}", output::proposal_words(proposal));
}
