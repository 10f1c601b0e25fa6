//! Why a `testnet` command did not do what it was asked for.
//!
//! Every sentence says what to do next; `code` is the exit code that belongs to it.

use std::{fmt::Write as _, io, path::PathBuf, time::Duration};

use ledger_chainspec::SpecError;

use crate::keys::KeyError;

use super::{
    plan::{Shape, TakenPort},
    status::NodeReport,
};

/// Why a `testnet` command failed.
#[derive(Debug, thiserror::Error)]
pub enum TestnetError {
    /// The command line makes no sense with what is in the folder.
    #[error("{0}")]
    Usage(String),
    /// No network was ever started in the folder.
    #[error("there is no testnet in {}; start one with: ledger-node testnet up --data-dir {}", path.display(), path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no testnet; choose another --data-dir", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The state file cannot be used.
    #[error(
        "{} cannot be read as the state of a testnet: {reason}. End the nodes that still run there, then delete the folder or start another with --data-dir",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder has a network of another shape.
    #[error(
        "{} holds a testnet of {} validators and {} full nodes; start another shape with another --data-dir, or delete the folder",
        path.display(), found.validators, found.nodes
    )]
    Shape {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        found: Shape,
    },
    /// Whether there is a notary is decided when the network is made.
    #[error(
        "{} holds a testnet {} a notary; start the other kind with another --data-dir, or delete the folder",
        path.display(), if found.notary_port.is_some() { "with" } else { "without" }
    )]
    OtherNotary {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        found: Shape,
    },
    /// The notary's documents or its server refuse something.
    #[error("the notary: {reason}; its logs lie in {}", folder.display())]
    Notary {
        /// What it said.
        reason: String,
        /// Its files.
        folder: PathBuf,
    },
    /// The mainchain cannot be had.
    #[error("the mainchain: {reason}; its files lie in {}", folder.display())]
    Mainchain {
        /// What is wrong.
        reason: String,
        /// Its files.
        folder: PathBuf,
    },
    /// A command of the admission or of the mainchain did not do what it was to do.
    #[error("`{command}` failed:\n{words}")]
    Step {
        /// The command.
        command: String,
        /// What it said.
        words: String,
    },
    /// Ports can only change, and a mainchain come, while nothing runs.
    #[error(
        "nodes of this testnet run at other ports, or without the mainchain; stop them first: ledger-node testnet down --data-dir {}",
        path.display()
    )]
    PortsInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the network cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another command changes the network.
    #[error("another `ledger-node testnet` command is at work in {}; ask again when it has ended", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The specification in the folder cannot be used.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Ports are taken.
    #[error("{}", taken_words(.0))]
    Ports(Vec<TakenPort>),
    /// The process could not be started.
    #[error("cannot start {node}: {source}")]
    Spawn {
        /// Its name.
        node: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A process could not be signalled.
    #[error("cannot stop {node}, process {pid}: {source}")]
    Signal {
        /// Its name.
        node: String,
        /// Its process id.
        pid: u32,
        /// What the operating system said.
        source: io::Error,
    },
    /// A node ended by itself.
    #[error("{node} has ended. Its last words, of {}:\n{words}", log.display())]
    Ended {
        /// Its name.
        node: String,
        /// Its log.
        log: PathBuf,
        /// The end of it.
        words: String,
    },
    /// Nodes do not answer.
    #[error("{nodes}: no answer at JSON-RPC within {} s; see the logs: ledger-node testnet logs --data-dir {}", within.as_secs(), path.display())]
    Silent {
        /// Their names.
        nodes: String,
        /// How long they were waited for.
        within: Duration,
        /// The folder.
        path: PathBuf,
    },
    /// All nodes answer, but they do not make blocks together.
    #[error(
        "all nodes answer, but no common block was final within {} s ({heights}); see the logs: ledger-node testnet logs --data-dir {}",
        within.as_secs(), path.display()
    )]
    NoBlock {
        /// Who is where.
        heights: String,
        /// How long it was waited for.
        within: Duration,
        /// The folder.
        path: PathBuf,
    },
    /// A signal came before the network worked.
    #[error("interrupted before the network worked")]
    Interrupted,
    /// Somebody else stopped the network meanwhile.
    #[error("the testnet was stopped meanwhile by another command")]
    StoppedElsewhere,
    /// Not everything that should run does; `status` has said more.
    #[error("{0}")]
    NotAllRun(String),
}

impl TestnetError {
    /// This node has ended by itself.
    #[must_use]
    pub fn ended(node: &NodeReport) -> Self {
        Self::Ended {
            node: node.name.clone(),
            log: node.log.clone(),
            words: node.last_words.clone().unwrap_or_default(),
        }
    }

    /// 1 for nodes that fail, 2 for usage, 3 for the folder, 6 for ports.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Locked { .. }
            | Self::Spawn { .. }
            | Self::Signal { .. }
            | Self::Ended { .. }
            | Self::Silent { .. }
            | Self::NoBlock { .. }
            | Self::Interrupted
            | Self::StoppedElsewhere
            | Self::Notary { .. }
            | Self::Mainchain { .. }
            | Self::Step { .. }
            | Self::NotAllRun(_) => 1,
            Self::Usage(_) | Self::PortsInUse { .. } => 2,
            Self::None { .. }
            | Self::Foreign { .. }
            | Self::State { .. }
            | Self::Shape { .. }
            | Self::OtherNotary { .. }
            | Self::File { .. }
            | Self::Key(_)
            | Self::Spec(_) => 3,
            Self::Ports(_) => 6,
        }
    }
}

fn taken_words(taken: &[TakenPort]) -> String {
    let mut words = String::new();
    for port in taken {
        // Writing to a String does not fail.
        let _ = writeln!(
            words,
            "port {} is taken by another program; {} needs it for {}",
            port.port, port.node, port.service
        );
    }
    words.push_str(
        "Nothing was started. End that program (perhaps another testnet: `ledger-node testnet down` with its --data-dir), \
         or choose other ports with --rpc-port-base and --p2p-port-base",
    );
    words
}
