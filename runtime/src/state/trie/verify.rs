//! Do the records of a trie say what its root says?

use alloy_primitives::B256;
use alloy_trie::Nibbles;

use super::node::{Below, Record};
use super::work::Work;
use super::{Leaves, TrieReader, small, update};
use crate::state::StateError;

/// What one trie consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::state) struct TrieCount {
    /// Records of branches, and of the root if it is none.
    pub(in crate::state) records: u64,
    /// Leaves.
    pub(in crate::state) leaves: u64,
}

impl TrieReader<'_> {
    /// Hashes and counts every subtree, and compares it with what its parent holds.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] at the first difference.
    pub(in crate::state) fn count(&self, root: B256) -> Result<TrieCount, StateError> {
        let mut count = TrieCount::default();
        let mut leaves = self.leaves();
        let top = Nibbles::default();
        let hash = match self.root()? {
            None => {
                let all = leaves.all()?;
                count.leaves = all.len() as u64;
                update::root_hash(small::top(&all).as_ref())
            }
            Some(Record::Branch(_)) => update::root_hash(Some(&self.count_branch(&top, &mut leaves, &mut count)?)),
            Some(Record::Extension(at)) => {
                count.records = 1;
                update::root_hash(Some(&self.count_branch(&at, &mut leaves, &mut count)?))
            }
        };
        self.expect_root(hash, root)?;
        Ok(count)
    }

    fn count_branch(&self, at: &Nibbles, leaves: &mut Leaves<'_>, count: &mut TrieCount) -> Result<Work, StateError> {
        let branch = self.branch(at)?;
        count.records += 1;
        for (nibble, child) in (0_u8..).zip(&branch.0) {
            let Some(child) = child else { continue };
            let mut place = *at;
            place.push(nibble);
            let found = match &child.below {
                Below::Small(named) => {
                    count.leaves += u64::from(*named);
                    let top = small::top(&leaves.expected(&place, *named)?);
                    top.map(|work| work.to_child(place.len()))
                }
                below => match self.branch_below(&place, below)? {
                    Some(at) => Some(self.count_branch(&at, leaves, count)?.to_child(place.len())),
                    None => None,
                },
            };
            if found.as_ref() != Some(child) {
                return Err(StateError::Mismatch {
                    what: format!("what is at {place:?} of {:?} is not what its parent names", self.id),
                });
            }
        }
        Ok(Work::recorded(*at, &branch))
    }

    pub(super) fn expect_root(&self, found: B256, expected: B256) -> Result<(), StateError> {
        if found == expected {
            return Ok(());
        }
        Err(StateError::Mismatch {
            what: format!("the root of {:?}: {found} on disk, {expected} expected", self.id),
        })
    }
}
