//! Which nodes lead from the root to a key, or show that it is not there? (EIP-1186)

use alloy_primitives::{B256, Bytes};
use alloy_trie::Nibbles;

use super::node::{self, Below, Record};
use super::work::{Leaf, groups};
use super::{PastBranch, TrieReader, small};
use crate::state::StateError;

impl TrieReader<'_> {
    /// RLP of the nodes from the root to `key`, for one who checks that the key is there or is not. Empty for an empty
    /// trie.
    pub(in crate::state) fn proof(&self, key: &B256) -> Result<Vec<Bytes>, StateError> {
        let path = Nibbles::unpack(key);
        let mut way = Way {
            path,
            nodes: Vec::new(),
        };
        let top = Nibbles::default();
        let mut at = match self.root()? {
            None => {
                way.through_leaves(&self.leaves().all()?, 0);
                return Ok(way.nodes);
            }
            Some(Record::Extension(at)) => at,
            Some(Record::Branch(_)) => top,
        };
        let mut parent = 0;
        loop {
            let branch = match self.past_branch(&at)? {
                PastBranch::Known(branch) => branch,
                PastBranch::Low => {
                    way.through_leaves(&self.low_leaves(&at)?, parent);
                    return Ok(way.nodes);
                }
            };
            if !way.through(parent, &at, &branch) {
                return Ok(way.nodes);
            }
            let next = path.get(at.len());
            let Some((nibble, child)) = next.and_then(|nibble| Some((nibble, branch.child(nibble)?))) else {
                return Ok(way.nodes);
            };
            let mut place = at;
            place.push(nibble);
            parent = place.len();
            if let Below::Small(named) = child.below {
                way.through_leaves(&self.leaves().expected(&place, named)?, place.len());
                return Ok(way.nodes);
            }
            let Some(next) = self.branch_below(&place, &child.below)? else {
                return Ok(way.nodes);
            };
            at = next;
        }
    }
}

/// The nodes on the way to a key, so far.
struct Way {
    path: Nibbles,
    nodes: Vec<Bytes>,
}

impl Way {
    /// Passes the branch at `at` and the extension to it, if it is not `depth` nibbles down. Whether the way goes on below it.
    fn through(&mut self, depth: usize, at: &Nibbles, branch: &node::Branch) -> bool {
        if at.len() > depth {
            self.push(node::extension_rlp(&at.slice(depth..), &branch.node()));
        }
        let is_above = self.path.starts_with(at);
        if is_above {
            self.push(branch.rlp());
        }
        is_above
    }

    /// Goes down the subtree of `leaves`, `depth` nibbles down, as far as the way leads.
    fn through_leaves(&mut self, mut leaves: &[Leaf], mut depth: usize) {
        loop {
            if let [leaf] = leaves {
                self.push(leaf.rlp(depth));
                return;
            }
            let Some(at) = small::fork_of(leaves) else { return };
            if !self.through(depth, &at, &small::branch(leaves, &at)) {
                return;
            }
            let Some(nibble) = self.path.get(at.len()) else { return };
            depth = at.len() + 1;
            let group = groups(leaves, at.len()).find(|(of, _)| *of == nibble);
            leaves = group.map_or(&[], |(_, group)| group);
        }
    }

    /// Adds a node, unless it is so short that its parent holds it. The root is always there.
    fn push(&mut self, rlp: Vec<u8>) {
        if self.nodes.is_empty() || rlp.len() >= B256::len_bytes() {
            self.nodes.push(rlp.into());
        }
    }
}
