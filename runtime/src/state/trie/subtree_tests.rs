//! Small subtrees whose tops are in memory: do they give the roots that their leaves give, and are only those leaves read that
//! have to be?

use std::collections::BTreeMap;

use alloy_primitives::B256;
use ledger_chainspec::BlockNumber;
use proptest::prelude::*;

use super::tests::{ACCOUNT, Chain, ID, root_of, sealed};
use super::{LeafChange, TrieReader, update};
use crate::state::view::storage_key;
use crate::state::{StateChange, StateError};
use crate::store::{Column, FlatRecord};

/// One of 1,024 keys that differ in their first three nibbles, of which the last two take every value.
pub(super) fn wide_key(choice: u16) -> B256 {
    B256::right_padding_from(&(choice << 4).to_be_bytes())
}

/// Commits a block, and holds what came of it against the model.
fn push(chain: &mut Chain, block: &BTreeMap<B256, Option<Vec<u8>>>) {
    let root = chain.push(block);
    let model = chain.models.last().expect("pushed");
    assert_eq!(root, root_of(model));
    let view = chain.store.state();
    let count = TrieReader { view: &view, id: ID }.count(root).expect("whole");
    assert_eq!(
        (count.leaves, count.records),
        (model.len() as u64, chain.trie_records())
    );
}

/// Blocks that write or remove some of the wide keys; most values are so long that a leaf is a hash.
fn wide_writes() -> impl Strategy<Value = BTreeMap<B256, Option<Vec<u8>>>> {
    let block = |removed| {
        let value = prop_oneof![
            removed => Just(None),
            8 => any::<u8>().prop_map(|byte| Some(vec![byte; 40])),
            1 => Just(Some(vec![1])),
        ];
        proptest::collection::btree_map((0_u16..1_024).prop_map(wide_key), value, 0..300)
    };
    prop_oneof![2 => block(1), 1 => block(40)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_give_the_roots_that_the_leaves_give(blocks in proptest::collection::vec(wide_writes(), 2..10)) {
        let mut chain = Chain::new();
        for block in &blocks {
            push(&mut chain, block);
        }
    }
}

/// A key that begins with these bytes.
fn at(first: u8, second: u8) -> B256 {
    B256::right_padding_from(&[first, second])
}

/// Each step writes (true) or removes keys of one subtree, which stands below the first nibble 0.
#[test]
fn a_subtree_in_memory_grows_shrinks_forks_and_goes() {
    let row = |range: std::ops::Range<u8>| range.map(|first| at(first, 0)).collect::<Vec<_>>();
    let column = |range: std::ops::Range<u8>| range.map(|nibble| at(0, nibble << 4)).collect::<Vec<_>>();
    for steps in [
        // One leaf too many for a small subtree, and few enough again.
        vec![
            (true, row(0..16)),
            (true, vec![at(0, 0x10)]),
            (false, row(8..16)),
            (false, row(1..2)),
        ],
        vec![(true, row(0..16)), (true, column(1..16))],
        // One leaf is left, and then none.
        vec![(true, row(0..16)), (false, row(1..16)), (false, row(0..1))],
        vec![(true, row(0..16)), (false, row(0..16))],
        // Too few children to be kept, and enough again.
        vec![
            (true, row(0..3)),
            (false, row(0..1)),
            (true, row(3..5)),
            (false, row(1..2)),
        ],
        // An extension above the top, and a leaf that leaves the way to it.
        vec![
            (true, column(0..4)),
            (true, column(4..6)),
            (true, row(7..8)),
            (false, column(0..6)),
        ],
    ] {
        let mut chain = Chain::new();
        // With others beside it the trie has records.
        let beside = (0x10..=0xff)
            .step_by(5)
            .map(|first| (at(first, 0), Some(vec![first; 40])));
        push(&mut chain, &beside.collect());
        for (step, (is_there, keys)) in (1..).zip(&steps) {
            let value = |key: &B256| is_there.then(|| [key.as_slice(), &[step; 8]].concat());
            push(&mut chain, &keys.iter().map(|key| (*key, value(key))).collect());
        }
    }
}

#[test]
fn a_trie_of_one_small_subtree_stays_in_memory() {
    let mut chain = Chain::new();
    let value = |byte| Some(vec![byte; 40]);
    push(
        &mut chain,
        &(0..8).map(|first| (at(first << 4, 0), value(first))).collect(),
    );
    lose(&mut chain, &at(0x50, 0));
    let root = chain.push(&BTreeMap::from([(at(0x90, 0), value(9))]));
    assert_eq!(root, root_of(chain.models.last().expect("pushed")));
}

/// The value of a wide key.
fn wide_value(choice: u16) -> Vec<u8> {
    choice.to_be_bytes().repeat(20)
}

/// The root after a change of the leaf at `wide_key(100)`, which is said to have been of this value.
fn changed(chain: &Chain, old: Option<Vec<u8>>) -> Result<B256, StateError> {
    let view = chain.store.state();
    let root = view.root().expect("a root");
    let since = BlockNumber::new(1);
    let old = old.map(|leaf| FlatRecord { since, leaf });
    let change = LeafChange::over(wide_key(100), old.as_ref(), Some(vec![7; 40]));
    update(TrieReader { view: &view, id: ID }, root, &[change]).map(|(root, _)| root)
}

/// Each of the wide keys has a value, and the leaf of one of them is missing; with it the root after [`changed`].
fn wide_without(lost: u16) -> (Chain, B256) {
    let mut chain = Chain::new();
    push(
        &mut chain,
        &(0..1_024)
            .map(|choice| (wide_key(choice), Some(wide_value(choice))))
            .collect(),
    );
    lose(&mut chain, &wide_key(lost));
    let mut model = chain.models.last().expect("pushed").clone();
    model.insert(wide_key(100), vec![7; 40]);
    (chain, root_of(&model))
}

#[test]
fn only_leaves_beside_a_change_are_read() {
    let (chain, root) = wide_without(101);
    assert_eq!(
        changed(&chain, Some(wide_value(100))).expect("its leaves alone are read"),
        root
    );
    let error = changed(&chain.reopened(), Some(wide_value(100))).expect_err("a leaf is missing");
    assert!(matches!(error, StateError::Trie { .. }), "{error:?}");
}

#[test]
fn what_stands_alone_is_not_read_to_be_changed() {
    let (chain, root) = wide_without(100);
    assert_eq!(changed(&chain, Some(wide_value(100))).expect("nothing is read"), root);
    // What is said of the old leaf counts only if its parent stands for it.
    for other in [None, Some(wide_value(101))] {
        let error = changed(&chain, other).expect_err("a leaf is missing");
        assert!(matches!(error, StateError::Trie { .. }), "{error:?}");
    }
}

/// Takes a leaf away from the flat state, and leaves the trie as it is.
fn lose(chain: &mut Chain, key: &B256) {
    let view = chain.store.state();
    let flat = storage_key(&ACCOUNT, key);
    let old = view.flat(Column::Storage, &flat).expect("readable");
    let change = StateChange::flat(Column::Storage, &flat, old.as_ref(), None);
    let head = chain.store.head().expect("pushed").header.clone();
    let number = head.header.number;
    let header = sealed(number + 1, head.hash.get(), head.header.state_root);
    chain.commit(header, Some(BlockNumber::new(number)), vec![change]);
}
