//! Which root comes of a trie and a block's changes, and which records have to change for it?
//!
//! Called by the commitment with the changes of one trie, sorted. The walk goes down only where a change leads, reads each
//! branch once, and hashes each once, from the leaves up. Large sets of changes are walked side by side below each
//! branch.

use std::{borrow::Cow, sync::Arc};

use alloy_primitives::{B256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;

use super::node::{self, Below, Branch, Child, LeafKeys, Record};
use super::work::{Leaf, LeafChange, Work, leaves};
use super::{TrieReader, past};
use crate::state::{StateChange, StateError};

/// Changes below one branch that are worth tasks of their own.
const CHANGES_PER_TASK_MIN: usize = 64;

/// What became of one child: its work, the key of the leaf that it was, and the records that changed below it.
struct ChildDone<'a> {
    nibble: u8,
    work: Option<Work<'a>>,
    was_leaf: Option<B256>,
    records: Vec<StateChange>,
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
    let old = trie.root()?.map(|found| found.record);
    let work = match &old {
        None => updater.build(&leaves(changes, None), &mut records),
        Some(Record::Leaf(key)) => {
            let kept = updater.kept_leaf(*key, changes)?;
            updater.build(&leaves(changes, kept), &mut records)
        }
        Some(Record::Branch(_)) => updater.below(top, changes, &mut records)?,
        Some(Record::Extension(at)) => updater.below(*at, changes, &mut records)?,
    };
    let (hash, new) = match work {
        None => (EMPTY_ROOT_HASH, None),
        Some(Work::Leaf(leaf)) => (keccak256(leaf.rlp(0)), Some(Record::Leaf(leaf.key))),
        Some(Work::Branch { at, node }) if at.is_empty() => (node.as_hash().unwrap_or_else(|| keccak256(&node)), None),
        Some(Work::Branch { at, node }) => {
            let hash = keccak256(node::extension_rlp(&at, &node));
            (hash, Some(Record::Extension(at)))
        }
    };
    updater.put_root(old, new, &mut records);
    Ok((hash, records))
}

struct Updater<'a> {
    trie: TrieReader<'a>,
}

