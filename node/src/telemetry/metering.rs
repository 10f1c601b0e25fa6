//! Metrics: their names and units in one place, and the Prometheus text that the RPC port and `--metrics-port` serve.
//!
//! Called by the assembly once; everybody else uses the `metrics` macros with these names. Values carry their unit in
//! the name (`_seconds`, `_bytes`, `_total`); rates are for whoever reads them.

use std::{future::Future, net::SocketAddr, pin::Pin, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{ExporterFuture, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::NodeError;

/// Number of the newest final block.
pub const HEAD_BLOCK: &str = "ledger_head_block";
/// Slot of the newest final block.
pub const HEAD_SLOT: &str = "ledger_head_slot";
/// Time from the start of a block's slot until it was final here.
pub const FINALITY_SECONDS: &str = "ledger_finality_seconds";
/// Slots in which a block was due and none came, since the start, by the account of the validator whose turn it was.
pub const MISSED_SLOTS: &str = "ledger_missed_slots_total";
/// Blocks made final since the start.
pub const BLOCKS: &str = "ledger_blocks_total";
/// Transactions made final since the start.
pub const TRANSACTIONS: &str = "ledger_transactions_total";
/// Gas used by final blocks since the start.
pub const GAS: &str = "ledger_gas_total";
/// Time to choose, execute and seal a block.
pub const BUILD_SECONDS: &str = "ledger_block_build_seconds";
/// Blocks handed to consensus here that were begun before their slot, since the start.
pub const BUILT_AHEAD: &str = "ledger_blocks_built_ahead_total";
/// Gas after which a block takes no more transactions.
pub const GAS_TARGET: &str = "ledger_block_gas_target";
/// Time to write a final block.
pub const COMMIT_SECONDS: &str = "ledger_block_commit_seconds";
/// Time to write and sync a guard record.
pub const GUARD_SECONDS: &str = "ledger_guard_sync_seconds";
/// Blocks imported while catching up, since the start.
pub const SYNCED_BLOCKS: &str = "ledger_synced_blocks_total";
/// Endorsed transactions that a block overtook, since the start.
pub const PROMISES_BROKEN: &str = "ledger_promises_broken_total";
/// Messages of peers that consensus did not take, since the start, by kind and fault.
pub const NOT_TAKEN: &str = "ledger_consensus_not_taken_total";
/// Waiting transactions that the next blocks can take.
pub const POOL_PENDING: &str = "ledger_pool_pending";
/// Waiting transactions that no block can take yet.
pub const POOL_QUEUED: &str = "ledger_pool_queued";
/// JSON-RPC requests since the start, by method and outcome.
pub const RPC_REQUESTS: &str = "ledger_rpc_requests_total";
/// Time to answer a JSON-RPC request, by method.
pub const RPC_SECONDS: &str = "ledger_rpc_seconds";
/// JSON-RPC requests and connections that a limit refused, by limit.
pub const RPC_REFUSED: &str = "ledger_rpc_refused_total";
/// When the notary last said something that holds, in seconds since the Unix epoch.
pub const NOTARY_GOOD_AT: &str = "ledger_notary_good_timestamp_seconds";
/// Open requests for admission.
pub const ADMISSION_REQUESTS: &str = "ledger_admission_requests";

/// Number of the mainchain's newest block.
pub const MAINCHAIN_BLOCK: &str = "ledger_mainchain_block";
/// Index of the newest checkpoint on the mainchain, by how firm it is there: mined, soft, final.
pub const ANCHORED_CHECKPOINT: &str = "ledger_anchored_checkpoint";
/// Number of the block that the newest checkpoint on the mainchain anchors.
pub const ANCHORED_BLOCK: &str = "ledger_anchored_block";
/// Age of that block.
pub const ANCHOR_AGE_SECONDS: &str = "ledger_anchor_age_seconds";
/// 1 for each alarm about the anchor that stands, by name.
pub const ANCHOR_ALARM: &str = "ledger_anchor_alarm";
/// Index of the newest checkpoint that a quorum has signed.
pub const CHECKPOINTS_SIGNED: &str = "ledger_checkpoints_signed";
/// Checkpoints that wait for signatures.
pub const CHECKPOINTS_WAITING: &str = "ledger_checkpoints_waiting";
/// Checkpoints that this node has signed, since the start.
pub const CHECKPOINTS_OWN: &str = "ledger_checkpoints_own_total";
/// Signatures of validators under another checkpoint than this chain has, since the start.
pub const CHECKPOINT_CONFLICTS: &str = "ledger_checkpoint_conflicts_total";

/// Upper bounds of the buckets of every `_seconds` histogram, in seconds.
const SECONDS_BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 4.0,
];
/// How often the exporter of `--metrics-port` tidies up by itself. The driver does it with every block, so that a quiet
/// chain is not woken for it.
const UPKEEP: Duration = Duration::from_secs(3600);

/// The installed metrics.
pub struct Metering {
    /// Renders the metrics as Prometheus text.
    pub handle: PrometheusHandle,
    /// Serves them on the metrics port, if one was asked for.
    pub exporter: Option<Pin<Box<dyn Future<Output = String> + Send>>>,
}

impl std::fmt::Debug for Metering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metering")
            .field("exports", &self.exporter.is_some())
            .finish_non_exhaustive()
    }
}

