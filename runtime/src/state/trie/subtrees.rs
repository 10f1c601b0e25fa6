//! Which small subtrees are in memory?
//!
//! A subtree without records is built from its leaves when one of them changes: finding them takes a seek in each level of the
//! database, and each takes a step and a hash. So the top branch of what was built lately is kept here, as a record would have
//! it; whoever changes a leaf then reads only those that share its child of that branch, of which there are mostly none or
//! one. A place has one branch, that of the newest block which changed it: what a block replaced would only push others out, and
//! what never became a block is not kept. It counts as long as its parent holds its hash, which is one of all the leaves, so that
//! none is ever out of date: another block has other leaves and another hash.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;
use quick_cache::{Weighter, sync::Cache};

use super::TrieId;
use super::node::{BRANCH_BYTES, Branch, put_children, take_children};

/// Bytes that a top takes beside its own: the cache's part, the counters of an `Arc`, and what the allocator rounds up.
const TOP_OVERHEAD_BYTES: u64 = 96;

/// Bytes of a top's own as a rule, for the number of entries that the cache makes room for at first: a hash, and seven children.
const TOP_OWN_BYTES_USUAL: u64 = 32 + 5 + 7 * 33;

/// Bytes of a top's own at most.
const TOP_OWN_BYTES_MAX: usize = B256::len_bytes() + BRANCH_BYTES;

/// Children that a top has to have: what is below fewer is read whole with one seek.
pub(super) const CHILDREN_MIN: usize = 3;

/// The cache is full when all but this part of its bytes is taken: one in sixteen.
const SPARE_PARTS: u64 = 16;

/// The top branches of small subtrees.
#[derive(Debug)]
pub(crate) struct SubtreeCache {
    /// By a hash of where they stand: the hash of the node, and then the branch as its record would be. Two places of one key
    /// push each other out, and no more: who reads compares the node's hash.
    tops: Cache<u64, Arc<[u8]>, Size>,
    hasher: RandomState,
    bytes_max: u64,
}

/// The top branch of a small subtree, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct SubtreeTop {
    key: u64,
    bytes: Arc<[u8]>,
}

#[derive(Clone, Debug)]
struct Size;

impl Weighter<u64, Arc<[u8]>> for Size {
    fn weight(&self, _: &u64, top: &Arc<[u8]>) -> u64 {
        TOP_OVERHEAD_BYTES + top.len() as u64
    }
}

