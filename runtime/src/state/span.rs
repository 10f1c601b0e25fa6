//! Which part of the state lies in a range of keys, and what becomes of a state that is put together from such parts?
//!
//! For the transfer of a state to another node: the giver reads spans of leaves with their proofs at a past block, the taker
//! checks them against a root and adds them to the tries that it has so far. Leaves are taken in the order of keys, so that
//! nothing is ever overwritten, and the records come out as if the whole state had been written at once.

use alloy_primitives::{B256, Bytes};
use ledger_chainspec::BlockNumber;
use rayon::prelude::*;

use super::commitment::StateChange;
use super::trie::{self, KeySpan, LeafChange, RangeFault, TrieId, TrieReader};
use super::view::storage_key;
use super::{StateError, StateView};
use crate::store::{Column, FlatRecord, LeafRecord, LeafSpan, SpanLimit};

/// Whose leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// All accounts.
    Accounts,
    /// The slots of the account with this hashed address.
    Slots(B256),
}

impl Leaves {
    const fn trie(self) -> TrieId {
        match self {
            Self::Accounts => TrieId::Accounts,
            Self::Slots(account) => TrieId::Storage(account),
        }
    }
}

impl StateView {
    /// The leaves from `from` on, as far as `limit` goes.
    ///
    /// # Errors
    /// [`StateError::OutsideWindow`] if the block has left the window.
    pub(crate) fn span(&self, of: Leaves, from: &B256, limit: SpanLimit) -> Result<LeafSpan, StateError> {
        match of {
            Leaves::Accounts => self.leaves_from(Column::Accounts, (&[], from), limit),
            Leaves::Slots(account) => self.leaves_from(Column::Storage, (account.as_slice(), from), limit),
        }
    }

    /// What proves the leaves of `span`.
    ///
    /// # Errors
    /// As [`Self::span`], and [`StateError::Grown`].
    pub(crate) fn span_proof(&self, of: Leaves, span: &KeySpan) -> Result<Vec<Bytes>, StateError> {
        TrieReader {
            view: self,
            id: of.trie(),
        }
        .range_proof(span)
    }

    /// The root of the trie, and all records, once `leaves`, none of which is there, are added to one with this root.
    ///
    /// # Errors
    /// [`StateError`] if the trie cannot be read.
    pub(crate) fn with_leaves(
        &self,
        of: Leaves,
        root: B256,
        leaves: Vec<LeafRecord>,
    ) -> Result<(B256, Vec<StateChange>), StateError> {
        let trie = TrieReader {
            view: self,
            id: of.trie(),
        };
        let (tops, mut changes): (Vec<_>, Vec<_>) = leaves
            .into_par_iter()
            .map(|(key, value)| {
                let top = LeafChange::new(key, Some(value.clone()));
                // Which block wrote it, nobody has proven; it is older than all that will be asked for.
                let new = Some(FlatRecord {
                    since: BlockNumber::new(0),
                    leaf: value,
                });
                let flat = match of {
                    Leaves::Accounts => StateChange::flat(Column::Accounts, key.as_slice(), None, new),
                    Leaves::Slots(account) => {
                        StateChange::flat(Column::Storage, &storage_key(&account, &key), None, new)
                    }
                };
                (top, flat)
            })
            .unzip();
        let (root, nodes) = trie::update(trie, root, &tops)?;
        changes.extend(nodes.records);
        Ok((root, changes))
    }
}

/// Checks that `leaves` are all that the trie with this root has in `span`.
///
/// # Errors
/// [`RangeFault`] at the first difference.
pub(crate) fn check_span(
    root: B256,
    span: &KeySpan,
    leaves: &[LeafRecord],
    proof: &[impl AsRef<[u8]>],
) -> Result<(), RangeFault> {
    trie::check_range(root, span, leaves, proof)
}
