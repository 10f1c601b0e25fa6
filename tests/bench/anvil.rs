//! anvil, as npm brings it: started on a free port for one measurement, ended afterwards.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

use super::target::Target;

/// Where npm puts the binary, from the repository's root.
const BINARY: &str = "tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

/// anvil's usual chain id.
const CHAIN_ID: u64 = 31_337;

/// A running anvil.
pub struct Anvil {
    pub target: Target,
    process: Process,
}

impl Anvil {
    /// Starts it with a block each second, gas for nothing and blocks without a bound; none if it is not installed.
    pub fn start() -> Result<Option<Self>, Box<dyn Error>> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(BINARY);
        if !binary.is_file() {
            return Ok(None);
        }
        let mut process = Process::start(&binary)?;
        let target = Target::prepare("anvil", process.address()?, CHAIN_ID)?;
        Ok(Some(Self { target, process }))
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

/// A child that ends with its owner, and the folder of its past states, two gigabytes after a run.
struct Process {
    child: Child,
    _states: TempDir,
}

impl Process {
    fn start(binary: &Path) -> Result<Self, Box<dyn Error>> {
        let states = tempfile::tempdir()?;
        let child = Command::new(binary)
            .args(["--port", "0", "--block-time", "1", "--order", "fifo"])
            .args(["--gas-limit", "10000000000", "--base-fee", "0", "--gas-price", "0"])
            .args(["--disable-min-priority-fee", "--no-request-size-limit"])
            .args(["--hardfork", "osaka", "--accounts", "1"])
            .arg("--cache-path")
            .arg(states.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        Ok(Self { child, _states: states })
    }

    /// Reads what it prints until it names its address; the rest is read and dropped, so that it never waits for a reader.
    fn address(&mut self) -> Result<SocketAddr, Box<dyn Error>> {
        let stdout = self.child.stdout.take().ok_or("standard output was read before")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = loop {
            let line = lines.next().ok_or("anvil ended before it listened")??;
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().parse()?;
            }
        };
        thread::spawn(move || lines.for_each(drop));
        Ok(address)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
