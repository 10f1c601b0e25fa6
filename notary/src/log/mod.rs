//! Did anybody take something out of the log, or put something else there? A Merkle tree over the entries, by the rules of Certificate
//! Transparency (RFC 6962): proofs that an entry is in it, and that a later log only adds to an earlier one.
//!
//! Leaves are those of [`desk::Entry`](crate::desk::Entry). [`Log`] keeps the tree's hashes; [`tiles`] cuts them into static files, as C2SP
//! has it for logs on any web server; [`checkpoint`] signs how long the log is and what its hash is. Whoever keeps a checkpoint
//! can hold the notary to it. The tree itself is the crate `tlog_tiles`; nothing of what it decides is decided here. Pure; holds no key.

pub mod checkpoint;
pub mod tiles;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tlog_tiles::{Hash, HashReader, check_record, check_tree, prove_record, prove_tree, record_hash, tree_hash};

use crate::records::Hex32;

/// Most hashes of a proof: two for each level of a tree that has as many leaves as there are numbers. Bounds what a stranger's proof costs.
pub const PROOF_HASHES_MAX: usize = 128;

/// Why there is no proof, or one that proves nothing.
#[derive(Debug, Error)]
pub enum LogError {
    /// An entry that is not there.
    #[error("the log of {size} entries has no entry {index}")]
    NoEntry {
        /// The place asked for.
        index: u64,
        /// How long the log is.
        size: u64,
    },
    /// An earlier log that is none.
    #[error("a log of {old} entries is no earlier one of {new}, and only logs with an entry have earlier ones")]
    NoEarlier {
        /// The size that should be the earlier.
        old: u64,
        /// The size that should be the later.
        new: u64,
    },
    /// More than any tree needs.
    #[error("a proof has at most {PROOF_HASHES_MAX} hashes, got {got}")]
    TooLong {
        /// How many came.
        got: usize,
    },
    /// It leads to another hash.
    #[error(
        "the proof does not lead to the log's hash {expected} ({what}): the log was changed, or the proof is of another one"
    )]
    Wrong {
        /// What it should prove.
        what: String,
        /// The log's hash.
        expected: Hex32,
    },
}

/// How long a log is, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    /// Entries.
    pub size: u64,
    /// The hash over all of them.
    pub root: Hex32,
}

/// The hashes of a log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    size: u64,
    /// Of every whole subtree, in the order of `tlog_tiles::stored_hash_index`.
    hashes: Vec<Hash>,
}

impl HashReader for Log {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let hash = |index: &u64| self.hashes.get(usize::try_from(*index).ok()?).copied();
        let hashes: Option<_> = indexes.iter().map(hash).collect();
        hashes.ok_or(tlog_tiles::Error::IndexesNotInTree)
    }
}

impl Log {
    /// Adds a leaf.
    ///
    /// # Panics
    /// Never: the hashes of the leaves before are there.
    pub fn append(&mut self, leaf: &[u8]) {
        let new = tlog_tiles::stored_hashes(self.size, leaf, self).expect("the hashes of the leaves before are there");
        self.hashes.extend(new);
        self.size += 1;
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The head of the log as it is, or as it was.
    ///
    /// # Errors
    /// [`LogError::NoEarlier`] if it was never that long.
    pub fn head(&self, size: u64) -> Result<TreeHead, LogError> {
        let hash = (size <= self.size).then(|| tree_hash(size, self).ok()).flatten();
        let hash = hash.ok_or(LogError::NoEarlier {
            old: size,
            new: self.size,
        })?;
        let root = Hex32(hash.0);
        Ok(TreeHead { size, root })
    }

    /// The proof that a leaf is in the log as it was with `size` leaves.
    ///
    /// # Errors
    /// [`LogError`] if it is not, or the log was never that long.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hex32>, LogError> {
        self.head(size)?;
        let proof = prove_record(size, index, self).map_err(|_| LogError::NoEntry { index, size })?;
        Ok(shown(&proof))
    }

    /// The proof that the log with `new` leaves starts with the log that had `old`.
    ///
    /// # Errors
    /// [`LogError::NoEarlier`] if it was never that long, or `old` is not the earlier.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hex32>, LogError> {
        self.head(new)?;
        let proof = prove_tree(new, old, self).map_err(|_| LogError::NoEarlier { old, new })?;
        Ok(shown(&proof))
    }
}

/// Whether a leaf is in the log with this head.
///
/// # Errors
/// [`LogError`] if the proof does not say so.
pub fn check_inclusion(head: TreeHead, index: u64, leaf: &[u8], proof: &[Hex32]) -> Result<(), LogError> {
    let size = head.size;
    if index >= size {
        return Err(LogError::NoEntry { index, size });
    }
    let checked = check_record(&read(proof)?, size, Hash(head.root.0), index, record_hash(leaf));
    checked.map_err(|_| LogError::Wrong {
        what: format!("entry {index} of {size}"),
        expected: head.root,
    })
}

/// Whether the log with the head `new` starts with the one that had the head `old`.
///
/// # Errors
/// [`LogError`] if the proof does not say so.
pub fn check_consistency(old: TreeHead, new: TreeHead, proof: &[Hex32]) -> Result<(), LogError> {
    if !(1..=new.size).contains(&old.size) {
        let (old, new) = (old.size, new.size);
        return Err(LogError::NoEarlier { old, new });
    }
    let checked = check_tree(&read(proof)?, new.size, Hash(new.root.0), old.size, Hash(old.root.0));
    checked.map_err(|_| LogError::Wrong {
        what: format!("the first {} of {} entries", old.size, new.size),
        expected: new.root,
    })
}

fn shown(proof: &[Hash]) -> Vec<Hex32> {
    proof.iter().map(|hash| Hex32(hash.0)).collect()
}

fn read(proof: &[Hex32]) -> Result<Vec<Hash>, LogError> {
    let got = proof.len();
    if got > PROOF_HASHES_MAX {
        return Err(LogError::TooLong { got });
    }
    Ok(proof.iter().map(|hash| Hash(hash.0)).collect())
}
