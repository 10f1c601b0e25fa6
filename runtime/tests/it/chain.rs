//! A chain of blocks without execution: random changes of state, and a model in memory that says what they must give.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use alloy_trie::{KECCAK_EMPTY, TrieAccount};
use ledger_chainspec::{
    AuthorityDigest, BlockHash, BlockNumber, ConsensusKey, FinalityCertificate, GenesisHash, Header, MemberId,
    SealedHeader, SetId, Slot, Transaction, Validator, ValidatorSet, ValidatorSetHash, with_digest,
};
use ledger_runtime::state::{AccountChange, AccountFields, StateCommitment, StateDiff, StateView};
use ledger_runtime::store::{
    BlockCommit, ChainIdentity, CodeChange, CommitError, History, Store, StoreOptions, StoredReceipt,
};

#[expect(dead_code, reason = "it is what the campaigns use, and has more than this needs")]
#[path = "../../../tests/src/random.rs"]
mod random;

pub use random::Random;

pub const CHAIN_ID: u64 = 6300;

/// What an account must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelAccount {
    pub nonce: u64,
    pub balance: U256,
    pub code_hash: B256,
    pub slots: BTreeMap<U256, U256>,
}

impl ModelAccount {
    pub fn storage_root(&self) -> B256 {
        storage_root_unhashed(self.slots.iter().map(|(slot, value)| (B256::from(*slot), *value)))
    }

    pub fn record(&self) -> TrieAccount {
        TrieAccount::new(self.nonce, self.balance, self.storage_root(), self.code_hash)
    }
}

/// What a state must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model(pub BTreeMap<Address, ModelAccount>);

impl Model {
    pub fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            let Some(after) = change.after else {
                self.0.remove(address);
                continue;
            };
            let account = self.0.entry(*address).or_default();
            (account.nonce, account.balance, account.code_hash) = (after.nonce, after.balance, after.code_hash);
            if change.wipe_storage {
                account.slots.clear();
            }
            for (slot, change) in &change.slots {
                let value = change.after;
                if value.is_zero() {
                    account.slots.remove(slot);
                } else {
                    account.slots.insert(*slot, value);
                }
            }
        }
    }

    pub fn root(&self) -> B256 {
        state_root_unhashed(self.0.iter().map(|(address, account)| (*address, account.record())))
    }
}

pub fn account(nonce: u64, balance: u64) -> AccountChange {
    let after = AccountFields {
        nonce,
        balance: U256::from(balance),
        code_hash: KECCAK_EMPTY,
    };
    AccountChange {
        after: Some(after),
        ..AccountChange::default()
    }
}

pub fn diff(changes: impl IntoIterator<Item = (Address, AccountChange)>) -> StateDiff {
    StateDiff {
        accounts: changes.into_iter().collect(),
        codes: BTreeMap::new(),
    }
}

pub fn validator_set(id: u64) -> ValidatorSet {
    let validator = Validator {
        consensus_key: ConsensusKey::new([7; 32]),
        account: Address::repeat_byte(1),
        checkpoint_key: Address::repeat_byte(2),
        peer_id: vec![3; 38],
        member_id: MemberId::new(1),
    };
    ValidatorSet::new(SetId::new(id), vec![validator]).expect("one validator is a set")
}

pub fn certificate(header: &SealedHeader) -> FinalityCertificate {
    FinalityCertificate {
        set_id: SetId::new(0),
        height: BlockNumber::new(header.header.number),
        slot: Slot::new(header.header.number),
        hash: header.hash,
        signatures: Vec::new(),
    }
}

fn header(parent: Option<(&SealedHeader, Option<FinalityCertificate>)>, state_root: B256) -> SealedHeader {
    let number = parent.as_ref().map_or(0, |(parent, _)| parent.header.number + 1);
    let (parent_hash, parent_certificate) = parent.map_or((B256::ZERO, None), |(parent, certificate)| {
        (parent.hash.get(), certificate)
    });
    let digest = AuthorityDigest {
        recovery: None,
        slot: Slot::new(number),
        next_set_hash: ValidatorSetHash::new(B256::ZERO),
        parent_certificate,
        seal: None,
    };
    let header = with_digest(
        Header {
            number,
            parent_hash,
            state_root,
            ..Header::default()
        },
        &digest,
    );
    SealedHeader {
        hash: BlockHash::new(header.hash_slow()),
        header,
    }
}

