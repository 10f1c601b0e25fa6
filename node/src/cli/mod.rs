//! The command line: one struct per area, `--help` written for a person.
//!
//! Parsed once in `main`; [`crate::config`] resolves it into a [`crate::config::NodeConfig`]. Environment variables are
//! read here, by clap, and nowhere else.

pub mod db;
pub mod keys;
pub mod rpc;
pub mod spec;
pub mod suites;
pub mod testnet;
pub mod validator;

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{admission::AdmissionArgs, anchor::AnchorArgs, error::NodeError, relaying::RelayerArgs};

const AFTER_HELP: &str = "\
Examples:
  ledger-node --chain dev                     a chain of your own, with ten funded accounts, in one process
  ledger-node --chain dev --data-dir /tmp/x   the same, in a folder that you can delete afterwards
  ledger-node --chain my-chain.toml --validator-key validator.pem --password-file password.txt
  ledger-node testnet up                      four validators and a full node on this machine, shown until Ctrl-C
  ledger-node --chain testnet                 one more node of that network, in another shell
  ledger-node keys generate --out validator.pem
  ledger-node spec check my-chain.toml
  ledger-node statetest fixtures/state_tests
  ledger-node validator proposals             what the validators are to decide, and who has voted
  ledger-node validator request --chain my-chain.toml --name 'Fifth Cloud'      ask to become a validator
  ledger-node recover plan                    what going back to the last checkpoint would leave behind
  ledger-node db backup /mnt/backup/today --chain dev

Exit codes:
  0  stopped as asked          1  failed while running       2  wrong usage
  3  refused the data folder   4  cannot use a key           5  cannot use the chain specification
  6  cannot listen on a port   7  the mainchain contradicts what is final here";

/// A node of a Cloud Ledger chain: keeps the ledger, serves JSON-RPC, and with a validator key makes blocks.
#[derive(Debug, Parser)]
#[command(name = "ledger-node", version, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    /// Which chain, and where its data is.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// How much of the past is kept.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// JSON-RPC.
    #[command(flatten)]
    pub rpc: rpc::RpcArgs,
    /// Peers.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Signing.
    #[command(flatten)]
    pub validator: ValidatorArgs,
    /// Who may join.
    #[command(flatten)]
    pub admission: AdmissionArgs,
    /// The mainchain.
    #[command(flatten)]
    pub anchor: AnchorArgs,
    /// Bringing checkpoints onto the mainchain.
    #[command(flatten)]
    pub relayer: RelayerArgs,
    /// Logs, metrics and output.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// Another thing to do than to run the node.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, show and import keys
    Keys(keys::KeysArgs),
    /// Show and check chain specifications
    Spec(spec::SpecArgs),
    /// Play Ethereum's state tests on this node's executor and database
    Statetest(suites::SuiteArgs),
    /// Play Ethereum's trie, RLP and transaction tests on this node's trie and decoders
    Trietest(suites::SuiteArgs),
    /// Verify, measure, prune, back up and restore the chain database
    Db(db::DbArgs),
    /// Run a network of validators and full nodes on this machine
    Testnet(testnet::TestnetArgs),
    /// Decide, as a validator, who runs the chain and what holds on it: propose, vote, leave
    Validator(Box<passport_cli::validator::args::DecideArgs>),
    /// Go back to a checkpoint's state when certified history was altered: plan, propose, status
    Recover(Box<passport_cli::validator::args::RecoverArgs>),
}

/// Which chain, and where its data is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Chain")]
pub struct ChainArgs {
    /// The chain: `dev`, `testnet`, or the path of a specification in TOML
    #[arg(long, global = true, env = "LEDGER_CHAIN", value_name = "NAME|PATH")]
    pub chain: Option<String>,
    /// Folder of everything this node keeps [default: ~/.cloud-ledger/<chain's name>]
    #[arg(long, global = true, env = "LEDGER_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// How much of the past is kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// Keep the state of every past block
    #[arg(long, env = "LEDGER_ARCHIVE", conflicts_with = "history_blocks")]
    pub archive: bool,
    /// Number of past blocks whose state can be read
    #[arg(long, env = "LEDGER_HISTORY_BLOCKS", default_value_t = 1024, value_name = "BLOCKS")]
    pub history_blocks: u64,
    /// Memory for database blocks in MiB; the state's tries take twice as much beside it
    #[arg(long, env = "LEDGER_CACHE_MIB", default_value_t = 32, value_name = "MIB",
          value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub cache_mib: u64,
    /// Go on from the block that the database opens at, although later ones were final here and are lost
    #[arg(long)]
    pub accept_lost_blocks: bool,
}

