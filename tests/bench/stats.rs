//! Figures: rate and percentiles, computed from every sample, and the table that sets one target beside the other.

use std::{fmt, time::Duration};

use ledger_tests::harness::resident_bytes;
use serde_json::{Value, json};

use super::load::Load;

/// What one measurement took.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    /// How long it took as a whole.
    pub took: Duration,
    /// How long each single operation took.
    pub samples: Vec<Duration>,
}

impl Phase {
    /// Takes in another phase of the same, which was measured later.
    pub fn add(&mut self, more: Self) {
        self.took += more.took;
        self.samples.extend(more.samples);
    }

    /// Operations per second over the whole phase.
    pub fn per_second(&self) -> f64 {
        self.samples.len() as f64 / self.took.as_secs_f64()
    }

    /// The smallest time that at least `percent` of the samples stayed within (nearest rank); zero without samples.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }
}

/// One figure of one target.
#[derive(Clone, Debug)]
pub struct Row {
    what: &'static str,
    target: &'static str,
    figure: Figure,
}

#[derive(Clone, Debug)]
enum Figure {
    Rate {
        count: usize,
        per_second: f64,
        p50: Duration,
        p99: Duration,
    },
    Megabytes(u64),
}

impl Row {
    pub fn load(what: &'static str, target: &'static str, load: &Load) -> Self {
        Self::reads(what, target, &load.phase)
    }

    pub fn reads(what: &'static str, target: &'static str, phase: &Phase) -> Self {
        let row = Self {
            what,
            target,
            figure: Figure::Rate {
                count: phase.samples.len(),
                per_second: phase.per_second(),
                p50: phase.percentile(50),
                p99: phase.percentile(99),
            },
        };
        eprintln!("{row}");
        row
    }

    /// Memory that a process holds afterwards.
    pub fn memory(target: &'static str, pid: u32) -> Self {
        let row = Self {
            what: "resident memory afterwards",
            target,
            figure: Figure::Megabytes(resident_bytes(pid) / 1_000_000),
        };
        eprintln!("{row}");
        row
    }

    fn value(&self) -> f64 {
        match self.figure {
            Figure::Rate { per_second, .. } => per_second,
            Figure::Megabytes(megabytes) => megabytes as f64,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<32} {:<12}", self.what, self.target)?;
        match &self.figure {
            Figure::Rate {
                count,
                per_second,
                p50,
                p99,
            } => write!(f, "{per_second:>9.0}/s  p50 {p50:>9.2?}  p99 {p99:>9.2?}  ({count})"),
            Figure::Megabytes(megabytes) => write!(f, "{megabytes:>9} MB"),
        }
    }
}

/// All figures of a run.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    pub fn push(&mut self, row: Row) {
        self.0.push(row);
    }

    /// How many times the first target's figure is that of the other, where both have one.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let first = self.0.iter().find(|other| other.what == row.what)?;
        (first.target != row.target).then(|| first.value() / row.value())
    }

    pub fn to_json(&self) -> Value {
        let rows = self.0.iter().map(|row| {
            let mut json = json!({ "what": row.what, "target": row.target });
            match &row.figure {
                Figure::Rate {
                    count,
                    per_second,
                    p50,
                    p99,
                } => {
                    json["count"] = json!(count);
                    json["per_second"] = json!(per_second);
                    json["p50_us"] = json!(u64::try_from(p50.as_micros()).unwrap_or(u64::MAX));
                    json["p99_us"] = json!(u64::try_from(p99.as_micros()).unwrap_or(u64::MAX));
                }
                Figure::Megabytes(megabytes) => json["megabytes"] = json!(megabytes),
            }
            json
        });
        rows.collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut whats: Vec<_> = self.0.iter().map(|row| row.what).collect();
        whats.dedup();
        let mut told = Vec::new();
        for what in whats {
            if told.contains(&what) {
                continue;
            }
            told.push(what);
            for row in self.0.iter().filter(|row| row.what == what) {
                write!(f, "{row}")?;
                match self.ratio(row) {
                    Some(ratio) => writeln!(f, "  x{ratio:.2}")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(millis: &[u64]) -> Phase {
        Phase {
            took: Duration::from_secs(2),
            samples: millis.iter().copied().map(Duration::from_millis).collect(),
        }
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(phase(&hundred).percentile(50), Duration::from_millis(50));
        assert_eq!(phase(&hundred).percentile(99), Duration::from_millis(99));
        assert_eq!(phase(&[7]).percentile(99), Duration::from_millis(7));
        assert_eq!(phase(&[]).percentile(50), Duration::ZERO);
    }

    #[test]
    fn the_rate_is_over_the_whole_phase() {
        let mut whole = phase(&[1, 1, 1, 1]);
        assert!((whole.per_second() - 2.0).abs() < 1e-9);
        whole.add(phase(&[1, 1]));
        assert!((whole.per_second() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn the_second_target_is_told_with_the_ratio() {
        let mut table = Table::default();
        table.push(Row::reads("reads", "ours", &phase(&[1, 1, 1, 1])));
        table.push(Row::reads("ours alone", "ours", &phase(&[1])));
        table.push(Row::reads("reads", "theirs", &phase(&[1, 1])));
        let text = table.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("reads") && !lines[0].contains(" x"), "{text}");
        assert!(lines[1].contains("theirs") && lines[1].ends_with("x2.00"), "{text}");
        assert!(lines[2].starts_with("ours alone"), "{text}");
    }
}
