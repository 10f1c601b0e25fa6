//! Metrics: their names and units in one place, and the Prometheus text that `--metrics` serves.
//!
//! Called by the loops of `run` and `monitor`. Values carry their unit in the name; rates are for whoever reads them.

use std::{collections::BTreeSet, net::SocketAddr};

use alloy_primitives::U256;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

use crate::{
    outbox::Outbox,
    plan::{Note, Sight, policy::GWEI},
    relayer::{Report, SendingKind},
    watch::{Finding, Look},
};

const MAINCHAIN_BLOCK: &str = "ledger_relayer_mainchain_block";
const HEAD_CHECKPOINT: &str = "ledger_relayer_head_checkpoint";
const WAITING: &str = "ledger_relayer_waiting_checkpoints";
const ANCHORED_AT: &str = "ledger_relayer_anchored_timestamp_seconds";
const CONFIRMATIONS: &str = "ledger_relayer_confirmations_blocks";
const BALANCE: &str = "ledger_relayer_balance_gwei";
const SPENT: &str = "ledger_relayer_spent_gwei_total";
const TRANSACTIONS: &str = "ledger_relayer_transactions_total";
const DEPTH: &str = "ledger_relayer_reorganisation_depth_blocks";
const REJECTIONS: &str = "ledger_relayer_rejections";
const ALARM: &str = "ledger_relayer_alarm";
const FAILURES: &str = "ledger_relayer_failed_rounds_total";

/// Installs the recorder, and serves it at `address`.
///
/// # Errors
/// [`BuildError`] if the address cannot be served.
pub fn install(address: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new().with_http_listener(address).install()?;
    describe();
    Ok(())
}

/// Says what the metrics are to the recorder that is installed.
pub fn describe() {
    describe_gauge!(MAINCHAIN_BLOCK, "Number of the mainchain's newest block");
    describe_gauge!(HEAD_CHECKPOINT, "Index of the newest checkpoint in the contract");
    describe_gauge!(WAITING, "Signed checkpoints that the contract does not have (up to 16)");
    describe_gauge!(
        ANCHORED_AT,
        "When the contract's newest checkpoint was first seen, since the Unix epoch"
    );
    describe_gauge!(
        CONFIRMATIONS,
        "Blocks upon the newest checkpoint that this relayer keeps"
    );
    describe_gauge!(BALANCE, "What the account has");
    describe_counter!(SPENT, "What this relayer's transactions for checkpoints have cost");
    describe_counter!(TRANSACTIONS, "Transactions sent, by kind: new, raised, again");
    describe_gauge!(DEPTH, "Depth of the last reorganisation that was noticed");
    describe_gauge!(
        REJECTIONS,
        "Rejections that the contract recorded since the first block that is watched"
    );
    describe_gauge!(ALARM, "1 for each alarm that stands, by name");
    describe_counter!(FAILURES, "Rounds that came to nothing because a chain did not answer");
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a metric is a float; whoever needs the last digit asks the chain"
)]
fn float(value: u64) -> f64 {
    value as f64
}

/// So many gwei; none if they are more than are counted.
fn gwei(wei: U256) -> Option<u64> {
    u64::try_from(wei / U256::from(GWEI)).ok()
}

/// What both loops remember between rounds.
#[derive(Debug, Default)]
pub struct Meter {
    head_index: Option<u64>,
    standing: BTreeSet<&'static str>,
}

impl Meter {
    fn sight(&mut self, sight: &Sight, now_ms: u64) {
        gauge!(MAINCHAIN_BLOCK).set(float(sight.head.number.get()));
        gauge!(HEAD_CHECKPOINT).set(float(sight.head_index.get()));
        gauge!(BALANCE).set(float(gwei(sight.balance_wei).unwrap_or(u64::MAX)));
        if self.head_index != Some(sight.head_index.get()) {
            self.head_index = Some(sight.head_index.get());
            gauge!(ANCHORED_AT).set(float(now_ms / 1_000));
        }
    }

    /// Sets the alarms that stand, and takes back the others. The names that are new.
    fn alarms(&mut self, names: BTreeSet<&'static str>) -> Vec<&'static str> {
        for name in self.standing.difference(&names) {
            gauge!(ALARM, "name" => *name).set(0.0);
        }
        for name in &names {
            gauge!(ALARM, "name" => *name).set(1.0);
        }
        let new = names.difference(&self.standing).copied().collect();
        self.standing = names;
        new
    }

    /// A round of the relayer. The names of alarms that did not stand before.
    pub fn round(&mut self, report: &Report, outbox: &Outbox, now_ms: u64) -> Vec<&'static str> {
        self.sight(&report.sight, now_ms);
        let waiting = outbox.entries().range(report.sight.head_index.plus(1)..).count();
        gauge!(WAITING).set(float(waiting as u64));
        let newest = outbox.entries().values().rev().find_map(|entry| entry.anchored);
        if let Some(anchored) = newest {
            let confirmations = report.sight.head.number.since(anchored.block.number);
            gauge!(CONFIRMATIONS).set(float(confirmations));
        }
        for note in &report.notes {
            match note {
                Note::Anchored { cost_wei, .. } => {
                    counter!(SPENT).increment(cost_wei.and_then(gwei).unwrap_or(0));
                }
                Note::Reorganised { depth, .. } => gauge!(DEPTH).set(float(*depth)),
                Note::Taken { .. } | Note::Settled { .. } => {}
            }
        }
        for sending in &report.sendings {
            let kind = match sending.kind {
                SendingKind::New => "new",
                SendingKind::Raised => "raised",
                SendingKind::Again => "again",
            };
            counter!(TRANSACTIONS, "kind" => kind).increment(1);
        }
        self.alarms(report.alarms.iter().map(|alarm| alarm.name()).collect())
    }

    /// A look of the monitor. The names of findings that did not stand before.
    pub fn look(&mut self, look: &Look, now_ms: u64) -> Vec<&'static str> {
        self.sight(&look.sight, now_ms);
        gauge!(WAITING).set(float(look.waiting));
        if look.depth > 0 {
            gauge!(DEPTH).set(float(look.depth));
        }
        let rejections = look
            .findings
            .iter()
            .filter(|finding| matches!(finding, Finding::Rejected(_)));
        gauge!(REJECTIONS).set(float(rejections.count() as u64));
        self.alarms(look.findings.iter().map(Finding::name).collect())
    }

    /// A round that came to nothing.
    pub fn failed(&self) {
        counter!(FAILURES).increment(1);
    }
}
