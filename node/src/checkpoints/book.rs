//! Which checkpoints does this node know, who has signed them, and how far has each come on the mainchain?
//!
//! One page that several write and everybody reads. [`worker`](super::worker) puts in the checkpoints, as they are computed from the chain
//! and signed; whoever follows the mainchain says with [`CheckpointBook::set_mainchain`] what the contract has, and whoever sends
//! transactions there says so with [`CheckpointBook::set_sent`]. JSON-RPC and peers are answered from it. Never decides anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use ledger_api::CheckpointState;
use ledger_checkpoint::{
    reading::{Book as ReadBook, Standing},
    statement::{Anchor, Bundle},
};
use parking_lot::{Mutex, RwLock};

use super::{
    collecting::Open,
    facts::CheckpointConfig,
    log::{BundleLog, LogError},
};

/// What the mainchain's contract has, in one view that replaces the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainchainView {
    /// Which contract.
    pub anchor: Anchor,
    /// Its checkpoints by index: the fingerprint, which may be another than here, and how firm it is.
    pub taken: BTreeMap<u64, (B256, Standing)>,
    /// Index and fingerprint of what it has recorded as a conflict.
    pub rejected: BTreeSet<(u64, B256)>,
}

impl MainchainView {
    /// What was read back.
    #[must_use]
    pub fn of(read: &ReadBook) -> Self {
        let (entries, rejected) = (read.entries().iter(), read.rejected().iter());
        Self {
            anchor: read.place().anchor,
            taken: entries
                .map(|(index, entry)| (index.get(), (entry.fingerprint, entry.standing)))
                .collect(),
            rejected: rejected
                .map(|(index, fingerprint)| (index.get(), *fingerprint))
                .collect(),
        }
    }
}

/// A transaction of this node's relayer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Fingerprint of the checkpoint that it brings.
    pub fingerprint: B256,
    /// Its hash.
    pub transaction: B256,
}

/// How far one checkpoint has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How far.
    pub state: CheckpointState,
    /// The mainchain's transaction, as far as it is known.
    pub transaction: Option<B256>,
}

/// Why checkpoints are, or are not, signed here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// The node has just started.
    #[default]
    Starting,
    /// No contract is configured.
    NoContract,
    /// The node has no checkpoint key, and collects what others sign.
    NoKey,
    /// The own key is not one of the set that signs.
    NotInSet,
    /// It signs.
    Signs,
    /// It does not know the checkpoints before, and waits for peers to give one.
    Unplaced,
    /// Too many wait for signatures.
    Full,
}

/// What the task knows at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Why they are, or are not, signed.
    pub signing: Signing,
    /// The configuration at the newest block that was looked at.
    pub config: Option<CheckpointConfig>,
    /// The own key's address.
    pub own_key: Option<Address>,
    /// For which contract they are.
    pub anchor: Option<Anchor>,
    /// Those that a quorum has signed, kept for good.
    pub log: Option<Arc<Mutex<BundleLog>>>,
    /// Those that wait for signatures, in order.
    pub open: Vec<Open>,
}

/// The book.
#[derive(Debug, Default)]
pub struct CheckpointBook {
    now: RwLock<Arc<Snapshot>>,
    mainchain: RwLock<Option<MainchainView>>,
    sent: RwLock<Option<(Anchor, BTreeMap<u64, Sent>)>>,
}

impl CheckpointBook {
    /// Replaces what is known of this chain's checkpoints.
    pub fn set_checkpoints(&self, snapshot: Snapshot) {
        *self.now.write() = Arc::new(snapshot);
    }

    /// Replaces what is known of the mainchain.
    pub fn set_mainchain(&self, view: MainchainView) {
        *self.mainchain.write() = Some(view);
    }

    /// Replaces the transactions of this node's relayer for checkpoints that are not final on the mainchain, by index.
    pub fn set_sent(&self, anchor: Anchor, transactions: BTreeMap<u64, Sent>) {
        *self.sent.write() = Some((anchor, transactions));
    }

