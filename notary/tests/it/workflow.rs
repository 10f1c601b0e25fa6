//! TUF 5.4 to 5.6.6: timestamp, snapshot and targets, each decision with what is kept and what is not.

use ed25519_dalek::Signer;
use ledger_notary::tuf::{
    Answer, Floor, Kind, MetaFile, Next, RoleName, Settings, Signature, Stored, Verifier,
    json::Json,
    limits::{ROOT_BYTES_MAX, SIGNATURES_MAX, SNAPSHOT_BYTES_MAX, TARGETS_BYTES_MAX, TIMESTAMP_BYTES_MAX},
    metadata::assemble,
};

use crate::kit::{DAY, NOW, Reader, SNAPSHOT_KEY, Sim, TIMESTAMP_KEY, assert_refused, public, secret, signed, version};

#[test]
fn a_first_visit_asks_in_order_and_a_second_only_for_news() {
    let mut sim = Sim::new();
    let mut reader = Reader::of(&sim);
    assert_eq!(
        reader.asked,
        ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
    );
    assert_eq!(
        ["root", "timestamp", "snapshot", "targets"].map(|role| reader.kept(role)),
        [1; 4]
    );
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.asked, ["2.root.json", "timestamp.json"]);
    sim.release();
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.asked, ["2.root.json", "timestamp.json", "2.snapshot.json"]);
    sim.release_role("targets");
    reader.refresh(&sim).unwrap();
    assert_eq!(
        reader.asked,
        ["2.root.json", "timestamp.json", "3.snapshot.json", "2.targets.json"]
    );
}

#[test]
fn without_consistent_snapshots_names_carry_no_version() {
    let mut sim = Sim::new();
    sim.root.consistent_snapshot = false;
    sim.put_root();
    for role in ["snapshot", "targets"] {
        let file = sim.files.remove(&format!("1.{role}.json")).unwrap();
        sim.files.insert(format!("{role}.json"), file);
    }
    let reader = Reader::of(&sim);
    assert_eq!(
        reader.asked,
        ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"]
    );
}

#[test]
fn a_timestamp_of_the_same_version_changes_nothing() {
    let mut sim = Sim::new();
    let mut reader = Reader::of(&sim);
    let before = reader.stored.clone();
    sim.timestamp.meta.snapshot.version = version(100);
    sim.put_timestamp();
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.stored, before);
}

/// What the repository does after a reader was there, the rule that refuses it, and what the reader has kept of it.
type Case = (&'static str, fn(&mut Sim), &'static str, [u64; 3]);

fn refuse(cases: &[Case]) {
    for (what, deed, rule, kept) in cases {
        let mut sim = Sim::new();
        sim.release_role("targets");
        let mut reader = Reader::of(&sim);
        deed(&mut sim);
        let error = reader.refresh(&sim).map(|_| ()).expect_err(what).to_string();
        assert!(error.contains(rule), "{what}: {error}");
        assert_eq!(
            ["timestamp", "snapshot", "targets"].map(|role| reader.kept(role)),
            *kept,
            "{what}"
        );
        // Whatever happened, honest news are taken afterwards.
        let mut honest = Sim::new();
        honest.release_role("targets");
        for _ in 0..3 {
            honest.release_role("targets");
        }
        reader
            .refresh(&honest)
            .unwrap_or_else(|error| panic!("after {what}: {error}"));
    }
}

