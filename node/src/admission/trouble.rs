//! What is wrong with the notary, and does somebody have to look?
//!
//! Pure. A lie is an alarm at once. Servers that are down or late are none: they admit nobody, and that is all. What differs while one
//! mirror copies from another becomes an alarm when it lasts.

use super::notary::NotaryError;

/// How long mirrors may differ before somebody has to look, in seconds: a mirror that copies needs minutes, and a split view is meant
/// to last.
pub const DISAGREEMENT_SECONDS_MAX: u64 = 600;

/// Why the notary says nothing that can be relied on; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A server or this machine's disk does not do its part.
    Down,
    /// Nobody has signed for too long.
    Late,
    /// What a mirror has is not what another has, or what the chain has seen: a split view, or one that is being copied.
    Differs,
    /// What this node keeps cannot be read, until somebody repairs it.
    Broken,
    /// What came is not believed.
    Lie,
}

/// Something wrong, as of the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    kind: Kind,
    words: String,
    /// Since when there were differences, in seconds.
    differs_since: Option<u64>,
}

impl Trouble {
    /// What `error`, met at `now`, means after what was wrong `before`, if anything was.
    #[must_use]
    pub fn of(error: &NotaryError, before: Option<&Self>, now: u64) -> Self {
        let kind = error.kind();
        // One who hangs up now and then does not begin anew, nor does a clock that is set back let it begin in the future.
        let since = before.and_then(|before| before.differs_since);
        let since = since.map(|since| since.min(now));
        Self {
            kind,
            words: error.to_string(),
            differs_since: since.or((kind == Kind::Differs).then_some(now)),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether an operator has to look at `now`.
    #[must_use]
    pub fn is_alarm(&self, now: u64) -> bool {
        match self.kind {
            Kind::Down | Kind::Late => false,
            Kind::Differs => self
                .differs_since
                .is_some_and(|since| now.saturating_sub(since) >= DISAGREEMENT_SECONDS_MAX),
            Kind::Broken | Kind::Lie => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger_notary::{
        mirror::MirrorError,
        tuf::{TimestampError, UnixSeconds, UpdateError, Version},
    };

    use super::*;

    fn of_mirror(source: MirrorError) -> NotaryError {
        let url = "http://one".to_owned();
        let source = Box::new(source);
        NotaryError::Mirror { url, source }
    }

    fn of_timestamp(error: TimestampError) -> NotaryError {
        of_mirror(MirrorError::Update(UpdateError::Timestamp(error)))
    }

    fn disagree() -> NotaryError {
        NotaryError::MirrorsDisagree {
            first: "http://one".to_owned(),
            second: "http://two".to_owned(),
            what: "targets".to_owned(),
        }
    }

    #[test]
    fn a_lie_is_an_alarm_at_once_and_a_late_timestamp_is_none() {
        let expired = of_timestamp(TimestampError::Expired {
            version: Version::FIRST,
            expires: UnixSeconds::new(1),
            now: UnixSeconds::new(2),
        });
        assert!(!Trouble::of(&expired, None, 0).is_alarm(u64::MAX));
        let silent = of_mirror(MirrorError::NoTargets);
        assert!(!Trouble::of(&silent, None, 0).is_alarm(u64::MAX));
        let rollback = of_timestamp(TimestampError::Rollback {
            trusted: Version::FIRST,
            got: Version::FIRST,
        });
        assert!(Trouble::of(&rollback, None, 0).is_alarm(0));
    }

    #[test]
    fn mirrors_that_differ_are_an_alarm_once_it_lasts_also_if_one_hangs_up_meanwhile() {
        let first = Trouble::of(&disagree(), None, 100);
        assert!(!first.is_alarm(100 + DISAGREEMENT_SECONDS_MAX - 1));
        assert!(first.is_alarm(100 + DISAGREEMENT_SECONDS_MAX));
        let silent = Trouble::of(&of_mirror(MirrorError::NoTargets), Some(&first), 200);
        assert!(!silent.is_alarm(u64::MAX));
        let again = Trouble::of(&disagree(), Some(&silent), 300);
        assert!(again.is_alarm(100 + DISAGREEMENT_SECONDS_MAX));
    }

    #[test]
    fn a_clock_that_is_set_back_puts_an_alarm_off_by_no_more_than_its_time() {
        let ahead = Trouble::of(&disagree(), None, 100_000);
        let now = Trouble::of(&disagree(), Some(&ahead), 100);
        assert!(!now.is_alarm(100 + DISAGREEMENT_SECONDS_MAX - 1));
        assert!(now.is_alarm(100 + DISAGREEMENT_SECONDS_MAX));
    }
}