/// What a block brings beside its state.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    pub transactions: Vec<Recovered<Transaction>>,
    pub receipts: Vec<StoredReceipt>,
    pub codes: Vec<CodeChange>,
    pub next_set: Option<ValidatorSet>,
}

/// A store, and its model at every block.
pub struct Chain {
    pub store: Arc<Store>,
    pub models: Vec<Model>,
    pub headers: Vec<SealedHeader>,
}

impl Chain {
    pub fn create(path: &Path, history: History, genesis: &StateDiff) -> Self {
        let state = StateCommitment::compute(&StateView::empty(), genesis).expect("nothing is read");
        let header = header(None, state.root());
        let store = Store::open(&options(path, history), identity(&header)).expect("an empty folder");
        let mut model = Model::default();
        model.apply(genesis);
        let block = BlockCommit {
            header: header.clone(),
            transactions: Vec::new(),
            receipts: Vec::new(),
            certificate: None,
            state,
            codes: Vec::new(),
            next_set: Some(validator_set(0)),
        };
        store.commit(&block).expect("genesis commits");
        Self {
            store,
            models: vec![model],
            headers: vec![header],
        }
    }

    pub fn head(&self) -> &SealedHeader {
        self.headers.last().expect("genesis is there")
    }

    pub fn model(&self) -> &Model {
        self.models.last().expect("genesis is there")
    }

    /// The next block, not committed.
    pub fn build(&self, diff: &StateDiff, extras: Extras) -> BlockCommit {
        let state = StateCommitment::compute(&self.store.state(), diff).expect("the head is readable");
        let parent = self.store.head().expect("genesis is there");
        let header = header(Some((&parent.header, parent.certificate.clone())), state.root());
        BlockCommit {
            certificate: Some(certificate(&header)),
            header,
            transactions: extras.transactions,
            receipts: extras.receipts,
            state,
            codes: extras.codes,
            next_set: extras.next_set,
        }
    }

    pub fn push(&mut self, diff: &StateDiff) {
        self.push_with(diff, Extras::default()).expect("the block commits");
    }

    pub fn push_with(&mut self, diff: &StateDiff, extras: Extras) -> Result<(), CommitError> {
        self.push_by(Store::commit, diff, extras)
    }

    pub fn push_by(
        &mut self,
        commit: impl Fn(&Store, &BlockCommit) -> Result<(), CommitError>,
        diff: &StateDiff,
        extras: Extras,
    ) -> Result<(), CommitError> {
        let block = self.build(diff, extras);
        commit(&self.store, &block)?;
        let mut model = self.model().clone();
        model.apply(diff);
        self.models.push(model);
        self.headers.push(block.header);
        Ok(())
    }

    /// The same chain after its process ended and another opened the folder.
    pub fn reopen(self, path: &Path, history: History) -> Self {
        let Self { store, models, headers } = self;
        drop(store);
        let store = Store::open(&options(path, history), identity(&headers[0])).expect("the folder opens again");
        Self { store, models, headers }
    }
}

pub fn options(path: &Path, history: History) -> StoreOptions {
    StoreOptions {
        history,
        ..StoreOptions::new(path)
    }
}

pub fn identity(genesis: &SealedHeader) -> ChainIdentity {
    ChainIdentity {
        chain_id: CHAIN_ID,
        genesis: GenesisHash::new(genesis.hash.get()),
    }
}

impl Random {
    /// Changes to some of `accounts` accounts: written, destroyed, wiped, slots set and zeroed.
    pub fn diff(&mut self, accounts: u64, changes: u64) -> StateDiff {
        let mut diff = StateDiff::default();
        for _ in 0..changes {
            let address = Address::from_word(keccak256(self.below(accounts).to_be_bytes()));
            let mut change = account(self.below(5), self.below(1_000));
            match self.below(12) {
                0 | 1 => change.after = None,
                2 => change.wipe_storage = true,
                3 => {
                    let code = Bytes::from(self.below(9).to_be_bytes().to_vec());
                    let hash = keccak256(&code);
                    change.after.as_mut().expect("made with one").code_hash = hash;
                    diff.codes.insert(hash, code);
                }
                _ => {}
            }
            for _ in 0..self.below(6) {
                let value = if self.below(3) == 0 { 0 } else { self.below(300) };
                change
                    .slots
                    .insert(U256::from(self.below(24)), U256::from(value).into());
            }
            diff.accounts.insert(address, change);
        }
        diff
    }
}
