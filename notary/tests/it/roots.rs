//! TUF 5.2 and 5.3: how does a reader get from the root that it trusts to the newest one?

use ledger_notary::tuf::{Kind, RootError, UpdateError, limits::ROOT_ROTATIONS_MAX};

use crate::kit::{NOW, Reader, Sim, assert_refused, role_keys, signed, version};

/// Root versions in turn: whose keys, how many, who signs; and whether the last one is taken.
type Case = (&'static str, &'static [(&'static [u8], u32, &'static [u8])], bool);

const FIVE: &[u8] = &[101, 102, 103, 104, 105];

#[test]
fn a_new_root_needs_the_old_keys_and_its_own() {
    const CASES: &[Case] = &[
        (
            "1 of 1 rotates",
            &[(&[101], 1, &[101]), (&[102], 1, &[102, 101]), (&[102], 1, &[102])],
            true,
        ),
        (
            "signatures of others do no harm",
            &[(&[101], 1, &[103, 101]), (&[102], 1, &[103, 102, 101, 104])],
            true,
        ),
        (
            "any three of five",
            &[(FIVE, 3, &[101, 103, 105]), (FIVE, 3, &[101, 105, 102])],
            true,
        ),
        (
            "one of five rotates",
            &[
                (FIVE, 3, &[101, 103, 105]),
                (&[101, 102, 104, 105, 106], 3, &[101, 105, 102]),
            ],
            true,
        ),
        (
            "all of five rotate",
            &[
                (FIVE, 3, &[101, 103, 105]),
                (&[106, 107, 108, 109, 110], 3, &[101, 103, 105, 106, 107, 108]),
                (&[106, 107, 108, 109, 110], 3, &[106, 107, 110]),
            ],
            true,
        ),
        (
            "the threshold rises",
            &[(&[101, 102, 103], 1, &[101]), (&[101, 102, 103], 2, &[101, 102])],
            true,
        ),
        (
            "the threshold falls",
            &[(&[101, 102, 103], 2, &[101, 102]), (&[101, 102, 103], 1, &[101, 102])],
            true,
        ),
        (
            "not by the old",
            &[(&[101], 1, &[101]), (&[102], 1, &[102, 103])],
            false,
        ),
        (
            "not by the new",
            &[(&[101], 1, &[101]), (&[102], 1, &[101, 103])],
            false,
        ),
        (
            "two of three new",
            &[
                (FIVE, 3, &[101, 103, 105]),
                (&[101, 102, 104, 105, 106], 3, &[101, 103, 105]),
            ],
            false,
        ),
        (
            "two of three old",
            &[
                (FIVE, 3, &[101, 103, 105]),
                (&[101, 102, 104, 105, 106], 3, &[101, 105, 106]),
            ],
            false,
        ),
        (
            "new threshold not met",
            &[(&[101, 102, 103], 1, &[101]), (&[101, 102, 103], 2, &[102])],
            false,
        ),
        (
            "old threshold not met",
            &[(&[101, 102, 103], 2, &[101, 102]), (&[101, 102, 103], 1, &[101])],
            false,
        ),
    ];
    for (what, roots, taken) in CASES {
        let mut sim = Sim::new();
        for (number, (keys, threshold, signers)) in (1..).zip(*roots) {
            sim.hand_over(Kind::Root, keys, *threshold);
            sim.signers
                .insert(ledger_notary::tuf::RoleName::root(), signers.to_vec());
            sim.root.version = version(number);
            sim.put_root();
        }
        let mut reader = Reader::new(&sim);
        let outcome = reader.refresh(&sim);
        if *taken {
            outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(reader.kept("root"), roots.len() as u64, "{what}");
        } else {
            assert_refused(outcome, "TUF 5.3.4");
            assert_eq!(reader.kept("root"), roots.len() as u64 - 1, "{what}");
            assert_eq!(reader.kept("timestamp"), 0, "{what}");
        }
    }
}

#[test]
fn a_trusted_root_that_is_none_stops_before_anything_is_asked_for() {
    let sim = Sim::new();
    let mut reader = Reader::new(&sim);
    for root in [Vec::new(), b"{}".to_vec(), signed(sim.root.clone(), &[1, 2, 9])] {
        reader.stored.root = root;
        assert_refused(reader.refresh(&sim), "(TUF 5.2)");
        assert!(reader.asked.is_empty());
    }
}

#[test]
fn a_skipped_or_older_root_is_refused_and_the_same_one_ends_the_walk() {
    let mut sim = Sim::new();
    sim.release_root();
    sim.release_root();
    let mut reader = Reader::new(&sim);
    let third = sim.files["3.root.json"].clone();
    sim.files.insert("2.root.json".to_owned(), third);
    let refused = reader.refresh(&sim);
    assert!(
        matches!(refused, Err(UpdateError::Root(RootError::Version { expected, got })) if expected.get() == 2 && got.get() == 3)
    );

    let mut sim = Sim::new();
    let same = sim.files["1.root.json"].clone();
    sim.files.insert("2.root.json".to_owned(), same);
    let mut reader = Reader::new(&sim);
    let verifier = reader.refresh(&sim).unwrap();
    assert_eq!((verifier.root().get().version, reader.kept("root")), (version(1), 1));

    sim.release_root();
    let mut reader = Reader::of(&sim);
    let first = sim.files["1.root.json"].clone();
    sim.files.insert("3.root.json".to_owned(), first);
    assert_refused(
        reader.refresh(&sim),
        "TUF 5.3.5: root version 3 was asked for, got version 1",
    );
}

