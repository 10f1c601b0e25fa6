//! What the node is to do, resolved once from the command line.
//!
//! Called by `main`; every other part takes its piece of [`NodeConfig`] and reads no argument, no environment and no
//! default of its own.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use ledger_chainspec::{ChainSpec, ConsensusKey, dev_keys};
use ledger_network::{Multiaddr, NetworkLimits, parse_peer_address};
use ledger_runtime::ReadLimits;

use crate::{
    admission::{self, AdmissionConfig, config::AccountSource},
    anchor::{self, AnchorConfig},
    cli::{Cli, LogFormat, SyncMode},
    driver::LostGuardAnswer,
    error::NodeError,
    relaying::{self, RelayerConfig},
    rpc::RpcOptions,
};

/// Port that peers are listened for on unless `--p2p-port` says otherwise.
pub const P2P_PORT_DEFAULT: u16 = 30333;

/// Everything the assembly needs to know.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The chain.
    pub spec: Arc<ChainSpec>,
    /// Where files are.
    pub paths: Paths,
    /// How much of the past is kept.
    pub storage: StorageConfig,
    /// JSON-RPC.
    pub rpc: RpcConfig,
    /// Peers; `None` for no network at all.
    pub network: Option<NetworkConfig>,
    /// Signing; `None` to make no blocks.
    pub validator: Option<ValidatorConfig>,
    /// What signs checkpoints; `None` to sign none.
    pub checkpoint_key: Option<CheckpointKeySource>,
    /// Who may join; `None` not to look at it.
    pub admission: Option<AdmissionConfig>,
    /// The mainchain; `None` to read nothing back.
    pub anchor: Option<AnchorConfig>,
    /// Bringing checkpoints onto the mainchain; `None` not to.
    pub relayer: Option<RelayerConfig>,
    /// Logs, metrics, output.
    pub telemetry: TelemetryConfig,
}

/// The files and folders of one node.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The data folder itself.
    pub data: PathBuf,
    /// The chain database.
    pub chain: PathBuf,
    /// The guard store, separate from the chain database.
    pub guard: PathBuf,
    /// The checkpoints that a quorum has signed.
    pub checkpoints: PathBuf,
    /// The transaction pool's journal.
    pub pool_journal: PathBuf,
    /// The network identity.
    pub identity: PathBuf,
}

/// How much of the past is kept.
#[derive(Debug, Clone, Copy)]
pub struct StorageConfig {
    /// Keep the state of every past block.
    pub archive: bool,
    /// Past blocks whose state can be read.
    pub history_blocks: u64,
    /// Memory for database blocks, in bytes; what is in memory of the tries takes twice as much.
    pub cache_bytes: usize,
    /// The operator's word to go on although blocks that were final here are lost.
    pub accept_lost_blocks: bool,
    /// A new node may take the state of a recent block from peers, rather than execute all blocks.
    pub takes_state: bool,
}

/// JSON-RPC.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Where, for whom and within which bounds it is served.
    pub options: RpcOptions,
    /// Whether a free port will do where the usual one is taken, because nobody asked for it.
    pub any_port_will_do: bool,
    /// What one question may cost.
    pub reads: ReadLimits,
}

/// Peers.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Where peers are listened for, over TCP and QUIC.
    pub listen: Vec<SocketAddr>,
    /// Whether a free port will do where the usual one is taken, because nobody asked for it.
    pub any_port_will_do: bool,
    /// Addresses at which peers reach this node, if they are others.
    pub external: Vec<Multiaddr>,
    /// Peers to connect to.
    pub bootnodes: Vec<Multiaddr>,
    /// Peers to stay connected to.
    pub reserved: Vec<Multiaddr>,
    /// Talk to reserved peers and to nobody else.
    pub reserved_only: bool,
    /// The file of known peers.
    pub peer_store: PathBuf,
    /// What others may use of this node.
    pub limits: NetworkLimits,
}

/// Signing.
#[derive(Debug, Clone)]
pub struct ValidatorConfig {
    /// Which key.
    pub key: KeySource,
    /// What the operator says of a guard record that is not there (R8).
    pub lost_guard: LostGuardAnswer,
}

