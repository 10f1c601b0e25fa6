//! What can be asked of `ledger-node validator`? The command line, as data.

use alloy_primitives::U256;
use clap::{Args, Subcommand};

use super::plan;
use crate::{args::WalletArgs, time::Span};

/// `ledger-node validator`
#[derive(Debug, Args)]
pub struct DecideArgs {
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
    /// What to do
    #[command(subcommand)]
    pub command: ValidatorCommand,
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
    /// Show a proposal and vote for it, or against it; a request for admission can only be voted against
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
