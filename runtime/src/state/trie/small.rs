//! What is the top of a subtree that is known by its leaves?

use alloy_trie::Nibbles;
use alloy_trie::nodes::RlpNode;
use rayon::prelude::*;

use super::node::{Below, Branch, Child, SMALL_LEAVES_MAX};
use super::work::{Leaf, Work, groups, reached};

/// Leaves below a branch that are worth tasks of their own.
const LEAVES_PER_TASK_MIN: usize = 256;

/// Where sorted `leaves` part.
pub(super) fn fork_of(leaves: &[Leaf]) -> Option<Nibbles> {
    let (first, last) = (leaves.first()?, leaves.last()?);
    let depth = first.path.common_prefix_length(&last.path);
    Some(first.path.slice(..depth))
}

/// The top of the subtree of sorted `leaves`; `None` if there are none.
pub(super) fn top(leaves: &[Leaf]) -> Option<Work> {
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

/// What a parent, `depth` nibbles down, holds of the subtree of sorted `leaves`, however many there are; `None` if there are none.
pub(super) fn node_of(leaves: &[Leaf], depth: usize) -> Option<RlpNode> {
    match leaves {
        [] => None,
        [leaf] => Some(leaf.held(depth)),
        leaves => {
            let at = fork_of(leaves)?;
            Some(reached(&at, &branch(leaves, &at).node(), depth))
        }
    }
}

/// The branch at `at`, where sorted `leaves` part, however many there are, for its nodes and not for a record.
pub(super) fn branch(leaves: &[Leaf], at: &Nibbles) -> Branch {
    let child = |(nibble, group): (u8, &[Leaf])| Some((nibble, node_of(group, at.len() + 1)?));
    let nodes: Vec<_> = if leaves.len() < LEAVES_PER_TASK_MIN {
        groups(leaves, at.len()).filter_map(child).collect()
    } else {
        let groups: Vec<_> = groups(leaves, at.len()).collect();
        groups.into_par_iter().filter_map(child).collect()
    };
    let mut branch = Branch::default();
    for (nibble, node) in nodes {
        // What is below matters to records alone.
        let below = Below::Branch(None);
        branch.0[usize::from(nibble)] = Some(Child { node, below });
    }
    branch
}

/// The top of the subtree of sorted `leaves`, which has records if they are many; `None` if there are none.
pub(super) fn built(leaves: &[Leaf]) -> Option<Work> {
    if leaves.len() <= SMALL_LEAVES_MAX {
        return top(leaves);
    }
    let at = fork_of(leaves)?;
    Some(Work::recorded(at, &branch_of(leaves, &at, built)))
}

/// The branch at `at`, where `leaves` part, with what `build` makes of each group as its children.
pub(super) fn branch_of(leaves: &[Leaf], at: &Nibbles, mut build: impl FnMut(&[Leaf]) -> Option<Work>) -> Branch {
    let mut branch = Branch::default();
    for (nibble, group) in groups(leaves, at.len()) {
        branch.0[usize::from(nibble)] = build(group).map(|work| work.to_child(at.len() + 1));
    }
    branch
}
