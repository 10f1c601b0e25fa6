//! What is the state of one block? A [`StateView`] answers, unmoved by blocks committed after it was made.
//!
//! The executor, the RPC server and the code that computes roots read through it. It never writes; RocksDB caches blocks
//! of tables, and the store branches of tries.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, utils::keccak256_cached};
use alloy_rlp::Decodable;
use alloy_trie::EMPTY_ROOT_HASH;
use ledger_chainspec::{BlockHash, BlockNumber};

use super::trie::{PastBranch, Record, SubtreeCache};
use super::{AccountRecord, StateError};
use crate::store::{
    Column, FlatRecord, KeyRange, LeafRecord, LeafSpan, RangeCursor, RawRecord, SpanLimit, Store, StoreError,
};

/// Read access to the state of one block.
///
/// A read of an account or a slot at the newest block is one lookup; at an older block it is one lookup and, of what has
/// changed since, one seek in the undo records, however old the block is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StateView {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// No state at all: what genesis is computed on.
    Empty,
    Stored {
        store: Arc<Store>,
        block: BlockNumber,
    },
}

impl StateView {
    /// The state before genesis: no account, no code.
    #[must_use]
    pub const fn empty() -> Self {
        Self { source: Source::Empty }
    }

    /// The caller has checked that `block` is within the window.
    pub(crate) const fn stored(store: Arc<Store>, block: BlockNumber) -> Self {
        Self {
            source: Source::Stored { store, block },
        }
    }

    /// The block whose state (after its transactions) this is; `None` before genesis.
    #[must_use]
    pub const fn block(&self) -> Option<BlockNumber> {
        match &self.source {
            Source::Empty => None,
            Source::Stored { block, .. } => Some(*block),
        }
    }

    /// The state root of that block.
    ///
    /// # Errors
    /// [`StateError::Store`] if the database fails.
    pub fn root(&self) -> Result<B256, StateError> {
        match &self.source {
            Source::Empty => Ok(EMPTY_ROOT_HASH),
            Source::Stored { store, block } => {
                let header = store
                    .header(*block)?
                    .ok_or_else(|| StoreError::missing(Column::Headers, &block.get().to_be_bytes()))?;
                Ok(header.header.state_root)
            }
        }
    }

    /// The account, `None` if it does not exist.
    ///
    /// # Errors
    /// [`StateError::OutsideWindow`] if the block has left the window meanwhile; [`StateError::Store`] if the
    /// database fails.
    pub fn account(&self, address: &Address) -> Result<Option<AccountRecord>, StateError> {
        self.account_hashed(&keccak256_cached(address))
    }

    /// As [`Self::account`], by the address's keccak-256.
    pub(crate) fn account_hashed(&self, hashed: &B256) -> Result<Option<AccountRecord>, StateError> {
        let record = self.flat(Column::Accounts, hashed.as_slice())?;
        let account = record.map(|record| AccountRecord::decode(&mut record.leaf.as_slice()));
        let account = account.transpose();
        Ok(account.map_err(|error| StoreError::corrupt(Column::Accounts, hashed.as_slice(), error))?)
    }

