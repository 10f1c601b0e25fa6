//! What was confirmed, on disk: through restarts, cut writes and damage.

use std::{fs, path::PathBuf};

use alloy_primitives::{Address, B256, hex, keccak256};
use ledger_checkpoint::{
    numbers::{BlockNumber, Index, Point},
    reader::file::{BookFile, FileError},
    reading::{Anchored, Book, Place, REJECTED_MAX, Record, Standing},
    statement::{Anchor, Checkpoint},
};
use tempfile::TempDir;

fn place() -> Place {
    Place {
        anchor: Anchor {
            mainchain_id: 63,
            contract: Address::repeat_byte(7),
        },
        genesis: keccak256("genesis"),
    }
}

fn entry(index: u64, parent: B256) -> Anchored {
    let checkpoint = Checkpoint {
        index,
        epoch: 0,
        setId: 1,
        height: index * 10,
        blockHash: keccak256(index.to_be_bytes()),
        stateRoot: B256::repeat_byte(2),
        historyRoot: B256::repeat_byte(3),
        parent,
        nextSetHash: B256::repeat_byte(4),
    };
    Anchored {
        fingerprint: place().anchor.fingerprint(&checkpoint),
        checkpoint,
        block: Point {
            number: BlockNumber::new(100 + index),
            hash: B256::repeat_byte(5),
        },
        standing: Standing::Soft,
    }
}

/// A folder with two checkpoints, the first of which is final.
fn folder() -> (TempDir, PathBuf, Book) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (mut file, book) = BookFile::open(folder.path(), place()).expect("it can be begun");
    assert_eq!(book, Book::new(place()));
    let first = entry(1, place().genesis);
    let second = entry(2, first.fingerprint);
    let records = [
        Record::Confirmed(Box::new(first)),
        Record::Confirmed(Box::new(second)),
        Record::Final(Index::new(1)),
    ];
    file.keep(&records).expect("it can be written");
    let mut expected = Book::new(place());
    for record in records {
        expected.apply(record).expect("they follow each other");
    }
    let path = fs::read_dir(folder.path())
        .expect("it can be listed")
        .map(|found| found.expect("it can be listed").path())
        .next()
        .expect("there is a file");
    (folder, path, expected)
}

#[test]
fn what_was_confirmed_is_there_after_a_restart_and_can_be_withdrawn() {
    let (folder, _, expected) = folder();
    let (mut file, book) = BookFile::open(folder.path(), place()).expect("it opens");
    assert_eq!(book, expected);
    file.keep(&[Record::Withdrawn(Index::new(2))])
        .expect("it can be written");
    let (_, book) = BookFile::open(folder.path(), place()).expect("it opens");
    assert_eq!(book.entries().len(), 1);
}

#[test]
fn what_the_contract_rejected_is_there_after_a_restart_as_far_as_there_is_room() {
    let (folder, _, _) = folder();
    let (mut file, _) = BookFile::open(folder.path(), place()).expect("it opens");
    // The first one comes again when there is no room for it any more.
    let rejected = (0..=REJECTED_MAX as u64).chain([0]);
    let rejected = rejected.map(|index| Record::Rejected(Index::new(index), B256::repeat_byte(9)));
    file.keep(&rejected.collect::<Vec<_>>()).expect("it can be written");
    let (_, book) = BookFile::open(folder.path(), place()).expect("it opens");
    let kept: Vec<_> = book.rejected().iter().map(|(index, _)| index.get()).collect();
    assert_eq!(kept, (1..=REJECTED_MAX as u64).collect::<Vec<_>>());
}

#[test]
fn a_write_that_was_cut_off_is_cut_away_wherever_it_was_cut() {
    let (folder, path, expected) = folder();
    let whole = fs::read(&path).expect("it can be read");
    let (mut file, _) = BookFile::open(folder.path(), place()).expect("it opens");
    file.keep(&[Record::Final(Index::new(2))]).expect("it can be written");
    let more = fs::read(&path).expect("it can be read");
    for length in whole.len()..more.len() {
        fs::write(&path, &more[..length]).expect("it can be written");
        let (mut file, book) = BookFile::open(folder.path(), place()).expect("it opens");
        assert_eq!(book, expected, "{length} bytes");
        assert_eq!(fs::read(&path).expect("it can be read"), whole);
        file.keep(&[Record::Final(Index::new(2))]).expect("it can be written");
        assert_eq!(fs::read(&path).expect("it can be read"), more);
        fs::write(&path, &whole).expect("it can be written");
    }
}

#[test]
fn damage_in_the_middle_and_other_files_are_refused_in_words() {
    let (folder, path, _) = folder();
    let whole = fs::read(&path).expect("it can be read");
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&path, &damaged).expect("it can be written");
    let error = BookFile::open(folder.path(), place()).unwrap_err();
    assert!(matches!(error, FileError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("Move the file away"), "{error}");
    fs::write(&path, b"something else").expect("it can be written");
    assert!(matches!(
        BookFile::open(folder.path(), place()),
        Err(FileError::Foreign { .. })
    ));
    fs::write(&path, &whole).expect("it can be written");
    let other = Place {
        genesis: keccak256("another"),
        ..place()
    };
    assert!(matches!(
        BookFile::open(folder.path(), other),
        Err(FileError::Foreign { .. })
    ));
}

#[test]
fn records_that_do_not_follow_each_other_are_refused() {
    let (folder, _, _) = folder();
    let (mut file, _) = BookFile::open(folder.path(), place()).expect("it opens");
    file.keep(&[Record::Withdrawn(Index::new(1))])
        .expect("it can be written");
    let error = BookFile::open(folder.path(), place()).unwrap_err();
    assert!(matches!(error, FileError::Contradiction { number: 4, .. }), "{error}");
}

#[test]
fn the_file_has_these_bytes() {
    let (folder, path, _) = folder();
    let (mut file, _) = BookFile::open(folder.path(), place()).expect("it opens");
    let last = Index::new(2);
    file.keep(&[Record::Rejected(last, B256::repeat_byte(9)), Record::Withdrawn(last)])
        .expect("it can be written");
    let bytes = fs::read(path).expect("it can be read");
    assert_eq!(bytes.len(), 731, "{}", hex::encode(&bytes));
    assert_eq!(&bytes[..8], b"CLANCHR1");
    assert_eq!(
        keccak256(&bytes),
        hex!("05149c5d2222ff96e8313fd742ec7a5b98ce5a99616e2eb22b44d584ce6434de"),
        "{}",
        hex::encode(&bytes)
    );
}
