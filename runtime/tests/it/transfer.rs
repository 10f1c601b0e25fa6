//! A state that goes from one node to another: the same to the byte, in pieces of any size, beside commits, over kills.

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Filter;
use ledger_chainspec::{BlockNumber, ChainSpec};
use ledger_runtime::{
    BlockRef, LogsError, ReadError, Runtime, RuntimeOpenError, RuntimeOptions,
    store::{Column, OpenError, Store, StoreError},
    transfer::{BLOCKS_WITH_STATE, Found, StateChunk, StateCursor, StateImport, StateImportError},
    verify::verify,
};
use parity_scale_codec::{Compact, Encode};

use crate::{
    raw::{records, state_records},
    taking::{Giver, follow, killed, options, spec, take, take_rest},
    world::World,
};

/// What a node has that executed all blocks, and one that took the state has to have too.
const STATE: [Column; 5] = [
    Column::Accounts,
    Column::Storage,
    Column::AccountTrie,
    Column::StorageTrie,
    Column::Code,
];

const HOUR: u64 = 3_600;

#[test]
fn the_state_is_the_same_to_the_byte_in_chunks_of_any_size() {
    let mut giver = Giver::new(spec(HOUR), 64);
    giver.grow(12, 60);
    let mut counts = Vec::new();
    for bytes in [0, 300, 5_000, usize::MAX] {
        let folder = tempfile::tempdir().unwrap();
        counts.push(take(&giver, giver.head(), bytes, folder.path()));
        for column in STATE {
            let (kept, taken) = (
                state_records(giver.world.path(), column),
                state_records(folder.path(), column),
            );
            assert!(!kept.is_empty());
            assert_eq!(kept.len(), taken.len(), "{} in chunks of {bytes}", column.name());
            assert!(kept == taken, "{} in chunks of {bytes}", column.name());
        }
        // A chain this short comes whole.
        for column in [
            Column::Headers,
            Column::Transactions,
            Column::Canonical,
            Column::TxLookup,
            Column::Codes,
            Column::Usage,
        ] {
            let (kept, taken) = (
                state_records(giver.world.path(), column),
                state_records(folder.path(), column),
            );
            assert!(kept == taken, "{} in chunks of {bytes}", column.name());
        }
    }
    assert!(counts.is_sorted_by(|more, fewer| more > fewer), "{counts:?}");
    assert_eq!(counts[3], 2, "one of the state and one of blocks");
}

#[test]
fn a_state_of_the_window_is_given_while_blocks_are_committed_and_removed_slots_stay_away() {
    let mut giver = Giver::new(spec(HOUR), 400);
    giver.grow(10, 40);
    // From here on slots are removed as well, so that tries lose records or keep them for the time being.
    let pivot = giver.head();
    let manifest = giver.manifest(pivot);
    let folder = tempfile::tempdir().unwrap();
    let mut import = StateImport::begin(&options(folder.path(), &giver), &manifest).unwrap();
    let block = import.manifest().header.hash;
    let mut step = 0;
    while let Some(cursor) = import.progress().next {
        let removed = (step..step + 12).map(|slot| (slot, 0));
        let rewritten = (300 + step..304 + step).map(|slot| (slot, 7));
        let transactions = vec![giver.write(removed.chain(rewritten)), giver.pay(), giver.ask()];
        giver.block(transactions);
        let chunk = giver.chunk(block, &cursor, 4_000);
        import.accept(&cursor, StateChunk::decode(&chunk).unwrap()).unwrap();
        step += 12;
    }
    import.finish().unwrap();
    assert!(step > 120, "{step}");
    let taker = Runtime::open(options(folder.path(), &giver)).unwrap();
    assert_eq!(taker.head().number(), pivot);
    taker.store().verify_state().unwrap();
    follow(&giver, &taker);
    assert_eq!(taker.head(), giver.world.head());
    for column in [Column::Accounts, Column::Storage, Column::Code] {
        assert!(state_records(giver.world.path(), column) == state_records(folder.path(), column));
    }
    taker.store().verify_state().unwrap();

    // And from a state in which much was removed.
    let folder = tempfile::tempdir().unwrap();
    take(&giver, giver.head(), 2_000, folder.path());
    let again = Runtime::open(options(folder.path(), &giver)).unwrap();
    again.store().verify_state().unwrap();
    for column in [Column::Accounts, Column::Storage, Column::Code] {
        assert!(state_records(giver.world.path(), column) == state_records(folder.path(), column));
    }
}

