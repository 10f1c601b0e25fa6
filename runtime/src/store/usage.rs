//! How many promo codes were issued, redeemed, given back and left to expire, by month? Counters that every block moves on.
//!
//! Written with the block whose logs tell it, in one batch, and read by reports; a report reads a few records per spec, however many
//! codes there were. A counter is the sum of what each block adds, whatever the order in which blocks come, so that a node that takes a
//! state first and older blocks later counts the same. Nothing here names a holder, and nothing is kept per code.
//!
//! A code *lapses* on the day on which its time is over. It is counted there from its issue until it ends, so that what is left of a
//! day that is over has expired, whether or not the contract has taken it back yet.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use ledger_chainspec::{BlockNumber, Day, Month};
use parity_scale_codec::{Compact, Encode};
use rocksdb::{DBRawIteratorWithThreadMode, WriteBatch};

use super::columns::block_key;
use super::records::{decode_all, header_from_bytes};
use super::{CodeEndKind, Column, Database, Store, StoreError};

/// Stands for all clouds in a key: no member has this id.
const ALL_MEMBERS: u32 = 0;

/// One of the numbers that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// Codes that were issued in a month.
    Issued(Month, u32),
    /// Redemptions in a month, by a member or by all.
    Redeemed(Month, u32, u32),
    /// Codes that their holders gave back in a month.
    Cancelled(Month, u32),
    /// Codes whose time ended in a month and that the contract has taken back.
    Expired(Month, u32),
    /// Codes whose time ends on a day and that have not ended.
    Lapsing(Day, u32),
    /// Not a sum: seconds from the issue of a spec's codes to their expiry, which never change.
    TimeToLive(u32),
}

impl Counter {
    /// Its key in [`Column::Usage`].
    pub(crate) fn key(self) -> Vec<u8> {
        let join = |tag: u8, parts: &[u32]| {
            let parts = parts.iter().flat_map(|part| part.to_be_bytes());
            std::iter::once(tag).chain(parts).collect()
        };
        match self {
            Self::Issued(month, spec) => join(1, &[month.number(), spec]),
            Self::Redeemed(month, member, spec) => join(2, &[month.number(), member, spec]),
            Self::Cancelled(month, spec) => join(3, &[month.number(), spec]),
            Self::Expired(month, spec) => join(4, &[month.number(), spec]),
            Self::Lapsing(day, spec) => join(5, &[day.number(), spec]),
            Self::TimeToLive(spec) => join(6, &[spec]),
        }
    }
}

/// The spec of a code, which is in its number.
fn spec_of(code: &U256) -> u32 {
    let spec: U256 = *code >> 64;
    u32::try_from(spec).unwrap_or(u32::MAX)
}

/// What some blocks add to the counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    sums: BTreeMap<Counter, i64>,
    times_to_live: BTreeMap<u32, u64>,
}

impl Tally {
    /// A code was issued at `at`; `end` is how it ended, where that was counted before its issue was known.
    pub(crate) fn issued(&mut self, code: &U256, at: u64, expires_at: u64, end: Option<CodeEndKind>) {
        let spec = spec_of(code);
        self.times_to_live.insert(spec, expires_at.saturating_sub(at));
        self.add(Counter::Issued(Month::of(at), spec), 1);
        match end {
            None => self.add(Counter::Lapsing(Day::of(expires_at), spec), 1),
            Some(CodeEndKind::Expired) => self.add(Counter::Expired(Month::of(expires_at), spec), 1),
            Some(CodeEndKind::Redeemed | CodeEndKind::Cancelled) => {}
        }
    }

