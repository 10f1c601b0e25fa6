//! What of a trie's record did a block replace, and how does an older record come of that?
//!
//! An undo record of a flat column holds the whole old value. A branch near the root changes in every block, in few of its
//! children, so that its undo record holds only those. The branch as of block h is then put together from the undo
//! records after h, oldest first, each child from the first that names it, and the rest from the record of today.

use std::sync::Arc;

use super::node::{Branch, Record};
use super::part::{self, ALL, Parts};

/// First byte of an undo record: there was no record.
const ABSENT: u8 = 0;
/// First byte of an undo record: some children of a branch, or all if the record went.
const CHILDREN: u8 = 1;
/// First byte of an undo record: the root's record, when it is no branch.
const ROOT: u8 = 2;

/// The undo record of a record that is new.
pub(super) fn absent() -> Vec<u8> {
    vec![ABSENT]
}

/// The undo record of a branch whose record goes.
pub(super) fn removed(old: &Branch) -> Vec<u8> {
    changed(ALL, old)
}

/// The undo record of a branch that was `old` and changes in the children in `touched`.
pub(super) fn changed(touched: u16, old: &Branch) -> Vec<u8> {
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
    Root(Record),
}

impl Past {
    /// Adds the next undo record; whether the record is known completely now.
    pub(crate) fn add(&mut self, undo: &[u8]) -> Result<bool, &'static str> {
        let (&kind, rest) = undo.split_first().ok_or("an empty undo record")?;
        match kind {
            ABSENT if self.parts.known == 0 => self.whole = Some(Whole::Absent),
            ROOT if self.parts.known == 0 => self.whole = Some(Whole::Root(Record::from_bytes(rest)?)),
            CHILDREN => self.parts.add(rest)?,
            _ => return Err("an undo record that does not fit the one before it"),
        }
        Ok(self.whole.is_some() || self.parts.known == ALL)
    }

    /// The record, given what it is today.
    pub(crate) fn over(self, now: Option<Record>) -> Result<Option<Record>, &'static str> {
        match self.whole {
            Some(Whole::Absent) => return Ok(None),
            Some(Whole::Root(root)) => return Ok(Some(root)),
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

    fn undo(old: &Branch, new: &Branch) -> Vec<u8> {
        changed(part::touched(old, new), old)
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
            &[3],
            &undo[..undo.len() - 1],
            &[undo.as_slice(), &[0]].concat(),
        ] {
            Past::default().add(bytes).expect_err("no undo record");
        }
    }
}
