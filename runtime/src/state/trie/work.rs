//! What stands at a place of the trie after a block's changes, before its parent is encoded?
//!
//! Made and taken apart by the walk of `update`, and by nobody else.

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;

use super::node::{self, Below, Branch, Child, LowLeaves};
use crate::store::FlatRecord;

/// A leaf that a block wrote or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) struct LeafChange {
    key: B256,
    /// Nibbles of `key`.
    pub(super) path: Nibbles,
    /// What it was before, if that is known.
    pub(super) old: Option<Leaf>,
    /// Its new value; `None` removes it.
    value: Option<Vec<u8>>,
}

impl LeafChange {
    /// A change of what is known to have been absent, or of what nobody has looked at.
    pub(in crate::state) fn new(key: B256, value: Option<Vec<u8>>) -> Self {
        Self {
            key,
            path: Nibbles::unpack(key),
            old: None,
            value,
        }
    }

    /// A change of what the flat state had.
    pub(in crate::state) fn over(key: B256, old: Option<&FlatRecord>, value: Option<Vec<u8>>) -> Self {
        let mut change = Self::new(key, value);
        let path = change.path;
        change.old = old.map(|old| Leaf {
            path,
            value: old.leaf.clone(),
        });
        change
    }

    /// Its place among others: they have to be in the order of keys.
    pub(in crate::state) const fn key(&self) -> &B256 {
        &self.key
    }
}

/// What has a place among the leaves.
pub(super) trait Placed {
    /// The nibbles of its key.
    fn path(&self) -> &Nibbles;
}

impl Placed for LeafChange {
    fn path(&self) -> &Nibbles {
        &self.path
    }
}

impl Placed for Leaf {
    fn path(&self) -> &Nibbles {
        &self.path
    }
}

/// Sorted items in groups of the same nibble at `depth`, by that nibble.
pub(super) fn groups<T: Placed>(items: &[T], depth: usize) -> impl Iterator<Item = (u8, &[T])> {
    items
        .chunk_by(move |a, b| a.path().get(depth) == b.path().get(depth))
        .filter_map(move |group| Some((group.first()?.path().get(depth)?, group)))
}

/// A leaf as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) path: Nibbles,
    value: Vec<u8>,
}

/// What stands at one place of the trie after the changes, before its parent is encoded: what a parent holds of a leaf or
/// of an extension depends on where the parent stands.
#[derive(Clone, Debug)]
pub(super) enum Work {
    Leaf(Leaf),
    /// A branch without a record, with this many leaves below it.
    Small {
        at: Nibbles,
        node: RlpNode,
        leaves: usize,
    },
    /// A branch with a record.
    Branch {
        at: Nibbles,
        node: RlpNode,
        leaves: LowLeaves,
    },
}

/// `leaves` after `changes`; all are in the order of keys.
pub(super) fn merge(leaves: Vec<Leaf>, changes: &[LeafChange]) -> Vec<Leaf> {
    let mut merged = Vec::with_capacity(leaves.len() + changes.len());
    let mut leaves = leaves.into_iter().peekable();
    for change in changes {
        while let Some(leaf) = leaves.next_if(|leaf| leaf.path < change.path) {
            merged.push(leaf);
        }
        leaves.next_if(|leaf| leaf.path == change.path);
        merged.extend(change.value.clone().map(|value| Leaf {
            path: change.path,
            value,
        }));
    }
    merged.extend(leaves);
    merged
}

impl Leaf {
    pub(super) fn new(key: B256, value: impl Into<Vec<u8>>) -> Self {
        Self {
            path: Nibbles::unpack(key),
            value: value.into(),
        }
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }

    pub(super) fn rlp(&self, depth: usize) -> Vec<u8> {
        node::leaf_rlp(&self.path, depth, &self.value)
    }

    /// What a parent, `depth` nibbles down, holds of this.
    pub(super) fn held(&self, depth: usize) -> RlpNode {
        RlpNode::from_rlp(&self.rlp(depth))
    }
}

impl Work {
    /// `branch`, which has a record and stands at `at`.
    pub(super) fn recorded(at: Nibbles, branch: &Branch) -> Self {
        Self::Branch {
            at,
            node: branch.node(),
            leaves: branch.low_leaves(),
        }
    }

    /// What a branch holds of this, `depth` nibbles down.
    pub(super) fn to_child(&self, depth: usize) -> Child {
        match self {
            Self::Leaf(leaf) => Child {
                node: leaf.held(depth),
                below: Below::Small(1),
            },
            Self::Small { at, node, leaves } => Child {
                node: reached(at, node, depth),
                below: Below::Small(u8::try_from(*leaves).expect("a small subtree has few leaves")),
            },
            Self::Branch { at, node, leaves } => Child {
                node: reached(at, node, depth),
                below: match at.len() - depth {
                    0 => Below::Branch(*leaves),
                    _ => Below::Extension(Box::new(at.slice(depth..)), *leaves),
                },
            },
        }
    }
}

/// What a parent, `depth` nibbles down, holds of the branch `node` at `at`.
pub(super) fn reached(at: &Nibbles, node: &RlpNode, depth: usize) -> RlpNode {
    if at.len() == depth {
        node.clone()
    } else {
        RlpNode::from_rlp(&node::extension_rlp(&at.slice(depth..), node))
    }
}
