//! What became of promo codes in a month?

use alloy_serde::quantity;
use ledger_chainspec::Month;
use serde::{Deserialize, Serialize};

use super::CloudInfo;

/// What became of promo codes in a month: numbers alone, which name no holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageReport {
    /// The month of the calendar in UTC, such as `2026-11`. A code counts in the month of the block that issued, redeemed or cancelled
    /// it, and an expired one in the month in which its time was over.
    pub month: Month,
    /// The month's first moment, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub from: u64,
    /// The moment up to which is counted, in seconds since the Unix epoch: the end of the month, or the newest block's time.
    #[serde(with = "quantity")]
    pub until: u64,
    /// Whether the month is over: then its numbers do not change any more.
    pub is_over: bool,
    /// The cloud that was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudInfo>,
    /// Per specification, those of which nothing happened left out.
    pub specs: Vec<SpecUsage>,
}

/// What became of one specification's codes in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecUsage {
    /// The specification's number.
    #[serde(with = "quantity")]
    pub spec_id: u32,
    /// Its name.
    pub name: String,
    /// Codes that users got from the pool; none of them belongs to a cloud before it redeems it.
    #[serde(with = "quantity")]
    pub issued: u64,
    /// Redemptions at all clouds.
    #[serde(with = "quantity")]
    pub redeemed: u64,
    /// Redemptions at the cloud that was asked about.
    #[serde(default, with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub redeemed_by_cloud: Option<u64>,
    /// Codes that their holders gave back to the pool.
    #[serde(with = "quantity")]
    pub cancelled: u64,
    /// Codes that nobody used in their time. Those whose time is over only today count when the contract takes them back, or
    /// tomorrow.
    #[serde(with = "quantity")]
    pub expired: u64,
}
