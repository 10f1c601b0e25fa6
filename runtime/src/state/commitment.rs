//! Which state root do a block's changes give, and which records have to change for it?
//!
//! Called by production and import with the parent's view. It reads, hashes and returns; it never writes.

use alloy_primitives::{Address, B256, Bytes, U256, utils::keccak256_cached};
use alloy_rlp::Decodable;
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use rayon::prelude::*;

use super::trie::{LeafChange, Record, SubtreeTop, TrieId, TrieReader, update, wipe};
use super::view::storage_key;
use super::{AccountChange, AccountRecord, StateDiff, StateError, StateView};
use crate::store::{Column, FlatRecord, StoreError};

/// The state root after a block, with everything that [`crate::store::Store::commit`] has to write for it.
#[derive(Clone, Debug)]
pub struct StateCommitment {
    parent: Option<BlockNumber>,
    root: B256,
    changes: Changes,
    codes: Vec<(B256, Bytes)>,
}

/// What changes in a part of the state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Records that differ.
    pub(crate) records: Vec<StateChange>,
    /// Tops of small subtrees to keep in memory once the block is there: what never becomes a block pushes none out.
    pub(crate) tops: Vec<SubtreeTop>,
}

impl From<Vec<StateChange>> for Changes {
    fn from(records: Vec<StateChange>) -> Self {
        let tops = Vec::new();
        Self { records, tops }
    }
}

impl Changes {
    pub(super) fn extend(&mut self, more: Self) {
        self.records.extend(more.records);
        self.tops.extend(more.tops);
    }
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
    /// The undo record: what of the old record the block replaced. None where an older state needs none.
    pub(crate) undo: Option<Vec<u8>>,
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
    /// The change of a record of the flat state, whose undo record is the old one.
    pub(super) fn flat(column: Column, key: &[u8], old: Option<&FlatRecord>, new: Option<FlatRecord>) -> Self {
        Self {
            column,
            key: key.to_vec(),
            new: new.map_or(Written::Removed, |new| Written::Whole(new.to_bytes(column))),
            record: None,
            undo: old.map(|old| old.to_bytes(column)),
        }
    }
}

/// The key of a leaf, and its new value; `None` removes it.
pub type TrieChange = (B256, Option<Vec<u8>>);

/// One account's part: its leaf, and its storage's changes.
pub(super) struct AccountPart {
    pub(super) hashed: B256,
    pub(super) old: Option<FlatRecord>,
    pub(super) new: Option<Vec<u8>>,
    pub(super) changes: Changes,
}

impl StateCommitment {
    /// The state root that `diff` gives on top of `parent`. Storage tries are computed side by side.
    ///
    /// # Errors
    /// [`StateError`] if the parent's state cannot be read.
    pub fn compute(parent: &StateView, diff: &StateDiff) -> Result<Self, StateError> {
        let codes = diff.codes.iter().map(|(hash, code)| (*hash, code.clone())).collect();
        assemble(parent, diff_parts(parent, diff)?, codes)
    }

