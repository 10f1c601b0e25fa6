//! Is the state of the block before the newest one still what it was, and can it be proven?
//!
//! The store keeps how to undo a block rather than older states, so that this is a question of its own. Asked after each
//! case of the public tests.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{Nibbles, proof::verify_proof};

use super::{ScenarioAccount, code_hash};
use crate::state::{AccountProof, StateError, StateView};

/// Slots of one account that are proven; the rest are read as the proven ones are.
const SLOTS_PROVEN_MAX: usize = 32;

/// Reads `address` in `view`, whose root is `root`, compares it with `expected`, and checks the proof of both.
pub(super) fn check(
    view: &StateView,
    root: B256,
    address: &Address,
    expected: Option<&ScenarioAccount>,
    slots: &BTreeSet<U256>,
) -> Result<(), StateError> {
    let slots: Vec<_> = slots
        .iter()
        .take(SLOTS_PROVEN_MAX)
        .map(|slot| B256::from(*slot))
        .collect();
    let found = view.proof(address, &slots)?;
    let fields = found
        .account
        .map(|account| (account.nonce, account.balance, account.code_hash));
    let wanted = expected.map(|account| (account.nonce, account.balance, code_hash(&account.code)));
    if fields != wanted {
        return Err(differs(format!(
            "{address} is {fields:?} in the past, and was {wanted:?}"
        )));
    }
    for slot in &found.storage {
        let was = expected.and_then(|account| account.slots.get(&slot.slot.into()).copied());
        if slot.value != was.unwrap_or_default() {
            return Err(differs(format!(
                "slot {} of {address} is {} in the past, and was {was:?}",
                slot.slot, slot.value
            )));
        }
    }
    check_proofs(root, &found)
}

fn check_proofs(root: B256, found: &AccountProof) -> Result<(), StateError> {
    let address = found.address;
    let account = found.account.map(alloy_rlp::encode);
    verify_proof(root, Nibbles::unpack(keccak256(address)), account, &found.proof)
        .map_err(|error| differs(format!("the proof of {address} in the past is none: {error}")))?;
    let Some(account) = found.account else { return Ok(()) };
    for slot in &found.storage {
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(
            account.storage_root,
            Nibbles::unpack(keccak256(slot.slot)),
            value,
            &slot.proof,
        )
        .map_err(|error| differs(format!("the proof of slot {} of {address} is none: {error}", slot.slot)))?;
    }
    Ok(())
}

fn differs(what: String) -> StateError {
    StateError::Mismatch { what }
}
