//! Which small subtrees are in memory?
//!
//! A subtree without records is built from its leaves when one of them changes: finding them takes a seek in each level of the
//! database, and each takes a step and a hash. So the top branch of what was built lately is kept here, as a record would have
//! it; whoever changes a leaf then reads only those that share its child of that branch, of which there are mostly none or
//! one. A branch is found by its hash, which is one of all the leaves, so that none is ever out of date: another block, or one
//! that never became final, has other leaves and another hash.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;
use quick_cache::{Weighter, sync::Cache};

use super::node::{Below, Branch, Child};

/// Bytes that a subtree takes beside its children, its key and the cache's own part included.
const SUBTREE_BYTES: u64 = 176;

/// Bytes that a child takes.
const CHILD_BYTES: u64 = size_of::<SmallChild>() as u64;

/// Children that a subtree has as a rule, for the number of entries that the cache makes room for at first.
const CHILDREN_USUAL: u64 = 7;

/// Children that a top has to have: what is below fewer is read whole with one seek.
pub(super) const CHILDREN_MIN: usize = 3;

/// The cache is full when all but this part of its bytes is taken: one in sixteen.
const SPARE_PARTS: u64 = 16;

/// The top branches of small subtrees by their hashes.
#[derive(Debug)]
pub(crate) struct SubtreeCache {
    tops: Cache<B256, Arc<Top>, Size>,
    bytes_max: u64,
}

/// A branch whose children are small.
#[derive(Debug)]
struct Top {
    /// Two tries may have the same below different places.
    at: Nibbles,
    children: Box<[SmallChild]>,
}

#[derive(Clone, Copy, Debug)]
struct SmallChild {
    nibble: u8,
    leaves: u8,
    hash: B256,
}

#[derive(Clone, Debug)]
struct Size;

impl Weighter<B256, Arc<Top>> for Size {
    fn weight(&self, _: &B256, top: &Arc<Top>) -> u64 {
        SUBTREE_BYTES + CHILD_BYTES * top.children.len() as u64
    }
}

impl SubtreeCache {
    /// A cache of `bytes` at most.
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes_max = bytes as u64;
        let entries = bytes_max / (SUBTREE_BYTES + CHILDREN_USUAL * CHILD_BYTES);
        let entries = usize::try_from(entries).unwrap_or(1).max(1);
        Self {
            tops: Cache::with_weighter(entries, bytes_max, Size),
            bytes_max,
        }
    }

    /// The branch at `at`, of which the parent holds `node`.
    pub(super) fn get(&self, at: &Nibbles, node: &RlpNode) -> Option<Branch> {
        let top = self.tops.get(&node.as_hash()?).filter(|top| top.at == *at)?;
        let mut branch = Branch::default();
        for SmallChild { nibble, leaves, hash } in &top.children {
            branch.0[usize::from(*nibble)] = Some(Child {
                node: RlpNode::word_rlp(hash),
                below: Below::Small(*leaves),
            });
        }
        Some(branch)
    }

    /// Keeps `branch`, the top of a small subtree, which stands at `at` and of which a parent there holds `node`. What is shorter
    /// than a hash, or has few children, is not worth it. Below an extension, whose hash the parent holds, it is found once that
    /// is gone.
    pub(super) fn put(&self, at: &Nibbles, node: &RlpNode, branch: &Branch) {
        if let (Some(hash), Some(children)) = (node.as_hash(), children(branch)) {
            self.tops.insert(hash, Arc::new(Top { at: *at, children }));
        }
    }

    /// Whether another one would push hardly any out. The cache is in parts, some of which are full before others.
    pub(crate) fn has_room(&self) -> bool {
        self.tops.weight() < self.bytes_max - self.bytes_max / SPARE_PARTS
    }
}

