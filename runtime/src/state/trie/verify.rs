//! Do the records of a trie say what its root says?

use alloy_primitives::{B256, keccak256};
use alloy_trie::nodes::RlpNode;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::TrieReader;
use super::node::{self, Below, Branch, Record};
use crate::state::StateError;

/// What one trie consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::state) struct TrieCount {
    /// Records of branches, and of the root.
    pub(in crate::state) records: u64,
    /// Leaves that the branches name.
    pub(in crate::state) leaves: u64,
}

impl TrieReader<'_> {
    /// Hashes every branch, compares it with what its parent holds, and counts.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] at the first difference.
    pub(in crate::state) fn count(&self, root: B256) -> Result<TrieCount, StateError> {
        let mut count = TrieCount::default();
        let Some(found) = self.root()? else {
            self.expect_root(EMPTY_ROOT_HASH, root)?;
            return Ok(count);
        };
        count.records = 1;
        let hash = match found.record {
            Record::Leaf(key) => {
                count.leaves = 1;
                let value = self.value(&key)?.unwrap_or_default();
                keccak256(node::leaf_rlp(&Nibbles::unpack(key), 0, &value))
            }
            Record::Branch(branch) => {
                self.count_children(&Nibbles::default(), &branch, &mut count)?;
                keccak256(branch.rlp())
            }
            Record::Extension(at) => {
                let node = self.count_branch(&at, &mut count)?;
                keccak256(node::extension_rlp(&at, &node))
            }
        };
        self.expect_root(hash, root)?;
        Ok(count)
    }

    fn count_branch(&self, at: &Nibbles, count: &mut TrieCount) -> Result<RlpNode, StateError> {
        let branch = self.branch(at)?;
        count.records += 1;
        self.count_children(at, &branch, count)?;
        Ok(branch.node())
    }

    fn count_children(&self, at: &Nibbles, branch: &Branch, count: &mut TrieCount) -> Result<(), StateError> {
        for (nibble, child) in (0_u8..).zip(&branch.0) {
            let Some(child) = child else { continue };
            let mut place = *at;
            place.push(nibble);
            let found = match &child.below {
                Below::Leaf => {
                    count.leaves += 1;
                    continue;
                }
                Below::Branch => self.count_branch(&place, count)?,
                Below::Extension(nibbles) => {
                    let node = self.count_branch(&place.join(nibbles), count)?;
                    RlpNode::from_rlp(&node::extension_rlp(nibbles, &node))
                }
            };
            if found != child.node {
                return Err(StateError::Mismatch {
                    what: format!(
                        "the branch at {place:?} of {:?} is not the one that its parent names",
                        self.id
                    ),
                });
            }
        }
        Ok(())
    }

    fn expect_root(&self, found: B256, expected: B256) -> Result<(), StateError> {
        if found == expected {
            return Ok(());
        }
        Err(StateError::Mismatch {
            what: format!("the root of {:?}: {found} on disk, {expected} expected", self.id),
        })
    }
}
