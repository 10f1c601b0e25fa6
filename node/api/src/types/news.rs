//! What subscribers of the ledger hear.

use serde::{Deserialize, Serialize};

use super::{CodeInfo, EndorsementInfo, Verdict};

/// What `ledger_subscribe` can tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LedgerTopic {
    /// One promo code: [`CodeNews`] at once, and whenever they change.
    Code,
    /// Slots: a [`SlotInfo`](super::SlotInfo) for each in which a block was due, once it is known how it went.
    Slots,
}

/// How a promo code stands, from its request to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeNews {
    /// What the id names now.
    pub verdict: Verdict,
    /// While the request waits for its block: the promise that it goes first, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsement: Option<EndorsementInfo>,
    /// The code, once its block is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeInfo>,
}
