//! Which accounts has governance never heard of?
//!
//! Bootstrap's `reserved(address)` says who may use the reserved lane (R14). Nearly everybody may not, and for nearly
//! everybody three empty storage slots say so without running the contract. Knows the places of three mappings in
//! Bootstrap's storage; the runtime's tests hold them against the contract.

use alloy_primitives::{Address, B256, keccak256};

/// Places of the mappings whose key is an account: owners of members, their redeemers, validators.
const MAPPINGS: [u8; 3] = [3, 4, 9];

/// Slots of Bootstrap. If all are zero, `account` is no member's owner or redeemer, and is and was no validator.
pub fn slots(account: &Address) -> [B256; 3] {
    MAPPINGS.map(|mapping| {
        let mut key = [0; 64];
        key[12..32].copy_from_slice(account.as_slice());
        key[63] = mapping;
        keccak256(key)
    })
}