    /// The value of a storage slot; zero if it was never written.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        let key = storage_key(&keccak256_cached(address), &keccak256_cached(slot.to_be_bytes::<32>()));
        let Some(record) = self.flat(Column::Storage, &key)? else {
            return Ok(U256::ZERO);
        };
        let value = U256::decode(&mut record.leaf.as_slice())
            .map_err(|error| StoreError::corrupt(Column::Storage, &key, error))?;
        Ok(value)
    }

    /// The code with this keccak-256. Code is kept for ever and by its hash alone, so that this needs no block.
    ///
    /// # Errors
    /// [`StateError::Store`] if the database fails.
    pub fn code(&self, hash: &B256) -> Result<Option<Bytes>, StateError> {
        match &self.source {
            Source::Empty => Ok(None),
            Source::Stored { store, .. } => Ok(store.contract_code(hash)?),
        }
    }

    /// The hash of block `number` as this block's descendants see it: `None` after [`Self::block`]. How far back the
    /// EVM may look is the executor's affair.
    ///
    /// # Errors
    /// [`StateError::Store`] if the database fails.
    pub fn block_hash(&self, number: BlockNumber) -> Result<Option<BlockHash>, StateError> {
        match &self.source {
            Source::Stored { store, block } if number <= *block => Ok(store.block_hash(number)?),
            Source::Empty | Source::Stored { .. } => Ok(None),
        }
    }

    /// The block that is to change this state.
    pub(super) fn next_block(&self) -> BlockNumber {
        BlockNumber::new(self.block().map_or(0, |block| block.get() + 1))
    }

    /// The record under `key` in one of the columns of the flat state, as of this block.
    pub(crate) fn flat(&self, column: Column, key: &[u8]) -> Result<Option<FlatRecord>, StateError> {
        match &self.source {
            Source::Empty => Ok(None),
            Source::Stored { store, block } => store.read_at(column, key, *block),
        }
    }

    /// A branch, as of this block, which another record of this block names.
    pub(super) fn branch(&self, column: Column, key: &[u8]) -> Result<PastBranch, StateError> {
        match &self.source {
            Source::Empty => Err(StoreError::missing(column, key).into()),
            Source::Stored { store, block } => store.branch_at(column, key, *block),
        }
    }

    /// Tops of small subtrees of tries that are in memory, of whatever block.
    pub(super) fn subtrees(&self) -> Option<&SubtreeCache> {
        match &self.source {
            Source::Empty => None,
            Source::Stored { store, .. } => Some(store.subtrees()),
        }
    }

    /// The root's record in one of the trie columns, as of this block.
    pub(super) fn trie_record(&self, column: Column, key: &[u8]) -> Result<Option<Record>, StateError> {
        match &self.source {
            Source::Empty => Ok(None),
            Source::Stored { store, block } => store.trie_record_at(column, key, *block),
        }
    }

    /// Keys of a column of the flat state that blocks after `at` wrote or removed, in order. Only known at the head.
    pub(super) fn changed_since(&self, column: Column, at: BlockNumber) -> Result<BTreeSet<Vec<u8>>, StateError> {
        match &self.source {
            Source::Empty => Ok(BTreeSet::new()),
            Source::Stored { store, block } => store.changed_since(column, at, *block),
        }
    }

    /// A cursor over the leaves of one flat column as of this block, `cached` if they will be read again soon.
    pub(super) const fn leaves(&self, column: Column, cached: bool) -> LeafCursor<'_> {
        LeafCursor {
            view: self,
            column,
            cached,
            cursor: None,
        }
    }

    /// The leaves of one flat column whose keys are a prefix and then a key or more, as far as `limit` goes.
    pub(super) fn leaves_from(
        &self,
        column: Column,
        from: (&[u8], &B256),
        limit: SpanLimit,
    ) -> Result<LeafSpan, StateError> {
        match &self.source {
            Source::Empty => Ok(LeafSpan::default()),
            Source::Stored { store, block } => store.leaves_from(column, from, limit, *block),
        }
    }

    /// Every record whose key starts with `prefix`, which is only known at the head.
    pub(crate) fn scan(&self, column: Column, prefix: &[u8]) -> Result<Vec<RawRecord>, StateError> {
        match &self.source {
            Source::Empty => Ok(Vec::new()),
            Source::Stored { store, block } => store.scan_at_head(column, prefix, *block),
        }
    }
}

/// Reads ranges of one column of the flat state, one after the other.
pub(super) struct LeafCursor<'a> {
    view: &'a StateView,
    column: Column,
    cached: bool,
    /// Made with the first read: many walks need none.
    cursor: Option<RangeCursor<'a>>,
}

impl LeafCursor<'_> {
    /// The leaves in `range`, in the order of keys.
    pub(super) fn read(&mut self, range: &KeyRange) -> Result<Vec<LeafRecord>, StateError> {
        match &self.view.source {
            Source::Empty => Ok(Vec::new()),
            Source::Stored { store, block } => {
                let cursor = self
                    .cursor
                    .get_or_insert_with(|| store.range_cursor(self.column, self.cached));
                cursor.leaves(range, *block)
            }
        }
    }
}

/// Key of a slot in [`Column::Storage`]: both halves hashed, as in the trie.
pub(crate) fn storage_key(account: &B256, slot: &B256) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(account.as_slice());
    key[32..].copy_from_slice(slot.as_slice());
    key
}
