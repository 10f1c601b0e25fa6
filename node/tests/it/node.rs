//! A running `ledger-node` for tests: started on free ports, asked over plain HTTP, killed when dropped.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use serde_json::{Value, json};

/// How long anything may take before a test gives up; far more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);
const CHAIN_ID: u64 = 6300;

/// How a run of the binary ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The JSON object on standard output.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The binary, with nothing to read.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-node"));
    command.stdin(Stdio::null());
    command
}

/// Runs the binary until it ends, which it must do by itself.
pub fn run(arguments: &[&str]) -> Ended {
    let mut child = binary()
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{arguments:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running node.
pub struct Node {
    child: Child,
    log: PathBuf,
    address: String,
    /// What it announced on standard output.
    pub announced: Value,
}

impl Node {
    /// Starts the dev chain with its data in `folder`.
    pub fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_chain("dev", folder, more)
    }

    /// Starts a node of `chain` with its data in `folder` and waits until it says that it runs.
    pub fn start_chain(chain: &str, folder: &Path, more: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let log = folder.join("log");
        let mut child = binary()
            .args(["--chain", chain, "--rpc-port", "0", "--json", "--data-dir"])
            .arg(folder.join("data"))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(announced) = serde_json::from_str::<Value>(&line) else {
            child.wait().unwrap();
            panic!("the node did not start: {}", fs::read_to_string(&log).unwrap());
        };
        let address = announced["rpc_http"]
            .as_str()
            .unwrap()
            .trim_start_matches("http://")
            .to_owned();
        Self {
            child,
            log,
            address,
            announced,
        }
    }

    /// Where JSON-RPC is served.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for a line of the log with `words`, and gives the word in it that contains `part`.
    pub fn wait_for_log(&self, words: &str, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(words) && line.contains(part));
            if let Some(word) = line.and_then(|line| line.split_whitespace().find(|word| word.contains(part))) {
                return word.trim_start_matches("address=").to_owned();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("never logged `{words}`: {}", self.log());
    }

    /// The result of a JSON-RPC call.
    pub fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let answer = exchange(&self.address, &format!("{head}{body}"));
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{method}: {answer}"));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Waits until `method` answers `expected`.
    pub fn wait_for(&self, method: &str, expected: &Value) {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        while Instant::now() < deadline {
            last = self.call(method, json!([]));
            if last == *expected {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{method} stayed at {last}, not {expected}: {}", self.log());
    }

    /// Sends a raw transaction and gives its hash.
    pub fn send(&self, raw: &Bytes) -> Value {
        self.call("eth_sendRawTransaction", json!([raw]))
    }

    /// Waits for the receipt of the transaction `hash`.
    pub fn receipt(&self, hash: &Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let receipt = self.call("eth_getTransactionReceipt", json!([hash]));
            if !receipt.is_null() {
                return receipt;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no receipt of {hash}: {}", self.log());
    }

    /// Sends the signal `name` to the node.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end of the process and gives its code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Stops the node as an operator does, and checks that it stopped well.
    pub fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.log());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of what `path` answers to a GET.
pub fn get(address: &str, path: &str) -> String {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
    )
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default()
}

/// Account `index` of the public test mnemonic.
pub fn dev_account(index: u32) -> PrivateKeySigner {
    let phrase = "test test test test test test test test test test test junk";
    MnemonicBuilder::<English>::default()
        .phrase(phrase)
        .index(index)
        .unwrap()
        .build()
        .unwrap()
}

/// A signed transfer with gas price zero, on the dev chain.
pub fn transfer(from: &PrivateKeySigner, nonce: u64, to: Address, value: U256) -> Bytes {
    transfer_on(CHAIN_ID, from, nonce, (to, value))
}

/// A signed transfer with gas price zero, on any chain.
pub fn transfer_on(chain_id: u64, from: &PrivateKeySigner, nonce: u64, (to, value): (Address, U256)) -> Bytes {
    let transaction = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        to: TxKind::Call(to),
        value,
        ..Default::default()
    };
    let signature = from.sign_hash_sync(&transaction.signature_hash()).unwrap();
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}
