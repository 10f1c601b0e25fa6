//! Leaves of a range: taken when they are all of it and nothing else, at every block and for every kind of node.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use proptest::prelude::*;

use super::tests::{Chain, ID, Model, key, root_of, writes};
use super::{KeySpan, RangeFault, TrieReader, check_range};
use crate::state::{Leaves, StateView};
use crate::store::Column;
use crate::store::SpanLimit;

const ACCOUNT: Leaves = Leaves::Slots(B256::repeat_byte(0xaa));

/// What the model has in a span.
fn of(model: &Model, span: &KeySpan) -> Vec<(B256, Vec<u8>)> {
    let leaves = model.iter().filter(|(key, _)| (span.from..=span.until).contains(*key));
    leaves.map(|(key, value)| (*key, value.clone())).collect()
}

/// A span between two keys of the alphabet, or beside them.
fn span((from, until): (u8, u8), (before, behind): (bool, bool)) -> KeySpan {
    let (from, until) = (key(from.min(until)), key(from.max(until)));
    let [from, until] = [(from, before), (until, behind)].map(|(mut key, is_beside)| {
        key[31] ^= u8::from(is_beside) * 0x08;
        key
    });
    KeySpan {
        from: from.min(until),
        until: from.max(until),
    }
}

fn spans() -> impl Strategy<Value = KeySpan> {
    prop_oneof![
        8 => (any::<(u8, u8)>(), any::<(bool, bool)>()).prop_map(|(keys, beside)| span(keys, beside)),
        1 => any::<u8>().prop_map(|choice| KeySpan { from: key(choice), ..KeySpan::ALL }),
        1 => any::<u8>().prop_map(|choice| KeySpan { until: key(choice), ..KeySpan::ALL }),
        1 => Just(KeySpan::ALL),
    ]
}

/// Other leaves in place of those that are there.
#[derive(Clone, Debug)]
enum Tampering {
    Drop(usize),
    DropFirst,
    DropLast,
    Flip(usize),
    Add(u8),
    Swap(usize),
    Twice(usize),
    Nothing,
}

fn tamperings() -> impl Strategy<Value = Tampering> {
    let index = || 0_usize..256;
    prop_oneof![
        index().prop_map(Tampering::Drop),
        Just(Tampering::DropFirst),
        Just(Tampering::DropLast),
        index().prop_map(Tampering::Flip),
        any::<u8>().prop_map(Tampering::Add),
        index().prop_map(Tampering::Swap),
        index().prop_map(Tampering::Twice),
        Just(Tampering::Nothing),
    ]
}

