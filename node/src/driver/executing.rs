//! Blocks that are built or executed again on blocking threads, and what is kept of them until their height is decided.
//!
//! Called by the driver alone, which hands the outcome to the engine.

use std::sync::Arc;

use ledger_chainspec::{Block, Slot, UnixMillis, digest_of};
use ledger_consensus::{BuildOutcome, BuildRequest, Input, ValidationOutcome};
use ledger_runtime::{Executed, Head};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    BUILD_GRACE_PARTS, Driver, DriverError, EXECUTED_MAX,
    ahead::{self, Ahead, BegunAhead, Claim, End, NewestFinal, Purpose},
    now,
    pace::SlotTimes,
    work::{self, BuildBounds, BuildParts, Built, Done, Verdict},
};
use crate::telemetry::metering;

impl Driver {
    /// Gas after which the block of `slot` takes no more transactions, and a word to the metrics.
    fn gas_target(&mut self, slot: Slot) -> u64 {
        let target = self.pace.gas_target(slot);
        metrics::gauge!(metering::GAS_TARGET).set(work::as_f64(target));
        target
    }

    /// The engine's request: what was built ahead answers it, or a build that begins now.
    pub(super) fn start_build(&mut self, request: BuildRequest) {
        let purpose = Purpose::of(&request);
        let ahead = self.ahead.take();
        self.begun_ahead = None;
        let begun = ahead.as_ref().map(|ahead| BegunAhead {
            slot: purpose.slot,
            at: ahead.began(),
            is_full: false,
        });
        match ahead.map_or(Claim::Nothing, |ahead| ahead.claim(purpose)) {
            Claim::Nothing => {
                let build = self.prepare_build(request, self.shutdown.clone());
                self.work.spawn_blocking(move || build().map(Done::Built));
            }
            Claim::Built(built) => {
                self.begun_ahead = begun;
                self.work.spawn(async move { Ok(Done::Built(built)) });
            }
            Claim::UnderWay(ahead) => {
                self.begun_ahead = begun;
                self.ahead = Some(ahead);
            }
        }
    }

    /// Begins the block of the next slot, if that is ours and so many transactions wait that they fill it, if they are like those of the
    /// block that has just become final.
    pub(super) fn build_ahead(&mut self) {
        let Some(NewestFinal { transactions, gas }) = self.newest_final.take() else {
            return;
        };
        let Some(request) = self.engine.next_build().filter(|_| !self.is_contradicted) else {
            return;
        };
        let pending = self.parts.pool.counts().pending as u64;
        let expected_gas = pending.saturating_mul(gas).checked_div(transactions).unwrap_or(0);
        let most = u64::from(self.parts.runtime.spec().limits.transactions_per_slot);
        if pending < most && expected_gas < self.gas_target(request.slot) {
            return;
        }
        let (purpose, cancel) = (Purpose::of(&request), self.shutdown.child_token());
        let build = self.prepare_build(request, cancel.clone());
        self.work
            .spawn_blocking(move || build().map(|built| Done::Ahead(purpose, built)));
        self.ahead = Some(Ahead::begin(purpose, now(), cancel));
    }

