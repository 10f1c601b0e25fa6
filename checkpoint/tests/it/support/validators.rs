//! A sidechain's validators, who sign checkpoints with real keys. Only the blocks are made up: their hashes follow from their heights.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ledger_checkpoint::{
    numbers::Index,
    sidechain::{SideBlock, Sidechain, SidechainError},
    statement::{Anchor, Bundle, Checkpoint, quorum, set_hash},
};

use crate::lock;

/// Blocks from one checkpoint to the next.
const INTERVAL: u64 = 10;

/// After that many checkpoints the set changes by one key.
const CHECKPOINTS_PER_SET: u64 = 5;

pub fn genesis() -> B256 {
    keccak256("genesis")
}

/// The key with this number.
pub fn key(number: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(format!("validator {number}")))
        .expect("a hash is a key, but for one in 2^128")
}

/// Validator set number `set_id`: `size` keys, all but one shared with the set before.
fn set(set_id: u64, size: u64) -> Vec<PrivateKeySigner> {
    (set_id..set_id + size).map(key).collect()
}

pub fn addresses(keys: &[PrivateKeySigner]) -> Vec<Address> {
    keys.iter().map(PrivateKeySigner::address).collect()
}

/// The first set: its number and its keys, as the contract is deployed with them.
pub fn first_set(size: u64) -> (u64, Vec<Address>) {
    (1, addresses(&set(1, size)))
}

fn block(height: u64) -> SideBlock {
    SideBlock {
        hash: keccak256(format!("block {height}")),
        state_root: keccak256(format!("state {height}")),
    }
}

/// The sidechain: everything that was signed, and who signs.
#[derive(Debug)]
pub struct History {
    pub anchor: Anchor,
    pub bundles: Vec<Bundle>,
    size: u64,
}

impl History {
    pub fn new(anchor: Anchor, size: u64) -> Self {
        Self {
            anchor,
            bundles: Vec::new(),
            size,
        }
    }

    /// The validators sign one more checkpoint.
    pub fn grow(&mut self) {
        let index = self.bundles.len() as u64 + 1;
        let parent = match self.bundles.last() {
            Some(bundle) => self.anchor.fingerprint(&bundle.checkpoint),
            None => genesis(),
        };
        let bundle = self.sign(index, parent, "");
        self.bundles.push(bundle);
    }

    /// What the set of this index signs; `note` makes it another checkpoint than the usual one.
    pub fn sign(&self, index: u64, parent: B256, note: &str) -> Bundle {
        let set_of = |index: u64| (index - 1) / CHECKPOINTS_PER_SET + 1;
        let (signs, next) = (set_of(index), set_of(index + 1));
        let height = index * INTERVAL;
        let SideBlock { hash, state_root } = block(height);
        let checkpoint = Checkpoint {
            index,
            epoch: 0,
            setId: signs,
            height,
            blockHash: hash,
            stateRoot: state_root,
            historyRoot: keccak256(format!("history {height}{note}")),
            parent,
            nextSetHash: set_hash(next, &addresses(&set(next, self.size))),
        };
        let keys = set(signs, self.size);
        let digest = self.anchor.fingerprint(&checkpoint);
        let (mut bitmap, mut signatures) = (U256::ZERO, Vec::new());
        // Not always the same ones: who signs depends on the index.
        let silent = keys.len() - quorum(keys.len());
        let first = usize::try_from(index).expect("small") % (silent + 1);
        for (at, key) in keys.iter().enumerate().skip(first).take(quorum(keys.len())) {
            bitmap.set_bit(at, true);
            signatures.extend(key.sign_hash_sync(&digest).expect("a local key signs").as_bytes());
        }
        Bundle {
            checkpoint,
            keys: addresses(&keys),
            bitmap,
            signatures: signatures.into(),
        }
    }
}

/// A node of that sidechain.
#[derive(Clone, Debug)]
pub struct SideNode(pub Arc<Mutex<History>>);

impl Sidechain for SideNode {
    async fn bundles(&self, from: Index, count: u64) -> Result<Vec<Bundle>, SidechainError> {
        let history = lock(&self.0);
        let skipped = usize::try_from(from.get() - 1).expect("small");
        let count = usize::try_from(count).expect("small");
        Ok(history.bundles.iter().skip(skipped).take(count).cloned().collect())
    }

    async fn block(&self, height: u64) -> Result<Option<SideBlock>, SidechainError> {
        let newest = lock(&self.0).bundles.len() as u64 * INTERVAL;
        Ok((height <= newest).then(|| match height {
            0 => SideBlock {
                hash: genesis(),
                state_root: keccak256("state 0"),
            },
            _ => block(height),
        }))
    }
}
