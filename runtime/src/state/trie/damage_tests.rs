//! Records that are not those of the root: are they found?

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;
use alloy_trie::proof::verify_proof;
use ledger_chainspec::BlockNumber;

use super::node::{Below, Branch, Record};
use super::tests::{ACCOUNT, Chain, ID, key, sealed};
use super::{LeafChange, TrieReader, update};
use crate::state::view::storage_key;
use crate::state::{StateChange, StateError, Written};
use crate::store::Column;

/// A trie of 256 leaves after which `break_it` changed what is stored, without changing the root.
fn broken(break_it: impl Fn(&Chain) -> StateChange) -> (Chain, B256) {
    let mut chain = Chain::new();
    let all: BTreeMap<_, _> = (0..=255).map(|choice| (key(choice), Some(vec![choice | 1]))).collect();
    let root = chain.push(&all);
    let change = break_it(&chain);
    let head = chain.store.head().expect("pushed").header.clone();
    let header = sealed(2, head.hash.get(), root);
    chain.commit(header, Some(BlockNumber::new(1)), vec![change]);
    (chain, root)
}

/// Replaces the record under `key` of a trie column.
fn record(key: &[u8], new: Option<Record>) -> StateChange {
    StateChange {
        column: Column::StorageTrie,
        key: key.to_vec(),
        new: Written::of(new.as_ref()),
        record: new,
        undo: Some(vec![0]),
    }
}

/// Keys and records of the trie's branches.
fn branches(chain: &Chain) -> impl Iterator<Item = (Vec<u8>, Branch)> {
    let records = chain.store.records(Column::StorageTrie, &[]);
    records.filter_map(|record| {
        let (key, bytes) = record.expect("readable");
        match Record::from_bytes(&bytes).expect("a record") {
            Record::Branch(branch) => Some((key, Branch::clone(&branch))),
            Record::Extension(_) => None,
        }
    })
}

/// Key and record of the lowest branch of the trie.
fn lowest(chain: &Chain) -> (Vec<u8>, Branch) {
    branches(chain)
        .max_by_key(|(key, _)| key.len())
        .expect("there are records")
}

/// Key and record of a branch below which there is another one.
fn parent_of_counted(chain: &Chain) -> (Vec<u8>, Branch) {
    let has_low_child = |branch: &Branch| branch.low_leaves().is_some() && branch.leaves_if_small().is_none();
    branches(chain)
        .find(|(_, branch)| has_low_child(branch))
        .expect("a branch above one")
}

#[test]
fn what_is_not_the_trie_of_the_root_is_found() {
    let lost_root = |_: &Chain| record(ACCOUNT.as_slice(), None);
    let lost_branch = |chain: &Chain| record(&lowest(chain).0, None);
    let other_child = |chain: &Chain| {
        let (key, mut branch) = lowest(chain);
        let child = branch.0.iter_mut().flatten().next().expect("a branch has children");
        child.node = RlpNode::word_rlp(&B256::repeat_byte(9));
        record(&key, Some(Record::Branch(Arc::new(branch))))
    };
    let other_count = |chain: &Chain| {
        let (key, mut branch) = parent_of_counted(chain);
        let children = branch.0.iter_mut().flatten();
        let counts = children.filter_map(|child| match &mut child.below {
            Below::Branch(leaves) | Below::Extension(_, leaves) => leaves.as_mut(),
            Below::Small(_) => None,
        });
        *counts.last().expect("a low branch") += 1;
        record(&key, Some(Record::Branch(Arc::new(branch))))
    };
    let lost_leaf = |_: &Chain| StateChange::flat(Column::Storage, &storage_key(&ACCOUNT, &key(7)), None, None);
    // Whether the way to the key that is changed and proven leads through the damage.
    for (name, is_on_the_way, (chain, root)) in [
        ("the root's record is lost", true, broken(lost_root)),
        ("a branch is lost", false, broken(lost_branch)),
        ("a branch names another child", false, broken(other_child)),
        ("a branch counts other leaves below a child", false, broken(other_count)),
        ("a leaf is lost", true, broken(lost_leaf)),
    ] {
        let view = chain.store.state();
        let trie = TrieReader { view: &view, id: ID };
        assert!(trie.count(root).is_err(), "{name}: not found by counting");
        let change = LeafChange::new(key(7), Some(vec![9]));
        let updated = update(trie, root, &[change]);
        let proof = trie.proof(&key(7));
        let is_proven = proof
            .as_ref()
            .is_ok_and(|nodes| verify_proof(root, Nibbles::unpack(key(7)), Some(vec![7]), nodes).is_ok());
        if is_on_the_way {
            assert!(updated.is_err() && !is_proven, "{name}: {updated:?}, {proof:?}");
        }
    }
}

#[test]
fn an_undo_record_that_calls_a_large_branch_low_is_found() {
    let mut chain = Chain::new();
    // Below nibble 0: many leaves below another 0, and some below 1.
    let keys = (0..1_140_u32).map(|index| {
        let mut key = keccak256(index.to_be_bytes());
        key[0] = match index {
            0..1_100 => 0x00,
            1_100..1_120 => 0x01,
            _ => 0x10,
        };
        (key, Some(vec![1]))
    });
    let leaves: BTreeMap<_, _> = keys.collect();
    let root = chain.push(&leaves);
    let path = [ACCOUNT.as_slice(), &[0]].concat();
    let bytes = chain
        .store
        .records(Column::StorageTrie, &path)
        .next()
        .expect("a branch")
        .expect("readable")
        .1;
    let lie = StateChange {
        undo: Some(vec![3]),
        ..record(&path, Some(Record::from_bytes(&bytes).expect("a branch")))
    };
    let head = chain.store.head().expect("pushed").header.clone();
    chain.commit(sealed(2, head.hash.get(), root), Some(BlockNumber::new(1)), vec![lie]);
    let view = chain.store.state_at(BlockNumber::new(1)).expect("archived");
    let trie = TrieReader { view: &view, id: ID };
    let proof = trie.proof(leaves.keys().next().expect("there are leaves"));
    assert!(matches!(proof, Err(StateError::Trie { .. })), "{proof:?}");
}
