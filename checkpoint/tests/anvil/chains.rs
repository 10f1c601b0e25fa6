//! A mainchain with the real contract on it, a sidechain, and relayers between them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolEvent;
use jsonrpsee::rpc_params;
use ledger_checkpoint::{
    journal::Journal,
    mainchain::Nodes,
    numbers::Nonce,
    plan::{Alarm, Planner, Policy},
    relayer::{Hands, Relayer, Report},
    signing::{self, Order},
    statement::{Anchor, Bundle},
};
use ledger_contracts::{
    CheckpointContract::{CheckpointMade, constructorCall},
    initcode,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    lock,
    node::{CHAIN_ID, DevNode},
    validators::{History, SideNode, first_set, genesis, key},
};

/// What a relayer's account has: 10 ether.
pub fn purse() -> U256 {
    U256::from(10_000_000_000_000_000_000u64)
}

pub fn policy() -> Policy {
    Policy {
        soft_blocks: 12,
        final_blocks: 40,
        stagger_blocks: 3,
        resend_blocks: 1,
        raise_blocks: 3,
        ..Policy::default()
    }
}

pub struct Chains {
    pub node: DevNode,
    pub anchor: Anchor,
    pub history: Arc<Mutex<History>>,
}

pub type BetweenChains = Relayer<Nodes, SideNode>;

impl Chains {
    /// On anvil; none, and a word, where npm has not brought it.
    pub async fn start() -> Option<Self> {
        Some(Self::on(DevNode::start()?).await)
    }

    /// On this node.
    pub async fn on(node: DevNode) -> Self {
        let deployer = key(999);
        node.fund(deployer.address(), purse()).await;
        let (set_id, keys) = first_set(4);
        let code = initcode::checkpoint(&constructorCall {
            sidechainGenesis: genesis(),
            setId: set_id,
            checkpointKeys: keys,
        });
        let order = Order {
            chain_id: CHAIN_ID,
            nonce: Nonce::new(0),
            gas_price_wei: 2_000_000_000,
            gas_limit: 4_000_000,
            to: TxKind::Create,
            data: code,
        };
        let (_, raw) = signing::sign(&deployer, order).expect("a local key signs");
        let _: B256 = node.ask("eth_sendRawTransaction", rpc_params![raw]).await;
        node.mine(1).await;
        let contract = deployer.address().create(0);
        let code: Bytes = node.ask("eth_getCode", rpc_params![contract, "latest"]).await;
        assert!(!code.is_empty(), "the contract is there");
        Self::with(node, contract)
    }

    /// On this node, which has the contract already.
    pub fn with(node: DevNode, contract: Address) -> Self {
        let anchor = Anchor {
            mainchain_id: CHAIN_ID,
            contract,
        };
        Self {
            node,
            anchor,
            history: Arc::new(Mutex::new(History::new(anchor, 4))),
        }
    }

    /// Somebody who is no relayer brings a bundle.
    pub async fn bring(&self, bundle: &Bundle) {
        let order = Order {
            chain_id: CHAIN_ID,
            nonce: Nonce::new(1),
            gas_price_wei: 2_000_000_000,
            gas_limit: 1_000_000,
            to: TxKind::Call(self.anchor.contract),
            data: bundle.call(),
        };
        let (_, raw) = signing::sign(&key(999), order).expect("a local key signs");
        let _: B256 = self.node.ask("eth_sendRawTransaction", rpc_params![raw]).await;
        self.node.mine(1).await;
    }

    pub fn grow(&self, count: u64) {
        for _ in 0..count {
            lock(&self.history).grow();
        }
    }

    pub fn signer(number: u64) -> PrivateKeySigner {
        key(1_000 + number)
    }

    /// A relayer that asks these nodes, with an account that can pay.
    pub async fn relayer(&self, number: u64, policy: Policy, folder: &Path, urls: &[String]) -> BetweenChains {
        let signer = Self::signer(number);
        let balance: U256 = self
            .node
            .ask("eth_getBalance", rpc_params![signer.address(), "latest"])
            .await;
        if balance.is_zero() {
            self.node.fund(signer.address(), purse()).await;
        }
        let opened = Journal::open(folder, self.anchor).expect("the journal opens");
        Relayer::new(
            Nodes::new(urls, self.anchor.contract).expect("these are addresses"),
            SideNode(self.history.clone()),
            Planner::new(policy, opened.outbox),
            Ok(Hands {
                signer,
                journal: opened.journal,
            }),
        )
    }

    pub async fn one(&self) -> (BetweenChains, TempDir) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let urls = [self.node.url.clone()];
        let relayer = self.relayer(0, policy(), folder.path(), &urls).await;
        (relayer, folder)
    }

    /// The checkpoints of the chain as it is now, by index: how often each was made.
    pub async fn made(&self) -> BTreeMap<u64, usize> {
        let filter = json!({
            "fromBlock": "0x0",
            "toBlock": "latest",
            "address": self.anchor.contract,
            "topics": [CheckpointMade::SIGNATURE_HASH],
        });
        let logs: Vec<Value> = self.node.ask("eth_getLogs", rpc_params![filter]).await;
        let mut made = BTreeMap::new();
        let mut last = 0;
        for log in logs {
            let index: B256 = serde_json::from_value(log["topics"][1].clone()).expect("it is indexed");
            let index: u64 = U256::from_be_bytes(index.0).to();
            assert_eq!(index, last + 1, "in order");
            last = index;
            *made.entry(index).or_default() += 1;
        }
        made
    }

    /// Every checkpoint is on the chain, once.
    pub async fn check_all_made(&self) {
        let count = lock(&self.history).bundles.len() as u64;
        let expected: BTreeMap<_, _> = (1..=count).map(|index| (index, 1)).collect();
        assert_eq!(self.made().await, expected);
    }
}

/// The next moment, by a clock that the tests have to themselves.
pub fn tick() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW_MS: AtomicU64 = AtomicU64::new(0);
    NOW_MS.fetch_add(1_000, Ordering::Relaxed)
}

pub async fn round(relayer: &mut BetweenChains) -> Report {
    relayer.round(tick()).await.expect("nothing fails here")
}

/// Rounds, with a block after each.
pub async fn rounds(chains: &Chains, relayer: &mut BetweenChains, count: u64) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for _ in 0..count {
        alarms.extend(round(relayer).await.alarms);
        chains.node.mine(1).await;
    }
    alarms
}

/// Whose transaction it is, for every transaction to the contract.
pub async fn senders(chains: &Chains) -> Vec<Address> {
    let mut senders = Vec::new();
    for number in 1..=chains.node.height().await {
        let number = alloy_primitives::U64::from(number);
        let block: Value = chains.node.ask("eth_getBlockByNumber", rpc_params![number, true]).await;
        for transaction in block["transactions"].as_array().into_iter().flatten() {
            if transaction["to"] == json!(chains.anchor.contract) {
                assert_eq!(transaction["type"], json!("0x0"));
                senders.push(serde_json::from_value(transaction["from"].clone()).expect("it has a sender"));
            }
        }
    }
    senders
}
