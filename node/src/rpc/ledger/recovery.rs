//! What did a recovery leave behind, and which clouds gave something for codes in it (R16)?

use alloy_rpc_types_eth::{Filter, Log};
use alloy_sol_types::SolEvent;
use ledger_api::{
    REDEMPTIONS_PER_ANSWER_MAX, RecoveredSpan, RecoveredSpanQuery, SPAN_BLOCKS_PER_ANSWER_MAX, SpanRedemption,
};
use ledger_chainspec::{BlockNumber, SealedHeader, predeploys::TRANSACT};
use ledger_contracts::Transact;
use ledger_runtime::{BlockRef, store::Recovery};

use super::{super::error::RpcFailure, contracts::View, point};
use crate::recovery::Targets;

/// The answer to `ledger_recoveredSpan`.
pub(super) fn span(view: &View, targets: &Targets, query: RecoveredSpanQuery) -> Result<RecoveredSpan, RpcFailure> {
    let mut span = match (query.epoch, query.checkpoint) {
        (Some(_), Some(_)) => {
            return Err(RpcFailure::Params(
                "name an epoch or a checkpoint, and not both".to_owned(),
            ));
        }
        (None, Some(checkpoint)) => planned(view, targets, checkpoint)?,
        (epoch, None) => done(view, epoch)?,
    };
    let from = query.from.map_or(span.first, |from| from.max(span.first));
    redemptions(view, &mut span, from)?;
    Ok(span)
}

/// The span of a recovery to this checkpoint, if it came next.
fn planned(view: &View, targets: &Targets, checkpoint: u64) -> Result<RecoveredSpan, RpcFailure> {
    let height = targets.find(checkpoint).map_err(|reason| {
        RpcFailure::Unavailable(format!("the chain cannot go back to checkpoint {checkpoint}: {reason}"))
    })?;
    let target = header(view, height)?;
    Ok(RecoveredSpan {
        epoch: None,
        checkpoint,
        state_root: target.header.state_root,
        target: point(&target),
        first: height.get().saturating_add(1),
        last: view.head.number().get(),
        recovery: None,
        redemptions: Vec::new(),
        next: None,
    })
}

/// The span of a recovery that was; of the last one without an epoch.
fn done(view: &View, epoch: Option<u64>) -> Result<RecoveredSpan, RpcFailure> {
    let recoveries = view.runtime.store().recoveries();
    let mut newest_first = recoveries.iter().rev();
    let found = newest_first.find(|one| epoch.is_none_or(|epoch| one.point.order.epoch == epoch));
    let Some(Recovery { number, point: back }) = found else {
        return Err(RpcFailure::Unavailable(match epoch {
            Some(epoch) => {
                format!("this chain has had no recovery {epoch}, as far as the blocks go that this node keeps")
            }
            None => "this chain has had no recovery, as far as the blocks go that this node keeps".to_owned(),
        }));
    };
    Ok(RecoveredSpan {
        epoch: Some(back.order.epoch),
        checkpoint: back.order.checkpoint,
        target: point(&header(view, back.height)?),
        state_root: back.state_root,
        first: back.height.get().saturating_add(1),
        last: number.get().saturating_sub(1),
        recovery: Some(point(&header(view, *number)?)),
        redemptions: Vec::new(),
        next: None,
    })
}

fn header(view: &View, number: BlockNumber) -> Result<SealedHeader, RpcFailure> {
    let found = view.runtime.header(BlockRef::Number(number))?;
    found.ok_or_else(|| RpcFailure::Internal(format!("block {number} is not stored")))
}

/// Adds the codes that were redeemed from block `from` on, as many as go into one answer.
fn redemptions(view: &View, span: &mut RecoveredSpan, from: u64) -> Result<(), RpcFailure> {
    let filter = Filter::new()
        .address(TRANSACT)
        .event_signature(Transact::CodeRedeemed::SIGNATURE_HASH);
    let end = span.last.min(from.saturating_add(SPAN_BLOCKS_PER_ANSWER_MAX - 1));
    let mut number = from;
    while number <= end && span.redemptions.len() < REDEMPTIONS_PER_ANSWER_MAX {
        let at = BlockNumber::new(number);
        let left_before = view.runtime.store().left_by(at).map(|by| by.point.order.epoch);
        // What an earlier recovery left behind is in the list of that one.
        if left_before.is_none_or(|epoch| span.epoch == Some(epoch)) {
            for log in view.runtime.logs(at, at, &filter)? {
                span.redemptions.push(redemption(view, number, &log)?);
            }
        }
        number += 1;
    }
    span.next = (number <= span.last).then_some(number);
    Ok(())
}

fn redemption(view: &View, block_number: u64, log: &Log) -> Result<SpanRedemption, RpcFailure> {
    let event = Transact::CodeRedeemed::decode_log_data(&log.inner.data)
        .map_err(|error| RpcFailure::Internal(error.to_string()))?;
    Ok(SpanRedemption {
        code_id: event.codeId,
        cloud: view.cloud(event.memberId)?,
        holder: event.holder,
        signup_ref: event.signupRef,
        reward: event.reward,
        block_number,
        transaction: log.transaction_hash.unwrap_or_default(),
    })
}
