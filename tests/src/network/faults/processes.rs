//! Processes that are killed, and processes that are held.

use crate::network::{
    campaign::{Campaign, Told},
    cluster::{NODES, VALIDATORS},
    stop,
};

/// Slots that a killed validator is down, and that the next one is left alive afterwards.
const DOWN_SLOTS: u32 = 4;

/// Kills each validator in turn; at any time three are there.
pub fn kill(campaign: &mut Campaign) -> Result<Told, String> {
    let mut told = Told::default();
    for index in 0..VALIDATORS {
        let before = campaign.watch.height();
        campaign.cluster.node(index).kill();
        campaign.rest(DOWN_SLOTS)?;
        campaign.cluster.restart(index)?;
        let patience = campaign.slot() * 60;
        // The next one dies only when this one has what became final without it.
        let height = campaign.watch.height();
        let is_back = stop::until(patience, || campaign.watch.heights()[index] >= height)?;
        told.expect(is_back, || {
            format!("validator-{index} did not catch up within 60 slots")
        });
        told.expect(height > before, || {
            format!("no block was final while validator-{index} was down")
        });
        campaign.rest(DOWN_SLOTS)?;
    }
    Ok(told)
}

/// Kills everybody: what was final is on the disks, or nowhere.
pub fn kill_all(campaign: &mut Campaign) -> Result<Told, String> {
    for index in 0..NODES {
        campaign.cluster.node(index).kill();
    }
    campaign.rest(1)?;
    for index in 0..NODES {
        campaign.cluster.restart(index)?;
    }
    Ok(Told::default())
}

/// Holds one validator.
pub fn stop_one(campaign: &mut Campaign) -> Result<Told, String> {
    hold(campaign, &[1])
}

/// Holds two validators: the other two are no quorum.
pub fn stop_two(campaign: &mut Campaign) -> Result<Told, String> {
    let before = campaign.watch.height();
    let mut told = hold(campaign, &[1, 2])?;
    // A block may have had its votes already.
    let after = campaign.watch.height();
    told.expect(after <= before + 1, || {
        format!("blocks {before} to {after} became final without a quorum")
    });
    Ok(told)
}

fn hold(campaign: &mut Campaign, indices: &[usize]) -> Result<Told, String> {
    for index in indices {
        campaign.cluster.node(*index).signal("STOP");
    }
    let held = campaign.last();
    for index in indices {
        campaign.cluster.node(*index).signal("CONT");
    }
    held.map(|()| Told::default())
}
