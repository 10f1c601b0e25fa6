//! Who runs the chain, and what they decide.

use alloy_primitives::{Address, B256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorInfo {
    /// Its place in the schedule: it is the authority of every slot with `slot % size == index`.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Its account, which governs.
    pub account: Address,
    /// Its ed25519 public key, which signs blocks and votes.
    pub consensus_key: B256,
    /// The address of its key for the mainchain.
    pub checkpoint_key: Address,
    /// Its libp2p peer id, in base58.
    pub peer_id: String,
    /// The member whose validator it is.
    #[serde(with = "quantity")]
    pub member_id: u32,
    /// That member's name.
    pub cloud: String,
}

/// The validators that decide the next block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorsInfo {
    /// Number of the set.
    #[serde(with = "quantity")]
    pub set_id: u64,
    /// Hash of the set, which headers commit to.
    pub set_hash: B256,
    /// Votes that make a block final.
    #[serde(with = "quantity")]
    pub quorum: u64,
    /// The validators in the order of their turns.
    pub validators: Vec<ValidatorInfo>,
}

/// What a proposal would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProposalKind {
    /// Take a candidate into the validator set.
    Admit,
    /// Remove a validator.
    Remove,
    /// Remove a member.
    RemoveMember,
    /// Change how checkpoints are made.
    SetCheckpointConfig,
    /// Define an instance specification.
    DefineSpec,
    /// Change what one holder may have.
    SetLimits,
    /// Go on from an earlier checkpoint.
    Recover,
}

/// Where an open proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProposalStatus {
    /// It takes votes.
    Open,
    /// It has its majority; its timelock runs, or it waits to be executed.
    Passed,
}

/// One validator's vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalVote {
    /// The validator's account.
    pub validator: Address,
    /// For or against.
    pub support: bool,
}

/// What the notary says of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotaryState {
    /// All is as it should be.
    Good,
    /// A rule is broken.
    Refused,
    /// It cannot be said now.
    Unknown,
}

/// What a node found about a request for admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotaryVerdict {
    /// In a word.
    pub state: NotaryState,
    /// The rule, what was expected and what came.
    pub words: String,
    /// When it was found, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub checked_at: u64,
}

/// One thing that a proposal would set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalChange {
    /// What.
    pub name: String,
    /// What it is now; absent if it does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it would be.
    pub to: String,
}

/// A proposal of the validators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalInfo {
    /// Its number.
    #[serde(with = "quantity")]
    pub proposal_id: u64,
    /// What it would do.
    pub kind: ProposalKind,
    /// Where it stands.
    pub status: ProposalStatus,
    /// Who opened it.
    pub proposer: Address,
    /// When it was opened, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub opened_at: u64,
    /// Until when it can pass, in seconds since the Unix epoch.
    #[serde(with = "quantity")]
    pub expires_at: u64,
    /// From when it can be executed, in seconds since the Unix epoch; absent until it has passed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::opt")]
    pub executable_at: Option<u64>,
    /// Votes that count together now.
    #[serde(with = "quantity")]
    pub votes_for: u64,
    /// Votes that it needs.
    #[serde(with = "quantity")]
    pub votes_needed: u64,
    /// The votes of current validators.
    pub votes: Vec<ProposalVote>,
    /// What this node found at the notary, of a request for admission; absent if it has not looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notary: Option<NotaryVerdict>,
    /// What it would do, as a sentence.
    pub summary: String,
    /// What would be another, against what holds at the newest block.
    pub changes: Vec<ProposalChange>,
}
