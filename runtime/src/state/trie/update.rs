//! Which root comes of a trie and a block's changes, and which records have to change for it?
//!
//! Called by the commitment with the changes of one trie, sorted. The walk goes down only where a change leads, reads each
//! branch once, and hashes each once, from the leaves up. Large sets of changes are walked side by side below each
//! branch.

use alloy_primitives::{B256, keccak256};
use alloy_trie::nodes::RlpNode;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;

use super::node::{self, Below, Branch, Child, LeafKeys, Root, WIDTH};
use super::{TrieReader, past};
use crate::state::{StateChange, StateError};

/// Changes below one branch that are worth tasks of their own.
const CHANGES_PER_TASK_MIN: usize = 64;

/// A leaf that a block wrote or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) struct LeafChange {
    pub(in crate::state) key: B256,
    /// Nibbles of `key`.
    pub(in crate::state) path: Nibbles,
    /// Whether the parent's state has the leaf.
    pub(in crate::state) existed: bool,
    /// Its new value; `None` removes it.
    pub(in crate::state) value: Option<Vec<u8>>,
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

/// What stands at one place of the trie after the changes, before its parent is encoded: what a parent holds of a leaf or
/// of an extension depends on where the parent stands.
#[derive(Clone, Debug)]
enum Work {
    /// As it was, at the same place.
    Kept(Child),
    Leaf {
        key: B256,
        path: Nibbles,
        value: Vec<u8>,
    },
    Branch {
        at: Nibbles,
        node: RlpNode,
    },
}

type Works = [Option<Work>; WIDTH];

/// What became of one child: its work, the key of the leaf that it was, and the records that changed below it.
struct ChildDone {
    work: Option<Work>,
    was_leaf: Option<B256>,
    changes: Vec<StateChange>,
}

/// The root after `changes`, sorted by key without repetition, and the changed records.
pub(in crate::state) fn update(
    trie: TrieReader<'_>,
    root: B256,
    changes: &[LeafChange],
) -> Result<(B256, Vec<StateChange>), StateError> {
    if changes.is_empty() {
        return Ok((root, Vec::new()));
    }
    let top = Nibbles::default();
    let updater = Updater { trie };
    let mut records = Vec::new();
    let old = trie.root()?.map(|(root, _)| root);
    let work = match &old {
        None => updater.build(top, leaves(changes, None), &mut records)?,
        Some(Root::Leaf(key)) => {
            let kept = updater.kept_leaf(*key, changes)?;
            updater.build(top, leaves(changes, kept), &mut records)?
        }
        Some(Root::Branch(_)) => updater.below(top, top, changes, &mut records)?,
        Some(Root::Extension(at)) => updater.below(top, *at, changes, &mut records)?,
    };
    let (hash, new) = match work {
        None => (EMPTY_ROOT_HASH, None),
        Some(Work::Leaf { key, path, value }) => (keccak256(node::leaf_rlp(&path, 0, &value)), Some(Root::Leaf(key))),
        Some(Work::Branch { at, node }) if at.is_empty() => (node.as_hash().unwrap_or_else(|| keccak256(&node)), None),
        Some(Work::Branch { at, node }) => (keccak256(node::extension_rlp(&at, &node)), Some(Root::Extension(at))),
        Some(Work::Kept(_)) => unreachable!("a root is never the child of a branch"),
    };
    updater.put_root(old, new, &mut records);
    Ok((hash, records))
}

/// The leaves after `changes`, in the order of keys, with one that was there before.
fn leaves(changes: &[LeafChange], kept: Option<Work>) -> Vec<Work> {
    let mut leaves: Vec<_> = changes
        .iter()
        .filter_map(|change| {
            Some(Work::Leaf {
                key: change.key,
                path: change.path,
                value: change.value.clone()?,
            })
        })
        .collect();
    if let Some(kept) = kept {
        let at = leaves.partition_point(|leaf| leaf.path() < kept.path());
        leaves.insert(at, kept);
    }
    leaves
}

impl Work {
    /// The whole path of a leaf, or that of a branch.
    fn path(&self) -> Option<&Nibbles> {
        match self {
            Self::Kept(_) => None,
            Self::Leaf { path, .. } => Some(path),
            Self::Branch { at, .. } => Some(at),
        }
    }

