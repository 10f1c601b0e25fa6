//! How long until a promo code that is asked for on one node is final on another, and how many per second does a whole network
//! issue, client included?
//!
//! `ledger-bench network` brings up validators and a full node of this build as `ledger-node testnet` does, or measures a network that runs. Requests go
//! to the full node, and are seen on a validator. Every request is of an account of its own.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use clap::Args;
use ledger_tests::harness::{Account, Rpc, built_binary, promo};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Options,
    load::{self, Route},
    stats::{Phase, Row, Table},
    target::{Signed, side_by_side},
};

/// Measure a network instead of a single node
#[derive(Clone, Debug, Args)]
pub struct NetworkOptions {
    /// Validators of the network that is brought up
    #[arg(long, default_value_t = 4)]
    validators: u32,
    /// Requests per second at which latency is measured
    #[arg(long, default_value_t = 200)]
    paced: u32,
    /// JSON-RPC of a node of a running network, to send to; then none is brought up
    #[arg(long, requires = "seen_on", value_name = "IP:PORT")]
    sent_to: Option<SocketAddr>,
    /// JSON-RPC of another node of it, to see what is final on
    #[arg(long, requires = "sent_to", value_name = "IP:PORT")]
    seen_on: Option<SocketAddr>,
    /// First port of the network that is brought up
    #[arg(long, default_value_t = 42_600)]
    first_port: u16,
}

/// Codes that a cloud offers for the run.
const OFFERED: u32 = 1_000_000;

/// A network that ends with this.
struct Network {
    folder: Option<TempDir>,
    binary: PathBuf,
    sent_to: SocketAddr,
    seen_on: SocketAddr,
}

/// Measures, and gives the table.
pub fn run(options: &Options, network: &NetworkOptions) -> Result<Table, Box<dyn Error>> {
    let running = Network::of(network)?;
    let mut table = Table::default();
    let rpc = Rpc::new(running.sent_to);
    let chain_id = chain_id(&rpc)?;
    offer(&rpc, chain_id)?;
    eprintln!("signing requests, each of a new account");
    let paced_count = usize::try_from(network.paced)? * usize::try_from(options.seconds)?;
    let paced = requests(paced_count, chain_id);
    eprintln!("sending {} per second for {} s", network.paced, options.seconds);
    let phase = latency(&running, &paced, network.paced)?;
    table.push(Row::reads("promo codes final on another node", "network", &phase));
    let signed = requests(options.transactions(), chain_id);
    eprintln!("sending as many as are taken for {} s", options.seconds);
    let route = Route {
        name: "network",
        sent_to: running.sent_to,
        seen_on: running.seen_on,
    };
    let done = load::run(route, &signed, options)?;
    table.push(Row::load("promo codes final, sustained", "network", &done));
    for (name, pid) in running.pids()? {
        table.push(Row::memory(name, pid));
    }
    Ok(table)
}

impl Network {
    fn of(options: &NetworkOptions) -> Result<Self, Box<dyn Error>> {
        let binary = built_binary("ledger-node");
        if let (Some(sent_to), Some(seen_on)) = (options.sent_to, options.seen_on) {
            return Ok(Self {
                folder: None,
                binary,
                sent_to,
                seen_on,
            });
        }
        let folder = TempDir::with_prefix("ledger-bench-")?;
        let local = |offset: u16| SocketAddr::from(([127, 0, 0, 1], options.first_port + offset));
        let network = Self {
            binary,
            sent_to: local(0),
            seen_on: local(1),
            folder: Some(folder),
        };
        let (validators, ports) = (options.validators.to_string(), options.first_port);
        network.testnet(&[
            "up",
            "--detach",
            "--no-notary",
            "--validators",
            &validators,
            "--nodes",
            "1",
            "--rpc-port-base",
            &ports.to_string(),
            "--p2p-port-base",
            &(ports + 100).to_string(),
        ])?;
        Ok(network)
    }

    fn testnet(&self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let Some(folder) = &self.folder else {
            return Ok(String::new());
        };
        let mut command = Command::new(&self.binary);
        command.arg("testnet").args(words).arg("--data-dir").arg(folder.path());
        let output = command.stderr(Stdio::inherit()).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() {
            true => Ok(said),
            false => Err(format!("ledger-node testnet {}: {said}", words.join(" ")).into()),
        }
    }

