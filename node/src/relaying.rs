//! Does this node bring checkpoints onto the mainchain itself? `--relayer`: the relayer of `ledger-relayer run`, as one task of the node.
//!
//! Built by the assembly. It asks its own node for bundles, over JSON-RPC as any relayer does, and it is no part of consensus: whatever
//! becomes of the mainchain, of the account or of the journal, the chain goes on, and the log and the metrics say what is wrong.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use ledger_checkpoint::{
    connection::{Chains, ConnectionError, Places},
    journal::JournalError,
    metering,
    outbox::{Entry, Outbox},
    plan::{
        Policy,
        policy::{self, PolicyError, SOFT_BLOCKS},
    },
    relayer::RelayerError,
    service::{self, Pauses},
};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    admission::config::AccountSource,
    anchor::AnchorArgs,
    checkpoints::{CheckpointBook, book::Sent},
    config::NodeConfig,
    error::NodeError,
};

/// A relayer in the node.
#[derive(Debug, Args)]
#[command(next_help_heading = "Relayer")]
pub struct RelayerArgs {
    /// Bring signed checkpoints onto the mainchain from this node, paid by the account of --relayer-key
    #[arg(long, env = "LEDGER_RELAYER", requires = "relayer_key", requires = "mainchain")]
    pub relayer: bool,
    /// Web3 keystore file of the account of the mainchain that pays (`keys account new` makes one). Use it for nothing else
    #[arg(long, env = "LEDGER_RELAYER_KEY", value_name = "KEYSTORE")]
    pub relayer_key: Option<PathBuf>,
    /// File whose first line is its password (mode 0600); without it you are asked
    #[arg(
        long,
        env = "LEDGER_RELAYER_PASSWORD_FILE",
        value_name = "FILE",
        requires = "relayer_key"
    )]
    pub relayer_password_file: Option<PathBuf>,
    /// Folder of its journal [default: <data folder>/relayer]
    #[arg(long, env = "LEDGER_RELAYER_JOURNAL", value_name = "FOLDER")]
    pub relayer_journal: Option<PathBuf>,
    /// Place among all relayers, from 0: the turns go round, and who is not in turn waits
    #[arg(long, env = "LEDGER_RELAYER_RANK", value_name = "N", default_value_t = 0)]
    pub relayer_rank: u64,
    /// Number of relayers that share the work
    #[arg(long, env = "LEDGER_RELAYERS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub relayers: u64,
    /// Highest price per gas that it ever pays, in gwei
    #[arg(long, env = "LEDGER_RELAYER_GAS_PRICE_MAX", value_name = "GWEI", default_value_t = policy::GAS_PRICE_MAX_GWEI,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub relayer_gas_price_max: u64,
    /// Seconds from one look at the chains to the next
    #[arg(long, env = "LEDGER_RELAYER_POLL", value_name = "SECONDS", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub relayer_poll: u64,
}

/// What the relayer is to do.
#[derive(Debug, Clone)]
pub struct RelayerConfig {
    /// Nodes of the mainchain.
    pub urls: Vec<String>,
    /// The contract, if the operator names one.
    pub contract: Option<Address>,
    /// The account that pays.
    pub key: AccountSource,
    /// Folder of the journal.
    pub journal: PathBuf,
    /// Its ways.
    pub policy: Policy,
    /// Time between two looks.
    pub poll: Duration,
}

/// The relayer that `args` ask for, on the mainchain of `anchor`; none if they ask for none.
///
/// # Errors
/// [`NodeError::Usage`] if the numbers do not go together.
pub fn resolve(args: &RelayerArgs, anchor: &AnchorArgs, data: &Path) -> Result<Option<RelayerConfig>, NodeError> {
    let Some(keystore) = args.relayer_key.clone().filter(|_| args.relayer) else {
        return Ok(None);
    };
    let policy = Policy {
        rank: args.relayer_rank,
        relayers: args.relayers,
        final_blocks: anchor.mainchain_final,
        soft_blocks: anchor.mainchain_soft.unwrap_or(SOFT_BLOCKS).min(anchor.mainchain_final),
        gas_price_max_wei: policy::wei_of_gwei(args.relayer_gas_price_max),
        ..Policy::default()
    };
    let usage = |error: PolicyError| NodeError::Usage(format!("--relayer-rank: {error}"));
    policy.check().map_err(usage)?;
    let urls = anchor.mainchain.clone();
    Ok(Some(RelayerConfig {
        urls,
        contract: anchor.mainchain_contract,
        key: AccountSource {
            keystore,
            password_file: args.relayer_password_file.clone(),
        },
        journal: args.relayer_journal.clone().unwrap_or_else(|| data.join("relayer")),
        policy,
        poll: Duration::from_secs(args.relayer_poll),
    }))
}

