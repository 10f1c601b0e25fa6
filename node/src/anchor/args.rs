//! How is the mainchain read? The flags, and what is to be done by them.
//!
//! Called by the configuration.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use clap::Args;
use ledger_chainspec::{ChainSpec, CheckpointParams};
use ledger_checkpoint::mainchain::Nodes;

use crate::error::NodeError;

/// Blocks upon a checkpoint before no reorganisation takes it: more than the deepest that Ethereum Classic has seen.
const FINAL_BLOCKS: u64 = ledger_checkpoint::plan::policy::FINAL_BLOCKS;

/// The mainchain.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mainchain")]
pub struct AnchorArgs {
    /// JSON-RPC addresses of mainchain nodes, separated by commas: one that is yours, or three or more that are not, of which
    /// more than half have to say the same. Without one, checkpoints are not read back
    #[arg(long, env = "LEDGER_MAINCHAIN", value_name = "URL", value_delimiter = ',')]
    pub mainchain: Vec<String>,
    /// The checkpoint contract there [default: the one that the chain names]
    #[arg(
        long,
        env = "LEDGER_MAINCHAIN_CONTRACT",
        value_name = "ADDRESS",
        requires = "mainchain"
    )]
    pub mainchain_contract: Option<Address>,
    /// The block of the mainchain that the contract was made in, so that none before it is looked through
    #[arg(long, env = "LEDGER_MAINCHAIN_FROM", value_name = "BLOCK", default_value_t = 0)]
    pub mainchain_from: u64,
    /// Mainchain blocks upon a checkpoint before it is believed [default: as many as the chain says, 120 on the testnet]
    #[arg(long, env = "LEDGER_MAINCHAIN_SOFT", value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..))]
    pub mainchain_soft: Option<u64>,
    /// Mainchain blocks upon a checkpoint before it stays believed whatever the mainchain says
    #[arg(long, env = "LEDGER_MAINCHAIN_FINAL", value_name = "BLOCKS", default_value_t = FINAL_BLOCKS,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub mainchain_final: u64,
    /// Seconds from one look at the mainchain to the next
    #[arg(long, env = "LEDGER_MAINCHAIN_POLL", value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub mainchain_poll: u64,
    /// Index of the checkpoint to go back to, on a node that stopped because the mainchain contradicts it. It goes on, and until the chain
    /// has recovered to that checkpoint by vote, it proposes and votes for calls to the contract Bootstrap alone. Read "Going back to a
    /// checkpoint" in the handbook first; `ledger-node recover plan` says which checkpoint
    #[arg(long, env = "LEDGER_RECOVER_FROM", value_name = "INDEX", requires = "mainchain")]
    pub recover_from: Option<u64>,
    /// Minutes that a checkpoint may be due before that is an alarm
    #[arg(long, env = "LEDGER_ANCHOR_OVERDUE", value_name = "MINUTES", default_value_t = 120,
          value_parser = clap::value_parser!(u64).range(1..=525_600))]
    pub anchor_overdue: u64,
}

/// What to read, and how.
#[derive(Debug, Clone)]
pub struct AnchorConfig {
    /// Nodes of the mainchain.
    pub urls: Vec<String>,
    /// The contract, if the operator names one.
    pub contract: Option<Address>,
    /// What the specification says of it, for a node that has no chain yet.
    pub genesis: CheckpointParams,
    /// The first block that it could have told anything in.
    pub from: u64,
    /// Blocks upon a believed checkpoint, if the operator names a number.
    pub soft_blocks: Option<u64>,
    /// Blocks upon a final one.
    pub final_blocks: u64,
    /// Seconds from one look to the next.
    pub poll_seconds: u64,
    /// Milliseconds that a checkpoint may be due.
    pub overdue_ms: u64,
    /// Folder of what was confirmed.
    pub folder: PathBuf,
    /// The checkpoint after which the operator has set contradictions aside.
    pub recover_from: Option<u64>,
}

/// What the flags ask for; none to read nothing.
///
/// # Errors
/// [`NodeError::Usage`] if they make no sense together.
pub fn resolve(args: &AnchorArgs, spec: &ChainSpec, data: &Path) -> Result<Option<AnchorConfig>, NodeError> {
    if args.mainchain.is_empty() {
        return Ok(None);
    }
    if let Err(error) = Nodes::new(&args.mainchain, Address::ZERO) {
        return Err(NodeError::Usage(format!("--mainchain: {error}")));
    }
    if let Some(soft) = args.mainchain_soft.filter(|soft| *soft > args.mainchain_final) {
        return Err(NodeError::Usage(format!(
            "--mainchain-soft {soft} is more than --mainchain-final {}: a checkpoint is believed before it is final",
            args.mainchain_final
        )));
    }
    Ok(Some(AnchorConfig {
        urls: args.mainchain.clone(),
        contract: args.mainchain_contract,
        genesis: spec.checkpoint.clone(),
        from: args.mainchain_from,
        soft_blocks: args.mainchain_soft,
        final_blocks: args.mainchain_final,
        poll_seconds: args.mainchain_poll,
        overdue_ms: args.anchor_overdue * 60_000,
        folder: data.join("anchor"),
        recover_from: args.recover_from,
    }))
}
