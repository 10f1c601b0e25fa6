//! Are these all leaves of a trie in a range of keys, for somebody who knows nothing but its root?
//!
//! The proof is the nodes on the ways to both ends of the range. Whoever checks it walks down those ways only: a subtree that
//! lies within the range as a whole has to come of the leaves given, which shows that none is left out, none is added and
//! none is another; a subtree outside is of no concern. Pure: bytes of strangers come here.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::nodes::{RlpNode, TrieNode};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::node::PATH_NIBBLES;
use super::work::{Leaf, groups};
use super::{TrieReader, small};
use crate::state::StateError;

/// Nodes of a proof at most: those of two ways down to leaves.
pub const RANGE_PROOF_NODES_MAX: usize = 2 * PATH_NIBBLES;

/// Keys from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeySpan {
    pub(crate) from: B256,
    pub(crate) until: B256,
}

impl KeySpan {
    /// Every key.
    pub(crate) const ALL: Self = Self {
        from: B256::ZERO,
        until: B256::repeat_byte(0xff),
    };
}

/// Why leaves are not those of the range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// Keys do not ascend, or lie outside of the range.
    #[error("key {key} is out of order, or outside of its range")]
    Order {
        /// The key.
        key: B256,
    },
    /// A node on the way to an end of the range is not in the proof.
    #[error("the proof lacks node {hash} at {place}")]
    Missing {
        /// Its hash.
        hash: B256,
        /// Nibbles on the way to it.
        place: String,
    },
    /// A node that is none.
    #[error("what is at {place} of the proof is no node of a state trie")]
    NoNode {
        /// Nibbles on the way to it.
        place: String,
    },
    /// The leaves given are not those that the trie has there.
    #[error("the leaves at {place} are not those that the root stands for")]
    Differs {
        /// Nibbles on the way there.
        place: String,
    },
    /// More nodes than two ways can have.
    #[error("a proof of {nodes} nodes, where {RANGE_PROOF_NODES_MAX} are enough for any")]
    TooLong {
        /// How many there are.
        nodes: usize,
    },
}

impl TrieReader<'_> {
    /// The nodes that prove the leaves of `span`: those on the way to each end that is not the trie's own.
    pub(in crate::state) fn range_proof(&self, span: &KeySpan) -> Result<Vec<Bytes>, StateError> {
        let mut nodes = Vec::new();
        if span.from != KeySpan::ALL.from {
            nodes = self.proof(&span.from)?;
        }
        if span.until != KeySpan::ALL.until {
            for node in self.proof(&span.until)? {
                if !nodes.contains(&node) {
                    nodes.push(node);
                }
            }
        }
        Ok(nodes)
    }
}

/// Checks that `leaves` are all that the trie with this root has in `span`.
///
/// # Errors
/// [`RangeFault`] at the first difference.
pub(in crate::state) fn check_range(
    root: B256,
    span: &KeySpan,
    leaves: &[(B256, Vec<u8>)],
    proof: &[impl AsRef<[u8]>],
) -> Result<(), RangeFault> {
    if proof.len() > RANGE_PROOF_NODES_MAX {
        return Err(RangeFault::TooLong { nodes: proof.len() });
    }
    let mut before = None;
    for (key, _) in leaves {
        if before.is_some_and(|before| before >= key) || *key < span.from || *key > span.until {
            return Err(RangeFault::Order { key: *key });
        }
        before = Some(key);
    }
    let leaves: Vec<_> = leaves
        .iter()
        .map(|(key, value)| Leaf::new(*key, value.as_slice()))
        .collect();
    let check = Check {
        span,
        nodes: proof
            .iter()
            .map(|node| (keccak256(node.as_ref()), node.as_ref()))
            .collect(),
    };
    let top = (root != EMPTY_ROOT_HASH).then(|| RlpNode::word_rlp(&root));
    check.subtree(&Nibbles::default(), top.as_ref(), &leaves)
}

/// Where the keys below a place lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Inside,
    Outside,
    Across,
}

struct Check<'a> {
    span: &'a KeySpan,
    nodes: BTreeMap<B256, &'a [u8]>,
}

