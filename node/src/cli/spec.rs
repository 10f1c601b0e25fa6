//! `ledger-node spec`: show a chain specification, check one, compute its genesis hash.

use clap::{Args, Subcommand};
use ledger_chainspec::ChainSpec;
use serde_json::json;

use crate::error::NodeError;

use super::{Cli, output};

/// `ledger-node spec`
#[derive(Debug, Args)]
pub struct SpecArgs {
    #[command(subcommand)]
    command: SpecCommand,
}

#[derive(Debug, Subcommand)]
enum SpecCommand {
    /// Print a specification in TOML: the start of your own
    Show {
        /// `dev`, `testnet` or a path
        #[arg(value_name = "NAME|PATH")]
        of: Option<String>,
    },
    /// Check a specification and list everything that is wrong with it
    Check {
        /// `dev`, `testnet` or a path
        #[arg(value_name = "NAME|PATH")]
        of: Option<String>,
    },
    /// Compute the hash of the genesis block, which names the chain
    Hash {
        /// `dev`, `testnet` or a path
        #[arg(value_name = "NAME|PATH")]
        of: Option<String>,
    },
}

/// Does what `spec` asks for.
///
/// # Errors
/// [`NodeError::Spec`] for a specification that cannot be used, [`NodeError::Usage`] if none is named.
pub fn run(cli: &Cli, args: &SpecArgs) -> Result<(), NodeError> {
    let as_json = cli.telemetry.json;
    match &args.command {
        SpecCommand::Show { of } => {
            let spec = load(cli, of.as_deref())?;
            let toml = spec.to_toml();
            output(
                as_json,
                &json!({ "name": spec.name, "chain_id": spec.chain_id, "toml": toml }),
                || toml.trim_end().to_owned(),
            )
        }
        SpecCommand::Check { of } => {
            let spec = load(cli, of.as_deref())?;
            let (members, validators) = (spec.members.len(), spec.validators.len());
            let facts = json!({ "name": spec.name, "chain_id": spec.chain_id, "members": members,
                "validators": validators });
            output(as_json, &facts, || {
                format!(
                    "{}: chain id {}, {members} members, {validators} validators: no problem found",
                    spec.name, spec.chain_id
                )
            })
        }
        SpecCommand::Hash { of } => {
            let spec = load(cli, of.as_deref())?;
            let hash = crate::assembly::genesis_hash(&spec)?;
            output(
                as_json,
                &json!({ "name": spec.name, "genesis_hash": hash.to_string() }),
                || hash.to_string(),
            )
        }
    }
}

fn load(cli: &Cli, of: Option<&str>) -> Result<ChainSpec, NodeError> {
    let name = of.or(cli.chain.chain.as_deref());
    let name = name.ok_or_else(|| NodeError::Usage("which specification? name dev, testnet or a path".to_owned()))?;
    Ok(ChainSpec::load(name)?)
}
