//! What has this relayer taken upon itself? Bundles, the transactions signed for them, and where they are anchored.
//!
//! Kept by the planner in memory and by the journal on disk: both apply the same [`Record`]s, so a restart finds what was there. Pure.
//! It is never asked whether a checkpoint is on the mainchain; the contract is. A bundle leaves it when its checkpoint is final there.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};

use crate::{
    numbers::{Index, Nonce, Point},
    statement::{Anchor, Bundle},
};

/// Bundles kept at one time: a checkpoint every half minute for the 36 hours that finality takes.
pub const ENTRIES_MAX: usize = 4_096;

/// Transactions kept of one bundle: 30 raises take a price to 34 times of what it was, and there is room for a second such story.
pub const ATTEMPTS_MAX: usize = 64;

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number among the account's transactions.
    pub nonce: Nonce,
    /// What it pays per gas.
    pub gas_price_wei: u128,
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub raw: Bytes,
}

/// Where a checkpoint was seen on the mainchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The block that made it, if a transaction of ours did; else the block in which it was first seen, which is not earlier.
    pub block: Point,
    /// The transaction of ours that did it.
    pub by: Option<B256>,
}

/// A bundle and its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is brought to the mainchain.
    pub bundle: Bundle,
    /// Its fingerprint.
    pub fingerprint: B256,
    /// The transactions signed for it, oldest first.
    pub attempts: Vec<Attempt>,
    /// Where it was last seen on the mainchain.
    pub anchored: Option<Anchored>,
}

/// The newest checkpoint that is final on the mainchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its index.
    pub index: Index,
    /// Its fingerprint.
    pub fingerprint: B256,
    /// Its block there.
    pub block: Point,
}

/// A change of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A bundle was taken.
    Taken(Bundle),
    /// A transaction was signed for it. Kept before the transaction leaves.
    Signed {
        /// For which checkpoint.
        index: Index,
        /// The transaction.
        attempt: Attempt,
    },
    /// The checkpoint is on the mainchain.
    Anchored {
        /// Which.
        index: Index,
        /// Where.
        anchored: Anchored,
    },
    /// A reorganisation took it from there.
    Lost {
        /// Which.
        index: Index,
    },
    /// A transaction that can no longer matter was dropped, to make room.
    Dropped {
        /// For which checkpoint it was signed.
        index: Index,
        /// The transaction.
        hash: B256,
    },
    /// The checkpoint is final: its bundle is kept no longer.
    Settled(Settled),
}

/// A record that does not fit what came before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It tells of a bundle that is not there.
    #[error("it tells of checkpoint {0}, whose bundle is not there")]
    Unknown(Index),
    /// A bundle that is there already, or that leaves a gap before it.
    #[error("it has the bundle of checkpoint {0}, which is there already or leaves a gap")]
    Order(Index),
    /// More than is ever kept.
    #[error("it is one more than the {0} that are kept")]
    Bound(usize),
}

/// All bundles that are not final, in the order of their indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    anchor: Anchor,
    entries: BTreeMap<Index, Entry>,
    settled: Option<Settled>,
}

impl Outbox {
    /// An empty outbox for one contract.
    #[must_use]
    pub fn new(anchor: Anchor) -> Self {
        Self {
            anchor,
            entries: BTreeMap::new(),
            settled: None,
        }
    }

    /// The contract that everything in it is signed for.
    #[must_use]
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The bundles by index.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<Index, Entry> {
        &self.entries
    }

    /// The bundle with this index, if it is kept.
    #[must_use]
    pub fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(&index)
    }

    /// The newest bundle.
    #[must_use]
    pub fn last(&self) -> Option<(Index, &Entry)> {
        self.entries.last_key_value().map(|(index, entry)| (*index, entry))
    }

    /// The newest checkpoint that was final.
    #[must_use]
    pub fn settled(&self) -> Option<&Settled> {
        self.settled.as_ref()
    }

    /// Makes the change.
    ///
    /// # Errors
    /// [`BadRecord`]; nothing has changed then.
    pub fn apply(&mut self, record: &Record) -> Result<(), BadRecord> {
        match record {
            Record::Taken(bundle) => return self.take(bundle),
            Record::Signed { index, attempt } => {
                let attempts = &mut self.entry_mut(*index)?.attempts;
                if attempts.len() >= ATTEMPTS_MAX {
                    return Err(BadRecord::Bound(ATTEMPTS_MAX));
                }
                attempts.push(attempt.clone());
            }
            Record::Anchored { index, anchored } => self.entry_mut(*index)?.anchored = Some(*anchored),
            Record::Lost { index } => self.entry_mut(*index)?.anchored = None,
            Record::Dropped { index, hash } => {
                self.entry_mut(*index)?.attempts.retain(|attempt| attempt.hash != *hash);
            }
            Record::Settled(settled) => {
                self.entries = self.entries.split_off(&settled.index.plus(1));
                self.settled = Some(*settled);
            }
        }
        Ok(())
    }

    fn take(&mut self, bundle: &Bundle) -> Result<(), BadRecord> {
        let index = Index::new(bundle.checkpoint.index);
        // Below the first: a reorganisation took back what was final, and it is taken again from there on.
        let is_first = self.entries.first_key_value().is_none_or(|(first, _)| index < *first);
        let has_before = index
            .get()
            .checked_sub(1)
            .map(Index::new)
            .is_some_and(|before| self.entries.contains_key(&before));
        if self.entries.contains_key(&index) || !(is_first || has_before) {
            return Err(BadRecord::Order(index));
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Err(BadRecord::Bound(ENTRIES_MAX));
        }
        let entry = Entry {
            bundle: bundle.clone(),
            fingerprint: self.anchor.fingerprint(&bundle.checkpoint),
            attempts: Vec::new(),
            anchored: None,
        };
        self.entries.insert(index, entry);
        Ok(())
    }

    fn entry_mut(&mut self, index: Index) -> Result<&mut Entry, BadRecord> {
        self.entries.get_mut(&index).ok_or(BadRecord::Unknown(index))
    }

    /// The shortest list of records that makes this outbox of an empty one.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<_> = self.settled.map(Record::Settled).into_iter().collect();
        let all: Vec<_> = self.entries.iter().collect();
        // While what was final is taken again from below, there is a gap: what lies below it can only be taken after what lies above.
        let runs = all.chunk_by(|(before, _), (after, _)| before.plus(1) == **after);
        let runs: Vec<_> = runs.collect();
        for (index, entry) in runs.into_iter().rev().flatten() {
            let index = **index;
            records.push(Record::Taken(entry.bundle.clone()));
            let signed = entry.attempts.iter().cloned();
            records.extend(signed.map(|attempt| Record::Signed { index, attempt }));
            records.extend(entry.anchored.map(|anchored| Record::Anchored { index, anchored }));
        }
        records
    }

    /// The dearest transaction signed with this nonce: what a replacement has to outbid.
    #[must_use]
    pub fn dearest(&self, nonce: Nonce) -> Option<(Index, &Attempt)> {
        let all = self.entries.iter();
        all.flat_map(|(index, entry)| entry.attempts.iter().map(|attempt| (*index, attempt)))
            .filter(|(_, attempt)| attempt.nonce == nonce)
            .max_by_key(|(_, attempt)| attempt.gas_price_wei)
    }
}
