//! Does a report read little, however many codes there were, and does counting cost a block little?

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use alloy_primitives::U256;
use ledger_chainspec::{BlockHash, Month};
use ledger_runtime::state::StateDiff;
use ledger_runtime::store::{CodeChange, CodeEndKind, Column, History, SpecUsage};

use crate::chain::{Chain, Extras, certificate};
use crate::raw;

const BLOCKS: u64 = 100;
const CODES_PER_BLOCK: u64 = 10_000;
const SPECS: u64 = 3;
/// Codes that are issued at the start of January expire in it.
const TIME_TO_LIVE: u64 = 30 * 86_400;

/// A block full of codes that end, and what counting them may add to it.
const ENDS: usize = 1_500;
const BYTES_PER_CODE_MAX: usize = 5;
const DAY: u64 = 86_400;

/// Of an unoptimised build. What bounds it is shown by the number of records.
const REPORT_TIME_MAX: Duration = Duration::from_secs(2);

/// The codes of a block: of four, one is redeemed, one given back and one taken back as expired.
fn codes_of(block: u64) -> Vec<CodeChange> {
    let mut changes = Vec::new();
    for (index, number) in (0..).zip(block * CODES_PER_BLOCK..(block + 1) * CODES_PER_BLOCK) {
        let id = (U256::from(number % SPECS + 1) << 64) + U256::from(number + 1);
        changes.push(CodeChange::Issued {
            id,
            index,
            expires_at: TIME_TO_LIVE,
        });
        let (kind, member) = match number % 4 {
            0 => (CodeEndKind::Redeemed, 1 + u32::from(number % 8 == 0)),
            1 => (CodeEndKind::Cancelled, 0),
            2 => (CodeEndKind::Expired, 0),
            _ => continue,
        };
        changes.push(CodeChange::Ended {
            id,
            kind,
            member,
            index,
        });
    }
    changes
}

#[test]
fn a_report_of_a_million_codes_reads_a_few_records() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::create(dir.path(), History::Archive, &StateDiff::default());
    for block in 0..BLOCKS {
        let extras = Extras {
            codes: codes_of(block),
            ..Extras::default()
        };
        chain.push_with(&StateDiff::default(), extras).expect("commits");
    }
    let month = Month::of(0);
    let started = Instant::now();
    let usage = chain.store.usage(month, 1, month.end()).expect("readable");
    let taken = started.elapsed();
    println!("a report of {} codes took {taken:?}", BLOCKS * CODES_PER_BLOCK);
    assert!(taken < REPORT_TIME_MAX, "{taken:?}");

    let sum = |of: fn(&SpecUsage) -> u64| usage.values().map(of).sum::<u64>();
    let codes = BLOCKS * CODES_PER_BLOCK;
    assert_eq!(usage.len() as u64, SPECS);
    assert_eq!((sum(|spec| spec.issued), sum(|spec| spec.redeemed)), (codes, codes / 4));
    assert_eq!(sum(|spec| spec.redeemed_there), codes / 8);
    assert_eq!(
        (sum(|spec| spec.cancelled), sum(|spec| spec.expired)),
        (codes / 4, codes / 2)
    );
    let counters = raw::records(dir.path(), Column::Usage);
    // Issued, redeemed (by all and by two members), cancelled, expired, lapsing on one day, and the time to live.
    assert_eq!(counters.len() as u64, 8 * SPECS);
    let bytes: usize = counters.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(bytes < 512, "{bytes} bytes for {codes} codes");
}

/// The next block, made at a moment.
fn push_at(chain: &Chain, moment: u64, codes: Vec<CodeChange>) {
    let extras = Extras {
        codes,
        ..Extras::default()
    };
    let mut block = chain.build(&StateDiff::default(), extras);
    block.header.header.timestamp = moment;
    block.header.hash = BlockHash::new(block.header.header.hash_slow());
    block.certificate = Some(certificate(&block.header));
    chain.store.commit(&block).expect("commits");
}

fn counters(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    raw::records(path, Column::Usage).into_iter().collect()
}