    /// Processes of a network that was brought up here, by name.
    fn pids(&self) -> Result<Vec<(&'static str, u32)>, Box<dyn Error>> {
        let status = self.testnet(&["status", "--json"])?;
        if status.is_empty() {
            return Ok(Vec::new());
        }
        let status: Value = serde_json::from_str(&status)?;
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        let pid = |node: &Value| u32::try_from(node["pid"].as_u64()?).ok();
        let first_of = |role: &str| {
            nodes
                .iter()
                .find(|node| node["name"].as_str().is_some_and(|name| name.starts_with(role)))
        };
        let found = [
            ("a validator", first_of("validator")),
            ("a full node", first_of("node")),
        ];
        Ok(found
            .into_iter()
            .filter_map(|(name, node)| Some((name, pid(node?)?)))
            .collect())
    }

    fn data_bytes(&self) -> Option<u64> {
        self.folder.as_ref().map(|folder| bytes_under(folder.path()))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(bytes) = self.data_bytes() {
            eprintln!("all data folders and logs together: {} MB", bytes / 1_000_000);
        }
        if let Err(error) = self.testnet(&["down"]) {
            eprintln!("the network did not stop: {error}");
        }
    }
}

fn bytes_under(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

fn chain_id(rpc: &Rpc) -> Result<u64, Box<dyn Error>> {
    let id = rpc.try_call("eth_chainId", &json!([]))?;
    let digits = id.as_str().and_then(|id| id.strip_prefix("0x")).ok_or("no chain id")?;
    Ok(u64::from_str_radix(digits, 16)?)
}

/// Has the first member cloud offer enough.
fn offer(rpc: &Rpc, chain_id: u64) -> Result<(), Box<dyn Error>> {
    let owner = Account::development(0, chain_id);
    let receipt = owner.send(rpc, &promo::set_offer(promo::SMALL, OFFERED))?;
    match promo::succeeded(&receipt) {
        true => Ok(()),
        false => Err(format!("the offer was refused: {receipt}").into()),
    }
}

fn requests(count: usize, chain_id: u64) -> Vec<Signed> {
    let call = promo::request_code(promo::SMALL);
    side_by_side(count, &|_| Account::random(chain_id).signed(0, &call))
}

/// Hands requests in at a steady rate, and times each until the other node shows its block. A request counts from when it
/// was due.
fn latency(network: &Network, signed: &[Signed], per_second: u32) -> Result<Phase, Box<dyn Error>> {
    let interval = Duration::from_secs(1) / per_second;
    let next = AtomicUsize::new(0);
    let sent = Mutex::new(HashMap::new());
    let started = Instant::now();
    let sender = || -> Result<(), String> {
        let rpc = Rpc::new(network.sent_to);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((raw, hash)) = signed.get(index) else {
                return Ok(());
            };
            let due = interval.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
            thread::sleep(due.saturating_sub(started.elapsed()));
            sent.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*hash, started + due);
            rpc.try_call("eth_sendRawTransaction", &json!([raw]))
                .map_err(|error| error.to_string())?;
        }
    };
    let seen = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(network.seen_on, signed.len()));
        let senders: Vec<_> = (0..4).map(|_| scope.spawn(sender)).collect();
        let sent: Result<Vec<()>, String> = senders
            .into_iter()
            .map(|sender| sender.join().expect("a sender does not panic"))
            .collect();
        let seen = watcher.join().expect("the watcher does not panic");
        sent.and(seen)
    })?;
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut samples = Vec::with_capacity(sent.len());
    for (hash, at) in &sent {
        let seen = seen.get(hash).ok_or_else(|| format!("{hash} was lost"))?;
        samples.push(seen.saturating_duration_since(*at));
    }
    Ok(Phase {
        took: started.elapsed(),
        samples,
    })
}

/// When `count` transactions were first seen in blocks of a node.
fn watch(node: SocketAddr, count: usize) -> Result<HashMap<B256, Instant>, String> {
    let progress = load::Progress::expecting(count);
    load::watch(node, &progress)
}
