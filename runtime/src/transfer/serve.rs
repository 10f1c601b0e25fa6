//! What does a node give to one that asks for a state?
//!
//! Read as of the block, from flat records, tries and undo records, while others are committed; nothing is kept between two
//! questions. `None` is a polite no: the block is unknown here, or has left the window, and another node may have it.

use std::collections::BTreeSet;

use alloy_primitives::{B256, KECCAK256_EMPTY};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::{BlockHash, BlockNumber};

use super::{
    StateChunk, StateCursor, history, manifest,
    wire::{AccountEntry, AccountPart, Body, FIRST, LAST, SlotPart, StatePart, after, proof_part, span},
};
use crate::{
    ReadError, Runtime,
    state::{AccountRecord, Leaves, StateError, StateView},
    store::{Column, LeafSpan, SpanLimit, StoreError},
};

/// Leaves that one chunk is made of at most: bounds what one question costs to some hundred milliseconds, of which most go
/// into looking up what each of them was at a past block.
pub const CHUNK_LEAVES_MAX: usize = 16_384;

/// Bytes that one may ask for in one chunk; a chunk goes beyond by what cannot be cut: one account with its code, or one block.
pub const CHUNK_BYTES_ASKED_MAX: usize = 2 << 20;

/// Accounts that are read at once. Their slots may fill the chunk, so that some are read in vain.
const ACCOUNTS_AT_ONCE: usize = 64;

