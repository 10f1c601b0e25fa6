//! May this candidate validate? What each validator decides for itself before it votes, from metadata that it has verified and from
//! what the chain says.
//!
//! [`gather()`] reads what a repository says today through whoever can fetch; [`Findings::judge`] holds a candidate against it and gives
//! the [`Tuple`] to vote for, or the [`Refusal`] that names the rule. Two validators that were shown the same metadata get the same
//! tuple: root and targets count by what was signed, whichever signatures came with it, and records by their files, which the
//! metadata pin. Fails closed: what is missing, late or contradictory admits nobody. Pure: no clock, no socket, no disk; called by
//! the node and by its command line.

mod findings;
mod gather;
mod refusal;

pub use findings::{Findings, Stamp, Standing};
pub use gather::{ADMISSIONS_MAX, Files, GatherError, RECORD_ROLE_BYTES_MAX, gather, nodes_of};
pub use refusal::{Refusal, StaleError};

use alloy_primitives::Address;
use ledger_chainspec::ConsensusKey;

use crate::{
    records::Network,
    repository::TIMESTAMP_LIFE_MAX,
    tuf::{Floor, UnixSeconds},
};

/// Longest time that a timestamp may have to live: one that lives longer does not show that it is at most a day old.
pub const TIMESTAMP_AGE_MAX_SECONDS: u64 = 86_400;

/// How far a judge's clock may be behind that of the online keys. They sign for all the time that a timestamp may live, so that
/// without this the slightest delay would refuse every one in the first moments of each hour. Clocks that are kept by NTP differ by
/// less than a second, those that are not by minutes in a month.
pub const CLOCK_SKEW_SECONDS_MAX: u64 = 300;

const _: () = assert!(TIMESTAMP_LIFE_MAX <= TIMESTAMP_AGE_MAX_SECONDS);
const _: () = assert!(CLOCK_SKEW_SECONDS_MAX < TIMESTAMP_AGE_MAX_SECONDS / 100);

/// The keys of a validator, as the Bootstrap contract has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The ed25519 key of the consensus.
    pub consensus_key: ConsensusKey,
    /// The secp256k1 address that signs checkpoints.
    pub checkpoint_key: Address,
    /// The bytes of its libp2p peer id.
    pub peer_id: Vec<u8>,
}

/// Who asks to be admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What the chain calls the member: the candidate's `memberName`, or the name of the member `memberId`.
    pub member_name: String,
    /// The account that asks.
    pub account: Address,
    /// Its keys; `None` if it asks for membership alone.
    pub keys: Option<Keys>,
    /// `recordHash`: the sha256 of the member's record of nodes, as it was published when the candidate asked.
    pub record_hash: [u8; 32],
}

/// A validator, or a candidate that asked earlier: its keys are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its account.
    pub account: Address,
    /// Its keys.
    pub keys: Keys,
}

/// What a candidate is judged by besides the notary's word.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// The chain.
    pub network: &'a Network,
    /// The time of judgement.
    pub now: UnixSeconds,
    /// What the chain has seen of the notary.
    pub floor: Floor,
    /// Validators that the candidate's member has in the set.
    pub validators: u32,
    /// Whose keys are taken.
    pub holders: &'a [Holder],
}

/// What a vote for an admission names. The contract adds up identical ones alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The trusted root.
    pub root: Stamp,
    /// The working group's targets.
    pub targets: Stamp,
    /// sha256 of the file of the admission.
    pub admission_sha256: [u8; 32],
    /// sha256 of the file of the member's nodes.
    pub nodes_sha256: [u8; 32],
}
