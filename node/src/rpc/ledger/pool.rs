//! What do the clouds give, and how much of it is left?

use ledger_api::{OfferInfo, PoolEntry, SpecInfo};
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::Transact;

use super::{super::error::RpcFailure, contracts::View};

/// All specifications, by number.
pub(super) fn specs(view: &View) -> Result<Vec<SpecInfo>, RpcFailure> {
    (1..=view.spec_count()?).map(|spec_id| view.spec(spec_id)).collect()
}

/// The pool of each specification.
pub(super) fn entries(view: &View) -> Result<Vec<PoolEntry>, RpcFailure> {
    let clouds = view.clouds()?;
    let entry = |spec: SpecInfo| {
        let spec_id = spec.spec_id;
        let pool = view.ask(TRANSACT, &Transact::poolCall { specId: spec_id })?;
        let mut offers = Vec::new();
        for cloud in &clouds {
            let offer = view.ask(
                TRANSACT,
                &Transact::offerCall {
                    memberId: cloud.member_id,
                    specId: spec_id,
                },
            )?;
            if offer.quantity > 0 || offer.paused {
                offers.push(OfferInfo {
                    member_id: cloud.member_id,
                    cloud: cloud.name.clone(),
                    left: offer.quantity.into(),
                    paused: offer.paused,
                });
            }
        }
        Ok(PoolEntry {
            spec_id,
            name: spec.name,
            live_codes: pool.live.into(),
            offered: pool.open.into(),
            available: pool.available.into(),
            offers,
        })
    };
    specs(view)?.into_iter().map(entry).collect()
}