#[test]
fn timestamps_are_refused_by_name() {
    refuse(&[
        (
            "no timestamp",
            |sim| drop(sim.files.remove("timestamp.json")),
            "TUF 5.4.1",
            [2; 3],
        ),
        (
            "no JSON",
            |sim| drop(sim.files.insert("timestamp.json".to_owned(), b"{}".to_vec())),
            "TUF 5.4.1: timestamp metadata cannot be read: missing field `signed`",
            [2; 3],
        ),
        (
            "a snapshot in its place",
            |sim| {
                drop(
                    sim.files
                        .insert("timestamp.json".to_owned(), sim.files["2.snapshot.json"].clone()),
                )
            },
            "TUF 5.4.1",
            [2; 3],
        ),
        (
            "signed by somebody else",
            |sim| {
                sim.signers.insert(RoleName::timestamp(), vec![SNAPSHOT_KEY]);
                sim.release_timestamp();
            },
            "TUF 5.4.2: timestamp metadata version 3 need the signatures of 1 different keys, got 0",
            [2; 3],
        ),
        (
            "an older one",
            |sim| {
                sim.timestamp.version = version(1);
                sim.put_timestamp();
            },
            "TUF 5.4.3.1: timestamp version 2 is trusted, got 1",
            [2; 3],
        ),
        (
            "a newer one of an older snapshot",
            |sim| {
                let first = &sim.files["1.snapshot.json"];
                sim.timestamp.meta.snapshot = MetaFile::of(version(1), first);
                sim.release_timestamp();
            },
            "TUF 5.4.3.2: the trusted timestamp names snapshot version 2, the new one 1",
            [2; 3],
        ),
        (
            "an expired one",
            |sim| {
                sim.timestamp.expires = NOW;
                sim.release_timestamp();
            },
            "TUF 5.4.4: timestamp version 3 expired at 2026-11-26T00:00:00Z",
            [2; 3],
        ),
    ]);
}

#[test]
fn the_same_timestamp_is_refused_once_it_has_expired() {
    let sim = Sim::new();
    let mut reader = Reader::of(&sim);
    reader.now = NOW.plus(DAY);
    assert_refused(reader.refresh(&sim), "TUF 5.4.4");
}

#[test]
fn expired_metadata_that_was_kept_does_not_hinder_newer_ones() {
    let mut sim = Sim::new();
    let mut reader = Reader::of(&sim);
    reader.now = NOW.plus(100 * DAY);
    for expires in [&mut sim.timestamp.expires, &mut sim.snapshot.expires] {
        *expires = NOW.plus(101 * DAY);
    }
    sim.targets().expires = NOW.plus(101 * DAY);
    sim.release_role("targets");
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("targets"), 2);
}

#[test]
fn snapshots_are_refused_by_name() {
    refuse(&[
        (
            "no snapshot",
            |sim| {
                sim.release();
                sim.files.remove("3.snapshot.json");
            },
            "TUF 5.5.1: the repository has no snapshot version 3",
            [3, 2, 2],
        ),
        (
            "another file than listed, of the same length",
            |sim| {
                sim.release();
                let length = sim.files["3.snapshot.json"].len();
                sim.files.insert("3.snapshot.json".to_owned(), vec![b' '; length]);
            },
            "TUF 5.5.2: the snapshot has sha256",
            [3, 2, 2],
        ),
        (
            "a shorter file than listed",
            |sim| {
                sim.release();
                sim.files.insert("3.snapshot.json".to_owned(), b"{}".to_vec());
            },
            "TUF 5.5.2: the snapshot has 2 bytes where",
            [3, 2, 2],
        ),
        (
            "signed by the timestamp's key",
            |sim| {
                sim.signers.insert(RoleName::snapshot(), vec![TIMESTAMP_KEY]);
                sim.release();
            },
            "TUF 5.5.3",
            [3, 2, 2],
        ),
        (
            "another version than listed",
            |sim| {
                sim.snapshot.version = version(9);
                sim.put_snapshot();
                let file = sim.files["9.snapshot.json"].clone();
                sim.timestamp.meta.snapshot.version = version(3);
                sim.files.insert("3.snapshot.json".to_owned(), file);
                sim.release_timestamp();
            },
            "TUF 5.5.4: the timestamp names snapshot version 3, got 9",
            [3, 2, 2],
        ),
        (
            "older targets",
            |sim| {
                sim.snapshot.meta.insert(
                    "targets.json".to_owned(),
                    MetaFile::of(version(1), &sim.files["1.targets.json"]),
                );
                sim.release();
            },
            "TUF 5.5.5: the trusted snapshot lists targets.json version 2, the new one 1",
            [3, 2, 2],
        ),
        (
            "a role left out",
            |sim| {
                sim.snapshot.meta.clear();
                sim.release();
            },
            "TUF 5.5.5: the trusted snapshot lists targets.json version 2, the new one does not",
            [3, 2, 2],
        ),
        (
            "an expired one",
            |sim| {
                sim.snapshot.expires = NOW;
                sim.release();
            },
            "TUF 5.5.6: snapshot version 3 expired",
            [3, 2, 2],
        ),
    ]);
}

