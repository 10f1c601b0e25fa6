//! A network of real nodes for a test, brought up as anybody would: by `ledger-node testnet`, in a folder of its own.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Rpc, built_binary};

/// Ports are looked for from here: below those that the kernel gives to connections, and away from our defaults.
const PORTS_FROM: u16 = 10_000;
/// How many ports there are to choose from.
const PORTS: u16 = 9_000;
/// They are given out by blocks of so many, less one.
const BLOCK: u16 = 20;

/// Room for clouds that join.
const JOIN_MAX: u16 = 2;

/// Where npm puts anvil, from this crate's folder.
const ANVIL: &str = "js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

/// Longest wait for nodes to agree.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running network, taken down when dropped.
#[derive(Debug)]
pub struct Testnet {
    folder: TempDir,
}

/// `count` ports in a row that nobody listens on, and that no other test is given while this process lives: the last port of their block
/// is listened on until then.
///
/// # Panics
/// If so many are not to be had.
pub fn free_ports(count: u16) -> u16 {
    static GUARDS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let is_free = |port: u16| TcpListener::bind(local(port)).is_ok() && UdpSocket::bind(local(port)).is_ok();
    let blocks = PORTS / BLOCK;
    let first = u16::try_from(std::process::id() % u32::from(blocks)).expect("below the number of blocks");
    let free = (first..first + blocks).find_map(|block| {
        let base = PORTS_FROM + block % blocks * BLOCK;
        let guard = TcpListener::bind(local(base + BLOCK - 1)).ok()?;
        (base..base + count).all(is_free).then_some((base, guard))
    });
    let (base, guard) = free.filter(|_| count < BLOCK).expect("a block of ports is free");
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
    base
}

impl Testnet {
    /// Brings up so many validators and full nodes, without a notary, and waits until they have made a block together.
    ///
    /// # Panics
    /// If they do not, with their logs.
    pub fn start(validators: u16, nodes: u16) -> Self {
        Self::start_with(validators, nodes, &["--no-notary"])
    }

    /// The same with a notary.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with_notary(validators: u16, nodes: u16) -> Self {
        Self::start_with(validators, nodes, &["--notary-port", &free_ports(1).to_string()])
    }

    /// The same with a mainchain instead; none, and a word, where npm has not brought anvil.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with_mainchain(validators: u16, nodes: u16) -> Option<Self> {
        let mainchain = Self::mainchain_arguments()?;
        let mainchain = mainchain.iter().map(String::as_str);
        let further: Vec<_> = ["--no-notary"].into_iter().chain(mainchain).collect();
        Some(Self::start_with(validators, nodes, &further))
    }

    /// What `up` is told to start a mainchain, too; none, and a word, where npm has not brought anvil.
    pub fn mainchain_arguments() -> Option<Vec<String>> {
        let anvil = Path::new(env!("CARGO_MANIFEST_DIR")).join(ANVIL);
        if !anvil.is_file() {
            println!("skipped: anvil is not installed (npm ci in tests/js)");
            return None;
        }
        let (port, anvil) = (free_ports(1).to_string(), anvil.display().to_string());
        let words = ["--mainchain", "--mainchain-port", &port, "--anvil", &anvil];
        Some(words.map(str::to_owned).to_vec())
    }

    fn start_with(validators: u16, nodes: u16, further: &[&str]) -> Self {
        let folder = TempDir::with_prefix("ledger-testnet-").expect("a temporary folder can be made");
        let testnet = Self { folder };
        let count = validators + nodes + JOIN_MAX;
        let shape = [
            ("--validators", validators),
            ("--nodes", nodes),
            ("--p2p-port-base", free_ports(count)),
            ("--rpc-port-base", free_ports(count)),
        ];
        let shape = shape
            .map(|(flag, number)| [flag.to_owned(), number.to_string()])
            .concat();
        let shape: Vec<_> = shape.iter().map(String::as_str).collect();
        testnet.does(&[&["up", "--detach"], &shape[..], further].concat());
        testnet
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("net")
    }

    /// `ledger-node testnet` with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built_binary("ledger-node"));
        command
            .arg("testnet")
            .args(arguments)
            .arg("--data-dir")
            .arg(self.path());
        command
    }

    /// Runs `ledger-node testnet` with these arguments to its end.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("ledger-node can be run")
    }

    /// As [`Self::run`]: it has to work. Gives what it printed.
    ///
    /// # Panics
    /// If it does not work, with its words.
    pub fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What `status` says, whether all is well or not.
    ///
    /// # Panics
    /// If it says nothing.
    pub fn status(&self) -> Value {
        let output = self.run(&["status", "--json"]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// One node as `status` tells of it.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn node(&self, name: &str) -> Value {
        let status = self.status();
        let nodes = status["nodes"].as_array().into_iter().flatten();
        let mut named = nodes.filter(|node| node["name"] == name);
        named.next().unwrap_or_else(|| panic!("no {name}: {status}")).clone()
    }

    /// The JSON-RPC of a node.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn rpc(&self, name: &str) -> Rpc {
        let node = self.node(name);
        let address = node["rpc"].as_str().unwrap_or_default().trim_start_matches("http://");
        Rpc::new(address.parse().expect("the address is one"))
    }

    /// SIGKILL to a node.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&self, name: &str) {
        let pid = self.node(name)["pid"]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} does not run"));
        let sent = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGKILL could not be sent");
        while Path::new(&format!("/proc/{pid}/exe")).exists() {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until all running nodes have the same newest block; gives its number.
    ///
    /// # Panics
    /// If they do not agree, with what each says.
    pub fn await_agreement(&self) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            let nodes = status["nodes"].as_array().into_iter().flatten();
            let heads: Vec<_> = nodes
                .filter(|node| node["pid"].is_u64())
                .map(|node| &node["head"])
                .collect();
            if let [first, rest @ ..] = &heads[..]
                && first.is_string()
                && rest.iter().all(|head| head == first)
            {
                return status["height"].as_u64().expect("a node answered");
            }
            assert!(Instant::now() < deadline, "the nodes do not agree: {status}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        if thread::panicking() {
            let logs = self.run(&["logs", "-n", "30"]);
            eprintln!("---- the nodes' logs ----\n{}", String::from_utf8_lossy(&logs.stdout));
        }
        self.run(&["down"]);
    }
}
