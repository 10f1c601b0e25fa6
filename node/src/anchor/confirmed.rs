//! What is confirmed, shared by the parts of the node.
//!
//! Written by the anchor's task and by who finds a contradiction; read by all. Never waits.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use ledger_chainspec::RecoveryOrder;
use ledger_checkpoint::{
    numbers::Index,
    reading::{Anchored, Book, Standing},
};
use parking_lot::RwLock;
use tokio::sync::watch;

use super::{Contradiction, held::anchored};
use crate::checkpoints::{CheckpointBook, book::MainchainView};

/// The blocks that one confirmed checkpoint anchors: those after the checkpoint before it, up to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The checkpoint.
    pub index: u64,
    /// The first block.
    pub from: u64,
    /// The last block: the checkpoint's.
    pub to: u64,
    /// Hash of that block.
    pub hash: B256,
    /// Root of the tree over the hashes of all of them.
    pub history_root: B256,
}

/// A block that a confirmed checkpoint anchors, whether or not this chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchoredBlock {
    /// The checkpoint.
    pub index: u64,
    /// Recoveries before it.
    pub epoch: u64,
    /// The block's number.
    pub height: u64,
    /// The block's hash.
    pub hash: B256,
    /// The block's state root.
    pub state_root: B256,
}

/// A checkpoint on the mainchain, briefly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its place in the sequence.
    pub index: u64,
    /// Its height.
    pub height: u64,
    /// How firm it is.
    pub standing: Standing,
}

impl Point {
    pub(super) const fn of((index, entry): (Index, &Anchored)) -> Self {
        Self {
            index: index.get(),
            height: entry.checkpoint.height,
            standing: entry.standing,
        }
    }
}

/// How far reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Nobody asked for it.
    #[default]
    Off,
    /// A contract is read, and not everything in it is known yet.
    Unread,
    /// Everything that the contract has was read once.
    Through,
}

/// What is seen of the mainchain, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Number of its newest block.
    pub mainchain_block: Option<u64>,
    /// When it last answered, in seconds since the Unix epoch.
    pub answered_at: Option<u64>,
    /// The newest checkpoint on it.
    pub newest: Option<Point>,
    /// What is wrong, by name.
    pub alarms: BTreeMap<&'static str, String>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The contract that is read.
    contract: Option<Address>,
    has_ended: bool,
    reading: Reading,
    /// All that are confirmed, by index, each with its epoch.
    anchored: BTreeMap<u64, (Span, AnchoredBlock)>,
    /// Those that this chain is held to, by the last block of each.
    spans: BTreeMap<u64, Span>,
    /// The checkpoint after which the operator has set contradictions aside.
    recover_from: Option<u64>,
    /// What this chain recovered to.
    recoveries: Vec<RecoveryOrder>,
    believed: Option<Point>,
    seen: Seen,
    /// A block that a checkpoint's tree of hashes proves, where another one is final here.
    proven: Option<(u64, B256)>,
    contradiction: Option<Contradiction>,
    refused: Option<Contradiction>,
}

/// What is confirmed.
#[derive(Debug)]
pub struct Confirmed {
    inner: RwLock<Inner>,
    changes: watch::Sender<u64>,
    book: Arc<CheckpointBook>,
}

impl Default for Confirmed {
    fn default() -> Self {
        Self {
            inner: RwLock::default(),
            changes: watch::channel(0).0,
            book: Arc::default(),
        }
    }
}

impl Confirmed {
    /// The contract that is read.
    #[must_use]
    pub fn contract(&self) -> Option<Address> {
        self.inner.read().contract
    }