/// Where the consensus key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The publicly known key of the dev chain.
    PublicDevelopmentKey,
    /// An encrypted key file.
    File {
        /// The PEM file.
        path: PathBuf,
        /// The file that holds its password; without it a person is asked.
        password_file: Option<PathBuf>,
    },
}

/// Where the checkpoint key comes from.
#[derive(Debug, Clone)]
pub enum CheckpointKeySource {
    /// The publicly known key of the dev chain.
    PublicDevelopmentKey,
    /// A keystore file.
    File(AccountSource),
}

/// Logs, metrics, output.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Form of the log.
    pub log_format: LogFormat,
    /// Level or directives.
    pub log_level: String,
    /// Where metrics are served besides the RPC port.
    pub metrics: Option<SocketAddr>,
    /// Standard output gets one JSON object instead of text.
    pub json: bool,
}

impl NodeConfig {
    /// The configuration that `cli` asks for.
    ///
    /// # Errors
    /// [`NodeError::Usage`] if no chain is named or there is no home folder to default to, [`NodeError::Spec`] if the
    /// specification cannot be used.
    pub fn resolve(cli: &Cli) -> Result<Self, NodeError> {
        let spec = Arc::new(load_spec(cli)?);
        let data = data_folder_of(cli, &spec.name)?;
        let guard = cli.validator.guard_dir.clone().unwrap_or_else(|| data.join("guard"));
        let is_dev = is_development(&spec);
        let cache_bytes = usize::try_from(cli.storage.cache_mib << 20)
            .map_err(|_| NodeError::Usage("--cache-mib is more than this machine can address".to_owned()))?;
        let network = network(cli, &spec, &data)?;
        let admission = admission::config::resolve(&cli.admission, &spec, &data)?;
        let anchor = anchor::resolve(&cli.anchor, &spec, &data)?;
        let relayer = relaying::resolve(&cli.relayer, &cli.anchor, &data)?;
        Ok(Self {
            paths: Paths {
                chain: chain_path(&data),
                guard,
                checkpoints: data.join("checkpoints"),
                pool_journal: data.join("pool.journal"),
                identity: identity_path(&data),
                data,
            },
            storage: StorageConfig {
                archive: cli.storage.archive,
                history_blocks: cli.storage.history_blocks,
                cache_bytes,
                accept_lost_blocks: cli.storage.accept_lost_blocks,
                // The first validators of a chain have nobody to take it from, and nothing to wait for.
                takes_state: cli.network.sync == SyncMode::Auto && !cli.validator.fresh_guard,
            },
            rpc: RpcConfig {
                options: cli.rpc.options(),
                any_port_will_do: cli.rpc.rpc_port.is_none(),
                reads: cli.rpc.reads.limits()?,
            },
            network,
            checkpoint_key: checkpoint_key_source(cli, is_dev),
            admission,
            anchor,
            relayer,
            validator: key_source(cli, is_dev).map(|key| ValidatorConfig {
                key,
                lost_guard: LostGuardAnswer {
                    accept_lost: cli.validator.accept_lost_guard,
                    is_fresh: cli.validator.fresh_guard,
                },
            }),
            telemetry: TelemetryConfig {
                log_format: cli.telemetry.log_format,
                log_level: cli.telemetry.log_level.clone(),
                metrics: cli
                    .telemetry
                    .metrics_port
                    .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
                json: cli.telemetry.json,
            },
            spec,
        })
    }
}