/// Peers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Address to listen for peers on
    #[arg(long, env = "LEDGER_P2P_HOST", default_value = "127.0.0.1", value_name = "IP")]
    pub p2p_host: IpAddr,
    /// Port (TCP and UDP) to listen for peers on; 0 takes a free one [default: 30333, or a free one where that is taken; on
    /// the dev chain: no network]
    #[arg(long, env = "LEDGER_P2P_PORT", value_name = "PORT")]
    pub p2p_port: Option<u16>,
    /// Addresses and ports to listen for peers on, in place of the two above, as 0.0.0.0:30333 or [::]:30333
    #[arg(
        long,
        env = "LEDGER_LISTEN",
        value_delimiter = ',',
        value_name = "IP:PORT",
        conflicts_with = "p2p_port"
    )]
    pub listen: Vec<SocketAddr>,
    /// Where peers reach this node if that is elsewhere (behind NAT, a forwarded port), as /ip4/../tcp/..
    #[arg(
        long,
        env = "LEDGER_EXTERNAL_ADDRESS",
        value_delimiter = ',',
        value_name = "MULTIADDR"
    )]
    pub external_address: Vec<String>,
    /// Peers to connect to, besides those of the specification, as /ip4/../tcp/../p2p/..
    #[arg(long, env = "LEDGER_BOOTNODES", value_delimiter = ',', value_name = "MULTIADDR")]
    pub bootnode: Vec<String>,
    /// Peers to stay connected to, whose places nobody else can take, as /ip4/../tcp/../p2p/..
    #[arg(long, env = "LEDGER_RESERVED_PEERS", value_delimiter = ',', value_name = "MULTIADDR")]
    pub reserved_peer: Vec<String>,
    /// Talk to reserved peers and to nobody else
    #[arg(long, env = "LEDGER_RESERVED_ONLY", requires = "reserved_peer")]
    pub reserved_only: bool,
    /// Connections that peers may open to this node; validators and reserved peers have places of their own
    #[arg(long, env = "LEDGER_MAX_PEERS", default_value_t = 96, value_name = "NUMBER")]
    pub max_peers: usize,
    /// How a new node gets to the end of the chain
    #[arg(long, env = "LEDGER_SYNC", default_value = "auto", value_name = "MODE")]
    pub sync: SyncMode,
}

/// How a new node gets to the end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SyncMode {
    /// If the chain is long, take the state of a recent block from peers, proven against its header; else as `full`.
    Auto,
    /// Execute every block from genesis on.
    Full,
}

/// Signing.
#[derive(Debug, Args)]
#[command(next_help_heading = "Validator")]
pub struct ValidatorArgs {
    /// Consensus key (encrypted PKCS#8 in PEM); without one the node makes no blocks [dev chain: a public key, built in]
    #[arg(long, env = "LEDGER_VALIDATOR_KEY", value_name = "PEM")]
    pub validator_key: Option<PathBuf>,
    /// File whose first line is the password of the key, or of the wallet that votes (mode 0600); without it you are asked
    #[arg(long, global = true, env = "LEDGER_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Checkpoint key (a keystore file), which signs for the mainchain; without one others have to sign [dev chain: a public key,
    /// built in]
    #[arg(long, env = "LEDGER_CHECKPOINT_KEY", value_name = "KEYSTORE")]
    pub checkpoint_key: Option<PathBuf>,
    /// File whose first line is its password (mode 0600) [default: that of --password-file]
    #[arg(
        long,
        env = "LEDGER_CHECKPOINT_PASSWORD_FILE",
        value_name = "FILE",
        requires = "checkpoint_key"
    )]
    pub checkpoint_password_file: Option<PathBuf>,
    /// Folder of the record of what was signed; keep it out of backups [default: <data folder>/guard]
    #[arg(long, env = "LEDGER_GUARD_DIR", value_name = "FOLDER")]
    pub guard_dir: Option<PathBuf>,
    /// Sign although that record is gone. Only safe if no other process ever signs with this key
    #[arg(long)]
    pub accept_lost_guard: bool,
    /// This key has never signed on this chain: sign from the first block on. For the first start of a new chain's validators;
    /// a key that joins later needs no word, and where there is a record this says nothing
    #[arg(long, conflicts_with = "accept_lost_guard")]
    pub fresh_guard: bool,
}

/// Logs, metrics and output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logs, metrics and output")]
pub struct TelemetryArgs {
    /// Form of the log on standard error
    #[arg(long, env = "LEDGER_LOG_FORMAT", default_value = "text", value_name = "FORM")]
    pub log_format: LogFormat,
    /// error, warn, info, debug, trace, or directives as `info,ledger::driver=debug`
    #[arg(long, env = "LEDGER_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub log_level: String,
    /// Serve Prometheus metrics on this port of 127.0.0.1 too (the RPC port has them under /metrics)
    #[arg(long, env = "LEDGER_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<u16>,
    /// Write one JSON object to standard output instead of text for people
    #[arg(long, global = true)]
    pub json: bool,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Prints the answer of a subcommand: `json` for scripts, or the text for people.
///
/// # Errors
/// [`NodeError::Environment`] if standard output does not take it.
fn output(as_json: bool, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<(), NodeError> {
    let line = if as_json { json.to_string() } else { text() };
    writeln!(io::stdout().lock(), "{line}").map_err(|source| NodeError::Environment {
        action: "cannot write to standard output",
        source,
    })
}
