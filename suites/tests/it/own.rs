//! Do good fixtures pass, and does every kind of wrong fixture fail with words that say what is wrong?
//!
//! The roots in the fixtures were computed by other code: py-trie, from balances and gas worked out by hand.

use std::{collections::BTreeMap, fs};

use ledger_suites::{Family, Options, Report, Sample, SuiteError, run};

use crate::{crate_folder, play};

const BLOB: &str = "a blob transaction (type 3): no chain of this kind takes one";

fn own(path: &str, family: Family) -> Report {
    play(crate_folder().join("tests/fixtures").join(path), family, None)
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn good_state_tests_pass_under_each_fork_and_a_blob_is_left_out_by_name() {
    let report = own("good", Family::State);
    assert!(report.is_good(), "{report}");
    let forks = [
        ("state tests, Cancun", 4),
        ("state tests, Osaka", 4),
        ("state tests, Prague", 4),
    ];
    assert_eq!(report.passed_by_kind, counts(&forks));
    let names = ["Cancun", "Osaka", "Prague"].map(|fork| format!("state/refused.json: blob [{fork} d0 g0 v0]"));
    assert_eq!(report.left_out, BTreeMap::from([(BLOB.to_owned(), names.to_vec())]));
    assert_eq!(report.other_forks, counts(&[("Shanghai", 5)]));
    assert_eq!((report.files, report.other_files.len()), (3, 6));
}

#[test]
fn good_tries_rlp_and_transactions_pass() {
    let report = own("good", Family::Encoding);
    assert!(report.is_good(), "{report}");
    assert_eq!(
        report.passed_by_kind,
        counts(&[("RLP", 2), ("transactions", 2), ("tries", 3)])
    );
    assert_eq!(report.left_out_count(), 2);
}

#[test]
fn whatever_is_wrong_in_a_fixture_fails_it() {
    let state = [
        ("wrong_root", "Beef01 balance: 1000, expected 1001"),
        ("wrong_logs", "hash of the 1 logs"),
        ("refused_unexpectedly", "refused: insufficient funds"),
        (
            "refused_for_another_reason",
            "but expected is TransactionException.NONCE_IS_MAX",
        ),
        ("taken_unexpectedly", "taken, but expected is"),
        ("other_fields", "the transaction's value is 1000, expected 1001"),
    ];
    let encoding = [
        ("wrong_trie_root", "after 3 blocks, expected 0xad279c5b"),
        ("rlp_said_to_be_invalid", "but it is not RLP"),
        ("rlp_of_something_else", "decoded as List"),
        ("wrong_intrinsic_gas", "Some(25320)"),
    ];
    let state = state.map(|(name, words)| (Family::State, name, words));
    let encoding = encoding.map(|(name, words)| (Family::Encoding, name, words));
    let listed = state.len() + encoding.len();
    for (family, name, words) in state.into_iter().chain(encoding) {
        let report = own(&format!("bad/{name}.json"), family);
        assert_eq!((report.run(), report.failed.len()), (1, 1), "{name}: {report}");
        assert!(!report.is_good());
        assert!(
            report.to_string().contains(words),
            "{name} does not say `{words}`: {report}"
        );
    }
    let files = fs::read_dir(crate_folder().join("tests/fixtures/bad")).unwrap().count();
    assert_eq!(files, listed, "every bad fixture is listed here");
}

#[test]
fn a_run_without_a_case_is_not_good() {
    let report = own("good/state", Family::Encoding);
    assert_eq!((report.run(), report.is_good()), (0, false));
}

#[test]
fn an_archive_is_unpacked_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("own.tar");
    let packed = std::process::Command::new("tar")
        .arg("-cf")
        .arg(&archive)
        .arg("-C")
        .arg(crate_folder().join("tests/fixtures"))
        .arg("good")
        .status();
    assert!(packed.unwrap().success());
    let report = play(folder.path().to_owned(), Family::State, None);
    assert_eq!((report.passed, report.failed.len()), (12, 0), "{report}");

    fs::write(&archive, "not an archive").unwrap();
    let options = Options {
        paths: vec![archive],
        family: Family::State,
        filter: None,
        sample: None,
        progress: &|_, _| {},
    };
    let refused = run(&options).unwrap_err();
    assert!(matches!(refused, SuiteError::Files(_)));
    assert!(refused.to_string().contains("unpack it yourself"), "{refused}");
}

#[test]
fn filter_and_sample_choose_the_same_cases_every_time() {
    let paths = || vec![crate_folder().join("tests/fixtures/good")];
    let options = |filter: Option<&str>, sample| Options {
        paths: paths(),
        family: Family::State,
        filter: filter.map(str::to_owned),
        sample,
        progress: &|_, _| {},
    };
    let report = run(&options(Some("creation over storage [Osaka"), None)).unwrap();
    assert_eq!((report.passed, report.left_out_count()), (1, 0));

    let sample = |seed| Sample {
        one_in: 3.try_into().unwrap(),
        seed,
    };
    let chosen: Vec<_> = (0..8)
        .map(|seed| run(&options(None, Some(sample(seed)))).unwrap().passed)
        .collect();
    let again: Vec<_> = (0..8)
        .map(|seed| run(&options(None, Some(sample(seed)))).unwrap().passed)
        .collect();
    assert_eq!(chosen, again);
    assert!(chosen.iter().all(|passed| *passed < 12), "{chosen:?}");
    assert!(chosen.iter().sum::<u64>() > 8, "{chosen:?}");

    let eighths = (0..8).map(|seed| Sample {
        one_in: 8.try_into().unwrap(),
        seed,
    });
    let played: u64 = eighths
        .map(|sample| run(&options(None, Some(sample))).unwrap().passed)
        .sum();
    assert_eq!(played, 12, "eight seeds in a row play every case once");
}
