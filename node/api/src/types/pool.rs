//! What clouds give, and how much of it.

use alloy_primitives::{Address, U256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// An instance specification: what a code is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecInfo {
    /// Its number in the contract.
    #[serde(with = "quantity")]
    pub spec_id: u32,
    /// Its name, such as `small`.
    pub name: String,
    /// Virtual processors.
    #[serde(with = "quantity")]
    pub vcpus: u32,
    /// Memory in MiB.
    #[serde(with = "quantity")]
    pub memory_mib: u32,
    /// Disk in GiB.
    #[serde(with = "quantity")]
    pub disk_gib: u32,
    /// Hours that the instance runs for.
    #[serde(with = "quantity")]
    pub hours: u32,
    /// Seconds from the issue of a code to its expiry.
    #[serde(with = "quantity")]
    pub ttl_seconds: u64,
    /// Passport tokens that the holder gets at redemption, in the token's smallest unit.
    pub reward: U256,
    /// Whether a cloud needs the holder's signature to redeem.
    pub requires_authorization: bool,
}

/// A member of the passport programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudInfo {
    /// Its member id.
    #[serde(with = "quantity")]
    pub member_id: u32,
    /// Its name.
    pub name: String,
    /// Its owner account, which governs.
    pub owner: Address,
}

/// What one cloud offers of a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferInfo {
    /// The cloud's member id.
    #[serde(with = "quantity")]
    pub member_id: u32,
    /// Its name.
    pub cloud: String,
    /// Redemptions that it still offers.
    #[serde(with = "quantity")]
    pub left: u64,
    /// Whether it has paused: then its offer takes no part.
    pub paused: bool,
}

/// A specification's pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolEntry {
    /// The specification's number.
    #[serde(with = "quantity")]
    pub spec_id: u32,
    /// Its name.
    pub name: String,
    /// Codes that are neither redeemed, cancelled nor swept as expired.
    #[serde(with = "quantity")]
    pub live_codes: u64,
    /// What clouds that have not paused still offer, together.
    #[serde(with = "quantity")]
    pub offered: u64,
    /// Codes that can be asked for now.
    #[serde(with = "quantity")]
    pub available: u64,
    /// Who offers it, by member id.
    pub offers: Vec<OfferInfo>,
}
