//! Roots against alloy-trie's, reads and proofs at every block of the window against the model.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::Nibbles;
use alloy_trie::proof::verify_proof;
use ledger_chainspec::BlockNumber;
use ledger_runtime::state::{PROOF_SLOTS_MAX, StateCommitment, StateDiff, StateError, StateView};
use ledger_runtime::store::History;
use proptest::prelude::*;

use crate::chain::{Chain, Model, Random, account, diff};

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

/// Every account and slot of `model`, and some that are not in it, read and proven through `view`.
fn assert_state(view: &StateView, model: &Model, accounts: u64) {
    let root = model.root();
    assert_eq!(view.root().expect("a root"), root);
    for address in (0..accounts).map(address) {
        let expected = model.0.get(&address);
        let record = expected.map(|account| account.record());
        assert_eq!(view.account(&address).expect("readable"), record);
        let slots: Vec<_> = (0..24_u64).map(|slot| B256::from(U256::from(slot))).collect();
        let proof = view.proof(&address, &slots).expect("provable");
        assert_eq!(proof.account, record);
        let leaf = record.map(alloy_rlp::encode);
        verify_proof(root, Nibbles::unpack(keccak256(address)), leaf, &proof.proof).expect("account proof");
        for (slot, proof) in slots.iter().zip(&proof.storage) {
            let slot_number = U256::from_be_bytes(slot.0);
            let value = expected
                .and_then(|account| account.slots.get(&slot_number))
                .copied()
                .unwrap_or_default();
            assert_eq!(view.storage(&address, &slot_number).expect("readable"), value);
            assert_eq!(proof.value, value);
            let Some(record) = record else { continue };
            let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            verify_proof(
                record.storage_root,
                Nibbles::unpack(keccak256(slot)),
                leaf,
                &proof.proof,
            )
            .expect("slot proof");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Updates, deletions, destroyed and wiped accounts: equal roots at every block, and not a record too many.
    #[test]
    fn roots_are_those_of_alloy_trie(seed: u64, accounts in 1_u64..200, changes in 1_u64..60) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut random = Random::new(seed);
        let mut chain = Chain::create(dir.path(), History::Blocks(3), &random.diff(accounts, accounts));
        for _ in 0..12 {
            chain.push(&random.diff(accounts, changes));
            prop_assert_eq!(chain.head().header.state_root, chain.model().root());
        }
        let verified = chain.store.verify_state().expect("a whole state");
        prop_assert_eq!(verified.accounts, chain.model().0.len() as u64);
        let slots: usize = chain.model().0.values().map(|account| account.slots.len()).sum();
        prop_assert_eq!(verified.slots, slots as u64);
    }
}

#[test]
fn every_block_of_the_window_reads_and_proves_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(1);
    let window = 8;
    let mut chain = Chain::create(dir.path(), History::Blocks(window), &random.diff(20, 20));
    for number in 1..=24_u64 {
        chain.push(&random.diff(20, 6));
        let oldest = number.saturating_sub(window);
        assert_eq!(chain.store.oldest_state().get(), oldest);
        // Every block near the window's edges, all of them at the end.
        for block in (oldest..=number).filter(|block| number == 24 || block - oldest < 2 || number - block < 2) {
            let view = chain
                .store
                .state_at(BlockNumber::new(block))
                .expect("within the window");
            assert_state(&view, &chain.models[usize::try_from(block).expect("small")], 20);
        }
    }
}

#[test]
fn a_block_outside_the_window_is_refused_with_the_oldest_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::create(dir.path(), History::Blocks(2), &diff([(address(0), account(0, 5))]));
    let genesis = chain.store.state();
    for number in 1..=5_u64 {
        chain.push(&diff([(address(0), account(number, 5))]));
    }
    let error = chain.store.state_at(BlockNumber::new(2)).expect_err("too old");
    assert!(matches!(error, StateError::OutsideWindow { block, oldest } if block.get() == 2 && oldest.get() == 3));
    assert!(
        error.to_string().contains("oldest block available here is 3"),
        "{error}"
    );
    // A view made in time says so too, instead of reading something else.
    assert!(matches!(
        genesis.account(&address(0)),
        Err(StateError::OutsideWindow { .. })
    ));
    assert!(matches!(
        genesis.proof(&address(0), &[]),
        Err(StateError::OutsideWindow { .. })
    ));
    let error = chain.store.state_at(BlockNumber::new(6)).expect_err("not there yet");
    assert!(matches!(error, StateError::Future { block, head } if block.get() == 6 && head.get() == 5));
}

#[test]
fn a_view_does_not_move_when_blocks_are_committed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(3);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(10, 10));
    let views: Vec<_> = (0..6)
        .map(|_| {
            let view = chain.store.state();
            chain.push(&random.diff(10, 5));
            view
        })
        .collect();
    for (view, model) in views.iter().zip(&chain.models) {
        assert_state(view, model, 10);
    }
}

