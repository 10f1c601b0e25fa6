//! What of a trie's record did a block replace, and how does an older record come of that?
//!
//! An undo record of a flat column holds the whole old record. A branch near the root changes in every block, in few of its
//! children, so that its undo record holds only those. The branch as of block h is then put together from the undo
//! records after h, oldest first, each child from the first that names it, and the rest from the record of today.
//!
//! Low branches, with few leaves below, are most of those that a block changes, and their leaves give them at any block. So there
//! is no undo record while a branch stays low, and one that says so when it does not. Nor is there one of a branch that came:
//! whoever reads it comes from its parent as of that block, which did not name it before. The trie's root alone has no
//! parent, and its undo records tell all.

use std::sync::Arc;

use super::node::{Branch, Record};
use super::part::{self, ALL, Parts};

/// First byte of an undo record: there was no record.
const ABSENT: u8 = 0;
/// First byte of an undo record: some children of a branch, or all if the record went.
const CHILDREN: u8 = 1;
/// First byte of an undo record: the root's record, when it is no branch.
const ROOT: u8 = 2;
/// First byte of an undo record: a low branch.
const LOW: u8 = 3;

/// The undo record of a record that is new.
pub(super) fn absent() -> Vec<u8> {
    vec![ABSENT]
}

/// The undo record of a branch that was `old` and becomes `new`, if it needs one. The root's does always.
pub(super) fn branch(is_root: bool, old: Option<&Branch>, new: Option<&Branch>) -> Option<Vec<u8>> {
    let is_low = |branch: &Branch| !is_root && branch.low_leaves().is_some();
    match (old, new) {
        (None, _) => is_root.then(absent),
        (Some(old), new) if is_low(old) => (!new.is_some_and(is_low)).then(|| vec![LOW]),
        (Some(old), Some(new)) if !is_low(new) => Some(children(part::touched(old, new), old)),
        // Nothing is kept of it from here on, so that this is all that a reader will find.
        (Some(old), _) => Some(children(ALL, old)),
    }
}

fn children(touched: u16, old: &Branch) -> Vec<u8> {
    let mut bytes = vec![CHILDREN];
    part::put(&mut bytes, touched, old);
    bytes
}

/// The undo record of a root's record that is no branch.
pub(super) fn root(old: &Record) -> Vec<u8> {
    [&[ROOT], old.to_bytes().as_slice()].concat()
}

/// A record of an older block, as far as the undo records seen say.
#[derive(Debug, Default)]
pub(crate) struct Past {
    parts: Parts,
    whole: Option<Whole>,
}

#[derive(Debug)]
enum Whole {
    Absent,
    Low,
    Root(Record),
}

/// A branch of an older block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PastBranch {
    /// This one.
    Known(Arc<Branch>),
    /// The one that its leaves give.
    Low,
}

impl PastBranch {
    /// The branch that the record of that block holds.
    pub(crate) fn of(record: Option<Record>) -> Result<Self, &'static str> {
        match record {
            Some(Record::Branch(branch)) => Ok(Self::Known(branch)),
            Some(Record::Extension(_)) => Err("no branch"),
            None => Err("missing"),
        }
    }
}

