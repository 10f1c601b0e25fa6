//! What did a block change? The executor fills a [`StateDiff`]; the root is computed and the records are made from it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

/// The changes of one block against its parent's state, as values after the block.
///
/// Entries that change nothing are allowed and cost a read each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Every account that the block may have changed.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Contract code that the block brought, by its keccak-256.
    pub codes: BTreeMap<B256, Bytes>,
}

/// One account after a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account after the block; `None` if it no longer exists (EIP-161 or self-destruct), which empties its
    /// storage too.
    pub after: Option<AccountFields>,
    /// The storage was emptied before `slots` were written: the account was destroyed and made anew.
    pub wipe_storage: bool,
    /// Slots written, with the value after the block; zero removes the slot.
    pub slots: BTreeMap<U256, U256>,
}

/// What of an account the executor knows; the storage root follows from the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFields {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak-256 of the code ([`alloy_trie::KECCAK_EMPTY`] if there is none).
    pub code_hash: B256,
}
