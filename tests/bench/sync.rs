//! How fast does a node that was away catch up with a long chain, and what does that cost?
//!
//! `ledger-bench sync` makes a chain of the testnet's validators in a folder, block by block, as fast as this machine does; serves it from a
//! node of this build, and lets other nodes catch up with it: one by executing every block, one by taking a state. The rate is set beside that
//! of importing the same blocks from memory in this process, which is as fast as catching up could be.

use std::{
    error::Error,
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use ledger_chainspec::ChainSpec;
use ledger_tests::harness::{Account, MadeChain, Node, NodeOptions, decoded, promo, requests, resident_bytes};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Measure catching up with a long chain
#[derive(Clone, Debug, Args)]
pub struct SyncOptions {
    /// Blocks of the chain
    #[arg(long, default_value_t = 100_000)]
    blocks: u64,
    /// Requests for promo codes in each block
    #[arg(long, default_value_t = 2)]
    requests: usize,
    /// Blocks at the end of the chain that a node has missed which had all others; a day has 86,400 slots of one second
    #[arg(long, default_value_t = 0)]
    away: u64,
    /// A node that catches up gets at most this long, in seconds
    #[arg(long, default_value_t = 3_600)]
    patience: u64,
}

/// Codes that a cloud offers: more than any run asks for.
const OFFERED: u32 = 1_000_000;
/// Blocks that are made before they are looked at again.
const PIECE: u64 = 1_000;
/// How often a node that catches up is asked how far it is.
const POLL: Duration = Duration::from_millis(50);

/// Measures, and tells.
pub fn run(options: &SyncOptions) -> Result<Value, Box<dyn Error>> {
    let folder = TempDir::with_prefix("ledger-bench-")?;
    let mut spec = ChainSpec::testnet();
    // A testnet that runs on this machine has another history.
    spec.network.bootnodes.clear();
    let path = folder.path().join("chain.toml");
    std::fs::write(&path, spec.to_toml())?;
    let (spec, chain) = (Arc::new(spec), path.display().to_string());
    let (made, imported) = make(options, &folder, &spec)?;
    eprintln!(
        "made {} blocks in {made:.1?}; importing them from memory took {imported:.1?}",
        options.blocks
    );
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let server = Node::try_start_in(
        &folder.path().join("server"),
        node(&chain, &["--p2p-port", &port.to_string()]),
    )
    .map_err(|refused| refused.to_string())?;
    let peer_id = server.announced().json["peer_id"]
        .as_str()
        .ok_or("the serving node has no peer id")?;
    let address = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id}");
    let mut result = json!({
        "blocks": options.blocks,
        "requests_per_block": options.requests,
        "import_seconds": imported.as_secs_f64(),
    });
    let mut modes = vec![("full", "full"), ("auto", "auto")];
    if options.away > 0 {
        // What it has goes on, whatever would be done without a chain.
        modes = vec![("away", "auto")];
    }
    for (name, mode) in modes {
        let client = node(&chain, &["--p2p-port", "0", "--sync", mode, "--bootnode", &address]);
        let started = Instant::now();
        std::fs::create_dir_all(folder.path().join(name))?;
        let client = Node::try_start_in(&folder.path().join(name), client).map_err(|refused| refused.to_string())?;
        let head = || quantity(&client.rpc().call("eth_blockNumber", &json!([])));
        let patience = Duration::from_secs(options.patience);
        while head() < options.blocks {
            if started.elapsed() > patience {
                return Err(format!("{name} is at block {} after {patience:?}", head()).into());
            }
            thread::sleep(POLL);
        }
        let took = started.elapsed();
        let memory = resident_bytes(client.pid()) / 1_000_000;
        let share = imported.as_secs_f64() / took.as_secs_f64();
        eprintln!("{name}: {took:.1?}, {memory} MB, {share:.2} of the rate of importing from memory");
        result[name] = json!({ "seconds": took.as_secs_f64(), "megabytes": memory, "share_of_import": share });
    }
    Ok(result)
}

fn node(chain: &str, arguments: &[&str]) -> NodeOptions {
    NodeOptions {
        chain: chain.to_owned(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        ..NodeOptions::default()
    }
}

fn quantity(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// Makes the chain in the server's folder, and imports it from memory into another one. Gives what each took.
fn make(
    options: &SyncOptions,
    folder: &TempDir,
    spec: &Arc<ChainSpec>,
) -> Result<(Duration, Duration), Box<dyn Error>> {
    let open = |name: &str| MadeChain::open(&folder.path().join(name), spec);
    let (maker, importer) = (open("server"), open("ceiling"));
    // What it has missed is what the rate is measured with.
    let away = (options.away > 0).then(|| open("away"));
    let known = options.blocks.saturating_sub(options.away);
    let owner = Account::development(0, spec.chain_id);
    let offer = decoded(&owner.signed(0, &promo::set_offer(promo::SMALL, OFFERED)).0);
    let (mut making, mut importing) = (Duration::ZERO, Duration::ZERO);
    let mut first = Some(offer);
    let mut left = options.blocks;
    while left > 0 {
        let made = options.blocks - left;
        let count = if made < known {
            left.min(PIECE).min(known - made)
        } else {
            left.min(PIECE)
        };
        let mut signed = requests(usize::try_from(count)? * options.requests, spec.chain_id).into_iter();
        let started = Instant::now();
        let mut blocks = Vec::new();
        for _ in 0..count {
            let candidates = first.take().into_iter().chain(signed.by_ref().take(options.requests));
            blocks.push(maker.block(maker.slot(), candidates));
        }
        maker.sync();
        making += started.elapsed();
        if let Some(away) = away.as_ref().filter(|_| made < known) {
            away.import(blocks.clone());
        }
        let started = Instant::now();
        importer.import(blocks);
        if options.away == 0 || made >= known {
            importing += started.elapsed();
        }
        left -= count;
        eprint!("\r{left} blocks left ");
    }
    eprintln!();
    Ok((making, importing))
}
