//! How did the last slots go? What the node remembers of them, with the names of the validators.

use ledger_api::{FinalBlock, SlotInfo, SlotsInfo, TurnsInfo};

use super::{super::error::RpcFailure, consensus, contracts::View, number};
use crate::{
    driver::now,
    slot_log::{SLOTS_KEPT_MAX, SlotLog, SlotRecord},
};

/// The answer to `ledger_slots`.
pub(super) fn info(view: &View, log: &SlotLog, count: u64) -> Result<SlotsInfo, RpcFailure> {
    let now = now();
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(SLOTS_KEPT_MAX);
    let turns = view.head.set.iter().map(|validator| {
        let turns = log.turns(&validator.consensus_key);
        Ok(TurnsInfo {
            validator: consensus::name_of(view, validator.consensus_key)?,
            blocks: turns.blocks,
            missed: turns.missed,
        })
    });
    Ok(SlotsInfo {
        slot: consensus::schedule(view).slot_at(now).get(),
        now_ms: now.get(),
        since_slot: log.since().get(),
        slots: log.newest(count).into_iter().map(slot).collect(),
        turns: turns.collect::<Result<_, RpcFailure>>()?,
    })
}

/// A slot that is remembered, as it is told.
pub(super) fn slot(record: SlotRecord) -> SlotInfo {
    SlotInfo {
        slot: record.slot.get(),
        authority: record.authority.get().into(),
        block: record.block.map(|block| FinalBlock {
            number: block.number.get(),
            hash: block.hash.get(),
            transactions: number(block.transactions),
            final_after_ms: block.final_after_ms,
        }),
    }
}
