//! A mainchain for a test: anvil as Ethereum Classic, with the real checkpoint contract, and the validators' keys to anchor with.
//!
//! Blocks come when the test says so. Nothing of it runs where npm has not brought anvil, and the test says so.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use ledger_checkpoint::{
    numbers::Nonce,
    signing::{self, Order},
    statement::{Anchor, Bundle, Checkpoint, quorum, set_hash},
};
use ledger_contracts::{CheckpointContract::constructorCall, history::history_root, initcode};
use serde_json::json;

use super::{Account, MadeChain, Rpc};

/// Where npm puts the binary, from the repository's root.
const BINARY: &str = "tests/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

/// Chain id of Ethereum Classic's test network.
pub const MAINCHAIN_ID: u64 = 63;

/// Checkpoint keys of development validators begin with this account of the test mnemonic.
const CHECKPOINT_KEYS_FROM: u32 = 10;

/// Gas that a transaction may use.
const GAS_LIMIT: u64 = 4_000_000;

/// What a transaction pays per gas.
const GAS_PRICE_WEI: u128 = 2_000_000_000;

/// anvil with the contract, ended when dropped.
#[derive(Debug)]
pub struct Mainchain {
    child: Child,
    rpc: Rpc,
    payer: Account,
    nonce: u64,
    keys: Vec<Account>,
    anchor: Anchor,
    set_id: u64,
    /// What was anchored last: index, height, fingerprint.
    last: (u64, u64, B256),
}

impl Mainchain {
    /// Starts it, and puts the contract for the chain with this genesis hash there, whose set of so many development validators signs first.
    /// None, and a word, where anvil is not installed.
    ///
    /// # Panics
    /// If anvil does not do what it should.
    pub fn start(genesis: B256, set_id: u64, validators: u32) -> Option<Self> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(BINARY);
        if !binary.is_file() {
            println!("skipped: anvil is not installed (npm ci in tests/js)");
            return None;
        }
        let mut child = Command::new(binary)
            .args(["--port", "0", "--no-mining", "--order", "fees", "--accounts", "1"])
            .args(["--chain-id", &MAINCHAIN_ID.to_string()])
            .args(["--hardfork", "shanghai", "--base-fee", "0", "--gas-limit", "8000000"])
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
                break address.trim().parse().expect("an address");
            }
        };
        // Read on, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        let payer = Account::random(MAINCHAIN_ID);
        let keys: Vec<_> = (0..validators)
            .map(|index| Account::development(CHECKPOINT_KEYS_FROM + index, MAINCHAIN_ID))
            .collect();
        let contract = payer.address().create(0);
        let mut mainchain = Self {
            child,
            rpc: Rpc::new(address),
            payer,
            nonce: 0,
            keys,
            anchor: Anchor {
                mainchain_id: MAINCHAIN_ID,
                contract,
            },
            set_id,
            last: (0, 0, genesis),
        };
        let balance = json!([mainchain.payer.address(), U256::MAX >> 8]);
        mainchain.rpc.call("anvil_setBalance", &balance);
        let code = initcode::checkpoint(&constructorCall {
            sidechainGenesis: genesis,
            setId: set_id,
            checkpointKeys: mainchain.addresses(),
        });
        mainchain.send(TxKind::Create, code);
        let code = mainchain.rpc.call("eth_getCode", &json!([contract, "latest"]));
        assert_ne!(code, "0x", "the contract is there");
        Some(mainchain)
    }

    /// Its JSON-RPC.
    pub fn url(&self) -> String {
        self.rpc.url()
    }

    /// The contract.
    pub const fn contract(&self) -> Address {
        self.anchor.contract
    }

    /// Flags of a node that reads it back, believing after `soft` blocks.
    pub fn flags(&self, soft: u64) -> Vec<String> {
        let flags = [
            ("--mainchain", self.url()),
            ("--mainchain-contract", self.contract().to_string()),
            ("--mainchain-soft", soft.to_string()),
            ("--mainchain-poll", "1".to_owned()),
        ];
        flags
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect()
    }

    /// Mines so many empty blocks.
    pub fn mine(&self, blocks: u64) {
        self.rpc.call("anvil_mine", &json!([U64::from(blocks)]));
    }

    /// A quorum of the validators signs the next checkpoint, of `chain` at `height`, and somebody brings it to the contract.
    ///
    /// # Panics
    /// If the contract does not take it.
    pub fn anchor(&mut self, chain: &MadeChain, height: u64) {
        let (before, from, parent) = self.last;
        let (hash, state_root) = chain.block_at(height);
        let hashes: Vec<_> = (from + 1..=height).map(|number| chain.block_at(number).0).collect();
        let checkpoint = Checkpoint {
            index: before + 1,
            epoch: 0,
            setId: self.set_id,
            height,
            blockHash: hash,
            stateRoot: state_root,
            historyRoot: history_root(&hashes).expect("there are blocks"),
            parent,
            nextSetHash: set_hash(self.set_id, &self.addresses()),
        };
        let fingerprint = self.anchor.fingerprint(&checkpoint);
        let (mut bitmap, mut signatures) = (U256::ZERO, Vec::new());
        for (at, key) in self.keys.iter().enumerate().take(quorum(self.keys.len())) {
            bitmap.set_bit(at, true);
            signatures.extend(key.sign_digest(fingerprint));
        }
        let bundle = Bundle {
            checkpoint,
            keys: self.addresses(),
            bitmap,
            signatures: signatures.into(),
        };
        bundle.check(&self.anchor).expect("the contract takes it");
        self.send(TxKind::Call(self.anchor.contract), bundle.call());
        self.last = (before + 1, height, fingerprint);
    }

    fn addresses(&self) -> Vec<Address> {
        self.keys.iter().map(Account::address).collect()
    }

    /// Sends a transaction and mines the block that has it.
    fn send(&mut self, to: TxKind, data: Bytes) {
        let order = Order {
            chain_id: MAINCHAIN_ID,
            nonce: Nonce::new(self.nonce),
            gas_price_wei: GAS_PRICE_WEI,
            gas_limit: GAS_LIMIT,
            to,
            data,
        };
        let (hash, raw) = signing::sign(self.payer.signer(), order).expect("a local key signs");
        self.rpc.call("eth_sendRawTransaction", &json!([raw]));
        self.mine(1);
        self.nonce += 1;
        let receipt = self.rpc.await_receipt(hash);
        assert_eq!(receipt["status"], "0x1", "{receipt}");
    }
}

impl Drop for Mainchain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