#[test]
fn an_expired_root_is_kept_and_goes_no_further() {
    let mut sim = Sim::new();
    let mut reader = Reader::of(&sim);
    sim.root.expires = NOW;
    sim.release_root();
    sim.release_role("targets");
    assert_refused(reader.refresh(&sim), "TUF 5.3.10");
    assert_eq!((reader.kept("root"), reader.kept("timestamp")), (2, 1));

    sim.root.expires = NOW.plus(1);
    sim.release_root();
    reader
        .refresh(&sim)
        .expect("an expired root on the way does not matter (TUF 5.3.6)");
    assert_eq!((reader.kept("root"), reader.kept("targets")), (3, 2));
}

#[test]
fn one_refresh_walks_through_a_bounded_number_of_roots_and_the_next_goes_on() {
    let mut sim = Sim::new();
    sim.hand_over(Kind::Root, &[101], 1);
    sim.put_root();
    for _ in 0..ROOT_ROTATIONS_MAX + 1 {
        sim.release_root();
    }
    let mut reader = Reader::new(&sim);
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("root"), ROOT_ROTATIONS_MAX + 1);
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("root"), ROOT_ROTATIONS_MAX + 2);
}

#[test]
fn a_stolen_timestamp_key_is_recovered_from_by_rotation() {
    let mut sim = Sim::new();
    sim.timestamp.version = version(1_000_000);
    sim.put_timestamp();
    let mut reader = Reader::of(&sim);
    assert_eq!(reader.kept("timestamp"), 1_000_000);
    sim.timestamp.version = version(2);
    sim.put_timestamp();
    assert_refused(reader.refresh(&sim), "TUF 5.4.3.1");

    // A further key alone does not make anybody forget.
    sim.hand_over(Kind::Timestamp, &[31, 32], 1);
    sim.release_root();
    sim.put_timestamp();
    assert_refused(reader.refresh(&sim), "TUF 5.4.3.1");

    sim.hand_over(Kind::Timestamp, &[32], 1);
    sim.release_root();
    sim.put_timestamp();
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("timestamp"), 2);
}

#[test]
fn a_stolen_snapshot_key_is_recovered_from_by_rotation() {
    let mut sim = Sim::new();
    sim.targets().version = version(1_000_000);
    sim.put_role("targets");
    sim.snapshot.version = version(1_000_000);
    sim.put_snapshot();
    sim.release_timestamp();
    let mut reader = Reader::of(&sim);
    assert_eq!(
        (reader.kept("snapshot"), reader.kept("targets")),
        (1_000_000, 1_000_000)
    );

    sim.hand_over(Kind::Snapshot, &[22, 23], 2);
    sim.release_root();
    sim.targets().version = version(3);
    sim.put_role("targets");
    sim.snapshot.version = version(3);
    sim.put_snapshot();
    sim.release_timestamp();
    reader.refresh(&sim).unwrap();
    assert_eq!((reader.kept("snapshot"), reader.kept("targets")), (3, 3));
}

#[test]
fn a_key_that_stays_when_another_goes_does_not_keep_old_versions_alive() {
    let mut sim = Sim::new();
    sim.hand_over(Kind::Snapshot, &[21, 22], 1);
    sim.release_root();
    sim.snapshot.version = version(900);
    sim.put_snapshot();
    sim.release_timestamp();
    let mut reader = Reader::of(&sim);
    // Key 22 was the thief's; key 21, which signed what was kept, stays.
    sim.hand_over(Kind::Snapshot, &[21], 1);
    sim.release_root();
    sim.snapshot.version = version(3);
    sim.put_snapshot();
    sim.release_timestamp();
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("snapshot"), 3);
}

#[test]
fn thresholds_above_the_number_of_keys_can_be_read_and_never_met() {
    let mut sim = Sim::new();
    sim.root.roles.snapshot = role_keys(&[21], 2);
    sim.release_root();
    sim.root.roles.snapshot = role_keys(&[21, 22], 2);
    sim.root.keys.extend(crate::kit::keys(&[22]));
    let mut reader = Reader::new(&sim);
    assert_refused(
        reader.refresh(&sim),
        "snapshot metadata version 1 need the signatures of 2 different keys, got 1",
    );
    sim.signers
        .insert(ledger_notary::tuf::RoleName::snapshot(), vec![21, 22]);
    sim.release_root();
    sim.release();
    reader.refresh(&sim).unwrap();
    assert_eq!((reader.kept("root"), reader.kept("snapshot")), (3, 2));
}
