//! What root, which nodes and which proofs does one Merkle Patricia trie have?
//!
//! The account trie, and one storage trie for each account with storage. Leaves are the records of the flat state; on disk
//! a trie has a record for each branch, under its path, and one for its root. A block's changes are applied to the
//! branches on their paths alone ([`update`]); of each branch the history keeps the children that a block replaced
//! (`past`), so that `proof` works at every block of the window. Everything is read through a [`StateView`] and handed
//! back as [`StateChange`]s; nothing is written here.

mod cache;
mod node;
mod past;
mod proof;
#[cfg(test)]
mod tests;
mod update;
mod verify;
mod wipe;
mod work;

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;

use super::view::storage_key;
use super::{StateError, StateView};
use crate::store::{Column, StoreError};
use node::{Branch, LeafKeys};

pub(crate) use cache::BranchCache;
pub(crate) use node::Record;
pub(crate) use past::{Past, RecordAt};
pub(super) use update::update;
pub(super) use verify::TrieCount;
pub(super) use wipe::wipe;
pub(super) use work::LeafChange;

/// Which trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrieId {
    /// Of all accounts.
    Accounts,
    /// Of the storage of the account with this hashed address.
    Storage(B256),
}

impl TrieId {
    /// Column of the branches.
    pub(super) const fn nodes(self) -> Column {
        match self {
            Self::Accounts => Column::AccountTrie,
            Self::Storage(_) => Column::StorageTrie,
        }
    }

    /// Column of the leaves: the flat state.
    pub(super) const fn leaves(self) -> Column {
        match self {
            Self::Accounts => Column::Accounts,
            Self::Storage(_) => Column::Storage,
        }
    }

    /// What all keys of this trie, in both columns, begin with.
    fn prefix(&self) -> &[u8] {
        match self {
            Self::Accounts => &[],
            Self::Storage(account) => account.as_slice(),
        }
    }

    /// Key of the record of the branch at `path`, in [`Self::nodes`]: one byte for each nibble.
    fn node_key(&self, path: &Nibbles) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.prefix().len() + path.len());
        key.extend_from_slice(self.prefix());
        key.extend(path.iter());
        key
    }

    /// Key of the leaf of `key`, in [`Self::leaves`].
    fn leaf_key(&self, key: &B256) -> Vec<u8> {
        match self {
            Self::Accounts => key.to_vec(),
            Self::Storage(account) => storage_key(account, key).to_vec(),
        }
    }
}

/// One trie as one block left it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrieReader<'a> {
    pub(super) view: &'a StateView,
    pub(super) id: TrieId,
}

impl TrieReader<'_> {
    /// The root's record; `None` for an empty trie.
    fn root(&self) -> Result<Option<RecordAt>, StateError> {
        let key = self.id.node_key(&Nibbles::default());
        self.view.trie_record(self.id.nodes(), &key)
    }

    /// The branch at `path`, which its parent names.
    fn branch(&self, path: &Nibbles) -> Result<Arc<Branch>, StateError> {
        self.branch_with_keys(path).map(|(branch, _)| branch)
    }

    /// As [`Self::branch`], with the keys of leaves that changed since.
    fn branch_with_keys(&self, path: &Nibbles) -> Result<(Arc<Branch>, Option<Box<LeafKeys>>), StateError> {
        let key = self.id.node_key(path);
        match self.view.trie_record(self.id.nodes(), &key)? {
            Some(RecordAt {
                record: Record::Branch(branch),
                keys,
            }) => Ok((branch, keys)),
            _ => Err(StoreError::missing(self.id.nodes(), &key).into()),
        }
    }

    /// The value of the leaf of `key`.
    fn value(&self, key: &B256) -> Result<Option<Vec<u8>>, StateError> {
        self.view.raw(self.id.leaves(), &self.id.leaf_key(key))
    }

    /// The first key below `path` that the flat state holds at the moment, whichever block is the newest by now.
    fn first_key_below(&self, path: &Nibbles) -> Result<Option<B256>, StateError> {
        let prefix = self.id.prefix();
        let mut start = [prefix, &path.pack()].concat();
        start.resize(prefix.len() + 32, 0);
        let found = self.view.first_key_from(self.id.leaves(), &start)?;
        Ok(found
            .and_then(|key| Some(B256::from_slice(key.strip_prefix(prefix)?)))
            .filter(|key| Nibbles::unpack(key).starts_with(path)))
    }
}
