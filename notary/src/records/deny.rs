//! Who may not validate for now? The record of the deny role: members that it suspended, at once and without the working group.
//!
//! The role `wg-deny` has few keys and a low threshold, so that somebody can act at night. It can only take away: a member that is
//! listed may not validate, whatever its admission says, and no word of this record admits anybody. Readers without the record admit
//! nobody either, so that whoever keeps it back gains nothing.

use serde::{Deserialize, Serialize};

use super::{Hex32, Network, NetworkId, NotaryId, RecordError, admission::check_sequence, bounded, read};
use crate::tuf::UnixSeconds;

/// Most members that are suspended at once: twice the largest validator set, and they still fit a record.
pub const SUSPENDED_MAX: usize = 256;

/// What the record says that it is.
pub const DENY_SCHEMA: &str = "cloud-ledger-deny/1";

/// A member that may not validate, from the moment on that the record is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// What the notary calls the member.
    pub member_id: NotaryId,
    /// When it was decided, for people; being listed is what counts.
    pub since: UnixSeconds,
    /// Salted hash of the reason, which stays with the working group.
    pub reason_sha256: Hex32,
}

/// The record `deny.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    /// [`DENY_SCHEMA`].
    pub schema: String,
    /// The network.
    pub network_id: NetworkId,
    /// Its chain id.
    pub chain_id: u64,
    /// 1, and one more with every change.
    pub seq: u64,
    /// sha256 of the record before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_sha256: Option<Hex32>,
    /// Each member once, sorted by its id.
    #[serde(deserialize_with = "bounded::<_, _, 0, SUSPENDED_MAX>")]
    pub suspended: Vec<Suspension>,
}

impl Deny {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] for the first reason why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = read(bytes)?;
        record.check().map_err(RecordError::Rule)?;
        Ok(record)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != DENY_SCHEMA {
            return Err(format!("schema is {DENY_SCHEMA:?}, got {:?}", self.schema));
        }
        check_sequence(self.seq, self.prev_sha256)?;
        // One order, so that whoever suspends the same members publishes the same list.
        let unsorted = self
            .suspended
            .windows(2)
            .find(|pair| pair[0].member_id >= pair[1].member_id);
        match unsorted {
            None => Ok(()),
            Some(pair) => Err(format!(
                "suspended names each member once, sorted by member_id, got {} after {}",
                pair[1].member_id, pair[0].member_id
            )),
        }
    }

    /// Which chain it is for.
    pub fn network(&self) -> Network {
        Network {
            network_id: self.network_id.clone(),
            chain_id: self.chain_id,
        }
    }

    /// The member's suspension, if it is suspended.
    pub fn suspension(&self, member: &NotaryId) -> Option<&Suspension> {
        let at = self.suspended.binary_search_by(|entry| entry.member_id.cmp(member));
        at.ok().and_then(|at| self.suspended.get(at))
    }
}
