//! What does the mainchain say of this chain, for people?
//!
//! Shows what [`Confirmed`] holds; a node that reads nothing back has nothing to show.

use ledger_api::{AnchorAlarm, AnchorContradiction, AnchorPoint, AnchorStanding, AnchorStatus};
use ledger_chainspec::BlockNumber;
use ledger_checkpoint::reading::Standing;

use super::{super::error::RpcFailure, contracts::View};
use crate::anchor::{Confirmed, Contradiction, Point, Reading};

/// How reading stands; none if nothing is read.
pub(super) fn status(confirmed: &Confirmed, view: &View) -> Option<AnchorStatus> {
    let contract = confirmed.contract()?;
    let seen = confirmed.seen();
    Some(AnchorStatus {
        contract,
        complete: confirmed.reading() == Reading::Through,
        mainchain_block: seen.mainchain_block,
        answered_at: seen.answered_at,
        age_seconds: seen.newest.and_then(|newest| age_seconds(view, newest.height)),
        newest: seen.newest.map(point),
        believed: confirmed.believed().map(point),
        alarms: seen
            .alarms
            .into_iter()
            .map(|(name, message)| AnchorAlarm {
                name: name.to_owned(),
                message,
            })
            .collect(),
        contradiction: confirmed.contradiction().map(contradiction),
        recovering: confirmed.recovering(),
        refused: confirmed.refused().map(contradiction),
    })
}

/// Refuses to speak of a history that the mainchain contradicts.
pub(super) fn must_agree(confirmed: &Confirmed) -> Result<(), RpcFailure> {
    if let Some(index) = confirmed.recovering() {
        return Err(RpcFailure::Unavailable(format!(
            "this node waits for the recovery to checkpoint {index}, so that it cannot say what will hold. Ask again after it"
        )));
    }
    match confirmed.contradiction() {
        None => Ok(()),
        Some(contradiction) => Err(RpcFailure::Unavailable(format!(
            "this node's history is contradicted by the mainchain, so that it cannot say: {contradiction}. Ask another node"
        ))),
    }
}

fn age_seconds(view: &View, height: u64) -> Option<u64> {
    let header = view.runtime.store().header(BlockNumber::new(height)).ok().flatten()?;
    Some(view.now.saturating_sub(header.header.timestamp))
}

const fn point(point: Point) -> AnchorPoint {
    AnchorPoint {
        index: point.index,
        height: point.height,
        standing: match point.standing {
            Standing::Mined => AnchorStanding::Mined,
            Standing::Soft => AnchorStanding::Soft,
            Standing::Final => AnchorStanding::Final,
        },
    }
}

const fn contradiction(found: Contradiction) -> AnchorContradiction {
    AnchorContradiction {
        index: found.index,
        height: found.height,
        number: found.number,
        anchored: found.anchored,
        got: found.got,
    }
}