impl Tampering {
    fn applied(&self, leaves: &[(B256, Vec<u8>)]) -> Vec<(B256, Vec<u8>)> {
        let mut other = leaves.to_vec();
        let at = |index: usize| index % leaves.len().max(1);
        if leaves.is_empty() && !matches!(self, Self::Add(_)) {
            return other;
        }
        match *self {
            Self::Drop(index) => drop(other.remove(at(index))),
            Self::DropFirst => drop(other.remove(0)),
            Self::DropLast => drop(other.pop()),
            Self::Flip(index) => other[at(index)].1[0] ^= 0x40,
            Self::Add(choice) => {
                if let Err(place) = other.binary_search_by_key(&key(choice), |(key, _)| *key) {
                    other.insert(place, (key(choice), vec![1]));
                }
            }
            Self::Swap(index) => other.swap(at(index), at(index + 1)),
            Self::Twice(index) => other.insert(at(index), leaves[at(index)].clone()),
            Self::Nothing => {}
        }
        other
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_range_is_proven_at_every_block_and_nothing_else_passes_with_its_proof(
        blocks in proptest::collection::vec(writes(), 1..8),
        asked in proptest::collection::vec((any::<prop::sample::Index>(), spans(), tamperings(), spans()), 40),
    ) {
        let mut chain = Chain::new();
        for block in &blocks {
            chain.push(block);
        }
        for (number, span, tampering, other_span) in asked {
            let number = number.index(chain.models.len());
            let model = &chain.models[number];
            let root = root_of(model);
            let view = chain.store.state_at(BlockNumber::new(number as u64)).expect("archived");
            let proof = TrieReader { view: &view, id: ID }.range_proof(&span).expect("provable");
            let leaves = of(model, &span);
            prop_assert_eq!(check_range(root, &span, &leaves, &proof), Ok(()));

            let other = tampering.applied(&leaves);
            prop_assert_eq!(check_range(root, &span, &other, &proof).is_ok(), other == leaves, "{:?}", tampering);
            // Another range with this proof: what is taken is right, though not all of it can be proven.
            if check_range(root, &other_span, &leaves, &proof).is_ok() {
                prop_assert_eq!(&leaves, &of(model, &other_span));
            }
            let _ = check_range(root, &other_span, &of(model, &other_span), &proof);
            // Without a node nothing wrong is taken either.
            for missing in 0..proof.len() {
                let mut proof = proof.clone();
                proof.remove(missing);
                prop_assert!(other == leaves || check_range(root, &span, &other, &proof).is_err());
            }
            if model.len() > 1 {
                prop_assert!(check_range(keccak256(root), &span, &leaves, &proof).is_err());
            }
        }
    }

    #[test]
    fn leaves_are_read_at_every_block_in_pieces_of_any_size(
        blocks in proptest::collection::vec(writes(), 1..8),
        leaves in 1_usize..40,
        bytes in 1_usize..2_000,
    ) {
        let mut chain = Chain::new();
        for block in &blocks {
            chain.push(block);
        }
        for (number, model) in chain.models.iter().enumerate() {
            let view = chain.store.state_at(BlockNumber::new(number as u64)).expect("archived");
            let (mut read, mut from) = (Model::new(), B256::ZERO);
            loop {
                let span = view.span(ACCOUNT, &from, SpanLimit { leaves, bytes }).expect("readable");
                read.extend(span.leaves);
                let Some(until) = span.until else { break };
                prop_assert!(until >= from);
                from = B256::from(alloy_primitives::U256::from_be_bytes(until.0) + alloy_primitives::U256::from(1));
            }
            prop_assert_eq!(&read, model);
        }
    }

    #[test]
    fn leaves_added_piece_by_piece_leave_the_same_records_as_all_at_once(
        all in proptest::collection::btree_set(any::<u8>(), 0..256),
        pieces in proptest::collection::vec(1_usize..60, 1..20),
    ) {
        let model: Model = all.iter().map(|choice| (key(*choice), vec![choice | 1])).collect();
        let writes = |model: &Model| model.iter().map(|(key, value)| (*key, Some(value.clone()))).collect::<BTreeMap<_, _>>();
        let mut at_once = Chain::new();
        at_once.push(&writes(&model));
        // Each block stands for a piece.
        let mut by_pieces = Chain::new();
        let mut left: Vec<_> = model.iter().collect();
        let mut sizes = pieces.iter().cycle();
        while !left.is_empty() {
            let size = sizes.next().copied().unwrap_or(1).min(left.len());
            let piece: Model = left.drain(..size).map(|(key, value)| (*key, value.clone())).collect();
            by_pieces.push(&writes(&piece));
        }
        let records = |chain: &Chain| {
            let leaves = chain.store.flat_records(Column::Storage, &[]);
            let leaves = leaves.map(|record| record.map(|(key, record)| (key, record.leaf)));
            let leaves: Vec<_> = leaves.collect::<Result<_, _>>().expect("readable");
            let branches = chain.store.records(Column::StorageTrie, &[]);
            (leaves, branches.collect::<Result<Vec<_>, _>>().expect("readable"))
        };
        prop_assert_eq!(records(&by_pieces), records(&at_once));
    }
}

#[test]
fn an_empty_trie_has_no_leaves_in_any_range() {
    let nothing: [Vec<u8>; 0] = [];
    let span = span((3, 200), (false, true));
    assert_eq!(check_range(EMPTY_ROOT_HASH, &span, &[], &nothing), Ok(()));
    assert_eq!(check_range(EMPTY_ROOT_HASH, &KeySpan::ALL, &[], &nothing), Ok(()));
    check_range(EMPTY_ROOT_HASH, &span, &[(key(7), vec![1])], &nothing).expect_err("there are none");
    let view = StateView::empty();
    assert!(
        view.span(ACCOUNT, &B256::ZERO, SpanLimit { leaves: 1, bytes: 1 })
            .expect("empty")
            .leaves
            .is_empty()
    );
}

#[test]
fn bytes_that_are_no_nodes_are_refused() {
    let span = span((10, 90), (false, false));
    for bytes in [&[][..], &[0xc0], &[0xc2, 0x20, 0x01], &[0xf8, 0xff], &[0xc1, 0xc0]] {
        let root = keccak256(bytes);
        let fault = check_range(root, &span, &[], &[bytes]).expect_err("no node leads there");
        assert!(
            matches!(fault, RangeFault::NoNode { .. } | RangeFault::Differs { .. }),
            "{fault}"
        );
    }
    let many = vec![vec![0x80]; super::RANGE_PROOF_NODES_MAX + 1];
    let fault = check_range(EMPTY_ROOT_HASH, &span, &[], &many).expect_err("too many");
    assert!(matches!(fault, RangeFault::TooLong { .. }), "{fault}");
}

#[test]
fn a_leaf_on_the_border_of_a_range_of_one_key_is_there_or_not() {
    let mut chain = Chain::new();
    chain.push(
        &(0..=255)
            .step_by(3)
            .map(|choice| (key(choice), Some(vec![choice | 1])))
            .collect(),
    );
    let model = chain.models.last().expect("pushed");
    let (root, view) = (root_of(model), chain.store.state());
    for choice in 0..=255 {
        let span = KeySpan {
            from: key(choice),
            until: key(choice),
        };
        let proof = TrieReader { view: &view, id: ID }.range_proof(&span).expect("provable");
        let leaves = of(model, &span);
        assert_eq!(leaves.len(), usize::from(choice % 3 == 0));
        assert_eq!(check_range(root, &span, &leaves, &proof), Ok(()));
        let others = match leaves.as_slice() {
            [] => vec![(key(choice), vec![1])],
            _ => vec![],
        };
        check_range(root, &span, &others, &proof).expect_err("it is the other way round");
    }
}
