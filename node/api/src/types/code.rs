//! What is a promo code worth?

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

use super::{BlockPoint, CloudInfo, SpecInfo};

/// Where a code stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CodeState {
    /// Issued, and not at its end.
    Live,
    /// Its time is over.
    Expired,
    /// Its holder gave it back.
    Cancelled,
    /// A cloud confirmed its use.
    Redeemed,
}

/// How a code ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeEnding {
    /// The transaction that ended it.
    pub transaction: B256,
    /// That transaction's block.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// That block's time, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub timestamp: u64,
    /// Who redeemed it, if it was redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_by: Option<CloudInfo>,
}

/// Everything the ledger knows about a promo code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeInfo {
    /// The contract's number of the code.
    pub code_id: U256,
    /// The transaction that issued it: the code itself, as people hand it on.
    pub transaction: B256,
    /// The same in letters and digits.
    pub passport_code: String,
    /// Where it stands.
    pub state: CodeState,
    /// Who may use it now, or held it when it ended. Of an expired code whose record the contract has deleted: who asked
    /// for it.
    pub holder: Address,
    /// Who asked for it.
    pub requester: Address,
    /// What it is good for.
    pub spec: SpecInfo,
    /// Number of the block that issued it.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// When it was issued, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub issued_at: u64,
    /// When it expires, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub expires_at: u64,
    /// How it ended. An expired code has no ending until the contract sweeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<CodeEnding>,
}

/// A cloud, named by its member id or by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CloudRef {
    /// Its member id, as a plain number.
    Id(u32),
    /// Its name, or its member id as a quantity or in decimal.
    Name(String),
}

/// The holder's EIP-712 signature that lets one cloud redeem one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorization {
    /// Salted hash of the cloud's sign-up reference.
    pub signup_ref: B256,
    /// Until when it holds, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub deadline: u64,
    /// The signature: 65 bytes of a key, or what a wallet contract (ERC-1271) takes.
    pub signature: Bytes,
}

/// Who asks about a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// The cloud that would redeem it.
    pub cloud: CloudRef,
    /// The holder's authorization, if the user handed one in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
}

/// What a code's id turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A live code, held by who asked for it.
    Valid,
    /// A live code whose holder passed it on: whoever shows it must be the new holder.
    Transferred,
    /// A code whose time is over.
    Expired,
    /// A code that its holder gave back.
    Cancelled,
    /// A code that a cloud has confirmed the use of.
    Redeemed,
    /// No transaction and no code of this chain.
    NeverIssued,
    /// The transaction waits in the pool; ask again once it is in a block.
    Pending,
    /// The transaction is in a block and failed: it issued nothing.
    Failed,
    /// The transaction is in a block and did something else than ask for a code.
    NotARequest,
}

impl Verdict {
    /// Whether the code is good for something.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Self::Valid | Self::Transferred => true,
            Self::Expired
            | Self::Cancelled
            | Self::Redeemed
            | Self::NeverIssued
            | Self::Pending
            | Self::Failed
            | Self::NotARequest => false,
        }
    }
}

/// The answer to a cloud that asks about a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// What the id turned out to be.
    pub verdict: Verdict,
    /// Whether this cloud's redemption, with the authorization given, would succeed on the newest block. It was tried,
    /// without a trace.
    pub redeemable: bool,
    /// The verdict as a sentence for people.
    pub reason: String,
    /// If a live code is not redeemable: why not, as a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Whether the holder must have signed for this cloud.
    pub requires_authorization: bool,
    /// Seconds left until it expires, 0 if it is not live.
    #[serde(with = "quantity")]
    pub ttl_seconds: u64,
    /// The code, if the id names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeInfo>,
    /// The cloud that asked.
    pub cloud: CloudInfo,
    /// The block that the answer is about.
    pub block: BlockPoint,
}
