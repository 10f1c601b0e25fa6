//! May the chain go back to this checkpoint, and does this node vote for the block that says so (R16)?
//!
//! What a recovery goes back to stands on the mainchain, which consensus and execution do not know. So the node answers two questions:
//! which block of its own chain a checkpoint is, if the mainchain has confirmed exactly that block; and whether a block that orders or
//! carries out a recovery names such a checkpoint. A block that names another one is not voted for, so that no vote of a majority can
//! bring the chain to where nobody can follow. Also which states are kept, so that there is something to go back to.

use std::sync::Arc;

use ledger_chainspec::{BlockNumber, RecoveryOrder, RecoveryPoint, Transaction, predeploys::BOOTSTRAP};
use ledger_contracts::Bootstrap;
use ledger_runtime::{Executed, Runtime};
use tracing::warn;

use crate::{anchor::Confirmed, checkpoints::chain::asked};

/// Blocks before the newest one whose states are kept at most so that the chain can go back there: beyond, it is left to
/// `--archive`. Bounds what a mainchain that confirms nothing any more costs on disk.
pub const STATES_KEPT_MAX: u64 = 1 << 17;

/// The recoveries of the chain so far, as far as this node knows: those in the blocks that it has, and the last of all, of which the
/// contract Bootstrap tells.
#[must_use]
pub fn orders(runtime: &Runtime) -> Vec<RecoveryOrder> {
    let recoveries = runtime.store().recoveries();
    let mut orders: Vec<_> = recoveries.iter().map(|one| one.point.order).collect();
    let head = runtime.head();
    // What the head ordered has not happened yet.
    if head.recovery.is_some() {
        return orders;
    }
    match asked(runtime, head.number(), &Bootstrap::recoveryCall {}) {
        Ok(last) if last.epoch > 0 && orders.iter().all(|order| order.epoch != last.epoch) => {
            orders.push(RecoveryOrder {
                epoch: last.epoch,
                checkpoint: last.checkpointNumber,
            });
        }
        Ok(_) => {}
        Err(error) => warn!(target: "ledger::anchor", %error, "it is not known whether the chain has recovered"),
    }
    orders
}

/// Why a block is executed and not voted for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// It has a transaction that is none to Bootstrap, while this node waits for a recovery.
    #[error(
        "it holds other transactions than calls to Bootstrap, and this node waits for the recovery to checkpoint {0} (--recover-from)"
    )]
    NotGovernance(u64),
    /// It orders a recovery that this node cannot vouch for.
    #[error("it orders a recovery to checkpoint {checkpoint}, and {reason}")]
    Order {
        /// The checkpoint.
        checkpoint: u64,
        /// Why not.
        reason: NoTarget,
    },
    /// It carries out a recovery that this node cannot vouch for.
    #[error("it recovers to checkpoint {checkpoint} at block {height}, and {reason}")]
    Recovery {
        /// The checkpoint.
        checkpoint: u64,
        /// The block that it names for it.
        height: BlockNumber,
        /// Why not.
        reason: NoTarget,
    },
    /// It goes back to another block than that of the checkpoint.
    #[error(
        "it recovers to block {got} as checkpoint {checkpoint}, which is block {expected} according to the mainchain"
    )]
    OtherBlock {
        /// The checkpoint.
        checkpoint: u64,
        /// The block that it names for it.
        got: BlockNumber,
        /// The checkpoint's block.
        expected: BlockNumber,
    },
}

/// Why the chain cannot go back to a checkpoint, as far as this node knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// The mainchain has not confirmed it, or is not read.
    #[error("this node does not know of it as confirmed on the mainchain (--mainchain)")]
    Unknown,
    /// Its block is not of this chain.
    #[error("its block {height} is another one in this chain: name an earlier checkpoint")]
    OtherHistory {
        /// The block's number.
        height: BlockNumber,
    },
    /// The operator has named another one.
    #[error("this node was started to recover to checkpoint {0} (--recover-from)")]
    OtherWanted(u64),
    /// An earlier recovery left its block behind.
    #[error(
        "its block {height} was left behind by the recovery in block {by}: name an earlier checkpoint, or a later one"
    )]
    LeftBehind {
        /// The block's number.
        height: BlockNumber,
        /// The recovery block that left it behind.
        by: BlockNumber,
    },
    /// The state is not kept here.
    #[error("the state of its block {height} is not kept here: the oldest is that of block {oldest}")]
    NotKept {
        /// The block's number.
        height: BlockNumber,
        /// The oldest state.
        oldest: BlockNumber,
    },
    /// The database failed.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
}

/// What the node knows of checkpoints that the chain could go back to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Targets {
    runtime: Arc<Runtime>,
    confirmed: Arc<Confirmed>,
}

