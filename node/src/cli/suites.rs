//! `ledger-node statetest` and `ledger-node trietest`: Ethereum's public tests through the code of this very binary.

use std::{num::NonZeroU64, path::PathBuf, time::Instant};

use clap::Args;
use ledger_suites::{Family, Options, Report, Sample, run as play};
use serde_json::json;

use crate::error::NodeError;

use super::{Cli, output};

/// Progress is told this many times in a run.
const PROGRESS_LINES: usize = 20;

/// `ledger-node statetest` and `ledger-node trietest`
#[derive(Debug, Args)]
pub struct SuiteArgs {
    /// Fixtures: files, folders, or archives (.tar, .tar.gz, .tar.xz) of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Play only the cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Play a sample of about one case in this many, the same ones every time
    #[arg(long, value_name = "NUMBER")]
    one_in: Option<NonZeroU64>,
    /// Which sample
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "one_in")]
    seed: u64,
}

/// Plays the tests of one family and prints what came of them.
///
/// # Errors
/// [`NodeError::Suite`] if the tests cannot be played, [`NodeError::TestsFailed`] if one fails or there is none.
pub fn run(cli: &Cli, args: &SuiteArgs, family: Family) -> Result<(), NodeError> {
    let started = Instant::now();
    let report = play(&Options {
        paths: args.paths.clone(),
        family,
        filter: args.filter.clone(),
        sample: args.one_in.map(|one_in| Sample {
            one_in,
            seed: args.seed,
        }),
        progress: &|done, all| {
            if done.is_multiple_of(all.div_ceil(PROGRESS_LINES)) {
                eprintln!("{done} of {all} files, {} s", started.elapsed().as_secs());
            }
        },
    })?;
    let facts = json!({
        "run": report.run(),
        "passed": report.passed,
        "failed": report.failed.len(),
        "left_out": report.left_out_count(),
        "seconds": started.elapsed().as_secs_f64(),
        "report": report,
    });
    output(cli.telemetry.json, &facts, || report.to_string())?;
    verdict(&report)
}

fn verdict(report: &Report) -> Result<(), NodeError> {
    match report.is_good() {
        true => Ok(()),
        false => Err(NodeError::TestsFailed {
            failed: report.failed.len(),
            run: report.run(),
        }),
    }
}
