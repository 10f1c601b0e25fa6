//! Which block hashes does a checkpoint anchor, and how is one of them proven?
//!
//! The tree behind `historyRoot`: RFC 6962's shape with keccak-256, over the hashes of the blocks above the parent's height
//! up to the checkpoint's, in order. Used by checkpoint (making and recomputing checkpoints), by RPC and the CLI (proofs).
//! Pure; `History.sol` checks the same paths on the mainchain.

use alloy_primitives::{B256, keccak256};

/// First byte of what is hashed to a leaf: no leaf is a node.
const LEAF: u8 = 0;

/// First byte of what is hashed to a node.
const NODE: u8 = 1;

/// Place of a block in the tree of a checkpoint, and the number of blocks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 0.
    pub index: u64,
    /// Blocks of the checkpoint.
    pub size: u64,
}

impl Place {
    /// The place of the block at `height` in the checkpoint at `checkpoint_height` that follows one at `parent_height` (0
    /// for the first); `None` if that checkpoint does not span the block.
    pub fn of(height: u64, parent_height: u64, checkpoint_height: u64) -> Option<Self> {
        let in_span = height > parent_height && height <= checkpoint_height;
        in_span.then(|| Self {
            index: height - parent_height - 1,
            size: checkpoint_height - parent_height,
        })
    }
}

/// The root over these block hashes; `None` for no block, which no checkpoint has.
pub fn history_root(block_hashes: &[B256]) -> Option<B256> {
    let mut level: Vec<B256> = block_hashes.iter().copied().map(leaf).collect();
    while level.len() > 1 {
        level = above(&level);
    }
    level.pop()
}

/// The same root, block by block: holds one hash for each bit of the number of blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryTree {
    /// Roots of whole subtrees, the largest first, with the number of their levels.
    whole: Vec<(u32, B256)>,
}

impl HistoryTree {
    /// Adds the next block.
    pub fn push(&mut self, block_hash: B256) {
        let (mut levels, mut right) = (0, leaf(block_hash));
        while let Some((_, left)) = self.whole.pop_if(|(left, _)| *left == levels) {
            right = node(left, right);
            levels += 1;
        }
        self.whole.push((levels, right));
    }

    /// The root over all blocks so far; `None` if there are none.
    pub fn root(&self) -> Option<B256> {
        let mut subtrees = self.whole.iter().rev().map(|(_, root)| *root);
        let last = subtrees.next()?;
        Some(subtrees.fold(last, |right, left| node(left, right)))
    }
}

/// The path that proves the block at `index` of these: its siblings, the lowest first; `None` if there is no such block.
pub fn history_path(block_hashes: &[B256], index: usize) -> Option<Vec<B256>> {
    if index >= block_hashes.len() {
        return None;
    }
    let mut level: Vec<B256> = block_hashes.iter().copied().map(leaf).collect();
    let mut path = Vec::new();
    let mut at = index;
    while level.len() > 1 {
        path.extend(level.get(at ^ 1));
        level = above(&level);
        at /= 2;
    }
    Some(path)
}

/// The root that a path leads to from a block; `None` if the path is too long or too short for the place, or there is no
/// such place. The block is proven if that is the `historyRoot` of an accepted checkpoint.
pub fn root_of_path(block_hash: B256, place: Place, path: &[B256]) -> Option<B256> {
    if place.index >= place.size {
        return None;
    }
    let mut siblings = path.iter();
    let mut root = leaf(block_hash);
    // `at` and `last`: the node's place among those of its level, and the place of the level's last.
    let (mut at, mut last) = (place.index, place.size - 1);
    while last > 0 {
        if at & 1 == 1 {
            root = node(*siblings.next()?, root);
        } else if at < last {
            root = node(root, *siblings.next()?);
        } // else: the last node of a level rises without a sibling
        (at, last) = (at >> 1, last >> 1);
    }
    siblings.next().is_none().then_some(root)
}

/// The level above: pairs hashed, the last node of an odd level raised as it is. That is RFC 6962's shape, whose left side
/// has as many leaves as the largest power of two below their number.
fn above(level: &[B256]) -> Vec<B256> {
    level
        .chunks(2)
        .map(|pair| match *pair {
            [left, right] => node(left, right),
            _ => pair[0],
        })
        .collect()
}

fn leaf(block_hash: B256) -> B256 {
    keccak256([&[LEAF], block_hash.as_slice()].concat())
}

fn node(left: B256, right: B256) -> B256 {
    keccak256([&[NODE], left.as_slice(), right.as_slice()].concat())
}
