//! What the mainchain has confirmed, and what follows from it (R15).
//!
//! The engine hears of the next confirmed checkpoints above the head, and of every one that speaks against what is final here. When it
//! halts by one, the driver stays, so that JSON-RPC and metrics can say why; it makes and adopts nothing any more.

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, BlockNumber};
use ledger_consensus::Input;
use tracing::error;

use super::{Driver, DriverError};
use crate::anchor::{Span, tell_contradiction};

/// Confirmed checkpoints above the head that the engine is told of: it decides one height at a time.
const TOLD_AHEAD: usize = 2;

impl Driver {
    /// Something else is confirmed now, or this is the start. No batch is under way, so that what is here is what the engine knows.
    pub(super) async fn on_confirmed(&mut self) -> Result<(), DriverError> {
        self.targets.keep_states();
        if self.is_contradicted {
            return Ok(());
        }
        if let Some(input) = self.contradicted()? {
            return self.feed(input).await;
        }
        for input in self.next_checkpoints() {
            self.feed(input).await?;
        }
        Ok(())
    }

    /// The first block that is final here, and another one according to the mainchain.
    fn contradicted(&self) -> Result<Option<Input>, DriverError> {
        let head = self.parts.runtime.head().number();
        let confirmed = &self.parts.confirmed;
        let spans = confirmed.up_to(head.get()).into_iter().map(|span| (span.to, span.hash));
        for (number, anchored) in spans.chain(confirmed.proven()) {
            let local = self.local(BlockNumber::new(number))?;
            if local.is_some_and(|local| local.get() != anchored) {
                return Ok(Some(Input::Checkpoint {
                    number: BlockNumber::new(number),
                    confirmed: BlockHash::new(anchored),
                    local,
                }));
            }
        }
        Ok(None)
    }

    /// The block that is final here at this height; none if there is none, or if it is from before the state that this node began with.
    fn local(&self, number: BlockNumber) -> Result<Option<BlockHash>, DriverError> {
        let store = self.parts.runtime.store();
        if number < store.oldest_block() {
            return Ok(None);
        }
        store
            .block_hash(number)
            .map_err(|error| DriverError::Execution(error.to_string()))
    }

    /// What the engine has to know of the heights above the head.
    pub(super) fn next_checkpoints(&self) -> Vec<Input> {
        let head = self.parts.runtime.head().number();
        let above = self.parts.confirmed.above(head.get(), TOLD_AHEAD).into_iter();
        let input = |span: Span| Input::Checkpoint {
            number: BlockNumber::new(span.to),
            confirmed: BlockHash::new(span.hash),
            local: None,
        };
        above.map(input).collect()
    }

    /// The engine met a contradiction. If it is with what is final here, it has halted.
    pub(super) fn on_contradiction(&mut self, number: BlockNumber, local: BlockHash, anchored: BlockHash) {
        let (got, anchored): (B256, B256) = (local.get(), anchored.get());
        let contradiction = self.parts.confirmed.named(number.get(), got, anchored);
        if number > self.parts.runtime.head().number() {
            error!(
                target: "ledger::consensus", %contradiction,
                "validators made a block final that contradicts the mainchain: it is not adopted"
            );
            return self.parts.confirmed.refuse(contradiction);
        }
        self.is_contradicted = true;
        self.parts.confirmed.halt(contradiction);
        tell_contradiction();
        error!(
            target: "ledger::consensus", %contradiction,
            "what is final here contradicts the mainchain: no block is made or adopted any more, and an operator has to decide"
        );
    }
}
