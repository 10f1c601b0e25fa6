//! Specifications, pools and offers, shown.

use ledger_api::{PoolEntry, SpecInfo, whole};

use super::{Report, table};
use crate::time::span;

/// All specifications.
#[must_use]
pub fn specs(specs: &[SpecInfo]) -> Report {
    let rows: Vec<_> = specs
        .iter()
        .map(|spec| {
            vec![
                spec.spec_id.to_string(),
                spec.name.clone(),
                spec.vcpus.to_string(),
                spec.memory_mib.to_string(),
                spec.disk_gib.to_string(),
                spec.hours.to_string(),
                span(spec.ttl_seconds),
                format!("{} PASS", whole(spec.reward)),
                if spec.requires_authorization {
                    "required"
                } else {
                    "not needed"
                }
                .to_owned(),
            ]
        })
        .collect();
    let header = [
        "ID",
        "SPEC",
        "VCPU",
        "MEMORY MIB",
        "DISK GIB",
        "HOURS",
        "CODE LIVES",
        "REWARD",
        "AUTHORIZATION",
    ];
    Report::new(table(&header, &rows), &specs)
}

/// What can be asked for, per specification.
#[must_use]
pub fn pool(entries: &[PoolEntry]) -> Report {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let clouds: Vec<_> = entry
                .offers
                .iter()
                .filter(|offer| !offer.paused && offer.left > 0)
                .collect();
            vec![
                entry.name.clone(),
                entry.available.to_string(),
                entry.offered.to_string(),
                entry.live_codes.to_string(),
                clouds
                    .iter()
                    .map(|offer| offer.cloud.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            ]
        })
        .collect();
    Report::new(
        table(&["SPEC", "AVAILABLE", "OFFERED", "LIVE CODES", "CLOUDS"], &rows),
        &entries,
    )
}

/// Who offers what; of `cloud` alone (a name or a member id), if it is given.
#[must_use]
pub fn offers(entries: &[PoolEntry], cloud: Option<&str>) -> Report {
    let is_asked = |member: u32, name: &str| {
        cloud.is_none_or(|asked| asked.eq_ignore_ascii_case(name) || asked.parse() == Ok(member))
    };
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            let offers = entry
                .offers
                .iter()
                .filter(|offer| is_asked(offer.member_id, &offer.cloud));
            PoolEntry {
                offers: offers.cloned().collect(),
                ..entry.clone()
            }
        })
        .collect();
    let rows: Vec<_> = shown
        .iter()
        .flat_map(|entry| entry.offers.iter().map(move |offer| (entry, offer)))
        .map(|(entry, offer)| {
            vec![
                offer.member_id.to_string(),
                offer.cloud.clone(),
                entry.name.clone(),
                offer.left.to_string(),
                if offer.paused { "paused" } else { "open" }.to_owned(),
            ]
        })
        .collect();
    let report = Report::new(table(&["MEMBER", "CLOUD", "SPEC", "LEFT", "STATE"], &rows), &shown);
    if rows.is_empty() {
        return report
            .with_next("Nothing is offered. A cloud offers with: passport offer set SPEC QUANTITY.".to_owned());
    }
    report
}