    /// The root that `changes`, of which no two are of one key, give to the account trie, whatever its values are.
    pub(crate) fn of_trie(parent: &StateView, changes: Vec<TrieChange>) -> Result<Self, StateError> {
        let since = parent.next_block();
        let mut flat = Changes::default();
        let mut leaves = Vec::new();
        for (key, new) in changes {
            let old = parent.flat(Column::Accounts, key.as_slice())?;
            if old.as_ref().map(|old| &old.leaf) != new.as_ref() {
                leaves.push(LeafChange::over(key, old.as_ref(), new.clone()));
                let new = new.map(|leaf| FlatRecord { since, leaf });
                let change = StateChange::flat(Column::Accounts, key.as_slice(), old.as_ref(), new);
                flat.records.push(change);
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
    pub(super) const fn of_changes(parent: Option<BlockNumber>, root: B256, changes: Changes) -> Self {
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
        &self.changes.records
    }

    /// Tops of small subtrees to keep in memory once the block is committed.
    pub(crate) fn tops(&self) -> &[SubtreeTop] {
        &self.changes.tops
    }

    /// Code to store, by hash.
    pub(crate) fn codes(&self) -> &[(B256, Bytes)] {
        &self.codes
    }
}

/// The parts of the accounts in `diff`.
pub(super) fn diff_parts(parent: &StateView, diff: &StateDiff) -> Result<Vec<AccountPart>, StateError> {
    let accounts = diff.accounts.par_iter();
    accounts
        .map(|(address, change)| account_part(parent, address, change))
        .collect()
}

/// The state root on top of `parent` after `parts`, of which no two are of one account.
pub(super) fn assemble(
    parent: &StateView,
    mut parts: Vec<AccountPart>,
    codes: Vec<(B256, Bytes)>,
) -> Result<StateCommitment, StateError> {
    // Keys that are written in their order find their places in the database more quickly.
    parts.sort_unstable_by_key(|part| part.hashed);
    let since = parent.next_block();
    let mut changes = Changes::default();
    let mut leaves = Vec::new();
    for AccountPart {
        hashed,
        old,
        new,
        changes: slots,
    } in parts
    {
        changes.extend(slots);
        if old.as_ref().map(|old| &old.leaf) == new.as_ref() {
            continue;
        }
        leaves.push(LeafChange::over(hashed, old.as_ref(), new.clone()));
        let new = new.map(|leaf| FlatRecord { since, leaf });
        let change = StateChange::flat(Column::Accounts, hashed.as_slice(), old.as_ref(), new);
        changes.records.push(change);
    }
    let (root, changes) = update_accounts(parent, leaves, changes)?;
    Ok(StateCommitment {
        parent: parent.block(),
        root,
        changes,
        codes,
    })
}

/// The root of the account trie after `leaves`, and `flat` with what changes in the trie.
fn update_accounts(
    parent: &StateView,
    mut leaves: Vec<LeafChange>,
    mut flat: Changes,
) -> Result<(B256, Changes), StateError> {
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
    // The execution has hashed what it read, and it reads what it changes.
    let hashed = keccak256_cached(address);
    let old = if change.is_new {
        None
    } else {
        view.flat(Column::Accounts, hashed.as_slice())?
    };
    let old_root = match &old {
        None => EMPTY_ROOT_HASH,
        Some(old) => storage_root(&hashed, old)?,
    };
    let wipe_first = (change.wipe_storage || change.after.is_none()) && old_root != EMPTY_ROOT_HASH;
    let (storage_root, changes) = if wipe_first {
        wipe(view, hashed, slots_after_wipe(change))?
    } else if change.after.is_some() && !change.slots.is_empty() {
        update_storage(view, &hashed, old_root, hashed_slots(change))?
    } else {
        (old_root, Changes::default())
    };
    let new = change
        .after
        .map(|after| AccountRecord::new(after.nonce, after.balance, storage_root, after.code_hash));
    let new = new.map(alloy_rlp::encode);
    Ok(AccountPart {
        hashed,
        old,
        new,
        changes,
    })
}

pub(super) fn storage_root(hashed: &B256, account: &FlatRecord) -> Result<B256, StateError> {
    let account = AccountRecord::decode(&mut account.leaf.as_slice());
    let account = account.map_err(|error| StoreError::corrupt(Column::Accounts, hashed.as_slice(), error))?;
    Ok(account.storage_root)
}

/// A slot by its hashed key, with its RLP before (if that is known) and after the block; `None` is zero.
pub(super) struct HashedSlot {
    pub(super) key: B256,
    pub(super) before: Option<Option<Vec<u8>>>,
    pub(super) after: Option<Vec<u8>>,
}

/// The slots of `change` in the order of their hashed keys.
fn hashed_slots(change: &AccountChange) -> Vec<HashedSlot> {
    let rlp = |value: U256| (value != U256::ZERO).then(|| alloy_rlp::encode(value));
    let mut slots: Vec<_> = change
        .slots
        .iter()
        .map(|(slot, change)| HashedSlot {
            key: keccak256_cached(slot.to_be_bytes::<32>()),
            before: change.before.map(rlp),
            after: rlp(change.after),
        })
        .collect();
    slots.sort_unstable_by_key(|slot| slot.key);
    slots
}

/// The root of the storage of `account` after `slots`, sorted by key, and the changed records.
pub(super) fn update_storage(
    view: &StateView,
    account: &B256,
    root: B256,
    slots: Vec<HashedSlot>,
) -> Result<(B256, Changes), StateError> {
    let since = view.next_block();
    let read = |slot: HashedSlot| {
        let flat_key = storage_key(account, &slot.key);
        let old = match &slot.before {
            Some(before) if *before == slot.after => return Ok(None),
            Some(None) => None,
            // Its record says which block wrote it.
            Some(Some(_)) | None => view.flat(Column::Storage, &flat_key)?,
        };
        if old.as_ref().map(|old| &old.leaf) == slot.after.as_ref() {
            return Ok(None);
        }
        let leaf = LeafChange::over(slot.key, old.as_ref(), slot.after.clone());
        let new = slot.after.map(|leaf| FlatRecord { since, leaf });
        let flat = StateChange::flat(Column::Storage, &flat_key, old.as_ref(), new);
        Ok(Some((leaf, flat)))
    };
    let slots = slots
        .into_par_iter()
        .with_min_len(READS_PER_TASK_MIN)
        .map(read)
        .collect::<Result<Vec<_>, StateError>>()?;
    let (leaves, flat): (Vec<_>, Vec<_>) = slots.into_iter().flatten().unzip();
    let mut changes = Changes::from(flat);
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
