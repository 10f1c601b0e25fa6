//! When does metadata expire? Whole seconds in UTC, written as `2026-11-26T01:26:11Z` and in no other way.
//!
//! Pure: the calendar is that of the crate `time`, and whoever calls brings the moment.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};
use thiserror::Error;
use time::{Date, Month, Time, UtcDateTime};

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

/// The moment that 20 bytes of the one form name, whatever stands between the digits; none if the calendar has no such moment.
fn moment(bytes: &[u8; 20]) -> Option<UtcDateTime> {
    let number = |place: Range<usize>| {
        bytes[place].iter().try_fold(0_u16, |sum, byte| match byte {
            b'0'..=b'9' => Some(sum * 10 + u16::from(byte - b'0')),
            _ => None,
        })
    };
    let pair = |from: usize| u8::try_from(number(from..from + 2)?).ok();
    let month = Month::try_from(pair(5)?).ok()?;
    let date = Date::from_calendar_date(number(0..4)?.into(), month, pair(8)?).ok()?;
    let time = Time::from_hms(pair(11)?, pair(14)?, pair(17)?).ok()?;
    Some(UtcDateTime::new(date, time))
}

impl FromStr for UnixSeconds {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError {
            got: text.chars().take(40).collect(),
        };
        let bytes: &[u8; 20] = text.as_bytes().try_into().map_err(|_| refuse())?;
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if marks.iter().any(|(place, mark)| bytes[*place] != *mark) {
            return Err(refuse());
        }
        let seconds = moment(bytes).map(UtcDateTime::unix_timestamp);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map(Self).ok_or_else(refuse)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0).expect("the year 9999 ends long before i64 does");
        let at = UtcDateTime::from_unix_timestamp(seconds).expect("the calendar goes to the end of the year 9999");
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.as_hms();
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
            "2026-01-32T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T00:60:00Z",
            "0000-01-01T00:00:00Z",
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