#[test]
fn views_read_right_beside_running_commits() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::create(dir.path(), History::Blocks(64), &diff([(address(0), account(0, 0))]));
    let store = std::sync::Arc::clone(&chain.store);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u64;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let view = store.state();
                let number = view.block().expect("genesis is there").get();
                for _ in 0..20 {
                    // The account's nonce is the number of the block.
                    match view.account(&address(0)) {
                        Ok(account) => assert_eq!(account.expect("never destroyed").nonce, number),
                        Err(error) => assert!(matches!(error, StateError::OutsideWindow { .. }), "{error}"),
                    }
                    reads += 1;
                }
            }
            reads
        });
        for number in 1..=300_u64 {
            chain.push(&diff([(address(0), account(number, 0))]));
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(reader.join().expect("every read was right") > 0);
    });
}

#[test]
fn proofs_lead_to_their_root_beside_running_commits() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(11);
    let mut chain = Chain::create(dir.path(), History::Blocks(64), &random.diff(200, 40));
    let store = std::sync::Arc::clone(&chain.store);
    let done = std::sync::atomic::AtomicBool::new(false);
    let prove = |view: &StateView, index: u64| -> Result<(), StateError> {
        let proven = view.proof(&address(index), &[])?;
        let key = Nibbles::unpack(keccak256(address(index)));
        let value = proven.account.map(alloy_rlp::encode);
        verify_proof(view.root()?, key, value, &proven.proof).expect("a proof of this block");
        Ok(())
    };
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut proofs = 0_u64;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let number = store.state().block().expect("genesis is there").get();
                for (back, index) in [(0, 1), (1, 77), (5, 150), (40, 199)] {
                    let number = BlockNumber::new(number.saturating_sub(back));
                    match store.state_at(number).and_then(|view| prove(&view, index)) {
                        Ok(()) => proofs += 1,
                        Err(error) => assert!(matches!(error, StateError::OutsideWindow { .. }), "{error}"),
                    }
                }
            }
            proofs
        });
        for _ in 0..200 {
            chain.push(&random.diff(200, 8));
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(reader.join().expect("every proof was right") > 0);
    });
    chain.store.verify_state().expect("the state is whole");
}

#[test]
fn a_smaller_window_is_reached_at_once_and_archive_keeps_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(4);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(10, 10));
    for _ in 0..10 {
        chain.push(&random.diff(10, 4));
    }
    assert_eq!(chain.store.oldest_state().get(), 0);
    for block in 0..=10_u64 {
        let view = chain.store.state_at(BlockNumber::new(block)).expect("archived");
        assert_state(&view, &chain.models[usize::try_from(block).expect("small")], 10);
    }
    let mut chain = chain.reopen(dir.path(), History::Blocks(1));
    chain.push(&random.diff(10, 4));
    assert_eq!(chain.store.oldest_state().get(), 10);
    let view = chain.store.state_at(BlockNumber::new(10)).expect("within the window");
    assert_state(&view, &chain.models[10], 10);
}

#[test]
fn computing_a_root_writes_nothing_and_binds_to_its_parent() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(5);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(10, 10));
    let before = chain.store.verify_state().expect("whole");
    let dropped = chain.build(&random.diff(10, 9), crate::chain::Extras::default());
    assert_eq!(chain.store.verify_state().expect("whole"), before);
    assert_eq!(chain.store.state().root().expect("a root"), chain.model().root());
    chain.push(&random.diff(10, 9));
    chain
        .store
        .commit(&dropped)
        .expect_err("its parent is no longer the head");
}

#[test]
fn nothing_changes_for_a_diff_that_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(6);
    let first = random.diff(10, 30);
    let mut chain = Chain::create(dir.path(), History::Archive, &first);
    let root = chain.head().header.state_root;
    let mut again = first;
    for change in again.accounts.values_mut() {
        change.wipe_storage = true;
    }
    chain.push(&again);
    assert_eq!(chain.head().header.state_root, root);
    chain.push(&StateDiff::default());
    assert_eq!(chain.head().header.state_root, root);
    chain.store.verify_state().expect("a whole state");
}

#[test]
fn the_state_before_genesis_is_empty() {
    let view = StateView::empty();
    assert_eq!(view.root().expect("a root"), alloy_trie::EMPTY_ROOT_HASH);
    assert_eq!(view.block(), None);
    assert_eq!(view.account(&address(0)).expect("readable"), None);
    let proof = view.proof(&address(0), &[B256::ZERO]).expect("provable");
    assert!(proof.proof.is_empty() && proof.storage[0].proof.is_empty());
    let nothing = StateCommitment::compute(&view, &StateDiff::default()).expect("nothing to read");
    assert_eq!(nothing.root(), alloy_trie::EMPTY_ROOT_HASH);
}

#[test]
fn a_proof_of_too_many_slots_is_refused() {
    let slots = vec![B256::ZERO; PROOF_SLOTS_MAX + 1];
    let error = StateView::empty().proof(&address(0), &slots).expect_err("one too many");
    assert!(matches!(error, StateError::TooManySlots { asked, .. } if asked == PROOF_SLOTS_MAX + 1));
}
