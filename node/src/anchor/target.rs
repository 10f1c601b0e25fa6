//! Which contract does this chain name, and is a checkpoint due? What the anchor's task asks of the chain.
//!
//! Without a chain yet, as on a first start, the specification says it.

use std::sync::Arc;

use alloy_primitives::Address;
use ledger_chainspec::{BlockNumber, CheckpointParams};
use ledger_contracts::Bootstrap;
use ledger_runtime::Runtime;
use tokio::sync::watch;

use crate::checkpoints::chain::asked;

/// What the chain says of its checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Blocks from one checkpoint to the next.
    pub interval_blocks: u64,
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The contract; zero as long as there is none.
    pub contract: Address,
    /// Blocks upon a checkpoint before it is believed.
    pub confirmations: u64,
}

/// The chain, once it is open.
#[derive(Clone, Debug)]
pub(super) struct ChainSide(watch::Receiver<Option<Arc<Runtime>>>);

impl ChainSide {
    /// The way to tell of the chain, and the side that asks it.
    pub(super) fn channel() -> (watch::Sender<Option<Arc<Runtime>>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the chain is opened; for ever, once that was told.
    pub(super) async fn opened(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn runtime(&self) -> Option<Arc<Runtime>> {
        self.0.borrow().clone()
    }

    /// What is named now; `genesis` while there is no chain.
    ///
    /// # Errors
    /// In words, if the contract cannot be asked.
    pub(super) fn named(&self, genesis: &CheckpointParams) -> Result<Named, String> {
        let Some(runtime) = self.runtime() else {
            return Ok(Named {
                interval_blocks: genesis.interval_blocks,
                mainchain_id: genesis.mainchain_id,
                contract: genesis.contract,
                confirmations: genesis.confirmations.into(),
            });
        };
        // What was ordered to go back to is a checkpoint of the contract that was named until then.
        let head = runtime.head();
        let at = match head.recovery {
            Some(_) => BlockNumber::new(head.number().get().saturating_sub(1)),
            None => head.number(),
        };
        let config = asked(&runtime, at, &Bootstrap::checkpointConfigCall {}).map_err(|error| error.to_string())?;
        Ok(Named {
            interval_blocks: config.intervalBlocks,
            mainchain_id: config.mainchainId,
            contract: config.checkpointContract,
            confirmations: config.confirmations,
        })
    }

    /// The contract that the chain names, if it is open and can be asked.
    pub(super) fn contract(&self) -> Option<Address> {
        let runtime = self.runtime()?;
        let named = self.named(&runtime.spec().checkpoint).ok()?;
        Some(named.contract)
    }

    /// Since when a checkpoint after the one at `height` is due, in milliseconds: since the block that it would anchor was made.
    pub(super) fn due_since_ms(&self, height: u64, interval_blocks: u64) -> Option<u64> {
        let due = height.checked_add(interval_blocks.max(1))?;
        Some(self.made_at(due)?.saturating_mul(1_000))
    }

    /// When a block was made, in seconds, if it is here.
    pub(super) fn made_at(&self, height: u64) -> Option<u64> {
        let runtime = self.runtime()?;
        let header = runtime.store().header(BlockNumber::new(height)).ok().flatten()?;
        Some(header.header.timestamp)
    }
}
