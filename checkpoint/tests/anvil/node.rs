//! anvil as a mainchain: type-0 transactions, a block when the test says so, and reorganisations.

use std::{
    io::{BufRead, BufReader},
    path::Path,
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

/// Where npm puts the binary, from the repository's root.
const BINARY: &str = "../tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

/// The mainchain's id: that of Ethereum Classic's test network.
pub const CHAIN_ID: u64 = 63;

/// A running anvil, which ends with its owner.
pub struct Anvil {
    child: Child,
    pub url: String,
    client: HttpClient,
}

impl Anvil {
    /// The EVM of Ethereum Classic's Spiral, without a base fee; none, and a word, if anvil is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&["--hardfork", "shanghai", "--base-fee", "0", "--gas-limit", "8000000"])
    }

    /// The fees of Ethereum Classic: no base fee at all, and nothing but type 0.
    pub fn start_before_base_fees() -> Option<Self> {
        Self::start_with(&["--hardfork", "berlin"])
    }

    fn start_with(options: &[&str]) -> Option<Self> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join(BINARY);
        if !binary.is_file() {
            println!("skipped: anvil is not installed (npm ci in tests/js)");
            return None;
        }
        let mut child = Command::new(binary)
            .args(["--port", "0", "--no-mining", "--order", "fees", "--accounts", "2"])
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("anvil listens before it ends")
                .expect("it writes text");
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().to_owned();
            }
        };
        // Read on, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{address}");
        let client = HttpClientBuilder::default().build(&url).expect("that is an address");
        Some(Self { child, url, client })
    }

    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: ArrayParams) -> T {
        let answer: Value = self.client.request(method, params).await.expect("anvil answers");
        serde_json::from_value(answer).expect("and says what is expected")
    }

    pub async fn height(&self) -> u64 {
        self.ask::<U64>("eth_blockNumber", rpc_params![]).await.to()
    }

    pub async fn mine(&self, blocks: u64) {
        let _: Value = self.ask("anvil_mine", rpc_params![U64::from(blocks)]).await;
    }

    /// Replaces the newest blocks by others, which have none of our transactions. anvil does not remember those.
    pub async fn reorganise(&self, depth: u64) {
        let _: Value = self
            .ask("anvil_reorg", rpc_params![depth, json!([[self.strange().await, 0]])])
            .await;
    }

    /// The chain as it is now, to go back to.
    pub async fn snapshot(&self) -> Value {
        self.ask("evm_snapshot", rpc_params![]).await
    }

    /// Goes back to a snapshot and on from there, as many blocks. For depths at which anvil's own way forgets the state.
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
        let _: Value = self.ask("anvil_setBalance", rpc_params![account, wei]).await;
    }

    pub async fn drop_transactions(&self) {
        let _: Value = self.ask("anvil_dropAllTransactions", rpc_params![]).await;
    }

    /// What the next block takes per gas at least, and the price that the node proposes with it.
    pub async fn set_price(&self, wei: u64) {
        let _: Value = self
            .ask("anvil_setNextBlockBaseFeePerGas", rpc_params![U256::from(wei)])
            .await;
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
