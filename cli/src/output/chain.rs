//! The chain, its validators and balances, shown.

use alloy_primitives::{Address, U256};
use ledger_api::{AnchorStanding, NodeStatus, ValidatorsInfo, whole};
use serde::Serialize;

use super::{Report, consensus::validator_words, pairs, table};
use crate::time::{span, utc};

/// How the node and its chain stand.
#[must_use]
pub fn status(status: &NodeStatus) -> Report {
    let rows = [
        ("Chain", format!("{} (id {})", status.chain, status.chain_id)),
        (
            "Head",
            format!("block {}, {}", status.head.number, utc(status.head.timestamp)),
        ),
        ("Head hash", status.head.hash.to_string()),
        ("Slot", format!("{}, of {} ms", status.slot, status.slot_duration_ms)),
        ("Validators", format!("{}, set {}", status.validators, status.set_id)),
        ("Signs for", signs_for(status)),
        ("Peers", peers(status)),
        ("Synchronised", synchronised(status)),
        (
            "Waiting",
            format!("{} ready, {} queued", status.pool.pending, status.pool.queued),
        ),
        ("Checkpoints", checkpoints(status)),
        ("Anchored", anchored(status)),
        ("History from", format!("block {}", status.history_from)),
        ("Genesis", status.genesis_hash.to_string()),
        ("Bootstrap", status.contracts.bootstrap.to_string()),
        ("Transact", status.contracts.transact.to_string()),
        ("PassportToken", status.contracts.passport_token.to_string()),
        ("Node", status.client_version.clone()),
    ];
    Report::new(pairs(&rows), status)
}

fn signs_for(status: &NodeStatus) -> String {
    let own = status.own_validator.as_ref();
    own.map_or_else(|| "nobody: it follows the chain".to_owned(), validator_words)
}

fn peers(status: &NodeStatus) -> String {
    let mut words = status.peers.to_string();
    if status.connected_validators > 0 {
        words += &format!(", {} of them validators", status.connected_validators);
    }
    // What peers told last is older than what this node has, unless it is behind.
    if let Some(highest) = status
        .highest_peer_block
        .filter(|highest| *highest > status.head.number)
    {
        words += &format!("; the newest block of all is {highest}");
    }
    words
}

fn checkpoints(status: &NodeStatus) -> String {
    let told = status.checkpoints.as_ref();
    told.map_or_else(|| "not told by this node".to_owned(), |told| told.summary.clone())
}

fn synchronised(status: &NodeStatus) -> String {
    match (status.syncing, status.sync_target) {
        (false, _) if status.peers == 0 && status.own_validator.is_none() => "unknown: nobody is connected".to_owned(),
        (false, _) => "yes".to_owned(),
        (true, Some(target)) => format!("not yet; fetches blocks up to {target}"),
        (true, None) => "not yet".to_owned(),
    }
}

/// How far the chain is anchored on the mainchain, and what is wrong with that.
fn anchored(status: &NodeStatus) -> String {
    let Some(anchor) = &status.anchor else {
        return "unknown: this node does not read the mainchain".to_owned();
    };
    if let Some(found) = &anchor.contradiction {
        return format!(
            "CONTRADICTED by checkpoint {}: block {} is {} there and {} here; ledger-node has stopped",
            found.index, found.number, found.anchored, found.got
        );
    }
    let standing = |standing| match standing {
        AnchorStanding::Mined => "mined",
        AnchorStanding::Soft => "soft",
        AnchorStanding::Final => "final",
    };
    let mut words = match &anchor.newest {
        None => "not yet".to_owned(),
        Some(newest) => format!(
            "up to block {}, checkpoint {} ({})",
            newest.height,
            newest.index,
            standing(newest.standing)
        ),
    };
    if let Some(age) = anchor.age_seconds {
        words += &format!(", {} old", span(age));
    }
    if let Some(believed) = anchor.believed.filter(|believed| Some(*believed) != anchor.newest) {
        words += &format!("; believed up to block {}", believed.height);
    }
    if let Some(index) = anchor.recovering {
        words += &format!(
            "; this node waits for the recovery to checkpoint {index}, and does nothing but governance until then"
        );
    }
    for alarm in &anchor.alarms {
        words += &format!("; {}", alarm.message);
    }
    words
}

/// Who runs the chain.
#[must_use]
pub fn validators(set: &ValidatorsInfo) -> Report {
    let rows: Vec<_> = set
        .validators
        .iter()
        .map(|validator| {
            vec![
                validator.index.to_string(),
                validator.cloud.clone(),
                validator.account.to_string(),
                validator.peer_id.clone(),
            ]
        })
        .collect();
    let count = set.validators.len();
    let text = format!(
        "Set {}: {count} {}, {} of them make a block final\n\n{}",
        set.set_id,
        if count == 1 { "validator" } else { "validators" },
        set.quorum,
        table(&["TURN", "CLOUD", "ACCOUNT", "PEER"], &rows)
    );
    Report::new(text, set)
}

/// What an account has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// The account.
    pub address: Address,
    /// Passport tokens, in the token's smallest unit.
    pub passport_tokens: U256,
    /// Coins, in wei.
    pub coins: U256,
}

/// What an account has.
#[must_use]
pub fn balance(balance: &Balance) -> Report {
    let rows = [
        ("Account", balance.address.to_string()),
        ("Passport tokens", format!("{} PASS", whole(balance.passport_tokens))),
        ("Coins", whole(balance.coins)),
    ];
    Report::new(pairs(&rows), balance)
}
