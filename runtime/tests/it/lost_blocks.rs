//! Is a database that lost blocks which were final refused, rather than continued on an older one?

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ledger_runtime::store::{History, OpenError, Store, StoreOptions};

use crate::chain::{Chain, Random, identity, options};

/// A chain of six blocks in `path`, closed.
fn six_blocks(path: &Path) -> (ledger_runtime::store::ChainIdentity, u64) {
    let mut random = Random::new(7);
    let mut chain = Chain::create(path, History::Archive, &random.diff(6, 6));
    for _ in 0..5 {
        let diff = random.diff(6, 4);
        chain.push(&diff);
    }
    (identity(&chain.headers[0]), 5)
}

fn newest_log(path: &Path) -> PathBuf {
    let logs = fs::read_dir(path)
        .expect("readable")
        .map(|entry| entry.expect("an entry").path());
    logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .max_by_key(|path| fs::metadata(path).expect("a file").len())
        .expect("there is a write-ahead log")
}

#[test]
fn a_log_cut_short_is_refused_with_both_heights_and_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let (identity, last) = six_blocks(dir.path());
    let log = newest_log(dir.path());
    let length = fs::metadata(&log).expect("a file").len();
    let file = fs::OpenOptions::new().write(true).open(&log).expect("writable");
    file.set_len(length - 5).expect("truncated");
    drop(file);

    for _ in 0..2 {
        let error = Store::open(&options(dir.path(), History::Archive), identity).expect_err("blocks are lost");
        assert!(error.is_damage());
        let words = error.to_string();
        for word in [
            &format!("opens at block {}", last - 1),
            &format!("block {last} ("),
            "db restore",
        ] {
            assert!(words.contains(word), "`{word}` is missing: {words}");
        }
        assert!(matches!(error, OpenError::HeadLost { .. }), "{error:?}");
        Store::open_read_only(dir.path(), identity).expect_err("nor is it read");
    }

    // By the operator's word, and then for good.
    let accepting = StoreOptions {
        accept_lost_blocks: true,
        ..options(dir.path(), History::Archive)
    };
    for accepted in [accepting, options(dir.path(), History::Archive)] {
        let store = Store::open(&accepted, identity).expect("the operator said so");
        assert_eq!(store.head().expect("a head").header.header.number, last - 1);
    }
}

/// RocksDB 11.8 reads the headers of such records for ever, where a log that was never recycled has one.
#[test]
fn a_torn_end_that_looks_like_a_recycled_record_is_no_end_of_the_database() {
    for kind in [5, 6, 7, 8, 11, 131] {
        let dir = tempfile::tempdir().expect("a folder");
        let (identity, last) = six_blocks(dir.path());
        let log = newest_log(dir.path());
        let mut file = fs::OpenOptions::new().append(true).open(&log).expect("writable");
        file.write_all(&[[7, 7, 7, 7, 40, 0, kind].as_slice(), &[7; 40]].concat())
            .expect("written");
        drop(file);
        let error = Store::open_read_only(dir.path(), identity).expect_err("what only reads mends nothing");
        assert!(matches!(error, OpenError::LogTorn { .. }), "{error:?}");
        for _ in 0..2 {
            let store = Store::open(&options(dir.path(), History::Archive), identity).expect("nothing is lost");
            assert_eq!(store.head().expect("a head").header.header.number, last);
        }
        Store::open_read_only(dir.path(), identity).expect("it is mended");
    }
}

#[test]
fn a_manifest_cut_short_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let (identity, _) = six_blocks(dir.path());
    // An opening writes tables of what the log holds, and remembers the manifest that lists them.
    drop(Store::open(&options(dir.path(), History::Archive), identity).expect("whole"));
    let current = fs::read_to_string(dir.path().join("CURRENT")).expect("readable");
    let manifest = dir.path().join(current.trim_end());
    let length = fs::metadata(&manifest).expect("a file").len();
    let file = fs::OpenOptions::new().write(true).open(&manifest).expect("writable");
    for cut in [1, 40] {
        file.set_len(length - cut).expect("truncated");
        let error = Store::open(&options(dir.path(), History::Archive), identity).expect_err("tables are forgotten");
        assert!(matches!(error, OpenError::ManifestCut { .. }), "{error:?}");
        assert!(error.is_damage() && error.to_string().contains("db restore"), "{error}");
        assert_eq!(fs::metadata(&manifest).expect("still there").len(), length - cut);
    }
}

#[test]
fn a_lost_log_is_refused_even_by_whoever_accepts_lost_blocks_if_no_block_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let (identity, _) = six_blocks(dir.path());
    fs::remove_file(newest_log(dir.path())).expect("removed");
    let accepting = StoreOptions {
        accept_lost_blocks: true,
        ..options(dir.path(), History::Archive)
    };
    let error = Store::open(&accepting, identity)
        .expect_err("everything is lost")
        .to_string();
    assert!(error.contains("opens at no block at all"), "{error}");
}

#[test]
fn what_is_left_without_the_file_current_is_not_taken_for_an_empty_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let (identity, _) = six_blocks(dir.path());
    fs::remove_file(dir.path().join("CURRENT")).expect("removed");
    let error = Store::open(&options(dir.path(), History::Archive), identity).expect_err("damaged");
    assert!(error.is_damage());
    let words = error.to_string();
    assert!(
        words.contains("has lost its file CURRENT") && words.contains("db restore"),
        "{words}"
    );
}

#[test]
fn a_first_opening_that_was_cut_short_is_no_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("MANIFEST-000001"), b"half").expect("writable");
    let mut random = Random::new(8);
    Chain::create(dir.path(), History::Archive, &random.diff(3, 3));
}

#[test]
fn an_interrupted_restore_is_not_taken_for_an_empty_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("chain");
    fs::create_dir(dir.path().join("chain.restoring")).expect("made");
    let other = tempfile::tempdir().expect("a folder");
    let (identity, _) = six_blocks(other.path());
    let error = Store::open(&options(&path, History::Archive), identity).expect_err("a restore is under way");
    assert!(
        error.to_string().contains("run `ledger-node db restore` again"),
        "{error}"
    );
}
