//! What changes when an account's storage is emptied, and then written anew?

use std::collections::BTreeMap;

use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;

use super::{LeafChange, Record, TrieId, TrieReader, past, update};
use crate::state::view::storage_key;
use crate::state::{Changes, StateChange, StateError, StateView, Written};
use crate::store::{Column, FlatRecord, StoreError};

/// Empties the storage of `account`, which is only possible on top of the newest block, and writes `slots` (sorted, by
/// hashed key, RLP). Costs as much as the old storage is large; since EIP-6780 only an account made in the same
/// transaction can lose its storage, so that this is rare and small.
pub(in crate::state) fn wipe(
    view: &StateView,
    account: B256,
    slots: Vec<(B256, Vec<u8>)>,
) -> Result<(B256, Changes), StateError> {
    let id = TrieId::Storage(account);
    let mut changes = BTreeMap::new();
    // What each record held, to find out at the end which of them come out as they were.
    let mut before = BTreeMap::new();
    for (key, old) in view.scan(Column::StorageTrie, account.as_slice())? {
        changes.insert(key.clone(), removal(id, &key, &old)?);
        before.insert(key, old);
    }
    let empty = StateView::empty();
    let leaves: Vec<_> = slots
        .iter()
        .map(|(key, value)| LeafChange::new(*key, Some(value.clone())))
        .collect();
    let (root, written) = update(TrieReader { view: &empty, id }, EMPTY_ROOT_HASH, &leaves)?;
    for change in written.records {
        match changes.get_mut(&change.key) {
            // The undo record stays: it leads back to what was there before both.
            Some(removal) => (removal.new, removal.record) = (change.new, change.record),
            None => {
                changes.insert(change.key.clone(), change);
            }
        }
    }
    changes.retain(|key, change| match (&change.new, before.get(key)) {
        (Written::Whole(new), Some(old)) => new != old,
        _ => true,
    });
    let mut records: Vec<_> = changes.into_values().collect();
    records.extend(flat_changes(view, account, slots)?);
    Ok((root, records.into()))
}

/// What changes in the flat state.
fn flat_changes(view: &StateView, account: B256, slots: Vec<(B256, Vec<u8>)>) -> Result<Vec<StateChange>, StateError> {
    let since = view.next_block();
    let mut new: BTreeMap<_, _> = slots
        .into_iter()
        .map(|(slot, leaf)| (storage_key(&account, &slot).to_vec(), FlatRecord { since, leaf }))
        .collect();
    let mut changes = Vec::new();
    for (key, old) in view.scan(Column::Storage, account.as_slice())? {
        let old = FlatRecord::from_bytes(Column::Storage, &old)
            .map_err(|reason| StoreError::corrupt(Column::Storage, &key, reason))?;
        let new = new.remove(&key);
        if new.as_ref().is_none_or(|new| new.leaf != old.leaf) {
            changes.push(StateChange::flat(Column::Storage, &key, Some(&old), new));
        }
    }
    let created = |(key, new): (Vec<u8>, _)| StateChange::flat(Column::Storage, &key, None, Some(new));
    changes.extend(new.into_iter().map(created));
    Ok(changes)
}

/// The removal of a record of the trie.
fn removal(id: TrieId, key: &[u8], old: &[u8]) -> Result<StateChange, StateError> {
    let record = Record::from_bytes(old).map_err(|reason| StoreError::corrupt(id.nodes(), key, reason))?;
    let undo = match &record {
        Record::Branch(branch) => past::branch(key.len() == id.prefix().len(), Some(branch), None),
        Record::Extension(_) => Some(past::root(&record)),
    };
    Ok(StateChange {
        column: id.nodes(),
        key: key.to_vec(),
        new: Written::Removed,
        record: None,
        undo,
    })
}
