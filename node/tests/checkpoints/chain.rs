//! A chain as checkpoints see it: blocks with sets, configurations and recoveries, made up by a test.

use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ledger_chainspec::Slot;
use ledger_checkpoint::statement::Anchor;
use ledger_contracts::history::history_root;
use ledger_node::checkpoints::{
    collecting::SignatureBytes,
    facts::{CheckpointBlock, CheckpointConfig, SigningSet},
};

pub const GENESIS: B256 = B256::repeat_byte(0x67);

/// The contract whose number is `number`.
pub fn anchor(number: u8) -> Anchor {
    Anchor {
        mainchain_id: 61,
        contract: Address::repeat_byte(number),
    }
}

/// The checkpoint key of validator `k`.
pub fn signer(k: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([b'k', k])).unwrap()
}

pub fn key(k: u8) -> Address {
    signer(k).address()
}

pub fn sign(k: u8, fingerprint: &B256) -> SignatureBytes {
    signer(k).sign_hash_sync(fingerprint).unwrap().as_bytes()
}

/// What holds after a block.
#[derive(Clone, Debug)]
pub struct After {
    pub set: Arc<SigningSet>,
    pub config: CheckpointConfig,
    pub recoveries: u64,
}

/// A chain; its block `n` is of slot `2 n`. Two of them with different salts have the same history and other hashes from a height on.
#[derive(Clone, Debug)]
pub struct Chain {
    blocks: Vec<After>,
    salt: u8,
    salted_from: u64,
}

pub fn set(id: u64, keys: &[u8]) -> Arc<SigningSet> {
    Arc::new(SigningSet {
        id,
        keys: keys.iter().map(|k| key(*k)).collect(),
    })
}

pub const fn config(interval_blocks: u64, anchor: &Anchor) -> CheckpointConfig {
    CheckpointConfig {
        interval_blocks,
        mainchain_id: anchor.mainchain_id,
        contract: anchor.contract,
    }
}

impl Chain {
    /// A genesis block after which this holds.
    pub fn new(set: Arc<SigningSet>, config: CheckpointConfig) -> Self {
        let genesis = After {
            set,
            config,
            recoveries: 0,
        };
        Self {
            blocks: vec![genesis],
            salt: 0,
            salted_from: u64::MAX,
        }
    }

    pub fn height(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    /// Adds blocks after which the same holds as before.
    pub fn extend(&mut self, count: u64) {
        for _ in 0..count {
            self.blocks.push(self.blocks.last().unwrap().clone());
        }
    }

    /// Adds a block after which something else holds.
    pub fn change(&mut self, change: impl FnOnce(&mut After)) {
        self.extend(1);
        change(self.blocks.last_mut().unwrap());
    }

    /// The same, altered from a height on.
    pub fn altered(&self, from: u64) -> Self {
        Self {
            salt: 1,
            salted_from: from,
            ..self.clone()
        }
    }

    pub fn after(&self, number: u64) -> &After {
        &self.blocks[usize::try_from(number).unwrap()]
    }

    pub fn hash(&self, number: u64) -> B256 {
        let salt = if number >= self.salted_from { self.salt } else { 0 };
        keccak256([&number.to_be_bytes()[..], &[salt]].concat())
    }

    pub const fn slot(number: u64) -> Slot {
        Slot::new(number * 2)
    }

    /// The block as the planner takes it, with the history after block `after`.
    pub fn block(&self, number: u64, after: Option<u64>) -> CheckpointBlock {
        let holds = self.after(number);
        let hashes = |from| (from + 1..=number).map(|n| self.hash(n)).collect::<Vec<_>>();
        CheckpointBlock {
            number,
            hash: self.hash(number),
            state_root: keccak256(self.hash(number)),
            slot: Self::slot(number),
            set: Arc::clone(&holds.set),
            config: holds.config,
            recoveries: holds.recoveries,
            history_root: after.and_then(|from| history_root(&hashes(from))),
        }
    }
}
