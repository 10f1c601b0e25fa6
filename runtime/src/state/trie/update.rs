//! Which root comes of a trie and a block's changes, and which records have to change for it?
//!
//! Called by the commitment with the changes of one trie, sorted. The walk goes down only where a change leads, reads each
//! branch once, and hashes each once, from the leaves up. Large sets of changes are walked side by side below each
//! branch.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use alloy_trie::nodes::RlpNode;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;

use super::node::{self, Below, Branch, Child, RECORD_LOST_LEAVES_MAX, Record, SMALL_LEAVES_MAX};
use super::subtrees::CHILDREN_MIN;
use super::work::{Leaf, LeafChange, Work, groups, merge};
use super::{Leaves, TrieReader, part, past, small};
use crate::state::{Changes, StateChange, StateError, Written};

/// Changes below one branch that are worth tasks of their own.
const CHANGES_PER_TASK_MIN: usize = 64;

/// The root after `changes`, sorted by key without repetition, and what else changes with it.
pub(in crate::state) fn update(
    trie: TrieReader<'_>,
    root: B256,
    changes: &[LeafChange],
) -> Result<(B256, Changes), StateError> {
    if changes.is_empty() {
        return Ok((root, Changes::default()));
    }
    let top = Nibbles::default();
    let mut updater = Updater::new(trie);
    let old = trie.root()?;
    let work = match &old {
        None if root == EMPTY_ROOT_HASH => updater.build(&merge(Vec::new(), changes)),
        None => match updater.kept(&top, &RlpNode::word_rlp(&root)) {
            Some(branch) => updater.branch(top, Old::Small(&branch), changes)?,
            None => {
                let leaves = updater.leaves.all()?;
                let found = root_hash(small::top(&leaves).as_ref());
                trie.expect_root(found, root)?;
                updater.build(&merge(leaves, changes))
            }
        },
        Some(Record::Branch(_)) => updater.below(top, changes)?,
        Some(Record::Extension(at)) => updater.below(*at, changes)?,
    };
    let hash = root_hash(work.as_ref());
    let new = match work {
        Some(Work::Branch { at, .. }) if !at.is_empty() => Some(Record::Extension(at)),
        _ => None,
    };
    updater.put_root(old, new);
    Ok((hash, updater.changes))
}

/// The root of a trie with this at its top.
pub(super) fn root_hash(top: Option<&Work>) -> B256 {
    match top {
        None => EMPTY_ROOT_HASH,
        Some(Work::Leaf(leaf)) => keccak256(leaf.rlp(0)),
        Some(Work::Small { at, node, .. } | Work::Branch { at, node, .. }) if at.is_empty() => {
            node.as_hash().unwrap_or_else(|| keccak256(node))
        }
        Some(Work::Small { at, node, .. } | Work::Branch { at, node, .. }) => keccak256(node::extension_rlp(at, node)),
    }
}

/// Whether `changes` are of all leaves at `place`, where the trie names so many and the parent holds `node`: mostly of the one that
/// stands alone there.
fn is_all_that_stood(changes: &[LeafChange], named: u8, place: &Nibbles, node: &RlpNode) -> bool {
    let old = changes.iter().filter_map(|change| change.old.as_ref());
    old.clone().count() == usize::from(named)
        && small::node_of(&old.cloned().collect::<Vec<_>>(), place.len()).as_ref() == Some(node)
}

/// A branch before the changes.
#[derive(Clone, Copy)]
enum Old<'a> {
    /// It has a record.
    Recorded(&'a Branch),
    /// It is the top of a small subtree.
    Small(&'a Branch),
}

/// A walk, and what it changed so far.
struct Updater<'a> {
    trie: TrieReader<'a>,
    leaves: Leaves<'a>,
    changes: Changes,
}

impl<'a> Updater<'a> {
    fn new(trie: TrieReader<'a>) -> Self {
        Self {
            trie,
            leaves: trie.leaves(),
            changes: Changes::default(),
        }
    }