#[test]
fn targets_are_refused_by_name() {
    refuse(&[
        (
            "no targets",
            |sim| {
                sim.release_role("targets");
                sim.files.remove("3.targets.json");
            },
            "TUF 5.6.1: the repository has no targets version 3",
            [3, 3, 2],
        ),
        (
            "another file than listed",
            |sim| {
                sim.release_role("targets");
                let length = sim.files["3.targets.json"].len();
                sim.files.insert("3.targets.json".to_owned(), vec![b' '; length]);
            },
            "TUF 5.6.2: the metadata of targets has sha256",
            [3, 3, 2],
        ),
        (
            "signed by one of the two that are needed",
            |sim| {
                sim.signers.insert(RoleName::targets(), vec![11]);
                sim.release_role("targets");
            },
            "TUF 5.6.3: targets metadata version 3 need the signatures of 2 different keys, got 1",
            [3, 3, 2],
        ),
        (
            "another version than listed",
            |sim| {
                sim.targets().version = version(9);
                sim.put_role("targets");
                let file = sim.files["9.targets.json"].clone();
                sim.snapshot.meta.get_mut("targets.json").unwrap().version = version(3);
                sim.files.insert("3.targets.json".to_owned(), file);
                sim.release();
            },
            "TUF 5.6.4: the snapshot lists targets version 3, got 9",
            [3, 3, 2],
        ),
        (
            "expired ones",
            |sim| {
                sim.targets().expires = NOW;
                sim.release_role("targets");
            },
            "TUF 5.6.5: targets version 3 expired",
            [3, 3, 2],
        ),
    ]);
}

#[test]
fn a_snapshot_without_targets_is_refused_on_a_first_visit() {
    let mut sim = Sim::new();
    sim.snapshot.meta.clear();
    sim.release();
    assert_refused(Reader::new(&sim).refresh(&sim), "TUF 4.4");
}

#[test]
fn files_longer_than_they_may_be_are_refused_unread() {
    for (name, bytes_max) in [
        ("2.root.json", ROOT_BYTES_MAX),
        ("timestamp.json", TIMESTAMP_BYTES_MAX),
        ("1.snapshot.json", SNAPSHOT_BYTES_MAX),
        ("1.targets.json", TARGETS_BYTES_MAX),
    ] {
        let mut sim = Sim::new();
        // Neither timestamp nor snapshot says how long.
        sim.snapshot.meta.get_mut("targets.json").unwrap().length = None;
        sim.put_snapshot();
        sim.timestamp.meta.snapshot.length = None;
        sim.put_timestamp();
        sim.files
            .insert(name.to_owned(), b" ".repeat(usize::try_from(bytes_max).unwrap() + 1));
        assert_refused(
            Reader::new(&sim).refresh(&sim),
            &format!("{name} has more than {bytes_max} bytes"),
        );
    }
}

#[test]
fn an_update_that_stops_anywhere_goes_on_from_what_was_kept() {
    let mut sim = Sim::new();
    let first = Reader::of(&sim);
    sim.hand_over(Kind::Timestamp, &[32], 1);
    sim.release_root();
    sim.release_root();
    sim.release_role("targets");
    let whole = {
        let mut reader = first.clone();
        reader.refresh(&sim).unwrap();
        reader.stored
    };
    for steps in 0..8 {
        let mut reader = first.clone();
        stop_after(&mut reader.stored, &sim, steps);
        reader.refresh(&sim).unwrap();
        assert_eq!(reader.stored, whole, "stopped after {steps} answers");
    }
}

/// Feeds so many answers, and carries out what they lead to.
fn stop_after(stored: &mut Stored, sim: &Sim, steps: usize) {
    let settings = Settings {
        now: NOW,
        floor: Floor::default(),
    };
    let (mut verifier, mut request) = Verifier::start(stored.clone(), settings).unwrap();
    for _ in 0..steps {
        let answer = sim
            .files
            .get(&request.name)
            .cloned()
            .map_or(Answer::Missing, Answer::Bytes);
        let outcome = verifier.answer(answer);
        for effect in outcome.effects {
            match effect {
                ledger_notary::tuf::Effect::Keep { role, bytes } if role == RoleName::root() => stored.root = bytes,
                ledger_notary::tuf::Effect::Keep { role, bytes } => drop(stored.others.insert(role, bytes)),
                ledger_notary::tuf::Effect::Forget(role) => drop(stored.others.remove(&role)),
            }
        }
        let Next::Fetch(next) = outcome.next.unwrap() else {
            return;
        };
        request = next;
    }
}

