//! What is in a chunk, and where does the next one begin?
//!
//! SCALE throughout; bytes of strangers come here. A decoded chunk has the right shape and may still lie in every word.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the code that SCALE derives casts the indexes of enums"
)]

use std::fmt::{self, Display};

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::{BLOCK_BYTES_MAX, BlockNumber};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::{BLOCKS_WITH_STATE, ChunkFault};
use crate::{
    state::{KeySpan, RANGE_PROOF_NODES_MAX},
    store::LeafRecord,
};

/// Version of the form of chunks; the first byte of each.
const CHUNK_VERSION: u8 = 1;

/// Longest chunk that is looked at: one block of the largest size with as much of receipts, which nobody can cut.
pub const CHUNK_BYTES_MAX: usize = 2 * BLOCK_BYTES_MAX;

/// The first and the last key.
pub(super) const FIRST: [u8; 32] = [0; 32];
pub(super) const LAST: [u8; 32] = [0xff; 32];

/// Where a chunk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StateCursor {
    /// With the first account whose hashed address is this or more.
    #[codec(index = 0)]
    Accounts {
        /// The hashed address.
        from: [u8; 32],
    },
    /// With the first slot of an account whose hashed key is this or more, after which the accounts behind it come.
    #[codec(index = 1)]
    Slots {
        /// The hashed address.
        account: [u8; 32],
        /// The hashed slot.
        from: [u8; 32],
    },
    /// With this block, and then the blocks before it.
    #[codec(index = 2)]
    Blocks {
        /// Its number.
        newest: BlockNumber,
    },
}

impl StateCursor {
    /// Where a state begins.
    pub const START: Self = Self::Accounts { from: FIRST };

    /// Behind the slot `until` of an account.
    fn behind_slot(account: [u8; 32], until: [u8; 32], pivot: BlockNumber) -> Self {
        match after(until) {
            Some(from) => Self::Slots { account, from },
            None => Self::behind_account(account, pivot),
        }
    }

    /// Behind the account `until`: behind the last one come blocks.
    fn behind_account(until: [u8; 32], pivot: BlockNumber) -> Self {
        after(until).map_or(Self::Blocks { newest: pivot }, |from| Self::Accounts { from })
    }
}

impl Display for StateCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accounts { from } => write!(f, "accounts from {}", B256::from(*from)),
            Self::Slots { account, from } => {
                write!(f, "slots of {} from {}", B256::from(*account), B256::from(*from))
            }
            Self::Blocks { newest } => write!(f, "blocks down from {newest}"),
        }
    }
}

/// The next key; `None` behind the last.
pub(super) fn after(key: [u8; 32]) -> Option<[u8; 32]> {
    let mut next = key;
    for byte in next.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(next);
        }
    }
    None
}

/// A part of a state, or blocks before it, as a peer gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChunk {
    pub(super) body: Body,
    /// Its length.
    pub(super) bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Body {
    #[codec(index = 0)]
    State(Box<StatePart>),
    /// The newest first.
    #[codec(index = 1)]
    Blocks(Vec<BlockPart>),
}

/// Slots that go on with the account before, then accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct StatePart {
    /// There if the chunk begins within an account.
    pub(super) slots: Option<SlotPart>,
    /// Absent if the slots go on.
    pub(super) accounts: Option<AccountPart>,
}

/// All slots of an account from where the chunk begins, or the account does, up to `until`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct SlotPart {
    pub(super) until: [u8; 32],
    pub(super) slots: Vec<LeafPart>,
    /// Nodes on the ways to both ends, against the account's storage root.
    pub(super) proof: Vec<Vec<u8>>,
}

/// All accounts up to `until`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct AccountPart {
    pub(super) until: [u8; 32],
    pub(super) accounts: Vec<AccountEntry>,
    /// Nodes on the ways to both ends, against the state root.
    pub(super) proof: Vec<Vec<u8>>,
    /// Code of these accounts, each once.
    pub(super) codes: Vec<Vec<u8>>,
    /// The first slots of the last account, if they go on in the next chunk.
    pub(super) open: Option<SlotPart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct AccountEntry {
    pub(super) leaf: LeafPart,
    /// All its slots, in the order of keys.
    pub(super) slots: Vec<LeafPart>,
}

/// Hashed key and RLP of a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct LeafPart {
    pub(super) key: [u8; 32],
    pub(super) value: Vec<u8>,
}

/// A block: RLP of its header, and the records of its transactions with their receipts as the database has them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct BlockPart {
    pub(super) header: Vec<u8>,
    pub(super) transactions: Vec<Vec<u8>>,
}

impl From<LeafRecord> for LeafPart {
    fn from((key, value): LeafRecord) -> Self {
        Self { key: key.0, value }
    }
}

