//! What a final block tells of its slot, and of those before it: for the memory of slots.

use ledger_chainspec::{Block, Slot, UnixMillis};
use ledger_runtime::Head;

use super::{Driver, now};
use crate::slot_log::FinalFact;

/// What is known before a block is committed, and not any more afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSlot {
    parent: Slot,
    waiting_since: Option<UnixMillis>,
}

impl Driver {
    /// Looks at what a block is about to take out of the pool.
    pub(super) fn open_slot(&self, block: &Block) -> OpenSlot {
        let parent = self.parts.runtime.head().slot;
        let own = ledger_chainspec::digest_of(&block.header).map_or(parent, |digest| digest.slot);
        // Only where slots lie between the two may one of them have been missed.
        let has_gap = parent.next().is_some_and(|next| next < own);
        let hashes = block.transactions.iter().map(|transaction| transaction.tx_hash());
        let waited = hashes
            .filter(|_| has_gap)
            .filter_map(|hash| self.parts.pool.get(hash))
            .map(|waiting| waiting.received);
        OpenSlot {
            parent,
            waiting_since: waited.min(),
        }
    }

    /// Remembers the slot of the block that is the head now.
    pub(super) fn close_slot(&self, open: OpenSlot, head: &Head, transactions: usize) {
        self.parts.slots.on_final(&FinalFact {
            slot: head.slot,
            parent_slot: open.parent,
            number: head.number(),
            hash: head.hash(),
            transactions,
            set: &head.signers,
            waiting_since: open.waiting_since,
            now: now(),
        });
    }
}
