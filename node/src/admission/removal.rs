//! Whom does the notary take out of the set? Validators whose member is suspended or revoked.
//!
//! Pure. A suspension takes the same way as a revocation, since a validator that is in the set has its turns and nothing less does;
//! the member asks for admission again once it is active, with the same keys. An admission that has merely run out takes nobody out:
//! late paperwork must not cost the chain its blocks.
//!
//! The notary's word alone takes out no more validators than the chain can lose, or whoever had its keys could stop the chain. That is
//! counted against the set as it would be with those who were removed before and are not back, whether or not they are still excluded:
//! a bound without memory would let the same keys take two of seven, then one of five, then one of four. So a quorum of that whole set
//! stays, and above the bound people decide. They also say when somebody is gone for good: by voting its member out, they begin the
//! count anew.

use alloy_primitives::Address;
use ledger_chainspec::quorum_of;
use ledger_notary::{
    judge::{Findings, Standing},
    records::Network,
    tuf::UnixSeconds,
};
use thiserror::Error;

use super::chain::{Facts, Seated};

/// A validator that the notary excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its account.
    pub account: Address,
    /// Why.
    pub reason: String,
}

/// More validators than the notary's word alone may take out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the notary excludes {got} of {size} validators, {removed} more were removed before and are not back, and of these {} the chain can \
     lose {most}: none of them is removed without a person's vote (ledger-node validator propose removal); who is gone for good is not \
     counted once its member is voted out (propose member-removal)",
    .size + .removed
)]
pub struct TooManyExcluded {
    /// Validators that it excludes.
    pub got: usize,
    /// Validators in the set.
    pub size: usize,
    /// Validators that were removed and are not back.
    pub removed: usize,
    /// Validators that the others make blocks without, of those in the set and those that were removed.
    pub most: usize,
}

/// The validators of the set that the notary's word removes at `now`.
///
/// # Errors
/// [`TooManyExcluded`]
pub fn excluded(
    facts: &Facts,
    findings: &Findings,
    network: &Network,
    now: UnixSeconds,
) -> Result<Vec<Excluded>, TooManyExcluded> {
    let reason_of = |seated: &Seated| match findings.standing(&seated.member_name, network, now) {
        Standing::Excluded(refusal) => Some(Excluded {
            account: seated.account,
            reason: refusal.to_string(),
        }),
        Standing::Active | Standing::Unclear(_) => None,
    };
    let excluded: Vec<_> = facts.set.iter().filter_map(reason_of).collect();
    check(excluded.len(), facts.set.len(), facts.removed.len())?;
    Ok(excluded)
}

/// Whether the notary's word may take `got` validators out of a set of `size`, after `removed` others that are not back.
fn check(got: usize, size: usize, removed: usize) -> Result<(), TooManyExcluded> {
    let whole = size.saturating_add(removed);
    let most = whole.saturating_sub(quorum_of(whole));
    if got > 0 && got.saturating_add(removed) > most {
        return Err(TooManyExcluded {
            got,
            size,
            removed,
            most,
        });
    }
    Ok(())
}

impl Excluded {
    /// Whether `account` is among them.
    #[must_use]
    pub fn has(excluded: &[Self], account: Address) -> bool {
        excluded.iter().any(|excluded| excluded.account == account)
    }
}

