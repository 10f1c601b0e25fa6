//! Which small subtrees are in memory?
//!
//! A subtree without records is built from its leaves whenever one of them changes: they are read, one step of an iterator
//! each, and hashed. What was built lately is kept here with what the parent holds of each leaf. A subtree is found by what its
//! parent holds of it, which is a hash of all its leaves, so that none is ever out of date: another block, or one that
//! never became final, has other leaves and another hash.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;
use quick_cache::{Weighter, sync::Cache};

use super::node::SMALL_LEAVES_MAX;
use super::work::{Leaf, Placed};

/// Bytes that a subtree takes beside its leaves, its key and the cache's own part included.
const SUBTREE_BYTES: u64 = 192;

/// Bytes that a leaf takes beside its value.
const LEAF_BYTES: u64 = size_of::<Leaf>() as u64 + 32;

/// Leaves that a subtree has as a rule, for the number of entries that the cache makes room for at first.
const LEAVES_USUAL: u64 = 6;

/// Small subtrees by the hash that their parents hold.
#[derive(Debug)]
pub(crate) struct SubtreeCache(Cache<B256, Arc<Subtree>, Size>);

#[derive(Debug)]
struct Subtree {
    /// Two tries may have the same below different places.
    place: Nibbles,
    leaves: Box<[Leaf]>,
    bytes: u64,
}

#[derive(Clone, Debug)]
struct Size;

impl Weighter<B256, Arc<Subtree>> for Size {
    fn weight(&self, _: &B256, subtree: &Arc<Subtree>) -> u64 {
        subtree.bytes
    }
}

impl SubtreeCache {
    /// A cache of `bytes` at most.
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes as u64;
        let entries = bytes / (SUBTREE_BYTES + LEAVES_USUAL * LEAF_BYTES);
        Self(Cache::with_weighter(
            usize::try_from(entries).unwrap_or(1).max(1),
            bytes,
            Size,
        ))
    }

    /// The leaves below `place`, in the order of keys, whose parent holds `node` of them.
    pub(super) fn get(&self, place: &Nibbles, node: &RlpNode) -> Option<Vec<Leaf>> {
        let subtree = self.0.get(&node.as_hash()?)?;
        (subtree.place == *place).then(|| subtree.leaves.to_vec())
    }

    /// Keeps the leaves below `place`, whose parent holds `node` of them, if they are few. A node that is no hash is as short as
    /// its leaves.
    pub(super) fn put(&self, place: &Nibbles, node: &RlpNode, leaves: &[Leaf]) {
        let Some(hash) = node.as_hash().filter(|_| leaves.len() <= SMALL_LEAVES_MAX) else {
            return;
        };
        let leaves: Box<[Leaf]> = depths(place, leaves)
            .zip(leaves)
            .map(|(depth, leaf)| leaf.settled(depth))
            .collect();
        let bytes = leaves.iter().map(|leaf| LEAF_BYTES + leaf.value().len() as u64);
        let subtree = Subtree {
            place: *place,
            bytes: SUBTREE_BYTES + bytes.sum::<u64>(),
            leaves,
        };
        self.0.insert(hash, Arc::new(subtree));
    }
}

/// How many nibbles down the parents of `leaves` stand, which are all that is below `place`: where a leaf parts from its
/// neighbours.
fn depths(place: &Nibbles, leaves: &[Leaf]) -> impl Iterator<Item = usize> {
    let shared =
        |other: Option<&Leaf>, leaf: &Leaf| other.map(|other| other.path().common_prefix_length(leaf.path()) + 1);
    let least = place.len();
    leaves.iter().enumerate().map(move |(index, leaf)| {
        let before = shared(index.checked_sub(1).and_then(|before| leaves.get(before)), leaf);
        let after = shared(leaves.get(index + 1), leaf);
        before.max(after).unwrap_or(least)
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::super::small;
    use super::*;

    fn leaves(keys: &[u8]) -> Vec<Leaf> {
        let mut leaves: Vec<_> = keys
            .iter()
            .map(|key| Leaf::new(B256::right_padding_from(&[*key]), vec![*key; 40]))
            .collect();
        leaves.sort_unstable_by_key(|leaf| leaf.path);
        leaves
    }

    fn node(leaves: &[Leaf], place: &Nibbles) -> RlpNode {
        small::node_of(leaves, place.len()).expect("there are leaves")
    }

    #[test]
    fn a_subtree_is_found_by_its_hash_and_place() {
        let cache = SubtreeCache::new(1 << 20);
        let (place, other) = (Nibbles::from_nibbles([1]), Nibbles::from_nibbles([2]));
        let (old, new) = (leaves(&[0x11, 0x12]), leaves(&[0x11, 0x12, 0x13]));
        let (old_node, new_node) = (node(&old, &place), node(&new, &place));
        cache.put(&place, &old_node, &old);
        cache.put(&place, &new_node, &new);
        let found = |place, node| cache.get(place, node).map(|leaves| leaves.len());
        assert_eq!((found(&place, &old_node), found(&place, &new_node)), (Some(2), Some(3)));
        assert_eq!(found(&other, &old_node), None);
        assert_eq!(found(&place, &RlpNode::word_rlp(&keccak256([7]))), None);
    }

    #[test]
    fn a_leaf_that_moved_is_held_as_where_it_stands_now() {
        let cache = SubtreeCache::new(1 << 20);
        let place = Nibbles::from_nibbles([1]);
        let alone = leaves(&[0x11]);
        let one = node(&alone, &place);
        cache.put(&place, &one, &alone);
        let mut two = cache.get(&place, &one).expect("kept");
        two.extend(leaves(&[0x12]));
        assert_eq!(node(&two, &place), node(&leaves(&[0x11, 0x12]), &place));
        cache.put(&place, &node(&two, &place), &two);
        let kept = cache.get(&place, &node(&two, &place)).expect("kept");
        assert_eq!(node(&kept, &place), node(&two, &place));
        assert_eq!(node(&kept[..1], &place), one);
    }

    #[test]
    fn it_stays_within_its_bound_and_keeps_no_large_subtree() {
        let cache = SubtreeCache::new(1 << 16);
        for index in 0..1_000_u32 {
            let (place, leaves) = (
                Nibbles::default(),
                [Leaf::new(keccak256(index.to_be_bytes()), vec![7; 40])],
            );
            cache.put(&place, &node(&leaves, &place), &leaves);
        }
        assert!(cache.0.weight() <= 1 << 16 && cache.0.len() > 100, "{:?}", cache.0);
        let many: Vec<u8> = (0..17).collect();
        let (place, leaves) = (Nibbles::default(), leaves(&many));
        cache.put(&place, &node(&leaves, &place), &leaves);
        assert!(cache.get(&place, &node(&leaves, &place)).is_none());
    }
}