/// Unlocks the account of the relayer that `config` asks for, for a node that serves JSON-RPC at `rpc` and shows in `book` what was sent.
///
/// # Errors
/// [`NodeError::Key`]
pub async fn open(
    config: &NodeConfig,
    rpc: SocketAddr,
    book: &Arc<CheckpointBook>,
) -> Result<Option<RelayerTask>, NodeError> {
    let Some(config) = config.relayer.clone() else {
        return Ok(None);
    };
    let key = config.key.clone();
    let unlocked = spawn_blocking(move || key.read()).await;
    let signer = unlocked.map_err(|error| NodeError::TaskStopped {
        task: "start",
        reason: error.to_string(),
    })??;
    Ok(Some(RelayerTask {
        config,
        signer,
        sidechain: own_url(rpc),
        book: Arc::clone(book),
    }))
}

/// Why relaying has ended, for as long as the node runs.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Relayer(#[from] RelayerError),
    #[error("opening the journal broke off: {0}")]
    Broken(#[from] JoinError),
}

/// The relayer of a node.
#[derive(Debug)]
pub struct RelayerTask {
    config: RelayerConfig,
    signer: PrivateKeySigner,
    sidechain: String,
    book: Arc<CheckpointBook>,
}

impl RelayerTask {
    /// Relays until the token says stop. What was sent by then is on disk.
    pub async fn run(self, token: CancellationToken) {
        metering::describe();
        tokio::select! {
            () = self.relay() => {}
            () = token.cancelled() => {}
        }
    }

    /// Never comes back: without a relayer, a node is as good as with one.
    async fn relay(self) {
        let Err(ended) = self.try_relay().await;
        error!(
            target: "ledger::relayer", %ended,
            "this node brings no checkpoints any more, and does everything else; mend it and start the node again"
        );
        std::future::pending::<()>().await;
    }

    async fn try_relay(self) -> Result<std::convert::Infallible, Ended> {
        let chains = self.connect().await?;
        let Self {
            config, signer, book, ..
        } = self;
        let RelayerConfig {
            journal, policy, poll, ..
        } = config;
        let opening = spawn_blocking(move || service::open(chains, signer, &journal, policy));
        let mut relayer = opening.await??;
        let show = |outbox: &Outbox| book.set_sent(*outbox.anchor(), sent(outbox));
        Err(service::rounds(&mut relayer, poll, show).await.into())
    }

    /// Both chains, as soon as both answer and know of each other.
    async fn connect(&self) -> Result<Chains, ConnectionError> {
        let places = Places {
            mainchain: self.config.urls.clone(),
            contract: self.config.contract,
            sidechain: self.sidechain.clone(),
        };
        let mut pauses = Pauses::new(self.config.poll);
        loop {
            match places.connect().await {
                Err(error) if error.is_passing() => {
                    warn!(target: "ledger::relayer", %error, "the relayer waits for both chains");
                    tokio::time::sleep(pauses.ill()).await;
                }
                connected => return connected,
            }
        }
    }
}

/// The transactions of this relayer, by checkpoint: of one that the contract has the one that brought it, of another the newest.
fn sent(outbox: &Outbox) -> BTreeMap<u64, Sent> {
    let of = |entry: &Entry| {
        let transaction = match entry.anchored {
            Some(anchored) => anchored.by?,
            None => entry.attempts.last()?.hash,
        };
        Some(Sent {
            fingerprint: entry.fingerprint,
            transaction,
        })
    };
    let entries = outbox.entries().iter();
    entries
        .filter_map(|(index, entry)| Some((index.get(), of(entry)?)))
        .collect()
}

/// Where this node's own JSON-RPC is asked.
fn own_url(rpc: SocketAddr) -> String {
    let host = match rpc.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) | IpAddr::V6(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    format!("http://{}", SocketAddr::new(host, rpc.port()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn asked(words: &str) -> Result<Option<RelayerConfig>, String> {
        let words = words.split_whitespace();
        let cli = Cli::try_parse_from(std::iter::once("ledger-node").chain(words));
        let cli = cli.map_err(|error| error.to_string())?;
        resolve(&cli.relayer, &cli.anchor, Path::new("/data")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_relayer_has_to_be_asked_for_with_a_key_and_a_mainchain() {
        assert!(asked("").unwrap().is_none());
        for words in [
            "--relayer",
            "--relayer --relayer-key k.json",
            "--relayer --mainchain http://a",
        ] {
            assert!(asked(words).is_err(), "{words}");
        }
        let whole = "--relayer --relayer-key k.json --mainchain http://127.0.0.1:1,http://127.0.0.1:2";
        let config = asked(whole).unwrap().unwrap();
        assert_eq!(config.journal, Path::new("/data/relayer"));
        assert_eq!((config.urls.len(), config.policy.relayers), (2, 1));
        for (more, word) in [
            ("--relayer-rank 1", "--relayer-rank"),
            ("--relayer-rank 2 --relayers 2", "ranks go from 0 to 1"),
        ] {
            let refused = asked(&format!("{whole} {more}")).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn a_node_that_listens_everywhere_is_asked_at_home() {
        for (rpc, url) in [
            ("0.0.0.0:8545", "http://127.0.0.1:8545"),
            ("[::]:1", "http://127.0.0.1:1"),
            ("192.168.0.7:80", "http://192.168.0.7:80"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(own_url(rpc.parse().unwrap()), url);
        }
    }
}
