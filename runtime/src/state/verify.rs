//! Is the state on disk the one that the head's header names, and is there nothing else?
//!
//! For an operator who doubts a disk, and for tests. It reads every record of the state once and computes all roots
//! anew from the flat records, with code that shares nothing with the code that maintains the trie.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_rlp::Decodable;
use alloy_trie::{HashBuilder, Nibbles};

use super::trie::{TrieCount, TrieId, TrieReader};
use super::{AccountRecord, StateError, StateView};
use crate::store::{Column, FlatRecord, Store, StoreError};

/// How much state was found right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct VerifiedState {
    /// Accounts.
    pub accounts: u64,
    /// Storage slots of all accounts.
    pub slots: u64,
    /// Trie records, of the account trie and of all storage tries.
    pub nodes: u64,
}

impl Store {
    /// Computes every root from the flat state, compares it with the head's, walks the tries, hashes every branch, and
    /// counts what nothing leads to. Takes as long as reading the state takes; nothing may be committed meanwhile.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] names the first difference; [`StateError::Empty`] if there is no block.
    pub fn verify_state(self: &Arc<Self>) -> Result<VerifiedState, StateError> {
        let view = self.state();
        let root = view.root()?;
        let mut verified = VerifiedState::default();
        let mut builder = HashBuilder::default();
        for record in self.flat_records(Column::Accounts, &[]) {
            let (key, FlatRecord { leaf, .. }) = record?;
            let account = AccountRecord::decode(&mut leaf.as_slice())
                .map_err(|error| StoreError::corrupt(Column::Accounts, &key, error))?;
            let hashed =
                B256::try_from(key.as_slice()).map_err(|error| StoreError::corrupt(Column::Accounts, &key, error))?;
            builder.add_leaf(Nibbles::unpack(&key), &leaf);
            verified.accounts += 1;
            self.verify_storage(&view, hashed, account.storage_root, &mut verified)?;
        }
        expect_equal("state root", builder.root(), root)?;
        let nodes = self.verify_account_trie()?;
        expect_equal("records of storage", self.count(Column::Storage)?, verified.slots)?;
        expect_equal(
            "records of storage_trie",
            self.count(Column::StorageTrie)?,
            verified.nodes,
        )?;
        verified.nodes += nodes;
        Ok(verified)
    }

    /// Walks the account trie alone, whatever its values are, and counts what nothing leads to. Gives its records.
    pub(crate) fn verify_account_trie(self: &Arc<Self>) -> Result<u64, StateError> {
        let view = self.state();
        let leaves = self.count(Column::Accounts)?;
        let nodes = verify_trie(&view, TrieId::Accounts, view.root()?, leaves)?;
        expect_equal("records of account_trie", self.count(Column::AccountTrie)?, nodes)?;
        Ok(nodes)
    }

    fn verify_storage(
        &self,
        view: &StateView,
        account: B256,
        root: B256,
        verified: &mut VerifiedState,
    ) -> Result<(), StateError> {
        let mut builder = HashBuilder::default();
        let mut slots = 0;
        for record in self.flat_records(Column::Storage, account.as_slice()) {
            let (key, FlatRecord { leaf, .. }) = record?;
            builder.add_leaf(Nibbles::unpack(&key[account.len()..]), &leaf);
            slots += 1;
        }
        expect_equal("storage root", builder.root(), root)?;
        verified.slots += slots;
        verified.nodes += verify_trie(view, TrieId::Storage(account), root, slots)?;
        Ok(())
    }

    fn count(&self, column: Column) -> Result<u64, StoreError> {
        self.records(column, &[])
            .try_fold(0, |count, record| record.map(|_| count + 1))
    }
}

/// Walks one trie, which has `leaves` leaves in the flat state; gives the number of its records.
fn verify_trie(view: &StateView, id: TrieId, root: B256, leaves: u64) -> Result<u64, StateError> {
    let TrieCount { records, leaves: named } = TrieReader { view, id }.count(root)?;
    expect_equal("leaves that a trie names", named, leaves)?;
    Ok(records)
}

fn expect_equal<T: PartialEq + std::fmt::Display>(what: &str, found: T, expected: T) -> Result<(), StateError> {
    if found == expected {
        return Ok(());
    }
    Err(StateError::Mismatch {
        what: format!("{what}: {found} on disk, {expected} expected"),
    })
}
