//! Which papers go with a command? Metadata of a role that lists one record, and the record that follows the published one.
//!
//! Pure: keys, bytes and times come in.

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

use super::error::ClientError;
use crate::{
    records::{Admission, DENY_SCHEMA, Deny, Hex32, Network, NotaryId, Place, State, Suspension},
    repository::Unsigned,
    tuf::{Key, Signature, TargetFile, Targets, UnixSeconds, Version},
};

/// Metadata of the role that lists a record, and nothing else, signed by each of `keys`.
pub fn role(place: &Place, record: &[u8], version: Version, expires: UnixSeconds, keys: &[SigningKey]) -> Vec<u8> {
    let mut targets = Targets::new(version, expires);
    targets.targets.insert(place.path(), TargetFile::of(record));
    let unsigned = Unsigned::new(targets);
    let sign = |key| signature(key, unsigned.signable());
    unsigned.file(&keys.iter().map(sign).collect::<Vec<_>>())
}

/// A key's signature, as metadata hold it.
///
/// # Panics
/// Never: the id of a key is a name.
pub fn signature(key: &SigningKey, signable: &[u8]) -> Signature {
    let id = Key::Ed25519(key.verifying_key().to_bytes()).id();
    Signature::new(id.into(), &key.sign(signable).to_bytes()).expect("the id of a key is a name")
}

/// The first list of suspended members: empty.
///
/// # Panics
/// Never: a record is JSON.
pub fn first_deny(network: &Network) -> Vec<u8> {
    text(&Deny {
        schema: DENY_SCHEMA.to_owned(),
        network_id: network.network_id.clone(),
        chain_id: network.chain_id,
        seq: 1,
        prev_sha256: None,
        suspended: Vec::new(),
    })
}

/// What is to become of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspend {
    /// It may not validate, for a reason with this hash.
    Begin {
        /// When that was decided.
        since: UnixSeconds,
        /// Hash of the reason.
        reason_sha256: Hex32,
    },
    /// It may again.
    Lift,
}

/// The list after the one that is published.
///
/// # Errors
/// [`ClientError::Unchanged`] if it would be the same, [`ClientError::Record`] if the published one is none.
pub fn next_deny(published: &[u8], member: &NotaryId, change: Suspend) -> Result<Vec<u8>, ClientError> {
    let place = Place::Deny;
    let mut deny = Deny::parse(published).map_err(|source| ClientError::Record { place, source })?;
    let at = deny.suspended.binary_search_by(|entry| entry.member_id.cmp(member));
    let unchanged = |state| ClientError::Unchanged {
        member: member.clone(),
        state,
    };
    match (at, change) {
        (Err(at), Suspend::Begin { since, reason_sha256 }) => {
            let member_id = member.clone();
            deny.suspended.insert(
                at,
                Suspension {
                    member_id,
                    since,
                    reason_sha256,
                },
            );
        }
        (Ok(at), Suspend::Lift) => drop(deny.suspended.remove(at)),
        (Ok(_), Suspend::Begin { .. }) => return Err(unchanged("suspended")),
        (Err(_), Suspend::Lift) => return Err(unchanged("free to validate")),
    }
    deny.seq += 1;
    deny.prev_sha256 = Some(sha256(published));
    Ok(text(&deny))
}

/// The admission that ends the one that is published.
///
/// # Errors
/// [`ClientError::Unchanged`] if it ended already, [`ClientError::Record`] if the published one is none.
pub fn revoked(published: &[u8], member: &NotaryId) -> Result<Vec<u8>, ClientError> {
    let place = Place::Admission(member.clone());
    let mut admission = Admission::parse(published).map_err(|source| ClientError::Record { place, source })?;
    if admission.state == State::Revoked {
        let (member, state) = (member.clone(), "revoked");
        return Err(ClientError::Unchanged { member, state });
    }
    admission.state = State::Revoked;
    admission.seq += 1;
    admission.prev_sha256 = Some(sha256(published));
    Ok(text(&admission))
}

/// sha256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Hex32 {
    Hex32(Sha256::digest(bytes).into())
}

fn text(record: &impl serde::Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(record).expect("a record is JSON");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::NetworkId;

    fn id(text: &str) -> NotaryId {
        NotaryId::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_list_follows_the_one_before_it() {
        let network = Network {
            network_id: NetworkId::try_from("test-net".to_owned()).unwrap(),
            chain_id: 6301,
        };
        let begin = Suspend::Begin {
            since: UnixSeconds::new(1_795_651_200),
            reason_sha256: Hex32([7; 32]),
        };
        let first = first_deny(&network);
        assert!(matches!(
            next_deny(&first, &id("b"), Suspend::Lift),
            Err(ClientError::Unchanged { .. })
        ));
        let second = next_deny(&first, &id("b"), begin).unwrap();
        let third = next_deny(&second, &id("a"), begin).unwrap();
        assert!(matches!(
            next_deny(&third, &id("a"), begin),
            Err(ClientError::Unchanged { .. })
        ));
        let names = |record: &[u8]| -> Vec<String> {
            Deny::parse(record)
                .unwrap()
                .suspended
                .iter()
                .map(|entry| entry.member_id.to_string())
                .collect()
        };
        assert_eq!(names(&third), ["a", "b"], "sorted");
        let fourth = next_deny(&third, &id("b"), Suspend::Lift).unwrap();
        assert_eq!(names(&fourth), ["a"]);
        let record = Deny::parse(&fourth).unwrap();
        assert_eq!((record.seq, record.prev_sha256), (4, Some(sha256(&third))));
    }
}
