//! A disk that is full.

use std::time::Duration;

use crate::{
    crash::{Fault, FaultyCall, Shim},
    network::campaign::{Campaign, Told},
};

/// Whose disk it is.
const FULL: usize = 1;
/// Writes to the log of the chain's database that succeed first: the start's, and those of some blocks.
const WRITES: u64 = 12;
/// Linux' number of "no space left on device".
const ENOSPC: i32 = 28;
/// How long it may take until the disk is full and the node has ended.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

/// Fills the disk of one validator: it has to end with clear words, and to come back when there is room.
pub fn full(campaign: &mut Campaign) -> Result<Told, String> {
    let shim = Shim::build()?;
    let fault = Fault {
        call: FaultyCall::Write,
        path: "*/data/chain/*.log",
        errno: ENOSPC,
        skip: WRITES,
        once: false,
    };
    let node = campaign.cluster.node(FULL);
    node.terminate();
    node.set_environment(shim.environment(Some(&fault)));
    campaign.cluster.restart(FULL)?;
    let mut told = Told::default();
    match campaign.cluster.node(FULL).ended_within(ENDS_WITHIN) {
        None => told.wrong.push(format!(
            "it still runs after {} s, with {} writes that failed",
            ENDS_WITHIN.as_secs(),
            shim.faults()
        )),
        Some(refused) => {
            let last = refused.words.lines().rev().find(|line| line.contains("No space left"));
            told.expect(last.is_some(), || {
                format!("it ended without a word about the disk: {refused}")
            });
            if let Some(last) = last {
                told.notes
                    .push(format!("it ended with {} and `{}`", refused.status, last.trim()));
            }
        }
    }
    campaign.last()?;
    campaign.cluster.node(FULL).set_environment(Vec::new());
    campaign.cluster.restart(FULL)?;
    Ok(told)
}
