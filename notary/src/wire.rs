//! What do server and clients say to each other, beside envelopes? The JSON forms of what both of them read or write.
//!
//! Nothing in them is signed as a whole: whoever acts on one checks what it names. The server fills them, the commands and the
//! [signer](crate::signer) read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    desk::{Due, Proposal, RootProposal, Why},
    records::Hex32,
    repository::Release,
    tuf::{RoleName, TargetPath, UnixSeconds, Version},
};

/// Why the online keys are asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyDue {
    /// Something is ready to be published.
    Changes,
    /// The snapshot will expire soon.
    Snapshot,
    /// The timestamp is an hour old.
    Timestamp,
}

/// What the online keys are asked to sign for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueView {
    /// Why.
    pub why: WhyDue,
    /// A new root.
    pub root: Option<String>,
    /// New metadata of roles.
    pub roles: BTreeMap<RoleName, String>,
    /// New or changed files.
    pub files: BTreeMap<TargetPath, String>,
    /// Whether a snapshot is to be signed.
    pub snapshot: bool,
}

/// The answer to the question what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueAnswer {
    /// What is; nothing if all is published and fresh.
    pub due: Option<DueView>,
}

/// A proposal, to look at and to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalView {
    /// Version of the targets or of the root that is proposed.
    pub version: Version,
    /// The exact bytes to sign; canonical JSON is text.
    pub signable: String,
    /// Their sha256.
    pub signable_sha256: Hex32,
    /// What would change, in words.
    pub difference: Vec<String>,
    /// The keys that signed already.
    pub signed_by: Vec<Hex32>,
}

/// The word that something was taken down for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The entry of the log.
    pub seq: u64,
    /// When.
    pub at: UnixSeconds,
}

/// Metadata and records are read as JSON before they are taken, and JSON is text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl From<&Due> for DueView {
    fn from(due: &Due) -> Self {
        let Release { root, roles, files, .. } = &due.release;
        Self {
            why: match due.why {
                Why::Changes => WhyDue::Changes,
                Why::Snapshot => WhyDue::Snapshot,
                Why::Timestamp => WhyDue::Timestamp,
            },
            root: root.as_deref().map(text),
            roles: roles.iter().map(|(role, bytes)| (role.clone(), text(bytes))).collect(),
            files: files.iter().map(|(path, bytes)| (path.clone(), text(bytes))).collect(),
            snapshot: due.snapshot.is_some(),
        }
    }
}

impl From<&Proposal> for ProposalView {
    fn from(proposal: &Proposal) -> Self {
        Self {
            version: proposal.version(),
            signable: text(proposal.signable()),
            signable_sha256: proposal.signable_sha256(),
            difference: proposal.difference().to_vec(),
            signed_by: proposal.approvals().copied().collect(),
        }
    }
}

impl From<&RootProposal> for ProposalView {
    fn from(proposal: &RootProposal) -> Self {
        Self {
            version: proposal.root().version,
            signable: text(proposal.signable()),
            signable_sha256: proposal.signable_sha256(),
            difference: Vec::new(),
            signed_by: proposal.signers().copied().collect(),
        }
    }
}
