//! What is news? A reason that only counts on is none, and one round never fills the log.
//!
//! Reasons carry times, versions and ports, and whoever asks for admission has a say in them. Pure; called by [`super::task`].

use std::collections::BTreeMap;

use ledger_api::{NotaryState, NotaryVerdict};

use super::judging::Problem;

/// Verdicts that are told in one round; the others have their turn in the next. Requests cost nothing, and their number must not fill
/// the operator's disk.
pub const LINES_PER_ROUND_MAX: usize = 8;

/// What was told last.
#[derive(Debug, Default)]
pub struct Telling {
    verdicts: BTreeMap<u64, (NotaryState, String)>,
    problem: Option<Problem>,
}

impl Telling {
    /// Whether `problem` is another than the one that was told last, and so is told now.
    pub fn is_news(&mut self, problem: Option<&Problem>) -> bool {
        let problem = problem.map(|problem| Problem {
            words: kind_of(&problem.words),
            ..problem.clone()
        });
        let is_news = problem != self.problem;
        self.problem = problem;
        is_news
    }

    /// Those of `verdicts`, by the numbers of their requests, that are told now.
    pub fn news(&mut self, verdicts: &BTreeMap<u64, NotaryVerdict>) -> Vec<u64> {
        self.verdicts.retain(|id, _| verdicts.contains_key(id));
        let mut news = Vec::new();
        for (id, verdict) in verdicts {
            let words = match verdict.state {
                // What was verified is what a person votes for.
                NotaryState::Good => verdict.words.clone(),
                NotaryState::Refused | NotaryState::Unknown => kind_of(&verdict.words),
            };
            let told = (verdict.state, words);
            if news.len() < LINES_PER_ROUND_MAX && self.verdicts.get(id) != Some(&told) {
                self.verdicts.insert(*id, told);
                news.push(*id);
            }
        }
        news
    }
}

/// A reason without its numbers.
fn kind_of(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: NotaryState, words: &str) -> NotaryVerdict {
        NotaryVerdict {
            state,
            words: words.to_owned(),
            checked_at: 0,
        }
    }

    #[test]
    fn a_reason_whose_time_alone_has_changed_is_told_once() {
        let mut telling = Telling::default();
        let mut tell = |state, words: &str| telling.news(&BTreeMap::from([(1, verdict(state, words))])).len();
        let late = "the admission of x ended at 2026-01-01T00:00:00Z, and it is 2026-11-26T06:00";
        assert_eq!(tell(NotaryState::Refused, &format!("{late}:00Z")), 1);
        assert_eq!(tell(NotaryState::Refused, &format!("{late}:01Z")), 0);
        assert_eq!(tell(NotaryState::Unknown, &format!("{late}:01Z")), 1);
        assert_eq!(tell(NotaryState::Unknown, "its peer was not asked yet"), 1);
        assert_eq!(tell(NotaryState::Good, "targets version 1"), 1);
        assert_eq!(tell(NotaryState::Good, "targets version 2"), 1);
        let problem = |words: &str, is_alarm| Problem {
            words: words.to_owned(),
            is_alarm,
            is_of_a_member: false,
        };
        assert!(telling.is_news(Some(&problem("expired, and it is 06:00:00", false))));
        assert!(!telling.is_news(Some(&problem("expired, and it is 06:00:01", false))));
        assert!(telling.is_news(Some(&problem("expired, and it is 06:00:01", true))));
        assert!(telling.is_news(None));
        assert!(!telling.is_news(None));
    }

    #[test]
    fn any_number_of_requests_is_told_a_few_in_each_round_and_none_is_left_out() {
        let mut telling = Telling::default();
        let count = 3 * LINES_PER_ROUND_MAX as u64 - 1;
        let verdicts: BTreeMap<_, _> = (1..=count)
            .map(|id| (id, verdict(NotaryState::Unknown, "the notary is down")))
            .collect();
        let mut told = Vec::new();
        for _ in 0..3 {
            let news = telling.news(&verdicts);
            assert!(news.len() <= LINES_PER_ROUND_MAX);
            told.extend(news);
        }
        assert_eq!(told, (1..=count).collect::<Vec<_>>());
        assert!(telling.news(&verdicts).is_empty());
    }
}