    fn prepare_build(
        &mut self,
        request: BuildRequest,
        cancel: CancellationToken,
    ) -> impl FnOnce() -> Result<Built, DriverError> + Send + 'static {
        let grace_ms = self.parts.runtime.spec().consensus.slot_duration_ms / BUILD_GRACE_PARTS;
        let bounds = BuildBounds {
            gas: self.gas_target(request.slot),
            late: UnixMillis::new(request.deadline.get().saturating_add(grace_ms)),
        };
        let parts = BuildParts {
            runtime: Arc::clone(&self.parts.runtime),
            pool: Arc::clone(&self.parts.pool),
            endorsements: Arc::clone(&self.parts.endorsements),
            targets: self.targets.clone(),
            cancel,
        };
        move || work::build(&parts, request, bounds)
    }

    /// What became of the block that is the head now, for those that come after it.
    pub(super) fn learn_pace(&mut self, head: &Head) {
        let schedule = &self.schedule;
        let (slot, next) = (head.slot, head.slot.next().unwrap_or(head.slot));
        let begun_ahead = self.begun_ahead.filter(|begun| begun.slot == slot);
        let times = SlotTimes {
            start: begun_ahead.map_or(schedule.start_of(slot), |begun| begun.at),
            is_full_ahead: begun_ahead.is_some_and(|begun| begun.is_full),
            // A validator that is alone waits for nobody. Where blocks are begun ahead, a later end gains no time, and room is left
            // for one that takes longer.
            early: match head.signers.len() {
                1 if begun_ahead.is_none() => schedule.precommit_deadline(slot),
                _ => schedule.lock_shown_at(slot),
            },
            end: schedule.start_of(next),
        };
        self.pace.decided(slot, head.header.header.gas_used, times, now());
        self.gas_target(self.schedule.slot_at(now()));
    }

    pub(super) fn start_validation(&mut self, block: Arc<Block>) {
        let runtime = Arc::clone(&self.parts.runtime);
        if let Ok(digest) = digest_of(&block.header) {
            self.pace
                .proposed(digest.slot, block.header.gas_used, Some(block.hash()));
        }
        let recent = self.talk.as_ref().and_then(|talk| talk.recent.get(&block.hash()));
        let senders = recent.map(|recent| recent.senders).unwrap_or_default();
        let targets = self.targets.clone();
        self.work
            .spawn_blocking(move || work::validate(&runtime, &targets, &block, &senders));
    }

    pub(super) async fn on_done(&mut self, done: Result<Done, DriverError>) -> Result<(), DriverError> {
        let input = match done? {
            Done::Built(built) => return self.on_built(built).await,
            Done::Ahead(purpose, built) => {
                let is_full = built.report.is_full;
                return match ahead::ended(&mut self.ahead, purpose, built, is_full) {
                    End::Answer(built) => self.on_built(built).await,
                    End::Silent => Ok(()),
                };
            }
            Done::Validated { hash, verdict } => match verdict {
                Verdict::Valid(executed) => {
                    self.keep(*executed);
                    let outcome = ValidationOutcome::Valid;
                    Input::Validated { hash, outcome }
                }
                Verdict::Withheld(executed) => {
                    executed.into_iter().for_each(|executed| self.keep(*executed));
                    let outcome = ValidationOutcome::Withheld;
                    Input::Validated { hash, outcome }
                }
                // Of a height that the batch under way decides: the engine must not take it for the block's fault before it
                // has heard of the new head.
                Verdict::Outrun if !self.catching_up.is_idle() => {
                    self.catching_up.outrun = Some(hash);
                    return Ok(());
                }
                Verdict::Outrun | Verdict::Invalid => {
                    self.pace.wrong(&hash);
                    let outcome = ValidationOutcome::Invalid;
                    Input::Validated { hash, outcome }
                }
            },
            Done::Batch(outcome) => return self.on_batch(outcome).await,
        };
        self.feed(input).await
    }

    async fn on_built(&mut self, built: Built) -> Result<(), DriverError> {
        let Built { slot, executed, report } = built;
        let Some(executed) = executed else {
            let outcome = BuildOutcome::Nothing;
            self.feed(Input::Built { slot, outcome }).await?;
            // The engine asks for no other block until it hears of the pool again: at the pool's next change, or now, if
            // not all that waits has been tried.
            self.told_has_work = false;
            self.parts.pool.want_news();
            let untried = report.cut_short || self.parts.pool.arrivals() != report.arrivals;
            return if untried { self.tell_pool().await } else { Ok(()) };
        };
        if let Some(begun) = self.begun_ahead.as_mut().filter(|begun| begun.slot == slot) {
            begun.is_full = report.is_full;
            metrics::counter!(metering::BUILT_AHEAD).increment(1);
        }
        let gas = executed.header().gas_used;
        if report.late {
            self.on_late(slot, &executed);
        } else if executed.header().parent_hash == self.parts.runtime.head().hash().get() {
            self.pace.proposed(slot, gas, None);
        }
        let outcome = BuildOutcome::Block(Box::new(executed.block()));
        self.keep(*executed);
        self.feed(Input::Built { slot, outcome }).await
    }

    fn on_late(&mut self, slot: Slot, executed: &Executed) {
        let transactions = executed.transactions();
        warn!(target: "ledger::driver", %slot, transactions = transactions.len(), "block built too late for its slot");
        let alone = match transactions {
            [only] => Some(*only.tx_hash()),
            _ => None,
        };
        if let Some(slow) = self.pace.late(alone) {
            self.parts.pool.drop_slow(&slow);
        }
    }

    fn keep(&mut self, executed: Executed) {
        let hash = executed.hash();
        self.executed.retain(|known| known.hash() != hash);
        self.executed.push_back(executed);
        if self.executed.len() > EXECUTED_MAX {
            self.executed.pop_front();
        }
    }

    /// What is known of executing `block`, and nothing else any more: its height is decided.
    pub(super) fn take_executed(&mut self, block: &Block) -> Option<Executed> {
        let hash = block.hash();
        // What was built here was kept before the engine sealed it.
        let seal = digest_of(&block.header).ok().and_then(|digest| digest.seal);
        std::mem::take(&mut self.executed)
            .into_iter()
            .map(|executed| match (executed.digest().seal, seal) {
                (None, Some(seal)) => executed.sealed(seal),
                _ => executed,
            })
            .find(|executed| executed.hash() == hash)
    }
}
