//! Which small subtrees stand below a branch's record, for whoever reads them into memory before a block needs them?

use alloy_primitives::B256;
use alloy_trie::Nibbles;

use super::node::{Below, Branch, Child, PATH_NIBBLES, WIDTH};
use super::subtrees::CHILDREN_MIN;
use super::{TrieId, TrieReader, small};
use crate::state::{StateError, StateView};
use crate::store::{Column, StoreError};

/// Keeps the tops of the small subtrees right below `branch`, the record under `key` of a trie column, in memory; tells how
/// many. Where a block has put one already, that stays; what a block changed since `view` was made is left out, as far as it is seen.
///
/// # Errors
/// [`StateError`] if the leaves cannot be read, or the key is none of a branch.
pub(crate) fn keep_small(view: &StateView, column: Column, key: &[u8], branch: &Branch) -> Result<usize, StateError> {
    let Some(subtrees) = view.subtrees() else {
        return Ok(0);
    };
    let (id, path) = place_of(column, key).ok_or_else(|| StoreError::corrupt(column, key, "no path of a branch"))?;
    let mut leaves = TrieReader { view, id }.leaves_in_passing();
    let mut kept = 0;
    for (nibble, child) in (0..).zip(&branch.0) {
        let Some(Child {
            node,
            below: Below::Small(named),
        }) = child
        else {
            continue;
        };
        let mut place = path;
        place.push(nibble);
        if usize::from(*named) < CHILDREN_MIN || subtrees.holds(&id, &place) {
            continue;
        }
        let leaves = leaves.below(&place)?;
        if small::fork_of(&leaves) == Some(place) {
            let top = small::branch_of(&leaves, &place, small::top);
            if top.node() == *node {
                let top = subtrees.top(&id, &place, node, &top);
                top.iter().for_each(|top| subtrees.keep(top));
                kept += usize::from(top.is_some());
            }
        }
    }
    Ok(kept)
}

/// Which branch of which trie has this key.
fn place_of(column: Column, key: &[u8]) -> Option<(TrieId, Nibbles)> {
    let (id, path) = match column {
        Column::AccountTrie => (TrieId::Accounts, key),
        Column::StorageTrie => {
            let (account, path) = key.split_first_chunk::<32>()?;
            (TrieId::Storage(B256::from(*account)), path)
        }
        _ => return None,
    };
    let is_path = path.len() < PATH_NIBBLES && path.iter().all(|nibble| usize::from(*nibble) < WIDTH);
    is_path.then(|| (id, Nibbles::from_nibbles_unchecked(path)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ledger_chainspec::BlockNumber;

    use super::super::Record;
    use super::super::subtree_tests::wide_key;
    use super::super::tests::{ACCOUNT, Chain, ID, root_of};
    use super::*;

    /// What keeping what is below every record says, one for each record.
    fn keep_all(chain: &Chain) -> Vec<usize> {
        let view = chain.store.state();
        let records = chain.store.records(Column::StorageTrie, &[]);
        let kept = records.map(|record| {
            let (key, bytes) = record.expect("readable");
            match Record::from_bytes(&bytes).expect("a record") {
                Record::Branch(branch) => keep_small(&view, Column::StorageTrie, &key, &branch).expect("readable"),
                Record::Extension(_) => 0,
            }
        });
        kept.collect()
    }

    /// Writes to so many keys, a value of its own to each.
    fn write(choices: std::ops::Range<u16>, length: usize) -> BTreeMap<B256, Option<Vec<u8>>> {
        let value = |choice: u16| Some(choice.to_be_bytes().repeat(length));
        choices.map(|choice| (wide_key(choice), value(choice))).collect()
    }

    #[test]
    fn what_is_kept_after_a_start_gives_the_next_block_its_root() {
        let mut chain = Chain::new();
        // The root and a branch for each first nibble have records; 16 leaves are below each place below those.
        chain.push(&write(0..1_024, 20));
        let mut chain = chain.reopened();
        assert_eq!(keep_all(&chain), [0, 16, 16, 16, 16]);
        assert_eq!(keep_all(&chain), [0; 5]);
        let root = chain.push(&write(100..300, 30));
        assert_eq!(root, root_of(chain.models.last().expect("pushed")));
    }

    #[test]
    fn what_another_block_changed_is_left_out() {
        let mut chain = Chain::new();
        chain.push(&write(0..1_024, 20));
        chain.push(&write(0..1, 30));
        let chain = chain.reopened();
        let key = [ACCOUNT.as_slice(), &[0]].concat();
        let record = chain.store.records(Column::StorageTrie, &key).next();
        let (_, bytes) = record.expect("a record").expect("readable");
        let Record::Branch(branch) = Record::from_bytes(&bytes).expect("a record") else {
            panic!("a branch");
        };
        let keep = |view: &StateView| keep_small(view, Column::StorageTrie, &key, &branch).expect("readable");
        let old = chain.store.state_at(BlockNumber::new(1)).expect("archived");
        assert_eq!(keep(&old), 15);
        assert_eq!(keep(&chain.store.state()), 1);
    }

    #[test]
    fn what_a_block_has_put_stays() {
        let mut chain = Chain::new();
        chain.push(&write(0..1_024, 20));
        let mut chain = chain.reopened();
        // Its top was not in memory, and is now.
        chain.push(&write(0..1, 30));
        let old = chain.store.state_at(BlockNumber::new(1)).expect("archived");
        let key = [ACCOUNT.as_slice(), &[0]].concat();
        let path = Nibbles::from_nibbles([0]);
        let branch = TrieReader { view: &old, id: ID }.branch(&path).expect("readable");
        assert_eq!(
            keep_small(&old, Column::StorageTrie, &key, &branch).expect("readable"),
            15
        );
        let now = chain.store.state();
        let branch = TrieReader { view: &now, id: ID }.branch(&path).expect("readable");
        let place = Nibbles::from_nibbles([0, 0]);
        let node = &branch.child(0).expect("a subtree").node;
        assert!(now.subtrees().expect("stored").get(&ID, &place, node).is_some());
    }

    #[test]
    fn a_key_that_is_no_path_is_refused() {
        let view = Chain::new().store.state();
        for key in [&[16][..], &[0; 64]] {
            keep_small(&view, Column::AccountTrie, key, &Branch::default()).expect_err("no path");
        }
        keep_small(&view, Column::StorageTrie, &[0; 31], &Branch::default()).expect_err("no account");
    }
}
