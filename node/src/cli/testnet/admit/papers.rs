//! What does the cloud say of itself? The admission that its working group is asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledger_notary::{
    records::{ADMISSION_SCHEMA, Admission, Hex32, Network, Passport, PlainText, State},
    tuf::UnixSeconds,
};
use sha2::{Digest, Sha256};

use super::{Newcomer, Place, TestnetError};

/// How long an admission holds here.
const LIFE: Duration = Duration::from_secs(365 * 86_400);

/// The record, as a cloud would write it.
///
/// # Errors
/// [`TestnetError::Usage`] if the cloud's name cannot stand in it.
pub(super) fn admission(newcomer: &Newcomer, place: &Place, public_key: &str) -> Result<String, TestnetError> {
    let usage = |error: &dyn std::fmt::Display| TestnetError::Usage(error.to_string());
    let plain = |text: &str| PlainText::try_from(text.to_owned()).map_err(|error| usage(&error));
    let mut key = [0; 32];
    hex::decode_to_slice(public_key, &mut key).map_err(|error| usage(&error))?;
    let network = Network::try_from(&place.spec).map_err(|error| usage(&error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let record = Admission {
        schema: ADMISSION_SCHEMA.to_owned(),
        network_id: network.network_id,
        chain_id: network.chain_id,
        member_id: newcomer.id.clone(),
        member_name: plain(&newcomer.name)?,
        legal_name: plain(&newcomer.name)?,
        registration_no: plain("local testnet")?,
        jurisdiction: "XX".to_owned(),
        passport: Passport {
            scheme: plain("local testnet")?,
            cert_id: plain("none")?,
            evidence_sha256: Hex32(Sha256::digest(newcomer.account).into()),
            issuer_keyids: vec![Hex32(key)],
        },
        member_keys: vec![Hex32(key)],
        max_validators: 1,
        not_before: UnixSeconds::new(now.as_secs()),
        not_after: UnixSeconds::new((now + LIFE).as_secs()),
        state: State::Active,
        seq: 1,
        prev_sha256: None,
    };
    serde_json::to_string_pretty(&record).map_err(|error| usage(&error))
}
