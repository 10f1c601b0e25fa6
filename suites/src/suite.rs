//! Who plays which file? Threads take files from one list, the largest first.
//!
//! Each file has a database of its own, in which its cases follow one another: opening one costs more than a case does, and a
//! failure can be seen again by running its file alone.

use std::{
    collections::BTreeMap,
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ledger_runtime::scenario::ScenarioError;
use serde_json::Value;
use thiserror::Error;

use crate::{
    files::{FilesError, FixtureFile, FixtureFiles},
    report::{Report, Verdict},
    rlp, state, transactions, tries,
};

/// Which kinds of tests to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// State tests.
    State,
    /// Trie, RLP and transaction tests.
    Encoding,
}

/// What to play, and how.
pub struct Options<'a> {
    /// Files, folders and archives.
    pub paths: Vec<PathBuf>,
    /// Which kinds.
    pub family: Family,
    /// Play only cases whose name contains this.
    pub filter: Option<String>,
    /// Play a sample.
    pub sample: Option<Sample>,
    /// Called after each file with the number of files that are done, and that of all.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Some of the cases, chosen by their names and so the same ones every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// About one case in this many.
    pub one_in: NonZeroU64,
    /// Another seed, other cases.
    pub seed: u64,
}

impl Sample {
    /// FNV-1a: spreads names evenly, and the same way on every machine. Its last bits depend on the last bits of the seed alone,
    /// one to one: `one_in` seeds in a row choose every case once, if `one_in` is a power of two.
    fn takes(&self, case: &str) -> bool {
        let hash = case.bytes().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash.is_multiple_of(self.one_in.get())
    }
}

/// Why the tests could not be played to their end. This says nothing about any case.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// The fixtures cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file is not JSON.
    #[error("{file} is not JSON: {reason}")]
    Json {
        /// The file.
        file: String,
        /// Where it stops being JSON.
        reason: String,
    },
    /// A scenario's folder cannot be made.
    #[error("cannot make a temporary folder: {0}")]
    Folder(std::io::Error),
    /// The database or the EVM failed.
    #[error("{case}: {source}")]
    Scenario {
        /// In which file.
        case: String,
        /// How.
        source: Box<ScenarioError>,
    },
}

/// Which cases are played.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    filter: Option<&'a str>,
    sample: Option<Sample>,
}

impl Choice<'_> {
    /// Whether the case with this name is.
    pub(crate) fn takes(&self, case: &str) -> bool {
        let wanted = self.filter.is_none_or(|part| case.contains(part));
        wanted && self.sample.is_none_or(|sample| sample.takes(case))
    }
}

impl SuiteError {
    /// `source` stopped the tests in `case`.
    pub(crate) fn in_case(case: &str, source: ScenarioError) -> Self {
        Self::Scenario {
            case: case.to_owned(),
            source: Box::new(source),
        }
    }
}

/// One test of a file: its name, and what the file says about it.
pub(crate) struct Entry<'a> {
    /// `file: name in the file`.
    pub(crate) name: String,
    /// The file, whose name says what kind of trie is meant.
    pub(crate) file: &'a str,
    pub(crate) test: &'a Value,
}

/// Plays everything that `options` name.
///
/// # Errors
/// [`SuiteError`] if a file cannot be read, or the database or the EVM fails. A case that fails is no error but in the report.
pub fn run(options: &Options<'_>) -> Result<Report, SuiteError> {
    let found = FixtureFiles::find(&options.paths)?;
    let mut files: Vec<_> = found.files.iter().collect();
    files.sort_by_key(|file| std::cmp::Reverse(fs::metadata(&file.path).map_or(0, |facts| facts.len())));
    let choice = Choice {
        filter: options.filter.as_deref(),
        sample: options.sample,
    };
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let report = Mutex::new(Report::default());
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let work = || -> Result<(), SuiteError> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let played = play_file(file, options.family, choice)?;
            report.lock().unwrap_or_else(PoisonError::into_inner).merge(played);
            (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("a broken promise of ours stops the whole run"))
    })?;
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.sort();
    Ok(report)
}

fn play_file(file: &FixtureFile, family: Family, choice: Choice<'_>) -> Result<Report, SuiteError> {
    let text = fs::read(&file.path).map_err(|source| FilesError::Read {
        path: file.path.clone(),
        source,
    })?;
    let tests: Value = serde_json::from_slice(&text).map_err(|error| SuiteError::Json {
        file: file.name.clone(),
        reason: error.to_string(),
    })?;
    let mut report = Report::default();
    let mut kinds: BTreeMap<Kind, Vec<Entry<'_>>> = BTreeMap::new();
    for (name, test) in tests.as_object().into_iter().flatten() {
        let Some(kind) = Kind::of(test).filter(|kind| kind.family() == family) else {
            continue;
        };
        kinds.entry(kind).or_default().push(Entry {
            name: format!("{}: {name}", file.name),
            file: &file.name,
            test,
        });
    }
    if kinds.is_empty() {
        report.other_files.push(file.name.clone());
        return Ok(report);
    }
    report.files = 1;
    for (kind, entries) in kinds {
        let played = match kind {
            Kind::State => state::play(&entries, choice, &mut report),
            Kind::Trie => tries::play(&entries, choice, &mut report),
            Kind::TrieNeighbours => {
                tries::leave_out_neighbours(&entries, choice, &mut report);
                Ok(())
            }
            Kind::Rlp => {
                play_each(&entries, choice, "RLP", &mut report, rlp::play);
                Ok(())
            }
            Kind::Transaction => {
                transactions::play(&entries, choice, &mut report);
                Ok(())
            }
        };
        played?;
    }
    Ok(report)
}

/// Plays tests that need no database.
fn play_each(
    entries: &[Entry<'_>],
    choice: Choice<'_>,
    kind: &str,
    report: &mut Report,
    play: impl Fn(&Value) -> Verdict,
) {
    for entry in entries.iter().filter(|entry| choice.takes(&entry.name)) {
        report.add(kind, entry.name.clone(), play(entry.test));
    }
}

/// The formats, told apart by what a test in them must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    State,
    Trie,
    /// Which key comes before and after this one?
    TrieNeighbours,
    Rlp,
    Transaction,
}

impl Kind {
    fn of(test: &Value) -> Option<Self> {
        let has = |key: &str| test.get(key).is_some();
        if has("pre") && has("post") && has("transaction") {
            Some(Self::State)
        } else if has("txbytes") && has("result") {
            Some(Self::Transaction)
        } else if has("in") && has("root") {
            Some(Self::Trie)
        } else if has("in") && has("tests") {
            Some(Self::TrieNeighbours)
        } else if has("in") && has("out") {
            Some(Self::Rlp)
        } else {
            None
        }
    }

    const fn family(self) -> Family {
        match self {
            Self::State => Family::State,
            Self::Trie | Self::TrieNeighbours | Self::Rlp | Self::Transaction => Family::Encoding,
        }
    }
}