#[cfg(test)]
mod tests {
    use ledger_notary::{judge::Stamp, records::NotaryId, tuf::Version};
    use serde_json::{Value, json};

    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_795_651_200);

    fn network() -> Network {
        Network {
            network_id: "test".to_owned().try_into().unwrap(),
            chain_id: 1,
        }
    }

    fn admission(number: usize, field: &str, value: Value) -> (NotaryId, Vec<u8>) {
        let id = format!("m{number}");
        let mut record = json!({
            "schema": "cloud-ledger-admission/1", "network_id": "test", "chain_id": 1, "member_id": id,
            "member_name": format!("Cloud {number}"), "legal_name": "x", "registration_no": "1", "jurisdiction": "DE",
            "passport": { "scheme": "x", "cert_id": "1", "evidence_sha256": "11".repeat(32), "issuer_keyids": ["22".repeat(32)] },
            "member_keys": ["33".repeat(32)], "max_validators": 1, "not_before": "2020-01-01T00:00:00Z",
            "not_after": "2090-01-01T00:00:00Z", "state": "active", "seq": 1,
        });
        record[field] = value;
        (id.try_into().unwrap(), record.to_string().into_bytes())
    }

    /// Seven validators; of the first `count` members something else is said.
    fn outcome(count: usize, field: &str, value: &Value) -> Result<Vec<Address>, TooManyExcluded> {
        let stamp = Stamp {
            version: Version::FIRST,
            sha256: [0; 32],
        };
        let admissions = (0..7).map(|number| match number < count {
            true => admission(number, field, value.clone()),
            false => admission(number, "seq", 1.into()),
        });
        let deny =
            json!({ "schema": "cloud-ledger-deny/1", "network_id": "test", "chain_id": 1, "seq": 1, "suspended": [] });
        let deny = Ok(deny.to_string().into_bytes());
        let findings = Findings::new((stamp, stamp), NOW.plus(60), admissions, deny);
        let set = (0..7_u8).map(|number| Seated {
            account: Address::with_last_byte(number),
            member_name: format!("Cloud {number}"),
        });
        let facts = Facts {
            set: set.collect(),
            ..Facts::default()
        };
        let excluded = excluded(&facts, &findings, &network(), NOW)?;
        Ok(excluded.into_iter().map(|excluded| excluded.account).collect())
    }

    #[test]
    fn suspended_and_revoked_members_are_excluded_and_late_ones_are_not() {
        let first = [Address::with_last_byte(0)];
        for state in ["suspended", "revoked"] {
            assert_eq!(outcome(1, "state", &state.into()).unwrap(), first);
        }
        for (field, value) in [
            ("not_after", json!("2026-01-01T00:00:00Z")),
            ("member_name", json!("another")),
            ("chain_id", json!(2)),
            ("schema", json!("none")),
        ] {
            assert!(outcome(1, field, &value).unwrap().is_empty(), "{field}");
        }
    }

    #[test]
    fn above_what_the_chain_can_lose_people_decide() {
        assert_eq!(outcome(2, "state", &"revoked".into()).unwrap().len(), 2);
        let error = outcome(3, "state", &"revoked".into()).unwrap_err();
        assert_eq!((error.got, error.size, error.removed, error.most), (3, 7, 0, 2));
        let words = "the notary excludes 3 of 7 validators, 0 more were removed before and are not back, and of these 7 the chain can lose 2";
        assert!(error.to_string().starts_with(words), "{error}");
    }

    #[test]
    fn the_bound_remembers_whom_the_notary_took_out_before() {
        // One after the other, two, and then two and one again: seven never become four.
        let table = [
            (2, 7, 0, true),
            (1, 6, 1, true),
            (1, 5, 2, false),
            (2, 5, 2, false),
            (1, 5, 0, true),
            (1, 4, 0, true),
            (1, 4, 1, false),
            (1, 3, 0, false),
            (0, 4, 3, true),
        ];
        for (got, size, removed, may) in table {
            assert_eq!(
                check(got, size, removed).is_ok(),
                may,
                "{got} of {size} after {removed}"
            );
        }
    }

    #[test]
    fn however_often_it_is_said_a_quorum_of_the_whole_set_stays() {
        for whole in 1..=128_usize {
            for step in 1..=whole {
                let mut size = whole;
                while check(step, size, whole - size).is_ok() {
                    size -= step;
                    assert!(size >= quorum_of(whole), "{size} of {whole} in steps of {step}");
                }
            }
        }
    }
}