impl SubtreeCache {
    /// A cache of `bytes` at most.
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes_max = bytes as u64;
        let entries = usize::try_from(bytes_max / (TOP_OVERHEAD_BYTES + TOP_OWN_BYTES_USUAL))
            .unwrap_or(1)
            .max(1);
        Self {
            tops: Cache::with_weighter(entries, bytes_max, Size),
            hasher: RandomState::default(),
            bytes_max,
        }
    }

    /// The branch at `at`, of which the parent holds `node`.
    pub(super) fn get(&self, id: &TrieId, at: &Nibbles, node: &RlpNode) -> Option<Branch> {
        let top = self.tops.get(&self.key(id, at))?;
        let mut bytes = top.strip_prefix(node.as_hash()?.as_slice())?;
        take_children(&mut bytes).ok().map(Branch)
    }

    /// Whether there is a top at `at`, of whatever block.
    pub(super) fn holds(&self, id: &TrieId, at: &Nibbles) -> bool {
        self.tops.contains_key(&self.key(id, at))
    }

    /// What to keep of `branch`, the top of a small subtree, which stands at `at` and of which a parent there holds `node`. What is
    /// shorter than a hash, or has few children, is not worth it. Below an extension, whose hash the parent holds, it is found
    /// once that is gone.
    pub(super) fn top(&self, id: &TrieId, at: &Nibbles, node: &RlpNode, branch: &Branch) -> Option<SubtreeTop> {
        let hash = node.as_hash()?;
        if branch.0.iter().flatten().count() < CHILDREN_MIN || branch.leaves_if_small().is_none() {
            return None;
        }
        let mut bytes = Vec::with_capacity(TOP_OWN_BYTES_MAX);
        bytes.extend_from_slice(hash.as_slice());
        put_children(&mut bytes, &branch.0);
        Some(SubtreeTop {
            key: self.key(id, at),
            bytes: bytes.into(),
        })
    }

    /// Keeps a top in place of what was there.
    pub(crate) fn keep(&self, top: &SubtreeTop) {
        self.tops.insert(top.key, Arc::clone(&top.bytes));
    }

    fn key(&self, id: &TrieId, at: &Nibbles) -> u64 {
        self.hasher.hash_one((id.prefix(), at))
    }

    /// Whether another one would push hardly any out. The cache is in parts, some of which are full before others.
    pub(crate) fn has_room(&self) -> bool {
        self.tops.weight() < self.bytes_max - self.bytes_max / SPARE_PARTS
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, keccak256};

    use super::super::node::{Below, Child};
    use super::super::small;
    use super::super::tests::ID;
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

    fn put(cache: &SubtreeCache, id: &TrieId, at: &Nibbles, node: &RlpNode, branch: &Branch) {
        if let Some(top) = cache.top(id, at, node, branch) {
            cache.keep(&top);
        }
    }

    #[test]
    fn a_place_has_the_subtree_that_was_put_there_last() {
        let cache = SubtreeCache::new(1 << 20);
        let (at, other) = (Nibbles::from_nibbles([1]), Nibbles::from_nibbles([2]));
        let old = branch(&[0x11, 0x12, 0x14], &at);
        let new = branch(&[0x11, 0x12, 0x13, 0x14], &at);
        put(&cache, &ID, &at, &old.node(), &old);
        put(&cache, &TrieId::Accounts, &at, &old.node(), &old);
        assert_eq!(cache.get(&ID, &at, &old.node()), Some(old.clone()));
        assert_eq!(cache.get(&ID, &at, &new.node()), None);
        assert_eq!(cache.get(&ID, &other, &old.node()), None);
        put(&cache, &ID, &at, &new.node(), &new);
        assert_eq!(cache.get(&ID, &at, &new.node()), Some(new));
        assert_eq!(cache.get(&ID, &at, &old.node()), None);
        assert_eq!(cache.get(&TrieId::Accounts, &at, &old.node()), Some(old));
        assert_eq!(cache.tops.len(), 2);
    }

    #[test]
    fn what_has_few_children_or_a_large_one_or_no_hash_is_not_kept() {
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
        for bad in [with(None), with(child(hash, Below::Branch(Some(20))))] {
            put(&cache, &ID, &at, &bad.node(), &bad);
            assert_eq!(cache.get(&ID, &at, &bad.node()), None, "{bad:?}");
        }
        put(&cache, &ID, &at, &short, &good);
        assert_eq!(cache.tops.len(), 0);
        for good in [with(child(short, Below::Small(1))), good] {
            put(&cache, &ID, &at, &good.node(), &good);
            assert_eq!(cache.get(&ID, &at, &good.node()), Some(good));
        }
    }

    #[test]
    fn it_stays_within_its_bound_and_says_when_it_is_full() {
        const BYTES: usize = 8 << 20;
        let cache = SubtreeCache::new(BYTES);
        let mut kept_when_full = None;
        for index in 0..40_000_u32 {
            let at = Nibbles::unpack(index.to_be_bytes());
            let children = 3 + u8::try_from(index % 6).expect("few");
            let leaf = |nibble: u8| {
                let key = [&index.to_be_bytes(), &[nibble << 4; 28][..]].concat();
                Leaf::new(B256::from_slice(&key), vec![7; 40])
            };
            let leaves: Vec<_> = (0..children).map(leaf).collect();
            let branch = small::branch_of(&leaves, &at, small::top);
            put(&cache, &ID, &at, &branch.node(), &branch);
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
