//! What was found about each open request, for whoever asks the node: `ledger_proposals` shows it beside the request.

use std::collections::BTreeMap;

use ledger_api::{NotaryState, NotaryVerdict};
use parking_lot::Mutex;

use super::plan::Verdict;

/// The newest verdict on each open request, by its number.
#[derive(Debug, Default)]
pub struct Verdicts(Mutex<BTreeMap<u64, NotaryVerdict>>);

impl Verdicts {
    /// The verdict on a request, if there is one.
    #[must_use]
    pub fn of(&self, proposal: u64) -> Option<NotaryVerdict> {
        self.0.lock().get(&proposal).cloned()
    }

    /// Keeps these verdicts, which are all there are now.
    pub(super) fn replace(&self, verdicts: BTreeMap<u64, NotaryVerdict>) {
        *self.0.lock() = verdicts;
    }
}

/// A reason as one line without anything that a terminal would act upon: names in it may come from whoever serves the metadata.
#[must_use]
pub fn one_line(reason: &str) -> String {
    let plain = reason.replace(|c: char| c.is_control(), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A verdict as it is told.
#[must_use]
pub fn told(verdict: &Verdict, checked_at: u64) -> NotaryVerdict {
    let (state, words) = match verdict {
        Verdict::Good(tuple) => (
            NotaryState::Good,
            format!(
                "all is as it should be, by root version {} and targets version {}",
                tuple.root.version, tuple.targets.version
            ),
        ),
        Verdict::Refused(reason) => (NotaryState::Refused, one_line(reason)),
        Verdict::Unknown(reason) => (NotaryState::Unknown, one_line(reason)),
    };
    NotaryVerdict {
        state,
        words,
        checked_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_no_terminal_acts_upon() {
        let verdict = Verdict::Unknown("dial errors:\n - refused\u{1b}[2J\u{9b}31m".to_owned());
        assert_eq!(told(&verdict, 0).words, "dial errors: - refused [2J 31m");
    }
}
