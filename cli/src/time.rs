//! How are moments and spans written for people, and read from them?
//!
//! Called by the output and by the arguments. Pure, but for [`now`].

use std::{str::FromStr, time::SystemTime};

use time::UtcDateTime;

const DAY_SECONDS: u64 = 86_400;

/// Seconds since the Unix epoch by this machine's clock.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |duration| duration.as_secs())
}

/// A moment that somebody names: from now on, or absolutely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// So many seconds from now.
    After(u64),
    /// Seconds since the Unix epoch.
    At(u64),
}

impl Deadline {
    /// The moment in seconds since the Unix epoch, if it is `now`.
    #[must_use]
    pub const fn from_now(self, now: u64) -> u64 {
        match self {
            Self::After(seconds) => now.saturating_add(seconds),
            Self::At(moment) => moment,
        }
    }
}

/// Why a text is no deadline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a span such as 90s, 15m, 2h or 1d, or a moment in seconds since the Unix epoch")]
pub struct DeadlineError;

impl FromStr for Deadline {
    type Err = DeadlineError;

    fn from_str(text: &str) -> Result<Self, DeadlineError> {
        match text.parse() {
            Ok(moment) => Ok(Self::At(moment)),
            Err(_) => seconds_of(text).map(Self::After).ok_or(DeadlineError),
        }
    }
}

/// A length of time, in seconds, as the contracts hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(u32);

impl Span {
    /// The seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// Why a text is no span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a span such as 90s, 15m, 2h or 1d, of {} days at most", u64::from(u32::MAX) / DAY_SECONDS)]
pub struct SpanError;

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let seconds = seconds_of(text).and_then(|seconds| u32::try_from(seconds).ok());
        seconds.map(Self).ok_or(SpanError)
    }
}

/// The seconds of a number with its unit.
fn seconds_of(text: &str) -> Option<u64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => DAY_SECONDS,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(unit)
}

/// A moment, given in seconds since the Unix epoch, in the calendar: `2026-11-20 14:32:55 UTC`. What lies beyond the year 9999 is shown as
/// its last second.
#[must_use]
pub fn utc(moment: u64) -> String {
    let at = i64::try_from(moment).map(UtcDateTime::from_unix_timestamp);
    let at = at.ok().and_then(Result::ok).unwrap_or(UtcDateTime::MAX);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hours, minutes, seconds) = at.as_hms();
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02} UTC")
}

/// A span in its two largest units: `29 d 23 h`, `1 h 4 min`, `12 s`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let parts = [
        (seconds / DAY_SECONDS, "d"),
        (seconds % DAY_SECONDS / 3_600, "h"),
        (seconds % 3_600 / 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts
        .iter()
        .position(|(count, _)| *count > 0)
        .unwrap_or(parts.len() - 1);
    let shown: Vec<_> = parts[first..]
        .iter()
        .take(2)
        .enumerate()
        .filter(|(place, (count, _))| *place == 0 || *count > 0)
        .map(|(_, (count, unit))| format!("{count} {unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        let table = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_795_185_175, "2026-11-20 14:32:55 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
            (253_402_300_800, "9999-12-31 23:59:59 UTC"),
            (u64::MAX, "9999-12-31 23:59:59 UTC"),
        ];
        for (moment, text) in table {
            assert_eq!(utc(moment), text);
        }
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        let table = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min 59 s"),
            (3_600, "1 h"),
            (3_660, "1 h 1 min"),
            (86_399, "23 h 59 min"),
            (2_591_999, "29 d 23 h"),
        ];
        for (seconds, text) in table {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn spans_fit_what_the_contracts_hold() {
        assert_eq!("30d".parse(), Ok(Span(2_592_000)));
        assert_eq!("4294967295s".parse(), Ok(Span(u32::MAX)));
        for bad in ["", "30", "4294967296s", "49711d", "1w"] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError), "{bad}");
        }
        assert!(SpanError.to_string().ends_with("of 49710 days at most"));
    }

    #[test]
    fn deadlines_are_spans_or_moments() {
        assert_eq!("90s".parse(), Ok(Deadline::After(90)));
        assert_eq!("15m".parse(), Ok(Deadline::After(900)));
        assert_eq!("2h".parse(), Ok(Deadline::After(7_200)));
        assert_eq!("1d".parse(), Ok(Deadline::After(86_400)));
        assert_eq!("1795185175".parse(), Ok(Deadline::At(1_795_185_175)));
        for bad in ["", "h", "1w", "-1h", "1.5h", "99999999999999999999d", "tomorrow", "1ä"] {
            assert_eq!(bad.parse::<Deadline>(), Err(DeadlineError), "{bad}");
        }
        assert_eq!(Deadline::After(10).from_now(5), 15);
        assert_eq!(Deadline::At(10).from_now(5), 10);
    }
}