    /// Waits until this contract is read, with what was confirmed of it before.
    pub async fn follows(&self, contract: Address) {
        let mut changes = self.changes();
        while self.contract() != Some(contract) && !self.inner.read().has_ended {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until everything that the contract has was read once.
    pub async fn is_through(&self) {
        let mut changes = self.changes();
        while self.reading() == Reading::Unread && !self.inner.read().has_ended {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Changes whenever something else is confirmed, or reading comes to its end.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// How far reading is.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.inner.read().reading
    }

    /// Nothing is read any more: the node stops.
    pub fn end(&self) {
        self.inner.write().has_ended = true;
        self.changes.send_modify(|version| *version += 1);
    }

    /// The checkpoints that this chain's validators sign: what is read back is written there, too.
    #[must_use]
    pub const fn book(&self) -> &Arc<CheckpointBook> {
        &self.book
    }

    /// The operator has set aside what contradicts this chain after the checkpoint `index`.
    #[must_use]
    pub fn recovering_from(self, index: Option<u64>) -> Self {
        self.inner.write().recover_from = index;
        self
    }

    /// This chain has recovered, these times in all.
    pub fn recovered(&self, recoveries: Vec<RecoveryOrder>) {
        let mut inner = self.inner.write();
        if inner.recoveries == recoveries {
            return;
        }
        inner.recoveries = recoveries;
        inner.spans = inner.binding();
        drop(inner);
        self.changes.send_modify(|version| *version += 1);
    }

    /// The checkpoint that this node waits to be recovered to, at its operator's word: until then it takes part in governance alone.
    #[must_use]
    pub fn recovering(&self) -> Option<u64> {
        self.inner.read().recovering()
    }

    /// The block of the confirmed checkpoint `index`.
    #[must_use]
    pub fn anchored(&self, index: u64) -> Option<AnchoredBlock> {
        self.inner.read().anchored.get(&index).map(|(_, block)| *block)
    }

    /// The blocks of all confirmed checkpoints, the newest first.
    #[must_use]
    pub fn all_anchored(&self) -> Vec<AnchoredBlock> {
        let inner = self.inner.read();
        inner.anchored.values().rev().map(|(_, block)| *block).collect()
    }

    /// Puts in what is known now.
    pub fn publish(&self, reading: Reading, book: &Book, seen: Seen) {
        self.book.set_mainchain(MainchainView::of(book));
        let anchored = anchored(book);
        let contract = Some(book.place().anchor.contract);
        let mut inner = self.inner.write();
        let is_news = inner.reading != reading || inner.anchored != anchored || inner.contract != contract;
        inner.contract = contract;
        inner.reading = reading;
        inner.anchored = anchored;
        inner.spans = inner.binding();
        inner.believed = book.newest_of(Standing::Soft).map(Point::of);
        inner.seen = seen;
        drop(inner);
        if is_news {
            self.changes.send_modify(|version| *version += 1);
        }
    }

    /// Puts in what is seen of the mainchain while nothing new is known.
    pub fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.inner.write().seen);
    }

    /// What is seen of the mainchain.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.inner.read().seen.clone()
    }

    /// Confirmed checkpoints up to this height, the lowest first.
    #[must_use]
    pub fn up_to(&self, height: u64) -> Vec<Span> {
        self.inner
            .read()
            .spans
            .range(..=height)
            .map(|(_, span)| *span)
            .collect()
    }

    /// The next confirmed checkpoints above this height.
    #[must_use]
    pub fn above(&self, height: u64, count: usize) -> Vec<Span> {
        let inner = self.inner.read();
        let above = inner.spans.range(height.saturating_add(1)..);
        above.take(count).map(|(_, span)| *span).collect()
    }

    /// The newest confirmed checkpoint.
    #[must_use]
    pub fn newest(&self) -> Option<Span> {
        self.inner.read().spans.last_key_value().map(|(_, span)| *span)
    }

    /// The newest one, with how firm it is.
    #[must_use]
    pub fn believed(&self) -> Option<Point> {
        self.inner.read().believed
    }

    /// What a block `hash` at `number` contradicts.
    #[must_use]
    pub fn contradicted_by(&self, number: u64, hash: B256) -> Option<Contradiction> {
        let inner = self.inner.read();
        let span = inner.spans.get(&number).filter(|span| span.hash != hash)?;
        Some(Contradiction {
            index: span.index,
            height: span.to,
            number,
            anchored: span.hash,
            got: hash,
        })
    }

    /// The contradiction in words that the engine's alarm has no number for.
    #[must_use]
    pub fn named(&self, number: u64, got: B256, anchored: B256) -> Contradiction {
        let inner = self.inner.read();
        let span = inner.spans.range(number..).next().map(|(_, span)| *span);
        Contradiction {
            index: span.map_or(0, |span| span.index),
            height: span.map_or(number, |span| span.to),
            number,
            anchored,
            got,
        }
    }

    /// The tree of hashes of a checkpoint proves this block, and another one is final here.
    pub fn prove(&self, number: u64, hash: B256) {
        self.inner.write().proven = Some((number, hash));
        self.changes.send_modify(|version| *version += 1);
    }

