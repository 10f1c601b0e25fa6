//! The guard store over restarts, crashes, damage and full logs.

use std::{fs, path::Path};

use alloy_primitives::B256;
use ledger_node::signer::{
    GuardStoreError,
    guard_store::{GUARD_LOG_BYTES_MAX, GUARD_RECORD_BYTES_MAX, GuardStore},
};
use tempfile::tempdir;

const GENESIS: B256 = B256::repeat_byte(7);

fn open(folder: &Path) -> (GuardStore, Option<Vec<u8>>) {
    GuardStore::open(folder, GENESIS).unwrap()
}

fn log(folder: &Path) -> std::path::PathBuf {
    folder.join("guard.log")
}

#[test]
fn newest_record_survives_a_restart() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("guard");
    let (mut store, found) = open(&path);
    assert_eq!(found, None);
    for record in [b"one".as_slice(), b"", b"three"] {
        store.store(record).unwrap();
    }
    drop(store);
    let (mut store, found) = open(&path);
    assert_eq!(found.as_deref(), Some(b"three".as_slice()));
    store.store(b"four").unwrap();
    drop(store);
    assert_eq!(open(&path).1.as_deref(), Some(b"four".as_slice()));
}

#[test]
fn record_is_in_the_file_when_store_returns() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store.store(b"signed").unwrap();
    let bytes = fs::read(log(folder.path())).unwrap();
    assert!(bytes.ends_with(b"signed"));
}

#[test]
fn second_opener_is_refused_while_the_first_lives() {
    let folder = tempdir().unwrap();
    let (first, _) = open(folder.path());
    assert!(matches!(
        GuardStore::open(folder.path(), GENESIS),
        Err(GuardStoreError::InUse { .. })
    ));
    drop(first);
    open(folder.path());
}

#[test]
fn store_of_another_chain_is_refused() {
    let folder = tempdir().unwrap();
    drop(open(folder.path()));
    let error = GuardStore::open(folder.path(), B256::ZERO).unwrap_err();
    assert!(
        matches!(error, GuardStoreError::OtherChain { found: GENESIS, .. }),
        "{error}"
    );
}

/// A crash may cut the last record at any byte; the one before it, which was acknowledged, counts.
#[test]
fn torn_last_record_is_dropped_at_every_length() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store.store(b"acknowledged").unwrap();
    let whole = fs::metadata(log(folder.path())).unwrap().len();
    store.store(b"torn").unwrap();
    drop(store);
    let bytes = fs::read(log(folder.path())).unwrap();
    for length in usize::try_from(whole).unwrap()..bytes.len() {
        fs::write(log(folder.path()), &bytes[..length]).unwrap();
        let (mut store, found) = open(folder.path());
        assert_eq!(found.as_deref(), Some(b"acknowledged".as_slice()), "cut at {length}");
        assert_eq!(
            fs::metadata(log(folder.path())).unwrap().len(),
            whole,
            "cut at {length}"
        );
        store.store(b"next").unwrap();
        drop(store);
        assert_eq!(
            open(folder.path()).1.as_deref(),
            Some(b"next".as_slice()),
            "cut at {length}"
        );
    }
    // A file system may also have grown the file without its contents.
    let mut zeroes = bytes[..usize::try_from(whole).unwrap()].to_vec();
    zeroes.resize(bytes.len() + 100, 0);
    fs::write(log(folder.path()), &zeroes).unwrap();
    assert_eq!(open(folder.path()).1.as_deref(), Some(b"acknowledged".as_slice()));
}

#[test]
fn broken_record_in_the_middle_is_refused_and_kept() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store.store(b"first").unwrap();
    store.store(b"second").unwrap();
    drop(store);
    let mut bytes = fs::read(log(folder.path())).unwrap();
    let at = bytes.windows(5).position(|window| window == b"first").unwrap();
    bytes[at] ^= 1;
    fs::write(log(folder.path()), &bytes).unwrap();
    let error = GuardStore::open(folder.path(), GENESIS).unwrap_err();
    assert!(matches!(error, GuardStoreError::Damaged { .. }), "{error}");
    assert_eq!(fs::read(log(folder.path())).unwrap(), bytes);
}

#[test]
fn foreign_or_short_file_is_refused() {
    let folder = tempdir().unwrap();
    for contents in [
        b"".as_slice(),
        b"cloud",
        &[0u8; 200],
        b"cloud-guard/v1\0\0 and then too little",
    ] {
        fs::write(log(folder.path()), contents).unwrap();
        let error = GuardStore::open(folder.path(), GENESIS).unwrap_err();
        assert!(matches!(error, GuardStoreError::Damaged { .. }), "{error}");
    }
}

#[test]
fn full_log_is_replaced_by_its_newest_record() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    let big = vec![1u8; usize::try_from(GUARD_LOG_BYTES_MAX).unwrap()];
    store.store(&big).unwrap();
    store.store(b"after").unwrap();
    store.store(b"and after").unwrap();
    assert!(fs::metadata(log(folder.path())).unwrap().len() < 1000);
    drop(store);
    assert_eq!(open(folder.path()).1.as_deref(), Some(b"and after".as_slice()));
}

#[test]
fn oversized_record_is_refused_and_the_store_goes_on() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    let error = store.store(&vec![0; GUARD_RECORD_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error, GuardStoreError::TooLarge { .. }), "{error}");
    store.store(b"fine").unwrap();
}

/// After a failed write nothing is known about the file, so nothing may be signed any more.
#[test]
fn failed_write_poisons_the_store() {
    let folder = tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store
        .store(&vec![1u8; usize::try_from(GUARD_LOG_BYTES_MAX).unwrap()])
        .unwrap();
    // The log is full, so the next record replaces it, which a folder in the way of the new file prevents.
    fs::create_dir(folder.path().join("guard.log.new")).unwrap();
    let error = store.store(b"lost").unwrap_err();
    assert!(matches!(error, GuardStoreError::Io { .. }), "{error}");
    fs::remove_dir(folder.path().join("guard.log.new")).unwrap();
    let error = store.store(b"refused").unwrap_err();
    assert!(matches!(error, GuardStoreError::Poisoned), "{error}");
    drop(store);
    assert_eq!(
        open(folder.path()).1.unwrap().len(),
        usize::try_from(GUARD_LOG_BYTES_MAX).unwrap()
    );
}
