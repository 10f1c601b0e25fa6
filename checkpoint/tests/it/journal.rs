//! Does the journal survive what happens to processes, disks and people?

use std::{fs, path::Path};

use alloy_primitives::{Address, B256, Bytes, b256};
use ledger_checkpoint::{
    journal::{Journal, JournalError},
    numbers::{BlockNumber, Index, Nonce, Point},
    outbox::{Anchored, Attempt, Outbox, Record, Settled},
    statement::Anchor,
};

use crate::support::validators::History;

fn anchor() -> Anchor {
    Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(0xCC),
    }
}

fn block(number: u64) -> Point {
    Point {
        number: BlockNumber::new(number),
        hash: B256::repeat_byte(u8::try_from(number % 256).expect("small")),
    }
}

fn attempt(nonce: u64) -> Attempt {
    Attempt {
        nonce: Nonce::new(nonce),
        gas_price_wei: 1_000_000_000,
        hash: B256::repeat_byte(0xA0 + u8::try_from(nonce).expect("small")),
        raw: Bytes::from(vec![0xF8, 0x01, 0x02]),
    }
}

/// One record of every kind.
fn records() -> Vec<Record> {
    let mut history = History::new(anchor(), 4);
    (0..3).for_each(|_| history.grow());
    let [first, second, third] = history.bundles.try_into().expect("three");
    let index = Index::new;
    vec![
        Record::Taken(first.clone()),
        Record::Signed {
            index: index(1),
            attempt: attempt(0),
        },
        Record::Taken(second),
        Record::Anchored {
            index: index(1),
            anchored: Anchored {
                block: block(7),
                by: Some(attempt(0).hash),
            },
        },
        Record::Signed {
            index: index(2),
            attempt: attempt(1),
        },
        Record::Signed {
            index: index(2),
            attempt: attempt(2),
        },
        Record::Anchored {
            index: index(2),
            anchored: Anchored {
                block: block(9),
                by: None,
            },
        },
        Record::Lost { index: index(2) },
        Record::Dropped {
            index: index(2),
            hash: attempt(1).hash,
        },
        Record::Taken(third),
        Record::Settled(Settled {
            index: index(1),
            fingerprint: anchor().fingerprint(&first.checkpoint),
            block: block(7),
        }),
    ]
}

fn outbox_of(records: &[Record]) -> Outbox {
    let mut outbox = Outbox::new(anchor());
    for record in records {
        outbox.apply(record).expect("it fits the ones before");
    }
    outbox
}

fn written(folder: &Path, records: &[Record]) {
    let mut journal = Journal::open(folder, anchor()).expect("the journal opens").journal;
    for record in records {
        journal.keep(std::slice::from_ref(record)).expect("the disk takes it");
    }
}

#[test]
fn what_was_kept_is_there_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &records());
    let opened = Journal::open(folder.path(), anchor()).unwrap();
    assert_eq!(opened.outbox, outbox_of(&records()));
    assert_eq!(opened.torn_bytes, None);
    assert_eq!(opened.outbox.entries().len(), 2);
    assert_eq!(opened.outbox.entry(Index::new(2)).unwrap().attempts, [attempt(2)]);
    assert_eq!(
        outbox_of(&opened.outbox.records()),
        opened.outbox,
        "and its short form says the same"
    );
}

#[test]
fn a_write_that_was_cut_off_anywhere_is_cut_away() {
    let folder = tempfile::tempdir().unwrap();
    let all = records();
    written(folder.path(), &all[..4]);
    let path = folder.path().join("outbox");
    let before = fs::read(&path).unwrap().len();
    written(folder.path(), &all[4..6]);
    let whole = fs::read(&path).unwrap();
    let both = (whole.len() - before) / 2;
    for length in before + 1..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let opened = Journal::open(folder.path(), anchor()).unwrap();
        let kept = 4 + usize::from(length >= before + both);
        assert_eq!(opened.outbox, outbox_of(&all[..kept]), "cut at {length}");
        let torn = length - before - (kept - 4) * both;
        assert_eq!(opened.torn_bytes, (torn > 0).then_some(torn), "cut at {length}");
        drop(opened);
        // What was cut away does not come back, and the journal goes on.
        written(folder.path(), &all[kept..kept + 1]);
        let again = Journal::open(folder.path(), anchor()).unwrap();
        assert_eq!(again.outbox, outbox_of(&all[..=kept]));
        assert_eq!(again.torn_bytes, None);
    }
}

