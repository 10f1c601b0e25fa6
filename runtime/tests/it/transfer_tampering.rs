//! Whoever gives a state may lie in every byte: nothing wrong is taken, and whoever gave it is named as the one at fault.

use std::sync::Arc;

use alloy_sol_types::SolCall;
use ledger_chainspec::{BlockNumber, ChainSpec, FinalityFault, SetId, predeploys::BOOTSTRAP};
use ledger_contracts::Bootstrap;
use ledger_runtime::{
    Runtime, RuntimeOptions,
    store::Column,
    transfer::{
        CHUNK_BYTES_MAX, ChunkFault, MANIFEST_BYTES_MAX, ManifestFault, StateChunk, StateCursor, StateImport,
        StateManifest,
    },
};
use parity_scale_codec::Encode;

use crate::{
    raw::{records, state_records},
    taking::{Giver, options, spec},
    world::{Person, World, chain_id_of},
};

/// Bytes of a chunk between two that are changed: a prime, so that the places differ from chunk to chunk.
const STRIDE: usize = 13;

#[test]
fn no_changed_byte_of_any_chunk_changes_what_is_taken() {
    let mut giver = Giver::new(spec(3_600), 64);
    giver.grow(3, 40);
    let folder = tempfile::tempdir().unwrap();
    let manifest = giver.manifest(giver.head());
    let mut import = StateImport::begin(&options(folder.path(), &giver), &manifest).unwrap();
    let block = import.manifest().header.hash;
    let (mut refused, mut taken, mut round) = (0, 0, 0);
    while let Some(cursor) = import.progress().next {
        let good = giver.chunk(block, &cursor, 1_800);
        round += 1;
        for place in (round % STRIDE..good.len()).step_by(STRIDE) {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            let Ok(bad) = StateChunk::decode(&bad) else { continue };
            match import.accept(&cursor, bad) {
                Err(error) => {
                    assert!(error.blames_peer(), "byte {place} of {cursor}: {error}");
                    refused += 1;
                }
                // It said that its range ends elsewhere, where nothing is between: that is true.
                Ok(_) => {
                    taken += 1;
                    break;
                }
            }
        }
        if import.progress().next == Some(cursor) {
            import.accept(&cursor, StateChunk::decode(&good).unwrap()).unwrap();
        }
    }
    assert!(refused > 500 && taken < round, "{refused} {taken} {round}");
    import.finish().unwrap();
    for column in Column::ALL {
        if !matches!(column, Column::Undo | Column::Meta) {
            let (kept, taken) = (
                state_records(giver.world.path(), column),
                state_records(folder.path(), column),
            );
            assert!(kept == taken, "{}", column.name());
        }
    }
    Runtime::open(options(folder.path(), &giver)).unwrap();
}

#[test]
fn chunks_of_another_place_or_another_block_are_refused() {
    let mut giver = Giver::new(spec(3_600), 64);
    giver.grow(3, 40);
    let folder = tempfile::tempdir().unwrap();
    let manifest = giver.manifest(giver.head());
    let mut import = StateImport::begin(&options(folder.path(), &giver), &manifest).unwrap();
    let block = import.manifest().header.hash;
    let before = giver
        .runtime()
        .header(ledger_runtime::BlockRef::Number(BlockNumber::new(
            giver.head().get() - 1,
        )))
        .unwrap()
        .unwrap()
        .hash;
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    while let Some(cursor) = import.progress().next {
        let good = giver.chunk(block, &cursor, 2_500);
        for other in &chunks {
            let error = import.accept(&cursor, StateChunk::decode(other).unwrap()).unwrap_err();
            assert!(error.blames_peer(), "{cursor}: {error}");
        }
        if !matches!(cursor, StateCursor::Blocks { .. }) {
            // What did not change meanwhile is as good from the block before, the proof apart.
            let other = giver.chunk(before, &cursor, 2_500);
            if let Err(error) = import.accept(&cursor, StateChunk::decode(&other).unwrap()) {
                assert!(error.blames_peer(), "{cursor}: {error}");
            }
        }
        for length in [0, 1, good.len() / 2, good.len() - 1] {
            StateChunk::decode(&good[..length]).unwrap_err();
        }
        let grown = [good.as_slice(), &[0]].concat();
        assert!(matches!(StateChunk::decode(&grown), Err(ChunkFault::Malformed { .. })));
        if import.progress().next == Some(cursor) {
            import.accept(&cursor, StateChunk::decode(&good).unwrap()).unwrap();
            chunks.push(good);
        }
    }
    let other = [2, 0, 0];
    assert_eq!(StateChunk::decode(&other), Err(ChunkFault::Version { got: 2 }));
    let long = vec![1; CHUNK_BYTES_MAX + 1];
    assert!(matches!(StateChunk::decode(&long), Err(ChunkFault::TooLong { .. })));
}