/// The network that `cli` asks for. A development chain has none unless one is asked for.
fn network(cli: &Cli, spec: &ChainSpec, data: &Path) -> Result<Option<NetworkConfig>, NodeError> {
    let args = &cli.network;
    let is_asked_for = !args.listen.is_empty() || args.p2p_port.is_some();
    if is_development(spec) && !is_asked_for {
        return Ok(None);
    }
    let addresses = |texts: &mut dyn Iterator<Item = &String>| -> Result<Vec<Multiaddr>, NodeError> {
        let parsed = texts.map(|text| parse_peer_address(text));
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error| NodeError::Usage(error.to_string()))
    };
    let external = args.external_address.iter().map(|text| {
        let wrong = |error| {
            NodeError::Usage(format!(
                "--external-address `{text}`: {error}; give /ip4/<address>/tcp/<port>"
            ))
        };
        text.parse().map_err(wrong)
    });
    Ok(Some(NetworkConfig {
        listen: match args.listen.as_slice() {
            [] => vec![SocketAddr::new(
                args.p2p_host,
                args.p2p_port.unwrap_or(P2P_PORT_DEFAULT),
            )],
            listen => listen.to_vec(),
        },
        any_port_will_do: !is_asked_for,
        external: external.collect::<Result<_, _>>()?,
        bootnodes: addresses(&mut spec.network.bootnodes.iter().chain(&args.bootnode))?,
        reserved: addresses(&mut args.reserved_peer.iter())?,
        reserved_only: args.reserved_only,
        peer_store: data.join("peers"),
        limits: NetworkLimits {
            anonymous_incoming_max: args.max_peers,
            ..NetworkLimits::default()
        },
    }))
}

/// Whether `spec` is a laptop's own chain: its only validator is the first development key, which everybody has.
fn is_development(spec: &ChainSpec) -> bool {
    let public = ConsensusKey::of(&dev_keys::validator_key(0));
    matches!(spec.validators.as_slice(), [only] if only.consensus_key == public)
}

/// The chain that `cli` names.
///
/// # Errors
/// [`NodeError::Usage`] if none is named, [`NodeError::Spec`] if its specification cannot be used.
pub fn load_spec(cli: &Cli) -> Result<ChainSpec, NodeError> {
    let name =
        cli.chain.chain.as_deref().ok_or_else(|| {
            NodeError::Usage("which chain? Try: ledger-node --chain dev (more with --help)".to_owned())
        })?;
    Ok(ChainSpec::load(name)?)
}

fn key_source(cli: &Cli, is_dev: bool) -> Option<KeySource> {
    match &cli.validator.validator_key {
        Some(path) => Some(KeySource::File {
            path: path.clone(),
            password_file: cli.validator.password_file.clone(),
        }),
        None => is_dev.then_some(KeySource::PublicDevelopmentKey),
    }
}

fn checkpoint_key_source(cli: &Cli, is_dev: bool) -> Option<CheckpointKeySource> {
    let args = &cli.validator;
    match &args.checkpoint_key {
        Some(keystore) => Some(CheckpointKeySource::File(AccountSource {
            keystore: keystore.clone(),
            password_file: args
                .checkpoint_password_file
                .clone()
                .or_else(|| args.password_file.clone()),
        })),
        None => is_dev.then_some(CheckpointKeySource::PublicDevelopmentKey),
    }
}

/// The data folder that `cli` asks for, for subcommands that need no more of the configuration.
///
/// # Errors
/// As [`NodeConfig::resolve`].
pub fn data_folder(cli: &Cli) -> Result<PathBuf, NodeError> {
    match &cli.chain.data_dir {
        Some(folder) => Ok(folder.clone()),
        None => data_folder_of(cli, &load_spec(cli)?.name),
    }
}

fn data_folder_of(cli: &Cli, chain: &str) -> Result<PathBuf, NodeError> {
    if let Some(folder) = &cli.chain.data_dir {
        return Ok(folder.clone());
    }
    Ok(home_folder()?.join(chain))
}

/// The folder of everything that is not told where to be: `~/.cloud-ledger`.
///
/// # Errors
/// [`NodeError::Usage`] if there is no home folder.
pub fn home_folder() -> Result<PathBuf, NodeError> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| NodeError::Usage("there is no home folder; give --data-dir".to_owned()))?;
    Ok(home.join(".cloud-ledger"))
}

/// Where the chain database of the node with the data folder `data` is.
#[must_use]
pub fn chain_path(data: &Path) -> PathBuf {
    data.join("chain")
}

/// Where the network identity of the node with the data folder `data` is.
#[must_use]
pub fn identity_path(data: &Path) -> PathBuf {
    data.join("identity.pem")
}