#[test]
fn room_that_was_made_and_never_written_is_cut_away() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &records()[..2]);
    let path = folder.path().join("outbox");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 5_000]);
    fs::write(&path, &bytes).unwrap();
    let opened = Journal::open(folder.path(), anchor()).unwrap();
    assert_eq!(opened.torn_bytes, Some(5_000));
    assert_eq!(opened.outbox, outbox_of(&records()[..2]));
}

#[test]
fn damage_before_whole_records_is_refused_with_words_and_touched_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &records());
    let path = folder.path().join("outbox");
    let whole = fs::read(&path).unwrap();
    // Every bit of the record of the first bundle: its length, its checksum, its content.
    let start = 8 + 12 + 28;
    let length = u32::from_le_bytes(whole[start..start + 4].try_into().unwrap());
    for at in start..start + 12 + usize::try_from(length).unwrap() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        let error = Journal::open(folder.path(), anchor()).unwrap_err();
        assert!(
            matches!(error, JournalError::Damaged { at, .. } if at == start),
            "byte {at}: {error}"
        );
        assert!(error.to_string().contains("Move the file away"));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_second_writer_is_refused_as_long_as_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let first = Journal::open(folder.path(), anchor()).unwrap();
    assert!(matches!(
        Journal::open(folder.path(), anchor()),
        Err(JournalError::InUse { .. })
    ));
    assert!(Journal::read(folder.path(), anchor()).is_ok(), "who only reads may");
    drop(first);
    assert!(Journal::open(folder.path(), anchor()).is_ok());
}

#[test]
fn the_journal_of_another_contract_or_of_anything_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &records());
    let elsewhere = Anchor {
        mainchain_id: 61,
        ..anchor()
    };
    let error = Journal::open(folder.path(), elsewhere).unwrap_err();
    assert!(matches!(error, JournalError::OtherContract { .. }));
    assert!(error.to_string().contains("0xCcCC"), "{error}");
    for content in [&b""[..], b"CLRELAY", b"CLRELAY1", b"CLRELAY2 and more", b"a letter"] {
        fs::write(folder.path().join("outbox"), content).unwrap();
        let error = Journal::open(folder.path(), anchor()).unwrap_err();
        assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    }
}

#[test]
fn a_journal_that_is_mostly_over_is_written_anew_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::new(anchor(), 4);
    let opened = Journal::open(folder.path(), anchor()).unwrap();
    let (mut journal, mut outbox) = (opened.journal, opened.outbox);
    let mut largest = 0;
    for number in 0..900 {
        if number < 50 {
            history.grow();
            let taken = Record::Taken(history.bundles.last().unwrap().clone());
            outbox.apply(&taken).unwrap();
            journal.keep(&[taken]).unwrap();
        }
        let index = Index::new(1 + number % 50);
        let batch: Vec<_> = (0..100)
            .map(|step| Record::Anchored {
                index,
                anchored: Anchored {
                    block: block(number + step),
                    by: None,
                },
            })
            .collect();
        batch.iter().for_each(|record| outbox.apply(record).unwrap());
        journal.keep(&batch).unwrap();
        journal.compact(&outbox).unwrap();
        largest = largest.max(fs::metadata(folder.path().join("outbox")).unwrap().len());
    }
    drop(journal);
    assert!((3 << 20..5 << 20).contains(&largest), "{largest} bytes at most");
    assert_eq!(Journal::open(folder.path(), anchor()).unwrap().outbox, outbox);
}

#[test]
fn a_gap_below_what_is_kept_is_written_anew_as_it_was() {
    let mut history = History::new(anchor(), 4);
    (0..6).for_each(|_| history.grow());
    let taken = |at: usize| Record::Taken(history.bundles[at].clone());
    let outbox = outbox_of(&[taken(4), taken(5), taken(1), taken(2)]);
    let indexes: Vec<_> = outbox.entries().keys().map(|index| index.get()).collect();
    assert_eq!(indexes, [2, 3, 5, 6]);
    assert_eq!(outbox_of(&outbox.records()), outbox);
}

#[test]
fn the_bytes_of_a_journal_never_change_their_meaning() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &records());
    let bytes = fs::read(folder.path().join("outbox")).unwrap();
    assert_eq!(
        alloy_primitives::keccak256(&bytes),
        b256!("0139fc9b1c26f5547664df3374a742dffcd0730bb29952892d2a5656a1115df5"),
        "golden, {} bytes",
        bytes.len()
    );
}
