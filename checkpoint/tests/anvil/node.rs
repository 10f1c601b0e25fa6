//! A development node as a mainchain: anvil, or Hardhat's. Type-0 transactions, a block when it is asked for, and reorganisations.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use alloy_primitives::{Address, U64, U256};
use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where npm puts anvil, from this crate's folder.
const ANVIL: &str = "../tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

/// The folder of Hardhat's configuration, from this crate's folder.
const HARDHAT: &str = "tests/hardhat";

/// Where npm puts Hardhat in it.
const HARDHAT_PROGRAM: &str = "node_modules/hardhat/internal/cli/bootstrap.js";

/// The mainchain's id: that of Ethereum Classic's test network.
pub const CHAIN_ID: u64 = 63;

/// Which node, and by which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// anvil by the EVM of Ethereum Classic's Spiral, without a base fee.
    Anvil,
    /// anvil by the fees of Ethereum Classic: no base fee at all, and nothing but type 0.
    AnvilBeforeBaseFees,
    /// Hardhat's node by the EVM of Ethereum Classic's Spiral.
    Hardhat,
}

/// A running node, which ends with its owner.
pub struct DevNode {
    child: Child,
    /// Where anvil keeps past states; gone with it.
    _states: TempDir,
    pub url: String,
    client: HttpClient,
}

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The command that starts it, with a folder for anvil's past states, and how its line begins that says where it listens; none, and a
/// word, where npm has not brought it.
fn command(kind: Kind, states: &Path) -> Option<(Command, &'static str)> {
    if kind == Kind::Hardhat {
        let folder = in_crate(HARDHAT);
        let program = folder.join(HARDHAT_PROGRAM);
        if !program.is_file() {
            println!("skipped: Hardhat is not installed (npm ci in checkpoint/{HARDHAT})");
            return None;
        }
        let mut command = Command::new("node");
        command
            .arg(program)
            .args(["node", "--hostname", "127.0.0.1", "--port", "0"])
            .env("HARDHAT_DISABLE_TELEMETRY_PROMPT", "true")
            // Where CI is set, it would colour the line that is waited for.
            .env("NO_COLOR", "1")
            .current_dir(folder);
        return Some((command, "Started HTTP and WebSocket JSON-RPC server at "));
    }
    let program = in_crate(ANVIL);
    if !program.is_file() {
        println!("skipped: anvil is not installed (npm ci in tests/js)");
        return None;
    }
    let mut command = Command::new(program);
    command
        .args(["--port", "0", "--no-mining", "--order", "fees", "--accounts", "2"])
        .args(["--chain-id", &CHAIN_ID.to_string()])
        .arg("--cache-path")
        .arg(states);
    match kind {
        Kind::AnvilBeforeBaseFees => command.args(["--hardfork", "berlin"]),
        _ => command.args(["--hardfork", "shanghai", "--base-fee", "0", "--gas-limit", "8000000"]),
    };
    Some((command, "Listening on "))
}

impl DevNode {
    /// anvil as it is mostly needed; none, and a word, where npm has not brought it.
    pub fn start() -> Option<Self> {
        Self::start_as(Kind::Anvil)
    }

    /// A node of this kind; none, and a word, where npm has not brought it.
    pub fn start_as(kind: Kind) -> Option<Self> {
        let states = tempfile::tempdir().expect("a folder can be made");
        let (mut command, says) = command(kind, states.path())?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("it listens before it ends")
                .expect("it writes text");
            if let Some(address) = line.strip_prefix(says) {
                break address
                    .trim()
                    .trim_start_matches("http://")
                    .trim_end_matches('/')
                    .to_owned();
            }
        };
        // Read on, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{address}");
        let client = HttpClientBuilder::default().build(&url).expect("that is an address");
        Some(Self {
            child,
            _states: states,
            url,
            client,
        })
    }

    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: ArrayParams) -> T {
        let answer: Value = self.client.request(method, params).await.expect("the node answers");
        serde_json::from_value(answer).expect("and says what is expected")
    }

    pub async fn height(&self) -> u64 {
        self.ask::<U64>("eth_blockNumber", rpc_params![]).await.to()
    }

    pub async fn mine(&self, blocks: u64) {
        let _: Value = self.ask("hardhat_mine", rpc_params![U64::from(blocks)]).await;
    }

    /// Replaces the newest blocks by others, which have none of our transactions. anvil does not remember those, and Hardhat cannot.
    pub async fn reorganise(&self, depth: u64) {
        let _: Value = self
            .ask("anvil_reorg", rpc_params![depth, json!([[self.strange().await, 0]])])
            .await;
    }

    /// The chain as it is now, to go back to.
    pub async fn snapshot(&self) -> Value {
        self.ask("evm_snapshot", rpc_params![]).await
    }

    /// Goes back to a snapshot and on from there, as many blocks. For Hardhat, and for depths at which anvil's own way forgets the
    /// state.
    pub async fn branch_off(&self, snapshot: Value, blocks: u64) {
        let done: bool = self.ask("evm_revert", rpc_params![snapshot]).await;
        assert!(done, "the snapshot is there");
        let _: Value = self.ask("eth_sendTransaction", rpc_params![self.strange().await]).await;
        self.mine(blocks).await;
    }

    /// A transaction of somebody else: with one in each branch, no two of them are alike.
    async fn strange(&self) -> Value {
        let accounts: Vec<Address> = self.ask("eth_accounts", rpc_params![]).await;
        let other = accounts[1];
        let nonce: U64 = self.ask("eth_getTransactionCount", rpc_params![other, "latest"]).await;
        let input = format!("0x{:08x}", nonce.to::<u64>());
        json!({ "from": other, "to": other, "gasPrice": "0x2540be400", "gas": "0x7530", "input": input })
    }

    pub async fn fund(&self, account: Address, wei: U256) {
        let _: Value = self.ask("hardhat_setBalance", rpc_params![account, wei]).await;
    }

    pub async fn drop_transactions(&self) {
        let _: Value = self.ask("anvil_dropAllTransactions", rpc_params![]).await;
    }

    /// What the next block takes per gas at least, and the price that the node proposes with it.
    pub async fn set_price(&self, wei: u64) {
        let _: Value = self
            .ask("hardhat_setNextBlockBaseFeePerGas", rpc_params![U256::from(wei)])
            .await;
    }
}

impl Drop for DevNode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
