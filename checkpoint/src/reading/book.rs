//! Which checkpoints are on the mainchain, and how deep under its blocks?
//!
//! What the planner knows. Each entry names the one before it as its parent, so that the newest one stands for all of them. Pure: the
//! reader keeps on disk what a restart has to know.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

use crate::{
    numbers::{Index, Point},
    statement::{Anchor, Checkpoint},
};

/// Most rejected fingerprints that are remembered, those with the highest index: whoever had a stake in an older one looked long ago.
pub const REJECTED_MAX: usize = 1_024;

/// How firm a checkpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The contract has it.
    Mined,
    /// As many blocks are upon it as it takes to be believed.
    Soft,
    /// So many blocks are upon it that no reorganisation takes it.
    Final,
}

impl Standing {
    /// Its name, for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mined => "mined",
            Self::Soft => "soft",
            Self::Final => "final",
        }
    }
}

/// What the contract says of its domain: which contract, and of which sidechain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The contract.
    pub anchor: Anchor,
    /// Hash of the sidechain's genesis block: the parent of the first checkpoint.
    pub genesis: B256,
}

/// A checkpoint on the mainchain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Its fingerprint.
    pub fingerprint: B256,
    /// The mainchain's block that it is in.
    pub block: Point,
    /// How firm it is.
    pub standing: Standing,
}

/// Something that is known from now on, on disk before anybody acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A checkpoint is confirmed: soft, or final at once.
    Confirmed(Box<Anchored>),
    /// A checkpoint that was soft is final.
    Final(Index),
    /// A reorganisation took this checkpoint and all after it, although they were soft.
    Withdrawn(Index),
    /// The contract recorded that validators signed this fingerprint, which is not the checkpoint's. They did, whatever a reorganisation
    /// takes back, so that nothing withdraws it.
    Rejected(Index, B256),
}

/// A record that cannot follow those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// Not the next checkpoint.
    #[error("checkpoint {got} cannot follow {before}")]
    Order {
        /// The record's.
        got: Index,
        /// The newest before it.
        before: Index,
    },
    /// Its parent is another one, or its fingerprint is not its own.
    #[error("checkpoint {0} does not follow the one before it")]
    Link(Index),
    /// There is no such checkpoint, or it is final already.
    #[error("checkpoint {0} is not there, or is final")]
    Missing(Index),
}

/// All checkpoints that are known to be on the mainchain, from the first one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    place: Place,
    entries: BTreeMap<Index, Anchored>,
    rejected: BTreeSet<(Index, B256)>,
}

impl Book {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(place: Place) -> Self {
        Self {
            place,
            entries: BTreeMap::new(),
            rejected: BTreeSet::new(),
        }
    }

    /// Which contract, of which sidechain.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// All of them, by index.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<Index, Anchored> {
        &self.entries
    }

    /// Fingerprints that the contract has recorded as conflicts.
    #[must_use]
    pub const fn rejected(&self) -> &BTreeSet<(Index, B256)> {
        &self.rejected
    }

    /// The newest one.
    #[must_use]
    pub fn newest(&self) -> Option<(Index, &Anchored)> {
        self.entries.last_key_value().map(|(index, entry)| (*index, entry))
    }

    /// The newest one that is at least so firm.
    #[must_use]
    pub fn newest_of(&self, least: Standing) -> Option<(Index, &Anchored)> {
        let mut newest_first = self.entries.iter().rev();
        newest_first
            .find(|(_, entry)| entry.standing >= least)
            .map(|(index, entry)| (*index, entry))
    }

    /// Index and fingerprint of the newest one; the genesis hash stands for the one before the first.
    #[must_use]
    pub fn tip(&self) -> (Index, B256) {
        let newest = self.newest();
        newest.map_or((Index::new(0), self.place.genesis), |(index, entry)| {
            (index, entry.fingerprint)
        })
    }

    /// Adds the next checkpoint.
    ///
    /// # Errors
    /// [`BadRecord`] if it is not the next one.
    pub fn add(&mut self, entry: Anchored) -> Result<(), BadRecord> {
        let (before, fingerprint) = self.tip();
        let index = Index::new(entry.checkpoint.index);
        if index != before.plus(1) {
            return Err(BadRecord::Order { got: index, before });
        }
        let is_itself = self.place.anchor.fingerprint(&entry.checkpoint) == entry.fingerprint;
        if entry.checkpoint.parent != fingerprint || !is_itself {
            return Err(BadRecord::Link(index));
        }
        self.entries.insert(index, entry);
        Ok(())
    }

    /// Makes one firmer.
    pub(super) fn raise(&mut self, index: Index, standing: Standing) {
        if let Some(entry) = self.entries.get_mut(&index) {
            entry.standing = entry.standing.max(standing);
        }
    }

    /// Remembers a fingerprint that the contract has recorded as a conflict. Whether it was not known, and there is room for it.
    pub(super) fn reject(&mut self, index: Index, fingerprint: B256) -> bool {
        let rejection = (index, fingerprint);
        let is_full = self.rejected.len() >= REJECTED_MAX;
        if is_full && self.rejected.first().is_some_and(|first| rejection < *first) {
            return false;
        }
        let is_news = self.rejected.insert(rejection);
        if self.rejected.len() > REJECTED_MAX {
            self.rejected.pop_first();
        }
        is_news
    }

    /// Takes this one and all after it away.
    pub(super) fn take_from(&mut self, index: Index) -> BTreeMap<Index, Anchored> {
        self.entries.split_off(&index)
    }

    /// What the record says, on top of those before it.
    ///
    /// # Errors
    /// [`BadRecord`] if it cannot be.
    pub fn apply(&mut self, record: Record) -> Result<(), BadRecord> {
        match record {
            Record::Confirmed(entry) => self.add(*entry),
            Record::Final(index) => match self.entries.get(&index) {
                Some(entry) if entry.standing < Standing::Final => {
                    self.raise(index, Standing::Final);
                    Ok(())
                }
                _ => Err(BadRecord::Missing(index)),
            },
            Record::Withdrawn(index) => match self.entries.get(&index) {
                Some(entry) if entry.standing < Standing::Final => {
                    self.take_from(index);
                    Ok(())
                }
                _ => Err(BadRecord::Missing(index)),
            },
            Record::Rejected(index, fingerprint) => {
                self.reject(index, fingerprint);
                Ok(())
            }
        }
    }
}