    /// A code ended at `at`, by `member` if one redeemed it; `expires_at` is known where its issue has been counted.
    pub(crate) fn ended(&mut self, code: &U256, at: u64, by: (CodeEndKind, u32), expires_at: Option<u64>) {
        let (spec, month) = (spec_of(code), Month::of(at));
        let (kind, member) = by;
        match kind {
            CodeEndKind::Redeemed => {
                self.add(Counter::Redeemed(month, member, spec), 1);
                self.add(Counter::Redeemed(month, ALL_MEMBERS, spec), 1);
            }
            CodeEndKind::Cancelled => self.add(Counter::Cancelled(month, spec), 1),
            CodeEndKind::Expired => {}
        }
        if let Some(expires_at) = expires_at {
            self.add(Counter::Lapsing(Day::of(expires_at), spec), -1);
            if kind == CodeEndKind::Expired {
                self.add(Counter::Expired(Month::of(expires_at), spec), 1);
            }
        }
    }

    /// When the codes of this one's spec that were issued at `at` expire, if one has been counted.
    pub(crate) fn expiry(&self, code: &U256, at: u64) -> Option<u64> {
        let seconds = self.times_to_live.get(&spec_of(code))?;
        Some(at.saturating_add(*seconds))
    }

    /// Every record that these sums alone make, in the order of keys.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
        let sums = self.sums.iter().map(|(counter, sum)| {
            let sum = u64::try_from(*sum).unwrap_or_default();
            (counter.key(), Compact(sum).encode())
        });
        let times = self.times_to_live.iter();
        sums.chain(times.map(|(spec, seconds)| (Counter::TimeToLive(*spec).key(), Compact(*seconds).encode())))
    }

    fn add(&mut self, counter: Counter, by: i64) {
        let sum = self.sums.entry(counter).or_default();
        *sum = sum.saturating_add(by);
        if *sum == 0 {
            self.sums.remove(&counter);
        }
    }
}

/// What became of one spec's codes in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecUsage {
    /// Codes that were issued.
    pub issued: u64,
    /// Redemptions at all clouds.
    pub redeemed: u64,
    /// Redemptions at the cloud that was asked about.
    pub redeemed_there: u64,
    /// Codes that their holders gave back.
    pub cancelled: u64,
    /// Codes whose time ended, unused. Of a day that is not over, those that the contract has taken back.
    pub expired: u64,
}

impl Store {
    /// What became of promo codes in `month` by spec, as far as the month was over at `now`, in seconds since the Unix epoch; specs of
    /// which nothing happened are left out. One moment between two blocks.
    ///
    /// # Errors
    /// [`StoreError`] if the disk fails or a record is damaged.
    pub fn usage(&self, month: Month, member: u32, now: u64) -> Result<BTreeMap<u32, SpecUsage>, StoreError> {
        let mut specs: BTreeMap<u32, SpecUsage> = BTreeMap::new();
        let mut reader = UsageReader(self.db.raw_iterator_cf(self.column(Column::Usage)));
        let over = month.day_after().min(Day::of(now));
        let below = |counter: Counter| {
            let mut prefix = counter.key();
            prefix.truncate(prefix.len() - size_of::<u32>());
            prefix
        };
        let mut take = |prefix: &[u8], into: fn(&mut SpecUsage) -> &mut u64| {
            reader.each(prefix, |spec, count| {
                let sum = into(specs.entry(spec).or_default());
                *sum = sum.saturating_add(count);
            })
        };
        take(&below(Counter::Issued(month, 0)), |usage| &mut usage.issued)?;
        take(&below(Counter::Redeemed(month, ALL_MEMBERS, 0)), |usage| {
            &mut usage.redeemed
        })?;
        if member != ALL_MEMBERS {
            take(&below(Counter::Redeemed(month, member, 0)), |usage| {
                &mut usage.redeemed_there
            })?;
        }
        take(&below(Counter::Cancelled(month, 0)), |usage| &mut usage.cancelled)?;
        take(&below(Counter::Expired(month, 0)), |usage| &mut usage.expired)?;
        for day in month.first_day().number()..over.number() {
            take(&below(Counter::Lapsing(Day::from_number(day), 0)), |usage| {
                &mut usage.expired
            })?;
        }
        Ok(specs)
    }