/// Installs the process's metrics recorder and binds `address`, if one is given.
///
/// # Errors
/// [`NodeError::Listen`] if `address` cannot be bound. A second call in one process records nothing new.
pub fn install(address: Option<SocketAddr>) -> Result<Metering, NodeError> {
    let builder = PrometheusBuilder::new()
        .upkeep_timeout(UPKEEP)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .expect("the list of buckets is not empty");
    let (recorder, exporter) = match address {
        None => (builder.build_recorder(), None),
        Some(address) => {
            let (recorder, exporter) =
                builder
                    .with_http_listener(address)
                    .build()
                    .map_err(|error| NodeError::Listen {
                        service: "metrics",
                        address,
                        flag: "--metrics-port",
                        reason: error.to_string(),
                    })?;
            (recorder, Some(boxed(exporter)))
        }
    };
    let handle = recorder.handle();
    // An error means that a recorder is set already (tests in one process), and that one stays.
    let _ = metrics::set_global_recorder(recorder);
    describe();
    Ok(Metering { handle, exporter })
}

fn boxed(exporter: ExporterFuture) -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async move {
        match exporter.await {
            Ok(()) => "the metrics exporter ended".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    })
}

fn describe() {
    ledger_network::describe_metrics();
    describe_gauge!(HEAD_BLOCK, "Number of the newest final block");
    describe_gauge!(HEAD_SLOT, "Slot of the newest final block");
    describe_histogram!(
        FINALITY_SECONDS,
        Unit::Seconds,
        "Time from the start of a block's slot until it was final here"
    );
    describe_counter!(
        MISSED_SLOTS,
        Unit::Count,
        "Slots in which a block was due and none came, by the validator's account"
    );
    describe_counter!(BLOCKS, Unit::Count, "Blocks made final since the start");
    describe_counter!(TRANSACTIONS, Unit::Count, "Transactions made final since the start");
    describe_counter!(GAS, Unit::Count, "Gas used by final blocks since the start");
    describe_histogram!(
        BUILD_SECONDS,
        Unit::Seconds,
        "Time to choose and execute a block's transactions"
    );
    describe_counter!(
        BUILT_AHEAD,
        Unit::Count,
        "Blocks handed to consensus that were begun before their slot, since the start"
    );
    describe_gauge!(
        GAS_TARGET,
        "Gas after which a block takes no more transactions, as learned from how long blocks took"
    );
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time to write a final block");
    describe_histogram!(
        GUARD_SECONDS,
        Unit::Seconds,
        "Time to write and sync a guard record before signing"
    );
    describe_counter!(
        SYNCED_BLOCKS,
        Unit::Count,
        "Blocks imported while catching up since the start"
    );
    describe_counter!(
        PROMISES_BROKEN,
        Unit::Count,
        "Endorsed transactions that a block overtook, since the start"
    );
    describe_counter!(
        NOT_TAKEN,
        Unit::Count,
        "Messages of peers that consensus did not take, since the start"
    );
    describe_gauge!(POOL_PENDING, "Waiting transactions that the next blocks can take");
    describe_gauge!(POOL_QUEUED, "Waiting transactions that no block can take yet");
    describe_counter!(RPC_REQUESTS, Unit::Count, "JSON-RPC requests since the start");
    describe_counter!(
        RPC_REFUSED,
        Unit::Count,
        "JSON-RPC requests and connections that a caller's limit refused"
    );
    describe_histogram!(RPC_SECONDS, Unit::Seconds, "Time to answer a JSON-RPC request");
    describe_outside();
}

/// What the node learns of the notary and the mainchain.
fn describe_outside() {
    describe_gauge!(
        NOTARY_GOOD_AT,
        Unit::Seconds,
        "When the notary last said something that holds, since the Unix epoch"
    );
    describe_gauge!(ADMISSION_REQUESTS, "Open requests for admission");
    describe_gauge!(MAINCHAIN_BLOCK, "Number of the mainchain's newest block");
    describe_gauge!(
        ANCHORED_CHECKPOINT,
        "Index of the newest checkpoint on the mainchain, by how firm it is"
    );
    describe_gauge!(
        ANCHORED_BLOCK,
        "Number of the block that the newest checkpoint on the mainchain anchors"
    );
    describe_gauge!(
        ANCHOR_AGE_SECONDS,
        Unit::Seconds,
        "Age of the block that the newest checkpoint on the mainchain anchors"
    );
    describe_gauge!(ANCHOR_ALARM, "1 for each alarm about the anchor that stands, by name");
    describe_gauge!(
        CHECKPOINTS_SIGNED,
        "Index of the newest checkpoint that a quorum has signed"
    );
    describe_gauge!(CHECKPOINTS_WAITING, "Checkpoints that wait for signatures");
    describe_counter!(
        CHECKPOINTS_OWN,
        Unit::Count,
        "Checkpoints that this node has signed since the start"
    );
    describe_counter!(
        CHECKPOINT_CONFLICTS,
        Unit::Count,
        "Signatures of validators under another checkpoint than this chain has, since the start"
    );
}