    /// That block.
    #[must_use]
    pub fn proven(&self) -> Option<(u64, B256)> {
        self.inner.read().proven
    }

    /// What is final here contradicts a checkpoint: the first one that is found stays.
    pub fn halt(&self, contradiction: Contradiction) {
        self.inner.write().contradiction.get_or_insert(contradiction);
    }

    /// What halted this node.
    #[must_use]
    pub fn contradiction(&self) -> Option<Contradiction> {
        self.inner.read().contradiction
    }

    /// Somebody offered what contradicts a checkpoint, and it was not taken.
    pub fn refuse(&self, contradiction: Contradiction) {
        self.inner.write().refused = Some(contradiction);
    }

    /// What was offered last and not taken.
    #[must_use]
    pub fn refused(&self) -> Option<Contradiction> {
        self.inner.read().refused
    }
}

impl Inner {
    fn recovering(&self) -> Option<u64> {
        // Another contract counts its checkpoints from the first again.
        let epoch_of = |index: &u64| self.anchored.get(index).map_or(0, |(_, block)| block.epoch);
        let is_done = |from: &u64| {
            let mut orders = self.recoveries.iter();
            orders.any(|order| order.checkpoint == *from && order.epoch > epoch_of(from))
        };
        self.recover_from.filter(|from| !is_done(from))
    }

