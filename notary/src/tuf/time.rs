//! When does metadata expire? Whole seconds in UTC, written as `2026-11-26T01:26:11Z` and in no other way.
//!
//! Pure arithmetic on the Gregorian calendar; whoever calls brings the time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};
use thiserror::Error;

const SECONDS_PER_DAY: u64 = 86_400;

/// 9999-12-31T23:59:59Z, the last second that four digits of a year can name.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Seconds since the Unix epoch, 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(u64);

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a time is written as 2026-11-26T01:26:11Z, in whole seconds of UTC since 1970, got {got:?}")]
pub struct TimeError {
    /// What was found, at most 40 characters of it.
    pub got: String,
}

impl UnixSeconds {
    /// Names plain seconds; what lies beyond the year 9999 becomes its last second.
    pub const fn new(seconds: u64) -> Self {
        if seconds > SECONDS_MAX {
            Self(SECONDS_MAX)
        } else {
            Self(seconds)
        }
    }

    /// The plain seconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// So many seconds later.
    pub const fn plus(self, seconds: u64) -> Self {
        Self::new(self.0.saturating_add(seconds))
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar that is not before it (Hinnant's algorithm: the year starts in March,
/// so that the leap day is its last).
const fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_of`].
const fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl FromStr for UnixSeconds {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError {
            got: text.chars().take(40).collect(),
        };
        let bytes: &[u8; 20] = text.as_bytes().try_into().map_err(|_| refuse())?;
        let number = |from: usize, digits: usize| {
            bytes[from..from + digits]
                .iter()
                .try_fold(0_u64, |sum, byte| match byte {
                    b'0'..=b'9' => Some(sum * 10 + u64::from(byte - b'0')),
                    _ => None,
                })
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if marks.iter().any(|(place, mark)| bytes[*place] != *mark) {
            return Err(refuse());
        }
        let parts = [
            number(0, 4),
            number(5, 2),
            number(8, 2),
            number(11, 2),
            number(14, 2),
            number(17, 2),
        ];
        let [
            Some(year),
            Some(month),
            Some(day),
            Some(hour),
            Some(minute),
            Some(second),
        ] = parts
        else {
            return Err(refuse());
        };
        if year < 1970 || !(1..=12).contains(&month) || day == 0 || hour > 23 || minute > 59 || second > 59 {
            return Err(refuse());
        }
        let days = days_of(year, month, day);
        // The 30th of February is some other day when it is counted back.
        if date_of(days) != (year, month, day) {
            return Err(refuse());
        }
        Ok(Self(days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0 / SECONDS_PER_DAY);
        let second = self.0 % SECONDS_PER_DAY;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for UnixSeconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixSeconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-26T01:26:11Z", 1_795_656_371),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", SECONDS_MAX),
        ] {
            assert_eq!(text.parse(), Ok(UnixSeconds(seconds)), "{text}");
            assert_eq!(UnixSeconds(seconds).to_string(), text);
        }
        assert_eq!(UnixSeconds::new(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn other_ways_to_write_a_time_are_refused() {
        for text in [
            "",
            "2026-11-26T01:26:11",
            "2026-11-26T01:26:11.0Z",
            "2026-11-26T01:26:11+00:00",
            "2026-11-26t01:26:11z",
            "2026-11-26 01:26:11Z",
            "2026-02-30T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
            "２０26-1-1T0:0:0Z",
        ] {
            assert!(text.parse::<UnixSeconds>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_read_as_it_was_written(seconds in 0..=SECONDS_MAX) {
            let time = UnixSeconds::new(seconds);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
