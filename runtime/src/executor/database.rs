//! How does the EVM see our state, and how do its changes become ours?
//!
//! The adapter between [`StateView`] and the EVM's database traits, and the way back from the EVM's
//! bundle of changes to a [`StateDiff`]. Used by the executor's other rooms only.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::BlockNumber;
use revm::{
    DatabaseRef,
    bytecode::Bytecode,
    context::DBErrorMarker,
    database::{BundleAccount, BundleState, states::StorageSlot},
    state::AccountInfo,
};
use thiserror::Error;

use super::collision::StorageOnly;
use crate::state::{AccountChange, AccountFields, SlotChange, StateDiff, StateError, StateView};

/// Contracts whose analysed code is kept in memory; a contract is at most 24 KiB (EIP-170), twice
/// that with its jump table.
const CODE_CACHE_ENTRIES: usize = 128;

/// Code that was analysed for jump targets already, shared by all executions of a node.
#[derive(Debug, Default)]
pub(crate) struct CodeCache(Mutex<HashMap<B256, Bytecode>>);

impl CodeCache {
    fn get(&self, hash: &B256) -> Option<Bytecode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn insert(&self, hash: B256, code: Bytecode) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= CODE_CACHE_ENTRIES {
            // Few contracts matter here; starting over costs one analysis each.
            codes.clear();
        }
        codes.insert(hash, code);
    }
}

/// The state of one block as the EVM reads it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ViewDatabase {
    pub(crate) view: StateView,
    pub(crate) codes: Arc<CodeCache>,
    pub(crate) storage_only: StorageOnly,
}

/// A read that failed while the EVM ran.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the state names code {hash}, which the database does not hold")]
    MissingCode { hash: B256 },
    #[error("the code {hash} in the database is not code: {reason}")]
    BadCode { hash: B256, reason: String },
}

impl DBErrorMarker for ReadError {}

impl DatabaseRef for ViewDatabase {
    type Error = ReadError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let account = self.view.account(&address)?;
        if account.is_some_and(|account| {
            account.storage_root != EMPTY_ROOT_HASH && account.nonce == 0 && account.code_hash == KECCAK256_EMPTY
        }) {
            self.storage_only.note(address);
        }
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            account_id: None,
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, ReadError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.codes.get(&hash) {
            return Ok(code);
        }
        let raw = self.view.code(&hash)?.ok_or(ReadError::MissingCode { hash })?;
        let code = Bytecode::new_raw_checked(raw).map_err(|error| ReadError::BadCode {
            hash,
            reason: error.to_string(),
        })?;
        self.codes.insert(hash, code.clone());
        Ok(code)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, ReadError> {
        Ok(self.view.storage(&address, &slot)?)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, ReadError> {
        let hash = self.view.block_hash(BlockNumber::new(number))?;
        Ok(hash.map_or(B256::ZERO, |hash| hash.get()))
    }
}

/// What `bundle` changed, as values after the block. Accounts that were only touched are left out.
pub(crate) fn diff_of(bundle: BundleState) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, account) in bundle.state {
        if let Some(change) = change_of(&account) {
            diff.accounts.insert(address, change);
        }
    }
    for (hash, code) in bundle.contracts {
        if hash != KECCAK256_EMPTY {
            diff.codes.insert(hash, code.original_bytes());
        }
    }
    diff
}

fn change_of(account: &BundleAccount) -> Option<AccountChange> {
    // An empty account is no account (EIP-161); the EVM keeps some that it only touched.
    let present = |info: &Option<AccountInfo>| {
        info.as_ref().filter(|info| !info.is_empty()).map(|info| AccountFields {
            nonce: info.nonce,
            balance: info.balance,
            code_hash: info.code_hash,
        })
    };
    let (before, after) = (present(&account.original_info), present(&account.info));
    let wipe_storage = account.was_destroyed();
    let slot_change = |slot: &StorageSlot| SlotChange {
        before: Some(slot.previous_or_original_value),
        after: slot.present_value,
    };
    let slots: BTreeMap<U256, SlotChange> = account
        .storage
        .iter()
        .filter(|(_, slot)| wipe_storage || slot.is_changed())
        .map(|(key, slot)| (*key, slot_change(slot)))
        .collect();
    if before == after && slots.is_empty() && !wipe_storage {
        return None;
    }
    Some(AccountChange {
        after,
        is_new: account.original_info.is_none(),
        wipe_storage,
        slots,
    })
}
