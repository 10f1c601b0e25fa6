//! Which state root do a block's changes give, and which records have to change for it?
//!
//! Called by production and import with the parent's view. It reads, hashes and returns; it never writes.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use rayon::prelude::*;

use super::trie::{LeafChange, Record, TrieId, TrieReader, update, wipe};
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

/// Reads that are worth a task of their own.
const READS_PER_TASK_MIN: usize = 32;

/// One record of a column that has a history, and how to undo its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateChange {
    pub(crate) column: Column,
    pub(crate) key: Vec<u8>,
    pub(crate) new: Written,
    /// The same, decoded, if it is a trie's.
    pub(crate) record: Option<Record>,
    /// The undo record: what of the old record the block replaced.
    pub(crate) undo: Vec<u8>,
}

/// What a block writes under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing is there any more.
    Removed,
    /// All of the record.
    Whole(Vec<u8>),
    /// What differs from the record that is there: some children of a branch.
    Patch(Vec<u8>),
}

impl Written {
    /// All of a trie's record.
    pub(super) fn of(record: Option<&Record>) -> Self {
        record.map_or(Self::Removed, |record| Self::Whole(record.to_bytes()))
    }
}

impl StateChange {
    /// The change of a record of the flat state, whose undo record holds all of the old one.
    pub(super) fn flat(column: Column, key: &[u8], old: Option<&[u8]>, new: Option<Vec<u8>>) -> Self {
        let undo = old.map_or_else(|| vec![0], |old| [&[1], old].concat());
        Self {
            column,
            key: key.to_vec(),
            new: new.map_or(Written::Removed, Written::Whole),
            record: None,
            undo,
        }
    }
}

/// The key of a leaf, and its new value; `None` removes it.
pub type TrieChange = (B256, Option<Vec<u8>>);

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
            if part.old == part.new {
                continue;
            }
            let (old, new) = (part.old.map(alloy_rlp::encode), part.new.map(alloy_rlp::encode));
            leaves.push(LeafChange::new(part.hashed, new.clone()));
            changes.push(StateChange::flat(
                Column::Accounts,
                part.hashed.as_slice(),
                old.as_deref(),
                new,
            ));
        }
        let (root, changes) = update_accounts(parent, leaves, changes)?;
        let codes = diff.codes.iter().map(|(hash, code)| (*hash, code.clone())).collect();
        Ok(Self {
            parent: parent.block(),
            root,
            changes,
            codes,
        })
    }

    /// The root that `changes`, of which no two are of one key, give to the account trie, whatever its values are.
    pub(crate) fn of_trie(parent: &StateView, changes: Vec<TrieChange>) -> Result<Self, StateError> {
        let mut flat = Vec::new();
        let mut leaves = Vec::new();
        for (key, new) in changes {
            let old = parent.raw(Column::Accounts, key.as_slice())?;
            if old != new {
                leaves.push(LeafChange::new(key, new.clone()));
                flat.push(StateChange::flat(Column::Accounts, key.as_slice(), old.as_deref(), new));
            }
        }
        let (root, changes) = update_accounts(parent, leaves, flat)?;
        Ok(Self {
            parent: parent.block(),
            root,
            changes,
            codes: Vec::new(),
        })
    }

    /// A commitment of changes that were put together by hand.
    #[cfg(test)]
    pub(super) const fn of_changes(parent: Option<BlockNumber>, root: B256, changes: Vec<StateChange>) -> Self {
        Self {
            parent,
            root,
            changes,
            codes: Vec::new(),
        }
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

/// The root of the account trie after `leaves`, and `flat` with what changes in the trie.
fn update_accounts(
    parent: &StateView,
    mut leaves: Vec<LeafChange>,
    mut flat: Vec<StateChange>,
) -> Result<(B256, Vec<StateChange>), StateError> {
    leaves.sort_unstable_by_key(|leaf| *leaf.key());
    let trie = TrieReader {
        view: parent,
        id: TrieId::Accounts,
    };
    let (root, nodes) = update(trie, parent.root()?, &leaves)?;
    flat.extend(nodes);
    Ok((root, flat))
}

fn account_part(view: &StateView, address: &Address, change: &AccountChange) -> Result<AccountPart, StateError> {
    let hashed = keccak256(address);
    let old = if change.is_new {
        None
    } else {
        view.account_hashed(&hashed)?
    };
    let old_root = old.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let wipe_first = (change.wipe_storage || change.after.is_none()) && old_root != EMPTY_ROOT_HASH;
    let (storage_root, changes) = if wipe_first {
        wipe(view, hashed, slots_after_wipe(change))?
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

/// A slot of a diff by its hashed key, with its RLP before (if that is known) and after the block; `None` is zero.
struct HashedSlot {
    key: B256,
    before: Option<Option<Vec<u8>>>,
    after: Option<Vec<u8>>,
}

/// The slots of `change` in the order of their hashed keys.
fn hashed_slots(change: &AccountChange) -> Vec<HashedSlot> {
    let rlp = |value: U256| (value != U256::ZERO).then(|| alloy_rlp::encode(value));
    let mut slots: Vec<_> = change
        .slots
        .iter()
        .map(|(slot, change)| HashedSlot {
            key: keccak256(slot.to_be_bytes::<32>()),
            before: change.before.map(rlp),
            after: rlp(change.after),
        })
        .collect();
    slots.sort_unstable_by_key(|slot| slot.key);
    slots
}

fn update_storage(
    view: &StateView,
    account: &B256,
    root: B256,
    change: &AccountChange,
) -> Result<(B256, Vec<StateChange>), StateError> {
    let read = |slot: HashedSlot| {
        let flat_key = storage_key(account, &slot.key);
        let before = match slot.before {
            Some(before) => before,
            None => view.raw(Column::Storage, &flat_key)?,
        };
        if before == slot.after {
            return Ok(None);
        }
        let leaf = LeafChange::new(slot.key, slot.after.clone());
        let flat = StateChange::flat(Column::Storage, &flat_key, before.as_deref(), slot.after);
        Ok(Some((leaf, flat)))
    };
    let slots = hashed_slots(change)
        .into_par_iter()
        .with_min_len(READS_PER_TASK_MIN)
        .map(read)
        .collect::<Result<Vec<_>, StateError>>()?;
    let (leaves, mut changes): (Vec<_>, Vec<_>) = slots.into_iter().flatten().unzip();
    let trie = TrieReader {
        view,
        id: TrieId::Storage(*account),
    };
    let (root, nodes) = update(trie, root, &leaves)?;
    changes.extend(nodes);
    Ok((root, changes))
}

/// What is written into an emptied storage: nothing if the account is gone.
fn slots_after_wipe(change: &AccountChange) -> Vec<(B256, Vec<u8>)> {
    if change.after.is_none() {
        return Vec::new();
    }
    hashed_slots(change)
        .into_iter()
        .filter_map(|slot| Some((slot.key, slot.after?)))
        .collect()
}
