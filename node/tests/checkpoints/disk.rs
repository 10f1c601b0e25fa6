//! Bundles and the key's record on real files: over restarts, torn writes, damage, and other chains.

use std::fs;

use alloy_primitives::B256;
use ledger_chainspec::Slot;
use ledger_node::{
    checkpoints::{
        OwnKey, SignedRecord,
        log::{BundleLog, BundleRecord, LogError},
        own::OwnKeyError,
        record::{Permit, Refusal, Signed},
    },
    signer::GuardStoreError,
};
use tempfile::tempdir;

use crate::{
    chain::{Chain, GENESIS, anchor, config, key, set, signer},
    machine::{Broken, Disk, Machine},
};

/// The bundles of a set of one.
fn records(count: u64) -> Vec<BundleRecord> {
    let mut chain = Chain::new(set(1, &[0]), config(1, &anchor(1)));
    chain.extend(count);
    let mut one = Machine::start(Some(0), Broken::Nothing, Disk::default(), 0);
    one.advance(&chain, count).unwrap();
    let record = |complete: ledger_node::checkpoints::planner::Complete| BundleRecord {
        config: complete.block.config,
        recoveries: complete.block.recoveries,
        set_id: complete.block.set.id,
        bundle: complete.bundle,
    };
    one.disk.bundles.into_iter().map(record).collect()
}

#[test]
fn bundles_are_there_after_a_restart_and_one_that_was_cut_off_is_not() {
    let folder = tempdir().unwrap();
    let records = records(3);
    let open = || BundleLog::open(folder.path(), GENESIS, &anchor(1));
    let mut log = open().unwrap();
    for record in &records[..2] {
        log.append(record).unwrap();
    }
    assert!(matches!(
        log.append(&records[1]),
        Err(LogError::OutOfOrder { got: 2, last: 2 })
    ));
    drop(log);
    assert_eq!(BundleLog::anchors(folder.path()).unwrap(), [anchor(1)]);
    let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&path).unwrap();
    for cut in [whole.len() - 1, whole.len() - 40, whole.len() - 300] {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut log = open().unwrap();
        assert_eq!(log.last().unwrap().as_ref(), Some(&records[0]), "cut at {cut}");
        log.append(&records[1]).unwrap();
        log.append(&records[2]).unwrap();
        assert_eq!((log.first_index(), log.last_index()), (Some(1), Some(3)));
        drop(log);
        assert_eq!(open().unwrap().read(3).unwrap().as_ref(), Some(&records[2]));
    }
    let mut damaged = whole;
    damaged[90] ^= 1;
    fs::write(&path, &damaged).unwrap();
    assert!(matches!(open(), Err(LogError::Damaged { .. })));
}

#[test]
fn bundles_of_another_chain_are_refused() {
    let folder = tempdir().unwrap();
    drop(BundleLog::open(folder.path(), GENESIS, &anchor(1)).unwrap());
    let other = BundleLog::open(folder.path(), B256::repeat_byte(1), &anchor(1));
    assert!(matches!(other, Err(LogError::Damaged { .. })), "{other:?}");
}

#[test]
fn the_keys_record_is_found_again_and_lies_in_a_folder_of_its_own() {
    let folder = tempdir().unwrap();
    let open = |k, now| OwnKey::open(signer(k), folder.path(), GENESIS, Slot::new(now));
    let (mut own, begun) = open(0, 7).unwrap();
    let wanted = Signed {
        epoch: 0,
        index: 1,
        fingerprint: B256::repeat_byte(5),
    };
    let refused = begun.permit(&anchor(1), wanted, Slot::new(7));
    assert!(matches!(refused, Err(Refusal::BeforeRecord { .. })), "{refused:?}");
    let Ok(Permit::Record(record)) = begun.permit(&anchor(1), wanted, Slot::new(8)) else {
        panic!("refused")
    };
    own.store(&record).unwrap();
    assert!(matches!(
        open(0, 9),
        Err(OwnKeyError::Store(GuardStoreError::InUse { .. }))
    ));
    drop(own);
    // A restart begins no new record, and another key has one of its own.
    let (own, found) = open(0, 90).unwrap();
    assert_eq!((&found, own.address()), (&record, key(0)));
    let (_, other) = open(1, 90).unwrap();
    assert_eq!(other, SignedRecord::begin(key(1), Slot::new(90)));
}
