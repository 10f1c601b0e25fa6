//! What can be asked of `ledger-node validator`? The command line, as data.

use std::path::PathBuf;

use alloy_primitives::U256;
use clap::{Args, Subcommand};

use super::plan;
use crate::{args::WalletArgs, time::Span};

/// Which node is asked, and whose wallet signs.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// JSON-RPC address of a node
    #[arg(
        long,
        global = true,
        env = "LEDGER_RPC",
        value_name = "URL",
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc: String,
    /// Longest wait for a block to take a transaction, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// The wallet of the validator's account.
    #[command(flatten)]
    pub wallet: WalletArgs,
}

/// `ledger-node validator`
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The node, and the wallet.
    #[command(flatten)]
    pub node: NodeArgs,
    /// What to do
    #[command(subcommand)]
    pub command: ValidatorCommand,
}

/// `ledger-node recover`
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// The node, and the wallet.
    #[command(flatten)]
    pub node: NodeArgs,
    /// What to do
    #[command(subcommand)]
    pub command: RecoverCommand,
}

/// What to do about a recovery.
#[derive(Debug, Subcommand)]
pub enum RecoverCommand {
    /// Show what going back to a checkpoint would leave behind, and every code that a cloud redeemed in it
    Plan {
        /// Index of the checkpoint on the mainchain [default: the newest one that this node's chain can go back to]
        checkpoint: Option<u64>,
    },
    /// Propose to the other validators to go back to a checkpoint, once this node has said that it can
    Propose {
        /// Index of the checkpoint on the mainchain
        checkpoint: u64,
    },
    /// Show the recovery that is on its way, or the last one with every code that was redeemed in what it left behind
    Status,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum ValidatorCommand {
    /// Show who runs the chain, in the order of their turns
    List,
    /// Show the open proposals: what each would change, from what to what, and who has voted
    Proposals,
    /// Propose something to the other validators
    #[command(subcommand)]
    Propose(ProposeCommand),
    /// Show a proposal and vote for it, or against it. A vote for a candidate names what this command verifies at the notary
    Vote {
        /// Number of the proposal
        proposal: u64,
        /// Vote against it
        #[arg(long)]
        against: bool,
    },
    /// Take your vote back
    Unvote {
        /// Number of the proposal
        proposal: u64,
    },
    /// Carry out a proposal that has passed, once its timelock is over; any account may
    Execute {
        /// Number of the proposal
        proposal: u64,
    },
    /// Take your own proposal back
    Withdraw {
        /// Number of the proposal
        proposal: u64,
    },
    /// Take your validator out of the set, on its own accord
    Leave,
    /// Ask for admission of this node as a validator, with the keys that its member's record at the notary lists
    Request(RequestArgs),
    /// Print the record of nodes that a member signs, with this node in it and the word of its four keys
    Record(RecordArgs),
}

/// A request for admission. The account is that of the wallet.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Name of the new member cloud, as the working group admitted it; not needed for a member's own account
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The member that nominated this account for a further validator
    #[arg(long, value_name = "ID", conflicts_with = "name")]
    pub member: Option<u32>,
    /// This node's consensus key, to see that it is the one that the record lists
    #[arg(long, value_name = "PEM")]
    pub consensus_key: Option<PathBuf>,
    /// File with that key's password [default: that of --password-file]
    #[arg(long, value_name = "FILE", requires = "consensus_key")]
    pub key_password_file: Option<PathBuf>,
}

/// A record of nodes. The account's word is that of the wallet, the peer's that of the node's data folder.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// What the notary calls the member, as aurora
    #[arg(long, value_name = "ID")]
    pub member_id: String,
    /// The node's consensus key
    #[arg(long, value_name = "PEM")]
    pub consensus_key: PathBuf,
    /// File with that key's password [default: that of --password-file]
    #[arg(long, value_name = "FILE")]
    pub key_password_file: Option<PathBuf>,
    /// Keystore of the key that signs checkpoints
    #[arg(long, value_name = "KEYSTORE")]
    pub checkpoint_key: PathBuf,
    /// File with that keystore's password [default: that of --password-file]
    #[arg(long, value_name = "FILE")]
    pub checkpoint_password_file: Option<PathBuf>,
    /// Where peers reach the node, as /dns4/node.example/tcp/30333
    #[arg(long, value_name = "MULTIADDR", required = true, value_delimiter = ',')]
    pub endpoint: Vec<String>,
    /// Where it stands, for people
    #[arg(long, value_name = "REGION")]
    pub region: String,
    /// Days for which the keys' words hold
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3_650))]
    pub valid_days: u64,
    /// The record that is published, which this one follows
    #[arg(long, value_name = "FILE")]
    pub after: Option<PathBuf>,
}

/// What to propose.
#[derive(Debug, Subcommand)]
pub enum ProposeCommand {
    /// What one holder may ask for; what is not given stays as it is
    Limits(LimitsArgs),
    /// How the chain is anchored on the mainchain; what is not given stays as it is
    Checkpoints(CheckpointsArgs),
    /// A new instance specification
    Spec(SpecArgs),
    /// That a validator be removed from the set
    Removal {
        /// The validator's account
        account: String,
    },
    /// That a member cloud be removed; its validators have to be gone by then
    MemberRemoval {
        /// Its member id
        member_id: u32,
    },
}

/// Limits of holders.
#[derive(Debug, Default, Args)]
#[group(required = true, multiple = true)]
pub struct LimitsArgs {
    /// Promo codes that one holder may have at a time
    #[arg(long, value_name = "NUMBER")]
    pub live_codes: Option<u32>,
    /// Requests of one holder in one period
    #[arg(long, value_name = "NUMBER")]
    pub requests: Option<u32>,
    /// Length of the period: 90s, 15m, 2h or 1d
    #[arg(long, value_name = "SPAN")]
    pub period: Option<Span>,
}

/// How the chain is anchored.
#[derive(Debug, Default, Args)]
#[group(required = true, multiple = true)]
pub struct CheckpointsArgs {
    /// Blocks of this chain between two checkpoints
    #[arg(long, value_name = "BLOCKS")]
    pub every: Option<u64>,
    /// Chain id of the mainchain
    #[arg(long, value_name = "ID")]
    pub mainchain_id: Option<u64>,
    /// Address of the checkpoint contract there
    #[arg(long, value_name = "ADDRESS")]
    pub contract: Option<String>,
    /// Blocks of the mainchain after which a checkpoint counts as final
    #[arg(long, value_name = "BLOCKS")]
    pub final_after: Option<u64>,
}

/// An instance specification.
#[derive(Debug, Args)]
pub struct SpecArgs {
    /// Its name, of 1 to 31 bytes
    pub name: String,
    /// Virtual processors
    #[arg(long, value_name = "NUMBER")]
    pub vcpus: u32,
    /// Memory, in MiB
    #[arg(long, value_name = "MIB")]
    pub memory_mib: u32,
    /// Disk, in GiB
    #[arg(long, value_name = "GIB")]
    pub disk_gib: u32,
    /// Hours that the instance is given for
    #[arg(long, value_name = "HOURS")]
    pub hours: u32,
    /// How long a code can be redeemed: 90s, 15m, 2h or 1d
    #[arg(long, value_name = "SPAN")]
    pub ttl: Span,
    /// Passport tokens that the holder gets at redemption, as 1.5
    #[arg(long, value_name = "PASS", default_value = "0", value_parser = plan::pass)]
    pub reward: U256,
    /// Let clouds redeem without the holder's signature: then whoever reads the chain can present somebody else's code
    #[arg(long)]
    pub without_authorization: bool,
}