impl Past {
    /// Adds the next undo record; whether the record is known completely now.
    pub(crate) fn add(&mut self, undo: &[u8]) -> Result<bool, &'static str> {
        let (&kind, rest) = undo.split_first().ok_or("an empty undo record")?;
        match kind {
            ABSENT if self.parts.known == 0 => self.whole = Some(Whole::Absent),
            LOW if self.parts.known == 0 && rest.is_empty() => self.whole = Some(Whole::Low),
            ROOT if self.parts.known == 0 => self.whole = Some(Whole::Root(Record::from_bytes(rest)?)),
            CHILDREN => self.parts.add(rest)?,
            _ => return Err("an undo record that does not fit the one before it"),
        }
        Ok(self.whole.is_some() || self.parts.known == ALL)
    }

    /// The branch, which another record of its block names, given what is there today.
    pub(crate) fn branch_over(self, now: Option<Record>) -> Result<PastBranch, &'static str> {
        let is_unchanged = self.whole.is_none() && self.parts.known == 0;
        match (&self.whole, &now) {
            (Some(Whole::Low), _) => Ok(PastBranch::Low),
            // It may have changed since, but was low all the time.
            (_, Some(Record::Branch(now))) if is_unchanged && now.low_leaves().is_some() => Ok(PastBranch::Low),
            _ => PastBranch::of(self.over(now)?),
        }
    }

    /// The root's record, given what it is today.
    pub(crate) fn over(self, now: Option<Record>) -> Result<Option<Record>, &'static str> {
        match self.whole {
            Some(Whole::Absent) => return Ok(None),
            Some(Whole::Root(root)) => return Ok(Some(root)),
            Some(Whole::Low) => return Err("a root with an undo record of another branch"),
            None if self.parts.known == 0 => return Ok(now),
            None => {}
        }
        let branch = match (self.parts, now) {
            (parts, Some(Record::Branch(now))) => parts.over(Branch::clone(&now)),
            (parts, _) => parts
                .complete()
                .ok_or("gone without an undo record of all its children")?,
        };
        Ok(Some(Record::Branch(Arc::new(branch))))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use alloy_trie::Nibbles;
    use alloy_trie::nodes::RlpNode;

    use super::super::node::{Below, Child};
    use super::*;

    /// The undo record of the root, which tells all.
    fn undo(old: &Branch, new: &Branch) -> Vec<u8> {
        super::branch(true, Some(old), Some(new)).expect("the root has one always")
    }

    fn removed(old: &Branch) -> Vec<u8> {
        super::branch(true, Some(old), None).expect("the root has one always")
    }

    /// A branch whose children are these, by nibble and hash.
    fn branch(children: &[(usize, u8)]) -> Branch {
        let mut branch = Branch::default();
        for (nibble, byte) in children {
            branch.0[*nibble] = Some(Child {
                node: RlpNode::word_rlp(&B256::repeat_byte(*byte)),
                below: Below::Small(1),
            });
        }
        branch
    }

    fn record(children: &[(usize, u8)]) -> Record {
        Record::Branch(Arc::new(branch(children)))
    }

    #[test]
    fn each_child_comes_from_the_first_block_that_replaced_it() {
        let [first, second, third] = [&[(0, 1), (1, 1), (2, 1)][..], &[(0, 2), (1, 1)], &[(0, 3), (1, 3)]];
        let mut past = Past::default();
        let undo = |old, new| undo(&branch(old), &branch(new));
        assert_eq!(past.add(&undo(first, second)), Ok(false));
        assert_eq!(past.add(&undo(second, third)), Ok(false));
        assert_eq!(past.over(Some(record(third))), Ok(Some(record(first))));
        assert_eq!(part::touched(&branch(first), &branch(first)), 0);
    }

    #[test]
    fn a_branch_that_went_is_known_whole_and_one_that_came_was_not_there() {
        let mut past = Past::default();
        assert_eq!(past.add(&removed(&branch(&[(3, 1), (4, 1)]))), Ok(true));
        assert_eq!(past.over(None), Ok(Some(record(&[(3, 1), (4, 1)]))));
        let mut past = Past::default();
        assert_eq!(past.add(&absent()), Ok(true));
        assert_eq!(past.over(Some(record(&[(3, 1)]))), Ok(None));
        let root_before = Record::Extension(Nibbles::from_nibbles([1, 2]));
        let mut past = Past::default();
        assert_eq!(past.add(&root(&root_before)), Ok(true));
        assert_eq!(past.over(None), Ok(Some(root_before)));
    }

    #[test]
    fn of_low_branches_the_history_says_only_when_they_are_low_no_longer() {
        let low = [branch(&[(3, 1), (4, 1)]), branch(&[(3, 2), (4, 1)])];
        let high = low.clone().map(|mut branch| {
            branch.0[4].as_mut().expect("a child").below = Below::Branch(None);
            branch
        });
        let undo = |old, new| super::branch(false, old, new);
        assert_eq!(undo(None, Some(&low[0])), None);
        assert_eq!(undo(None, Some(&high[0])), None);
        assert_eq!(undo(Some(&low[0]), Some(&low[1])), None);
        let was_low = Some(vec![LOW]);
        assert_eq!(undo(Some(&low[0]), Some(&high[1])), was_low);
        assert_eq!(undo(Some(&low[0]), None), was_low);
        let replaced = undo(Some(&high[0]), Some(&high[1])).expect("one child changes");
        let all = undo(Some(&high[1]), Some(&low[1])).expect("nothing is kept from here on");
        assert_eq!(undo(Some(&high[1]), None).as_ref(), Some(&all));

        let now = |branch: &Branch| Some(Record::Branch(Arc::new(branch.clone())));
        let known = |branch: &Branch| PastBranch::Known(Arc::new(branch.clone()));
        let read = |undo: &[&Vec<u8>], now| {
            let mut past = Past::default();
            for undo in undo {
                if past.add(undo).expect("an undo record") {
                    break;
                }
            }
            past.branch_over(now)
        };
        assert_eq!(read(&[], now(&low[1])), Ok(PastBranch::Low));
        assert_eq!(read(&[], now(&high[1])), Ok(known(&high[1])));
        read(&[], None).expect_err("another record names it");
        for later in [now(&low[0]), now(&high[0]), None] {
            assert_eq!(read(&[&vec![LOW], &replaced], later), Ok(PastBranch::Low));
        }
        // Child 3 from the first record, the other from the second, whatever comes behind.
        assert_eq!(read(&[&replaced, &all, &vec![LOW]], None), Ok(known(&high[0])));
        assert_eq!(read(&[&replaced], now(&high[1])), Ok(known(&high[0])));
    }

    #[test]
    fn records_that_do_not_follow_one_another_are_refused() {
        let undo = undo(&branch(&[(0, 1), (1, 1)]), &branch(&[(0, 2), (1, 1)]));
        for later in [absent(), root(&Record::Extension(Nibbles::from_nibbles([1])))] {
            let mut past = Past::default();
            past.add(&undo).expect("the first");
            past.add(&later).expect_err("it was a branch before");
        }
        let mut past = Past::default();
        past.add(&undo).expect("the first");
        past.over(None).expect_err("the rest of the children is nowhere");
        for bytes in [
            &[][..],
            &[4],
            &[LOW, 0],
            &undo[..undo.len() - 1],
            &[undo.as_slice(), &[0]].concat(),
        ] {
            Past::default().add(bytes).expect_err("no undo record");
        }
    }
}
