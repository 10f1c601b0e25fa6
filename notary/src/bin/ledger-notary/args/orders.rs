//! What is sent to a server, and what is asked of it.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use ledger_notary::{
    desk::SubmissionId,
    records::{NotaryId, PlainText},
    tuf::Key,
};

use super::{NetworkArgs, OrderArgs, ServerArgs, TrustArgs, member, plain, public_key};

/// `found`
#[derive(Clone, Debug, Args)]
pub struct FoundArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// Root metadata, signed by enough of its holders
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
    /// Targets metadata, signed by enough of the working group
    #[arg(long, value_name = "FILE")]
    pub targets: PathBuf,
    /// Metadata of those who may suspend, signed by enough of them
    #[arg(long, value_name = "FILE")]
    pub deny: PathBuf,
    /// The list that they vouch for
    #[arg(long, value_name = "FILE")]
    pub deny_list: PathBuf,
}

/// `submit`
#[derive(Clone, Debug, Args)]
pub struct SubmitArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The admission as it shall be published (cloud-ledger-admission/1)
    #[arg(long, value_name = "FILE")]
    pub admission: PathBuf,
    /// The record of nodes (cloud-ledger-nodes/1)
    #[arg(long, value_name = "FILE")]
    pub nodes: PathBuf,
    /// How long the member's own metadata will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=183))]
    pub days: u64,
}

/// `withdraw`, `verify`
#[derive(Clone, Debug, Args)]
pub struct DecisionArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// Number of the submission
    #[arg(value_name = "SUBMISSION", value_parser = submission)]
    pub submission: SubmissionId,
}

/// `reject`
#[derive(Clone, Debug, Args)]
pub struct RejectArgs {
    /// Which.
    #[command(flatten)]
    pub decision: DecisionArgs,
    /// Why, in a few words that the cloud will read
    #[arg(long, value_name = "TEXT", value_parser = plain)]
    pub reason: PlainText,
}

/// `approve`
#[derive(Clone, Debug, Args)]
pub struct ApproveArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Version of the targets that are proposed
    #[arg(value_name = "PROPOSAL")]
    pub proposal: u64,
    /// Sign without being asked, if the bytes have this sha256: for those who have read `status --proposal` before
    #[arg(long, value_name = "SHA256")]
    pub sha256: Option<String>,
}

/// `publish`
#[derive(Clone, Debug, Args)]
pub struct PublishArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The record of nodes (cloud-ledger-nodes/1), which follows the published one
    #[arg(long, value_name = "FILE")]
    pub nodes: PathBuf,
    /// How long the member's own metadata will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=183))]
    pub days: u64,
}

/// `revoke`, and of others what is about a member that is published.
#[derive(Clone, Debug, Args)]
pub struct MemberArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The member
    #[arg(value_name = "MEMBER", value_parser = member)]
    pub member: NotaryId,
}

/// `suspend`
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["reason", "lift"]))]
pub struct SuspendArgs {
    /// About whom.
    #[command(flatten)]
    pub about: MemberArgs,
    /// File that says why; only its hash is published
    #[arg(long, value_name = "FILE")]
    pub reason: Option<PathBuf>,
    /// Let the member validate again
    #[arg(long)]
    pub lift: bool,
    /// How long the metadata will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=183))]
    pub days: u64,
}

/// `rotate`
#[derive(Clone, Debug, Args)]
pub struct RotateArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// The next root, as `root sign` left it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `status`
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("of").args(["submission", "member", "proposal", "validator"]))]
pub struct StatusArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Of this submission
    #[arg(long, value_name = "NUMBER", value_parser = submission)]
    pub submission: Option<SubmissionId>,
    /// Of this member
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    pub member: Option<NotaryId>,
    /// Of the proposal for this version of the targets
    #[arg(long, value_name = "VERSION")]
    pub proposal: Option<u64>,
    /// Of the validator with this key
    #[arg(long, value_name = "HEX")]
    pub validator: Option<String>,
}

/// `audit`
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Public key of the log (`serve` shows it when it starts); without it the log is not read
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    pub log_key: Option<Key>,
}

fn submission(text: &str) -> Result<SubmissionId, String> {
    let number = text
        .parse()
        .map_err(|_| format!("a submission has a number, got {text:?}"))?;
    Ok(SubmissionId(number))
}
