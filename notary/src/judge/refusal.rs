//! Why is a candidate not voted for? One reason for each rule, with what was expected and what came.

use alloy_primitives::Address;
use thiserror::Error;

use super::CLOCK_SKEW_SECONDS_MAX;
use crate::{
    records::{KeyRole, Network, NotaryId, Place, ProofError, RecordError, State},
    tuf::{FloorError, UnixSeconds},
};

/// Why what was gathered says nothing about today any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StaleError {
    /// The timestamp has expired since.
    #[error("the notary's timestamp expired at {expires}, and it is {now}: a freeze attack, or the notary is down")]
    Expired {
        /// When it expired.
        expires: UnixSeconds,
        /// The time of judgement.
        now: UnixSeconds,
    },
    /// It lives for longer than a timestamp may.
    #[error(
        "the notary's timestamp expires at {expires}, more than 24 hours and {CLOCK_SKEW_SECONDS_MAX} seconds after {now}: it does not \
         show that it is a day old at most, or this clock is behind"
    )]
    LivesTooLong {
        /// When it expires.
        expires: UnixSeconds,
        /// The time of judgement.
        now: UnixSeconds,
    },
}

/// Why a candidate is not voted for.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The notary says nothing about today.
    #[error(transparent)]
    Stale(#[from] StaleError),
    /// The chain has seen newer metadata, or others.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// Nobody by this name was admitted.
    #[error("the working group has admitted no member that the chain calls {name:?}")]
    NoAdmission {
        /// What the chain calls it.
        name: String,
    },
    /// One name, two members.
    #[error("the working group has admitted both {first} and {second} as {name:?}: it must correct one of them")]
    TwoAdmissions {
        /// What the chain calls both.
        name: String,
        /// The one.
        first: NotaryId,
        /// The other.
        second: NotaryId,
    },
    /// A record that is none.
    #[error("{place}: {source}")]
    Record {
        /// Which.
        place: Place,
        /// What is wrong with it.
        source: RecordError,
    },
    /// A record that speaks of another member than its path does.
    #[error("{place} speaks of member {got}")]
    OtherMember {
        /// Which.
        place: Place,
        /// The member in it.
        got: NotaryId,
    },
    /// A record for another chain.
    #[error("{place} is for network {got}, this chain is {expected}")]
    OtherNetwork {
        /// Which.
        place: Place,
        /// This chain.
        expected: Network,
        /// The network in it.
        got: Network,
    },
    /// Without the deny record, nobody is admitted.
    #[error("deny.json cannot be read, without which nobody is admitted: {reason}")]
    DenyMissing {
        /// Why.
        reason: String,
    },
    /// The deny role suspended the member.
    #[error("deny.json suspends {member} since {since}")]
    Denied {
        /// The member.
        member: NotaryId,
        /// Since when.
        since: UnixSeconds,
    },
    /// The working group suspended or revoked it.
    #[error("the admission of {member} is {state:?}, a validator needs Active")]
    NotActive {
        /// The member.
        member: NotaryId,
        /// What it is.
        state: State,
    },
    /// Too early.
    #[error("the admission of {member} begins at {not_before}, and it is {now}")]
    NotYet {
        /// The member.
        member: NotaryId,
        /// When it begins.
        not_before: UnixSeconds,
        /// The time of judgement.
        now: UnixSeconds,
    },
    /// Too late.
    #[error("the admission of {member} ended at {not_after}, and it is {now}: the working group has to renew it")]
    Over {
        /// The member.
        member: NotaryId,
        /// When it ended.
        not_after: UnixSeconds,
        /// The time of judgement.
        now: UnixSeconds,
    },
    /// The candidate names another record than the one that is published.
    #[error(
        "the candidate names the record of nodes {got}, published is {expected}: withdraw the request and ask again"
    )]
    RecordHash {
        /// sha256 of what is published.
        expected: String,
        /// What the candidate names.
        got: String,
    },
    /// The member's record has no such node.
    #[error("{place} has no node with the account {account}")]
    NoSuchNode {
        /// The record.
        place: Place,
        /// The candidate's account.
        account: Address,
    },
    /// Its node has another key than the candidate.
    #[error("the {role} key of the candidate {account} is {got}, {place} says {expected}")]
    OtherKey {
        /// Which key.
        role: KeyRole,
        /// The candidate's account.
        account: Address,
        /// The record.
        place: Place,
        /// The key in the record.
        expected: String,
        /// The candidate's.
        got: String,
    },
    /// A key has not given its word.
    #[error("{place}: {source}")]
    Proof {
        /// The record.
        place: Place,
        /// Whose word is missing.
        source: ProofError,
    },
    /// A key has its place already.
    #[error("the {role} key {key} of the candidate {account} is that of {holder} already; every key has one place")]
    KeyTwice {
        /// Which key.
        role: KeyRole,
        /// The key.
        key: String,
        /// The candidate's account.
        account: Address,
        /// The account that has it.
        holder: Address,
    },
    /// The member has all the validators that it may have.
    #[error("{member} may run {most} validators, and has {got} in the set already")]
    TooManyValidators {
        /// The member.
        member: NotaryId,
        /// How many it may have.
        most: u32,
        /// How many it has.
        got: u32,
    },
}
