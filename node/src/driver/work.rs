//! What the driver does on blocking threads: build a block, execute one again, commit one.
//!
//! Called by the driver alone. Nothing here talks to the engine.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Instant,
};

use alloy_primitives::{Address, B256};
use ledger_chainspec::{Block, BlockHash, FinalityCertificate, RecoveryOrder, Slot, UnixMillis, digest_of};
use ledger_consensus::BuildRequest;
use ledger_runtime::{Executed, Head, IncomingBlock, ProduceInputs, Runtime};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{DriverError, ahead::Purpose, catching_up::BatchOutcome, now};
use crate::{
    endorse::Endorsements,
    recovery::{Targets, Withheld},
    telemetry::metering,
    txpool::TxPool,
};

/// Work that came to an end.
#[derive(Debug)]
pub(super) enum Done {
    /// A build came to an end.
    Built(Built),
    /// A build that was begun before its slot came to an end.
    Ahead(Purpose, Built),
    /// A block was executed again.
    Validated { hash: BlockHash, verdict: Verdict },
    /// A batch of certified blocks was imported, or as much of it as was right.
    Batch(BatchOutcome),
}

/// What came of a build.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) slot: Slot,
    /// The block; none if there was nothing to put into it.
    pub(super) executed: Option<Box<Executed>>,
    pub(super) report: BuildReport,
}

/// What came of executing a block again.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It does what it says.
    Valid(Box<Executed>),
    /// It does, and this node does not vote for it all the same (R16).
    Withheld(Option<Box<Executed>>),
    /// It does not.
    Invalid,
    /// The head moved on meanwhile, so that nothing is known of it.
    Outrun,
}

/// What a block is built with.
#[derive(Debug)]
pub(super) struct BuildParts {
    pub(super) runtime: Arc<Runtime>,
    pub(super) pool: Arc<TxPool>,
    pub(super) endorsements: Arc<Endorsements>,
    pub(super) targets: Targets,
    /// Ends the build: nobody wants it any more, or the node stops.
    pub(super) cancel: CancellationToken,
}

/// What bounds a build, beside the chain's own limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuildBounds {
    /// Gas after whose use no transaction is begun, the first one excepted.
    pub(super) gas: u64,
    /// From when the block is of no use.
    pub(super) late: UnixMillis,
}

/// How a build went, beside its block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BuildReport {
    /// It ended before every candidate was tried.
    pub(super) cut_short: bool,
    /// It holds as much as it was to hold.
    pub(super) is_full: bool,
    /// It ended too late for its slot.
    pub(super) late: bool,
    /// What had come into the pool when it began.
    pub(super) arrivals: u64,
}

/// Builds a block that the engine asked for or will ask for, until its deadline or until it is cancelled.
pub(super) fn build(parts: &BuildParts, request: BuildRequest, bounds: BuildBounds) -> Result<Built, DriverError> {
    let BuildParts {
        runtime,
        pool,
        endorsements,
        targets,
        cancel,
    } = parts;
    let BuildRequest {
        slot,
        deadline,
        parent,
        parent_certificate,
        heartbeat,
        ..
    } = request;
    // Counted before the candidates are asked for, so that none that comes after them is overlooked.
    let mut report = BuildReport {
        arrivals: pool.arrivals(),
        ..BuildReport::default()
    };
    let has_moved = || runtime.head().hash() != parent.hash;
    if has_moved() {
        return Ok(outrun(slot, report));
    }
    if let Some(order) = runtime.head().recovery {
        return recover(parts, order, (slot, parent_certificate), report);
    }
    let started = Instant::now();
    let under_way = Cell::new(None);
    let candidates = pool.candidates(&endorsements.first()).take_while(|_| {
        report.cut_short = cancel.is_cancelled() || now() >= deadline;
        !report.cut_short
    });
    let candidates = candidates.filter(|candidate| targets.may_propose(candidate.inner()));
    let mut candidates = candidates.inspect(|candidate| under_way.set(Some(*candidate.tx_hash())));
    let inputs = ProduceInputs {
        slot,
        parent_certificate,
        gas_target: bounds.gas,
        may_recover: &|checkpoint| targets.find(checkpoint).is_ok(),
        candidates: &mut candidates,
    };
    // Nothing is written before a block is final, so that nothing is half done when this unwinds.
    let produced = catch_unwind(AssertUnwindSafe(|| runtime.produce(inputs))).unwrap_or_else(|panic| {
        if let Some(hash) = under_way.get() {
            pool.report_panic(&hash);
        }
        resume_unwind(panic)
    });
    let produced = match produced {
        Ok(produced) => produced,
        // A block was committed meanwhile, so that nothing fits on the head that this one was to stand on.
        Err(_) if has_moved() => return Ok(outrun(slot, report)),
        Err(error) => return Err(DriverError::Execution(error.to_string())),
    };
    metrics::histogram!(metering::BUILD_SECONDS).record(started.elapsed());
    report.late = now() >= bounds.late;
    report.is_full = produced.is_full;
    if !produced.skipped.is_empty() {
        debug!(target: "ledger::driver", %slot, skipped = produced.skipped.len(), "transactions did not apply");
        pool.report_skipped(&produced.skipped);
    }
    let wanted = heartbeat || !produced.executed.transactions().is_empty();
    Ok(Built {
        slot,
        executed: wanted.then(|| Box::new(produced.executed)),
        report,
    })
}

