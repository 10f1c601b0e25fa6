//! What can be asked of the notary? The commands, and the order around each: for which chain, until when, and after which other one.
//!
//! An order is the payload of an [envelope](crate::dsse). Files stand in it as texts, byte for byte as they will be published. Who may
//! give which command, the desk decides.

use std::{collections::BTreeMap, fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Refusal;
use crate::{
    dsse::Opened,
    records::{Hex32, Network, NetworkId, PlainText},
    tuf::{RoleName, TargetPath, UnixSeconds, Version, json::Json},
};

/// What an order says that it is.
pub const ORDER_SCHEMA: &str = "cloud-ledger-notary-order/1";

/// Longest life of an order: who signs on a machine without a network has a week to bring it. Bounds how long nonces are kept.
pub const ORDER_LIFE_MAX: u64 = 7 * 86_400;

/// Most keys of the deny role.
pub const DENY_KEYS_MAX: usize = 16;

/// What an envelope holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order<C> {
    /// [`ORDER_SCHEMA`].
    pub schema: String,
    /// The network.
    pub network_id: NetworkId,
    /// Its chain id.
    pub chain_id: u64,
    /// 32 bytes that were never used before.
    pub nonce: Hex32,
    /// Until when it may be carried out, at most [`ORDER_LIFE_MAX`] from now.
    pub expires: UnixSeconds,
    /// Above that of every other command that one of its keys signed.
    pub sequence: u64,
    /// What is asked for.
    pub command: C,
}

impl<C: Serialize + DeserializeOwned> Order<C> {
    /// Reads what was signed.
    ///
    /// # Errors
    /// [`Refusal::Order`] if it is no order, [`Refusal::Schema`] if it is one of another edition.
    pub fn parse(opened: &Opened) -> Result<Self, Refusal> {
        // What could be read in two ways is refused before it is read.
        Json::parse(opened.payload()).map_err(Refusal::Order)?;
        let order: Self = serde_json::from_slice(opened.payload()).map_err(Refusal::Order)?;
        if order.schema != ORDER_SCHEMA {
            let got = order.schema.chars().take(64).collect();
            return Err(Refusal::Schema { got });
        }
        Ok(order)
    }

    /// The payload to sign.
    ///
    /// # Panics
    /// Never: texts, numbers, lists and maps of texts are JSON.
    pub fn payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an order is JSON")
    }

    /// Which chain it is for.
    pub fn network(&self) -> Network {
        Network {
            network_id: self.network_id.clone(),
            chain_id: self.chain_id,
        }
    }
}

/// A submission: the place in the log of the command that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionId(pub u64);

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A signature of ed25519, written as 128 small hex characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex64(pub [u8; 64]);

impl TryFrom<String> for Hex64 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 64];
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) if hex::encode(bytes) == text => Ok(Self(bytes)),
            _ => Err(format!(
                "a signature is 128 small hex characters, got {} characters",
                text.chars().count()
            )),
        }
    }
}

impl From<Hex64> for String {
    fn from(bytes: Hex64) -> Self {
        hex::encode(bytes.0)
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// By a key of root: the first release, all of it but snapshot and timestamp.
    Found {
        /// Root, version 1.
        root: String,
        /// Metadata of `targets` and of every role that it delegates to; `wg-deny` is one of them.
        roles: BTreeMap<RoleName, String>,
        /// The records that they list; `deny.json` is one of them.
        files: BTreeMap<TargetPath, String>,
    },
    /// By every key in the admission, and by one that the member has already, if it is one: to be admitted, or to have its admission
    /// changed. While a key is missing it is a draft, and the others send the same files again.
    Submit {
        /// The admission as it will be published.
        admission: String,
        /// Metadata of the role `m-<id>`.
        role: String,
        /// The record of nodes that they list.
        nodes: String,
    },
    /// By a key of the member: takes the submission back.
    Withdraw {
        /// Which.
        submission: SubmissionId,
    },
    /// By a key of the working group: what the draft says was found to be true. It goes into the proposal.
    Verify {
        /// Which.
        submission: SubmissionId,
        /// The draft that was looked at.
        draft_sha256: Hex32,
    },
    /// By a key of the working group: it was not.
    Reject {
        /// Which.
        submission: SubmissionId,
        /// The draft that was looked at.
        draft_sha256: Hex32,
        /// Why.
        reason: PlainText,
    },
    /// By a key of the working group: proposes that a member is not one any more.
    Revoke {
        /// Its admission, in the state `revoked`.
        admission: String,
    },
    /// By a key of the working group: proposes other keys for the deny role.
    ReplaceDenyKeys {
        /// The keys.
        keys: Vec<Hex32>,
        /// How many of them suspend.
        threshold: NonZeroU32,
        /// Metadata of `wg-deny`, the next version, signed by the new keys.
        role: String,
    },
    /// By a key of the working group: proposes the same targets for another term, or what is proposed already with an expiry from now.
    Renew {},
    /// By a key of the working group: takes everything out of the proposal. Submissions go back to where they were before they were
    /// verified, so that no change can keep the others from being signed.
    ClearProposal {},
    /// By a key of the working group, for itself: its signature under the open proposal.
    Approve {
        /// Version of the targets that are proposed.
        version: Version,
        /// sha256 of the bytes that were signed.
        signable_sha256: Hex32,
        /// The signature, as the metadata will hold it.
        signature: Hex64,
    },
    /// By a key of the member: its nodes from now on, or the same for another term.
    UpdateNodes {
        /// Metadata of the role `m-<id>`, the next version.
        role: String,
        /// The record of nodes that they list.
        nodes: String,
    },
    /// By a key of the deny role: who is suspended from now on.
    Suspend {
        /// Metadata of `wg-deny`, the next version.
        role: String,
        /// The record that they list.
        deny: String,
    },
    /// By a key of root, old or new: the next root, with one signature more. Signatures of the same root are put together.
    SignRoot {
        /// Root, the next version.
        root: String,
    },
}

impl Command {
    /// What it is called, in refusals and lists.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Submit { .. } => "submit",
            Self::Withdraw { .. } => "withdraw",
            Self::Verify { .. } => "verify",
            Self::Reject { .. } => "reject",
            Self::Revoke { .. } => "revoke",
            Self::ReplaceDenyKeys { .. } => "replace_deny_keys",
            Self::Renew {} => "renew",
            Self::ClearProposal {} => "clear_proposal",
            Self::Approve { .. } => "approve",
            Self::UpdateNodes { .. } => "update_nodes",
            Self::Suspend { .. } => "suspend",
            Self::SignRoot { .. } => "sign_root",
        }
    }
}

/// What the online keys send: the documents that complete what is [due](super::Due).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// The snapshot, if one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The timestamp.
    pub timestamp: String,
}
