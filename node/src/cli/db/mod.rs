//! `ledger-node db`: what an operator does with the chain database beside running a node on it.
//!
//! One file per command. A database that a node uses is looked at through a checkpoint ([`crate::admin`]); one that nobody
//! uses is opened to read, or locked where it is changed.

mod backup;
mod prune;
mod source;
mod stats;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ledger_chainspec::BlockNumber;
use ledger_runtime::{
    GenesisError, Runtime,
    store::{ChainIdentity, CheckpointError, OpenError, StoreError},
};

use super::{Cli, output};
use crate::{
    admin::client::AdminError,
    backup::BackupError,
    config::{data_folder, load_spec},
    error::NodeError,
};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, and nothing is wrong
  1  the database or the backup is damaged
  2  not done: wrong usage, no database there, in use, or the disk refused";

/// `ledger-node db`
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Look at every record and signature; of a running node, in a checkpoint
    #[command(after_help = AFTER_HELP)]
    Verify {
        /// Execute every block again from genesis and compare the states record by record (needs as much room again)
        #[arg(long)]
        re_execute: bool,
        /// Look at this backup instead
        #[arg(long, value_name = "FOLDER")]
        backup: Option<PathBuf>,
    },
    /// Count what is in it and how much room it takes; of a running node, in a checkpoint
    Stats,
    /// Drop the states of old blocks and give their room back; the node has to be stopped
    Prune {
        /// Blocks before the head whose state stays readable
        #[arg(long, value_name = "BLOCKS")]
        keep_blocks: u64,
    },
    /// Copy the database, running or not, into a new folder; never the guard store
    Backup {
        /// The folder to make; put it on another disk
        #[arg(value_name = "FOLDER")]
        to: PathBuf,
    },
    /// Put a backup into place; the node has to be stopped, and the guard store is left alone
    Restore {
        /// The backup's folder
        #[arg(value_name = "FOLDER")]
        from: PathBuf,
        /// Replace the database that is there; it is kept as `chain.replaced`
        #[arg(long)]
        replace: bool,
    },
}

/// Why a `db` command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The specification gives no genesis.
    #[error("genesis cannot be made: {0}")]
    Genesis(#[from] GenesisError),
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database opened, and something in it cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The running node gave no checkpoint.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// No checkpoint could be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The backup was not made or not restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Verification found something.
    #[error(
        "the database in {} is damaged, {problems} findings; restore a backup with `ledger-node db restore`, or sync again into an empty --data-dir",
        path.display()
    )]
    Damaged {
        /// How many.
        problems: u64,
        /// The database's folder.
        path: PathBuf,
    },
    /// Blocks cannot be executed from genesis on.
    #[error(
        "the database in {} began with the state of a later block, and block {oldest} is the oldest that it has: leave out \
         --re-execute, or look at the database of a node that has all blocks",
        path.display()
    )]
    NoGenesis {
        /// The database's folder.
        path: PathBuf,
        /// The oldest block that is kept.
        oldest: BlockNumber,
    },
    /// Another process changed the database while it was looked at.
    #[error("a node was started on {} meanwhile, so the findings mean nothing; ask again", path.display())]
    Changed {
        /// The database's folder.
        path: PathBuf,
    },
    /// The scratch folder cannot be used.
    #[error("cannot use the folder {} to execute blocks in: {source}", path.display())]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl DbError {
    /// 1 for damage, 2 for everything that kept the command from being done.
    #[must_use]
    pub fn code(&self) -> u8 {
        let damage = match self {
            Self::Damaged { .. } => true,
            Self::Open(error) | Self::Backup(BackupError::Open(error)) => error.is_damage(),
            Self::Store(error) => error.is_damage(),
            Self::Backup(error) => matches!(error, BackupError::Damaged { .. }),
            Self::Genesis(_)
            | Self::Admin(_)
            | Self::Checkpoint(_)
            | Self::Changed { .. }
            | Self::NoGenesis { .. }
            | Self::Scratch { .. } => false,
        };
        if damage { 1 } else { 2 }
    }
}

/// Where the node's files are, and which chain they have to be of.
struct Place {
    data: PathBuf,
    spec: std::sync::Arc<ledger_chainspec::ChainSpec>,
    identity: ChainIdentity,
    json: bool,
}

impl Place {
    fn of(cli: &Cli) -> Result<Self, NodeError> {
        let spec = load_spec(cli)?;
        let identity = Runtime::identity_of(&spec).map_err(DbError::from)?;
        Ok(Self {
            data: data_folder(cli)?,
            spec: std::sync::Arc::new(spec),
            identity,
            json: cli.telemetry.json,
        })
    }

    fn chain(&self) -> PathBuf {
        crate::config::chain_path(&self.data)
    }
}

/// Does what `db` asks for.
///
/// # Errors
/// [`NodeError::Db`], or as other commands for the chain's specification and standard output.
pub fn run(cli: &Cli, args: &DbArgs) -> Result<(), NodeError> {
    let place = Place::of(cli)?;
    match &args.command {
        DbCommand::Verify { re_execute, backup } => verify::run(&place, *re_execute, backup.as_deref()),
        DbCommand::Stats => stats::run(&place),
        DbCommand::Prune { keep_blocks } => prune::run(&place, *keep_blocks),
        DbCommand::Backup { to } => backup::make(&place, to),
        DbCommand::Restore { from, replace } => backup::restore(&place, from, *replace),
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut whole = bytes;
    let mut unit = 0;
    while whole >= 1024 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", whole / 1024, whole % 1024 * 10 / 1024, UNITS[unit])
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well_from_bytes_to_terabytes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (48 << 20, "48.0 MiB"),
            (5 << 39, "2.5 TiB"),
            (1 << 54, "16384.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
