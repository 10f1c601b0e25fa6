//! Why can a specification not be used? Every reason with both sides in it, and all of them at once.

use std::{fmt, path::PathBuf};

use alloy_primitives::Address;
use thiserror::Error;

use super::{built_in::names, parse::SPEC_BYTES_MAX};
use crate::{
    ids::{ConsensusKey, MemberId},
    peer_id::PeerIdError,
};

/// Why there is no specification.
#[derive(Debug, Error)]
pub enum SpecError {
    /// Neither a name nor a file.
    #[error(
        "there is no chain named {name:?} and no such file; built in are {}, anything else is the path of a TOML file",
        names()
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file is there and cannot be read.
    #[error("cannot read the chain specification {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// The file is too long to be one.
    #[error("{} is longer than a chain specification can be ({SPEC_BYTES_MAX} bytes)", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A file's contents are wrong.
    #[error("chain specification {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: Box<SpecError>,
    },
    /// Not TOML.
    #[error("not valid TOML: {reason}")]
    Syntax {
        /// Where and why.
        reason: String,
    },
    /// A template whose blanks are still open.
    #[error(
        "this is a template; {} to be filled in first:{}",
        count(unfilled, "value is", "values are"),
        list(unfilled)
    )]
    Unfilled {
        /// The blanks.
        unfilled: Vec<Unfilled>,
    },
    /// It contradicts itself or this node.
    #[error("{} found:{}", count(problems, "problem", "problems"), list(problems))]
    Invalid {
        /// Everything that is wrong.
        problems: Vec<Problem>,
    },
}

/// A blank in a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: {hint}")]
pub struct Unfilled {
    /// Where.
    pub key: String,
    /// What belongs there.
    pub hint: String,
}

/// One thing that is wrong with a specification. Keys are written as in `validators[0].account`, positions from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A key that specifications do not have.
    #[error("{key}: unknown key; known here are {known}")]
    UnknownKey {
        /// Where.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// A key that must be there.
    #[error("{key}: missing")]
    Missing {
        /// Where.
        key: String,
    },
    /// A value that cannot be read; an unknown or missing key inside a table, too.
    #[error("{key}: {reason}")]
    Value {
        /// Where.
        key: String,
        /// Why.
        reason: String,
    },
    /// A number outside its range.
    #[error("{key}: {got} is not in {min} to {max}{why}")]
    Range {
        /// Where.
        key: String,
        /// Found.
        got: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
        /// Why, if that is not plain.
        why: &'static str,
    },
    /// Two numbers that contradict each other.
    #[error("{key} is {got}, but {other_key} is {other}: {rule}")]
    Contradiction {
        /// Where.
        key: String,
        /// Found.
        got: u64,
        /// The other place.
        other_key: String,
        /// Found there.
        other: u64,
        /// What must hold.
        rule: &'static str,
    },
    /// A name that is none.
    #[error("{key}: {got:?} is no name; {rule}")]
    Name {
        /// Where.
        key: String,
        /// Found.
        got: String,
        /// What a name is.
        rule: &'static str,
    },
    /// Two entries share what must be one's own.
    #[error("{key} and {other_key} are both {value}")]
    Duplicate {
        /// The later one.
        key: String,
        /// The earlier one.
        other_key: String,
        /// What they share.
        value: String,
    },
    /// Member ids are positions.
    #[error("{key}: {got}, but ids run from 1 without gaps and the next is {expected}")]
    MemberId {
        /// Where.
        key: String,
        /// Found.
        got: MemberId,
        /// The id that belongs there.
        expected: MemberId,
    },
    /// A validator of nobody.
    #[error("{key}: there is no member {got}; there are {members}")]
    NoSuchMember {
        /// Where.
        key: String,
        /// Found.
        got: MemberId,
        /// How many members there are.
        members: usize,
    },
    /// A key of one member in the hands of another.
    #[error("{key}: {address} is {other_key} of member {other}, but this validator is member {member}'s")]
    OtherMembersKey {
        /// Where.
        key: String,
        /// The key's address.
        address: Address,
        /// The member of the validator.
        member: MemberId,
        /// Where the address is, too.
        other_key: String,
        /// The member there.
        other: MemberId,
    },
    /// An address that nobody's key has.
    #[error("{key}: {address} is {what}, which no key belongs to")]
    NotAnAccount {
        /// Where.
        key: String,
        /// Found.
        address: Address,
        /// What it is.
        what: &'static str,
    },
    /// Bytes that no ed25519 key has.
    #[error("{key}: {got} is no ed25519 public key that can sign")]
    ConsensusKey {
        /// Where.
        key: String,
        /// Found.
        got: ConsensusKey,
    },
    /// A text that is no peer id.
    #[error("{key}: {reason}")]
    PeerId {
        /// Where.
        key: String,
        /// Why.
        reason: PeerIdError,
    },
    /// An address of no peer.
    #[error("{key}: {got:?} is not of the form /ip4/…/tcp/…/p2p/<peer id> or /dns/…/udp/…/quic-v1/p2p/<peer id>")]
    Bootnode {
        /// Where.
        key: String,
        /// Found.
        got: String,
    },
    /// A key that everybody has, outside the built-in chains.
    #[error(
        "{key}: {value} is a public development key; only the built-in chains dev (6300) and testnet (6301) may name it"
    )]
    DevelopmentKey {
        /// Where.
        key: String,
        /// The key or its address.
        value: String,
    },
    /// The balances do not fit into 256 bits together.
    #[error("balances: their sum is 2^256 or more")]
    BalancesOverflow,
}

fn count<T>(list: &[T], one: &str, many: &str) -> String {
    format!("{} {}", list.len(), if list.len() == 1 { one } else { many })
}

fn list<T: fmt::Display>(list: &[T]) -> String {
    list.iter().map(|entry| format!("\n  - {entry}")).collect()
}