    /// What becomes of `child`, which stands at `place`, after `changes`, all of whose keys begin with it.
    fn child(
        &mut self,
        place: Nibbles,
        child: Option<&Child>,
        changes: &[LeafChange],
    ) -> Result<Option<Work>, StateError> {
        let leaves = match child.map(|child| (&child.below, &child.node)) {
            None => Vec::new(),
            Some((Below::Small(named), node)) => {
                let may_be_kept = usize::from(*named) >= CHILDREN_MIN;
                if let Some(branch) = may_be_kept.then(|| self.kept(&place, node)).flatten() {
                    // All changes begin with where it stands, so that none leaves the way to it.
                    return self.branch(place, Old::Small(&branch), changes);
                }
                match is_all_that_stood(changes, *named, &place, node) {
                    true => Vec::new(),
                    false => self.leaves.expected(&place, *named)?,
                }
            }
            Some((below, _)) => match self.trie.branch_below(&place, below)? {
                Some(at) => return self.below(at, changes),
                None => Vec::new(),
            },
        };
        Ok(self.build(&merge(leaves, changes)))
    }

    /// The branch at `at`, the top of a small subtree, of which the parent holds `node`, if it is in memory.
    fn kept(&self, at: &Nibbles, node: &RlpNode) -> Option<Branch> {
        self.trie.view.subtrees()?.get(&self.trie.id, at, node)
    }

    /// What becomes of the branch at `at`, which has a record, and of what grows beside the way to it.
    fn below(&mut self, at: Nibbles, changes: &[LeafChange]) -> Result<Option<Work>, StateError> {
        // Where the first key leaves the way to the branch, if one does. Sorted keys leave it at either end.
        let fork = [changes.first(), changes.last()]
            .into_iter()
            .flatten()
            .map(|change| change.path.common_prefix_length(&at))
            .min();
        match fork {
            Some(fork) if fork < at.len() => self.fork(at, fork, changes),
            _ => {
                let branch = self.trie.branch(&at)?;
                self.branch(at, Old::Recorded(&branch), changes)
            }
        }
    }

    /// A new branch on the way to the one at `at`, `fork` nibbles down. Nothing stood beside that way, so that all that leaves
    /// it is new, unless it was not worth a branch after all.
    fn fork(&mut self, at: Nibbles, fork: usize, changes: &[LeafChange]) -> Result<Option<Work>, StateError> {
        let onwards = at.get_unchecked(fork);
        let mut works = Vec::new();
        let mut is_passed = false;
        for (nibble, group) in groups(changes, fork) {
            let work = if nibble == onwards {
                is_passed = true;
                self.below(at, group)?
            } else {
                self.build(&merge(Vec::new(), group))
            };
            works.extend(work.map(|work| (nibble, work)));
        }
        if !is_passed {
            works.push((onwards, Work::recorded(at, &*self.trie.branch(&at)?)));
        }
        if works.len() < 2 {
            return Ok(works.pop().map(|(_, work)| work));
        }
        let mut branch = Branch::default();
        for (nibble, work) in works {
            branch.0[usize::from(nibble)] = Some(work.to_child(fork + 1));
        }
        Ok(Some(self.put(at.slice(..fork), None, branch)))
    }

    /// What becomes of the branch at `at` under changes that all lie below it.
    fn branch(&mut self, at: Nibbles, old: Old<'_>, changes: &[LeafChange]) -> Result<Option<Work>, StateError> {
        let (Old::Recorded(branch) | Old::Small(branch)) = old;
        let record = matches!(old, Old::Recorded(_)).then_some(branch);
        let mut new = branch.clone();
        let mut last = None;
        for (nibble, work) in self.children(at, branch, changes)? {
            new.0[usize::from(nibble)] = work.as_ref().map(|work| work.to_child(at.len() + 1));
            last = work.or(last);
        }
        if new.0.iter().flatten().count() < 2 {
            if record.is_some() {
                self.change(&at, None, past::branch(at.is_empty(), record, None));
            }
            return match last {
                Some(work) => Ok(Some(work)),
                None => self.lift(at, &new),
            };
        }
        Ok(Some(self.put(at, record, new)))
    }

    /// What becomes of those children of the branch at `at` below which something changes.
    fn children(
        &mut self,
        at: Nibbles,
        branch: &Branch,
        changes: &[LeafChange],
    ) -> Result<Vec<(u8, Option<Work>)>, StateError> {
        let place = |nibble| {
            let mut place = at;
            place.push(nibble);
            place
        };
        let groups = groups(changes, at.len());
        if changes.len() < CHANGES_PER_TASK_MIN {
            return groups
                .map(|(nibble, group)| Ok((nibble, self.child(place(nibble), branch.child(nibble), group)?)))
                .collect();
        }
        let trie = self.trie;
        let walk = |(nibble, group)| {
            let mut updater = Updater::new(trie);
            let work = updater.child(place(nibble), branch.child(nibble), group)?;
            Ok(((nibble, work), updater.changes))
        };
        let groups: Vec<_> = groups.collect();
        let done: Vec<_> = groups.into_par_iter().map(walk).collect::<Result<_, StateError>>()?;
        let (works, changes): (_, Vec<_>) = done.into_iter().unzip();
        changes.into_iter().for_each(|changes| self.changes.extend(changes));
        Ok(works)
    }