impl From<LeafPart> for LeafRecord {
    fn from(leaf: LeafPart) -> Self {
        (leaf.key.into(), leaf.value)
    }
}

impl StateChunk {
    /// Reads what [`Runtime::state_chunk`](crate::Runtime::state_chunk) or
    /// [`Runtime::block_history`](crate::Runtime::block_history) gave.
    ///
    /// # Errors
    /// [`ChunkFault`] if it is nothing of the kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChunkFault> {
        if bytes.len() > CHUNK_BYTES_MAX {
            return Err(ChunkFault::TooLong { bytes: bytes.len() });
        }
        let malformed = || ChunkFault::Malformed { bytes: bytes.len() };
        let (&version, mut rest) = bytes.split_first().ok_or_else(malformed)?;
        if version != CHUNK_VERSION {
            return Err(ChunkFault::Version { got: version });
        }
        let body = Body::decode_all(&mut rest).map_err(|_| malformed())?;
        let bytes = bytes.len();
        Ok(Self { body, bytes })
    }

    pub(super) fn to_bytes(body: &Body) -> Vec<u8> {
        (CHUNK_VERSION, body).encode()
    }

    /// Reads a chunk and writes it again, for tests of the form.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, ChunkFault> {
        Ok(Self::to_bytes(&Self::decode(bytes)?.body))
    }

    /// Where the chunk after this one begins, if this one begins at `cursor` and is of the state of block `pivot`; none behind the
    /// last. That it can be asked before the chunk is checked lets the next one be fetched meanwhile.
    ///
    /// # Errors
    /// [`ChunkFault::Shape`] if it cannot begin there.
    pub fn next(&self, cursor: &StateCursor, pivot: BlockNumber) -> Result<Option<StateCursor>, ChunkFault> {
        let shape = |what| ChunkFault::Shape { what };
        match (&self.body, cursor) {
            (Body::State(part), StateCursor::Accounts { .. }) => {
                if part.slots.is_some() {
                    return Err(shape("slots of an account that is not begun"));
                }
                let accounts = part
                    .accounts
                    .as_ref()
                    .ok_or_else(|| shape("neither accounts nor slots"))?;
                accounts.next(pivot).map(Some)
            }
            (Body::State(part), StateCursor::Slots { account, .. }) => {
                let slots = part.slots.as_ref().ok_or_else(|| shape("no slots where they go on"))?;
                let next = StateCursor::behind_slot(*account, slots.until, pivot);
                match (&part.accounts, slots.until) {
                    (None, _) => Ok(Some(next)),
                    (Some(accounts), LAST) => accounts.next(pivot).map(Some),
                    (Some(_), _) => Err(shape("accounts behind slots that go on")),
                }
            }
            (Body::Blocks(blocks), StateCursor::Blocks { newest }) => {
                let count = blocks.len() as u64;
                let oldest = newest.get().checked_add(1).and_then(|end| end.checked_sub(count));
                let oldest = oldest
                    .filter(|_| count > 0)
                    .ok_or_else(|| shape("not the number of blocks that there are"))?;
                let is_enough = oldest <= pivot.get().saturating_sub(BLOCKS_WITH_STATE - 1);
                let newest = oldest.checked_sub(1).filter(|_| !is_enough).map(BlockNumber::new);
                Ok(newest.map(|newest| StateCursor::Blocks { newest }))
            }
            (Body::State(_), StateCursor::Blocks { .. }) => Err(shape("a state instead of blocks")),
            (Body::Blocks(_), StateCursor::Accounts { .. } | StateCursor::Slots { .. }) => {
                Err(shape("blocks instead of a state"))
            }
        }
    }
}

impl AccountPart {
    fn next(&self, pivot: BlockNumber) -> Result<StateCursor, ChunkFault> {
        let Some(open) = &self.open else {
            return Ok(StateCursor::behind_account(self.until, pivot));
        };
        let last = self.accounts.last().map(|account| account.leaf.key);
        if last != Some(self.until) || open.until == LAST {
            let what = "slots that go on, and not those of the last account";
            return Err(ChunkFault::Shape { what });
        }
        Ok(StateCursor::behind_slot(self.until, open.until, pivot))
    }
}

/// Nodes of a proof, as they travel.
pub(super) fn proof_part(proof: Vec<Bytes>) -> Vec<Vec<u8>> {
    debug_assert!(proof.len() <= RANGE_PROOF_NODES_MAX);
    proof.into_iter().map(Vec::from).collect()
}

/// The keys from one to another.
pub(super) fn span(from: [u8; 32], until: [u8; 32]) -> KeySpan {
    KeySpan {
        from: from.into(),
        until: until.into(),
    }
}
