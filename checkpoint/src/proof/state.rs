//! What does a state say of a code and its specification?

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::TrieAccount;
use ledger_api::StateProof;
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::{CodeId, CodeRecord, SpecRecord, spec::SPEC_SLOTS};

use super::{ProofError, merkle};

/// Slots that a proof is of: the code's record, and its specification.
const SLOTS: usize = 1 + SPEC_SLOTS;

/// The code's record, none if there is none, and its specification.
pub fn read(
    proof: &StateProof,
    state_root: B256,
    code: CodeId,
) -> Result<(Option<CodeRecord>, SpecRecord), ProofError> {
    let account = &proof.account;
    let fields = TrieAccount::new(account.nonce, account.balance, account.storage_hash, account.code_hash);
    let key = keccak256(TRANSACT);
    merkle::check(
        state_root,
        key.as_slice(),
        Some(alloy_rlp::encode(fields)),
        &account.account_proof,
    )
    .map_err(ProofError::AccountProof)?;

    let mut slots = vec![code.slot()];
    slots.extend(SpecRecord::slots(code.spec_id));
    let wrong_slots = || ProofError::Slots {
        got: account.storage_proof.len(),
        expected: SLOTS,
    };
    let given: &[_; SLOTS] = account.storage_proof.as_slice().try_into().map_err(|_| wrong_slots())?;
    let mut pairs = given.iter().zip(&slots);
    if account.address != TRANSACT || !pairs.all(|(given, slot)| given.key.as_b256() == *slot) {
        return Err(wrong_slots());
    }
    for (place, (given, slot)) in given.iter().zip(&slots).enumerate() {
        let value = (given.value != U256::ZERO).then(|| alloy_rlp::encode(given.value));
        let checked = merkle::check(account.storage_hash, keccak256(slot).as_slice(), value, &given.proof);
        checked.map_err(|error| match place.checked_sub(1) {
            None => ProofError::RecordProof(error),
            Some(place) => ProofError::SpecProof { place, error },
        })?;
    }
    let [word, words @ ..] = given.each_ref().map(|given| given.value);
    let record = match word.is_zero() {
        true => None,
        false => Some(CodeRecord::from_word(word).ok_or(ProofError::NotARecord { what: "record", word })?),
    };
    let [name, ..] = words;
    let spec = SpecRecord::from_words(words).ok_or(ProofError::NotARecord {
        what: "specification",
        word: name,
    })?;
    Ok((record, spec))
}