/// The children of `branch`, if it has as many as are worth it and all of them are small and hashes.
fn children(branch: &Branch) -> Option<Box<[SmallChild]>> {
    let children = (0..).zip(&branch.0);
    let children = children.filter_map(|(nibble, child)| Some((nibble, child.as_ref()?)));
    let small = |(nibble, child): (u8, &Child)| match child.below {
        Below::Small(leaves) => Some(SmallChild {
            nibble,
            leaves,
            hash: child.node.as_hash()?,
        }),
        Below::Branch(_) | Below::Extension(..) => None,
    };
    let children: Box<[SmallChild]> = children.map(small).collect::<Option<_>>()?;
    (children.len() >= CHILDREN_MIN).then_some(children)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::super::small;
    use super::super::work::Leaf;
    use super::*;

    /// A subtree whose leaves' keys begin with these bytes.
    fn branch(keys: &[u8], at: &Nibbles) -> Branch {
        let mut leaves: Vec<_> = keys
            .iter()
            .map(|key| Leaf::new(B256::right_padding_from(&[*key]), vec![*key; 40]))
            .collect();
        leaves.sort_unstable_by_key(|leaf| leaf.path);
        small::branch_of(&leaves, at, small::top)
    }

    #[test]
    fn a_subtree_is_found_by_its_hash_and_place() {
        let cache = SubtreeCache::new(1 << 20);
        let (at, other) = (Nibbles::from_nibbles([1]), Nibbles::from_nibbles([2]));
        let old = branch(&[0x11, 0x12, 0x14], &at);
        let new = branch(&[0x11, 0x12, 0x13, 0x14], &at);
        cache.put(&at, &old.node(), &old);
        cache.put(&at, &new.node(), &new);
        assert_eq!(cache.get(&at, &old.node()), Some(old.clone()));
        assert_eq!(cache.get(&at, &new.node()), Some(new));
        assert_eq!(cache.get(&other, &old.node()), None);
        assert_eq!(cache.get(&at, &RlpNode::word_rlp(&keccak256([7]))), None);
    }

    #[test]
    fn what_has_few_children_or_a_large_one_or_a_short_one_is_not_kept() {
        let cache = SubtreeCache::new(1 << 20);
        let at = Nibbles::from_nibbles([1]);
        let good = branch(&[0x11, 0x12, 0x13], &at);
        let with = |child: Option<Child>| {
            let mut branch = good.clone();
            branch.0[3] = child;
            branch
        };
        let child = |node, below| Some(Child { node, below });
        let hash = RlpNode::word_rlp(&keccak256([7]));
        let short = RlpNode::from_raw(&[0xc2, 1, 2]).expect("short");
        for bad in [
            with(None),
            with(child(hash, Below::Branch(Some(20)))),
            with(child(short, Below::Small(1))),
        ] {
            cache.put(&at, &bad.node(), &bad);
            assert_eq!(cache.get(&at, &bad.node()), None, "{bad:?}");
        }
        cache.put(&at, &good.node(), &good);
        assert_eq!(cache.get(&at, &good.node()), Some(good));
    }

    #[test]
    fn it_stays_within_its_bound_and_says_when_it_is_full() {
        const BYTES: usize = 8 << 20;
        let cache = SubtreeCache::new(BYTES);
        let at = Nibbles::default();
        let mut kept_when_full = None;
        for index in 0..40_000_u32 {
            let children = 3 + u8::try_from(index % 6).expect("few");
            let leaf = |nibble: u8| Leaf::new(B256::repeat_byte(nibble << 4), index.to_be_bytes().repeat(10));
            let leaves: Vec<_> = (0..children).map(leaf).collect();
            let branch = small::branch_of(&leaves, &at, small::top);
            cache.put(&at, &branch.node(), &branch);
            if kept_when_full.is_some() {
                assert!(!cache.has_room(), "{index}");
            } else if !cache.has_room() {
                kept_when_full = Some((index as usize + 1, cache.tops.len()));
            }
        }
        assert!(cache.tops.weight() <= BYTES as u64, "{:?}", cache.tops);
        let (put, kept) = kept_when_full.expect("they are more than it takes");
        assert!(kept > put - put / 20, "{kept} of {put} were there still");
    }
}
