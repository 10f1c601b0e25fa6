//! Which state does a recovery block have, and may this block be one (R16)?
//!
//! The state of a checkpoint's block, over which lie, as they are on the newest state, the contract Bootstrap (who runs the chain, and
//! what was voted) and the contracts that the fork's own calls write, and the nonces of whoever signs transactions. It is an empty block
//! otherwise. Whether the mainchain has that checkpoint is not known here.

use std::{collections::BTreeSet, sync::Arc};

use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS, eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
};
use alloy_primitives::{Address, B256, keccak256};
use ledger_chainspec::{
    BlockHash, BlockNumber, FinalityCertificate, RecoveryOrder, RecoveryPoint, Slot, predeploys::BOOTSTRAP,
};
use parking_lot::Mutex;
use thiserror::Error;

use crate::{
    Executed, Head, ProduceError, Runtime,
    block::BlockError,
    produce,
    state::{Rollback, StateCommitment, StateDiff, StateError, StateView},
    store::{Store, StoreError},
};

/// Accounts that a recovery leaves as they are.
pub const ACCOUNTS_KEPT: [Address; 5] = [
    BOOTSTRAP,
    HISTORY_STORAGE_ADDRESS,
    BEACON_ROOTS_ADDRESS,
    WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
];

/// Why a block cannot be the recovery block.
#[derive(Debug, Error)]
pub enum RecoveryError {
    /// The head ordered something else, or nothing.
    #[error("the block recovers {got:?}, but its parent ordered {ordered:?}")]
    Order {
        /// What the block says.
        got: Option<RecoveryOrder>,
        /// What the parent ordered.
        ordered: Option<RecoveryOrder>,
    },
    /// It goes back to no earlier block.
    #[error("the recovery goes back to block {height}, but only blocks before {head} come before its parent")]
    Height {
        /// Where it goes back to.
        height: BlockNumber,
        /// Its parent.
        head: BlockNumber,
    },
    /// It goes back to a block whose effects are gone already, and with them what the indexes said of it.
    #[error("the recovery goes back to block {height}, which the recovery in block {by} left behind")]
    LeftBehind {
        /// Where it goes back to.
        height: BlockNumber,
        /// The recovery block that left it behind.
        by: BlockNumber,
    },
    /// It holds transactions.
    #[error("a recovery block holds no transactions, and this one has {got}")]
    Transactions {
        /// How many.
        got: usize,
    },
    /// The block that it goes back to has another state root.
    #[error("the recovery names the state root {got}, but block {height} has {expected}")]
    StateRoot {
        /// Where it goes back to.
        height: BlockNumber,
        /// The root that it names.
        got: B256,
        /// The root in that block's header.
        expected: B256,
    },
    /// This node does not have the state to go back to any more.
    #[error(
        "the chain goes back to the state of block {height} here, and the oldest state that this node keeps is that of block {oldest}: \
         move the data folder away, all but its folder `guard`, and start again, so that the state of a later block is taken from peers; \
         or execute the chain with --archive or with --mainchain, which keep such states"
    )]
    NotKept {
        /// Where it goes back to.
        height: BlockNumber,
        /// The oldest state that is readable.
        oldest: BlockNumber,
    },
    /// The database failed, or the way back does not lead there.
    #[error(transparent)]
    State(#[from] StateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RecoveryError {
    /// Whether the block is at fault, rather than this node.
    #[must_use]
    pub const fn blames_block(&self) -> bool {
        match self {
            Self::Order { .. }
            | Self::Height { .. }
            | Self::LeftBehind { .. }
            | Self::Transactions { .. }
            | Self::StateRoot { .. } => true,
            Self::NotKept { .. } | Self::State(_) | Self::Store(_) => false,
        }
    }
}

/// A recovery block under way.
#[derive(Clone, Debug)]
pub(crate) struct Recovering {
    pub(crate) point: RecoveryPoint,
    rollback: Arc<Rollback>,
}

impl Recovering {
    /// The state of the block, whose own calls changed `diff` on `head`.
    pub(crate) fn commit(&self, head: &StateView, diff: &StateDiff) -> Result<StateCommitment, StateError> {
        let kept: BTreeSet<_> = ACCOUNTS_KEPT.iter().map(keccak256).collect();
        self.rollback.commit(head, diff, &kept)
    }
}

/// The way back that was found last: finding it looks at the whole state, and a block may take several tries.
#[derive(Debug, Default)]
pub(crate) struct Ways(Mutex<Option<(BlockHash, Arc<Rollback>)>>);

impl Ways {
    /// What the block after `head` needs to recover to the block at `height`, as `head` ordered.
    pub(crate) fn recovering(
        &self,
        store: &Arc<Store>,
        (head, view): (&Head, &StateView),
        height: BlockNumber,
    ) -> Result<Recovering, RecoveryError> {
        let order = head.recovery.ok_or(RecoveryError::Order {
            got: None,
            ordered: None,
        })?;
        if height >= head.number() {
            let head = head.number();
            return Err(RecoveryError::Height { height, head });
        }
        if let Some(left) = store.left_by(height) {
            let by = left.number;
            return Err(RecoveryError::LeftBehind { height, by });
        }
        let past = store.state_at(height).map_err(|error| match error {
            StateError::OutsideWindow { oldest, .. } => RecoveryError::NotKept { height, oldest },
            error => error.into(),
        })?;
        let mut found = self.0.lock();
        let known = found
            .as_ref()
            .filter(|(hash, way)| *hash == head.hash() && way.to() == height);
        let rollback = match known {
            Some((_, way)) => Arc::clone(way),
            None => {
                let way = Arc::new(Rollback::of(view, &past)?);
                tracing::info!(
                    target: "ledger::runtime", checkpoint = order.checkpoint, %height, root = %past.root()?, accounts = way.accounts(),
                    "the way back to the checkpoint's state is found, and leads to its root"
                );
                *found = Some((head.hash(), Arc::clone(&way)));
                way
            }
        };
        Ok(Recovering {
            point: RecoveryPoint {
                order,
                height,
                state_root: past.root()?,
            },
            rollback,
        })
    }
}

impl Runtime {
    /// Makes the recovery block that the head ordered, back to the state of the block at `height` (R16). Writes nothing, as
    /// [`Self::produce`].
    ///
    /// # Errors
    /// [`ProduceError`] if nothing was ordered, the state is not kept here, or slot or certificate do not follow the head.
    pub fn produce_recovery(
        &self,
        slot: Slot,
        parent_certificate: Option<FinalityCertificate>,
        height: BlockNumber,
    ) -> Result<Executed, ProduceError> {
        let (head, view) = self.head_and_state().map_err(BlockError::from)?;
        let recovering = self.ways.recovering(&self.store, (&head, &view), height)?;
        produce::produce_recovery(
            &self.executor,
            &self.spec,
            (&head, view),
            (slot, parent_certificate),
            recovering,
        )
    }
}
