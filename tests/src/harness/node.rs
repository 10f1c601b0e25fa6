//! One `ledger-node` process: started, watched, stopped or killed, and started again on the same folder.

use std::{
    fmt,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use serde_json::Value;
use tempfile::TempDir;

use super::{Account, Rpc};

/// Longest wait for a node to announce itself or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks at whether a node has ended.
const END_POLL: Duration = Duration::from_millis(20);

/// The built binary `name`, beside the test's own.
///
/// # Panics
/// If it is not built: whole-system tests need `--workspace`, which builds every binary first.
pub fn built_binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running test has a path");
    let folder = own.ancestors().find(|folder| folder.join(name).is_file());
    folder
        .unwrap_or_else(|| panic!("{name} is not built; run `make test`, or cargo with --workspace"))
        .join(name)
}

/// How to start a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// `--chain`: a name or a specification's path.
    pub chain: String,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
    /// Words before the node's own, as of a command that runs it in a network namespace; the node has to keep its process id.
    pub prefix: Vec<String>,
    /// Where JSON-RPC is served; a free port of 127.0.0.1 unless it is said.
    pub rpc: Option<SocketAddr>,
}

/// How a node ended instead of announcing itself.
#[derive(Clone, Debug)]
pub struct Refused {
    /// How the process ended.
    pub status: ExitStatus,
    /// What it said on standard error since this start.
    pub words: String,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            chain: "dev".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            prefix: Vec::new(),
            rpc: None,
        }
    }
}

/// What the node said of itself when it was ready (`--json`).
#[derive(Clone, Debug)]
pub struct Announced {
    /// The whole object.
    pub json: Value,
    /// Time from the start of the process to the announcement.
    pub after: Duration,
}

/// A running node with a folder of its own, killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    folder: PathBuf,
    owned: Option<TempDir>,
    options: NodeOptions,
    rpc: Rpc,
    announced: Announced,
}

impl Node {
    /// Starts a dev chain in a new folder and waits until it announces itself.
    ///
    /// # Panics
    /// If it does not, with its log.
    pub fn start() -> Self {
        Self::start_with(NodeOptions::default())
    }

    /// As [`Node::start`], with options.
    ///
    /// # Panics
    /// If it does not start, with its log.
    pub fn start_with(options: NodeOptions) -> Self {
        let folder = TempDir::with_prefix("ledger-test-").expect("a temporary folder can be made");
        let mut node = Self::try_start_in(folder.path(), options).unwrap_or_else(|refused| panic!("{refused}"));
        node.owned = Some(folder);
        node
    }

    /// Starts a node in a folder that may hold the `data` of an earlier one.
    ///
    /// # Errors
    /// [`Refused`] if it ends instead of announcing itself.
    pub fn try_start_in(folder: &Path, options: NodeOptions) -> Result<Self, Refused> {
        let (child, announced) = launch(folder, &options)?;
        let rpc = Rpc::new(rpc_address(&announced));
        Ok(Self {
            child,
            folder: folder.to_owned(),
            owned: None,
            options,
            rpc,
            announced,
        })
    }

