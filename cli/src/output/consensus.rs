//! Promises, peers, and why no block comes, shown.

use ledger_api::{EndorsementInfo, PeerInfo, StallReport, ValidatorHeard, ValidatorName};

use super::{Report, pairs, table};
use crate::time::{span, utc};

/// A promise, as the end of a sentence that begins with `Endorsed`.
#[must_use]
pub fn promise_words(promise: &EndorsementInfo) -> String {
    format!(
        "by {} in slot {}, goes first",
        validator_words(&promise.authority),
        promise.slot
    )
}

/// Whether blocks come, and if not, why.
#[must_use]
pub fn stalled(report: &StallReport, now: u64) -> Report {
    let mut text = format!("{}\n", report.summary);
    for reason in &report.reasons {
        text += &format!("- {reason}\n");
    }
    let mut rows = vec![
        (
            "Head",
            format!("block {}, {}", report.head.number, utc(report.head.timestamp)),
        ),
        ("Age", span(now.saturating_sub(report.head.timestamp))),
        ("Waiting", report.pending.to_string()),
        ("Peers", report.peers.to_string()),
    ];
    if let Some(offset) = report.clock_offset_ms {
        rows.push(("Clock", format!("{offset:+} ms beside the peers' median")));
    }
    if let Some(open) = &report.open {
        rows.push(("Height", open.height.to_string()));
        rows.push((
            "Turn",
            format!("{}, slot {}", validator_words(&open.authority), open.slot),
        ));
        rows.push(("Quorum", format!("{} of {}", open.quorum, report.validators.len())));
    }
    let heard: Vec<_> = report.validators.iter().map(heard_row).collect();
    text += &format!(
        "\n{}\n{}",
        pairs(&rows),
        table(&["VALIDATOR", "CONNECTED", "LAST HEARD"], &heard)
    );
    Report::new(text, report)
}

fn heard_row(heard: &ValidatorHeard) -> Vec<String> {
    let connected = match (heard.own, heard.connected) {
        (true, _) => "this node",
        (false, true) => "yes",
        (false, false) => "no",
    };
    let last = heard.last_heard_slot;
    vec![
        validator_words(&heard.validator),
        connected.to_owned(),
        last.map_or_else(|| "not at this height".to_owned(), |slot| format!("slot {slot}")),
    ]
}

/// The connected peers.
#[must_use]
pub fn peers(peers: &[PeerInfo]) -> Report {
    let row = |peer: &PeerInfo| {
        let unknown = || "?".to_owned();
        vec![
            peer.validator.as_ref().map_or_else(|| "-".to_owned(), validator_words),
            peer.head.as_ref().map_or_else(unknown, |head| head.number.to_string()),
            peer.clock_offset_ms
                .map_or_else(unknown, |offset| format!("{offset:+} ms")),
            peer.round_trip_us.map_or_else(unknown, |micros| {
                format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
            }),
            peer.score.to_string(),
            peer.agent.clone(),
            place(&peer.address),
            peer.peer_id.clone(),
        ]
    };
    let rows: Vec<_> = peers.iter().map(row).collect();
    let header = [
        "VALIDATOR",
        "HEAD",
        "CLOCK",
        "ROUND TRIP",
        "SCORE",
        "AGENT",
        "ADDRESS",
        "PEER",
    ];
    let report = Report::new(table(&header, &rows), &peers);
    match peers {
        [] => report.with_next("Nobody is connected; see what to do: passport stalled.".to_owned()),
        _ => report,
    }
}

/// An address without the peer id, which has a column of its own.
fn place(address: &str) -> String {
    address.split("/p2p/").next().unwrap_or_default().to_owned()
}

/// A validator in a word or two.
#[must_use]
pub fn validator_words(validator: &ValidatorName) -> String {
    let cloud = validator.cloud.clone();
    cloud.unwrap_or_else(|| validator.consensus_key.to_string())
}