    /// The checkpoints that this chain is held to. What a recovery left behind says nothing any more: neither on a chain that has
    /// recovered, nor once the mainchain has a checkpoint of the recovered chain, whose hash stands for all blocks before it.
    fn binding(&self) -> BTreeMap<u64, Span> {
        let newest_epoch = self.anchored.last_key_value().map_or(0, |(_, (_, block))| block.epoch);
        let set_aside = self.recovering();
        let is_left = |block: &AnchoredBlock| {
            block.epoch < newest_epoch
                || set_aside.is_some_and(|from| block.index > from)
                || self
                    .recoveries
                    .iter()
                    .any(|order| block.index > order.checkpoint && block.epoch < order.epoch)
        };
        let held = self.anchored.values().filter(|(_, block)| !is_left(block));
        held.map(|(span, _)| (span.to, *span)).collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use ledger_api::CheckpointState;
    use ledger_checkpoint::{
        numbers::BlockNumber,
        reading::Place,
        statement::{Anchor, Checkpoint},
    };

    use super::*;

    /// A book with a soft checkpoint at height 10, and one at 25 that is only mined.
    fn book() -> Book {
        book_of(&[(10, 0, Standing::Soft), (25, 0, Standing::Mined)])
    }

    /// A book with checkpoints at these heights, of these epochs.
    fn book_of(points: &[(u64, u64, Standing)]) -> Book {
        let anchor = Anchor {
            mainchain_id: 63,
            contract: Address::repeat_byte(7),
        };
        let genesis = B256::repeat_byte(1);
        let mut book = Book::new(Place { anchor, genesis });
        for (index, (height, epoch, standing)) in (1_u64..).zip(points.iter().copied()) {
            let checkpoint = Checkpoint {
                index,
                epoch,
                setId: 0,
                height,
                blockHash: keccak256([u8::try_from(index).expect("small")]),
                stateRoot: B256::ZERO,
                historyRoot: B256::repeat_byte(3),
                parent: book.tip().1,
                nextSetHash: B256::repeat_byte(4),
            };
            let added = book.add(Anchored {
                fingerprint: anchor.fingerprint(&checkpoint),
                checkpoint,
                block: ledger_checkpoint::numbers::Point {
                    number: BlockNumber::new(5),
                    hash: B256::ZERO,
                },
                standing,
            });
            added.expect("it follows");
        }
        book
    }

    #[test]
    fn what_is_soft_is_confirmed_and_what_is_mined_is_only_seen() {
        let confirmed = Confirmed::default();
        let changes = confirmed.changes();
        confirmed.publish(Reading::Through, &book(), Seen::default());
        assert!(changes.has_changed().is_ok_and(|is_news| is_news));
        let (good, bad) = (keccak256([1]), B256::repeat_byte(9));
        let spans = confirmed.up_to(100);
        assert_eq!(spans.len(), 1);
        assert_eq!((spans[0].from, spans[0].to, spans[0].hash), (1, 10, good));
        assert_eq!(confirmed.above(9, 5), spans);
        assert_eq!((confirmed.above(10, 5).len(), confirmed.up_to(9).len()), (0, 0));
        assert_eq!(confirmed.contradicted_by(10, good), None);
        let found = confirmed.contradicted_by(10, bad).expect("it is another block");
        assert_eq!((found.index, found.anchored, found.got), (1, good, bad));
        for number in [9, 11, 25] {
            assert_eq!(confirmed.contradicted_by(number, bad), None, "{number}");
        }
        assert_eq!(confirmed.named(4, bad, good).height, 10);
    }

    fn held(confirmed: &Confirmed) -> Vec<u64> {
        confirmed.up_to(u64::MAX).iter().map(|span| span.index).collect()
    }

    const ORDER: RecoveryOrder = RecoveryOrder {
        epoch: 1,
        checkpoint: 1,
    };

    const TWO: [(u64, u64, Standing); 2] = [(10, 0, Standing::Soft), (25, 0, Standing::Soft)];

    #[test]
    fn what_the_operator_sets_aside_holds_nothing_until_the_chain_has_recovered() {
        let confirmed = Confirmed::default().recovering_from(Some(1));
        confirmed.publish(Reading::Through, &book_of(&TWO), Seen::default());
        assert_eq!((held(&confirmed), confirmed.recovering()), (vec![1], Some(1)));
        assert_eq!(confirmed.contradicted_by(25, B256::ZERO), None);
        // It is known all the same: what the chain can go back to is asked by index.
        assert_eq!(confirmed.anchored(2).map(|block| block.height), Some(25));
        confirmed.recovered(vec![ORDER]);
        assert_eq!((held(&confirmed), confirmed.recovering()), (vec![1], None));
        let of_old_and_new = [TWO[0], TWO[1], (40, 0, Standing::Soft), (60, 1, Standing::Soft)];
        confirmed.publish(Reading::Through, &book_of(&of_old_and_new), Seen::default());
        assert_eq!(held(&confirmed), [4]);
        let span = confirmed.newest().expect("there is one");
        assert_eq!((span.from, span.to), (41, 60));
    }

    #[test]
    fn a_chain_that_recovered_is_held_to_nothing_that_it_left_behind() {
        let confirmed = Confirmed::default();
        confirmed.publish(Reading::Through, &book_of(&TWO), Seen::default());
        assert_eq!(held(&confirmed), [1, 2]);
        let changes = confirmed.changes();
        confirmed.recovered(vec![ORDER]);
        assert_eq!(held(&confirmed), [1]);
        assert!(changes.has_changed().is_ok_and(|is_news| is_news));
    }

    #[test]
    fn a_checkpoint_of_a_later_epoch_stands_for_all_before_it_once_it_is_believed() {
        let confirmed = Confirmed::default();
        let mined = [TWO[0], TWO[1], (40, 1, Standing::Mined)];
        confirmed.publish(Reading::Through, &book_of(&mined), Seen::default());
        assert_eq!(held(&confirmed), [1, 2]);
        let soft = [TWO[0], TWO[1], (40, 1, Standing::Soft)];
        confirmed.publish(Reading::Through, &book_of(&soft), Seen::default());
        assert_eq!(held(&confirmed), [3]);
        assert_eq!(confirmed.all_anchored().len(), 3);
    }

    #[test]
    fn what_is_read_back_is_in_the_book_of_what_is_signed() {
        let (confirmed, read) = (Confirmed::default(), book());
        confirmed.publish(Reading::Through, &read, Seen::default());
        let entries = read.entries().iter();
        let states: Vec<_> = entries
            .map(|(index, entry)| {
                let place = (index.get(), entry.fingerprint);
                confirmed.book().progress(&read.place().anchor, place, true).state
            })
            .collect();
        assert_eq!(states, [CheckpointState::Soft, CheckpointState::Mined]);
    }

    #[test]
    fn the_first_contradiction_stays_and_the_same_news_is_none() {
        let confirmed = Confirmed::default();
        confirmed.publish(Reading::Through, &book(), Seen::default());
        let changes = confirmed.changes();
        confirmed.publish(Reading::Through, &book(), Seen::default());
        assert!(changes.has_changed().is_ok_and(|is_news| !is_news));
        let first = confirmed.named(10, B256::repeat_byte(9), keccak256([1]));
        confirmed.halt(first);
        confirmed.halt(confirmed.named(3, B256::ZERO, B256::ZERO));
        assert_eq!(confirmed.contradiction(), Some(first));
    }
}
