//! Our own small fixtures, good and bad, and the public ones where they are.

mod own;
mod public;

use std::path::PathBuf;

use ledger_suites::{Family, Options, Report, Sample, run};

/// This crate's folder.
fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Plays everything in `path`, or a sample of it.
fn play(path: PathBuf, family: Family, sample: Option<Sample>) -> Report {
    run(&Options {
        paths: vec![path],
        family,
        filter: None,
        sample,
        progress: &|_, _| {},
    })
    .expect("the fixtures can be played")
}
