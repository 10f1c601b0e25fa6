//! What can be asked of `ledger-notary`? The command line, as data. Reads arguments and the environment variables that belong to them,
//! and nothing else.

pub mod ceremony;
pub mod orders;
pub mod services;

use std::{fmt, path::PathBuf};

use ceremony::{DenyCommand, KeyCommand, RootCommand, TargetsCommand};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ledger_notary::{
    records::{Network, NetworkId, NotaryId, PlainText},
    tuf::Key,
};
use orders::{
    ApproveArgs, AuditArgs, DecisionArgs, FoundArgs, MemberArgs, PublishArgs, RejectArgs, RotateArgs, StatusArgs,
    SubmitArgs, SuspendArgs,
};
use services::{RebuildArgs, ServeArgs, SignArgs};

const AFTER_HELP: &str = "\
The life of a notary:
  key new                      each holder makes a key; public keys are exchanged
  root new, sign               the root of who may sign, from holder to holder, offline
  targets new, deny new, sign  the first metadata of the working group and of those who may suspend
  serve, sign                  the server, and the process that holds the online keys, on another machine
  found                        the first release
  submit                       a cloud asks to be admitted; verify, approve: the working group says yes
  publish                      the member's nodes; suspend, revoke: the end of it, for a while or for good
  status, audit                what is published, and whether all of it can be believed

Exit codes: 0 done, 1 refused or failed, 2 the command line cannot be understood.";

/// The command line of `ledger-notary`.
#[derive(Debug, Parser)]
#[command(
    name = "ledger-notary",
    version,
    about = "Who may run a validator of Cloud Ledger: the working group's service",
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// Answer in JSON: one object on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What the log tells, on standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the log tells.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    /// That an operator must act.
    Error,
    /// That something is not as it should be.
    Warn,
    /// What happens.
    Info,
    /// And every entry.
    Debug,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        })
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: takes commands, keeps the log of them and publishes. Holds no key of any role
    Serve(ServeArgs),
    /// Run the signer: holds the online keys (snapshot, timestamp), and signs what it has verified itself
    Sign(SignArgs),
    /// Write the published folder anew from the storage, while no server runs
    Rebuild(RebuildArgs),
    /// Make a key, or show a public key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make and sign root metadata, offline
    #[command(subcommand)]
    Root(RootCommand),
    /// Make and sign the first targets metadata, offline
    #[command(subcommand)]
    Targets(TargetsCommand),
    /// Those who may suspend: make and sign their metadata, offline, and send them where several must sign
    #[command(subcommand)]
    Deny(DenyCommand),
    /// Send the first release to an empty notary
    Found(FoundArgs),
    /// A cloud: ask to be admitted, or to have the admission changed
    Submit(SubmitArgs),
    /// A cloud: take a submission back
    Withdraw(DecisionArgs),
    /// Working group: say that what a draft claims was found to be true
    Verify(DecisionArgs),
    /// Working group: say that it was not
    Reject(RejectArgs),
    /// Working group: look at the open proposal, and sign it
    Approve(ApproveArgs),
    /// Working group: propose the same targets for another term
    Renew(OrderArgs),
    /// Working group: take everything out of the open proposal
    Clear(OrderArgs),
    /// A member: publish other nodes, or the same for another term
    Publish(PublishArgs),
    /// Those who may suspend: keep a member from validating, or let it again
    Suspend(SuspendArgs),
    /// Working group: propose that a member is not one any more
    Revoke(MemberArgs),
    /// Holders of root: hand in the next root with one signature more
    Rotate(RotateArgs),
    /// Show what the server says of itself, of a submission, of a member or of the open proposal
    Status(StatusArgs),
    /// Read what is published as any validator does, and check the log from its first entry
    Audit(AuditArgs),
}

/// A network as `NAME/CHAIN_ID`.
#[derive(Clone, Debug)]
pub struct NetworkArg(pub Network);

impl std::str::FromStr for NetworkArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("a network is written as NAME/CHAIN_ID, such as cloud-ledger/6301, got {text:?}");
        let (name, chain_id) = text.split_once('/').ok_or_else(refuse)?;
        Ok(Self(Network {
            network_id: NetworkId::try_from(name.to_owned()).map_err(|error| error.to_string())?,
            chain_id: chain_id.parse().map_err(|_| refuse())?,
        }))
    }
}

/// A public key as 64 hex characters.
fn public_key(text: &str) -> Result<Key, String> {
    let json = serde_json::json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": text } });
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn member(text: &str) -> Result<NotaryId, String> {
    NotaryId::try_from(text.to_owned()).map_err(|error| error.to_string())
}

fn plain(text: &str) -> Result<PlainText, String> {
    PlainText::try_from(text.to_owned()).map_err(|error| error.to_string())
}

/// Which network.
#[derive(Clone, Debug, Args)]
pub struct NetworkArgs {
    /// Network as NAME/CHAIN_ID: the names of the chain specification. Signed with every command, so that it counts nowhere else
    #[arg(long, env = "LEDGER_NOTARY_NETWORK", value_name = "NAME/CHAIN_ID")]
    pub network: NetworkArg,
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Address of the notary. Plain HTTP: all that goes over it is signed
    #[arg(
        long,
        env = "LEDGER_NOTARY_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8650"
    )]
    pub server: String,
}

/// What is trusted already.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// Folder of what is trusted of the published metadata
    #[arg(long, env = "LEDGER_NOTARY_TRUSTED", value_name = "FOLDER")]
    pub trusted: PathBuf,
    /// Root metadata to trust if that folder is new: version 1, from the chain specification
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,
}

/// Whose key signs.
#[derive(Clone, Debug, Args)]
pub struct SecretArgs {
    /// Key file (encrypted PKCS#8 PEM); may be given several times where several keys sign
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub keys: Vec<PathBuf>,
    /// File whose first line is the password of the keys (mode 0600); without it you are asked
    #[arg(long, env = "LEDGER_NOTARY_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// A command to a server.
#[derive(Clone, Debug, Args)]
pub struct OrderArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whose key.
    #[command(flatten)]
    pub secret: SecretArgs,
}
