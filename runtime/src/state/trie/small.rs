//! What is the top of a subtree that is known by its leaves?

use alloy_trie::Nibbles;

use super::node::Branch;
use super::work::{Leaf, Work, groups};

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
    branch_of(leaves, at, top)
}

/// The branch at `at`, where `leaves` part, with what `build` makes of each group as its children.
pub(super) fn branch_of<'a>(
    leaves: &[Leaf<'a>],
    at: &Nibbles,
    mut build: impl FnMut(&[Leaf<'a>]) -> Option<Work<'a>>,
) -> Branch {
    let mut branch = Branch::default();
    for (nibble, group) in groups(leaves, at.len()) {
        branch.0[usize::from(nibble)] = build(group).map(|work| work.to_child(at.len() + 1));
    }
    branch
}
