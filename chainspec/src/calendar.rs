//! Which month, and which day, does a moment belong to?
//!
//! Usage is counted by months of the calendar in UTC, and what runs out by days. Called by the store, the RPC and the command line.
//! Pure: a moment comes in as seconds since the Unix epoch.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::{Date, Month as MonthOfYear, UtcDateTime};

const DAY_SECONDS: u64 = 86_400;
const MONTHS: u32 = 12;

/// The last year that is told apart from later ones.
const YEAR_MAX: u32 = 9999;

/// The first month that there is: the one of the Unix epoch.
const FIRST: Month = Month(1970 * MONTHS);

/// The last month that there is.
const LAST: Month = Month(YEAR_MAX * MONTHS + MONTHS - 1);

/// A month of the calendar, in UTC, from 1970-01 to 9999-12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(u32);

/// A day: how many came before it since the Unix epoch, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

/// Why a text is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a month is written as year and month, such as 2026-11, from 1970-01 to 9999-12")]
pub struct MonthError;

impl Month {
    /// The month that a moment, in seconds since the Unix epoch, belongs to. What lies beyond the year 9999 belongs to its last month.
    #[must_use]
    pub fn of(moment: u64) -> Self {
        let at = i64::try_from(moment).map(UtcDateTime::from_unix_timestamp);
        let Some(at) = at.ok().and_then(Result::ok) else {
            return LAST;
        };
        let year = u32::try_from(at.year()).expect("a moment after the epoch has a year after it");
        Self(year * MONTHS + u32::from(u8::from(at.month())) - 1)
    }

    /// The month with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        (FIRST.0..=LAST.0).contains(&number).then_some(Self(number))
    }

    /// Months since the year 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its first moment, in seconds since the Unix epoch.
    #[must_use]
    pub fn start(self) -> u64 {
        u64::from(self.first_day().0) * DAY_SECONDS
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> u64 {
        u64::from(self.day_after().0) * DAY_SECONDS
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Day {
        let year = i32::try_from(self.0 / MONTHS).expect("four digits fit");
        let month = u8::try_from(self.0 % MONTHS + 1).expect("twelve fits");
        let month = MonthOfYear::try_from(month).expect("a month of the year is 1 to 12");
        let date = Date::from_calendar_date(year, month, 1).expect("every month has a first day");
        let epoch = UtcDateTime::UNIX_EPOCH.date().to_julian_day();
        Day(u32::try_from(date.to_julian_day() - epoch).expect("a month is not before the epoch"))
    }

    /// The first day after it.
    #[must_use]
    pub fn day_after(self) -> Day {
        match self {
            LAST => Day(self.first_day().0 + 31),
            Self(number) => Self(number + 1).first_day(),
        }
    }
}

impl Day {
    /// The day that a moment, in seconds since the Unix epoch, belongs to.
    #[must_use]
    pub fn of(moment: u64) -> Self {
        Self(u32::try_from(moment / DAY_SECONDS).unwrap_or(u32::MAX))
    }

    /// The day with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Days since the Unix epoch.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0 / MONTHS, self.0 % MONTHS + 1))
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let number = |digits: &str, length: usize| {
            let is_number = digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| digits.parse::<u32>().ok()).flatten()
        };
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let (year, month) = (number(year, 4).ok_or(MonthError)?, number(month, 2).ok_or(MonthError)?);
        if !(1..=MONTHS).contains(&month) {
            return Err(MonthError);
        }
        Self::from_number(year * MONTHS + month - 1).ok_or(MonthError)
    }
}

impl TryFrom<String> for Month {
    type Error = MonthError;

    fn try_from(text: String) -> Result<Self, MonthError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_and_end_where_the_calendar_says() {
        let table = [
            ("1970-01", 0, 2_678_400),
            ("2000-02", 949_363_200, 951_868_800),
            ("2026-11", 1_793_491_200, 1_796_083_200),
            ("2026-12", 1_796_083_200, 1_798_761_600),
            ("2100-02", 4_105_123_200, 4_107_542_400),
            ("9999-12", 253_399_622_400, 253_402_300_800),
        ];
        for (text, start, end) in table {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.start(), month.end()), (start, end), "{text}");
            assert_eq!((Month::of(start), Month::of(end - 1)), (month, month), "{text}");
            assert_eq!(month.to_string(), text);
            assert_eq!(Month::from_number(month.number()), Some(month));
            assert_eq!((month.first_day(), month.day_after()), (Day::of(start), Day::of(end)));
        }
        assert_eq!(Month::of(u64::MAX).to_string(), "9999-12");
        assert_eq!(Day::of(u64::MAX).number(), u32::MAX);
    }

    #[test]
    fn days_follow_one_another_from_month_to_month() {
        let mut day = FIRST.first_day();
        for number in FIRST.0..3000 * MONTHS {
            let month = Month::from_number(number).unwrap();
            assert_eq!(month.first_day(), day);
            day = month.day_after();
            assert!((28..=31).contains(&(day.0 - month.first_day().0)));
        }
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "26-11",
            "1969-12",
            "2026-11-01",
            "+026-11",
            "2026-١١",
        ] {
            assert_eq!(bad.parse::<Month>(), Err(MonthError), "{bad}");
        }
        assert_eq!(Month::from_number(0), None);
        assert_eq!(Month::from_number(u32::MAX), None);
    }
}
