//! What came and went within the window: created, removed and written again, at every block as it was.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{Nibbles, proof::verify_proof};
use ledger_chainspec::BlockNumber;
use ledger_runtime::state::{AccountChange, StateDiff, StateError, StateView};
use ledger_runtime::store::{Column, History};

use crate::chain::{Chain, Model, account, diff};
use crate::dice::Dice;
use crate::raw;

const WRITER: Address = Address::repeat_byte(0x77);

fn person(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

/// A change of these slots of [`WRITER`], whose nonce is `nonce` then.
fn write(nonce: u64, slots: impl IntoIterator<Item = (u64, u64)>) -> StateDiff {
    let slots = slots.into_iter();
    let change = AccountChange {
        slots: slots
            .map(|(slot, value)| (U256::from(slot), U256::from(value).into()))
            .collect(),
        ..account(nonce, 1)
    };
    diff([(WRITER, change)])
}

fn destroy() -> StateDiff {
    diff([(WRITER, AccountChange::default())])
}

/// Reads and proves slots of [`WRITER`] through `view`.
fn assert_slots(view: &StateView, model: &Model, slots: impl IntoIterator<Item = u64>) {
    let root = model.root();
    assert_eq!(view.root().expect("a root"), root);
    let expected = model.0.get(&WRITER);
    let slots: Vec<_> = slots.into_iter().map(|slot| B256::from(U256::from(slot))).collect();
    let proof = view.proof(&WRITER, &slots).expect("provable");
    let record = expected.map(|account| account.record());
    assert_eq!(proof.account, record, "at {:?}", view.block());
    let leaf = record.map(alloy_rlp::encode);
    verify_proof(root, Nibbles::unpack(keccak256(WRITER)), leaf, &proof.proof).expect("the account's proof");
    for found in &proof.storage {
        let slot = U256::from_be_bytes(found.slot.0);
        let value = expected.and_then(|account| account.slots.get(&slot)).copied();
        let value = value.unwrap_or_default();
        assert_eq!(found.value, value, "slot {slot} at {:?}", view.block());
        assert_eq!(view.storage(&WRITER, &slot).expect("readable"), value);
        let Some(record) = record else { continue };
        let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(value));
        let key = Nibbles::unpack(keccak256(found.slot));
        verify_proof(record.storage_root, key, leaf, &found.proof).expect("the slot's proof");
    }
}

fn assert_every_block(chain: &Chain, slots: std::ops::Range<u64>) {
    let head = chain.head().header.number;
    for number in chain.store.oldest_state().get()..=head {
        let view = chain.store.state_at(BlockNumber::new(number)).expect("in the window");
        assert_slots(
            &view,
            &chain.models[usize::try_from(number).expect("small")],
            slots.clone(),
        );
    }
}

#[test]
fn what_was_removed_and_written_again_reads_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::create(dir.path(), History::Archive, &write(1, [(1, 10), (2, 20)]));
    for change in [
        write(2, [(1, 0), (3, 30)]),
        write(3, [(1, 11)]),
        write(4, [(1, 12)]),
        write(5, [(1, 0), (2, 0), (3, 0)]),
        write(6, [(1, 12), (4, 40)]),
        destroy(),
        write(1, [(1, 12), (2, 21)]),
        write(2, [(2, 22)]),
        destroy(),
        StateDiff::default(),
        write(1, [(3, 31)]),
    ] {
        chain.push(&change);
    }
    // Written anew in one block: what comes out as it was has not changed.
    let mut again = write(2, [(3, 31), (1, 13)]);
    again.accounts.get_mut(&WRITER).expect("there").wipe_storage = true;
    chain.push(&again);
    assert_every_block(&chain, 0..6);
    chain.store.verify_state().expect("whole");

    // And as far as the window goes, before and after the rest is dropped.
    let mut chain = chain.reopen(dir.path(), History::Blocks(4));
    chain.push(&write(3, [(1, 0)]));
    assert_eq!(chain.store.oldest_state().get(), 9);
    for _ in 0..2 {
        assert_every_block(&chain, 0..6);
        chain.store.prune_history(4).expect("pruned");
    }
    let gone = chain.store.state_at(BlockNumber::new(8)).expect_err("left the window");
    assert!(matches!(gone, StateError::OutsideWindow { .. }), "{gone}");
}

