//! What has to change for the state to be again what it was after an older block (R16)?
//!
//! Found in the flat state, whose records name the block that wrote them, and in the undo records of what was removed since. Called for
//! a recovery block, on the newest state. It looks at every record of the state once; what it keeps is what the blocks since then changed.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use ledger_chainspec::BlockNumber;
use rayon::prelude::*;

use super::commitment::{AccountPart, HashedSlot, assemble, diff_parts, storage_root, update_storage};
use super::{AccountRecord, StateCommitment, StateDiff, StateError, StateView};
use crate::store::{Column, StoreError};

/// What the code of an account begins with that has delegated its code and signs transactions all the same (EIP-7702).
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

/// The way back from the newest state to an older one.
#[derive(Debug)]
pub(crate) struct Rollback {
    to: BlockNumber,
    accounts: Vec<PastAccount>,
}

/// An account that has changed since, as it was.
#[derive(Debug)]
struct PastAccount {
    hashed: B256,
    was: Option<AccountRecord>,
    slots: PastSlots,
}

/// Slots of an account that have changed since, by hashed key, with their RLP of then.
type PastSlots = Vec<(B256, Option<Vec<u8>>)>;

impl Rollback {
    /// The way from `head`, the newest state, back to `past`; proven to lead to the root of the older block.
    ///
    /// # Errors
    /// [`StateError::OutsideWindow`] if the older state is not kept, [`StateError::Mismatch`] if the way does not lead to its root.
    pub(crate) fn of(head: &StateView, past: &StateView) -> Result<Self, StateError> {
        let to = past.block().ok_or(StateError::Empty)?;
        let mut slots: BTreeMap<B256, PastSlots> = BTreeMap::new();
        for key in head.changed_since(Column::Storage, to)? {
            let (account, slot) = storage_key(&key)?;
            let was = past.flat(Column::Storage, &key)?.map(|record| record.leaf);
            slots.entry(account).or_default().push((slot, was));
        }
        let mut hashed: BTreeSet<B256> = slots.keys().copied().collect();
        let changed = head.changed_since(Column::Accounts, to)?;
        for key in changed {
            let account = B256::try_from(key.as_slice());
            hashed.insert(account.map_err(|_| StoreError::corrupt(Column::Accounts, &key, "no hashed address"))?);
        }
        let accounts = hashed
            .into_iter()
            .map(|hashed| {
                Ok(PastAccount {
                    hashed,
                    was: past.account_hashed(&hashed)?,
                    slots: slots.remove(&hashed).unwrap_or_default(),
                })
            })
            .collect::<Result<_, StateError>>()?;
        let rollback = Self { to, accounts };
        let (found, expected) = (rollback.whole(head)?.root(), past.root()?);
        if found != expected {
            return Err(StateError::Mismatch {
                what: format!("going back to block {to} leads to the root {found}, and its header has {expected}"),
            });
        }
        Ok(rollback)
    }

    /// The block whose state it leads to.
    pub(crate) const fn to(&self) -> BlockNumber {
        self.to
    }

    /// Accounts that it changes.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// All of it: the older state, to the bit.
    fn whole(&self, head: &StateView) -> Result<StateCommitment, StateError> {
        let parts = self.accounts.par_iter().map(|account| account.part(head, account.was));
        assemble(head, parts.collect::<Result<_, _>>()?, Vec::new())
    }

    /// The state of a recovery block on `head`: the older state, over it what `diff` says, and of the accounts in `kept`, by hashed
    /// address, what they have on `head`. Whoever signs transactions keeps its nonce, or they could be sent again.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn commit(
        &self,
        head: &StateView,
        diff: &StateDiff,
        kept: &BTreeSet<B256>,
    ) -> Result<StateCommitment, StateError> {
        let going = self
            .accounts
            .par_iter()
            .filter(|account| !kept.contains(&account.hashed));
        let back = going.map(|account| account.part(head, account.with_nonce(head)?));
        let mut parts: Vec<_> = back.collect::<Result<_, _>>()?;
        parts.extend(diff_parts(head, diff)?);
        let codes = diff.codes.iter().map(|(hash, code)| (*hash, code.clone())).collect();
        assemble(head, parts, codes)
    }
}

impl PastAccount {
    /// The account as it is to be: as it was, but with the nonce of today if it signs transactions.
    fn with_nonce(&self, head: &StateView) -> Result<Option<AccountRecord>, StateError> {
        let Some(today) = head.account_hashed(&self.hashed)? else {
            return Ok(self.was);
        };
        let signs = today.code_hash == KECCAK_EMPTY
            || head
                .code(&today.code_hash)?
                .is_some_and(|code| code.starts_with(&DELEGATION));
        if !signs || today.nonce == 0 {
            return Ok(self.was);
        }
        let mut account = self
            .was
            .unwrap_or_else(|| AccountRecord::new(0, alloy_primitives::U256::ZERO, EMPTY_ROOT_HASH, KECCAK_EMPTY));
        account.nonce = account.nonce.max(today.nonce);
        Ok(Some(account))
    }

    /// What changes with `account` in its place, and its slots as they were.
    fn part(&self, head: &StateView, account: Option<AccountRecord>) -> Result<AccountPart, StateError> {
        let hashed = self.hashed;
        let old = head.flat(Column::Accounts, hashed.as_slice())?;
        let old_root = match &old {
            None => EMPTY_ROOT_HASH,
            Some(old) => storage_root(&hashed, old)?,
        };
        let slots = self.slots.iter().map(|(key, was)| HashedSlot {
            key: *key,
            before: None,
            after: was.clone(),
        });
        let (root, changes) = update_storage(head, &hashed, old_root, slots.collect())?;
        let expected = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        if root != expected {
            return Err(StateError::Mismatch {
                what: format!("going back, the storage of {hashed} comes to the root {root}, and it was {expected}"),
            });
        }
        Ok(AccountPart {
            hashed,
            old,
            new: account.map(alloy_rlp::encode),
            changes,
        })
    }
}

/// Hashed address and hashed key of a slot, which make its key.
fn storage_key(key: &[u8]) -> Result<(B256, B256), StoreError> {
    let parts = key.split_first_chunk::<32>();
    let parts = parts.and_then(|(account, slot)| Some((B256::from(account), B256::try_from(slot).ok()?)));
    parts.ok_or_else(|| StoreError::corrupt(Column::Storage, key, "no hashed address and hashed key"))
}
