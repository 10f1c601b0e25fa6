//! How does a relayer run for years? Round after round; what passes is waited out, and what happened is logged and metered.
//!
//! Called by `ledger-relayer run` and by the node that runs a relayer. Dropping the future between two rounds, or in one, is how it ends:
//! whatever was sent is on disk.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_signer_local::PrivateKeySigner;
use tracing::{error, info, warn};

use crate::{
    connection::Chains,
    journal::{Journal, JournalError},
    mainchain::Nodes,
    metering::Meter,
    outbox::Outbox,
    plan::{Note, Planner, Policy},
    relayer::{Hands, Relayer, RelayerError, Report, Sending, SendingKind},
    sidechain::SidechainNode,
};

/// Longest pause after rounds that came to nothing.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Pauses that grow while nothing comes of anything.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    usual: Duration,
    next: Duration,
}

impl Pauses {
    /// Pauses that are `usual` as long as all is well.
    #[must_use]
    pub fn new(usual: Duration) -> Self {
        Self { usual, next: usual }
    }

    /// The pause after something that went well.
    pub fn well(&mut self) -> Duration {
        self.next = self.usual;
        self.next
    }

    /// The pause after something that came to nothing: twice the one before, up to [`PAUSE_MAX`] or the usual one, if that is longer.
    pub fn ill(&mut self) -> Duration {
        self.next = (self.next * 2).min(PAUSE_MAX.max(self.usual));
        self.next
    }
}

/// A relayer between the chains, that goes on with the journal in `folder`.
///
/// # Errors
/// [`JournalError`]
pub fn open(
    chains: Chains,
    signer: PrivateKeySigner,
    folder: &Path,
    policy: Policy,
) -> Result<Relayer<Nodes, SidechainNode>, JournalError> {
    let opened = Journal::open(folder, chains.anchor)?;
    if let Some(bytes) = opened.torn_bytes {
        warn!(
            target: "ledger::relayer", bytes,
            "the journal ended in a record that was never finished; it is cut away, and nothing had been sent for it"
        );
    }
    info!(
        target: "ledger::relayer", account = %signer.address(), contract = %chains.anchor.contract,
        chain = chains.anchor.mainchain_id, kept = opened.outbox.entries().len(), "relayer ready"
    );
    let hands = Hands {
        signer,
        journal: opened.journal,
    };
    let planner = Planner::new(policy, opened.outbox);
    Ok(Relayer::new(chains.mainchain, chains.sidechain, planner, Ok(hands)))
}

/// Rounds without an end, up to the first error that is not passing. After each of them `see` is shown the outbox.
pub async fn rounds(
    relayer: &mut Relayer<Nodes, SidechainNode>,
    poll: Duration,
    mut see: impl FnMut(&Outbox),
) -> RelayerError {
    let mut meter = Meter::default();
    let mut pauses = Pauses::new(poll);
    let mut missing = None;
    loop {
        let now_ms = now_ms();
        let outcome = relayer.round(now_ms).await;
        see(relayer.planner().outbox());
        let pause = match outcome {
            Ok(report) => {
                let new = meter.round(&report, relayer.planner().outbox(), now_ms);
                tell(&report, &new);
                // Said once, not in every round.
                if let Some(error) = report.sidechain.as_ref().filter(|_| report.sidechain != missing) {
                    warn!(target: "ledger::relayer", %error, "no new bundles");
                }
                missing = report.sidechain;
                pauses.well()
            }
            Err(error) if error.is_passing() => {
                meter.failed();
                warn!(target: "ledger::relayer", %error, "a round came to nothing; the next one asks again");
                pauses.ill()
            }
            Err(error) => return error,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Logs what happened, and alarms that did not stand before.
fn tell(report: &Report, new: &[&str]) {
    for note in &report.notes {
        match note {
            Note::Taken { index } => info!(target: "ledger::relayer", %index, "bundle taken"),
            Note::Anchored { index, block, cost_wei } => {
                let cost_wei = cost_wei.map(|wei| wei.to_string());
                info!(target: "ledger::relayer", %index, block = %block.number, cost_wei, "checkpoint is on the mainchain");
            }
            Note::Reorganised { index, depth } => {
                warn!(target: "ledger::relayer", %index, depth, "a reorganisation took the checkpoint from its block");
            }
            Note::Settled { index } => info!(target: "ledger::relayer", %index, "checkpoint is final"),
        }
    }
    for sending in &report.sendings {
        let Sending {
            index,
            hash,
            kind,
            fault,
        } = sending;
        let (hash, kind) = (hash.unwrap_or_default(), kind_name(*kind));
        match fault {
            None => info!(target: "ledger::relayer", %index, %hash, kind, "transaction sent"),
            Some(fault) => {
                warn!(target: "ledger::relayer", %index, %hash, kind, %fault, "no node took the transaction")
            }
        }
    }
    for alarm in report.alarms.iter().filter(|alarm| new.contains(&alarm.name())) {
        error!(target: "ledger::relayer", name = alarm.name(), "{alarm}");
    }
}

/// What a kind of transaction is called.
#[must_use]
pub fn kind_name(kind: SendingKind) -> &'static str {
    match kind {
        SendingKind::New => "new",
        SendingKind::Raised => "raised",
        SendingKind::Again => "again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew() {
        let mut pauses = Pauses::new(Duration::from_secs(5));
        let seconds = |pause: Duration| pause.as_secs();
        assert_eq!([0; 5].map(|_| seconds(pauses.ill())), [10, 20, 40, 60, 60]);
        assert_eq!(seconds(pauses.well()), 5);
        assert_eq!(seconds(pauses.ill()), 10);
        let mut slow = Pauses::new(Duration::from_secs(600));
        assert_eq!(seconds(slow.ill()), 600);
    }
}
