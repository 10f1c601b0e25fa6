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
use tempfile::TempDir;

use super::{Account, MadeChain, Rpc, RpcError};

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
    /// Where anvil keeps past states; gone with it.
    _states: TempDir,
    rpc: Rpc,
    payer: Account,
    nonce: u64,
    keys: Vec<Account>,
    anchor: Anchor,
    set_id: u64,
    /// What was anchored last: index, height, fingerprint.
    last: (u64, u64, B256),
    /// Recoveries of the sidechain so far.
    epoch: u64,
}

impl Mainchain {
    /// Starts it, and puts the contract for the chain with this genesis hash there, whose set of so many development validators signs
    /// first. None, and a word, where anvil is not installed.
    ///
    /// # Panics
    /// If anvil does not do what it should.
    pub fn start(genesis: B256, set_id: u64, validators: u32) -> Option<Self> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(BINARY);
        if !binary.is_file() {
            println!("skipped: anvil is not installed (npm ci in tests/js)");
            return None;
        }
        let states = tempfile::tempdir().expect("a folder can be made");
        let mut child = Command::new(binary)
            .args(["--port", "0", "--no-mining", "--order", "fees", "--accounts", "1"])
            .args(["--chain-id", &MAINCHAIN_ID.to_string()])
            .args(["--hardfork", "shanghai", "--base-fee", "0", "--gas-limit", "8000000"])
            .arg("--cache-path")
            .arg(states.path())
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
        let keys = checkpoint_keys(validators);
        let contract = payer.address().create(0);
        let mut mainchain = Self {
            child,
            _states: states,
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
            epoch: 0,
        };
        let balance = json!([mainchain.payer.address(), U256::MAX >> 8]);
        mainchain.rpc.call("anvil_setBalance", &balance);
        let code = mainchain.contract_code(genesis);
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

    /// The sidechain has recovered: the next checkpoint is of its new epoch.
    pub const fn recovered(&mut self) {
        self.epoch += 1;
    }

    /// A quorum of the validators signs the next checkpoint, of `chain` at `height`, and somebody brings it to the contract.
    ///
    /// # Panics
    /// If the contract does not take it.
    pub fn anchor(&mut self, chain: &MadeChain, height: u64) {
        self.anchor_blocks(&|number| chain.block_at(number), height, None);
    }

    /// The same of a chain whose blocks have these hashes and state roots. If another set is to sign the next one, it has so many
    /// development validators.
    ///
    /// # Panics
    /// If the contract does not take it.
    pub fn anchor_blocks(&mut self, block: &dyn Fn(u64) -> (B256, B256), height: u64, next: Option<u32>) {
        let (before, from, parent) = self.last;
        let (hash, state_root) = block(height);
        let hashes: Vec<_> = (from + 1..=height).map(|number| block(number).0).collect();
        let next = next.map(|validators| (self.set_id + 1, checkpoint_keys(validators)));
        let next_set_hash = match &next {
            Some((id, keys)) => set_hash(*id, &addresses(keys)),
            None => set_hash(self.set_id, &addresses(&self.keys)),
        };
        let checkpoint = Checkpoint {
            index: before + 1,
            epoch: self.epoch,
            setId: self.set_id,
            height,
            blockHash: hash,
            stateRoot: state_root,
            historyRoot: history_root(&hashes).expect("there are blocks"),
            parent,
            nextSetHash: next_set_hash,
        };
        let fingerprint = self.anchor.fingerprint(&checkpoint);
        let (mut bitmap, mut signatures) = (U256::ZERO, Vec::new());
        for (at, key) in self.keys.iter().enumerate().take(quorum(self.keys.len())) {
            bitmap.set_bit(at, true);
            signatures.extend(key.sign_digest(fingerprint));
        }
        let bundle = Bundle {
            checkpoint,
            keys: addresses(&self.keys),
            bitmap,
            signatures: signatures.into(),
        };
        bundle.check(&self.anchor).expect("the contract takes it");
        self.send(TxKind::Call(self.anchor.contract), bundle.call());
        self.last = (before + 1, height, fingerprint);
        if let Some((id, keys)) = next {
            (self.set_id, self.keys) = (id, keys);
        }
    }

    /// Makes another contract, and gives its address.
    ///
    /// # Panics
    /// If it is not made.
    pub fn create(&mut self, code: Bytes) -> Address {
        let contract = self.payer.address().create(self.nonce);
        self.send(TxKind::Create, code);
        contract
    }

    /// The creation code of a checkpoint contract for the chain with this genesis hash, which the set of now signs first.
    pub fn contract_code(&self, genesis: B256) -> Bytes {
        initcode::checkpoint(&constructorCall {
            sidechainGenesis: genesis,
            setId: self.set_id,
            checkpointKeys: addresses(&self.keys),
        })
    }

    /// What a call that changes nothing returns.
    ///
    /// # Errors
    /// The node's words, if it reverts.
    ///
    /// # Panics
    /// If anvil does not answer.
    pub fn view(&self, to: Address, data: &Bytes) -> Result<Bytes, String> {
        match self
            .rpc
            .try_call("eth_call", &json!([{ "to": to, "data": data }, "latest"]))
        {
            Ok(answer) => Ok(serde_json::from_value(answer).expect("bytes")),
            Err(RpcError::Refused { message, .. }) => Err(message),
            Err(other) => panic!("{other}"),
        }
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

/// The checkpoint keys of the first development validators.
fn checkpoint_keys(validators: u32) -> Vec<Account> {
    let key = |index| Account::development(CHECKPOINT_KEYS_FROM + index, MAINCHAIN_ID);
    (0..validators).map(key).collect()
}

fn addresses(keys: &[Account]) -> Vec<Address> {
    keys.iter().map(Account::address).collect()
}

impl Drop for Mainchain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
