//! What does the working group say of a member, and the member of its nodes? Two records for each member and one for all, as target
//! files of the repository.
//!
//! `m.<id>.admission.json` is the working group's: who the member is, which keys it signs with, how many validators it may run and
//! until when. `m.<id>.nodes.json` is the member's own, under its delegated role `m-<id>`: the nodes with the keys that the Bootstrap
//! contract asks a candidate for, and a proof by each key that its holder meant it. Names and keys are those of the contract's
//! `Candidate` and of the chain specification. `deny.json` is the deny role's: who may not validate for now.
//!
//! Strict: unknown fields, repeated names, fractions and unbounded texts are refused. Organisations only, no persons. Pure: the
//! time comes in. Called by the [writer](crate::repository), which publishes no records that contradict each other.
//!
//! Read in this order: [`names`], [`admission`], [`nodes`], [`proof`], [`deny`], [`register`] (all records together).

pub mod admission;
pub mod deny;
pub mod names;
pub mod nodes;
pub mod proof;
pub mod register;

pub use admission::{ADMISSION_SCHEMA, Admission, Passport, State};
pub use deny::{DENY_SCHEMA, Deny, Suspension};
pub use names::{Hex32, Network, NetworkId, NotaryId, Place, PlainText};
pub use nodes::{NODES_SCHEMA, Node, Nodes};
pub use proof::{KeyRole, ProofError, Proofs, Statement};
pub use register::{Record, Register, RegisterError};

use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use crate::tuf::json::Json;

/// Longest record: a member with its most nodes has under 40 kB.
pub const RECORD_BYTES_MAX: usize = 64 << 10;

/// Why bytes are no record.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Longer than any record.
    #[error("a record has at most {RECORD_BYTES_MAX} bytes, got {bytes}")]
    TooLong {
        /// Bytes found.
        bytes: usize,
    },
    /// No JSON, or not of its schema.
    #[error("not a record of its schema: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Fields that are not what they should be.
    #[error("not a record of its schema: {0}")]
    Rule(String),
}

/// Reads a record of any kind.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    if bytes.len() > RECORD_BYTES_MAX {
        let bytes = bytes.len();
        return Err(RecordError::TooLong { bytes });
    }
    // What could be read in two ways is refused before it is read.
    Json::parse(bytes)?;
    Ok(serde_json::from_slice(bytes)?)
}

/// A list with a bound, for `deserialize_with`.
fn bounded<'de, D, T, const LEAST: usize, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if (LEAST..=MOST).contains(&list.len()) {
        return Ok(list);
    }
    let what = format!("a list of {LEAST} to {MOST} entries was expected, got {}", list.len());
    Err(serde::de::Error::custom(what))
}
