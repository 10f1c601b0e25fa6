//! How does the open height stand, and if nothing moves, why?
//!
//! Read by people through the node (`ledger_status`, `ledger_whyStalled`). Changes nothing.

use ledger_chainspec::{BlockHash, BlockNumber, ConsensusKey, Slot};

use super::Engine;
use crate::{error::Refusal, guard_record::Lock, header_rules::open_height};

/// Why this node signs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It has no key, or its key is not in the set.
    NotAValidator,
    /// It has halted; the alarm said why.
    Halted,
    /// Its clock is off (R9).
    ClockOff,
    /// Its guard record is lost (R8).
    GuardLost {
        /// Slot of the start without a record.
        since: Slot,
    },
    /// Its guard record is ahead of the chain.
    GuardAhead {
        /// Height of the record.
        recorded: BlockNumber,
    },
}

/// A picture of the open height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The height that is being decided.
    pub height: BlockNumber,
    /// The current slot.
    pub slot: Slot,
    /// Whose turn it is.
    pub authority: ConsensusKey,
    /// How many validators decide.
    pub quorum: usize,
    /// Is there something to include?
    pub has_work: bool,
    /// Each validator, in the order of the schedule, and the newest slot in which it voted at this height.
    pub heard: Vec<(ConsensusKey, Option<Slot>)>,
    /// Our lock.
    pub lock: Option<Lock>,
    /// The newest prevote certificate.
    pub newest_certificate: Option<(Slot, BlockHash)>,
    /// The block that a quorum has decided, while it is fetched, validated or committed.
    pub decided: Option<BlockHash>,
    /// Why we sign nothing, if so.
    pub silence: Option<Silence>,
    /// What the guard refused last.
    pub last_refusal: Option<Refusal>,
}

impl Engine {
    /// How the open height stands.
    pub fn status(&self) -> Status {
        let slot = self.slot();
        let heard = (0_u16..).zip(self.head.set.iter());
        Status {
            height: open_height(&self.head),
            slot,
            authority: self.head.set.authority(slot).consensus_key,
            quorum: self.quorum(),
            has_work: self.has_work,
            heard: heard
                .map(|(index, validator)| (validator.consensus_key, self.open.votes.last_heard(index)))
                .collect(),
            lock: self.lock(),
            newest_certificate: self.open.certificates.newest(),
            decided: self.open.decided.as_ref().map(|certificate| certificate.hash),
            silence: self.silence(),
            last_refusal: self.voter.as_ref().and_then(|voter| voter.last_refusal.clone()),
        }
    }

    fn silence(&self) -> Option<Silence> {
        let Some(voter) = self.voter.as_ref().filter(|_| self.me().is_some()) else {
            return Some(Silence::NotAValidator);
        };
        let recorded = voter.guard.record().height;
        if self.halted {
            Some(Silence::Halted)
        } else if self.clock_off {
            Some(Silence::ClockOff)
        } else if let Some(since) = voter.guard.silent_since() {
            Some(Silence::GuardLost { since })
        } else {
            (recorded > open_height(&self.head)).then_some(Silence::GuardAhead { recorded })
        }
    }
}