    /// What a branch holds of this, `depth` nibbles down.
    fn to_child(&self, depth: usize) -> Child {
        match self {
            Self::Kept(child) => child.clone(),
            Self::Leaf { path, value, .. } => Child {
                node: RlpNode::from_rlp(&node::leaf_rlp(path, depth, value)),
                below: Below::Leaf,
            },
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

/// A branch as it was, with the keys of the leaves that changed.
struct Before<'a> {
    branch: &'a Branch,
    keys: LeafKeys,
}

struct Updater<'a> {
    trie: TrieReader<'a>,
}

impl Updater<'_> {
    /// What stands at `place` after `changes`, all of whose keys begin with it, when `child` stood there.
    fn child(&self, place: Nibbles, child: Option<&Child>, changes: &[LeafChange]) -> Result<ChildDone, StateError> {
        let mut records = Vec::new();
        let mut was_leaf = None;
        let work = match child.map(|child| &child.below) {
            None => self.build(place, leaves(changes, None), &mut records)?,
            Some(Below::Leaf) => {
                let key = match changes.iter().find(|change| change.existed) {
                    Some(change) => change.key,
                    None => self.only_key_below(&place)?,
                };
                was_leaf = Some(key);
                let kept = self.kept_leaf(key, changes)?;
                self.build(place, leaves(changes, kept), &mut records)?
            }
            Some(Below::Branch) => self.below(place, place, changes, &mut records)?,
            Some(Below::Extension(nibbles)) => self.below(place, place.join(nibbles), changes, &mut records)?,
        };
        Ok(ChildDone {
            work,
            was_leaf,
            changes: records,
        })
    }

    /// The leaf of `key` as it was, unless it is among `changes`.
    fn kept_leaf(&self, key: B256, changes: &[LeafChange]) -> Result<Option<Work>, StateError> {
        if changes.iter().any(|change| change.key == key) {
            return Ok(None);
        }
        self.leaf(key).map(Some)
    }

    fn leaf(&self, key: B256) -> Result<Work, StateError> {
        let value = self
            .trie
            .value(&key)?
            .ok_or_else(|| self.no_leaf(&Nibbles::unpack(key)))?;
        Ok(Work::Leaf {
            key,
            path: Nibbles::unpack(key),
            value,
        })
    }

    fn only_key_below(&self, place: &Nibbles) -> Result<B256, StateError> {
        let key = self.trie.first_key_below(place)?.ok_or_else(|| self.no_leaf(place))?;
        self.trie.view.expect_newest()?;
        Ok(key)
    }

    fn no_leaf(&self, place: &Nibbles) -> StateError {
        StateError::Trie {
            what: format!(
                "{:?} names a leaf below {place:?} that the flat state does not hold",
                self.trie.id
            ),
        }
    }

