//! What did a block change? The executor fills a [`StateDiff`]; the root is computed and the records are made from it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

/// The changes of one block against its parent's state, as values after the block.
///
/// Entries that change nothing are allowed.
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
    /// Whoever made the diff has seen that the parent's state has no such account.
    pub is_new: bool,
    /// The storage was emptied before `slots` were written: the account was destroyed and made anew.
    pub wipe_storage: bool,
    /// Slots written.
    pub slots: BTreeMap<U256, SlotChange>,
}

/// One storage slot's value; zero where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotChange {
    /// In the parent's state, if whoever made the diff has read it there. Not looked at where the storage is wiped.
    pub before: Option<U256>,
    /// After the block; zero removes the slot.
    pub after: U256,
}

impl From<U256> for SlotChange {
    /// A value after the block, whatever it was before.
    fn from(after: U256) -> Self {
        Self { before: None, after }
    }
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
