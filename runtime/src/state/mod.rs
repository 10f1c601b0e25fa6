//! What does an account hold, at the head or at a past block, and what state root follows from a block's changes?
//!
//! The executor reads through a [`StateView`], hands its changes over as a [`StateDiff`], and gets a
//! [`StateCommitment`]: the new state root and every record that committing it would write. Computing one writes
//! nothing, so a block can be executed, voted on and dropped; [`crate::store::Store::commit`] writes it unchanged.
//! The JSON-RPC server asks the same views for proofs. Nothing here executes a transaction, names RocksDB or revm.

mod commitment;
mod diff;
mod error;
mod proof;
mod rollback;
mod span;
mod trie;
mod verify;
mod view;

pub use alloy_trie::TrieAccount as AccountRecord;
pub(crate) use commitment::{Changes, StateChange, Written};
pub use commitment::{StateCommitment, TrieChange};
pub use diff::{AccountChange, AccountFields, SlotChange, StateDiff};
pub use error::StateError;
pub use proof::{AccountProof, PROOF_SLOTS_MAX, StorageProof};
pub(crate) use rollback::Rollback;
pub(crate) use span::{Leaves, check_span};
pub(crate) use trie::{BranchCache, KeySpan, Past, PastBranch, Record, SubtreeCache, joined, keep_small, patched};
pub use trie::{RANGE_PROOF_NODES_MAX, RangeFault};
pub use verify::VerifiedState;
pub use view::StateView;
