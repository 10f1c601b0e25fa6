//! Keys that share long prefixes and values of one byte: extensions that split and merge, nodes short enough to be part of
//! their parent, roots of every kind. Hashed keys hardly ever give any of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::{HashBuilder, Nibbles};
use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, FinalityCertificate, GenesisHash, Header, SealedHeader, SetId, Slot,
};
use proptest::prelude::*;

use super::node::LOW_LEAVES_MAX;
use super::{LeafChange, TrieId, TrieReader, update};
use crate::state::view::storage_key;
use crate::state::{Changes, StateChange, StateCommitment, StateError, StateView};
use crate::store::{BlockCommit, ChainIdentity, Column, FlatRecord, History, Store, StoreOptions};

pub(super) const ACCOUNT: B256 = B256::repeat_byte(0xaa);
pub(super) const ID: TrieId = TrieId::Storage(ACCOUNT);

pub(super) type Model = BTreeMap<B256, Vec<u8>>;

/// One of 256 keys that differ in four places: at the start, behind a long way, and in their last nibbles.
pub(super) fn key(choice: u8) -> B256 {
    let mut key = B256::ZERO;
    for (bit, byte) in [0, 1, 30, 31].into_iter().enumerate() {
        key[byte] = [0x00, 0x01, 0x10, 0x11][usize::from(choice >> (2 * bit) & 3)];
    }
    key
}

pub(super) fn root_of(model: &Model) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}

/// A chain whose blocks change one storage trie, and the model at every block.
pub(super) struct Chain {
    pub(super) store: Arc<Store>,
    pub(super) models: Vec<Model>,
    dir: tempfile::TempDir,
}

impl Chain {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let chain = Self {
            store: Self::open(dir.path()),
            models: vec![Model::new()],
            dir,
        };
        chain.commit(Self::genesis(), None, Vec::new());
        chain
    }

    /// The same with nothing in memory.
    pub(super) fn reopened(self) -> Self {
        let Self { store, models, dir } = self;
        drop(store);
        let store = Self::open(dir.path());
        Self { store, models, dir }
    }

    fn genesis() -> SealedHeader {
        sealed(0, B256::ZERO, root_of(&Model::new()))
    }

    fn open(folder: &Path) -> Arc<Store> {
        let identity = ChainIdentity {
            chain_id: 1,
            genesis: GenesisHash::new(Self::genesis().hash.get()),
        };
        let options = StoreOptions {
            history: History::Archive,
            ..StoreOptions::new(folder)
        };
        Store::open(&options, identity).expect("a folder of its own")
    }

    pub(super) fn commit(&self, header: SealedHeader, parent: Option<BlockNumber>, changes: impl Into<Changes>) {
        let state = StateCommitment::of_changes(parent, header.header.state_root, changes.into());
        let certificate = FinalityCertificate {
            set_id: SetId::new(0),
            height: BlockNumber::new(header.header.number),
            slot: Slot::new(header.header.number),
            hash: header.hash,
            signatures: Vec::new(),
        };
        let block = BlockCommit {
            header,
            transactions: Vec::new(),
            receipts: Vec::new(),
            certificate: Some(certificate),
            state,
            codes: Vec::new(),
            next_set: parent.is_none().then(|| ChainSpec::dev().validator_set()),
        };
        self.store.commit(&block).expect("the block fits");
    }

    /// Commits a block that writes and removes leaves; gives the root that the trie computes.
    pub(super) fn push(&mut self, writes: &BTreeMap<B256, Option<Vec<u8>>>) -> B256 {
        let view = self.store.state();
        let mut model = self.models.last().expect("genesis").clone();
        let (mut leaves, mut changes) = (Vec::new(), Vec::new());
        for (key, value) in writes {
            let old = match value {
                Some(value) => model.insert(*key, value.clone()),
                None => model.remove(key),
            };
            if old != *value {
                let flat = storage_key(&ACCOUNT, key);
                let old = view.flat(Column::Storage, &flat).expect("readable");
                leaves.push(LeafChange::over(*key, old.as_ref(), value.clone()));
                let new = value.clone().map(|leaf| FlatRecord {
                    since: view.next_block(),
                    leaf,
                });
                changes.push(StateChange::flat(Column::Storage, &flat, old.as_ref(), new));
            }
        }
        let parent = self.store.head().expect("genesis");
        let root = view.root().expect("a root");
        let (root, mut all) = update(TrieReader { view: &view, id: ID }, root, &leaves).expect("readable");
        all.extend(changes.into());
        let number = parent.header.header.number;
        let header = sealed(number + 1, parent.header.hash.get(), root);
        self.commit(header, Some(BlockNumber::new(number)), all);
        self.models.push(model);
        root
    }

    /// Every key of the alphabet, proven at block `number`: there or not there.
    fn check(&self, number: usize) {
        let model = &self.models[number];
        let root = root_of(model);
        let number = BlockNumber::new(number as u64);
        let view = self.store.state_at(number).expect("archived");
        let trie = TrieReader { view: &view, id: ID };
        assert_eq!(trie.count(root).expect("whole").leaves, model.len() as u64);
        for key in (0..=255).map(key) {
            let proof: Vec<Bytes> = trie.proof(&key).expect("provable");
            verify_proof(root, Nibbles::unpack(key), model.get(&key).cloned(), &proof)
                .unwrap_or_else(|error| panic!("{key} at {number}: {error}"));
        }
    }

    pub(super) fn trie_records(&self) -> u64 {
        self.store.records(Column::StorageTrie, &[]).count() as u64
    }
}

