//! `ledger-node testnet`: a network of real nodes on this machine, in one folder.
//!
//! [`plan`] says which nodes there are, [`launch`] how each is started, [`folder`] what is known about them, [`processes`] starts, knows
//! again and ends them; [`network`] does so under the folder's lock. [`notary`] is who says who may run a validator, [`mainchain`] what the
//! checkpoints are brought to. [`status`] looks at all of them through [`ask`], and [`beside`] is about what is no node. The commands are
//! `up` (with [`view`]), [`logs`], [`admit`], and the small ones in [`commands`]. Nothing here knows the chain's rules: the nodes are
//! started as anybody would start them, by their command line.

mod admit;
mod args;
mod ask;
mod beside;
mod commands;
pub mod error;
mod files;
mod folder;
mod interrupt;
mod launch;
mod logs;
mod mainchain;
mod network;
mod notary;
mod plan;
mod ports;
mod processes;
mod spec;
mod status;
mod up;
mod view;

pub use args::TestnetArgs;

use args::TestnetCommand;

use super::Cli;
use crate::error::NodeError;

/// Does what `testnet` asks for.
///
/// # Errors
/// [`NodeError::Testnet`], or [`NodeError::Environment`] if nothing can be printed.
pub fn run(cli: &Cli, args: &TestnetArgs) -> Result<(), NodeError> {
    match &args.command {
        TestnetCommand::Up(args) => up::run(cli, args),
        TestnetCommand::Status => commands::status(cli),
        TestnetCommand::Logs(args) => logs::run(cli, args),
        TestnetCommand::StopNode(args) => commands::stop_node(cli, &args.node),
        TestnetCommand::StartNode(args) => commands::start_node(cli, &args.node),
        TestnetCommand::Restart { node } => commands::restart(cli, node.as_deref()),
        TestnetCommand::Admit(args) => admit::run(cli, args),
        TestnetCommand::Down => commands::down(cli),
    }
}
