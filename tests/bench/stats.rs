//! Figures of one measurement: rate and percentiles, computed from every sample, printed in one line.

use std::time::Duration;

/// What one phase of the benchmark measured.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What was done, as a person would say it.
    pub name: &'static str,
    /// How long the phase took as a whole.
    pub took: Duration,
    /// How long each single operation took.
    pub samples: Vec<Duration>,
}

impl Phase {
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

    /// One line of a table.
    pub fn line(&self) -> String {
        format!(
            "{:<44} {:>8} {:>10.0}/s   p50 {:>9.2?}   p99 {:>9.2?}",
            self.name,
            self.samples.len(),
            self.per_second(),
            self.percentile(50),
            self.percentile(99)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(millis: &[u64]) -> Phase {
        let samples = millis.iter().copied().map(Duration::from_millis).collect();
        Phase {
            name: "x",
            took: Duration::from_secs(2),
            samples,
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
        assert!((phase(&[1, 1, 1, 1]).per_second() - 2.0).abs() < 1e-9);
    }
}
