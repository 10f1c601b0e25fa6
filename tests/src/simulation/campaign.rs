//! Thousands of runs, and a table of what they came to.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Outcome, Setup, Violation, catalogue::Entry, run};

/// How much is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Runs of all setups together, at least; each setup gets its share, rounded up.
    pub runs: u64,
    /// The first seed. A setup's runs have this one and those after it.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

/// What the runs of one setup came to.
#[derive(Clone, Debug)]
pub struct Row {
    /// The setup.
    pub setup: Setup,
    /// Runs.
    pub runs: u64,
    /// Slots of all runs.
    pub slots: u64,
    /// Slots in which a block became final.
    pub final_slots: u64,
    /// The lowest share of final slots in one run, in thousandths.
    pub share_min: u64,
    /// Most slots from one final block to the next.
    pub worst_gap: u64,
    /// Runs that forked, allowed or not.
    pub forks: u64,
    /// Fewest validators that a fork proved to be bad.
    pub named_min: Option<usize>,
    /// Runs with something that must not be, by its name.
    pub violations: BTreeMap<&'static str, u64>,
    /// The first such seed, and what it was.
    pub first_bad: Option<(u64, Violation)>,
    /// Time that the runs took, of one thread each.
    pub spent: Duration,
}

impl Row {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            runs: 0,
            slots: 0,
            final_slots: 0,
            share_min: 1_000,
            worst_gap: 0,
            forks: 0,
            named_min: None,
            violations: BTreeMap::new(),
            first_bad: None,
            spent: Duration::ZERO,
        }
    }

    fn add(&mut self, seed: u64, outcome: &Outcome, spent: Duration) {
        self.runs += 1;
        self.slots += outcome.slots;
        self.final_slots += outcome.final_slots;
        self.share_min = self.share_min.min(outcome.final_slots * 1_000 / outcome.slots);
        self.worst_gap = self.worst_gap.max(outcome.worst_gap);
        if outcome.forked {
            self.forks += 1;
            self.named_min = Some(self.named_min.unwrap_or(usize::MAX).min(outcome.named));
        }
        if let Some(violation) = outcome.violations.first() {
            *self.violations.entry(violation.name()).or_default() += 1;
            if self.first_bad.as_ref().is_none_or(|(first, _)| seed < *first) {
                self.first_bad = Some((seed, violation.clone()));
            }
        }
        self.spent += spent;
    }

    /// Runs with something that must not be.
    pub fn bad_runs(&self) -> u64 {
        self.violations.values().sum()
    }

    fn json(&self) -> Value {
        json!({
            "validators": self.setup.validators,
            "setup": self.setup.name,
            "runs": self.runs,
            "slots": self.slots,
            "finalSlots": self.final_slots,
            "shareMinPerMille": self.share_min,
            "worstGapSlots": self.worst_gap,
            "forks": self.forks,
            "namedMin": self.named_min,
            "violations": self.violations,
            "firstBad": self.first_bad.as_ref().map(|(seed, what)| json!({ "seed": seed, "what": format!("{what:?}") })),
            "seconds": self.spent.as_secs_f64(),
        })
    }
}

/// What all runs came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// One row per setup.
    pub rows: Vec<Row>,
}

impl Report {
    /// Runs of all setups.
    pub fn runs(&self) -> u64 {
        self.rows.iter().map(|row| row.runs).sum()
    }

    /// Runs with something that must not be.
    pub fn bad_runs(&self) -> u64 {
        self.rows.iter().map(Row::bad_runs).sum()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "runs": self.runs(), "badRuns": self.bad_runs(), "setups": rows })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        writeln!(
            text,
            "{:>3}  {:<37} {:>7} {:>9} {:>6} {:>6} {:>5} {:>6} {:>6} {:>5}",
            "n", "setup", "runs", "slots", "final", "lowest", "gap", "forks", "named", "bad"
        )?;
        for row in &self.rows {
            let mean = row.final_slots * 1_000 / row.slots.max(1);
            let named = row.named_min.map_or(String::new(), |named| format!(">= {named}"));
            writeln!(
                text,
                "{:>3}  {:<37} {:>7} {:>9} {:>6} {:>6} {:>5} {:>6} {:>6} {:>5}",
                row.setup.validators,
                row.setup.name,
                row.runs,
                row.slots,
                per_mille(mean),
                per_mille(row.share_min),
                row.worst_gap,
                row.forks,
                named,
                row.bad_runs()
            )?;
        }
        writeln!(
            text,
            "{} runs, {} with something that must not be",
            self.runs(),
            self.bad_runs()
        )?;
        for row in &self.rows {
            if let Some((seed, violation)) = &row.first_bad {
                writeln!(text, "{}: seed {seed}: {violation:?}", row.setup)?;
            }
        }
        f.write_str(text.trim_end())
    }
}

fn per_mille(share: u64) -> String {
    format!("{}.{:02}", share / 1_000, share % 1_000 / 10)
}

/// Runs every entry's share, and tells now and then how many runs are done.
pub fn campaign(entries: &[Entry], plan: Plan, tell: impl Fn(u64, u64) + Sync) -> Report {
    let total: u64 = entries.iter().map(|entry| entry.weight).sum();
    let shares: Vec<u64> = entries
        .iter()
        .map(|entry| (plan.runs * entry.weight).div_ceil(total.max(1)))
        .collect();
    let count: u64 = shares.iter().sum();
    let rows = Mutex::new(entries.iter().map(|entry| Row::new(entry.setup)).collect::<Vec<_>>());
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((index, seed)) = nth(&shares, number) else {
                return;
            };
            let started = Instant::now();
            let seed = plan.seed + seed;
            let outcome = run(&entries[index].setup, seed);
            let spent = started.elapsed();
            rows.lock().unwrap_or_else(PoisonError::into_inner)[index].add(seed, &outcome, spent);
            tell(number + 1, count);
        }
    };
    thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            scope.spawn(work);
        }
    });
    Report {
        rows: rows.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// The entry and the seed, counted from 0, of a run's number.
fn nth(shares: &[u64], number: u64) -> Option<(usize, u64)> {
    let mut left = number;
    for (index, share) in shares.iter().enumerate() {
        if left < *share {
            return Some((index, left));
        }
        left -= share;
    }
    None
}
