//! Who is the member, and what may it do? The working group's record.

use serde::{Deserialize, Serialize};

use super::{Hex32, Network, NetworkId, NotaryId, PlainText, RecordError, bounded, nodes::NODES_MAX, read};
use crate::tuf::UnixSeconds;

/// Most keys of a member's role: a handful of people.
pub const MEMBER_KEYS_MAX: usize = 8;

/// Most keys of passport issuers behind one admission.
pub const ISSUERS_MAX: usize = 16;

/// Longest name of a member on the chain, in bytes: `MEMBER_NAME_BYTES_MAX` of the Bootstrap contract.
pub const MEMBER_NAME_BYTES_MAX: usize = 64;

/// What the record says that it is.
pub const ADMISSION_SCHEMA: &str = "cloud-ledger-admission/1";

/// Whether the member may validate now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may.
    Active,
    /// Not for now.
    Suspended,
    /// Not any more.
    Revoked,
}

/// How it was found out who the member is. The evidence itself stays with the working group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passport {
    /// The passport programme.
    pub scheme: PlainText,
    /// Its number of the certificate.
    pub cert_id: PlainText,
    /// Salted hash of the evidence.
    pub evidence_sha256: Hex32,
    /// Keys of those who vouched.
    #[serde(deserialize_with = "bounded::<_, _, 1, ISSUERS_MAX>")]
    pub issuer_keyids: Vec<Hex32>,
}

/// The record `m.<id>.admission.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// [`ADMISSION_SCHEMA`].
    pub schema: String,
    /// The network.
    pub network_id: NetworkId,
    /// Its chain id.
    pub chain_id: u64,
    /// What the notary calls the member.
    pub member_id: NotaryId,
    /// What the chain calls it: `memberName` of the candidate, for a member that the chain does not know yet.
    pub member_name: PlainText,
    /// Its name in law.
    pub legal_name: PlainText,
    /// Its number in the register of its jurisdiction.
    pub registration_no: PlainText,
    /// ISO 3166-1, two letters.
    pub jurisdiction: String,
    /// How that was found out.
    pub passport: Passport,
    /// Ed25519 keys of its role `m-<id>`.
    #[serde(deserialize_with = "bounded::<_, _, 1, MEMBER_KEYS_MAX>")]
    pub member_keys: Vec<Hex32>,
    /// How many validators it may run.
    pub max_validators: u32,
    /// From when on.
    pub not_before: UnixSeconds,
    /// Until when.
    pub not_after: UnixSeconds,
    /// Whether it may validate now.
    pub state: State,
    /// 1, and one more with every change.
    pub seq: u64,
    /// sha256 of the record before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_sha256: Option<Hex32>,
}

/// The first reason why fields that are all well do not go together.
fn check(record: &Admission) -> Result<(), String> {
    let most = u32::try_from(NODES_MAX).expect("a small number");
    let is_country = record.jurisdiction.len() == 2 && record.jurisdiction.bytes().all(|b| b.is_ascii_uppercase());
    let name_bytes = record.member_name.to_string().len();
    let mut keys = record.member_keys.clone();
    keys.sort_unstable();
    keys.dedup();
    if record.schema != ADMISSION_SCHEMA {
        return Err(format!("schema is {ADMISSION_SCHEMA:?}, got {:?}", record.schema));
    }
    if !is_country {
        return Err(format!(
            "jurisdiction is two capital letters (ISO 3166-1), got {:?}",
            record.jurisdiction
        ));
    }
    if name_bytes > MEMBER_NAME_BYTES_MAX {
        return Err(format!(
            "member_name has at most {MEMBER_NAME_BYTES_MAX} bytes, got {name_bytes}"
        ));
    }
    if keys.len() != record.member_keys.len() {
        return Err("member_keys names one key twice".to_owned());
    }
    if !(1..=most).contains(&record.max_validators) {
        return Err(format!("max_validators is 1 to {most}, got {}", record.max_validators));
    }
    if record.not_before >= record.not_after {
        return Err(format!(
            "not_before ({}) comes before not_after ({})",
            record.not_before, record.not_after
        ));
    }
    check_sequence(record.seq, record.prev_sha256)
}

/// The first record of its place has nothing before it, and every other one has.
pub(super) fn check_sequence(seq: u64, prev: Option<Hex32>) -> Result<(), String> {
    match (seq, prev) {
        (0, _) => Err("seq starts at 1, got 0".to_owned()),
        (1, Some(_)) => Err("seq 1 has no prev_sha256".to_owned()),
        (2.., None) => Err(format!("seq {seq} needs prev_sha256")),
        _ => Ok(()),
    }
}

impl Admission {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] for the first reason why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = read(bytes)?;
        check(&record).map_err(RecordError::Rule)?;
        Ok(record)
    }

    /// Which chain it is for.
    pub fn network(&self) -> Network {
        Network {
            network_id: self.network_id.clone(),
            chain_id: self.chain_id,
        }
    }
}
