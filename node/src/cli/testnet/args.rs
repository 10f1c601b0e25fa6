//! What may be said after `ledger-node testnet`.
//!
//! Parsed by clap, read by the commands beside it. The folder is the global `--data-dir`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::plan::{NODES_MAX, VALIDATORS_MAX};

const AFTER_HELP: &str = "\
The folder of the network is --data-dir (default: ~/.cloud-ledger/local-testnet). Every command finds the network by it.

Examples:
  ledger-node testnet up                                     four validators and a full node, shown until Ctrl-C
  ledger-node testnet up --validators 7 --nodes 2 --detach   in the background, with a chain of its own
  ledger-node testnet up --mainchain                         with Ethereum Classic beside it, and checkpoints upon it
  ledger-node testnet status --json
  ledger-node testnet stop-node 2                            validator-2 stops, the others go on
  ledger-node testnet start-node validator-2
  ledger-node testnet logs node-0 --follow
  ledger-node testnet admit --name 'Everest Cloud'           a new cloud joins: notary, request, votes, its first block
  ledger-node testnet down                                   everything stops; the data stays
  ledger-node --chain testnet                                one more node, in another shell: it joins at the default ports

EVERY KEY OF THE BUILT-IN CHAIN IS PUBLIC, and the accounts of its clouds are on every such network: never put anything
of value here.

Exit codes:
  0  done; of `status`: all nodes that should run do
  1  a node ended, does not answer or makes no block; of `status`: not all run, or none
  2  wrong usage               3  the folder cannot be used          6  ports are taken";

/// `ledger-node testnet`
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TestnetArgs {
    #[command(subcommand)]
    pub(super) command: TestnetCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TestnetCommand {
    /// Start a network of validators and full nodes, or what of an earlier one is down
    #[command(after_help = AFTER_HELP)]
    Up(UpArgs),
    /// Show every node: process, JSON-RPC, height, peers
    Status,
    /// Show the last lines of the nodes' logs
    Logs(LogsArgs),
    /// Stop one node; the others go on
    StopNode(NodeArgs),
    /// Start one node that was stopped
    StartNode(NodeArgs),
    /// Stop nodes and start them again
    Restart {
        /// Which: a name as `validator-0` or `node-0`, or the number that `status` shows [default: all that run]
        #[arg(value_name = "NODE")]
        node: Option<String>,
    },
    /// Let a new cloud join: its working group admits it at the notary, its node asks the chain, the validators vote, it makes a block.
    /// Typed again after it was cut off, it goes on
    Admit(AdmitArgs),
    /// Stop all nodes, the notary and the mainchain; the data stays
    Down,
}

/// How big the network is and where it listens. What is not said stays as it was, or takes the default.
#[derive(Debug, Clone, Args)]
pub(super) struct UpArgs {
    /// Validators [default: 4, on the built-in chain `testnet`; other numbers get a chain of their own]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub validators: Option<u16>,
    /// Full nodes besides [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(0..=i64::from(NODES_MAX)))]
    pub nodes: Option<u16>,
    /// Return as soon as the network works, and leave it running
    #[arg(long)]
    pub detach: bool,
    /// First port for peers: validator 0 listens there, the others behind it [default: 30333]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub p2p_port_base: Option<u16>,
    /// First port of JSON-RPC: the first full node listens there (without one, validator 0) [default: 8545]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub rpc_port_base: Option<u16>,
    /// Port of the notary, which says who may run a validator [default: 8650]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub notary_port: Option<u16>,
    /// Start no notary: validators check nothing, and nobody can be admitted by `testnet admit`
    #[arg(long, conflicts_with = "notary_port")]
    pub no_notary: bool,
    /// Start a mainchain, too: anvil as Ethereum Classic with the checkpoint contract, and relayers in two validators. Said once, it
    /// stays with the network
    #[arg(long)]
    pub mainchain: bool,
    /// Port of the mainchain's JSON-RPC [default: 8655]
    #[arg(long, value_name = "PORT", requires = "mainchain", value_parser = clap::value_parser!(u16).range(1..))]
    pub mainchain_port: Option<u16>,
    /// The program anvil [default: where npm puts it in this repository (npm ci in tests/js)]
    #[arg(long, env = "LEDGER_ANVIL", value_name = "FILE")]
    pub anvil: Option<PathBuf>,
}

/// Who joins.
#[derive(Debug, Args)]
pub(super) struct AdmitArgs {
    /// What the chain will call the cloud; one that was about to join goes on [default: Cloud and its number]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct NodeArgs {
    /// A name as `validator-0` or `node-0`, or the number that `status` shows
    #[arg(value_name = "NODE")]
    pub node: String,
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// A name as `validator-0` or `node-0`, or the number that `status` shows [default: all]
    #[arg(value_name = "NODE")]
    pub node: Option<String>,
    /// Go on with what comes, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// Lines of each log to begin with
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20)]
    pub lines: usize,
}
