//! Cuts through the network, and their healing.

use crate::network::{
    campaign::{Campaign, Told},
    stop,
};

/// Slots from the healing of a cut to the next final block: connections that a cut has killed are dialled anew, which TCP tries after one, three
/// and seven seconds, and a block of the next slot or the one after it is the first with all votes.
const HEALED_SLOTS_MAX: u32 = 8;

/// One validator alone: the others go on, and it gets nothing.
pub fn three_one(campaign: &mut Campaign) -> Result<Told, String> {
    let before = campaign.watch.height();
    campaign.cluster.wiring().cut(&[3])?;
    let lasted = campaign.last();
    let (alone, height) = (campaign.watch.heights()[3], campaign.watch.height());
    campaign.cluster.wiring().cut(&[])?;
    lasted?;
    let mut told = Told::default();
    // What was on its way may have come yet.
    told.expect(alone <= before + 1, || {
        format!("the cut leaks: validator-3 went from {before} to {alone}")
    });
    told.expect(height > before + 1, || "three of four did not go on".to_owned());
    Ok(told)
}

/// Two and two: nobody may go on.
pub fn two_two(campaign: &mut Campaign) -> Result<Told, String> {
    let before = campaign.watch.height();
    campaign.cluster.wiring().cut(&[2, 3])?;
    let lasted = campaign.last();
    let height = campaign.watch.height();
    campaign.cluster.wiring().cut(&[])?;
    lasted?;
    let mut told = Told::default();
    told.expect(height <= before + 1, || {
        format!("blocks {before} to {height} became final without a quorum on either side")
    });
    let is_healed = stop::until(campaign.slot() * HEALED_SLOTS_MAX, || campaign.watch.height() > height)?;
    told.expect(is_healed, || {
        format!("no block was final within {HEALED_SLOTS_MAX} slots after the cut was healed")
    });
    Ok(told)
}
