//! Does verification find a sound chain sound, and every single damaged, missing or added record?

use std::{fs, path::Path, sync::Arc};

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use ledger_chainspec::{ChainSpec, predeploys::TRANSACT};
use ledger_contracts::Transact;
use ledger_runtime::{
    Runtime, RuntimeOptions,
    store::{Column, Store, StoreOptions, remove_checkpoint},
    verify::{Progress, Report, Stage, verify},
};
use tempfile::TempDir;

use crate::raw;
use crate::world::{Person, World, chain_id_of};

const SMALL: u32 = 1;

/// A chain with transfers, a new contract, promo codes, a code given back, an empty block, and accounts enough for records
/// of the account trie.
fn grow(world: &World) {
    let chain = chain_id_of(world);
    let (owner, user) = (Person::number(0), Person::number(40));
    let offer = Transact::setOfferCall {
        specId: SMALL,
        quantity: 5,
    };
    world.succeed(owner.call_on(chain, 0, TRANSACT, offer.abi_encode()));
    let ask = Transact::requestCodeCall { specId: SMALL }.abi_encode();
    let mut transactions = vec![
        user.call_on(chain, 0, TRANSACT, ask.clone()),
        Person::number(41).call_on(chain, 0, TRANSACT, ask),
        Person::number(5).pay(0, TRANSACT.with_last_byte(9), 7),
    ];
    transactions.extend((50..70).map(|index| Person::number(index).pay(0, TRANSACT.with_last_byte(9), 0)));
    let receipts = world.block(transactions);
    let code = receipts[0].receipt.logs[0].topics()[1];
    let cancel = Transact::cancelCall { codeId: code.into() };
    world.succeed(user.call_on(chain, 1, TRANSACT, cancel.abi_encode()));
    world.succeed(Person::number(6).create(0, vec![0x60, 0x01, 0x60, 0x00, 0x53, 0x60, 0x01, 0x60, 0x00, 0xf3]));
    world.block(vec![]);
}

trait WithLastByte {
    fn with_last_byte(self, byte: u8) -> Self;
}

impl WithLastByte for alloy_primitives::Address {
    fn with_last_byte(mut self, byte: u8) -> Self {
        self.0[19] = byte;
        self
    }
}

fn chain() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    grow(&World::with(|options| RuntimeOptions { path, ..options }));
    folder
}

fn look(path: &Path, scratch: Option<&Path>) -> Report {
    let spec = Arc::new(ChainSpec::dev());
    let store = Store::open_read_only(path, Runtime::identity_of(&spec).unwrap()).unwrap();
    verify(&store, &spec, scratch, &mut |_| {})
}

#[test]
fn a_sound_chain_is_found_sound_and_gives_the_same_when_executed_again() {
    let (folder, scratch) = (chain(), tempfile::tempdir().unwrap());
    let spec = Arc::new(ChainSpec::dev());
    let store = Store::open_read_only(folder.path(), Runtime::identity_of(&spec).unwrap()).unwrap();
    let mut stages = Vec::new();
    let mut progress = |progress: Progress| stages.push(progress.stage);
    let report = verify(&store, &spec, Some(scratch.path()), &mut progress);
    assert_eq!(report.problems, []);
    assert!(report.is_sound());
    assert_eq!((report.head, report.blocks, report.transactions), (5, 6, 26));
    assert_eq!((report.certificates, report.promo_codes), (5, 2));
    assert_eq!(report.executed_blocks, Some(5));
    assert!(report.compared_records.unwrap() > 100, "{report:?}");
    assert!(report.undo_records > 20 && report.contract_codes > 5, "{report:?}");
    for stage in [Stage::Blocks, Stage::State, Stage::Indexes, Stage::Replay] {
        assert!(stages.contains(&stage), "{stage} was not told");
    }
}

/// Changes one record of the closed database in `path`.
fn tamper(path: &Path, column: Column, change: impl Fn(&[(Vec<u8>, Vec<u8>)]) -> (Vec<u8>, Option<Vec<u8>>)) {
    let db = raw::open(path);
    let cf = db.cf_handle(column.name()).unwrap();
    let records: Vec<_> = db
        .iterator_cf(&cf, rocksdb::IteratorMode::Start)
        .map(|record| record.unwrap())
        .map(|(key, value)| (key.into_vec(), value.into_vec()))
        .collect();
    match change(&records) {
        (key, Some(value)) => db.put_cf(&cf, key, value).unwrap(),
        (key, None) => db.delete_cf(&cf, key).unwrap(),
    }
}

#[test]
fn every_changed_missing_or_added_record_is_found() {
    let folder = chain();
    for column in Column::ALL.into_iter().filter(|column| *column != Column::Meta) {
        for what in ["changed", "missing", "added"] {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(folder.path(), copy.path());
            tamper(copy.path(), column, |records| {
                let (key, value) = records[records.len() / 2].clone();
                match what {
                    "changed" => {
                        let mut changed = value;
                        match changed.last_mut() {
                            Some(last) => *last ^= 1,
                            None => changed.push(1),
                        }
                        (key, Some(changed))
                    }
                    "missing" => (key, None),
                    _ => {
                        let mut new = key;
                        match new.first_mut() {
                            Some(first) => *first ^= 0x40,
                            None => new.push(0x40),
                        }
                        (new, Some(value))
                    }
                }
            });
            // Of an undo record, only execution knows the content.
            let scratch = tempfile::tempdir().unwrap();
            let report = look(copy.path(), (column == Column::Undo).then_some(scratch.path()));
            assert!(!report.is_sound(), "{} {what}: nothing was found", column.name());
        }
    }
}

