//! What an operator has to know of consensus, and what stops the node.

use ledger_consensus::Alarm;
use tracing::{error, info, warn};

use super::{Driver, DriverError};

impl Driver {
    /// Puts an alarm before an operator's eyes.
    ///
    /// # Errors
    /// [`DriverError::Halted`] if nothing can go on without a person.
    pub(super) fn on_alarm(&mut self, alarm: Alarm) -> Result<(), DriverError> {
        match alarm {
            Alarm::CheckpointContradicted {
                number,
                local,
                confirmed,
            } => self.on_contradiction(number, local, confirmed),
            other => tell(other)?,
        }
        Ok(())
    }
}

fn tell(alarm: Alarm) -> Result<(), DriverError> {
    match alarm {
        Alarm::ClockRight => info!(target: "ledger::consensus", "the clock is right again"),
        Alarm::ClockOff {
            offset_ms,
            tolerance_ms,
        } => {
            warn!(target: "ledger::consensus", offset_ms, tolerance_ms, "the clock is off: nothing is signed");
        }
        Alarm::ClockWentBack { by_ms } => {
            warn!(target: "ledger::consensus", by_ms, "the clock went back: nothing is signed before it has caught up");
        }
        Alarm::GuardLost { since } => {
            warn!(target: "ledger::consensus", %since, "no guard record: silent until a later block is final");
        }
        Alarm::GuardAhead { recorded, open } => {
            error!(target: "ledger::consensus", %recorded, %open, "the guard record is ahead of the chain");
        }
        Alarm::KeyUsedElsewhere { slot } => {
            error!(target: "ledger::consensus", %slot, "somebody else signs with this validator's key");
        }
        alarm @ (Alarm::SignerBroken { .. }
        | Alarm::BuilderBroken { .. }
        | Alarm::CertifiedBlockInvalid { .. }
        | Alarm::ConflictingCertificates { .. }
        | Alarm::CheckpointContradicted { .. }
        | Alarm::HeadRefused(_)) => return Err(DriverError::Halted(Box::new(alarm))),
    }
    Ok(())
}