    /// What is known of this chain's checkpoints.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.read())
    }

    /// The checkpoints for `anchor` from index `from` on, `count` at most, in order, with the signatures that are there; none if
    /// this node follows another contract.
    ///
    /// # Errors
    /// [`LogError`] if they cannot be read from disk.
    pub fn checkpoints(&self, anchor: &Anchor, from: u64, count: usize) -> Result<Vec<Bundle>, LogError> {
        let now = self.now();
        if now.anchor != Some(*anchor) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        if let Some(log) = &now.log {
            let log = log.lock();
            let last = log.last_index().unwrap_or(0);
            for index in from.max(log.first_index().unwrap_or(1))..=last {
                if found.len() >= count {
                    return Ok(found);
                }
                found.extend(log.read(index)?.map(|record| record.bundle));
            }
        }
        // One may have been kept since the snapshot was taken.
        let next = found
            .last()
            .map_or(from, |last: &Bundle| last.checkpoint.index.saturating_add(1));
        let open = now.open.iter().filter(|open| open.checkpoint.index >= next.max(from));
        found.extend(open.take(count - found.len()).map(Open::bundle));
        Ok(found)
    }

    /// The newest checkpoints for `anchor` that a quorum has signed, `count` at most, in order.
    ///
    /// # Errors
    /// As [`Self::checkpoints`].
    pub fn newest_signed(&self, anchor: &Anchor, count: usize) -> Result<Vec<Bundle>, LogError> {
        let now = self.now();
        let Some(log) = now.log.as_ref().filter(|_| now.anchor == Some(*anchor)) else {
            return Ok(Vec::new());
        };
        let log = log.lock();
        let Some((first, last)) = log.first_index().zip(log.last_index()) else {
            return Ok(Vec::new());
        };
        let from = last.saturating_sub(count as u64).saturating_add(1).max(first);
        let mut found = Vec::new();
        for index in from..=last {
            found.extend(log.read(index)?.map(|record| record.bundle));
        }
        Ok(found)
    }

    /// How far a checkpoint has come. `is_signed` says whether a quorum has signed it.
    #[must_use]
    pub fn progress(&self, anchor: &Anchor, (index, fingerprint): (u64, B256), is_signed: bool) -> Progress {
        let mainchain = self.mainchain.read();
        let view = mainchain.as_ref().filter(|view| view.anchor == *anchor);
        let sent = self.sent.read();
        let sent = sent.as_ref().filter(|(known, _)| known == anchor);
        let sent = sent.and_then(|(_, transactions)| transactions.get(&index));
        let sent = sent
            .filter(|sent| sent.fingerprint == fingerprint)
            .map(|sent| sent.transaction);
        let taken = view.and_then(|view| view.taken.get(&index).copied());
        let is_rejected = view.is_some_and(|view| view.rejected.contains(&(index, fingerprint)));
        let state = match (taken, sent) {
            (Some((theirs, standing)), _) if theirs == fingerprint => match standing {
                Standing::Mined => CheckpointState::Mined,
                Standing::Soft => CheckpointState::Soft,
                Standing::Final => CheckpointState::Final,
            },
            (Some(_), _) if is_rejected => CheckpointState::Rejected,
            (Some(_), _) => CheckpointState::Superseded,
            (None, Some(_)) => CheckpointState::Submitted,
            (None, None) if is_signed => CheckpointState::Signed,
            (None, None) => CheckpointState::Signing,
        };
        Progress {
            state,
            transaction: sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: Anchor = Anchor {
        mainchain_id: 61,
        contract: Address::repeat_byte(7),
    };

    fn hash(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    #[test]
    fn a_checkpoint_comes_as_far_as_the_mainchain_says() {
        let book = CheckpointBook::default();
        let state = |index: u8, is_signed| {
            let progress = book.progress(&ANCHOR, (index.into(), hash(index)), is_signed);
            progress.state
        };
        assert_eq!(
            [state(1, false), state(1, true)],
            [CheckpointState::Signing, CheckpointState::Signed]
        );
        book.set_mainchain(MainchainView {
            anchor: ANCHOR,
            taken: [
                (1, (hash(1), Standing::Final)),
                (2, (hash(2), Standing::Soft)),
                (3, (hash(3), Standing::Mined)),
                (4, (hash(40), Standing::Mined)),
                (5, (hash(50), Standing::Mined)),
            ]
            .into(),
            rejected: [(5, hash(5))].into(),
        });
        let sent = |fingerprint| Sent {
            fingerprint: hash(fingerprint),
            transaction: hash(9),
        };
        book.set_sent(ANCHOR, [(3, sent(3)), (6, sent(6)), (7, sent(70))].into());
        let states: Vec<_> = (1..=7).map(|index| state(index, true)).collect();
        let expected = [
            CheckpointState::Final,
            CheckpointState::Soft,
            CheckpointState::Mined,
            CheckpointState::Superseded,
            CheckpointState::Rejected,
            CheckpointState::Submitted,
            CheckpointState::Signed,
        ];
        assert_eq!(states, expected);
        let transaction = |index: u8| {
            let progress = book.progress(&ANCHOR, (index.into(), hash(index)), true);
            progress.transaction
        };
        assert_eq!([3, 6, 7].map(transaction), [Some(hash(9)), Some(hash(9)), None]);
    }

    #[test]
    fn what_another_contract_has_says_nothing() {
        let (book, other) = (
            CheckpointBook::default(),
            Anchor {
                mainchain_id: 63,
                ..ANCHOR
            },
        );
        book.set_mainchain(MainchainView {
            anchor: other,
            taken: [(1, (hash(9), Standing::Final))].into(),
            rejected: BTreeSet::new(),
        });
        let sent = Sent {
            fingerprint: hash(1),
            transaction: hash(5),
        };
        book.set_sent(other, [(1, sent)].into());
        assert_eq!(
            book.progress(&ANCHOR, (1, hash(1)), true).state,
            CheckpointState::Signed
        );
        assert!(book.checkpoints(&ANCHOR, 1, 9).unwrap().is_empty());
    }
}
