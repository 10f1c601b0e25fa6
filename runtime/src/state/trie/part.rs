//! How are some of a branch's children written, and what do several such parts give together?
//!
//! A block changes one or two of the sixteen children of most branches that it touches. What it writes is those children: as
//! a patch of the branch's record, which the store puts together with the record, and in the undo record. Bytes are in
//! STORAGE.md: a mask of the children, and then a branch with those of them that there are.

use super::node::{self, Branch, Child, WIDTH};

/// Every child of a branch.
pub(super) const ALL: u16 = u16::MAX;

/// Children that a patch names at most: half of [`WIDTH`], beyond which the whole record is hardly longer and read at once.
const PATCH_CHILDREN_MAX: u32 = 8;

/// The mask of the children in which two branches differ.
pub(super) fn touched(old: &Branch, new: &Branch) -> u16 {
    let pairs = old.0.iter().zip(&new.0).enumerate();
    pairs.fold(0, |mask, (nibble, (old, new))| mask | u16::from(old != new) << nibble)
}

/// Appends the children of `branch` in `mask`.
pub(super) fn put(bytes: &mut Vec<u8>, mask: u16, branch: &Branch) {
    let mut part = <[Option<Child>; WIDTH]>::default();
    for (nibble, (part, child)) in part.iter_mut().zip(&branch.0).enumerate() {
        if mask >> nibble & 1 == 1 {
            part.clone_from(child);
        }
    }
    bytes.extend_from_slice(&mask.to_be_bytes());
    node::put_children(bytes, &part);
}

/// What makes `new` of a record that differs from it in the children in `mask`; `None` if these are too many for a patch.
pub(super) fn patch(mask: u16, new: &Branch) -> Option<Vec<u8>> {
    (mask.count_ones() <= PATCH_CHILDREN_MAX).then(|| {
        let mut bytes = Vec::new();
        put(&mut bytes, mask, new);
        bytes
    })
}

/// Children of a branch, each as the first part that names it has it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) known: u16,
    branch: Branch,
}

impl Parts {
    /// Adds a part, which says nothing of the children that are known already.
    pub(super) fn add(&mut self, mut part: &[u8]) -> Result<(), &'static str> {
        let mask = node::take(&mut part, 2)?;
        let mask = u16::from_be_bytes([mask[0], mask[1]]);
        let children = node::take_children(&mut part)?;
        if !part.is_empty() {
            return Err("a part of a branch longer than its contents");
        }
        let is_named = |nibble: usize| mask >> nibble & 1 == 1;
        if (0..WIDTH).any(|nibble| children[nibble].is_some() && !is_named(nibble)) {
            return Err("a part of a branch with children that it does not name");
        }
        self.take(mask, children);
        Ok(())
    }

    fn take(&mut self, mask: u16, children: [Option<Child>; WIDTH]) {
        for (nibble, child) in children.into_iter().enumerate() {
            if mask & !self.known & 1 << nibble != 0 {
                self.branch.0[nibble] = child;
            }
        }
        self.known |= mask;
    }

    /// The branch, the rest of whose children are those of `rest`.
    pub(super) fn over(mut self, rest: Branch) -> Branch {
        self.take(ALL, rest.0);
        self.branch
    }

    /// The branch, if all of its children are known.
    pub(super) fn complete(self) -> Option<Branch> {
        (self.known == ALL).then_some(self.branch)
    }
}

/// The record of a branch that was `record` before these patches, the newest of which comes first.
pub(crate) fn patched<'a>(record: &[u8], patches: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, &'static str> {
    let mut parts = Parts::default();
    for patch in patches {
        parts.add(patch)?;
    }
    let mut rest = record;
    let children = node::take_children(&mut rest)?;
    if !rest.is_empty() {
        return Err("a patched branch longer than its contents");
    }
    Ok(parts.over(Branch(children)).to_bytes())
}