    /// Starts the node again on the same folder, after [`Node::terminate`] or [`Node::kill`].
    ///
    /// # Panics
    /// If it does not start, with its log.
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|refused| panic!("{refused}"));
    }

    /// As [`Node::restart`].
    ///
    /// # Errors
    /// [`Refused`] if it ends instead of announcing itself.
    pub fn try_restart(&mut self) -> Result<(), Refused> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        (self.child, self.announced) = launch(&self.folder, &self.options)?;
        self.rpc = Rpc::new(self.address());
        Ok(())
    }

    /// Starts the node again and kills it after `pause`, wherever it is then.
    ///
    /// # Panics
    /// If the process cannot be started or killed.
    pub fn restart_and_kill(&mut self, pause: Duration) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.folder, &self.options);
        thread::sleep(pause);
        self.kill();
    }

    /// Starts the node again and kills it, `pause` after its log has said one of `words`.
    ///
    /// # Panics
    /// If the process cannot be started or killed, or says nothing of it for long.
    pub fn restart_and_kill_after(&mut self, words: &[&str], pause: Duration) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.folder, &self.options);
        let deadline = Instant::now() + PATIENCE;
        while !words.iter().any(|words| self.log_since_start().contains(words)) {
            assert!(
                Instant::now() < deadline,
                "it said none of {words:?}: {}",
                self.log_since_start()
            );
            thread::sleep(END_POLL);
        }
        thread::sleep(pause);
        self.kill();
    }

    /// Starts the node again, and tells it to stop after `pause`, wherever it is then. Gives how it ended and how long that took.
    ///
    /// # Panics
    /// If the process cannot be started or does not end.
    pub fn restart_and_terminate(&mut self, pause: Duration) -> (ExitStatus, Duration) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.folder, &self.options);
        thread::sleep(pause);
        self.terminate()
    }

    /// Leaves the folder where it is when this is dropped, for a person to look at.
    pub fn keep_folder(&mut self) -> &Path {
        if let Some(folder) = self.owned.take() {
            let _ = folder.keep();
        }
        &self.folder
    }

    /// Environment variables of the starts that follow.
    pub fn set_environment(&mut self, environment: Vec<(String, String)>) {
        self.options.environment = environment;
    }

    /// Further arguments of the starts that follow.
    pub fn set_arguments(&mut self, arguments: Vec<String>) {
        self.options.arguments = arguments;
    }

    /// Sends the process a signal, as `STOP` or `CONT`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
    }

    /// How the node ended, if it has, and what it said since its start.
    ///
    /// # Panics
    /// If the process cannot be asked.
    pub fn ended(&mut self) -> Option<Refused> {
        let status = self.child.try_wait().expect("the node can be waited for")?;
        Some(refusal(&self.folder, status))
    }

    /// As [`Self::ended`], but waits for the end so long.
    ///
    /// # Panics
    /// If the process cannot be asked.
    pub fn ended_within(&mut self, patience: Duration) -> Option<Refused> {
        let until = Instant::now() + patience;
        loop {
            match self.ended() {
                None if Instant::now() < until => thread::sleep(END_POLL),
                ended => return ended,
            }
        }
    }

    /// The node's JSON-RPC.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Where its JSON-RPC listens, for further connections.
    pub fn address(&self) -> SocketAddr {
        rpc_address(&self.announced)
    }

    /// What the node said when it was ready.
    pub fn announced(&self) -> &Announced {
        &self.announced
    }

    /// The folder of everything this node keeps.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Address of a contract by its announced name: `bootstrap`, `transact`, `passport_token`.
    ///
    /// # Panics
    /// If the node announced none of this name.
    pub fn contract(&self, name: &str) -> Address {
        let address = self.announced.json["contracts"][name].as_str();
        address
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("no contract {name} announced"))
    }

    /// A funded account of the public test mnemonic, as announced.
    ///
    /// # Panics
    /// If the node announced no such account.
    pub fn dev_account(&self, index: usize) -> Account {
        let key = self.announced.json["accounts"][index]["private_key"]
            .as_str()
            .expect("a dev account is announced");
        Account::from_key(
            key.parse::<B256>().expect("the announced key is 32 bytes"),
            self.chain_id(),
        )
    }

    /// The chain's id.
    ///
    /// # Panics
    /// If the node announced none.
    pub fn chain_id(&self) -> u64 {
        self.announced.json["chain_id"]
            .as_u64()
            .expect("a chain id is announced")
    }

    /// Everything the node wrote to standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("node.log")).unwrap_or_default()
    }

    /// What the node wrote to standard error since its last start.
    pub fn log_since_start(&self) -> String {
        self.log().rsplit(START_LINE).next().unwrap_or_default().to_owned()
    }

    /// SIGTERM, and how the node ended and how long that took.
    ///
    /// # Panics
    /// If the node does not end.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal("TERM");
        (await_end(&mut self.child, &self.folder), started.elapsed())
    }

    /// SIGKILL: the process ends without a chance to write anything.
    ///
    /// # Panics
    /// If the process cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("the node can be killed");
        self.child.wait().expect("the killed node can be waited for");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("---- the node's log ----\n{}", self.log());
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ledger-node ended with {}:\n{}", self.status, self.words)
    }
}

/// The line of the log before each start.
const START_LINE: &str = "---- a node is started ----\n";

fn refusal(folder: &Path, status: ExitStatus) -> Refused {
    let log = fs::read(folder.join("node.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let words = log.rsplit(START_LINE).next().unwrap_or_default().to_owned();
    Refused { status, words }
}

fn spawn(folder: &Path, options: &NodeOptions) -> Child {
    let mut log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("node.log"))
        .expect("the log can be opened");
    log.write_all(START_LINE.as_bytes()).expect("the log can be written");
    let rpc = options.rpc.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let binary = built_binary("ledger-node");
    let mut command = match options.prefix.split_first() {
        None => Command::new(binary),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    command
        .args(["--chain", &options.chain, "--json"])
        .args([
            "--rpc-host",
            &rpc.ip().to_string(),
            "--rpc-port",
            &rpc.port().to_string(),
        ])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(&options.arguments)
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("ledger-node starts")
}

fn launch(folder: &Path, options: &NodeOptions) -> Result<(Child, Announced), Refused> {
    let started = Instant::now();
    let mut child = spawn(folder, options);
    let mut line = String::new();
    let stdout = child.stdout.take().expect("standard output is piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("standard output can be read");
    let after = started.elapsed();
    let Ok(json) = serde_json::from_str(&line) else {
        let status = await_end(&mut child, folder);
        return Err(refusal(folder, status));
    };
    Ok((child, Announced { json, after }))
}

fn rpc_address(announced: &Announced) -> SocketAddr {
    let url = announced.json["rpc_http"]
        .as_str()
        .expect("an RPC address is announced");
    url.trim_start_matches("http://")
        .parse()
        .expect("the announced RPC address is one")
}

fn await_end(child: &mut Child, folder: &Path) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("the node can be waited for") {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let log = fs::read_to_string(folder.join("node.log")).unwrap_or_default();
    panic!("the node did not end within {PATIENCE:?}:\n{log}");
}

/// Memory that process `pid` holds, in bytes (`VmRSS`).
///
/// # Panics
/// If there is no such process.
pub fn resident_bytes(pid: u32) -> u64 {
    1024 * proc_number(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Bytes that process `pid` caused to be written to disk since its start.
///
/// # Panics
/// If there is no such process.
pub fn process_io_written(pid: u32) -> u64 {
    proc_number(&format!("/proc/{pid}/io"), "write_bytes:")
}

fn proc_number(path: &str, field: &str) -> u64 {
    let text = fs::read_to_string(path).expect("the process runs");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .expect("the kernel reports this field");
    line.split_whitespace()
        .next()
        .and_then(|number| number.parse().ok())
        .expect("the kernel reports a number")
}

/// Processor time that process `pid` has used, in the kernel's ticks (10 ms).
///
/// # Panics
/// If there is no such process.
pub fn process_cpu_ticks(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The command's name, in parentheses, may hold spaces; the fields count from behind it.
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    ticks(11)
        .zip(ticks(12))
        .map(|(user, system)| user + system)
        .expect("the kernel reports processor time")
}