/// Builds the recovery block that the head ordered, if this node knows what to go back to.
fn recover(
    parts: &BuildParts,
    order: RecoveryOrder,
    (slot, certificate): (Slot, Option<FinalityCertificate>),
    report: BuildReport,
) -> Result<Built, DriverError> {
    let RecoveryOrder { epoch, checkpoint } = order;
    let nothing = Built {
        slot,
        executed: None,
        report,
    };
    let height = match parts.targets.find(checkpoint) {
        Ok(height) => height,
        Err(reason) => {
            warn!(target: "ledger::driver", %slot, epoch, checkpoint, %reason, "a recovery was ordered, and this node cannot make its block");
            return Ok(nothing);
        }
    };
    match parts.runtime.produce_recovery(slot, certificate, height) {
        Ok(executed) => {
            info!(target: "ledger::driver", %slot, epoch, checkpoint, %height, "the recovery block is made");
            Ok(Built {
                slot,
                executed: Some(Box::new(executed)),
                report,
            })
        }
        Err(_) if parts.runtime.head().recovery != Some(order) => Ok(nothing),
        Err(error) => Err(DriverError::Execution(error.to_string())),
    }
}

/// The end of a block whose parent is the head no more.
fn outrun(slot: Slot, report: BuildReport) -> Built {
    debug!(target: "ledger::driver", %slot, "the head moved on before the block was done");
    Built {
        slot,
        executed: None,
        report: BuildReport {
            cut_short: true,
            ..report
        },
    }
}

/// Executes `block` again on the head, with the senders of its transactions as far as they are known.
pub(super) fn validate(
    runtime: &Runtime,
    targets: &Targets,
    block: &Block,
    senders: &[Option<Address>],
) -> Result<Done, DriverError> {
    let hash = block.hash();
    let withheld = |reason: Withheld, executed| {
        warn!(target: "ledger::driver", %hash, %reason, "no vote is given to a block");
        Verdict::Withheld(executed)
    };
    let point = digest_of(&block.header).ok().and_then(|digest| digest.recovery);
    if let Some(Err(reason)) = point.map(|point| targets.judge_point(point)) {
        let verdict = withheld(reason, None);
        return Ok(Done::Validated { hash, verdict });
    }
    match runtime.import(IncomingBlock::with_senders(block.clone(), senders)) {
        Ok(executed) => {
            let judged = targets.judge(&executed);
            let executed = Box::new(executed);
            let verdict = match judged {
                Ok(()) => Verdict::Valid(executed),
                Err(reason) => withheld(reason, Some(executed)),
            };
            Ok(Done::Validated { hash, verdict })
        }
        // A block was committed meanwhile.
        Err(_) if runtime.head().hash().get() != block.header.parent_hash => Ok(Done::Validated {
            hash,
            verdict: Verdict::Outrun,
        }),
        Err(error) if error.blames_block() => {
            warn!(target: "ledger::driver", %hash, %error, "a proposed block is wrong");
            Ok(Done::Validated {
                hash,
                verdict: Verdict::Invalid,
            })
        }
        Err(error) => Err(DriverError::Execution(error.to_string())),
    }
}

/// Commits `block`, executing it first if that is not `known`, and tells the pool. Gives the head and the block's transactions.
pub(super) fn commit(
    runtime: &Runtime,
    pool: &TxPool,
    block: &Block,
    known: Option<Executed>,
    certificate: FinalityCertificate,
) -> Result<(Arc<Head>, Vec<B256>), DriverError> {
    let executed = match known {
        Some(executed) => executed,
        None => runtime
            .import(block.clone())
            .map_err(|error| DriverError::Execution(error.to_string()))?,
    };
    let slot = executed.digest().slot;
    let votes = certificate.signatures.len();
    let transactions = executed.transactions().to_vec();
    let head = runtime
        .commit(executed, certificate)
        .map_err(|error| DriverError::Commit(error.to_string()))?;
    record(&head, block, slot, votes);
    pool.block_committed(&transactions);
    let included = transactions.iter().map(|transaction| *transaction.tx_hash()).collect();
    Ok((head, included))
}

pub(super) fn record(head: &Head, block: &Block, slot: Slot, votes: usize) {
    let (number, transactions, gas_used) = (head.number(), block.transactions.len(), block.header.gas_used);
    info!(target: "ledger::finality", %number, %slot, transactions, gas_used, votes, hash = %head.hash(), "block final");
    metrics::gauge!(metering::HEAD_BLOCK).set(as_f64(number.get()));
    metrics::gauge!(metering::HEAD_SLOT).set(as_f64(slot.get()));
    metrics::counter!(metering::BLOCKS).increment(1);
    metrics::counter!(metering::TRANSACTIONS).increment(transactions as u64);
    metrics::counter!(metering::GAS).increment(gas_used);
}

/// Numbers of blocks and slots, and gas, stay far below 2^53, from which on a float would round them.
#[expect(clippy::cast_precision_loss, reason = "rounding a metric beyond 2^53 harms nobody")]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}
