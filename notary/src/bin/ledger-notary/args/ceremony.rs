//! Keys, and documents that go from holder to holder.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use ledger_notary::{records::NotaryId, tuf::Key};

use super::{NetworkArgs, OrderArgs, SecretArgs, ServerArgs, TrustArgs, member, public_key};

/// `key …`
#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and show its public half
    New(KeyArgs),
    /// Show the public half of a key
    Show(KeyArgs),
}

/// A key file.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// Key file (encrypted PKCS#8 PEM)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// File whose first line is its password (mode 0600); without it you are asked
    #[arg(long, env = "LEDGER_NOTARY_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `root …`
#[derive(Clone, Debug, Subcommand)]
pub enum RootCommand {
    /// Make the first root, or with --before the next one; nobody has signed it then
    New(RootNewArgs),
    /// Add signatures to a root
    Sign(RootSignArgs),
    /// Show what a root says and who has signed it
    Show(ShowArgs),
}

/// `root new`
#[derive(Clone, Debug, Args)]
pub struct RootNewArgs {
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The root before; roles without keys on the command line stay as they are in it
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// Public key of a holder of root, several times
    #[arg(long = "root-key", value_name = "HEX", value_parser = public_key)]
    pub root_keys: Vec<Key>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "3")]
    pub root_threshold: NonZeroU32,
    /// Public key of somebody in the working group, several times
    #[arg(long = "targets-key", value_name = "HEX", value_parser = public_key)]
    pub targets_keys: Vec<Key>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "2")]
    pub targets_threshold: NonZeroU32,
    /// Public key of the signer for snapshots
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    pub snapshot_key: Option<Key>,
    /// Public key of the signer for timestamps
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    pub timestamp_key: Option<Key>,
    /// How long it will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=366))]
    pub days: u64,
}

/// `root sign`
#[derive(Clone, Debug, Args)]
pub struct RootSignArgs {
    /// The root; the file is replaced
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The root before, if there is one: its holders sign as well
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// Whose key.
    #[command(flatten)]
    pub secret: SecretArgs,
}

/// `… show`
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// The document
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `targets …`
#[derive(Clone, Debug, Subcommand)]
pub enum TargetsCommand {
    /// Make the first targets: no member yet
    New(TargetsNewArgs),
    /// Add signatures of the working group
    Sign(TargetsSignArgs),
}

/// Who may suspend from then on.
#[derive(Clone, Debug, Args)]
pub struct DenyHolderArgs {
    /// Public key of somebody who may suspend from then on, several times
    #[arg(long = "deny-key", value_name = "HEX", value_parser = public_key, required = true)]
    pub deny_keys: Vec<Key>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "1")]
    pub deny_threshold: NonZeroU32,
}

/// `targets new`
#[derive(Clone, Debug, Args)]
pub struct TargetsNewArgs {
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Who may suspend from then on.
    #[command(flatten)]
    pub holders: DenyHolderArgs,
    /// How long it will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=92))]
    pub days: u64,
}

/// `targets sign`
#[derive(Clone, Debug, Args)]
pub struct TargetsSignArgs {
    /// The targets; the file is replaced
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The root that says who the working group is
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
    /// Whose key.
    #[command(flatten)]
    pub secret: SecretArgs,
}

/// `deny …`
#[derive(Clone, Debug, Subcommand)]
pub enum DenyCommand {
    /// Make the first list of suspended members, which is empty, and its metadata
    New(DenyNewArgs),
    /// Make the metadata after the published ones: for another list, or for the same for another term
    Next(DenyNextArgs),
    /// Add signatures of those who may suspend
    Sign(DenySignArgs),
    /// Send a list and its metadata, once enough have signed
    Send(DenySendArgs),
    /// Working group: propose other keys for those who may suspend
    Replace(DenyReplaceArgs),
}

/// The next list, and metadata for it that nobody has signed.
#[derive(Clone, Debug, Args)]
pub struct DenyOutArgs {
    /// Metadata file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// File of the list to write
    #[arg(long, value_name = "FILE")]
    pub list_out: PathBuf,
    /// How long the metadata will be good, in days
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=183))]
    pub days: u64,
}

/// `deny new`
#[derive(Clone, Debug, Args)]
pub struct DenyNewArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What is written.
    #[command(flatten)]
    pub written: DenyOutArgs,
}

/// `deny next`
#[derive(Clone, Debug, Args)]
pub struct DenyNextArgs {
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// A member that may not validate from then on
    #[arg(long, value_name = "MEMBER", value_parser = member, requires = "reason", conflicts_with = "lift")]
    pub suspend: Option<NotaryId>,
    /// File that says why; only its hash is published
    #[arg(long, value_name = "FILE", requires = "suspend")]
    pub reason: Option<PathBuf>,
    /// A member that may validate again
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    pub lift: Option<NotaryId>,
    /// What is written.
    #[command(flatten)]
    pub written: DenyOutArgs,
}

/// `deny sign`
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("holders").required(true).args(["targets", "deny_keys"]))]
pub struct DenySignArgs {
    /// The metadata; the file is replaced
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The targets that say who may suspend; a trusted folder has the published ones as targets.json
    #[arg(long, value_name = "FILE")]
    pub targets: Option<PathBuf>,
    /// Public key of somebody who will be one of them, several times
    #[arg(long = "deny-key", value_name = "HEX", value_parser = public_key)]
    pub deny_keys: Vec<Key>,
    /// How many of them must sign
    #[arg(long, value_name = "N", default_value = "1")]
    pub deny_threshold: NonZeroU32,
    /// Whose key.
    #[command(flatten)]
    pub secret: SecretArgs,
}

/// `deny send`
#[derive(Clone, Debug, Args)]
pub struct DenySendArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// The metadata, signed
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The list that they vouch for
    #[arg(long, value_name = "FILE")]
    pub list: PathBuf,
}

/// `deny replace`
#[derive(Clone, Debug, Args)]
pub struct DenyReplaceArgs {
    /// The command.
    #[command(flatten)]
    pub order: OrderArgs,
    /// Metadata for the published list, signed by the new keys (`deny next`, `deny sign --deny-key`)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Who may suspend from then on.
    #[command(flatten)]
    pub holders: DenyHolderArgs,
}