#[test]
fn random_writes_and_removals_read_and_prove_at_every_block_of_a_moving_window() {
    for seed in 0..6 {
        let mut dice = Dice::new(seed);
        let dir = tempfile::tempdir().expect("a folder");
        let mut chain = Chain::create(dir.path(), History::Blocks(12), &StateDiff::default());
        for number in 1..=40 {
            // From a trie of a few leaves to one of several hundred and back again.
            let slots = if number / 10 % 2 == 0 { 700 } else { 40 };
            let is_removing = number % 10 > 6;
            let count = 1 + dice.roll(slots);
            let writes: BTreeMap<_, _> = (0..count)
                .map(|_| (dice.roll(700), if is_removing { 0 } else { dice.roll(4) }))
                .collect();
            chain.push(&match dice.roll(15) {
                0 => destroy(),
                _ => write(number, writes),
            });
            if number % 8 == 0 {
                let probes: Vec<_> = (0..60).map(|_| dice.roll(720)).collect();
                for number in chain.store.oldest_state().get()..=number {
                    let view = chain.store.state_at(BlockNumber::new(number)).expect("in the window");
                    let model = &chain.models[usize::try_from(number).expect("small")];
                    assert_slots(&view, model, probes.iter().copied());
                }
            }
            if dice.roll(12) == 0 {
                chain.store.prune_history(12).expect("compacted");
            }
        }
        chain.store.verify_state().expect("whole");
    }
}

#[test]
fn branches_of_every_height_prove_at_every_block() {
    let dir = tempfile::tempdir().expect("a folder");
    let people = |range: std::ops::Range<u64>| diff(range.map(|index| (person(index), account(index, 1))));
    let gone = |range: std::ops::Range<u64>| diff(range.map(|index| (person(index), AccountChange::default())));
    let mut chain = Chain::create(dir.path(), History::Archive, &people(0..10));
    for step in 0..6 {
        let from = 10 + step * 700;
        chain.push(&people(from..from + 700));
        // Nonces that differ from before.
        chain.push(&diff(
            (from..from + 90).map(|index| (person(index), account(index + 1, 2))),
        ));
    }
    for step in 0..4 {
        chain.push(&gone(step * 1_000..(step + 1) * 1_000));
    }
    chain.store.verify_state().expect("whole");
    for (number, model) in chain.models.iter().enumerate() {
        let view = chain.store.state_at(BlockNumber::new(number as u64)).expect("archived");
        let root = model.root();
        for index in (0..4_300).step_by(61) {
            let address = person(index);
            let found = view.proof(&address, &[]).expect("provable");
            let record = model.0.get(&address).map(|account| account.record());
            assert_eq!(found.account, record, "{index} after block {number}");
            let key = Nibbles::unpack(keccak256(address));
            verify_proof(root, key, record.map(alloy_rlp::encode), &found.proof)
                .unwrap_or_else(|error| panic!("{index} after block {number}: {error}"));
        }
    }
}

#[test]
fn what_is_created_has_no_undo_record_and_neither_have_low_branches() {
    let dir = tempfile::tempdir().expect("a folder");
    // A trie whose root has small subtrees alone below it.
    let mut chain = Chain::create(dir.path(), History::Archive, &write(1, (0..100).map(|slot| (slot, 1))));
    chain.push(&write(2, (100..110).map(|slot| (slot, 1))));
    let of_block = |number: u8| {
        let records = raw::records(dir.path(), Column::Undo).into_iter();
        records.filter(move |(key, _)| key.ends_with(&[0, 0, number])).count()
    };
    // The account, whose storage root changed, and the storage trie's root.
    assert_eq!(of_block(1), 2);
    // Of what is below the root, nothing but the slots that were there before; 16 branches below it now.
    chain.push(&write(3, (50..1_000).map(|slot| (slot, 2))));
    assert_eq!(of_block(2), 2 + 60);
    // These change, and are low.
    chain.push(&write(4, (1_000..1_100).map(|slot| (slot, 2))));
    assert_eq!(of_block(3), 2);
    // They go.
    chain.push(&write(5, (0..1_080).map(|slot| (slot, 0))));
    assert_eq!(of_block(4), 2 + 1_080 + 16);
    assert_every_block(&chain, 0..1_024);
}
