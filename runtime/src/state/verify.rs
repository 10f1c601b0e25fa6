//! Is the state on disk the one that the head's header names, and is there nothing else?
//!
//! For an operator who doubts a disk, and for tests. It reads every record of the state once and computes all roots
//! anew from the flat records, with code that shares nothing with the code that maintains the trie.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::nodes::{RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};

use super::{AccountRecord, StateError};
use crate::store::{Column, Store, StoreError};

/// How much state was found right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifiedState {
    /// Accounts.
    pub accounts: u64,
    /// Storage slots of all accounts.
    pub slots: u64,
    /// Trie nodes, of the account trie and of all storage tries.
    pub nodes: u64,
}

impl Store {
    /// Computes every root from the flat state, compares it with the head's, walks the tries, and counts what nothing
    /// leads to. Takes as long as reading the state takes; nothing may be committed meanwhile.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] names the first difference; [`StateError::Empty`] if there is no block.
    pub fn verify_state(&self) -> Result<VerifiedState, StateError> {
        let root = self.head().ok_or(StateError::Empty)?.header.header.state_root;
        let mut verified = VerifiedState::default();
        let mut builder = HashBuilder::default();
        for record in self.records(Column::Accounts, &[]) {
            let (key, bytes) = record?;
            let account = AccountRecord::decode(&mut bytes.as_slice())
                .map_err(|error| StoreError::corrupt(Column::Accounts, &key, error))?;
            builder.add_leaf(Nibbles::unpack(&key), &bytes);
            verified.accounts += 1;
            self.verify_storage(&key, account.storage_root, &mut verified)?;
        }
        expect_equal("state root", builder.root(), root)?;
        let mut nodes = 0;
        self.walk(Column::AccountTrie, &mut Vec::new(), 0, &root_node(root), &mut nodes)?;
        expect_equal("records of account_trie", self.count(Column::AccountTrie)?, nodes)?;
        expect_equal("records of storage", self.count(Column::Storage)?, verified.slots)?;
        expect_equal(
            "records of storage_trie",
            self.count(Column::StorageTrie)?,
            verified.nodes,
        )?;
        verified.nodes += nodes;
        Ok(verified)
    }

    fn verify_storage(&self, account: &[u8], root: B256, verified: &mut VerifiedState) -> Result<(), StateError> {
        let mut builder = HashBuilder::default();
        for record in self.records(Column::Storage, account) {
            let (key, value) = record?;
            builder.add_leaf(Nibbles::unpack(&key[account.len()..]), &value);
            verified.slots += 1;
        }
        expect_equal("storage root", builder.root(), root)?;
        self.walk(
            Column::StorageTrie,
            &mut account.to_vec(),
            account.len(),
            &root_node(root),
            &mut verified.nodes,
        )
    }

    /// Counts the stored nodes below `node`, whose path is what `key` holds after its first `prefix` bytes.
    fn walk(
        &self,
        column: Column,
        key: &mut Vec<u8>,
        prefix: usize,
        node: &RlpNode,
        nodes: &mut u64,
    ) -> Result<(), StateError> {
        let stored;
        let mut rlp = node.as_slice();
        if let Some(hash) = node.as_hash() {
            if hash == EMPTY_ROOT_HASH && key.len() == prefix {
                return Ok(());
            }
            stored = self
                .record(column, key)?
                .ok_or_else(|| StoreError::missing(column, key))?;
            expect_equal("hash of a trie node", keccak256(&stored), hash)?;
            rlp = &stored;
            *nodes += 1;
        }
        let depth = key.len();
        match TrieNode::decode(&mut rlp).map_err(|error| StoreError::corrupt(column, key, error))? {
            TrieNode::Branch(branch) => {
                for (nibble, child) in branch.as_ref().children() {
                    if let Some(child) = child {
                        key.push(nibble);
                        self.walk(column, key, prefix, child, nodes)?;
                        key.truncate(depth);
                    }
                }
            }
            TrieNode::Extension(extension) => {
                key.extend(extension.key.iter());
                self.walk(column, key, prefix, &extension.child, nodes)?;
                key.truncate(depth);
            }
            TrieNode::Leaf(_) | TrieNode::EmptyRoot => {}
        }
        Ok(())
    }

    fn count(&self, column: Column) -> Result<u64, StoreError> {
        self.records(column, &[])
            .try_fold(0, |count, record| record.map(|_| count + 1))
    }
}

fn root_node(root: B256) -> RlpNode {
    RlpNode::word_rlp(&root)
}

fn expect_equal<T: PartialEq + std::fmt::Display>(what: &str, found: T, expected: T) -> Result<(), StateError> {
    if found == expected {
        return Ok(());
    }
    Err(StateError::Mismatch {
        what: format!("{what}: {found} on disk, {expected} expected"),
    })
}
