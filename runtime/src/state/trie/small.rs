//! What is the top of a subtree that is known by its leaves?

use alloy_trie::Nibbles;

use super::node::Branch;
use super::work::{Leaf, Work};

/// Leaves of a group with one nibble at `depth`, by that nibble; `leaves` are sorted.
pub(super) fn groups<'l, 'v>(leaves: &'l [Leaf<'v>], depth: usize) -> impl Iterator<Item = (u8, &'l [Leaf<'v>])> {
    leaves
        .chunk_by(move |a, b| a.path.get(depth) == b.path.get(depth))
        .filter_map(move |group| Some((group.first()?.path.get(depth)?, group)))
}

/// Where sorted `leaves` part.
pub(super) fn fork_of(leaves: &[Leaf<'_>]) -> Option<Nibbles> {
    let (first, last) = (leaves.first()?, leaves.last()?);
    let depth = first.path.common_prefix_length(&last.path);
    Some(first.path.slice(..depth))
}

/// The top of the subtree of sorted `leaves`; `None` if there are none.
pub(super) fn top<'a>(leaves: &[Leaf<'a>]) -> Option<Work<'a>> {
    match leaves {
        [] => None,
        [leaf] => Some(Work::Leaf(leaf.clone())),
        leaves => {
            let at = fork_of(leaves)?;
            let node = branch(leaves, &at).node();
            Some(Work::Small {
                at,
                node,
                leaves: leaves.len(),
            })
        }
    }
}

/// The branch at `at`, where `leaves` part.
pub(super) fn branch(leaves: &[Leaf<'_>], at: &Nibbles) -> Branch {
    let mut branch = Branch::default();
    for (nibble, group) in groups(leaves, at.len()) {
        branch.0[usize::from(nibble)] = top(group).map(|work| work.to_child(at.len() + 1));
    }
    branch
}
