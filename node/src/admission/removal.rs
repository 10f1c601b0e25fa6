//! Whom does the notary take out of the set? Validators whose member is suspended or revoked.
//!
//! Pure. A suspension takes the same way as a revocation, since a validator that is in the set has its turns and nothing less does;
//! the member asks for admission again once it is active, with the same keys. An admission that has merely run out takes nobody out:
//! late paperwork must not cost the chain its blocks. Nor does the notary ever take out more validators than the chain can lose:
//! whoever had its keys could stop the chain otherwise. Then people decide.

use alloy_primitives::Address;
use ledger_chainspec::quorum_of;
use ledger_notary::{
    judge::{Findings, Standing},
    records::Network,
    tuf::UnixSeconds,
};
use thiserror::Error;

use super::chain::Seated;

/// A validator that the notary excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its account.
    pub account: Address,
    /// Why.
    pub reason: String,
}

/// More validators at once than the chain can lose.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the notary excludes {got} of {size} validators, and the chain can lose {most}: none of them is removed without a person's vote \
     (ledger-node validator propose removal)"
)]
pub struct TooManyExcluded {
    /// Validators that it excludes.
    pub got: usize,
    /// Validators in the set.
    pub size: usize,
    /// Validators that the others make blocks without.
    pub most: usize,
}

/// The validators of `set` that the notary excludes at `now`.
///
/// # Errors
/// [`TooManyExcluded`]
pub fn excluded(
    set: &[Seated],
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
    let excluded: Vec<_> = set.iter().filter_map(reason_of).collect();
    let (got, size) = (excluded.len(), set.len());
    let most = size.saturating_sub(quorum_of(size));
    if got > most {
        return Err(TooManyExcluded { got, size, most });
    }
    Ok(excluded)
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
        let set: Vec<_> = (0..7_u8)
            .map(|number| Seated {
                account: Address::with_last_byte(number),
                member_name: format!("Cloud {number}"),
            })
            .collect();
        let excluded = excluded(&set, &findings, &network(), NOW)?;
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
    fn the_notary_never_excludes_more_than_the_chain_can_lose() {
        assert_eq!(outcome(2, "state", &"revoked".into()).unwrap().len(), 2);
        let error = outcome(3, "state", &"revoked".into()).unwrap_err();
        assert_eq!((error.got, error.size, error.most), (3, 7, 2));
        assert!(
            error
                .to_string()
                .contains("the notary excludes 3 of 7 validators, and the chain can lose 2")
        );
    }
}
