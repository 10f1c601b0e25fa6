//! Who must have proposed this, and did it?
//!
//! Asked before anything of a proposal is kept, and by the driver before it fetches a proposal's transactions.

use ledger_chainspec::{
    BlockNumber, ConsensusKey, Header, Slot, StatementKind, UnixMillis, ValidatorSet, block_hash, digest_of, seal_hash,
};

use super::{Engine, oldest_kept};
use crate::{
    header_rules::open_height,
    message::{Place, Reproposal, SignedStatement, reproposal_statement},
    rejection::{HeaderError, Rejection},
};

impl Engine {
    /// Whether the bodies of a proposal are worth fetching: it is for the open height or the next one and a slot that is not
    /// over at `now`, and the authority of that slot signed it. Nothing is kept; the whole proposal is for [`Engine::handle`].
    /// The time is told, since an engine that had nothing to do last heard of it slots ago.
    ///
    /// # Errors
    /// [`Rejection`] as for the whole proposal.
    pub fn check_proposer(
        &self,
        now: UnixMillis,
        header: &Header,
        again: Option<&Reproposal>,
    ) -> Result<(), Rejection> {
        let open = open_height(&self.head);
        let height = BlockNumber::new(header.number);
        if height < open {
            return Err(Rejection::HeightFinal { height });
        }
        if height > open && open.next() != Some(height) {
            return Err(Rejection::HeightAhead { height, open });
        }
        let place = Place { height, ..self.place() };
        let (signed, voter) = proposer_statement(&place, (header, again), &self.head.set)?;
        let current = self.params.schedule.slot_at(now.max(self.now));
        let slot = signed.statement.slot;
        self.refuse_after(current, slot)?;
        if slot < oldest_kept(current) {
            return Err(Rejection::SlotPast { slot, current });
        }
        match signed.statement.verify(&voter, &signed.signature) {
            true => Ok(()),
            // Another set, not known here yet, may govern the next height.
            false if height > open => Err(Rejection::HeightAhead { height, open }),
            false => Err(Rejection::Signature { voter }),
        }
    }

    /// A slot may be the next one by another clock; no later one (R9).
    pub(super) fn refuse_after(&self, current: Slot, slot: Slot) -> Result<(), Rejection> {
        match self.rules.is_too_early(slot, current) {
            true => Err(Rejection::SlotAhead { slot, current }),
            false => Ok(()),
        }
    }
}

/// What the proposer must have signed, with the signature it gave, and who it must be. Nothing is verified.
pub(super) fn proposer_statement(
    place: &Place,
    (header, again): (&Header, Option<&Reproposal>),
    set: &ValidatorSet,
) -> Result<(SignedStatement, ConsensusKey), Rejection> {
    let (statement, signature) = match again {
        None => {
            let digest = digest_of(header).map_err(HeaderError::from)?;
            let signature = digest.seal.ok_or(HeaderError::NoSeal)?;
            let sealed = seal_hash(header, &digest);
            (
                place.statement(StatementKind::Seal, digest.slot, sealed, None),
                signature,
            )
        }
        Some(again) => {
            let valid_slot = again.valid_slot().ok_or(Rejection::Justification { certificates: 0 })?;
            let hash = block_hash(header);
            (
                reproposal_statement(place, again.slot, hash, valid_slot),
                again.signature,
            )
        }
    };
    let proposer = set.authority(statement.slot).consensus_key;
    Ok((SignedStatement { statement, signature }, proposer))
}