/// The import that was begun in this folder.
fn begun(options: &RuntimeOptions) -> StateImport {
    match StateImport::find(options).unwrap() {
        Found::Begun(import) => *import,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kill_at_any_moment_costs_the_chunk_under_way_and_nothing_else() {
    let mut giver = Giver::new(spec(HOUR), 64);
    giver.grow(6, 40);
    let folder = tempfile::tempdir().unwrap();
    let manifest = giver.manifest(giver.head());
    let mut import = StateImport::begin(&options(folder.path(), &giver), &manifest).unwrap();
    let block = import.manifest().header.hash;
    let mut kills = 0;
    loop {
        // As killed: what is on disk now, opened by another process.
        let image = killed(folder.path());
        let other = begun(&options(image.path(), &giver));
        assert_eq!(other.progress(), import.progress());
        // Nobody takes it for a chain.
        drop(other);
        let error = Runtime::open(options(image.path(), &giver)).unwrap_err();
        assert!(
            matches!(error, RuntimeOpenError::Open(OpenError::Unfinished { .. })),
            "{error}"
        );
        let identity = Runtime::identity_of(giver.runtime().spec()).unwrap();
        let error = Store::open_read_only(image.path(), identity).unwrap_err();
        assert!(
            matches!(error, OpenError::Unfinished { .. }) && !error.is_damage(),
            "{error}"
        );
        kills += 1;
        let identity = records(folder.path(), Column::Meta);
        let identity = identity.into_iter().find(|(key, _)| key == b"identity").unwrap().1;
        assert_eq!(identity[..4], [8, 0, 0, 0x80], "a format that no program has");
        // As ended: the same process's folder, opened anew; with the manifest or without.
        drop(import);
        import = match kills % 2 {
            0 => StateImport::begin(&options(folder.path(), &giver), &manifest).unwrap(),
            _ => begun(&options(folder.path(), &giver)),
        };
        let Some(cursor) = import.progress().next else { break };
        let chunk = StateChunk::decode(&giver.chunk(block, &cursor, 2_500)).unwrap();
        import.accept(&cursor, chunk.clone()).unwrap();
        // The same chunk again is not the next one.
        let error = import.accept(&cursor, chunk).unwrap_err();
        assert!(
            matches!(error, StateImportError::Cursor { .. }) && !error.blames_peer(),
            "{error}"
        );
    }
    assert!(kills > 8, "{kills}");
    import.finish().unwrap();
    for column in STATE {
        assert!(
            state_records(giver.world.path(), column) == state_records(folder.path(), column),
            "{}",
            column.name()
        );
    }
    let found = StateImport::find(&options(folder.path(), &giver)).unwrap();
    assert!(matches!(found, Found::Chain), "{found:?}");
    let taker = Runtime::open(options(folder.path(), &giver)).unwrap();
    assert_eq!(taker.head(), giver.world.head());
}

#[test]
fn nothing_is_finished_before_all_is_there_and_nothing_is_replaced_but_genesis() {
    let mut giver = Giver::new(spec(HOUR), 64);
    giver.grow(3, 10);
    let (early, late) = (giver.manifest(BlockNumber::new(3)), giver.manifest(giver.head()));
    // A database with genesis alone is what a node makes when it starts.
    let folder = tempfile::tempdir().unwrap();
    for place in [folder.path(), &folder.path().join("nowhere")] {
        let found = StateImport::find(&options(place, &giver)).unwrap();
        assert!(matches!(found, Found::Nothing), "{found:?}");
    }
    drop(Runtime::open(options(folder.path(), &giver)).unwrap());
    let found = StateImport::find(&options(folder.path(), &giver)).unwrap();
    assert!(matches!(found, Found::Nothing), "{found:?}");
    let mut import = StateImport::begin(&options(folder.path(), &giver), &early).unwrap();
    let cursor = import.progress().next.unwrap();
    let chunk = giver.chunk(import.manifest().header.hash, &cursor, 3_000);
    import.accept(&cursor, StateChunk::decode(&chunk).unwrap()).unwrap();
    let error = import.finish().unwrap_err();
    assert!(matches!(error, StateImportError::Unfinished { .. }), "{error}");
    // Another state begins anew.
    let mut import = StateImport::begin(&options(folder.path(), &giver), &late).unwrap();
    assert_eq!(import.progress().next, Some(StateCursor::START));
    take_rest(&giver, 3_000, &mut import);
    import.finish().unwrap();
    for column in STATE {
        assert!(
            state_records(giver.world.path(), column) == state_records(folder.path(), column),
            "{}",
            column.name()
        );
    }
    // And now there is a chain.
    let error = StateImport::begin(&options(folder.path(), &giver), &late).unwrap_err();
    assert!(matches!(error, StateImportError::Occupied { .. }), "{error}");
    let taker = Runtime::open(options(folder.path(), &giver)).unwrap();
    assert_eq!(taker.head(), giver.world.head());
}

#[test]
fn what_is_not_kept_is_not_given() {
    let mut giver = Giver::new(spec(HOUR), 4);
    giver.grow(8, 5);
    let runtime = giver.runtime();
    let outside = BlockNumber::new(giver.head().get() - 5);
    let inside = BlockNumber::new(giver.head().get() - 4);
    assert_eq!(runtime.state_manifest(outside).unwrap(), None);
    assert_eq!(runtime.state_manifest(BlockNumber::new(0)).unwrap(), None);
    assert_eq!(
        runtime
            .state_manifest(BlockNumber::new(giver.head().get() + 1))
            .unwrap(),
        None
    );
    assert!(runtime.state_manifest(inside).unwrap().is_some());
    let hash = |number| runtime.header(BlockRef::Number(number)).unwrap().unwrap().hash;
    let unknown = ledger_chainspec::BlockHash::new(B256::repeat_byte(3));
    assert_eq!(
        runtime.state_chunk(hash(outside), &StateCursor::START, 100).unwrap(),
        None
    );
    assert_eq!(runtime.state_chunk(unknown, &StateCursor::START, 100).unwrap(), None);
    assert!(
        runtime
            .state_chunk(hash(inside), &StateCursor::START, 100)
            .unwrap()
            .is_some()
    );
    let blocks = |newest| StateCursor::Blocks { newest };
    assert_eq!(
        runtime.state_chunk(hash(inside), &blocks(giver.head()), 100).unwrap(),
        None
    );
    assert!(
        runtime
            .state_chunk(hash(outside), &blocks(outside), 100)
            .unwrap()
            .is_some()
    );
    assert_eq!(
        runtime
            .block_history(BlockNumber::new(giver.head().get() + 1), 100)
            .unwrap(),
        None
    );
    // Slots of an account that there is not: none, and no harm.
    let nobody = StateCursor::Slots {
        account: [7; 32],
        from: [9; 32],
    };
    assert!(runtime.state_chunk(hash(inside), &nobody, 100).unwrap().is_some());
}

/// A chain longer than what comes with a state, and a node that took its state: 40 blocks before the head.
fn long(ttl: u64) -> (Giver, tempfile::TempDir, Runtime) {
    let mut giver = Giver::new(spec(ttl), 64);
    for round in 0..(BLOCKS_WITH_STATE + 60) / 6 {
        giver.grow(1, 2);
        // Codes of the first blocks end among those that come with the state, and after it.
        match round {
            20 if ttl > BLOCKS_WITH_STATE => giver.cancel(0),
            50 if ttl > BLOCKS_WITH_STATE => giver.cancel(1),
            _ => {}
        }
        for _ in 0..5 {
            giver.world.block(vec![]);
        }
    }
    let pivot = BlockNumber::new(giver.head().get() - 40);
    let folder = tempfile::tempdir().unwrap();
    take(&giver, pivot, 2_000, folder.path());
    let taker = Runtime::open(options(folder.path(), &giver)).unwrap();
    let least = pivot.get() + 1 - BLOCKS_WITH_STATE;
    assert!(
        (least - 4..=least).contains(&taker.oldest_block().get()),
        "{}",
        taker.oldest_block()
    );
    (giver, folder, taker)
}

#[test]
fn a_node_that_began_with_a_state_says_so_of_what_it_has_not_and_goes_on_like_any_other() {
    let (giver, folder, taker) = long(60);
    let oldest = taker.oldest_block();
    let before = BlockNumber::new(oldest.get() - 1);
    let words = |error: &dyn std::fmt::Display| {
        let words = error.to_string();
        assert!(words.contains(&format!("block {oldest} is the oldest")), "{words}");
    };
    let not_kept = |error: StoreError| {
        assert!(
            matches!(error, StoreError::NotKept { .. }) && !error.is_damage(),
            "{error}"
        );
        words(&error);
    };
    for block in [BlockNumber::new(0), before] {
        let at = BlockRef::Number(block);
        not_kept(taker.header(at).unwrap_err());
        not_kept(taker.block(at).unwrap_err());
        not_kept(taker.receipts(at).unwrap_err());
        let ReadError::Store(error) = taker.certified_blocks(block, 3, 1_000).unwrap_err() else {
            panic!("another error")
        };
        not_kept(error);
        let ReadError::Store(error) = taker.account(&Address::ZERO, at).unwrap_err() else {
            panic!("another error")
        };
        not_kept(error);
        let LogsError::Store(error) = taker.logs(block, taker.head().number(), &Filter::new()).unwrap_err() else {
            panic!("another error")
        };
        not_kept(error);
        assert_eq!(taker.block_history(block, 1_000).unwrap(), None);
    }
    for at in [oldest, taker.head().number()] {
        assert_eq!(
            taker.block(BlockRef::Number(at)).unwrap(),
            giver.runtime().block(BlockRef::Number(at)).unwrap()
        );
    }
    let logs = |runtime: &Runtime| runtime.logs(oldest, taker.head().number(), &Filter::new()).unwrap();
    assert_eq!(logs(&taker), logs(giver.runtime()));
    assert_eq!(taker.state_manifest(before).unwrap(), None);

    // It verifies, counts and prunes as any other, before and after it went on.
    let check = |taker: &Runtime| {
        let report = verify(taker.store(), taker.spec(), None, &mut |_| {});
        assert_eq!(report.problems, []);
        let blocks = taker.head().number().get() + 1 - oldest.get();
        assert_eq!((report.oldest_block, report.blocks), (oldest.get(), blocks));
        assert_eq!(report.certificates, blocks + 1, "that of the parent of the oldest, too");
        let scratch = tempfile::tempdir().unwrap();
        let report = verify(taker.store(), taker.spec(), Some(scratch.path()), &mut |_| {});
        assert!(report.is_sound() && report.executed_blocks.is_none());
        let stats = taker.store().stats().unwrap();
        assert_eq!(
            (stats.oldest_block, stats.head),
            (oldest.get(), taker.head().number().get())
        );
    };
    check(&taker);
    follow(&giver, &taker);
    assert_eq!(taker.head(), giver.world.head());
    check(&taker);
    for column in STATE {
        assert!(
            state_records(giver.world.path(), column) == state_records(folder.path(), column),
            "{}",
            column.name()
        );
    }
    taker.store().prune_history(3).unwrap();
    drop(taker);
    let taker = Runtime::open(options(folder.path(), &giver)).unwrap();
    check(&taker);
    // It gives its state to others, and a state that came twice is the same.
    let third = tempfile::tempdir().unwrap();
    let manifest = taker.state_manifest(taker.head().number()).unwrap().unwrap();
    assert_eq!(manifest, giver.manifest(giver.head()));
    let mut import = StateImport::begin(&options(third.path(), &giver), &manifest).unwrap();
    while let Some(cursor) = import.progress().next {
        let chunk = taker
            .state_chunk(taker.head().hash(), &cursor, 20_000)
            .unwrap()
            .unwrap();
        import.accept(&cursor, StateChunk::decode(&chunk).unwrap()).unwrap();
    }
    import.finish().unwrap();
    for column in STATE {
        assert!(
            state_records(giver.world.path(), column) == state_records(third.path(), column),
            "{}",
            column.name()
        );
    }
}

#[test]
fn codes_of_older_blocks_are_known_once_these_were_fetched() {
    // Codes that outlive what comes with the state.
    let (giver, folder, taker) = long(BLOCKS_WITH_STATE + 54);
    let first = taker.oldest_block();
    follow(&giver, &taker);
    let mut fetched = 0;
    let ends = |path| {
        records(path, Column::Meta)
            .iter()
            .filter(|(key, _)| key.starts_with(b"code_end/"))
            .count()
    };
    assert_eq!(ends(folder.path()), 2, "ends of codes whose issue is not known yet");
    let meta = records(folder.path(), Column::Meta);
    let value = |key: &[u8]| {
        meta.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.clone())
            .unwrap()
    };
    assert_eq!(value(b"oldest_block"), first.get().to_le_bytes());
    // Of spec 1 the second code, given back (kind 2) by the first transaction of a block.
    let mut id = [0; 32];
    (id[23], id[31]) = (1, 2);
    let location = giver
        .runtime()
        .promo_code(&alloy_primitives::U256::from_be_bytes(id))
        .unwrap()
        .unwrap();
    let block = Compact(location.end.unwrap().at.block.get());
    assert_eq!(
        value(&[b"code_end/".as_slice(), &id].concat()),
        (2_u8, block, Compact(0_u32)).encode()
    );
    while let Some(block) = taker.history_wanted().unwrap() {
        assert_eq!(block.get() + 1, taker.oldest_block().get());
        let chunk = giver.runtime().block_history(block, 3_000).unwrap().unwrap();
        let oldest = taker.extend_history(StateChunk::decode(&chunk).unwrap()).unwrap();
        assert_eq!(oldest, taker.oldest_block());
        fetched += 1;
    }
    assert!(fetched > 2 && taker.oldest_block() < first);
    assert!(taker.oldest_block().get() > 0, "codes of the first blocks have expired");
    // What a node kept that executed all blocks, of codes issued since.
    let (kept, taken) = (
        records(giver.world.path(), Column::Codes),
        records(folder.path(), Column::Codes),
    );
    assert!(taken.len() < kept.len() && taken.iter().all(|record| kept.contains(record)));
    assert!(verify(taker.store(), taker.spec(), None, &mut |_| {}).is_sound());
    // Whatever is fetched beyond that is right too, down to genesis.
    while taker.oldest_block().get() > 0 {
        let block = BlockNumber::new(taker.oldest_block().get() - 1);
        let chunk = giver.runtime().block_history(block, 30_000).unwrap().unwrap();
        taker.extend_history(StateChunk::decode(&chunk).unwrap()).unwrap();
    }
    assert_eq!((taker.history_wanted().unwrap(), ends(folder.path())), (None, 0));
    for column in [
        Column::Headers,
        Column::Transactions,
        Column::Canonical,
        Column::TxLookup,
        Column::Codes,
        Column::Usage,
    ] {
        assert!(
            state_records(giver.world.path(), column) == state_records(folder.path(), column),
            "{}",
            column.name()
        );
    }
    let scratch = tempfile::tempdir().unwrap();
    let report = verify(taker.store(), taker.spec(), Some(scratch.path()), &mut |_| {});
    assert_eq!(report.problems, []);
    assert_eq!(report.executed_blocks, Some(taker.head().number().get()));
}

#[test]
fn blocks_before_the_oldest_are_taken_from_the_chain_of_hashes_alone() {
    let (giver, _folder, taker) = long(HOUR);
    let wanted = taker.history_wanted().unwrap().unwrap();
    let chunk = |newest: u64| {
        let bytes = giver
            .runtime()
            .block_history(BlockNumber::new(newest), 2_000)
            .unwrap()
            .unwrap();
        StateChunk::decode(&bytes).unwrap()
    };
    for wrong in [wanted.get() - 1, wanted.get() + 1] {
        let error = taker.extend_history(chunk(wrong)).unwrap_err();
        assert!(error.blames_peer(), "{error}");
    }
    let state = giver.chunk(giver.world.head().hash(), &StateCursor::START, 100);
    let error = taker.extend_history(StateChunk::decode(&state).unwrap()).unwrap_err();
    assert!(error.blames_peer(), "{error}");
    let good = giver.runtime().block_history(wanted, 1_500).unwrap().unwrap();
    for place in (0..good.len()).step_by(17) {
        let mut bad = good.clone();
        bad[place] ^= 0x20;
        let Ok(bad) = StateChunk::decode(&bad) else { continue };
        let error = taker.extend_history(bad).unwrap_err();
        assert!(error.blames_peer(), "byte {place}: {error}");
    }
    assert_eq!(taker.history_wanted().unwrap(), Some(wanted));
    taker.extend_history(StateChunk::decode(&good).unwrap()).unwrap();
    assert!(verify(taker.store(), taker.spec(), None, &mut |_| {}).is_sound());
}

#[test]
fn another_chains_manifest_is_refused() {
    let mut giver = Giver::new(spec(HOUR), 64);
    giver.grow(2, 2);
    let manifest = giver.manifest(giver.head());
    let folder = tempfile::tempdir().unwrap();
    let other = World::of(ChainSpec::testnet());
    let options = RuntimeOptions::new(folder.path(), std::sync::Arc::clone(other.runtime.spec()));
    let error = StateImport::begin(&options, &manifest).unwrap_err();
    assert!(error.blames_peer(), "{error}");
}