/// A testnet whose validators leave one after the other, with blocks before, between and after.
fn leaving() -> World {
    let world = World::of(ChainSpec::testnet());
    world.block(vec![]);
    for index in [3, 2] {
        let leaver = world.head().set.get(index).unwrap().account;
        let person = (0..40)
            .map(Person::number)
            .find(|person| person.address() == leaver)
            .unwrap();
        let leave = Bootstrap::leaveCall {}.abi_encode();
        world.succeed(person.call_on(chain_id_of(&world), 0, BOOTSTRAP, leave));
        for _ in 0..3 {
            world.block(vec![]);
        }
    }
    world
}

#[test]
fn handovers_lead_from_the_first_validators_to_those_of_today() {
    let world = leaving();
    let (runtime, head) = (&world.runtime, world.head());
    assert_eq!(head.set.id(), SetId::new(2));
    let mut handovers = Vec::new();
    for number in 1..=head.number().get() {
        let number = BlockNumber::new(number);
        let bytes = runtime.state_manifest(number).unwrap().unwrap();
        let manifest = StateManifest::decode(&bytes).unwrap();
        assert_eq!((manifest.number(), manifest.encode()), (number, bytes.clone()));
        let sets = manifest.check(runtime.spec(), runtime.genesis_hash()).unwrap();
        handovers.push(manifest.handovers.len());
        // The state of each of these blocks leads on to the head.
        let folder = tempfile::tempdir().unwrap();
        let options = RuntimeOptions::new(folder.path(), Arc::clone(runtime.spec()));
        let mut import = StateImport::begin(&options, &bytes).unwrap();
        while let Some(cursor) = import.progress().next {
            let chunk = runtime
                .state_chunk(manifest.header.hash, &cursor, 1 << 20)
                .unwrap()
                .unwrap();
            import.accept(&cursor, StateChunk::decode(&chunk).unwrap()).unwrap();
        }
        import.finish().unwrap();
        let taker = Runtime::open(options).unwrap();
        assert_eq!(&*taker.head().set, sets.last().unwrap());
        assert_eq!(
            Some(&taker.head().certificate),
            runtime.certificate(number).unwrap().map(Some).as_ref()
        );
        for id in 0..sets.len() {
            let id = SetId::new(id as u64);
            assert_eq!(taker.validator_set(id).unwrap(), runtime.validator_set(id).unwrap());
        }
        assert_eq!(taker.state_manifest(number).unwrap().unwrap(), bytes);
        // The bytes in which a handover is kept.
        for (key, value) in records(folder.path(), Column::Meta) {
            if let Some(id) = key.strip_prefix(b"handover/") {
                let id = u64::from_be_bytes(id.try_into().unwrap());
                let handover = &manifest.handovers[usize::try_from(id).unwrap() - 1];
                let header = alloy_rlp::encode(&handover.header.header);
                assert_eq!(value, (header, &handover.certificate, &handover.set).encode());
            }
        }
    }
    assert_eq!(handovers, [0, 1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn no_changed_byte_of_a_manifest_passes() {
    let world = leaving();
    let runtime = &world.runtime;
    let good = runtime.state_manifest(world.head().number()).unwrap().unwrap();
    let check = |manifest: &StateManifest| manifest.check(runtime.spec(), runtime.genesis_hash());
    let mut checked = 0;
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 8);
        if let Ok(bad) = StateManifest::decode(&bad) {
            check(&bad).expect_err("a byte was changed");
            checked += 1;
        }
    }
    assert!(checked > good.len() / 2, "{checked} of {}", good.len());
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        StateManifest::decode(&good[..length]).unwrap_err();
    }
    let long = vec![1; MANIFEST_BYTES_MAX + 1];
    assert!(matches!(
        StateManifest::decode(&long),
        Err(ManifestFault::TooLong { .. })
    ));

    let whole = StateManifest::decode(&good).unwrap();
    let mut without = whole.clone();
    without.handovers.remove(0);
    assert!(matches!(
        check(&without),
        Err(ManifestFault::Finality(FinalityFault::Certificate { .. }))
    ));
    let mut turned = whole.clone();
    turned.handovers.swap(0, 1);
    check(&turned).unwrap_err();
    let mut early = whole.clone();
    early.handovers.pop();
    assert!(matches!(
        check(&early),
        Err(ManifestFault::Finality(FinalityFault::Certificate { .. }))
    ));
    let mut twice = whole.clone();
    twice.handovers.push(whole.handovers[1].clone());
    assert!(matches!(check(&twice), Err(ManifestFault::BlockOrder { .. })));
    let mut other = whole.clone();
    other.certificate = whole.handovers[0].certificate.clone();
    assert!(matches!(
        check(&other),
        Err(ManifestFault::Finality(FinalityFault::OtherBlock { .. }))
    ));
    // Two signatures of two are needed.
    let mut unsigned = whole;
    unsigned.certificate.signatures.pop();
    assert!(matches!(
        check(&unsigned),
        Err(ManifestFault::Finality(FinalityFault::Certificate { .. }))
    ));
}
