//! What became of promo codes in a month? The store's counters, with names.

use ledger_api::{CloudRef, SpecUsage, UsageReport};
use ledger_chainspec::Month;

use super::{super::error::RpcFailure, contracts::View, pool};

/// The answer to `ledger_usageReport`.
pub(super) fn report(view: &View, month: Month, cloud: Option<&CloudRef>) -> Result<UsageReport, RpcFailure> {
    // The newest block's time, not the clock's: blocks that are still to come cannot change what is said to be over.
    let now = view.head.header.header.timestamp;
    if month.start() > now {
        return Err(RpcFailure::Params(format!("month {month} has not begun")));
    }
    let cloud = cloud.map(|cloud| view.cloud_named(cloud)).transpose()?;
    let specs = pool::specs(view)?;
    let longest = specs.iter().map(|spec| spec.ttl_seconds).max().unwrap_or_default();
    check_kept(view, month, longest)?;
    let member = cloud.as_ref().map_or(0, |cloud| cloud.member_id);
    let counted = view.runtime.store().usage(month, member, now)?;
    let specs = specs.into_iter().filter_map(|spec| {
        let usage = counted.get(&spec.spec_id)?;
        Some(SpecUsage {
            spec_id: spec.spec_id,
            name: spec.name,
            issued: usage.issued,
            redeemed: usage.redeemed,
            redeemed_by_cloud: cloud.as_ref().map(|_| usage.redeemed_there),
            cancelled: usage.cancelled,
            expired: usage.expired,
        })
    });
    Ok(UsageReport {
        month,
        from: month.start(),
        until: now.min(month.end()),
        is_over: now >= month.end(),
        specs: specs.collect(),
        cloud,
    })
}

/// A code that expires in the month may have been issued a code's longest time before it: a node that does not keep these blocks
/// counts too little.
fn check_kept(view: &View, month: Month, longest: u64) -> Result<(), RpcFailure> {
    let oldest = view.runtime.oldest_block();
    if oldest.get() == 0 {
        return Ok(());
    }
    let header = view.runtime.store().header(oldest)?;
    let began = header.map_or(u64::MAX, |header| header.header.timestamp);
    if began.saturating_add(longest) <= month.start() {
        return Ok(());
    }
    Err(RpcFailure::Unavailable(format!(
        "block {oldest} is the oldest that this node keeps, and codes of month {month} may be of blocks before it: ask a node that \
         has all blocks"
    )))
}
