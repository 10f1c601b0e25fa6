//! Why a node did not start, or stopped, and the exit code that says so to scripts.
//!
//! Made by every part of the node, read by `main`. It never carries a secret.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use ledger_chainspec::SpecError;
use ledger_checkpoint::reader::file::FileError;
use ledger_runtime::{RuntimeOpenError, transfer::StateImportError};
use ledger_suites::SuiteError;
use passport_cli::error::CliError;

use crate::{
    anchor::Contradiction,
    checkpoints::own::OwnKeyError,
    cli::{self, db::DbError, testnet::error::TestnetError},
    driver,
    keys::KeyError,
    signer::GuardStoreError,
};

/// What ended the process. `Display` is the one sentence (or, for a specification, the list) that the operator reads.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The command line makes no sense as a whole.
    #[error("{0}")]
    Usage(String),
    /// The chain specification cannot be used.
    #[error("{0}")]
    Spec(#[from] SpecError),
    /// A key cannot be used.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The key opened, but the chain has no use for it.
    #[error("the key {key} is not one of this chain's validators; run without --validator-key to serve what is there")]
    NotAValidator {
        /// The public key, in hexadecimal.
        key: String,
    },
    /// The chain database refused to open.
    #[error("{0}")]
    Database(#[from] RuntimeOpenError),
    /// A `db` command did not do what it was to do.
    #[error("{0}")]
    Db(#[from] DbError),
    /// A `testnet` command did not do what it was to do.
    #[error("{0}")]
    Testnet(#[from] TestnetError),
    /// A `validator` command did not do what it was to do.
    #[error("{0}\n{next}", next = .0.next())]
    Validator(#[from] CliError),
    /// The guard store refused to open or to write.
    #[error("{0}")]
    Guard(#[from] GuardStoreError),
    /// The checkpoint key cannot be used.
    #[error("{0}")]
    CheckpointKey(#[from] OwnKeyError),
    /// The guard record does not fit the chain that is in the data folder (R8), or the chain contradicts itself.
    #[error("{0}")]
    Start(#[from] driver::StartError),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {path}: {reason}")]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A port cannot be listened on.
    #[error("cannot listen on {address} for {service}: {reason}; choose another with {flag}")]
    Listen {
        /// What was to listen.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// The flag that moves it.
        flag: &'static str,
        /// What the operating system said.
        reason: String,
    },
    /// A part of the running node ended with an error, so the node stopped.
    #[error("{task} stopped: {reason}")]
    TaskStopped {
        /// The part.
        task: &'static str,
        /// Its error, with causes.
        reason: String,
    },
    /// Tasks did not end in time after a signal to stop.
    #[error("gave up waiting for {tasks} to stop")]
    StopTimedOut {
        /// Those that still ran.
        tasks: String,
    },
    /// The state of a recent block could not be put into the database.
    #[error("{0}")]
    StateSync(#[from] StateImportError),
    /// What the mainchain confirmed cannot be read from disk.
    #[error("{0}")]
    Anchor(#[from] FileError),
    /// A checkpoint on the mainchain contradicts what is final here (R15).
    #[error(
        "{0}. This node has made and adopted no block since, and will not: find out which history is right. If it is the mainchain's, \
         move the data folder away, all but its folder `guard`, and start again; if not, see `ledger-node recover --help`"
    )]
    Contradicted(Contradiction),
    /// The public tests could not be played to their end.
    #[error("{0}")]
    Suite(#[from] SuiteError),
    /// Public tests failed, or there were none.
    #[error("{failed} of {run} cases failed; a run is good if at least one case is played and none fails")]
    TestsFailed {
        /// Cases that failed.
        failed: usize,
        /// Cases that were played.
        run: u64,
    },
    /// The process environment failed: no runtime, no signal handler, no output.
    #[error("{action}: {source}")]
    Environment {
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// The guard record does not fit the chain in the data folder, so signing could contradict what was signed before (R8).
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum LostGuard {
    /// The chain has blocks of this key, and the guard store is empty.
    #[error(
        "the chain in the data folder is at block {height} but the guard store is empty: what this key has signed is \
         unknown. If no other process ever signs with it, start once with --accept-lost-guard"
    )]
    Missing {
        /// The chain's newest block.
        height: u64,
    },
    /// The guard record is older than the newest final block that needed this key's signature.
    #[error(
        "the guard store knows of slot {guard_slot}, but the chain in the data folder is at slot {head_slot}: it was \
         restored from a backup. If no other process ever signs with this key, start once with --accept-lost-guard"
    )]
    Rewound {
        /// The newest slot in the guard record.
        guard_slot: u64,
        /// The slot of the newest final block's certificate.
        head_slot: u64,
    },
    /// The chain is older than the guard record, which nobody else can bring forward again.
    #[error(
        "the guard store says that block {guard_height} was signed, but the chain in the data folder is at block {head}: \
         the chain was restored from a backup. Restore the newer chain, or start once with --accept-lost-guard to give \
         up the blocks after {head}"
    )]
    ChainRewound {
        /// The height in the guard record.
        guard_height: u64,
        /// The chain's newest block.
        head: u64,
    },
}

impl NodeError {
    /// The exit code of the process: 1 a failure while running, 2 usage, 3 refused data, 4 key, 5 specification, 6 port,
    /// 7 contradicted by the mainchain.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::TaskStopped { .. }
            | Self::StopTimedOut { .. }
            | Self::Suite(_)
            | Self::TestsFailed { .. }
            | Self::Environment { .. } => 1,
            Self::Usage(_) => 2,
            Self::Validator(error) => cli::validator::code(error.exit()),
            Self::Db(error) => error.code(),
            Self::Testnet(error) => error.code(),
            Self::Database(_)
            | Self::StateSync(_)
            | Self::Guard(_)
            | Self::CheckpointKey(_)
            | Self::Start(_)
            | Self::Anchor(_)
            | Self::DataFolder { .. } => 3,
            Self::Key(_) | Self::NotAValidator { .. } => 4,
            Self::Spec(_) => 5,
            Self::Listen { .. } => 6,
            Self::Contradicted(_) => 7,
        }
    }

    /// [`NodeError::code`] as the standard library's type.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