impl Runtime {
    /// What leads to the state after block `number`, as bytes for [`StateManifest::decode`](super::StateManifest::decode); none
    /// if that state is not kept here (any more), or it is genesis.
    ///
    /// # Errors
    /// [`ReadError`] if the database fails.
    pub fn state_manifest(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, ReadError> {
        let store = self.store();
        let is_kept = number >= store.oldest_state() && number <= self.head().number() && number.get() > 0;
        let Some(header) = is_kept.then(|| store.header(number)).transpose()?.flatten() else {
            return Ok(None);
        };
        let manifest = manifest::of_block(store, header)?;
        let bytes = manifest.map(|manifest| manifest.encode());
        Ok(bytes.filter(|bytes| bytes.len() <= super::MANIFEST_BYTES_MAX))
    }

    /// The part of the state after `block` that begins at `cursor`, or of the blocks up to it: about `bytes_max` bytes, of which
    /// [`CHUNK_BYTES_ASKED_MAX`] are the most. None if the block is not known here, or its state is not kept any more.
    ///
    /// # Errors
    /// [`ReadError`] if the database fails.
    pub fn state_chunk(
        &self,
        block: BlockHash,
        cursor: &StateCursor,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(number) = self.store().block_number(&block)? else {
            return Ok(None);
        };
        if let StateCursor::Blocks { newest } = cursor {
            return if *newest > number {
                Ok(None)
            } else {
                self.block_history(*newest, bytes_max)
            };
        }
        let bytes = bytes_max.min(CHUNK_BYTES_ASKED_MAX);
        let made = self
            .store()
            .state_at(number)
            .and_then(|view| part(&view, cursor, bytes));
        match made {
            Ok(part) => Ok(Some(StateChunk::to_bytes(&Body::State(Box::new(part))))),
            Err(StateError::OutsideWindow { .. } | StateError::Grown { .. } | StateError::Future { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Block `newest` with its receipts and the blocks before it, about `bytes_max` bytes of them: what a node takes that began
    /// with a state. None if that block is not kept here.
    ///
    /// # Errors
    /// [`ReadError`] if the database fails.
    pub fn block_history(&self, newest: BlockNumber, bytes_max: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let blocks = history::read(self.store(), newest, bytes_max.min(CHUNK_BYTES_ASKED_MAX))?;
        Ok((!blocks.is_empty()).then(|| StateChunk::to_bytes(&Body::Blocks(blocks))))
    }
}

fn part(view: &StateView, cursor: &StateCursor, bytes: usize) -> Result<StatePart, StateError> {
    let mut making = Making {
        view,
        leaves: CHUNK_LEAVES_MAX,
        bytes,
    };
    match *cursor {
        StateCursor::Accounts { from } => Ok(StatePart {
            slots: None,
            accounts: Some(making.accounts(from)?),
        }),
        StateCursor::Slots { account, from } => {
            let slots = making.slots(account, from)?;
            let next = after(account).filter(|_| slots.until == LAST && !making.is_full());
            let accounts = next.map(|from| making.accounts(from)).transpose()?;
            Ok(StatePart {
                slots: Some(slots),
                accounts,
            })
        }
        StateCursor::Blocks { .. } => Ok(StatePart::default()),
    }
}

/// A chunk under way.
struct Making<'a> {
    view: &'a StateView,
    /// Leaves that may be read yet.
    leaves: usize,
    /// Bytes that may be given yet.
    bytes: usize,
}

impl Making<'_> {
    const fn is_full(&self) -> bool {
        self.leaves == 0 || self.bytes == 0
    }

    fn count(&mut self, leaves: usize, bytes: usize) {
        self.leaves = self.leaves.saturating_sub(leaves);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn read(&mut self, of: Leaves, from: [u8; 32], leaves_max: usize) -> Result<LeafSpan, StateError> {
        let limit = SpanLimit {
            leaves: leaves_max,
            bytes: self.bytes,
        };
        self.view.span(of, &from.into(), limit)
    }

    /// Slots of an account from a key on, as many as there is room for.
    fn slots(&mut self, account: [u8; 32], from: [u8; 32]) -> Result<SlotPart, StateError> {
        let of = Leaves::Slots(account.into());
        let LeafSpan { leaves, until } = self.read(of, from, self.leaves)?;
        self.count(
            leaves.len(),
            leaves.iter().map(|(key, value)| key.len() + value.len()).sum(),
        );
        let until = until.map_or(LAST, |until| until.0);
        // A whole storage needs no proof beside its root.
        let proof = self.view.span_proof(of, &span(from, until))?;
        Ok(SlotPart {
            until,
            slots: leaves.into_iter().map(Into::into).collect(),
            proof: proof_part(proof),
        })
    }

    /// Accounts from a key on, each with all its slots, as many as there is room for. The slots of the last one may go on.
    fn accounts(&mut self, from: [u8; 32]) -> Result<AccountPart, StateError> {
        let mut part = AccountPart {
            until: LAST,
            accounts: Vec::new(),
            proof: Vec::new(),
            codes: Vec::new(),
            open: None,
        };
        let mut codes = BTreeSet::new();
        let mut next = Some(from);
        while let Some(start) = next {
            let asked = ACCOUNTS_AT_ONCE.min(self.leaves);
            let LeafSpan { leaves, until } = self.read(Leaves::Accounts, start, asked)?;
            // What was read and is younger than the block has cost as much.
            self.count(asked.saturating_sub(leaves.len()), 0);
            next = until.and_then(|until| after(until.0));
            part.until = until.map_or(LAST, |until| until.0);
            let mut leaves = leaves.into_iter().peekable();
            while let Some((key, value)) = leaves.next() {
                self.account(&mut part, &mut codes, (key, value))?;
                let is_last = leaves.peek().is_none() && next.is_none();
                if part.open.is_some() || self.is_full() && !is_last {
                    part.until = key.0;
                    next = None;
                    break;
                }
            }
            if self.is_full() {
                break;
            }
        }
        part.proof = proof_part(self.view.span_proof(Leaves::Accounts, &span(from, part.until))?);
        Ok(part)
    }

    fn account(
        &mut self,
        part: &mut AccountPart,
        codes: &mut BTreeSet<B256>,
        (key, value): (B256, Vec<u8>),
    ) -> Result<(), StateError> {
        let record: AccountRecord = alloy_rlp::decode_exact(&value)
            .map_err(|error| StoreError::corrupt(Column::Accounts, key.as_slice(), error))?;
        self.count(1, key.len() + value.len());
        if record.code_hash != KECCAK256_EMPTY && codes.insert(record.code_hash) {
            let code = self.view.code(&record.code_hash)?;
            let code = code.ok_or_else(|| StoreError::missing(Column::Code, record.code_hash.as_slice()))?;
            self.count(0, code.len());
            part.codes.push(code.into());
        }
        let mut slots = Vec::new();
        if record.storage_root != EMPTY_ROOT_HASH {
            // One slot at least, so that there is an end that can be named.
            let (leaves, bytes) = (self.leaves.max(1), self.bytes.max(1));
            (self.leaves, self.bytes) = (leaves, bytes);
            let read = self.slots(key.0, FIRST)?;
            if read.until == LAST {
                slots = read.slots;
            } else {
                part.open = Some(read);
            }
        }
        part.accounts.push(AccountEntry {
            leaf: (key, value).into(),
            slots,
        });
        Ok(())
    }
}
