//! What came of each case? Counted, named, and with a reason wherever one did not pass.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;

/// Names of left-out cases that a report for people lists per reason; JSON has all of them.
const NAMES_SHOWN: usize = 40;

/// What came of many cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files that held at least one case.
    pub files: u64,
    /// Cases that were played and did what the fixture says.
    pub passed: u64,
    /// Passed cases by what they are: a fork's state tests, tries, and so on.
    pub passed_by_kind: BTreeMap<String, u64>,
    /// Cases that were played and did something else.
    pub failed: Vec<Failure>,
    /// Names of the cases that were not played, by the reason.
    pub left_out: BTreeMap<String, Vec<String>>,
    /// Results for forks that no chain of this kind can start with, by fork. They are no cases.
    pub other_forks: BTreeMap<String, u64>,
    /// JSON files without a case for this command.
    pub other_files: Vec<String>,
}

/// A case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The case.
    pub case: String,
    /// Everything that was found wrong.
    pub what: Vec<String>,
}

/// How one case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was wrong.
    Passed,
    /// This was wrong.
    Failed(Vec<String>),
    /// It was not played, because of this.
    LeftOut(&'static str),
}

impl Verdict {
    /// Passed if `wrong` is empty.
    pub(crate) fn of(wrong: Vec<String>) -> Self {
        match wrong.is_empty() {
            true => Self::Passed,
            false => Self::Failed(wrong),
        }
    }
}

impl Report {
    /// Cases that were played.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.passed + as_count(self.failed.len())
    }

    /// Cases that were not played.
    #[must_use]
    pub fn left_out_count(&self) -> u64 {
        self.left_out.values().map(|names| as_count(names.len())).sum()
    }

    /// Whether at least one case was played and none failed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }

    /// Notes how `case` of `kind` ended.
    pub(crate) fn add(&mut self, kind: &str, case: String, verdict: Verdict) {
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                *self.passed_by_kind.entry(kind.to_owned()).or_default() += 1;
            }
            Verdict::Failed(what) => self.failed.push(Failure { case, what }),
            Verdict::LeftOut(reason) => self.left_out.entry(reason.to_owned()).or_default().push(case),
        }
    }

    /// Notes a result for a fork that is none of ours.
    pub(crate) fn add_other_fork(&mut self, fork: &str, results: usize) {
        *self.other_forks.entry(fork.to_owned()).or_default() += as_count(results);
    }

    /// Adds what is in `other`.
    pub(crate) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.other_files.extend(other.other_files);
        for (kind, passed) in other.passed_by_kind {
            *self.passed_by_kind.entry(kind).or_default() += passed;
        }
        for (reason, names) in other.left_out {
            self.left_out.entry(reason).or_default().extend(names);
        }
        for (fork, results) in other.other_forks {
            *self.other_forks.entry(fork).or_default() += results;
        }
    }

    /// Puts everything into an order that does not depend on which thread was faster.
    pub(crate) fn sort(&mut self) {
        self.failed.sort_by(|a, b| a.case.cmp(&b.case));
        self.other_files.sort();
        self.left_out.values_mut().for_each(|names| names.sort());
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(f, "FAILED {}", failure.case)?;
            for what in &failure.what {
                writeln!(f, "    {what}")?;
            }
        }
        for (reason, names) in &self.left_out {
            writeln!(f, "left out, {}: {reason}", names.len())?;
            for name in names.iter().take(NAMES_SHOWN) {
                writeln!(f, "    {name}")?;
            }
            if names.len() > NAMES_SHOWN {
                writeln!(f, "    and {} more; --json names all", names.len() - NAMES_SHOWN)?;
            }
        }
        for (kind, passed) in &self.passed_by_kind {
            writeln!(f, "{passed:>8} passed: {kind}")?;
        }
        if !self.other_forks.is_empty() {
            let results: u64 = self.other_forks.values().sum();
            let forks: Vec<_> = self.other_forks.keys().map(String::as_str).collect();
            writeln!(
                f,
                "{results:>8} results are no cases here, being for {}",
                forks.join(", ")
            )?;
        }
        if !self.other_files.is_empty() {
            writeln!(f, "{:>8} files hold no case for this command", self.other_files.len())?;
        }
        write!(
            f,
            "{} files: {} cases run, {} passed, {} failed, {} left out",
            self.files,
            self.run(),
            self.passed,
            self.failed.len(),
            self.left_out_count()
        )
    }
}

fn as_count(number: usize) -> u64 {
    u64::try_from(number).expect("a machine's memory holds fewer than 2^64 things")
}
