//! Cuts through the network, and their healing.

use crate::network::campaign::{Campaign, Told};

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
    Ok(told)
}