pub(super) fn sealed(number: u64, parent: B256, root: B256) -> SealedHeader {
    let header = Header {
        number,
        parent_hash: parent,
        state_root: root,
        ..Header::default()
    };
    SealedHeader {
        hash: BlockHash::new(header.hash_slow()),
        header,
    }
}

/// Blocks that write most keys of the alphabet, a few of them, or remove most: subtrees get records and lose them again.
pub(super) fn writes() -> impl Strategy<Value = BTreeMap<B256, Option<Vec<u8>>>> {
    let value = |removed| {
        prop_oneof![
            removed => Just(None),
            4 => (1_u8..=3).prop_map(|byte| Some(vec![byte])),
            1 => any::<u8>().prop_map(|byte| Some(vec![byte; 40])),
        ]
    };
    let block = move |removed, count| proptest::collection::btree_map(any::<u8>().prop_map(key), value(removed), count);
    prop_oneof![
        2 => block(4, 0..12),
        2 => block(1, 40..200),
        1 => block(40, 100..250),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn roots_records_and_proofs_are_right_at_every_block(blocks in proptest::collection::vec(writes(), 1..14)) {
        let mut chain = Chain::new();
        for block in &blocks {
            let root = chain.push(block);
            let model = chain.models.last().expect("pushed");
            prop_assert_eq!(root, root_of(model));
            let view = chain.store.state();
            let count = TrieReader { view: &view, id: ID }.count(root).expect("whole");
            prop_assert_eq!((count.leaves, count.records), (model.len() as u64, chain.trie_records()));
        }
        for number in 0..chain.models.len() {
            chain.check(number);
        }
    }
}

#[test]
fn many_changes_walked_side_by_side_give_the_same_root() {
    let mut chain = Chain::new();
    let all: BTreeMap<_, _> = (0..=255).map(|choice| (key(choice), Some(vec![choice | 1]))).collect();
    assert_eq!(chain.push(&all), root_of(&all_values(&all)));
    let half: BTreeMap<_, _> = all.keys().step_by(2).map(|key| (*key, None)).collect();
    chain.push(&half);
    let rest: BTreeMap<_, _> = all.keys().map(|key| (*key, None)).collect();
    assert_eq!(chain.push(&rest), root_of(&Model::new()));
    assert_eq!(chain.trie_records(), 0);
    for number in 0..4 {
        chain.check(number);
    }
}

fn all_values(writes: &BTreeMap<B256, Option<Vec<u8>>>) -> Model {
    let values = writes.iter().filter_map(|(key, value)| Some((*key, value.clone()?)));
    values.collect()
}

#[test]
fn a_subtree_gets_a_record_with_its_17th_leaf_and_loses_it_with_its_9th() {
    let mut chain = Chain::new();
    let keys: Vec<_> = (0..=255).map(key).collect();
    let writes = |range: std::ops::Range<usize>, value: Option<Vec<u8>>| {
        let keys = keys.get(range).expect("256 keys").iter();
        keys.map(|key| (*key, value.clone())).collect()
    };
    let mut records = Vec::new();
    for (range, value) in [
        (0..16, Some(vec![1])),
        (16..17, Some(vec![1])),
        (16..17, None),
        (9..16, None),
        (8..9, None),
        (8..16, Some(vec![2])),
        (0..256, Some(vec![3])),
        (0..256, None),
    ] {
        let root = chain.push(&writes(range, value));
        assert_eq!(root, root_of(chain.models.last().expect("pushed")));
        records.push(chain.trie_records());
    }
    // An extension leads to the one branch with a record, and both have one.
    let [sixteen, seventeen, back, nine, eight, again, all, none] = records.try_into().expect("eight blocks");
    assert_eq!((sixteen, eight, again, none), (0, 0, 0, 0));
    assert!(
        seventeen > 0 && back == seventeen && nine > 0,
        "{seventeen} {back} {nine}"
    );
    assert!(all > seventeen);
    for number in 0..chain.models.len() {
        chain.check(number);
    }
}

#[test]
fn branches_that_become_low_and_cease_to_be_are_proven_at_every_block() {
    let mut chain = Chain::new();
    // Nearly all below nibble 3, whose branch comes to have up to 3,000 leaves, and its children nearly 200 each.
    let keys: Vec<_> = (0..3_000_u32)
        .map(|index| {
            let mut key = keccak256(index.to_be_bytes());
            key[0] = if index % 50 == 0 { key[0] } else { 0x30 | key[0] & 0x0f };
            key
        })
        .collect();
    let undo_records = |chain: &Chain| chain.store.records(Column::Undo, &[]).count();
    let max = usize::from(LOW_LEAVES_MAX);
    let mut counts = Vec::new();
    for (range, byte) in [
        (0..max / 2, 1),
        (0..40, 2),
        (0..max + 200, 3),
        (0..40, 4),
        (0..3_000, 5),
        (200..3_000, 0),
        (0..40, 6),
        (0..2_000, 7),
        (0..2_000, 0),
        (0..600, 8),
    ] {
        let before = undo_records(&chain);
        let value = (byte != 0).then(|| vec![byte; 33]);
        let writes: BTreeMap<_, _> = keys[range].iter().map(|key| (*key, value.clone())).collect();
        let changed = chain
            .models
            .last()
            .expect("genesis")
            .keys()
            .filter(|key| writes.contains_key(*key))
            .count();
        let root = chain.push(&writes);
        assert_eq!(root, root_of(chain.models.last().expect("pushed")));
        counts.push(undo_records(&chain) - before - changed);
    }
    // The root, and the branch below it where it was no low one or is none any more. Removals take low branches away: 26 that had
    // a record, and 17.
    assert_eq!(counts, [1, 1, 2, 2, 2, 2 + 26, 1, 2, 2 + 17, 1]);
    let view = chain.store.state();
    let root = view.root().expect("a root");
    TrieReader { view: &view, id: ID }.count(root).expect("whole");
    for (number, model) in chain.models.iter().enumerate() {
        let root = root_of(model);
        let view = chain.store.state_at(BlockNumber::new(number as u64)).expect("archived");
        let trie = TrieReader { view: &view, id: ID };
        // What `update` reads of an older block, too.
        let old = view
            .flat(Column::Storage, &storage_key(&ACCOUNT, &keys[1]))
            .expect("readable");
        let change = LeafChange::over(keys[1], old.as_ref(), Some(vec![9]));
        let updated = update(trie, root, &[change]).expect("readable").0;
        let mut changed = model.clone();
        changed.insert(keys[1], vec![9]);
        assert_eq!(updated, root_of(&changed), "after block {number}");
        for key in keys.iter().step_by(7) {
            let proof = trie.proof(key).expect("provable");
            verify_proof(root, Nibbles::unpack(key), model.get(key).cloned(), &proof)
                .unwrap_or_else(|error| panic!("{key} after block {number}: {error}"));
        }
    }
}

#[test]
fn a_trie_that_grew_much_since_is_not_proven_where_it_was_small() {
    let mut chain = Chain::new();
    chain.push(&BTreeMap::from([(key(1), Some(vec![1]))]));
    let many = (0..70_000_u32).map(|index| (keccak256(index.to_be_bytes()), Some(vec![2])));
    chain.push(&many.collect());
    let proof_at = |number| {
        let view = chain.store.state_at(BlockNumber::new(number)).expect("archived");
        TrieReader { view: &view, id: ID }.proof(&key(1))
    };
    assert!(
        matches!(proof_at(1), Err(StateError::Grown { .. })),
        "{:?}",
        proof_at(1)
    );
    proof_at(2).expect("the newest state is always proven");
}

#[test]
fn the_empty_view_has_an_empty_trie() {
    let view = StateView::empty();
    let trie = TrieReader { view: &view, id: ID };
    assert_eq!(trie.count(root_of(&Model::new())).expect("empty").records, 0);
}