    /// The only child of the branch at `at`, which goes, taken out of it; none if there is none. No change lies below it.
    fn lift(&mut self, at: Nibbles, branch: &Branch) -> Result<Option<Work>, StateError> {
        let mut children = (0_u8..).zip(&branch.0);
        let Some((nibble, child)) = children.find_map(|(nibble, child)| Some((nibble, child.as_ref()?))) else {
            return Ok(None);
        };
        let mut place = at;
        place.push(nibble);
        if let Below::Small(named) = child.below {
            return Ok(small::top(&self.leaves.expected(&place, named)?));
        }
        let Some(at) = self.trie.branch_below(&place, &child.below)? else {
            return Ok(None);
        };
        Ok(Some(Work::recorded(at, &*self.trie.branch(&at)?)))
    }

    /// A new subtree of `leaves`, which are sorted.
    fn build(&mut self, leaves: &[Leaf]) -> Option<Work> {
        if leaves.len() < 2 {
            return small::top(leaves);
        }
        let at = small::fork_of(leaves)?;
        let branch = small::branch_of(leaves, &at, |group| self.build(group));
        Some(self.put(at, None, branch))
    }

    /// The branch at `at`, with its record brought in line: few leaves have none.
    fn put(&mut self, at: Nibbles, old: Option<&Branch>, new: Branch) -> Work {
        let leaves_max = if old.is_some() {
            RECORD_LOST_LEAVES_MAX
        } else {
            SMALL_LEAVES_MAX
        };
        if let Some(leaves) = new.leaves_if_small().filter(|leaves| *leaves <= leaves_max) {
            if let Some(old) = old {
                self.change(&at, None, past::branch(at.is_empty(), Some(old), None));
            }
            let node = new.node();
            let subtrees = self.trie.view.subtrees();
            let top = subtrees.and_then(|subtrees| subtrees.top(&self.trie.id, &at, &node, &new));
            self.changes.tops.extend(top);
            return Work::Small { at, node, leaves };
        }
        let work = Work::recorded(at, &new);
        match old {
            None => {
                let undo = past::branch(at.is_empty(), None, Some(&new));
                self.change(&at, Some(Record::Branch(Arc::new(new))), undo);
            }
            Some(old) => match part::touched(old, &new) {
                0 => {}
                touched => self.change_branch(&at, touched, old, new),
            },
        }
        work
    }

    /// Brings the root's record in line, when it is no branch now or was none before.
    fn put_root(&mut self, old: Option<Record>, new: Option<Record>) {
        let top = Nibbles::default();
        let undo = match &old {
            None => past::absent(),
            Some(old) => past::root(old),
        };
        let was_branch = matches!(old, Some(Record::Branch(_)));
        let key = self.trie.id.node_key(&top);
        // A branch at the top is done last.
        match self.changes.records.last_mut().filter(|record| record.key == key) {
            Some(record) => {
                if !was_branch {
                    record.undo = Some(undo);
                }
                if record.new == Written::Removed {
                    record.new = Written::of(new.as_ref());
                    record.record = new;
                }
            }
            None if new == old || was_branch => {}
            None => self.change(&top, new, Some(undo)),
        }
    }

    fn change(&mut self, path: &Nibbles, new: Option<Record>, undo: Option<Vec<u8>>) {
        let written = Written::of(new.as_ref());
        self.write(path, written, new, undo);
    }

    /// Changes the children in `touched` of the branch at `path`.
    fn change_branch(&mut self, path: &Nibbles, touched: u16, old: &Branch, new: Branch) {
        let undo = past::branch(path.is_empty(), Some(old), Some(&new));
        let patch = part::patch(touched, &new);
        let written = patch.map_or_else(|| Written::Whole(new.to_bytes()), Written::Patch);
        self.write(path, written, Some(Record::Branch(Arc::new(new))), undo);
    }

    fn write(&mut self, path: &Nibbles, new: Written, record: Option<Record>, undo: Option<Vec<u8>>) {
        self.changes.records.push(StateChange {
            column: self.trie.id.nodes(),
            key: self.trie.id.node_key(path),
            new,
            record,
            undo,
        });
    }
}
