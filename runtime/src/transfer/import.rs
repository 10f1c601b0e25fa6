//! How does a state come together in a database, chunk by chunk, and when is it one?
//!
//! Every accepted chunk is one batch: leaves, the records of the tries as far as they go, code, and how far the import is.
//! What was written is right for ever, so that whoever comes back after a crash goes on with the chunk after it. Until the
//! end the database says that it is unfinished, and nothing else opens it.

use std::sync::Arc;

use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{B256, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::{BlockHash, BlockNumber, ValidatorSet};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::{
    BLOCK_HASHES_IN_STATE, StateChunk, StateCursor, StateImportError, StateManifest, history,
    manifest::handover_bytes,
    wire::{BlockPart, Body},
};
use crate::{
    Runtime, RuntimeOptions,
    state::StateView,
    store::{ImportStep, ImportedHead, Store, StoreOptions},
};

/// How far an import is, as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct ProgressRecord {
    pub(super) next: Option<StateCursor>,
    /// Roots of the tries so far: of accounts, and of the storage whose slots go on.
    pub(super) account_root: [u8; 32],
    pub(super) storage_root: [u8; 32],
    /// Hash of the next block, by the word of the one after it.
    pub(super) block_hash: BlockHash,
    pub(super) oldest_block: BlockNumber,
    pub(super) accounts: u64,
    pub(super) slots: u64,
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateProgress {
    /// The block whose state it is.
    pub block: BlockNumber,
    /// Where the next chunk begins; none if all are there.
    pub next: Option<StateCursor>,
    /// Accounts so far.
    pub accounts: u64,
    /// Slots so far.
    pub slots: u64,
    /// Blocks so far.
    pub blocks: u64,
    /// Bytes of chunks so far.
    pub bytes: u64,
}

/// What a folder holds before a state is put into it.
#[derive(Debug)]
pub enum Found {
    /// No chain, or one that has genesis alone: an import can begin.
    Nothing,
    /// An import that was begun and not finished.
    Begun(Box<StateImport>),
    /// A chain, which goes on from its head.
    Chain,
}

/// A database that a state is put into.
#[derive(Debug)]
pub struct StateImport {
    pub(super) store: Arc<Store>,
    pub(super) manifest: StateManifest,
    sets: Vec<ValidatorSet>,
    /// What is there so far, as a state.
    pub(super) view: StateView,
    progress: ProgressRecord,
}

impl StateImport {
    /// Begins, or goes on if the import of the same state was begun in this folder: with `manifest`, which is checked down to
    /// the signatures. An unfinished import of another state is dropped, as is a chain that has genesis alone.
    ///
    /// # Errors
    /// [`StateImportError::Occupied`] if there is a chain in the folder; else as the variants say.
    pub fn begin(options: &RuntimeOptions, manifest: &[u8]) -> Result<Self, StateImportError> {
        let identity = Runtime::identity_of(&options.spec)?;
        let decoded = StateManifest::decode(manifest)?;
        let sets = decoded.check(&options.spec, identity.genesis)?;
        let (store, is_begun) = Store::open_import(&store_options(options), identity)?;
        if is_begun && store.import_manifest()?.as_deref() == Some(manifest) {
            return Self::with(store, decoded, sets);
        }
        if let Some(head) = store
            .head()
            .map(|head| head.header.number())
            .filter(|head| head.get() > 0)
        {
            return Err(StateImportError::Occupied { head });
        }
        let progress = ProgressRecord {
            next: Some(StateCursor::START),
            account_root: EMPTY_ROOT_HASH.0,
            storage_root: EMPTY_ROOT_HASH.0,
            block_hash: decoded.header.hash,
            oldest_block: decoded.number(),
            accounts: 0,
            slots: 0,
            blocks: 0,
            bytes: 0,
        };
        store.begin_import(manifest, progress.encode())?;
        Self::with(store, decoded, sets)
    }

    /// What there is in this folder: an import to go on with, a chain, or neither.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn find(options: &RuntimeOptions) -> Result<Found, StateImportError> {
        let identity = Runtime::identity_of(&options.spec)?;
        if !options.path.join("CURRENT").exists() {
            return Ok(Found::Nothing);
        }
        let (store, is_begun) = Store::open_import(&store_options(options), identity)?;
        if !is_begun {
            // A crash right after the database was made, or a start without peers, leaves no chain.
            let head = store.head().map_or(0, |head| head.header.number().get());
            return Ok(if head > 0 { Found::Chain } else { Found::Nothing });
        }
        let manifest = store.import_manifest()?.ok_or_else(|| record("there is no manifest"))?;
        let manifest = StateManifest::decode(&manifest)?;
        let sets = manifest.check(&options.spec, identity.genesis)?;
        Ok(Found::Begun(Box::new(Self::with(store, manifest, sets)?)))
    }

    fn with(store: Arc<Store>, manifest: StateManifest, sets: Vec<ValidatorSet>) -> Result<Self, StateImportError> {
        let progress = store
            .import_progress()?
            .ok_or_else(|| record("how far it is, is missing"))?;
        let progress = ProgressRecord::decode_all(&mut progress.as_slice()).map_err(record)?;
        store.import_at(manifest.number());
        let view = StateView::stored(Arc::clone(&store), manifest.number());
        Ok(Self {
            store,
            manifest,
            sets,
            view,
            progress,
        })
    }

    /// What leads to the state.
    #[must_use]
    pub const fn manifest(&self) -> &StateManifest {
        &self.manifest
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> StateProgress {
        let progress = &self.progress;
        StateProgress {
            block: self.manifest.number(),
            next: progress.next,
            accounts: progress.accounts,
            slots: progress.slots,
            blocks: progress.blocks,
            bytes: progress.bytes,
        }
    }

    /// Checks the chunk that begins at `cursor`, which has to be the next one, and keeps it. Gives where the one after it begins;
    /// none if this was the last.
    ///
    /// # Errors
    /// [`StateImportError::blames_peer`] tells a bad chunk, of which nothing was kept, from a failing disk.
    pub fn accept(&mut self, cursor: &StateCursor, chunk: StateChunk) -> Result<Option<StateCursor>, StateImportError> {
        if self.progress.next.as_ref() != Some(cursor) {
            return Err(StateImportError::Cursor {
                got: Box::new(*cursor),
                expected: self.progress.next.map(Box::new),
            });
        }
        let mut progress = self.progress.clone();
        progress.next = chunk.next(cursor, self.manifest.number())?;
        progress.bytes = progress.bytes.saturating_add(chunk.bytes as u64);
        let mut step = match (chunk.body, cursor) {
            (Body::Blocks(blocks), StateCursor::Blocks { newest }) => self.blocks(blocks, *newest, &mut progress)?,
            (Body::State(part), cursor) => self.state(*part, cursor, &mut progress)?,
            (Body::Blocks(_), _) => ImportStep::default(),
        };
        step.progress = progress.encode();
        self.store.import(&step)?;
        self.progress = progress;
        Ok(self.progress.next)
    }

    /// Which block was `number`, according to the state, once all of it is there; none if it does not say.
    ///
    /// # Errors
    /// [`StateImportError::Unfinished`] if chunks are missing; else if the database fails.
    pub fn block_hash(&self, number: BlockNumber) -> Result<Option<B256>, StateImportError> {
        if let Some(next) = self.progress.next {
            return Err(StateImportError::Unfinished { next });
        }
        let own = self.manifest.number();
        if number == own {
            return Ok(Some(self.manifest.header.hash.get()));
        }
        let depth = own.get().checked_sub(number.get());
        if depth.is_none_or(|depth| depth > BLOCK_HASHES_IN_STATE) {
            return Ok(None);
        }
        let slot = U256::from(number.get() % BLOCK_HASHES_IN_STATE);
        let hash = self.view.storage(&HISTORY_STORAGE_ADDRESS, &slot)?;
        Ok((!hash.is_zero()).then(|| B256::from(hash)))
    }

    /// Makes the database one like any other, once all chunks are there: synced, and from then on opened as such.
    ///
    /// # Errors
    /// [`StateImportError::Unfinished`] if chunks are missing.
    pub fn finish(self) -> Result<(), StateImportError> {
        if let Some(next) = self.progress.next {
            return Err(StateImportError::Unfinished { next });
        }
        let handovers = self.manifest.handovers.iter();
        self.store.finish_import(&ImportedHead {
            header: &self.manifest.header,
            certificate: &self.manifest.certificate,
            sets: &self.sets,
            handovers: handovers
                .map(|handover| (handover.set.id(), handover_bytes(handover)))
                .collect(),
            oldest_block: self.progress.oldest_block,
        })?;
        Ok(())
    }

    fn blocks(
        &self,
        blocks: Vec<BlockPart>,
        newest: BlockNumber,
        progress: &mut ProgressRecord,
    ) -> Result<ImportStep, StateImportError> {
        let link = history::Link {
            number: newest,
            hash: progress.block_hash,
        };
        let (blocks, before) = history::check(blocks, link)?;
        let oldest = before.map_or(0, |before| before.number.get() + 1);
        progress.oldest_block = BlockNumber::new(oldest);
        progress.blocks = progress.blocks.saturating_add(blocks.len() as u64);
        if let Some(before) = before {
            progress.block_hash = before.hash;
        }
        Ok(ImportStep {
            blocks,
            ..ImportStep::default()
        })
    }
}

fn record(what: impl std::fmt::Display) -> StateImportError {
    StateImportError::Record { what: what.to_string() }
}

fn store_options(options: &RuntimeOptions) -> StoreOptions {
    StoreOptions {
        cache_bytes: options.cache_bytes,
        durability: options.durability,
        ..StoreOptions::new(&options.path)
    }
}
