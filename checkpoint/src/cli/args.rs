//! What can be asked of `ledger-relayer`? The command line, as data.
//!
//! Called by `main`. It reads arguments and the environment variables that belong to them, and nothing else.

use std::{net::SocketAddr, path::PathBuf};

use alloy_primitives::{Address, B256};
use clap::{Args, Parser, Subcommand};
use ledger_checkpoint::plan::policy;

const AFTER_HELP: &str = "\
The mainchain is Ethereum Classic (chain id 61), or any Ethereum chain that takes transactions of type 0. Name one node of it
that is yours, or three or more that are not: what more than half of them say is believed. Two must always agree.

Examples:
  ledger-relayer deploy  --mainchain http://127.0.0.1:8555 --key relayer.json --genesis 0x.. --set-id 1 --checkpoint-key 0x..,0x..
  ledger-relayer run     --mainchain http://127.0.0.1:8555 --contract 0x.. --sidechain http://127.0.0.1:8545 --key relayer.json
  ledger-relayer monitor --mainchain http://127.0.0.1:8555 --contract 0x.. --sidechain http://127.0.0.1:8545 --metrics 127.0.0.1:9465

Exit codes:
  0  done; of `verify`, `monitor` and `status`: nothing is wrong
  1  something is wrong, and it was said what
  2  the command line cannot be understood
  3  a chain does not answer: nothing is known to be right or wrong
  4  a key, a password or the journal cannot be used";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "ledger-relayer",
    version,
    about = "Brings checkpoints of the ledger onto its mainchain, and checks the ones that are there",
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// Answer in JSON, and log in JSON lines
    #[arg(long, global = true)]
    pub json: bool,
    /// How much to log: error, warn, info, debug
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug"])]
    pub log_level: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring checkpoints onto the mainchain, until stopped. May be killed at any time: the next start goes on
    Run(RunArgs),
    /// Put the contract onto the mainchain. Costs about 1.6 million gas. Said again after it was cut off, it goes on with what it
    /// had begun
    Deploy(DeployArgs),
    /// Show how far the checkpoints are, from the contract and, if given, from a relayer's journal
    Status(StatusArgs),
    /// Compare every anchored checkpoint with the sidechain, once
    Verify(VerifyArgs),
    /// Compare both chains again and again, without a key, and alert. Ends with 1 if something is wrong at the end
    Monitor(MonitorArgs),
}

/// Where the mainchain is.
#[derive(Clone, Debug, Args)]
pub struct MainchainArgs {
    /// JSON-RPC addresses of mainchain nodes, separated by commas
    #[arg(
        long = "mainchain",
        env = "LEDGER_RELAYER_MAINCHAIN",
        value_name = "URL",
        value_delimiter = ',',
        required = true
    )]
    pub urls: Vec<String>,
}

/// Both chains and the contract between them.
#[derive(Clone, Debug, Args)]
pub struct ChainsArgs {
    /// Where the mainchain is.
    #[command(flatten)]
    pub mainchain: MainchainArgs,
    /// Address of the checkpoint contract on the mainchain [default: the one that the sidechain's configuration names]
    #[arg(long, env = "LEDGER_RELAYER_CONTRACT", value_name = "ADDRESS")]
    pub contract: Option<Address>,
    /// JSON-RPC address of a node of the sidechain that gives signed checkpoints
    #[arg(
        long,
        env = "LEDGER_RELAYER_SIDECHAIN",
        value_name = "URL",
        default_value = "http://127.0.0.1:8545"
    )]
    pub sidechain: String,
}

/// Whose key signs and pays.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// Web3 keystore file of the account that pays (`ledger-node keys account new` makes one). Use it for nothing else
    #[arg(long, env = "LEDGER_RELAYER_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// File whose first line is its password (mode 0600); without it you are asked
    #[arg(long, env = "LEDGER_RELAYER_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Highest price per gas that is ever paid, in gwei
    #[arg(long, env = "LEDGER_RELAYER_GAS_PRICE_MAX", value_name = "GWEI", default_value_t = policy::GAS_PRICE_MAX_GWEI,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub gas_price_max: u64,
}

