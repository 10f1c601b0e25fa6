//! Blocks that wait for a sync: a crash may take them, in order and whole, and nothing else.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use ledger_runtime::store::{History, Store, UNSYNCED_BLOCKS_MAX};

use crate::chain::{Chain, Extras, Random, identity, options};

const WINDOW: History = History::Blocks(4);

fn push(chain: &mut Chain, random: &mut Random) {
    chain
        .push_by(Store::commit_unsynced, &random.diff(20, 5), Extras::default())
        .expect("the block commits");
}

/// The write-ahead log that is written to, and its length.
fn log(path: &Path) -> (PathBuf, u64) {
    let logs = fs::read_dir(path)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let log = logs
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .max()
        .expect("a write-ahead log");
    let length = fs::metadata(&log).expect("a file").len();
    (log, length)
}

/// Opens what a loss of power would leave of the log: `length` bytes. Gives the head's number.
fn opened_after_losing(chain: &Chain, path: &Path, length: u64) -> Result<u64, ledger_runtime::store::OpenError> {
    let image = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(path).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if name != "LOCK" {
            fs::copy(&path, image.path().join(name)).expect("copied");
        }
    }
    let (log, _) = log(image.path());
    let file = OpenOptions::new().write(true).open(log).expect("opens");
    file.set_len(length).expect("cut");
    let store = Store::open(&options(image.path(), WINDOW), identity(&chain.headers[0]))?;
    let head = store.head().expect("genesis at least").header.header.number;
    store.verify_state().expect("a whole state");
    // The window as it was then, though the head had gone on.
    for number in store.oldest_state().get()..=head {
        let view = store
            .state_at(ledger_chainspec::BlockNumber::new(number))
            .expect("in the window");
        for (address, account) in &chain.models[usize::try_from(number).expect("small")].0 {
            assert_eq!(view.account(address).expect("readable"), Some(account.record()));
        }
    }
    Ok(head)
}

#[test]
fn a_crash_takes_blocks_since_the_last_sync_and_no_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(21);
    let mut chain = Chain::create(dir.path(), WINDOW, &random.diff(20, 20));
    let mut lengths = vec![log(dir.path()).1];
    for number in 1..=20 {
        if number == 11 {
            chain.push(&random.diff(20, 5));
        } else {
            push(&mut chain, &mut random);
        }
        if number == 6 {
            chain.store.sync().expect("the disk takes it");
        }
        lengths.push(log(dir.path()).1);
        let least = match number {
            ..=5 => 0,
            6..=10 => 6,
            _ => 11,
        };
        for kept in [least, (least + number) / 2, number] {
            let found = opened_after_losing(&chain, dir.path(), lengths[kept]);
            assert_eq!(found.expect("nothing synced is lost"), kept as u64);
        }
        if least > 0 {
            let error =
                opened_after_losing(&chain, dir.path(), lengths[least - 1]).expect_err("synced blocks are lost");
            assert!(error.is_damage(), "{error}");
        }
    }
    let before = fs::read(dir.path().join("FINAL")).expect("readable");
    chain.store.sync().expect("the disk takes it");
    chain.store.sync().expect("there is nothing to do");
    assert_ne!(fs::read(dir.path().join("FINAL")).expect("readable"), before);
    opened_after_losing(&chain, dir.path(), lengths[19]).expect_err("now it is lost");
}

#[test]
fn not_too_many_blocks_wait_for_a_sync() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(22);
    let mut chain = Chain::create(dir.path(), WINDOW, &random.diff(5, 5));
    let marker = || fs::read(dir.path().join("FINAL")).expect("readable");
    let mut before = marker();
    for number in 1..=2 * UNSYNCED_BLOCKS_MAX + 3 {
        let diff = random.diff(5, 1);
        chain
            .push_by(Store::commit_unsynced, &diff, Extras::default())
            .expect("the block commits");
        let is_moved = marker() != before;
        assert_eq!(is_moved, number % UNSYNCED_BLOCKS_MAX == 0, "block {number}");
        before = marker();
    }
}
