//! How are blocks imported that were final before this node heard of them?
//!
//! The sync hands over batches of certified blocks; the driver, which alone commits, checks and executes them one after the other on a
//! blocking thread, while the engine goes on, and then tells it of the new head. A block that the engine itself wants committed meanwhile waits:
//! it is in the batch, or its turn comes afterwards.

use std::{sync::Arc, time::Instant};

use ledger_chainspec::{Block, BlockHash, FinalityCertificate};
use ledger_consensus::{Alarm, CertifiedError, ChainParams, Input, ValidationOutcome, check_certified};
use ledger_runtime::{Head, IncomingBlock, Runtime};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{
    Driver, DriverError, start,
    work::{Done, record},
};
use crate::{
    anchor::Confirmed,
    sync::{Batch, Imported},
    txpool::TxPool,
};

/// Blocks whose senders are recovered ahead of the one that is executed.
const ANNOUNCED_MAX: usize = 2;

/// Where catching up stands.
#[derive(Debug, Default)]
pub(super) struct CatchingUp {
    is_importing: bool,
    /// What the engine wants committed meanwhile.
    pub(super) deferred: Option<(Arc<Block>, FinalityCertificate)>,
    /// A block that was executed again in vain meanwhile, of which the engine hears afterwards: it asks for one at a time.
    pub(super) outrun: Option<BlockHash>,
}

impl CatchingUp {
    /// Is no batch under way?
    pub(super) const fn is_idle(&self) -> bool {
        !self.is_importing
    }
}

/// What came of a batch.
#[derive(Debug)]
pub(super) struct BatchOutcome {
    /// The last block of it that was committed.
    head: Option<Arc<Head>>,
    imported: Imported,
    answer: oneshot::Sender<Imported>,
}

impl Driver {
    pub(super) fn start_batch(&mut self, batch: Batch) {
        self.catching_up.is_importing = true;
        self.targets.keep_states();
        let (runtime, pool) = (Arc::clone(&self.parts.runtime), Arc::clone(&self.parts.pool));
        let (params, shutdown) = (self.params, self.shutdown.clone());
        let confirmed = Arc::clone(&self.parts.confirmed);
        self.work.spawn_blocking(move || {
            let rules = Rules {
                params: &params,
                confirmed: &confirmed,
                shutdown: &shutdown,
            };
            import(&runtime, &pool, &rules, batch).map(Done::Batch)
        });
    }

    /// A batch has ended: the engine hears of the head, and gets what it waited for.
    pub(super) async fn on_batch(&mut self, outcome: BatchOutcome) -> Result<(), DriverError> {
        let BatchOutcome { head, imported, answer } = outcome;
        self.catching_up.is_importing = false;
        if let Some(head) = head {
            // What was executed for the open height before stands on another head now.
            self.executed.clear();
            self.parts.endorsements.follow(&head, &[], &self.parts.pool);
            for input in self.on_head(&head) {
                self.feed(input).await?;
            }
        }
        if let Some(hash) = self.catching_up.outrun.take() {
            let outcome = ValidationOutcome::Invalid;
            self.feed(Input::Validated { hash, outcome }).await?;
        }
        // An error means that the sync has ended.
        let _ = answer.send(imported);
        let open = self.parts.runtime.head().number().next();
        match self.catching_up.deferred.take() {
            Some((block, certificate)) if open == Some(block.number()) => {
                for input in Box::pin(self.finalize(block, certificate)).await? {
                    self.feed(input).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What blocks of a batch are held against.
struct Rules<'a> {
    params: &'a ChainParams,
    confirmed: &'a Confirmed,
    shutdown: &'a CancellationToken,
}

impl Rules<'_> {
    /// Whether the block may follow the head.
    fn check(&self, parent: &Head, block: &Arc<Block>, certificate: &FinalityCertificate) -> Result<bool, DriverError> {
        let number = block.number();
        if let Some(contradiction) = self.confirmed.contradicted_by(number.get(), block.hash().get()) {
            error!(target: "ledger::sync", %contradiction, "a peer sent a block that contradicts the mainchain");
            self.confirmed.refuse(contradiction);
            return Ok(false);
        }
        match check_certified(self.params, &start::final_head(parent), block, certificate) {
            Ok(()) => Ok(true),
            Err(CertifiedError::Rejection(rejection)) => {
                warn!(target: "ledger::sync", %number, %rejection, "a block that a peer sent is wrong");
                Ok(false)
            }
            Err(error) => Err(DriverError::Commit(error.to_string())),
        }
    }
}

/// Imports the blocks of a batch that follow the head, until one of them is wrong.
fn import(runtime: &Runtime, pool: &TxPool, rules: &Rules<'_>, batch: Batch) -> Result<BatchOutcome, DriverError> {
    let Batch { blocks, answer } = batch;
    let started = Instant::now();
    let mut imported = Imported::default();
    let mut head = None;
    let mut ahead = blocks.into_iter().map(|(block, certificate)| {
        let incoming = IncomingBlock::announce((*block).clone());
        (block, certificate, incoming)
    });
    let mut announced: std::collections::VecDeque<_> = ahead.by_ref().take(ANNOUNCED_MAX).collect();
    while let Some((block, certificate, incoming)) = announced.pop_front() {
        announced.extend(ahead.next());
        let parent = runtime.head();
        if rules.shutdown.is_cancelled() {
            break;
        }
        if block.number() <= parent.number() {
            continue;
        }
        if !rules.check(&parent, &block, &certificate)? {
            imported.wrong = Some(block.number());
            break;
        }
        let executed = runtime.import(incoming).map_err(|error| match error.blames_block() {
            // A quorum signed for it, so that this is no peer's fault.
            true => DriverError::Halted(Box::new(Alarm::CertifiedBlockInvalid {
                number: block.number(),
                hash: block.hash(),
            })),
            false => DriverError::Execution(error.to_string()),
        })?;
        let (slot, votes) = (executed.digest().slot, certificate.signatures.len());
        let transactions = executed.transactions().to_vec();
        let committed = runtime
            .commit_unsynced(executed, certificate)
            .map_err(|error| DriverError::Commit(error.to_string()))?;
        record(&committed, &block, slot, votes);
        pool.block_committed(&transactions);
        imported.blocks += 1;
        imported.transactions += transactions.len();
        head = Some(committed);
    }
    // What the engine hears of has to be durable.
    runtime.sync().map_err(|error| DriverError::Commit(error.to_string()))?;
    imported.head = head
        .as_ref()
        .map_or_else(|| runtime.head().number(), |head| head.number());
    imported.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(BatchOutcome { head, imported, answer })
}
