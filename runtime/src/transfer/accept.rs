//! Is this part of a state what it says, and what does it add to what is there?
//!
//! The checking half of an import: ranges against their roots, whole storages against the root in their account, code against
//! its hash. It writes nothing; what it gives is one step of the import.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use rayon::prelude::*;

use super::{
    ChunkFault, StateCursor, StateImport, StateImportError,
    import::ProgressRecord,
    wire::{AccountEntry, AccountPart, FIRST, LAST, LeafPart, SlotPart, StatePart, after, span},
};
use crate::{
    state::{AccountRecord, Leaves, RangeFault, StateChange, check_span},
    store::{ImportStep, LeafRecord},
};

impl StateImport {
    pub(super) fn state(
        &self,
        part: StatePart,
        cursor: &StateCursor,
        progress: &mut ProgressRecord,
    ) -> Result<ImportStep, StateImportError> {
        let mut step = ImportStep::default();
        let mut begin = FIRST;
        match *cursor {
            StateCursor::Accounts { from } => begin = from,
            StateCursor::Slots { account, from } => {
                if let Some(slots) = part.slots {
                    self.slots(account, from, slots, (&mut step, &mut *progress))?;
                }
                begin = after(account).unwrap_or(LAST);
            }
            StateCursor::Blocks { .. } => {}
        }
        if let Some(accounts) = part.accounts {
            self.accounts(begin, accounts, &mut step, progress)?;
        }
        Ok(step)
    }

    /// Slots that go on with an account that was accepted before.
    fn slots(
        &self,
        account: [u8; 32],
        from: [u8; 32],
        part: SlotPart,
        (step, progress): (&mut ImportStep, &mut ProgressRecord),
    ) -> Result<(), StateImportError> {
        let hashed = B256::from(account);
        let record = self.view.account_hashed(&hashed)?;
        let expected = record.ok_or(ChunkFault::NoAccount { key: hashed })?.storage_root;
        let is_last = part.until == LAST;
        let root = progress.storage_root.into();
        let (root, changes) = self.checked_slots(hashed, (expected, root), from, part, progress)?;
        if is_last && root != expected {
            return Err(storage_root(hashed, root, expected).into());
        }
        progress.storage_root = root.0;
        step.changes.extend(changes);
        Ok(())
    }

    /// Checks a part of a storage against its root, and adds it to what is there of it.
    fn checked_slots(
        &self,
        account: B256,
        (expected, so_far): (B256, B256),
        from: [u8; 32],
        part: SlotPart,
        progress: &mut ProgressRecord,
    ) -> Result<(B256, Vec<StateChange>), StateImportError> {
        let leaves = records(part.slots);
        let checked = check_span(expected, &span(from, part.until), &leaves, &part.proof);
        checked.map_err(|fault| ChunkFault::Slots { account, fault })?;
        progress.slots = progress.slots.saturating_add(leaves.len() as u64);
        Ok(self.view.with_leaves(Leaves::Slots(account), so_far, leaves)?)
    }

    fn accounts(
        &self,
        from: [u8; 32],
        part: AccountPart,
        step: &mut ImportStep,
        progress: &mut ProgressRecord,
    ) -> Result<(), StateImportError> {
        let leaves: Vec<LeafRecord> = part.accounts.iter().map(|entry| entry.leaf.clone().into()).collect();
        let root = self.manifest.header.header.state_root;
        check_span(root, &span(from, part.until), &leaves, &part.proof).map_err(ChunkFault::Accounts)?;
        let open = part.open.is_some().then_some(part.until);
        let accounts = part
            .accounts
            .into_iter()
            .map(Account::of)
            .collect::<Result<Vec<_>, _>>()?;
        if open.is_some() && accounts.last().is_some_and(|account| !account.slots.is_empty()) {
            let what = "slots of its last account in two places";
            return Err(ChunkFault::Shape { what }.into());
        }
        step.codes = self.codes(&accounts, part.codes)?;
        progress.accounts = progress.accounts.saturating_add(accounts.len() as u64);
        progress.slots = accounts
            .iter()
            .fold(progress.slots, |sum, account| sum + account.slots.len() as u64);
        let last = accounts.last().map(|account| account.record);
        let storages = accounts
            .into_par_iter()
            .filter(|account| Some(account.hashed.0) != open)
            .map(|account| self.storage(account))
            .collect::<Result<Vec<_>, StateImportError>>()?;
        step.changes.extend(storages.into_iter().flatten());
        if let (Some(open), Some(account)) = (part.open, last) {
            let hashed = B256::from(part.until);
            let roots = (account.storage_root, EMPTY_ROOT_HASH);
            let (root, changes) = self.checked_slots(hashed, roots, FIRST, open, progress)?;
            progress.storage_root = root.0;
            step.changes.extend(changes);
        }
        let so_far = progress.account_root.into();
        let (root, changes) = self.view.with_leaves(Leaves::Accounts, so_far, leaves)?;
        progress.account_root = root.0;
        step.changes.extend(changes);
        Ok(())
    }

    /// All slots of an account have to give its storage root.
    fn storage(&self, account: Account) -> Result<Vec<StateChange>, StateImportError> {
        let Account { hashed, record, slots } = account;
        let disordered = slots.windows(2).find(|pair| pair[0].0 >= pair[1].0);
        if let Some((key, _)) = disordered.map(|pair| &pair[1]) {
            let fault = RangeFault::Order { key: *key };
            return Err(ChunkFault::Slots { account: hashed, fault }.into());
        }
        let (root, changes) = self.view.with_leaves(Leaves::Slots(hashed), EMPTY_ROOT_HASH, slots)?;
        if root != record.storage_root {
            return Err(storage_root(hashed, root, record.storage_root).into());
        }
        Ok(changes)
    }

    /// The code of accounts that is not there yet.
    fn codes(&self, accounts: &[Account], given: Vec<Vec<u8>>) -> Result<Vec<(B256, Vec<u8>)>, StateImportError> {
        let needed: BTreeSet<_> = accounts.iter().map(|account| account.record.code_hash).collect();
        let mut codes = BTreeMap::new();
        for code in given {
            let hash = keccak256(&code);
            if !needed.contains(&hash) || codes.insert(hash, code).is_some() {
                return Err(ChunkFault::CodeUnasked { code: hash }.into());
            }
        }
        for account in accounts {
            let code = account.record.code_hash;
            if code != KECCAK256_EMPTY && !codes.contains_key(&code) && self.store.contract_code(&code)?.is_none() {
                let account = account.hashed;
                return Err(ChunkFault::CodeMissing { account, code }.into());
            }
        }
        Ok(codes.into_iter().collect())
    }
}

/// An account of a chunk, decoded.
struct Account {
    hashed: B256,
    record: AccountRecord,
    slots: Vec<LeafRecord>,
}

impl Account {
    fn of(entry: AccountEntry) -> Result<Self, ChunkFault> {
        let hashed = B256::from(entry.leaf.key);
        let record = alloy_rlp::decode_exact(&entry.leaf.value).map_err(|_| ChunkFault::NoAccount { key: hashed })?;
        Ok(Self {
            hashed,
            record,
            slots: records(entry.slots),
        })
    }
}

fn records(leaves: Vec<LeafPart>) -> Vec<LeafRecord> {
    leaves.into_iter().map(Into::into).collect()
}

fn storage_root(account: B256, got: B256, expected: B256) -> ChunkFault {
    ChunkFault::StorageRoot { account, got, expected }
}