impl Targets {
    /// Of this chain, and what is confirmed of it.
    #[must_use]
    pub const fn new(runtime: Arc<Runtime>, confirmed: Arc<Confirmed>) -> Self {
        Self { runtime, confirmed }
    }

    /// The block of this chain that the checkpoint `index` anchors, whose state the chain can go back to.
    ///
    /// # Errors
    /// [`NoTarget`] says why there is none.
    pub fn find(&self, index: u64) -> Result<BlockNumber, NoTarget> {
        if let Some(wanted) = self.confirmed.recovering().filter(|wanted| *wanted != index) {
            return Err(NoTarget::OtherWanted(wanted));
        }
        let anchored = self.confirmed.anchored(index).ok_or(NoTarget::Unknown)?;
        let (store, height) = (self.runtime.store(), BlockNumber::new(anchored.height));
        let header = match height < store.oldest_block() {
            true => None,
            false => store
                .header(height)
                .map_err(|error| NoTarget::Unreadable(error.to_string()))?,
        };
        if header.is_none_or(|header| header.hash.get() != anchored.hash) {
            return Err(NoTarget::OtherHistory { height });
        }
        if let Some(by) = store.left_by(height) {
            let by = by.number;
            return Err(NoTarget::LeftBehind { height, by });
        }
        let oldest = store.oldest_state();
        if height < oldest {
            return Err(NoTarget::NotKept { height, oldest });
        }
        Ok(height)
    }

    /// Whether a transaction may stand in a block that this node makes, and be promised a place in one.
    #[must_use]
    pub fn may_propose(&self, transaction: &Transaction) -> bool {
        let is_open = self.confirmed.recovering().is_none() && self.confirmed.contradiction().is_none();
        is_open || is_governance(transaction)
    }

    /// Whether this node votes for a block that is right otherwise; of a recovery block, [`Self::judge_point`] has the rest.
    ///
    /// # Errors
    /// [`Withheld`] says why not.
    pub fn judge(&self, executed: &Executed) -> Result<(), Withheld> {
        if let Some(wanted) = self.confirmed.recovering()
            && !executed.transactions().iter().all(|one| is_governance(one.inner()))
        {
            return Err(Withheld::NotGovernance(wanted));
        }
        let Some(RecoveryOrder { checkpoint, .. }) = executed.orders() else {
            return Ok(());
        };
        let found = self.find(checkpoint);
        found.map_err(|reason| Withheld::Order { checkpoint, reason })?;
        Ok(())
    }

    /// Whether this node votes for a block that goes back to `point`. Asked before the block is executed: the way to another block than
    /// the checkpoint's costs a look at the whole state, and whether it is found may depend on what this node keeps.
    ///
    /// # Errors
    /// [`Withheld`] says why not.
    pub fn judge_point(&self, point: RecoveryPoint) -> Result<(), Withheld> {
        let RecoveryPoint { order, height, .. } = point;
        let checkpoint = order.checkpoint;
        match self.find(checkpoint) {
            Ok(expected) if expected == height => Ok(()),
            Ok(expected) => Err(Withheld::OtherBlock {
                checkpoint,
                got: height,
                expected,
            }),
            Err(reason) => Err(Withheld::Recovery {
                checkpoint,
                height,
                reason,
            }),
        }
    }

    /// Has the state kept that the chain would go back to: that of the newest confirmed checkpoint of this chain. A node that is on
    /// its way through what the mainchain knows as left behind keeps more, because the recovery ahead goes back to any of them.
    pub fn keep_states(&self) {
        let head = self.runtime.head().number();
        let all = self.confirmed.all_anchored();
        let newest_epoch = all.first().map_or(0, |newest| newest.epoch);
        let wanted = self.confirmed.recovering();
        let own = |height: u64| {
            let height = BlockNumber::new(height);
            let store = self.runtime.store();
            let is_here = height <= head && height >= store.oldest_block() && store.left_by(height).is_none();
            is_here.then(|| store.block_hash(height).ok().flatten())?
        };
        let mut here = all
            .iter()
            .filter(|block| wanted.is_none_or(|wanted| block.index <= wanted))
            .filter(|block| own(block.height).is_some_and(|hash| hash.get() == block.hash));
        let newest = here.next();
        let kept = match newest.filter(|newest| newest.epoch < newest_epoch) {
            Some(_) => here.next_back().or(newest),
            None => newest,
        };
        let floor = head.get().saturating_sub(STATES_KEPT_MAX);
        let kept = kept.map(|block| BlockNumber::new(block.height.max(floor)));
        self.runtime.store().keep_states_from(kept);
    }
}

/// Whether it is a call to Bootstrap.
fn is_governance(transaction: &Transaction) -> bool {
    alloy_consensus::Transaction::to(transaction) == Some(BOOTSTRAP)
}
