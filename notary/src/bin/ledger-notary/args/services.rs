//! The server, the signer, and the folder that is written anew.

use std::{
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
};

use clap::Args;
use ledger_notary::server::limits::{READS_BURST, READS_PER_SECOND, WRITES_BURST, WRITES_PER_SECOND};

use super::{NetworkArgs, ServerArgs, TrustArgs};

/// `serve`
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the log is kept: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`; a password belongs into ~/.pgpass
    #[arg(long, value_name = "URL", default_value = "sqlite:notary.db")]
    pub storage: String,
    /// Folder to publish in; any web server or mirror may serve it as well
    #[arg(long, value_name = "FOLDER", default_value = "published")]
    pub folder: PathBuf,
    /// Root metadata of version 1: the notary can be founded with this one alone
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
    /// Key that signs the log's checkpoints (plain PKCS#8 PEM, mode 0600); made if it is not there
    #[arg(long, value_name = "FILE", default_value = "notary-log.pem")]
    pub log_key: PathBuf,
    /// Address to listen at; put a proxy with TLS in front for the world, and name it with --proxy
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8650")]
    pub listen: SocketAddr,
    /// Address of a proxy whose X-Forwarded-For says who calls, several times; nobody else's is believed. A proxy that is not named
    /// is one caller, with the bounds of one
    #[arg(long = "proxy", value_name = "ADDRESS")]
    pub proxies: Vec<IpAddr>,
    /// Reads of one address each second
    #[arg(long, value_name = "N", default_value_t = nonzero(READS_PER_SECOND))]
    pub reads_per_second: NonZeroU32,
    /// Reads of one address at once
    #[arg(long, value_name = "N", default_value_t = nonzero(READS_BURST))]
    pub reads_burst: NonZeroU32,
    /// Commands of one address each second
    #[arg(long, value_name = "N", default_value_t = nonzero(WRITES_PER_SECOND))]
    pub writes_per_second: NonZeroU32,
    /// Commands of one address at once
    #[arg(long, value_name = "N", default_value_t = nonzero(WRITES_BURST))]
    pub writes_burst: NonZeroU32,
}

const fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("no bound of the server is 0")
}

/// `rebuild`
#[derive(Clone, Debug, Args)]
pub struct RebuildArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the log is kept, as for `serve`
    #[arg(long, value_name = "URL", default_value = "sqlite:notary.db")]
    pub storage: String,
    /// Root metadata of version 1, as for `serve`
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
    /// Key that signs the log's checkpoints, as for `serve`
    #[arg(long, value_name = "FILE", default_value = "notary-log.pem")]
    pub log_key: PathBuf,
    /// Folder to write; it must be empty or not there
    #[arg(long, value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// `sign`
#[derive(Clone, Debug, Args)]
pub struct SignArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What is trusted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Key of the role snapshot
    #[arg(long, value_name = "FILE")]
    pub snapshot_key: PathBuf,
    /// Key of the role timestamp
    #[arg(long, value_name = "FILE")]
    pub timestamp_key: PathBuf,
    /// File whose first line is the password of the keys (mode 0600); without it you are asked
    #[arg(long, env = "LEDGER_NOTARY_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How often the server is asked what is due, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub every: NonZeroU64,
    /// Sign what is due now, and end
    #[arg(long)]
    pub once: bool,
}