#[test]
fn what_was_kept_and_is_damaged_is_fetched_again() {
    let sim = Sim::new();
    let mut reader = Reader::of(&sim);
    let whole = reader.stored.clone();
    for bytes in reader.stored.others.values_mut() {
        bytes.truncate(20);
    }
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.stored, whole);
}

#[test]
fn a_verifier_that_failed_takes_nothing_more() {
    let sim = Sim::new();
    let settings = Settings {
        now: NOW,
        floor: Floor::default(),
    };
    let (mut verifier, _) = Verifier::start(Reader::new(&sim).stored, settings).unwrap();
    assert_refused(verifier.find(crate::kit::path("a")).next, "nothing was asked for");
    assert_refused(verifier.answer(Answer::Bytes(b"{}".to_vec())).next, "TUF 5.3.3");
    assert_refused(verifier.answer(Answer::Missing).next, "nothing was asked for");
}

#[test]
fn fields_that_nobody_knows_are_signed_and_let_pass() {
    let mut sim = Sim::new();
    let mut root: serde_json::Value = serde_json::to_value(&sim.root).unwrap();
    root["version"] = 2.into();
    root["x-note"] = serde_json::json!({ "b": [1, null, true], "a": "é\"\\" });
    root["roles"]["root"]["x-note"] = "value".into();
    let text = root.to_string();
    let canonical = Json::parse(text.as_bytes()).unwrap().canonical();
    let signature =
        |number: u8| Signature::new(public(number).id().into(), &secret(number).sign(&canonical).to_bytes()).unwrap();
    let signatures = [1, 2, 3].map(signature);
    sim.files.insert("2.root.json".to_owned(), assemble(&text, &signatures));
    let mut reader = Reader::new(&sim);
    reader.refresh(&sim).unwrap();
    assert_eq!(reader.kept("root"), 2);
    sim.files.insert(
        "2.root.json".to_owned(),
        assemble(&text.replace("value", "other"), &signatures),
    );
    assert_refused(Reader::new(&sim).refresh(&sim), "TUF 5.3.4");
}

#[test]
fn documents_that_could_be_read_in_two_ways_are_refused() {
    let sim = Sim::new();
    let good = String::from_utf8(signed(sim.root.clone(), &[1, 2, 3])).unwrap();
    let flood = {
        let signature = Signature::new(public(1).id().into(), &[0; 64]).unwrap();
        let text = serde_json::to_string(&sim.root).unwrap();
        String::from_utf8(assemble(&text, &vec![signature; SIGNATURES_MAX + 1])).unwrap()
    };
    let twice = public(1).id();
    for (bad, reason) in [
        (
            good.replace(r#""version":1"#, r#""version":1,"version":2"#),
            "occurs twice",
        ),
        (good.replace(r#""version":1"#, r#""version":1.0"#), "whole numbers"),
        (good.replace(r#""version":1"#, r#""version":0"#), "from 1 on"),
        (
            good.replace(r#""_type":"root""#, r#""_type":"targets""#),
            "were expected",
        ),
        (
            good.replace(r#""spec_version":"1.0.31""#, r#""spec_version":"2.0.0""#),
            "spec_version is 1.x",
        ),
        (
            good.replace("2027-11-26T00:00:00Z", "2027-11-26T00:00:00.5Z"),
            "whole seconds",
        ),
        (good.replace(r#""threshold":3"#, r#""threshold":0"#), "nonzero"),
        (
            good.replace(&format!("[\"{twice}\""), &format!("[\"{twice}\",\"{twice}\"")),
            "each key id once",
        ),
        (good.clone() + "x", "trailing"),
        (flood, "at most 128 signatures"),
    ] {
        assert_ne!(bad, good, "{reason}");
        let mut sim = sim.clone();
        sim.files.insert("2.root.json".to_owned(), bad.into_bytes());
        assert_refused(Reader::new(&sim).refresh(&sim), reason);
    }
}
