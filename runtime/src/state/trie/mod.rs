//! What root, which nodes and which proofs does one Merkle Patricia trie have?
//!
//! The account trie, and one storage trie for each account with storage. Leaves are the records of the flat state; on disk
//! a trie has a record for each branch with many leaves, under its path, and what is below them is built from the leaves
//! (`small`). A block's changes are applied to the branches on their paths alone ([`update`]); of each branch the history
//! keeps the children that a block replaced (`past`), so that `proof` works at every block of the window. Everything is
//! read through a [`StateView`] and handed back as [`StateChange`]s; nothing is written here.

mod cache;
#[cfg(test)]
mod damage_tests;
mod node;
mod part;
mod past;
mod proof;
mod range;
#[cfg(test)]
mod range_tests;
mod small;
#[cfg(test)]
mod subtree_tests;
mod subtrees;
#[cfg(test)]
mod tests;
mod update;
mod verify;
mod warm;
mod wipe;
mod work;

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;

use super::view::LeafCursor;
use super::{StateError, StateView};
use crate::store::{Column, KeyRange, StoreError};
use node::{Below, Branch, LOW_LEAVES_MAX, PATH_NIBBLES, SMALL_LEAVES_MAX};
use work::Leaf;

pub(crate) use cache::BranchCache;
pub(crate) use node::Record;
pub(crate) use part::{joined, patched};
pub(crate) use past::{Past, PastBranch};
pub(crate) use range::KeySpan;
pub(super) use range::check_range;
pub use range::{RANGE_PROOF_NODES_MAX, RangeFault};
pub(crate) use subtrees::{SubtreeCache, SubtreeTop};
pub(super) use update::update;
pub(super) use verify::TrieCount;
pub(crate) use warm::keep_small;
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
}

/// One trie as one block left it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrieReader<'a> {
    pub(super) view: &'a StateView,
    pub(super) id: TrieId,
}

impl<'a> TrieReader<'a> {
    /// The root's record; `None` for a small trie.
    fn root(&self) -> Result<Option<Record>, StateError> {
        let key = self.id.node_key(&Nibbles::default());
        self.view.trie_record(self.id.nodes(), &key)
    }

    /// The branch at `path`, which its parent names.
    fn branch(&self, path: &Nibbles) -> Result<Arc<Branch>, StateError> {
        match self.past_branch(path)? {
            PastBranch::Known(branch) => Ok(branch),
            PastBranch::Low => {
                let leaves = self.low_leaves(path)?;
                Ok(Arc::new(small::branch_of(&leaves, path, small::built)))
            }
        }
    }

    /// The branch at `path`, which its parent names, or that it is a low one.
    fn past_branch(&self, path: &Nibbles) -> Result<PastBranch, StateError> {
        self.view.branch(self.id.nodes(), &self.id.node_key(path))
    }

    /// The leaves below the low branch at `path`.
    fn low_leaves(&self, path: &Nibbles) -> Result<Vec<Leaf>, StateError> {
        let leaves = self.leaves().below(path)?;
        if small::fork_of(&leaves).as_ref() == Some(path) && leaves.len() <= usize::from(LOW_LEAVES_MAX) {
            return Ok(leaves);
        }
        let (id, found) = (self.id, leaves.len());
        Err(StateError::Trie {
            what: format!(
                "the {found} leaves below {path:?} of {id:?} do not part there, or are too many for a low branch"
            ),
        })
    }

    /// Where the branch with a record stands below `place`, if there is one.
    fn branch_below(&self, place: &Nibbles, below: &Below) -> Result<Option<Nibbles>, StateError> {
        let extension = match below {
            Below::Small(_) => return Ok(None),
            Below::Branch(_) => Nibbles::default(),
            Below::Extension(nibbles, _) => **nibbles,
        };
        if place.len() + extension.len() >= PATH_NIBBLES {
            let key = self.id.node_key(place);
            return Err(StoreError::corrupt(self.id.nodes(), &key, "a branch deeper than a key is long").into());
        }
        Ok(Some(place.join(&extension)))
    }

    /// Reads small subtrees.
    const fn leaves(&self) -> Leaves<'a> {
        self.leaves_with(true)
    }

    /// Reads small subtrees once, without a place in the cache of table blocks.
    const fn leaves_in_passing(&self) -> Leaves<'a> {
        self.leaves_with(false)
    }

    const fn leaves_with(&self, cached: bool) -> Leaves<'a> {
        Leaves {
            id: self.id,
            cursor: self.view.leaves(self.id.leaves(), cached),
        }
    }
}

/// Reads the leaves of small subtrees of one trie.
struct Leaves<'a> {
    id: TrieId,
    cursor: LeafCursor<'a>,
}

impl Leaves<'_> {
    /// All leaves of a trie whose root has no record.
    fn all(&mut self) -> Result<Vec<Leaf>, StateError> {
        let top = Nibbles::default();
        let leaves = self.below(&top)?;
        if leaves.len() > SMALL_LEAVES_MAX {
            return Err(StoreError::missing(self.id.nodes(), &self.id.node_key(&top)).into());
        }
        Ok(leaves)
    }

    /// The leaves below `place`, in the order of keys.
    fn below(&mut self, place: &Nibbles) -> Result<Vec<Leaf>, StateError> {
        let leaves = self.cursor.read(&KeyRange::below(self.id.prefix(), place))?;
        Ok(leaves.into_iter().map(|(key, value)| Leaf::new(key, value)).collect())
    }

    /// The leaves below `place`, where the trie names so many.
    fn expected(&mut self, place: &Nibbles, named: u8) -> Result<Vec<Leaf>, StateError> {
        let leaves = self.below(place)?;
        if leaves.len() == usize::from(named) {
            return Ok(leaves);
        }
        let (id, found) = (self.id, leaves.len());
        Err(StateError::Trie {
            what: format!("{id:?} names {named} leaves below {place:?}, and the flat state holds {found}"),
        })
    }
}
