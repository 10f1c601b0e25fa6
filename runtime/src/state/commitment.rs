//! Which state root do a block's changes give, and which records have to change for it?
//!
//! Called by production and import with the parent's view. It reads, hashes and returns; it never writes.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use rayon::prelude::*;

use super::trie::{PathTrie, READS_PER_TASK_MIN};
use super::view::storage_key;
use super::{AccountChange, AccountRecord, StateDiff, StateError, StateView};
use crate::store::Column;

/// The state root after a block, with everything that [`crate::store::Store::commit`] has to write for it.
#[derive(Clone, Debug)]
pub struct StateCommitment {
    parent: Option<BlockNumber>,
    root: B256,
    changes: Vec<StateChange>,
    codes: Vec<(B256, Bytes)>,
}

/// One record of a column that has a history, before and after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateChange {
    pub(crate) column: Column,
    pub(crate) key: Vec<u8>,
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) new: Option<Vec<u8>>,
}

/// One account's part: its record, and its storage's changes.
struct AccountPart {
    hashed: B256,
    old: Option<AccountRecord>,
    new: Option<AccountRecord>,
    changes: Vec<StateChange>,
}

impl StateCommitment {
    /// The state root that `diff` gives on top of `parent`. Storage tries are computed side by side.
    ///
    /// # Errors
    /// [`StateError`] if the parent's state cannot be read.
    pub fn compute(parent: &StateView, diff: &StateDiff) -> Result<Self, StateError> {
        let parts = diff
            .accounts
            .par_iter()
            .map(|(address, change)| account_part(parent, address, change))
            .collect::<Result<Vec<_>, _>>()?;
        let mut changes = Vec::new();
        let mut leaves = Vec::new();
        for part in parts {
            changes.extend(part.changes);
            if part.old != part.new {
                let (old, new) = (part.old.map(alloy_rlp::encode), part.new.map(alloy_rlp::encode));
                leaves.push((part.hashed, new.clone()));
                changes.push(StateChange {
                    column: Column::Accounts,
                    key: part.hashed.to_vec(),
                    old,
                    new,
                });
            }
        }
        leaves.sort_unstable_by_key(|(key, _)| *key);
        let mut trie = PathTrie::open(parent, Column::AccountTrie, &[], parent.root()?);
        trie.update(&leaves)?;
        let (root, nodes) = trie.finish();
        changes.extend(nodes);
        let codes = diff.codes.iter().map(|(hash, code)| (*hash, code.clone())).collect();
        Ok(Self {
            parent: parent.block(),
            root,
            changes,
            codes,
        })
    }

    /// The state root after the block.
    #[must_use]
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// The block on whose state this was computed; `None` for genesis.
    #[must_use]
    pub const fn parent(&self) -> Option<BlockNumber> {
        self.parent
    }

    /// Records that differ, flat state and trie nodes together.
    pub(crate) fn changes(&self) -> &[StateChange] {
        &self.changes
    }

    /// Code to store, by hash.
    pub(crate) fn codes(&self) -> &[(B256, Bytes)] {
        &self.codes
    }
}

fn account_part(view: &StateView, address: &Address, change: &AccountChange) -> Result<AccountPart, StateError> {
    let hashed = keccak256(address);
    let old = view.account_hashed(&hashed)?;
    let old_root = old.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let wipe = (change.wipe_storage || change.after.is_none()) && old_root != EMPTY_ROOT_HASH;
    let (storage_root, changes) = if wipe {
        rebuild_storage(view, &hashed, change)?
    } else if change.after.is_some() && !change.slots.is_empty() {
        update_storage(view, &hashed, old_root, change)?
    } else {
        (old_root, Vec::new())
    };
    let new = change
        .after
        .map(|after| AccountRecord::new(after.nonce, after.balance, storage_root, after.code_hash));
    Ok(AccountPart {
        hashed,
        old,
        new,
        changes,
    })
}

/// Slots with their hashed key and their RLP after the block (`None`: zero), in the order of the hashed keys.
fn hashed_slots(change: &AccountChange) -> Vec<(B256, Option<Vec<u8>>)> {
    let mut slots: Vec<_> = change
        .slots
        .iter()
        .map(|(slot, value)| {
            let value = (*value != U256::ZERO).then(|| alloy_rlp::encode(value));
            (keccak256(slot.to_be_bytes::<32>()), value)
        })
        .collect();
    slots.sort_unstable_by_key(|(key, _)| *key);
    slots
}

fn update_storage(
    view: &StateView,
    account: &B256,
    root: B256,
    change: &AccountChange,
) -> Result<(B256, Vec<StateChange>), StateError> {
    let read = |(slot, new): (B256, Option<Vec<u8>>)| {
        let key = storage_key(account, &slot).to_vec();
        let old = view.raw(Column::Storage, &key)?;
        Ok((
            slot,
            StateChange {
                column: Column::Storage,
                key,
                old,
                new,
            },
        ))
    };
    let slots = hashed_slots(change)
        .into_par_iter()
        .with_min_len(READS_PER_TASK_MIN)
        .map(read);
    let mut changes = Vec::new();
    let mut leaves = Vec::new();
    for (slot, change) in slots.collect::<Result<Vec<_>, StateError>>()? {
        if change.old != change.new {
            leaves.push((slot, change.new.clone()));
            changes.push(change);
        }
    }
    let mut trie = PathTrie::open(view, Column::StorageTrie, account.as_slice(), root);
    trie.update(&leaves)?;
    let (root, nodes) = trie.finish();
    changes.extend(nodes);
    Ok((root, changes))
}

/// Empties the storage, then builds what the block wrote afterwards. Costs as much as the old storage is large; since
/// EIP-6780 only an account made in the same transaction can lose its storage, so that this is rare and small.
fn rebuild_storage(
    view: &StateView,
    account: &B256,
    change: &AccountChange,
) -> Result<(B256, Vec<StateChange>), StateError> {
    let mut trie = PathTrie::open(
        &StateView::empty(),
        Column::StorageTrie,
        account.as_slice(),
        EMPTY_ROOT_HASH,
    );
    let mut written = Vec::new();
    if change.after.is_some() {
        let slots: Vec<_> = hashed_slots(change)
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .collect();
        trie.update(&slots)?;
        written.extend(slots.into_iter().map(|(slot, new)| {
            let key = storage_key(account, &slot).to_vec();
            StateChange {
                column: Column::Storage,
                key,
                old: None,
                new,
            }
        }));
    }
    let (root, nodes) = trie.finish();
    written.extend(nodes);
    let mut changes = Vec::new();
    for column in [Column::Storage, Column::StorageTrie] {
        for (key, old) in view.scan(column, account.as_slice())? {
            changes.push(StateChange {
                column,
                key,
                old: Some(old),
                new: None,
            });
        }
    }
    merge_over(&mut changes, written);
    Ok((root, changes))
}

/// Adds `written` to `wiped`, one change per key, and drops what comes out as it was.
fn merge_over(wiped: &mut Vec<StateChange>, written: Vec<StateChange>) {
    let mut at: std::collections::BTreeMap<(Column, Vec<u8>), usize> = wiped
        .iter()
        .enumerate()
        .map(|(index, change)| ((change.column, change.key.clone()), index))
        .collect();
    for change in written {
        match at.remove(&(change.column, change.key.clone())) {
            Some(index) => wiped[index].new = change.new,
            None => wiped.push(change),
        }
    }
    wiped.retain(|change| change.old != change.new);
}