#[test]
fn a_record_of_a_block_that_there_is_not_is_found() {
    for column in [Column::Accounts, Column::Storage] {
        let folder = chain();
        tamper(folder.path(), column, |records| {
            let (key, mut value) = records[0].clone();
            // SCALE's Compact of 63.
            value[0] = 63 << 2;
            (key, Some(value))
        });
        let report = look(folder.path(), None);
        assert!(!report.is_sound());
        let words = &report.problems[0].what;
        assert!(words.contains("of a block that there is not"), "{words}");
    }
}

#[test]
fn a_wrong_certificate_of_the_head_and_a_lost_validator_set_are_found() {
    let folder = chain();
    tamper(folder.path(), Column::Meta, |records| {
        let head = records.iter().find(|(key, _)| key == b"head").unwrap();
        let mut value = head.1.clone();
        *value.last_mut().unwrap() ^= 1;
        (head.0.clone(), Some(value))
    });
    let report = look(folder.path(), None);
    assert_eq!(report.problems_found, 1, "{report:?}");
    assert!(report.problems[0].what.contains("does not verify"), "{report:?}");
}

#[test]
fn execution_finds_a_state_that_no_block_made() {
    // Consistent in itself: the whole database of a chain in which somebody else paid, with the head's header swapped in
    // would not open. A code that no block deployed is what only execution can tell.
    let (folder, scratch) = (chain(), tempfile::tempdir().unwrap());
    let code = b"nobody deployed this".to_vec();
    tamper(folder.path(), Column::Code, |_| {
        (alloy_primitives::keccak256(&code).to_vec(), Some(code.clone()))
    });
    assert!(look(folder.path(), None).is_sound());
    let report = look(folder.path(), Some(scratch.path()));
    assert_eq!(report.problems_found, 1, "{report:?}");
    assert!(
        report.problems[0]
            .what
            .contains("executing every block does not make it"),
        "{report:?}"
    );
}

#[test]
fn a_window_of_no_blocks_keeps_the_head_alone() {
    let world = World::with(|options| RuntimeOptions {
        history_blocks: 0,
        ..options
    });
    grow(&world);
    let oldest = world.runtime.store().oldest_state().get();
    assert!((4..=5).contains(&oldest), "{oldest}");
}

#[test]
fn pruning_drops_old_states_and_nothing_else() {
    let folder = chain();
    let identity = Runtime::identity_of(&ChainSpec::dev()).unwrap();
    {
        let store = Store::open(&StoreOptions::new(folder.path()), identity).unwrap();
        let pruned = store.prune_history(2).unwrap();
        assert_eq!((pruned.oldest_state_before, pruned.oldest_state), (0, 3));
        assert!(
            pruned.records > 5 && pruned.file_bytes < pruned.file_bytes_before,
            "{pruned:?}"
        );
        assert_eq!(
            store.prune_history(2).unwrap().records,
            0,
            "a second time there is nothing to do"
        );
        assert_eq!(
            store.prune_history(100).unwrap().oldest_state,
            3,
            "what is gone does not come back"
        );
    }
    assert_eq!(look(folder.path(), None).problems, []);
}

#[test]
fn statistics_count_what_is_there() {
    let folder = chain();
    let identity = Runtime::identity_of(&ChainSpec::dev()).unwrap();
    let stats = Store::open_read_only(folder.path(), identity).unwrap().stats().unwrap();
    assert_eq!(
        (stats.head, stats.oldest_state, stats.codes_issued, stats.codes_live),
        (5, 0, 2, 1)
    );
    assert_eq!((stats.keys(Column::Headers), stats.keys(Column::TxLookup)), (6, 26));
    assert!(stats.bytes_per_code().unwrap() > 500, "{stats:?}");
    let live: u64 = stats.columns.iter().map(|column| column.live_bytes).sum();
    assert!(live > 40_000, "{stats:?}");
}

#[test]
fn a_checkpoint_is_the_chain_at_one_moment_and_stays_so() {
    let world = World::dev();
    grow(&world);
    let target = tempfile::tempdir().unwrap();
    let path = target.path().join("checkpoint");
    world.runtime.checkpoint(&path).unwrap();
    let head = world.head().hash();
    world.block(vec![]);
    let report = look(&path, None);
    assert_eq!(report.problems, []);
    assert_eq!(report.head_hash, head.to_string());
    world.runtime.checkpoint(&path).unwrap();
    assert_eq!(
        look(&path, None).head,
        6,
        "a second checkpoint takes the place of the first"
    );
    remove_checkpoint(&path).unwrap();
    remove_checkpoint(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_database_opened_to_read_takes_no_block() {
    let folder = chain();
    let identity = Runtime::identity_of(&ChainSpec::dev()).unwrap();
    let store = Store::open_read_only(folder.path(), identity).unwrap();
    store.prune_history(0).expect_err("its files stay as they are");
    let missing = Store::open_read_only(&folder.path().join("nothing"), identity)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("there is no database in"), "{missing}");
    assert_ne!(B256::ZERO, store.head().unwrap().header.hash.get());
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