/// The worst a block can do: its codes were issued on thirty days, and ten clouds redeem them.
#[test]
fn counting_costs_a_full_block_a_few_bytes_per_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(dir.path(), History::Archive, &StateDiff::default());
    let (days, each) = (30, 150);
    let mut ids = Vec::new();
    for day in 0..days {
        let issued = (0..each).map(|place| {
            let id = (U256::from(place * SPECS / each + 1) << 64) + U256::from(day * each + place);
            ids.push(id);
            CodeChange::Issued {
                id,
                index: 0,
                expires_at: day * DAY + TIME_TO_LIVE,
            }
        });
        let issued = issued.collect();
        push_at(&chain, day * DAY, issued);
    }
    let before = counters(dir.path());

    let ends = ids.iter().step_by(ids.len() / ENDS).zip(0..).map(|(id, index)| {
        let (kind, member) = match index % 4 {
            0 | 1 => (CodeEndKind::Redeemed, 1 + index % 20),
            2 => (CodeEndKind::Cancelled, 0),
            _ => (CodeEndKind::Expired, 0),
        };
        CodeChange::Ended {
            id: *id,
            kind,
            member,
            index,
        }
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends.len(), ENDS);
    push_at(&chain, days * DAY, ends);
    let after = counters(dir.path());
    let changed = before
        .keys()
        .chain(after.keys())
        .filter(|key| before.get(*key) != after.get(*key));
    let changed: BTreeMap<_, _> = changed.map(|key| (key, after.get(key).map_or(0, Vec::len))).collect();
    let bytes: usize = changed.iter().map(|(key, value)| key.len() + value).sum();
    println!("{ENDS} codes that end change {} counters: {bytes} bytes", changed.len());
    assert!(changed.len() > 100, "each day and spec has one: {}", changed.len());
    assert!(bytes < ENDS * BYTES_PER_CODE_MAX, "{bytes} bytes");
}

/// The fewer codes, the more of each are its counters: a year in which each spec has two a day, and each of ten clouds redeems some of
/// them in each month.
#[test]
fn counters_of_few_codes_take_a_few_bytes_per_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(dir.path(), History::Archive, &StateDiff::default());
    let (days, clouds) = (365, 10);
    let code = |spec: u64, day: u64, which: u64| (U256::from(spec) << 64) + U256::from(2 * day + which);
    let ended = |id, kind, member| CodeChange::Ended {
        id,
        kind,
        member,
        index: 1,
    };
    for day in 0..days {
        let mut changes = Vec::new();
        for spec in 1..=SPECS {
            changes.extend((0..2).map(|which| CodeChange::Issued {
                id: code(spec, day, which),
                index: 0,
                expires_at: day * DAY + TIME_TO_LIVE,
            }));
            if let Some(before) = day.checked_sub(1) {
                let cloud = u32::try_from(1 + before % clouds).expect("ten");
                changes.push(ended(code(spec, before, 0), CodeEndKind::Redeemed, cloud));
                if before % 2 == 0 {
                    changes.push(ended(code(spec, before, 1), CodeEndKind::Cancelled, 0));
                }
            }
            // The others expire, and the next request lets the contract take them back.
            if let Some(long_before) = day.checked_sub(31).filter(|day| day % 2 == 1) {
                changes.push(ended(code(spec, long_before, 1), CodeEndKind::Expired, 0));
            }
        }
        push_at(&chain, day * DAY, changes);
    }
    let counters = counters(dir.path());
    let bytes: usize = counters.iter().map(|(key, value)| key.len() + value.len()).sum();
    let codes = usize::try_from(2 * days * SPECS).expect("a small number");
    println!("{codes} codes of a year: {} counters, {bytes} bytes", counters.len());
    // Of each spec and month: issued, redeemed (by all and by each cloud), given back, expired.
    let by_month = usize::try_from(SPECS * 12 * (4 + clouds)).expect("a small number");
    assert!(
        (by_month - 6..by_month + 40 * 3).contains(&counters.len()),
        "{}",
        counters.len()
    );
    assert!(bytes < codes * BYTES_PER_CODE_MAX, "{bytes} bytes");
}
