//! What stands at a place of the trie after a block's changes, before its parent is encoded?
//!
//! Made and taken apart by the walk of `update`, and by nobody else.

use std::borrow::Cow;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;

use super::node::{self, Below, Child};

/// A leaf that a block wrote or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) struct LeafChange {
    pub(in crate::state) key: B256,
    /// Nibbles of `key`.
    pub(super) path: Nibbles,
    /// Whether the parent's state has the leaf.
    pub(super) existed: bool,
    /// Its new value; `None` removes it.
    pub(super) value: Option<Vec<u8>>,
}

impl LeafChange {
    /// A change of `key`. One that removes what did not exist changes nothing and must not be made.
    pub(in crate::state) fn new(key: B256, existed: bool, value: Option<Vec<u8>>) -> Self {
        debug_assert!(existed || value.is_some(), "nothing to remove at {key}");
        Self {
            key,
            path: Nibbles::unpack(key),
            existed,
            value,
        }
    }
}

/// A leaf that stands after the changes.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'a> {
    pub(super) key: B256,
    pub(super) path: Nibbles,
    pub(super) value: Cow<'a, [u8]>,
}

/// What stands at one place of the trie after the changes, before its parent is encoded: what a parent holds of a leaf or
/// of an extension depends on where the parent stands.
#[derive(Clone, Debug)]
pub(super) enum Work<'a> {
    Leaf(Leaf<'a>),
    Branch { at: Nibbles, node: RlpNode },
}

/// The leaves after `changes`, in the order of keys, with one that was there before.
pub(super) fn leaves<'a>(changes: &'a [LeafChange], kept: Option<Leaf<'a>>) -> Vec<Leaf<'a>> {
    let mut leaves = Vec::with_capacity(changes.len() + 1);
    leaves.extend(changes.iter().filter_map(|change| {
        Some(Leaf {
            key: change.key,
            path: change.path,
            value: Cow::Borrowed(change.value.as_deref()?),
        })
    }));
    if let Some(kept) = kept {
        let at = leaves.partition_point(|leaf| leaf.key < kept.key);
        leaves.insert(at, kept);
    }
    leaves
}

impl Leaf<'_> {
    pub(super) fn rlp(&self, depth: usize) -> Vec<u8> {
        node::leaf_rlp(&self.path, depth, &self.value)
    }

    pub(super) fn to_child(&self, depth: usize) -> Child {
        Child {
            node: RlpNode::from_rlp(&self.rlp(depth)),
            below: Below::Leaf,
        }
    }
}

impl Work<'_> {
    /// What a branch holds of this, `depth` nibbles down.
    pub(super) fn to_child(&self, depth: usize) -> Child {
        match self {
            Self::Leaf(leaf) => leaf.to_child(depth),
            Self::Branch { at, node } if at.len() == depth => Child {
                node: node.clone(),
                below: Below::Branch,
            },
            Self::Branch { at, node } => {
                let nibbles = at.slice(depth..);
                Child {
                    node: RlpNode::from_rlp(&node::extension_rlp(&nibbles, node)),
                    below: Below::Extension(Box::new(nibbles)),
                }
            }
        }
    }
}
