//! Does a change of the validator set govern the next block, and only that one (R10)?

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, ConsensusKey, SetId, Slot, Statement, StatementKind, dev_keys,
    predeploys::BOOTSTRAP,
};
use ledger_contracts::Bootstrap;
use ledger_runtime::{HeaderField, ImportError, Lane};

use crate::world::{Person, World, chain_id_of, seal};

/// The person behind an account of the test mnemonic.
fn person(account: alloy_primitives::Address) -> Person {
    (0..40)
        .map(Person::number)
        .find(|person| person.address() == account)
        .unwrap()
}

#[test]
fn a_validator_that_leaves_governs_no_block_after_the_next() {
    let world = World::of(ChainSpec::testnet());
    let before = world.head();
    assert_eq!((before.set.len(), before.set.id()), (4, SetId::new(0)));
    let leaver = before.set.get(3).unwrap().clone();
    assert_eq!(world.runtime.lane(leaver.account).unwrap(), Lane::Reserved);

    let leave = Bootstrap::leaveCall {}.abi_encode();
    let leaving = person(leaver.account).call_on(chain_id_of(&world), 0, BOOTSTRAP, leave);
    let executed = world.produce(vec![leaving]).executed;
    let next = executed.next_set().unwrap().clone();
    assert_eq!((next.len(), next.id()), (3, SetId::new(1)));
    assert!(next.index_of(&leaver.consensus_key).is_none());
    assert_eq!(executed.digest().next_set_hash, next.hash());
    let imported = world
        .runtime
        .import(seal(&world.runtime, executed.clone()).block())
        .unwrap();
    assert_eq!(imported.next_set(), Some(&next));

    // The old set certifies the block that changes it; the new one governs from then on.
    let head = world.commit(executed);
    assert_eq!((&*head.signers, &*head.set), (&*before.set, &next));
    assert_eq!(
        world.runtime.validator_set(SetId::new(0)).unwrap().as_ref(),
        Some(&*before.set)
    );
    let world = world.restarted();
    assert_eq!(world.head(), head);
    world.block(vec![]);
    let head = world.head();
    assert_eq!((&*head.signers, &*head.set), (&next, &next));
    assert_eq!(head.certificate.as_ref().unwrap().set_id, SetId::new(1));
}

#[test]
fn an_unchanged_set_is_committed_to_again_and_again() {
    let world = World::of(ChainSpec::testnet());
    for _ in 0..5 {
        let slot = world.next_slot();
        let executed = world.produce(vec![]).executed;
        assert_eq!(executed.next_set(), None);
        assert_eq!(executed.digest().next_set_hash, world.head().set.hash());
        assert_eq!(executed.header().beneficiary, world.head().set.authority(slot).account);
        world.commit(executed);
    }
}

#[test]
fn the_beneficiary_of_another_slot_is_refused() {
    let world = World::of(ChainSpec::testnet());
    let mut block = seal(&world.runtime, world.produce(vec![]).executed).block();
    let other = world.head().set.authority(world.next_slot().next().unwrap()).account;
    block.header.beneficiary = other;
    let ImportError::Header(mismatch) = world.runtime.import(block).unwrap_err() else {
        panic!()
    };
    assert_eq!(mismatch.field, HeaderField::Beneficiary);
}

/// A statement of validator `k` in the form that Bootstrap reads: its bytes, then the signature.
fn signed(world: &World, k: u32, hash: u8) -> Vec<u8> {
    let statement = Statement {
        genesis: world.runtime.genesis_hash(),
        set_id: SetId::new(0),
        height: BlockNumber::new(9),
        slot: Slot::new(77),
        kind: StatementKind::Prevote,
        hash: BlockHash::new(B256::repeat_byte(hash)),
        valid_slot: None,
    };
    let signature = statement.sign(&dev_keys::validator_key(k));
    [&statement.encode()[..], &signature.get()].concat()
}

#[test]
fn a_double_vote_is_proven_through_the_precompile_and_jails() {
    let world = World::of(ChainSpec::testnet());
    let consensus_key = ConsensusKey::of(&dev_keys::validator_key(2));
    let anybody = Person::number(39);
    let evidence = |nonce, a, b| {
        let call = Bootstrap::submitEvidenceCall {
            consensusKey: consensus_key.get().into(),
            a,
            b,
        };
        anybody.call_on(chain_id_of(&world), nonce, BOOTSTRAP, call.abi_encode())
    };
    // Another validator's signature proves nothing against this one.
    let (one, two, foreign) = (signed(&world, 2, 1), signed(&world, 2, 2), signed(&world, 1, 2));
    let receipts = world.block(vec![evidence(0, one.clone().into(), foreign.into())]);
    assert!(!receipts[0].receipt.success);
    assert_eq!(world.head().set.len(), 4);
    let receipts = world.block(vec![evidence(1, one.into(), two.into())]);
    assert!(receipts[0].receipt.success);
    assert_eq!(world.head().set.len(), 3);
    assert_eq!(world.head().set.index_of(&consensus_key), None);
}