/// How to run.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Both chains.
    #[command(flatten)]
    pub chains: ChainsArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Show what would be done, once, and do nothing: nothing is signed, sent or written
    #[arg(long)]
    pub dry_run: bool,
    /// Account to play in a dry run without a key
    #[arg(long, value_name = "ADDRESS", requires = "dry_run", conflicts_with = "key")]
    pub account: Option<Address>,
    /// Folder of the journal; one per relayer
    #[arg(
        long,
        env = "LEDGER_RELAYER_JOURNAL",
        value_name = "FOLDER",
        default_value = ".data/relayer"
    )]
    pub journal: PathBuf,
    /// Place among all relayers, from 0: the turns go round, and who is not in turn waits
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub rank: u64,
    /// Number of relayers that share the work
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub relayers: u64,
    /// When checkpoints are soft and final.
    #[command(flatten)]
    pub depth: DepthArgs,
    /// Pace and metrics.
    #[command(flatten)]
    pub watching: WatchingArgs,
}

/// When checkpoints are soft and final.
#[derive(Clone, Copy, Debug, Args)]
pub struct DepthArgs {
    /// Blocks upon a checkpoint before it is soft
    #[arg(long, value_name = "BLOCKS", default_value_t = policy::SOFT_BLOCKS)]
    pub soft_blocks: u64,
    /// Blocks upon a checkpoint before it is final, and its bundle is kept no longer
    #[arg(long, value_name = "BLOCKS", default_value_t = policy::FINAL_BLOCKS)]
    pub final_blocks: u64,
}

/// Pace and metrics.
#[derive(Clone, Copy, Debug, Args)]
pub struct WatchingArgs {
    /// Seconds from one look at the chains to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub poll: u64,
    /// Serve Prometheus metrics at this address
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
}

/// How to deploy.
#[derive(Clone, Debug, Args)]
pub struct DeployArgs {
    /// Where the mainchain is.
    #[command(flatten)]
    pub mainchain: MainchainArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Hash of the sidechain's genesis block (`ledger-node spec show`)
    #[arg(long, value_name = "HASH")]
    pub genesis: B256,
    /// Number of the validator set that signs first
    #[arg(long, value_name = "N")]
    pub set_id: u64,
    /// Checkpoint keys of that set, in its order, separated by commas
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', required = true)]
    pub checkpoint_key: Vec<Address>,
    /// Show what would be sent and what it would cost, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the record of what was sent; another deployment needs another
    #[arg(
        long,
        env = "LEDGER_RELAYER_JOURNAL",
        value_name = "FOLDER",
        default_value = ".data/relayer"
    )]
    pub journal: PathBuf,
    /// Longest wait for a block that has it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
}

/// What to show.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Both chains.
    #[command(flatten)]
    pub chains: ChainsArgs,
    /// Folder of a relayer's journal; it is only read
    #[arg(long, env = "LEDGER_RELAYER_JOURNAL", value_name = "FOLDER")]
    pub journal: Option<PathBuf>,
    /// Account whose balance to show
    #[arg(long, value_name = "ADDRESS")]
    pub account: Option<Address>,
    /// When checkpoints are soft and final.
    #[command(flatten)]
    pub depth: DepthArgs,
}

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Both chains.
    #[command(flatten)]
    pub chains: ChainsArgs,
    /// The first checkpoint to compare
    #[arg(long, value_name = "INDEX", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// The first block whose rejections to read; without it, they are not read
    #[arg(long, value_name = "BLOCK")]
    pub from_block: Option<u64>,
}

/// How to monitor.
#[derive(Clone, Debug, Args)]
pub struct MonitorArgs {
    /// Both chains.
    #[command(flatten)]
    pub chains: ChainsArgs,
    /// Compare everything once, and end
    #[arg(long)]
    pub once: bool,
    /// The first checkpoint to compare
    #[arg(long, value_name = "INDEX", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// The first block whose rejections to read [default: the newest]
    #[arg(long, value_name = "BLOCK")]
    pub from_block: Option<u64>,
    /// Account whose balance matters: a relayer's
    #[arg(long, value_name = "ADDRESS", requires = "balance_min")]
    pub account: Option<Address>,
    /// What that account should have, in gwei
    #[arg(long, value_name = "GWEI", requires = "account")]
    pub balance_min: Option<u64>,
    /// Depth from which a reorganisation is told
    #[arg(long, value_name = "BLOCKS", default_value_t = policy::SOFT_BLOCKS)]
    pub reorganisation_blocks: u64,
    /// Blocks that a signed checkpoint may wait
    #[arg(long, value_name = "BLOCKS", default_value_t = policy::OVERDUE_BLOCKS)]
    pub overdue_blocks: u64,
    /// Pace and metrics.
    #[command(flatten)]
    pub watching: WatchingArgs,
}
