//! Metrics of the network: their names and units in one place, and what counts them.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Connected peers.
pub const PEERS: &str = "ledger_peers";
/// Connected peers that are registered validators.
pub const VALIDATORS: &str = "ledger_network_validators";
/// Messages taken from peers, by topic and verdict.
pub const MESSAGES: &str = "ledger_network_messages_total";
/// Messages lost before they were sent or taken, by protocol and reason.
pub const DROPPED: &str = "ledger_network_dropped_total";
/// Bytes of payloads received, by protocol.
pub const RECEIVED_BYTES: &str = "ledger_network_received_bytes_total";
/// Bytes of payloads sent, by protocol; once for each message, to however many peers it goes.
pub const SENT_BYTES: &str = "ledger_network_sent_bytes_total";
/// What peers did wrong, by name.
pub const FAULTS: &str = "ledger_network_faults_total";
/// Peers that were let go and are refused for a while.
pub const BANS: &str = "ledger_network_bans_total";
/// Connections that were refused, by limit.
pub const REFUSED: &str = "ledger_network_refused_total";
/// Requests of peers, by kind and outcome.
pub const REQUESTS: &str = "ledger_network_requests_total";

/// Tells the recorder what the metrics mean. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    describe_gauge!(PEERS, "Connected peers");
    describe_gauge!(VALIDATORS, "Connected peers that are registered validators");
    describe_counter!(MESSAGES, Unit::Count, "Messages taken from peers");
    describe_counter!(DROPPED, Unit::Count, "Messages lost before they were sent or taken");
    describe_counter!(RECEIVED_BYTES, Unit::Bytes, "Bytes of payloads received");
    describe_counter!(SENT_BYTES, Unit::Bytes, "Bytes of payloads sent");
    describe_counter!(FAULTS, Unit::Count, "What peers did wrong");
    describe_counter!(BANS, Unit::Count, "Peers that were let go and are refused for a while");
    describe_counter!(REFUSED, Unit::Count, "Connections that were refused");
    describe_counter!(REQUESTS, Unit::Count, "Requests of peers");
}

pub(crate) fn dropped(protocol: &'static str, reason: &'static str) {
    counter!(DROPPED, "protocol" => protocol, "reason" => reason).increment(1);
}

pub(crate) fn message(topic: &'static str, verdict: &'static str) {
    counter!(MESSAGES, "topic" => topic, "verdict" => verdict).increment(1);
}

pub(crate) fn received(protocol: &'static str, bytes: usize) {
    counter!(RECEIVED_BYTES, "protocol" => protocol).increment(bytes as u64);
}

pub(crate) fn sent(protocol: &'static str, bytes: usize) {
    counter!(SENT_BYTES, "protocol" => protocol).increment(bytes as u64);
}

pub(crate) fn fault(name: &'static str) {
    counter!(FAULTS, "fault" => name).increment(1);
}

pub(crate) fn banned() {
    counter!(BANS).increment(1);
}

pub(crate) fn refused(limit: &'static str) {
    counter!(REFUSED, "limit" => limit).increment(1);
}

pub(crate) fn request(kind: &'static str, outcome: &'static str) {
    counter!(REQUESTS, "kind" => kind, "outcome" => outcome).increment(1);
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred peers")]
pub(crate) fn peers(all: usize, validators: usize) {
    gauge!(PEERS).set(all as f64);
    gauge!(VALIDATORS).set(validators as f64);
}