impl Updater<'_> {
    /// What becomes of `child`, which stands at `place`, after `changes`, all of whose keys begin with it.
    fn child<'c>(
        &self,
        place: Nibbles,
        child: Option<&Child>,
        changes: &'c [LeafChange],
    ) -> Result<ChildDone<'c>, StateError> {
        let mut records = Vec::new();
        let mut was_leaf = None;
        let work = match child.map(|child| &child.below) {
            None => self.build(&leaves(changes, None), &mut records),
            Some(Below::Leaf) => {
                let key = match changes.iter().find(|change| change.existed) {
                    Some(change) => change.key,
                    None => self.only_key_below(&place)?,
                };
                was_leaf = Some(key);
                let kept = self.kept_leaf(key, changes)?;
                self.build(&leaves(changes, kept), &mut records)
            }
            Some(Below::Branch) => self.below(place, changes, &mut records)?,
            Some(Below::Extension(nibbles)) => self.below(place.join(nibbles), changes, &mut records)?,
        };
        Ok(ChildDone {
            nibble: place.last().expect("a child has a nibble"),
            work,
            was_leaf,
            records,
        })
    }

    /// The leaf of `key` as it was, unless it is among `changes`.
    fn kept_leaf(&self, key: B256, changes: &[LeafChange]) -> Result<Option<Leaf<'static>>, StateError> {
        if changes.iter().any(|change| change.key == key) {
            return Ok(None);
        }
        self.leaf(key).map(Some)
    }

    fn leaf(&self, key: B256) -> Result<Leaf<'static>, StateError> {
        let path = Nibbles::unpack(key);
        let value = self.trie.value(&key)?.ok_or_else(|| self.no_leaf(&path))?;
        Ok(Leaf {
            key,
            path,
            value: Cow::Owned(value),
        })
    }

    fn only_key_below(&self, place: &Nibbles) -> Result<B256, StateError> {
        let key = self.trie.first_key_below(place)?.ok_or_else(|| self.no_leaf(place))?;
        self.trie.view.expect_newest()?;
        Ok(key)
    }

    fn no_leaf(&self, place: &Nibbles) -> StateError {
        let id = self.trie.id;
        StateError::Trie {
            what: format!("{id:?} names a leaf below {place:?} that the flat state does not hold"),
        }
    }

    /// What becomes of the branch at `at` and of what grows beside the way to it.
    fn below<'c>(
        &self,
        at: Nibbles,
        changes: &'c [LeafChange],
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work<'c>>, StateError> {
        // Where the first key leaves the way to the branch, if one does. Sorted keys leave it at either end.
        let fork = [changes.first(), changes.last()]
            .into_iter()
            .flatten()
            .map(|change| change.path.common_prefix_length(&at))
            .min();
        match fork {
            Some(fork) if fork < at.len() => self.fork(at, fork, changes, records),
            _ => self.branch(at, changes, records),
        }
    }

    /// A new branch on the way to the one at `at`, `fork` nibbles down. Nothing stood beside that way, so that all that leaves
    /// it is new, unless it was not worth a branch after all.
    fn fork<'c>(
        &self,
        at: Nibbles,
        fork: usize,
        changes: &'c [LeafChange],
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work<'c>>, StateError> {
        let onwards = at.get_unchecked(fork);
        let mut works = Vec::new();
        for (nibble, group) in groups(changes, fork) {
            let work = if nibble == onwards {
                self.below(at, group, records)?
            } else {
                self.build(&leaves(group, None), records)
            };
            works.push((nibble, work));
        }
        if works.iter().all(|(nibble, _)| *nibble != onwards) {
            let node = self.trie.branch(&at)?.node();
            works.push((onwards, Some(Work::Branch { at, node })));
        }
        works.retain(|(_, work)| work.is_some());
        if works.len() < 2 {
            return Ok(works.pop().and_then(|(_, work)| work));
        }
        let mut branch = Branch::default();
        for (nibble, work) in works {
            branch.0[usize::from(nibble)] = work.map(|work| work.to_child(fork + 1));
        }
        Ok(Some(self.put_new(at.slice(..fork), branch, records)))
    }

    /// What becomes of the branch at `at` under changes that all lie below it.
    fn branch<'c>(
        &self,
        at: Nibbles,
        changes: &'c [LeafChange],
        records: &mut Vec<StateChange>,
    ) -> Result<Option<Work<'c>>, StateError> {
        let old = self.trie.branch(&at)?;
        let run = |(nibble, group): (u8, &'c [LeafChange])| {
            let mut place = at;
            place.push(nibble);
            self.child(place, old.child(nibble), group)
        };
        let groups = groups(changes, at.len());
        let mut done: Vec<ChildDone<'c>> = if changes.len() >= CHANGES_PER_TASK_MIN {
            let groups: Vec<_> = groups.collect();
            groups.into_par_iter().map(run).collect::<Result<_, StateError>>()?
        } else {
            groups.map(run).collect::<Result<_, StateError>>()?
        };
        let mut new = Branch::clone(&old);
        let mut keys = LeafKeys::default();
        for child in &mut done {
            records.append(&mut child.records);
            let nibble = usize::from(child.nibble);
            keys[nibble] = child.was_leaf;
            new.0[nibble] = child.work.as_ref().map(|work| work.to_child(at.len() + 1));
        }
        if new.0.iter().flatten().count() < 2 {
            let lifted = self.lift(at, &new, done, &mut keys)?;
            records.push(self.change(&at, None, past::removed(&old, &keys)));
            return Ok(lifted);
        }
        let node = new.node();
        if let Some(undo) = past::changed(&old, &new, &keys) {
            records.push(self.change(&at, Some(Record::Branch(Arc::new(new))), undo));
        }
        Ok(Some(Work::Branch { at, node }))
    }

    /// The last child of the branch at `at`, which goes, taken out of it; none if none is left.
    fn lift<'c>(
        &self,
        at: Nibbles,
        branch: &Branch,
        done: Vec<ChildDone<'c>>,
        keys: &mut LeafKeys,
    ) -> Result<Option<Work<'c>>, StateError> {
        if let Some(work) = done.into_iter().find_map(|child| child.work) {
            return Ok(Some(work));
        }
        let Some((nibble, child)) = (0_u8..)
            .zip(&branch.0)
            .find_map(|(nibble, child)| Some((nibble, child.as_ref()?)))
        else {
            return Ok(None);
        };
        let mut place = at;
        place.push(nibble);
        let at = match &child.below {
            Below::Leaf => {
                let key = self.only_key_below(&place)?;
                keys[usize::from(nibble)] = Some(key);
                return self.leaf(key).map(Work::Leaf).map(Some);
            }
            Below::Branch => place,
            Below::Extension(nibbles) => place.join(nibbles),
        };
        let node = self.trie.branch(&at)?.node();
        Ok(Some(Work::Branch { at, node }))
    }

    /// A new subtree of `leaves`, which are sorted.
    fn build<'c>(&self, leaves: &[Leaf<'c>], records: &mut Vec<StateChange>) -> Option<Work<'c>> {
        let (first, last) = (leaves.first()?, leaves.last()?);
        if leaves.len() == 1 {
            return Some(Work::Leaf(first.clone()));
        }
        let depth = first.path.common_prefix_length(&last.path);
        let mut branch = Branch::default();
        for group in leaves.chunk_by(|a, b| a.path.get(depth) == b.path.get(depth)) {
            let nibble = group[0].path.get_unchecked(depth);
            branch.0[usize::from(nibble)] = match group {
                [leaf] => Some(leaf.to_child(depth + 1)),
                group => self.build(group, records).map(|work| work.to_child(depth + 1)),
            };
        }
        Some(self.put_new(first.path.slice(..depth), branch, records))
    }

    /// Adds the record of a branch that was not there.
    fn put_new(&self, at: Nibbles, branch: Branch, records: &mut Vec<StateChange>) -> Work<'static> {
        let node = branch.node();
        records.push(self.change(&at, Some(Record::Branch(Arc::new(branch))), past::absent()));
        Work::Branch { at, node }
    }

    /// Brings the root's record in line, when it is no branch now or was none before.
    fn put_root(&self, old: Option<Record>, new: Option<Record>, records: &mut Vec<StateChange>) {
        let top = Nibbles::default();
        let undo = match &old {
            None => past::absent(),
            Some(old) => past::root(old),
        };
        let was_branch = matches!(old, Some(Record::Branch(_)));
        let key = self.trie.id.node_key(&top);
        // A branch at the top is done last.
        match records.last_mut().filter(|record| record.key == key) {
            Some(record) => {
                if !was_branch {
                    record.undo = undo;
                }
                if record.new.is_none() {
                    record.new = new.as_ref().map(Record::to_bytes);
                    record.record = new;
                }
            }
            None if new == old || was_branch => {}
            None => records.push(self.change(&top, new, undo)),
        }
    }

    fn change(&self, path: &Nibbles, new: Option<Record>, undo: Vec<u8>) -> StateChange {
        StateChange {
            column: self.trie.id.nodes(),
            key: self.trie.id.node_key(path),
            new: new.as_ref().map(Record::to_bytes),
            record: new,
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
