//! What does an operator hear of the anchor? Metrics and lines of the log.
//!
//! Called by the anchor's task after each round.

use std::collections::BTreeSet;

use ledger_checkpoint::{
    reader::Report,
    reading::{Alarm, Book, Note, Standing},
};
use tracing::{debug, error, info, warn};

use crate::{driver::as_f64, telemetry::metering};

/// Name of the alarm that stands when a checkpoint contradicts what is final here.
const CONTRADICTION: &str = "contradiction";

/// Sets the alarm that nobody takes back.
pub fn tell_contradiction() {
    metrics::gauge!(metering::ANCHOR_ALARM, "name" => CONTRADICTION).set(1.0);
}

/// Which alarms stood before, so that each is told once.
#[derive(Debug, Default)]
pub(super) struct Teller {
    standing: BTreeSet<&'static str>,
}

impl Teller {
    /// Sets all alarms to 0, so that they can be watched from the start.
    pub(super) fn begin() {
        for name in Alarm::NAMES.into_iter().chain([CONTRADICTION]) {
            metrics::gauge!(metering::ANCHOR_ALARM, "name" => name).set(0.0);
        }
    }

    /// What a round saw.
    pub(super) fn report(&mut self, report: &Report, book: &Book, age_seconds: Option<u64>) {
        metrics::gauge!(metering::MAINCHAIN_BLOCK).set(as_f64(report.tip.block.number.get()));
        for (standing, name) in [Standing::Mined, Standing::Soft, Standing::Final].map(|one| (one, one.name())) {
            let newest = book.newest_of(standing).map_or(0, |(index, _)| index.get());
            metrics::gauge!(metering::ANCHORED_CHECKPOINT, "standing" => name).set(as_f64(newest));
        }
        if let Some((_, entry)) = book.newest() {
            metrics::gauge!(metering::ANCHORED_BLOCK).set(as_f64(entry.checkpoint.height));
        }
        if let Some(age) = age_seconds {
            metrics::gauge!(metering::ANCHOR_AGE_SECONDS).set(as_f64(age));
        }
        for note in &report.notes {
            tell_note(note);
        }
    }

    /// The alarms that stand now.
    pub(super) fn alarms(&mut self, alarms: &[Alarm]) {
        let names: BTreeSet<_> = alarms.iter().map(Alarm::name).collect();
        for alarm in alarms.iter().filter(|alarm| !self.standing.contains(alarm.name())) {
            let name = alarm.name();
            match alarm {
                Alarm::Overdue { .. } | Alarm::Stalled { .. } | Alarm::Silent { .. } => {
                    warn!(target: "ledger::anchor", name, "{alarm}");
                }
                _ => error!(target: "ledger::anchor", name, "{alarm}"),
            }
        }
        for gone in self.standing.difference(&names) {
            info!(target: "ledger::anchor", name = *gone, "this is right again");
            metrics::gauge!(metering::ANCHOR_ALARM, "name" => *gone).set(0.0);
        }
        for name in &names {
            metrics::gauge!(metering::ANCHOR_ALARM, "name" => *name).set(1.0);
        }
        self.standing = names;
    }
}

fn tell_note(note: &Note) {
    match note {
        Note::Reached {
            index,
            standing: Standing::Mined,
        } => debug!(target: "ledger::anchor", %index, "checkpoint mined"),
        Note::Reached { index, standing } => {
            info!(target: "ledger::anchor", %index, standing = standing.name(), "checkpoint confirmed");
        }
        Note::Lost { entry, depth } => warn!(
            target: "ledger::anchor", index = entry.checkpoint.index, standing = entry.standing.name(), depth,
            "a reorganisation of the mainchain took a checkpoint"
        ),
        Note::Rejected(rejection) => error!(
            target: "ledger::anchor", index = %rejection.index, fingerprint = %rejection.fingerprint,
            block = %rejection.block.number, signers = %format_args!("{:#b}", rejection.bitmap),
            "validators signed another checkpoint than the one that is anchored"
        ),
    }
}
