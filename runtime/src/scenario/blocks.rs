//! How does a state get into a store without a chain? As a block that holds nothing else.
//!
//! Used by the scenarios alone.

use std::{path::Path, sync::Arc};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, keccak256};
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, FinalityCertificate, Header, MemberId, SealedHeader, SetId, Slot,
    Transaction, Validator, ValidatorSet,
};

use super::ScenarioError;
use crate::{
    state::{StateCommitment, StateDiff, StateError, StateView},
    store::{BlockCommit, ChainIdentity, Durability, History, Store, StoreOptions, StoredReceipt},
};

/// Memory for cached blocks of the database: a scenario's state is small.
const CACHE_BYTES: usize = 1 << 20;

/// Blocks before the head whose state stays readable: nobody looks back further.
const HISTORY_BLOCKS: u64 = 1;

/// A database whose blocks follow one another whatever they hold.
///
/// Block `n` has the hash keccak-256 of `n` in decimal digits, which is what Ethereum's state tests expect of BLOCKHASH.
#[derive(Debug)]
pub(super) struct Blocks {
    store: Arc<Store>,
}

impl Blocks {
    /// Block 0, with no state, in an empty folder.
    pub(super) fn open(folder: &Path) -> Result<Self, ScenarioError> {
        let options = StoreOptions {
            cache_bytes: CACHE_BYTES,
            history: History::Blocks(HISTORY_BLOCKS),
            durability: Durability::Scratch,
            ..StoreOptions::new(folder)
        };
        let identity = ChainIdentity {
            chain_id: 1,
            genesis: hash_of(0).as_genesis(),
        };
        let store = Store::open(&options, identity)?;
        let blocks = Self { store };
        blocks.push(StateCommitment::compute(&StateView::empty(), &StateDiff::default())?)?;
        Ok(blocks)
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The state after the newest block.
    pub(super) fn view(&self) -> StateView {
        self.store.state()
    }

    /// The state before the newest block.
    pub(super) fn view_before(&self) -> Result<StateView, StateError> {
        let newest = self.store.head().map_or(0, |head| head.header.header.number);
        self.store.state_at(BlockNumber::new(newest.saturating_sub(1)))
    }

    /// Commits a block that brings `state` and nothing else. Gives the root.
    pub(super) fn push(&self, state: StateCommitment) -> Result<B256, ScenarioError> {
        self.push_with(state, Vec::new(), Vec::new())
    }

    /// Commits a block that brings `state` and these transactions. Gives the root.
    pub(super) fn push_with(
        &self,
        state: StateCommitment,
        transactions: Vec<Recovered<Transaction>>,
        receipts: Vec<StoredReceipt>,
    ) -> Result<B256, ScenarioError> {
        let head = self.store.head();
        let number = head.as_ref().map_or(0, |head| head.header.header.number + 1);
        let state_root = state.root();
        let header = Header {
            parent_hash: head.map_or(B256::ZERO, |head| head.header.hash.get()),
            number,
            state_root,
            ..Header::default()
        };
        let hash = hash_of(number);
        self.store.commit(&BlockCommit {
            header: SealedHeader { header, hash },
            transactions,
            receipts,
            certificate: (number > 0).then(|| certificate(number, hash)),
            state,
            codes: Vec::new(),
            next_set: (number == 0).then(validator_set),
        })?;
        Ok(state_root)
    }
}

fn hash_of(number: u64) -> BlockHash {
    BlockHash::new(keccak256(number.to_string()))
}

/// The store asks for a certificate and leaves its signatures to its caller; there is nobody here who could sign.
fn certificate(number: u64, hash: BlockHash) -> FinalityCertificate {
    FinalityCertificate {
        set_id: SetId::new(0),
        height: BlockNumber::new(number),
        slot: Slot::new(number),
        hash,
        signatures: Vec::new(),
    }
}

/// The store keeps the set that governs the next block, and a set is never empty.
fn validator_set() -> ValidatorSet {
    let nobody = Validator {
        consensus_key: ConsensusKey::new([0; 32]),
        account: Address::ZERO,
        checkpoint_key: Address::ZERO,
        peer_id: vec![0],
        member_id: MemberId::new(0),
    };
    ValidatorSet::new(SetId::new(0), vec![nobody]).expect("one validator is a set")
}