    /// Adds what a batch of blocks counted to what is there.
    pub(super) fn put_usage(&self, batch: &mut WriteBatch, tally: &Tally) -> Result<(), StoreError> {
        let column = self.column(Column::Usage);
        for (counter, by) in &tally.sums {
            let key = counter.key();
            let before = self.get_with(Column::Usage, &key, count)?.unwrap_or_default();
            let after = before.checked_add_signed(*by).ok_or_else(|| {
                StoreError::corrupt(
                    Column::Usage,
                    &key,
                    format!("it is {before}, and {} codes of it end", -by),
                )
            })?;
            match after {
                0 => batch.delete_cf(column, key),
                after => batch.put_cf(column, key, Compact(after).encode()),
            }
        }
        for (spec, seconds) in &tally.times_to_live {
            let key = Counter::TimeToLive(*spec).key();
            if self.record(Column::Usage, &key)?.is_none() {
                batch.put_cf(column, key, Compact(*seconds).encode());
            }
        }
        Ok(())
    }

    /// Takes away what a batch of blocks had counted, where these are the codes that they had issued. A spec whose first code was one of
    /// them counts as never used: its number may come to mean another spec.
    pub(super) fn put_usage_back<'a>(
        &self,
        batch: &mut WriteBatch,
        tally: Tally,
        issued: impl Iterator<Item = &'a U256>,
    ) -> Result<(), StoreError> {
        let back = Tally {
            sums: tally.sums.into_iter().map(|(counter, sum)| (counter, -sum)).collect(),
            times_to_live: BTreeMap::new(),
        };
        self.put_usage(batch, &back)?;
        let sequence = |code: &U256| *code & U256::from(u64::MAX);
        for first in issued.filter(|code| sequence(code) == U256::ONE) {
            batch.delete_cf(self.column(Column::Usage), Counter::TimeToLive(spec_of(first)).key());
        }
        Ok(())
    }

    /// When a code that block `issued` issued expires.
    pub(super) fn expiry(&self, code: &U256, issued: BlockNumber) -> Result<u64, StoreError> {
        let key = Counter::TimeToLive(spec_of(code)).key();
        let seconds = self.get_with(Column::Usage, &key, count)?;
        let seconds = seconds.ok_or_else(|| StoreError::missing(Column::Usage, &key))?;
        Ok(self.timestamp(issued)?.saturating_add(seconds))
    }

    /// The time of a block that is kept.
    pub(crate) fn timestamp(&self, block: BlockNumber) -> Result<u64, StoreError> {
        let key = block_key(block);
        let header = self.get_with(Column::Headers, &key, header_from_bytes)?;
        let header = header.ok_or_else(|| StoreError::missing(Column::Headers, &key))?;
        Ok(header.header.timestamp)
    }
}

/// Reads counters as they were when this was made.
struct UsageReader<'a>(DBRawIteratorWithThreadMode<'a, Database>);

impl UsageReader<'_> {
    /// Gives `take` each spec with its count, of the counters whose keys are `prefix` and a spec.
    fn each(&mut self, prefix: &[u8], mut take: impl FnMut(u32, u64)) -> Result<(), StoreError> {
        self.0.seek(prefix);
        while let Some((key, value)) = self.0.item() {
            let Some(spec) = key.strip_prefix(prefix) else { break };
            let spec = <[u8; 4]>::try_from(spec);
            let spec = spec.map_err(|_| StoreError::corrupt(Column::Usage, key, "no spec at its end"))?;
            let count = count(value).map_err(|what| StoreError::corrupt(Column::Usage, key, what))?;
            take(u32::from_be_bytes(spec), count);
            self.0.next();
        }
        Ok(self.0.status()?)
    }
}

fn count(bytes: &[u8]) -> Result<u64, String> {
    decode_all::<Compact<u64>>(bytes).map(|Compact(count)| count)
}