    /// What becomes of the branch at `at` and of what grows beside it, below `place`.
    fn below(
        &self,
        place: Nibbles,
        at: Nibbles,
        changes: &[LeafChange],
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work>, StateError> {
        // Where the first key leaves the way to the branch, if one does. Sorted keys leave it at either end.
        let fork = [changes.first(), changes.last()]
            .into_iter()
            .flatten()
            .map(|change| change.path.common_prefix_length(&at))
            .min()
            .unwrap_or(at.len());
        if fork == at.len() {
            return self.branch(at, changes, records);
        }
        let fork_at = at.slice(..fork);
        let mut works = Works::default();
        for (nibble, group) in groups(changes, fork) {
            works[usize::from(nibble)] = if nibble == at.get_unchecked(fork) {
                self.below(at.slice(..=fork), at, group, records)?
            } else {
                let mut place = fork_at;
                place.push(nibble);
                self.build(place, leaves(group, None), records)?
            };
        }
        let old = &mut works[usize::from(at.get_unchecked(fork))];
        if old.is_none() && changes.iter().all(|change| change.path.get(fork) != at.get(fork)) {
            let node = self.trie.branch(&at)?.0.node();
            *old = Some(Work::Branch { at, node });
        }
        debug_assert!(place.len() <= fork, "the fork lies below its place");
        self.assemble(fork_at, works, None, records)
    }

    /// What becomes of the branch at `at` under changes that all lie below it.
    fn branch(
        &self,
        at: Nibbles,
        changes: &[LeafChange],
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work>, StateError> {
        let (old, _) = self.trie.branch(&at)?;
        let run = |(nibble, group): (u8, &[LeafChange])| {
            let mut place = at;
            place.push(nibble);
            Ok((nibble, self.child(place, old.child(nibble), group)?))
        };
        let groups = groups(changes, at.len());
        let done: Vec<(u8, ChildDone)> = if changes.len() >= CHANGES_PER_TASK_MIN {
            let groups: Vec<_> = groups.collect();
            groups.into_par_iter().map(run).collect::<Result<_, StateError>>()?
        } else {
            groups.map(run).collect::<Result<_, StateError>>()?
        };
        let mut works: Works = std::array::from_fn(|nibble| old.0[nibble].clone().map(Work::Kept));
        let mut keys = LeafKeys::default();
        for (nibble, child) in done {
            let nibble = usize::from(nibble);
            (works[nibble], keys[nibble]) = (child.work, child.was_leaf);
            records.extend(child.changes);
        }
        self.assemble(at, works, Some(Before { branch: &old, keys }), records)
    }

    /// A new subtree of `leaves`, which are sorted and all lie below `place`.
    fn build(
        &self,
        place: Nibbles,
        mut leaves: Vec<Work>,
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work>, StateError> {
        if leaves.len() < 2 {
            return Ok(leaves.pop());
        }
        let path = |leaf: Option<&Work>| *leaf.and_then(Work::path).expect("leaves have paths");
        let (first, last) = (path(leaves.first()), path(leaves.last()));
        let depth = first.common_prefix_length(&last);
        debug_assert!(depth >= place.len(), "leaves lie below their place");
        let mut groups: [Vec<Work>; WIDTH] = Default::default();
        for leaf in leaves {
            let nibble = path(Some(&leaf)).get_unchecked(depth);
            groups[usize::from(nibble)].push(leaf);
        }
        let mut works = Works::default();
        for (work, group) in works.iter_mut().zip(groups) {
            *work = self.build(first.slice(..depth), group, records)?;
        }
        self.assemble(first.slice(..depth), works, None, records)
    }

    /// Closes the branch at `at`: as a branch if two children are left, else as what its only child becomes.
    fn assemble(
        &self,
        at: Nibbles,
        mut works: Works,
        before: Option<Before<'_>>,
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work>, StateError> {
        if works.iter().flatten().count() < 2 {
            let only = works
                .iter_mut()
                .enumerate()
                .find_map(|(nibble, work)| Some((nibble, work.take()?)));
            let mut before = before;
            let lifted = match only {
                Some((nibble, work)) => Some(self.lift(at, nibble, work, before.as_mut())?),
                None => None,
            };
            if let Some(before) = before {
                records.push(self.change(&at, None, past::removed(before.branch, &before.keys)));
            }
            return Ok(lifted);
        }
        let branch = Branch(works.map(|work| work.map(|work| work.to_child(at.len() + 1))));
        let undo = match &before {
            None => Some(past::absent()),
            Some(before) => past::changed(before.branch, &branch, &before.keys),
        };
        if let Some(undo) = undo {
            records.push(self.change(&at, Some(branch.to_bytes()), undo));
        }
        let node = branch.node();
        Ok(Some(Work::Branch { at, node }))
    }

    /// The last child of the branch at `at`, which goes, taken out of it.
    fn lift(
        &self,
        at: Nibbles,
        nibble: usize,
        work: Work,
        before: Option<&mut Before<'_>>,
    ) -> Result<Work, StateError> {
        let Work::Kept(child) = work else { return Ok(work) };
        let mut place = at;
        place.push(u8::try_from(nibble).expect("a branch has 16 children"));
        let at = match child.below {
            Below::Leaf => {
                let key = self.only_key_below(&place)?;
                if let Some(before) = before {
                    before.keys[nibble] = Some(key);
                }
                return self.leaf(key);
            }
            Below::Branch => place,
            Below::Extension(nibbles) => place.join(&nibbles),
        };
        let node = self.trie.branch(&at)?.0.node();
        Ok(Work::Branch { at, node })
    }

    /// Brings the root's record in line, when it is no branch now or was none before.
    fn put_root(&self, old: Option<Root>, new: Option<Root>, records: &mut Vec<StateChange>) {
        let top = Nibbles::default();
        let key = self.trie.id.node_key(&top);
        let written = records.iter_mut().rev().find(|record| record.key == key);
        let undo = match &old {
            None => past::absent(),
            Some(old) => past::root(old),
        };
        match written {
            Some(record) => {
                // A branch came or went at the top: what it came from, or became, is not a branch.
                if !matches!(old, Some(Root::Branch(_))) {
                    record.undo = undo;
                }
                if record.new.is_none() {
                    record.new = new.map(|root| root.to_bytes());
                }
            }
            // A branch that stays is not in `new`, and has no record here only if nothing changed.
            None if new == old || matches!(old, Some(Root::Branch(_))) => {}
            None => records.push(self.change(&top, new.map(|root| root.to_bytes()), undo)),
        }
    }

    fn change(&self, path: &Nibbles, new: Option<Vec<u8>>, undo: Vec<u8>) -> StateChange {
        StateChange {
            column: self.trie.id.nodes(),
            key: self.trie.id.node_key(path),
            new,
            undo,
        }
    }
}

/// Changes in groups of the same nibble at `depth`.
fn groups(changes: &[LeafChange], depth: usize) -> impl Iterator<Item = (u8, &[LeafChange])> {
    changes
        .chunk_by(move |a, b| a.path.get(depth) == b.path.get(depth))
        .filter_map(move |group| Some((group.first()?.path.get(depth)?, group)))
}