impl Check<'_> {
    /// Checks what is at `place`, of which the parent holds `held`, against all `leaves` below it.
    fn subtree(&self, place: &Nibbles, held: Option<&RlpNode>, leaves: &[Leaf]) -> Result<(), RangeFault> {
        match (self.lies(place), held) {
            (Lies::Outside, _) => Ok(()),
            (Lies::Inside, _) => {
                let built = small::node_of(leaves, place.len());
                // The root is held as a hash however short it is.
                let is_right = match (held, &built) {
                    (Some(held), Some(built)) if place.is_empty() => {
                        held.as_hash() == Some(built.as_hash().unwrap_or_else(|| keccak256(built)))
                    }
                    (held, built) => held == built.as_ref(),
                };
                if is_right { Ok(()) } else { Err(differs(place)) }
            }
            (Lies::Across, None) if leaves.is_empty() => Ok(()),
            (Lies::Across, None) => Err(differs(place)),
            (Lies::Across, Some(held)) => self.node(place, &self.resolve(place, held)?, leaves),
        }
    }

    /// Checks what is below the node at `place`.
    fn node(&self, place: &Nibbles, node: &TrieNode, leaves: &[Leaf]) -> Result<(), RangeFault> {
        match node {
            TrieNode::EmptyRoot => Err(no_node(place)),
            TrieNode::Leaf(node) => {
                let path = joined(place, &node.key).filter(|path| path.len() == PATH_NIBBLES);
                let path = path.ok_or_else(|| no_node(place))?;
                let is_right = match (self.lies(&path), leaves) {
                    (Lies::Outside, leaves) => leaves.is_empty(),
                    (_, [leaf]) => leaf.path == path && leaf.value() == node.value.as_slice(),
                    (_, _) => false,
                };
                if is_right { Ok(()) } else { Err(differs(place)) }
            }
            TrieNode::Extension(node) => {
                let at = joined(place, &node.key).filter(|at| at.len() < PATH_NIBBLES && at.len() > place.len());
                let at = at.ok_or_else(|| no_node(place))?;
                if leaves.iter().any(|leaf| !leaf.path.starts_with(&at)) {
                    return Err(differs(place));
                }
                self.subtree(&at, Some(&node.child), leaves)
            }
            TrieNode::Branch(node) => {
                if place.len() >= PATH_NIBBLES {
                    return Err(no_node(place));
                }
                let mut groups = groups(leaves, place.len()).peekable();
                let mut children = node.stack.iter();
                for nibble in 0..16 {
                    let child = node.state_mask.is_bit_set(nibble).then(|| children.next()).flatten();
                    let group = groups.next_if(|(of, _)| *of == nibble);
                    let mut place = *place;
                    place.push(nibble);
                    self.subtree(&place, child, group.map_or(&[], |(_, group)| group))?;
                }
                Ok(())
            }
        }
    }

    /// The node that a parent holds.
    fn resolve(&self, place: &Nibbles, held: &RlpNode) -> Result<TrieNode, RangeFault> {
        let mut bytes = match held.as_hash() {
            None => held.as_slice(),
            Some(hash) => self.nodes.get(&hash).copied().ok_or_else(|| RangeFault::Missing {
                hash,
                place: shown(place),
            })?,
        };
        match TrieNode::decode(&mut bytes) {
            Ok(node) if bytes.is_empty() => Ok(node),
            _ => Err(no_node(place)),
        }
    }

    fn lies(&self, place: &Nibbles) -> Lies {
        let (least, most) = ends(place);
        if most < self.span.from || least > self.span.until {
            Lies::Outside
        } else if least.cmp(&self.span.from) != Ordering::Less && most <= self.span.until {
            Lies::Inside
        } else {
            Lies::Across
        }
    }
}

/// The least and the greatest key below a place.
fn ends(place: &Nibbles) -> (B256, B256) {
    let (mut least, mut most) = (B256::ZERO, B256::repeat_byte(0xff));
    for (index, nibble) in place.iter().enumerate().take(PATH_NIBBLES) {
        let shift = if index.is_multiple_of(2) { 4 } else { 0 };
        let byte = index / 2;
        least[byte] |= nibble << shift;
        most[byte] &= nibble << shift | 0x0f << (4 - shift);
    }
    (least, most)
}

/// Both paths, unless they are longer than a key.
fn joined(place: &Nibbles, rest: &Nibbles) -> Option<Nibbles> {
    (place.len() + rest.len() <= PATH_NIBBLES).then(|| place.join(rest))
}

fn differs(place: &Nibbles) -> RangeFault {
    RangeFault::Differs { place: shown(place) }
}

fn no_node(place: &Nibbles) -> RangeFault {
    RangeFault::NoNode { place: shown(place) }
}

fn shown(place: &Nibbles) -> String {
    let nibbles = place.iter().filter_map(|nibble| char::from_digit(nibble.into(), 16));
    if place.is_empty() {
        "the root".to_owned()
    } else {
        nibbles.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_place_are_its_first_and_last_key() {
        let [mut least, mut most] = [B256::ZERO, B256::repeat_byte(0xff)];
        assert_eq!(ends(&Nibbles::default()), (least, most));
        (least[0], least[1]) = (0x12, 0x30);
        (most[0], most[1]) = (0x12, 0x3f);
        assert_eq!(ends(&Nibbles::from_nibbles([1, 2, 3])), (least, most));
        let key = keccak256([1]);
        assert_eq!(ends(&Nibbles::unpack(key)), (key, key));
    }
}
