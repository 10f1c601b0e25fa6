//! `ledger-node db verify`

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ledger_runtime::verify::{PROBLEMS_MAX, Progress, Report, verify};
use serde_json::json;

use super::{DbError, Place, output, shown, source::Source};
use crate::{backup::CHAIN_NAME, error::NodeError};

/// Between two lines about progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Name of the folder in which blocks are executed again, beside the database.
const SCRATCH_NAME: &str = "verify-scratch";

pub(super) fn run(place: &Place, re_execute: bool, backup: Option<&Path>) -> Result<(), NodeError> {
    let (source, home) = match backup {
        Some(folder) => (Source::at(folder.join(CHAIN_NAME))?, folder),
        None => (Source::of(place)?, place.data.as_path()),
    };
    let scratch = re_execute.then(|| Scratch::make(home.join(SCRATCH_NAME))).transpose()?;
    let report = {
        let store = source.open(place)?;
        if re_execute && store.oldest_block().get() > 0 {
            let (path, oldest) = (source.path().to_owned(), store.oldest_block());
            return Err(DbError::NoGenesis { path, oldest }.into());
        }
        let folder = scratch.as_ref().map(|scratch| scratch.path.as_path());
        verify(&store, &place.spec, folder, &mut progress())
    };
    source.check_unchanged()?;
    let json = json!({ "database": shown(source.path()), "sound": report.is_sound(), "report": report });
    output(place.json, &json, || text(&source, &report))?;
    if report.is_sound() {
        return Ok(());
    }
    let (problems, path) = (report.problems_found, source.path().to_owned());
    Err(DbError::Damaged { problems, path }.into())
}

/// Says on standard error, now and then, how far the work is.
fn progress() -> impl FnMut(Progress) {
    let mut told = Instant::now();
    move |progress| {
        if told.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        told = Instant::now();
        let Progress { stage, done, of } = progress;
        let of = of.map_or_else(String::new, |of| format!(" of {of}"));
        // Nobody has to read it.
        let _ = writeln!(io::stderr(), "{stage}: {done}{of}");
    }
}

fn text(source: &Source, report: &Report) -> String {
    let Report {
        head,
        head_hash,
        oldest_block,
        blocks,
        transactions,
        certificates,
        promo_codes,
        contract_codes,
        undo_records,
        ..
    } = report;
    let mut lines = vec![
        format!("database   {}", source.name()),
        format!("head       block {head}, {head_hash}"),
        format!("chain      {blocks} blocks, {transactions} transactions, {certificates} certificates"),
        format!("indexes    {promo_codes} promo codes, {contract_codes} contract codes, {undo_records} undo records"),
    ];
    if *oldest_block > 0 {
        lines.push(format!(
            "begins     with block {oldest_block}: a state came from other nodes"
        ));
    }
    if let Some(state) = report.state {
        let (accounts, slots, nodes) = (state.accounts, state.slots, state.nodes);
        lines.push(format!(
            "state      {accounts} accounts, {slots} slots, {nodes} trie records"
        ));
    }
    if let Some(blocks) = report.executed_blocks {
        let records = report.compared_records.unwrap_or_default();
        lines.push(format!(
            "executed   {blocks} blocks again from genesis, {records} records compared"
        ));
    }
    for problem in &report.problems {
        lines.push(format!("wrong      {}: {}", problem.place, problem.what));
    }
    if report.problems_found > report.problems.len() as u64 {
        let more = report.problems_found - PROBLEMS_MAX as u64;
        lines.push(format!("wrong      and {more} things more"));
    }
    if report.is_sound() {
        lines.push("nothing is wrong".to_owned());
    }
    lines.join("\n")
}

/// A folder for a database that is deleted after use.
#[derive(Debug)]
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn make(path: PathBuf) -> Result<Self, DbError> {
        // One that a killed command left behind has this name and no use.
        let _ = fs::remove_dir_all(&path);
        match fs::create_dir(&path) {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(DbError::Scratch { path, source }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            let _ = writeln!(
                io::stderr(),
                "cannot remove {}: {error}; delete it",
                self.path.display()
            );
        }
    }
}
