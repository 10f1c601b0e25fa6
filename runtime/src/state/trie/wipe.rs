//! What changes when an account's storage is emptied, and then written anew?

use std::collections::BTreeMap;

use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;

use super::{LeafChange, Record, TrieId, TrieReader, past, update};
use crate::state::view::storage_key;
use crate::state::{StateChange, StateError, StateView, Written};
use crate::store::{Column, RawRecord, StoreError};

/// Empties the storage of `account`, which is only possible on top of the newest block, and writes `slots` (sorted, by
/// hashed key, RLP). Costs as much as the old storage is large; since EIP-6780 only an account made in the same
/// transaction can lose its storage, so that this is rare and small.
pub(in crate::state) fn wipe(
    view: &StateView,
    account: B256,
    slots: Vec<(B256, Vec<u8>)>,
) -> Result<(B256, Vec<StateChange>), StateError> {
    let id = TrieId::Storage(account);
    let flat = view.scan(Column::Storage, account.as_slice())?;
    let nodes = view.scan(Column::StorageTrie, account.as_slice())?;
    let mut changes = BTreeMap::new();
    // What each record held, to find out at the end which of them come out as they were.
    let mut before = BTreeMap::new();
    for change in removals(id, flat.as_slice(), nodes.as_slice())? {
        changes.insert((change.column, change.key.clone()), change);
    }
    for (column, records) in [(Column::Storage, flat), (Column::StorageTrie, nodes)] {
        before.extend(records.into_iter().map(|(key, value)| ((column, key), value)));
    }

    let empty = StateView::empty();
    let leaves: Vec<_> = slots
        .iter()
        .map(|(key, value)| LeafChange::new(*key, Some(value.clone())))
        .collect();
    let (root, written) = update(TrieReader { view: &empty, id }, EMPTY_ROOT_HASH, &leaves)?;
    let flat = slots
        .into_iter()
        .map(|(slot, value)| StateChange::flat(Column::Storage, &storage_key(&account, &slot), None, Some(value)));
    for change in flat.chain(written) {
        let place = (change.column, change.key.clone());
        match changes.get_mut(&place) {
            // The undo record stays: it leads back to what was there before both.
            Some(removal) => (removal.new, removal.record) = (change.new, change.record),
            None => {
                changes.insert(place, change);
            }
        }
    }
    changes.retain(|place, change| match (&change.new, before.get(place)) {
        (Written::Whole(new), Some(old)) => new != old,
        _ => true,
    });
    Ok((root, changes.into_values().collect()))
}

fn removals(id: TrieId, flat: &[RawRecord], nodes: &[RawRecord]) -> Result<Vec<StateChange>, StateError> {
    let leaf = |(key, old): &RawRecord| StateChange::flat(id.leaves(), key, Some(old), None);
    let mut changes: Vec<_> = flat.iter().map(leaf).collect();
    for (key, old) in nodes {
        let record = Record::from_bytes(old).map_err(|reason| StoreError::corrupt(id.nodes(), key, reason))?;
        let undo = match &record {
            Record::Branch(branch) => past::removed(branch),
            Record::Extension(_) => past::root(&record),
        };
        changes.push(StateChange {
            column: id.nodes(),
            key: key.clone(),
            new: Written::Removed,
            record: None,
            undo,
        });
    }
    Ok(changes)
}