/// One patch that does what these do, the newest of which comes first.
pub(crate) fn joined<'a>(patches: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, &'static str> {
    let mut parts = Parts::default();
    for patch in patches {
        parts.add(patch)?;
    }
    let mut bytes = Vec::new();
    put(&mut bytes, parts.known, &parts.branch);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use alloy_trie::nodes::RlpNode;
    use proptest::prelude::*;

    use super::super::node::Below;
    use super::*;

    /// A branch by the bytes of its children, of which 0 is none.
    fn branch(children: [u8; WIDTH]) -> Branch {
        Branch(children.map(|byte| {
            (byte != 0).then(|| Child {
                node: RlpNode::word_rlp(&B256::repeat_byte(byte)),
                below: if byte < 3 {
                    Below::Branch(None)
                } else {
                    Below::Small(byte)
                },
            })
        }))
    }

    proptest! {
        #[test]
        fn patches_give_the_branch_that_they_were_made_for(
            first in prop::array::uniform16(0_u8..6),
            changes in prop::collection::vec(prop::collection::btree_map(0..WIDTH, 0_u8..6, 0..9), 1..5),
            joint in 0_usize..5,
        ) {
            let (mut now, mut patches) = (first, Vec::new());
            for change in changes {
                let old = branch(now);
                for (nibble, byte) in change {
                    now[nibble] = byte;
                }
                let new = branch(now);
                patches.insert(0, patch(touched(&old, &new), &new).expect("few children"));
            }
            let wanted = branch(now).to_bytes();
            let record = branch(first).to_bytes();
            prop_assert_eq!(patched(&record, patches.iter().map(Vec::as_slice)), Ok(wanted.clone()));
            // However many of them were joined before.
            let older = patches.split_off(joint.min(patches.len()));
            let parts = [joined(patches.iter().map(Vec::as_slice)), joined(older.iter().map(Vec::as_slice))];
            let parts = parts.map(|part| part.expect("patches"));
            prop_assert_eq!(patched(&record, parts.iter().map(Vec::as_slice)), Ok(wanted));
        }
    }

    #[test]
    fn the_bytes_of_a_patch_are_those_of_the_storage_format() {
        let mut old = [0; WIDTH];
        (old[0], old[3], old[9]) = (3, 1, 4);
        let mut new = old;
        (new[3], new[9]) = (2, 0);
        let (old, new) = (branch(old), branch(new));
        // Nibbles 3 and 9 change; of these there is 3 now, with a record.
        let bytes = [&[0x02, 0x08, 0, 0x00, 0x08, 0x00, 0x08][..], &[2; 32]].concat();
        assert_eq!(patch(touched(&old, &new), &new), Some(bytes));
    }

    #[test]
    fn most_of_a_branch_is_no_patch() {
        let (old, new) = (branch([1; WIDTH]), branch([2; WIDTH]));
        assert_eq!(patch(touched(&old, &new), &new), None);
        assert_eq!(patch(0xff, &new).map(|patch| patch.len()), Some(2 + 5 + 8 * 32));
        assert_eq!(patch(0x1ff, &new), None);
    }

    #[test]
    fn what_is_no_patch_or_no_branch_is_refused() {
        let record = branch([1; WIDTH]).to_bytes();
        let good = patch(1, &branch([2; WIDTH])).expect("one child");
        assert!(patched(&record, [good.as_slice()].into_iter()).is_ok());
        for bad in [
            &[][..],
            &[0],
            &good[..good.len() - 1],
            &[good.as_slice(), &[0]].concat(),
            &[&[0, 2][..], &good[2..]].concat(),
        ] {
            patched(&record, [bad].into_iter()).expect_err("no patch");
            joined([bad].into_iter()).expect_err("no patch");
        }
        for bad in [&[][..], &record[..9], &[record.as_slice(), &[0]].concat()] {
            patched(bad, [good.as_slice()].into_iter()).expect_err("no branch");
        }
    }
}
