//! The public suites, where the folder `../shared/suites` beside the repository has them: tries, RLP and transactions whole,
//! of the state tests a sample. All of them are played by `ledger-node statetest ../shared/suites`.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use ledger_suites::{Family, Sample};

use crate::{crate_folder, play};

/// One state test in this many: half a minute on two cores, where all of them take minutes. It is a power of two, so that this many
/// seeds in a row, one each day, play every case once.
const ONE_STATE_TEST_IN: u64 = 8;

/// Tries, RLP and transactions that pass in the archives that this was written with, and those that are left out by name.
const ENCODING_CASES_LEAST: u64 = 274;
const ENCODING_CASES_LEFT_OUT_MOST: u64 = 15;

/// Cases that are not about a blob in the archives that this was written with: a lower number would mean that some are not found.
const STATE_CASES_LEAST: u64 = 27_317;

fn suites() -> Option<PathBuf> {
    let folder = crate_folder().join("../../shared/suites");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there are no public suites in {}", folder.display());
    None
}

#[test]
fn public_tries_rlp_and_transactions_pass() {
    let Some(folder) = suites() else { return };
    let report = play(folder, Family::Encoding, None);
    println!("{report}");
    assert!(report.is_good(), "{report}");
    assert!(
        report.passed >= ENCODING_CASES_LEAST,
        "only {} cases were played",
        report.passed
    );
    assert!(report.left_out_count() <= ENCODING_CASES_LEFT_OUT_MOST, "{report}");
}

#[test]
fn a_sample_of_the_public_state_tests_passes() {
    let Some(folder) = suites() else { return };
    let days = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is later than 1970")
        .as_secs()
        / 86_400;
    let sample = Sample {
        one_in: ONE_STATE_TEST_IN.try_into().expect("not zero"),
        seed: days,
    };
    println!("again: ledger-node statetest ../shared/suites --one-in {ONE_STATE_TEST_IN} --seed {days}");
    let report = play(folder, Family::State, Some(sample));
    println!("{report}");
    assert!(report.is_good(), "{report}");
    let expected = STATE_CASES_LEAST / ONE_STATE_TEST_IN;
    let played = report.run();
    assert!(
        played > expected * 3 / 4,
        "{played} cases were played, and a sample has about {expected}"
    );
    let blobs: Vec<_> = report
        .left_out
        .keys()
        .filter(|reason| !reason.contains("blob"))
        .collect();
    assert!(blobs.is_empty(), "left out for other reasons than blobs: {blobs:?}");
}
