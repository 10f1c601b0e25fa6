//! On whose proposals to remove a validator does this node rely?
//!
//! Called by [`super::voting`]. Pure. Whoever opened a proposal can take it back and open it again for ever, so nobody waits for those of
//! an excluded validator, nor for those of somebody who did that once: then each opens its own beside, as the contract allows.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use super::{chain::Removal, removal::Excluded};

/// Who opened what, and who took it back.
#[derive(Debug, Default)]
pub struct Proposers {
    /// Open removals of excluded validators, by number: of whom, and by whom.
    open: BTreeMap<u64, (Address, Address)>,
    /// Who took back the removal of whom, while the notary excluded it all the time.
    fickle: BTreeSet<(Address, Address)>,
}

impl Proposers {
    /// Follows what is open and who is excluded.
    pub fn follow(&mut self, removals: &[Removal], excluded: &[Excluded]) {
        self.fickle.retain(|(account, _)| Excluded::has(excluded, *account));
        let is_open = |id: &u64| removals.iter().any(|removal| removal.standing.id == *id);
        let gone = self.open.iter().filter(|(id, _)| !is_open(id));
        let gone = gone.map(|(_, of_and_by)| *of_and_by);
        self.fickle
            .extend(gone.filter(|(account, _)| Excluded::has(excluded, *account)));
        let due = removals
            .iter()
            .filter(|removal| Excluded::has(excluded, removal.account));
        self.open = due
            .map(|removal| (removal.standing.id, (removal.account, removal.standing.proposer)))
            .collect();
    }

    /// Whether this proposal is one to vote for.
    #[must_use]
    pub fn is_relied_on(&self, removal: &Removal, excluded: &[Excluded]) -> bool {
        let by = removal.standing.proposer;
        !Excluded::has(excluded, by) && !self.fickle.contains(&(removal.account, by))
    }

    /// Whether there is one to remove `account`.
    #[must_use]
    pub fn is_proposed(&self, account: Address, removals: &[Removal], excluded: &[Excluded]) -> bool {
        let mut its = removals.iter().filter(|removal| removal.account == account);
        its.any(|removal| self.is_relied_on(removal, excluded))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::{super::chain::Standing, *};

    #[test]
    fn a_removal_that_its_proposer_takes_back_again_and_again_holds_up_nobody() {
        let [bad, honest, fickle] = [1, 2, 3].map(Address::repeat_byte);
        let removal = |id: u64, proposer: Address| Removal {
            standing: Standing {
                id,
                proposer,
                passed: None,
                executable_at: 0,
                ballot: B256::ZERO,
            },
            account: bad,
        };
        let excluded = [Excluded {
            account: bad,
            reason: "revoked".to_owned(),
        }];
        let mut proposers = Proposers::default();
        let mut is_proposed = |open: &[Removal], excluded: &[Excluded]| {
            proposers.follow(open, excluded);
            proposers.is_proposed(bad, open, excluded)
        };
        assert!(
            !is_proposed(&[removal(1, bad)], &excluded),
            "its own counts for nothing"
        );
        assert!(is_proposed(&[removal(1, bad), removal(2, fickle)], &excluded));
        assert!(!is_proposed(&[], &excluded), "it was taken back");
        assert!(!is_proposed(&[removal(3, fickle)], &excluded), "once is enough");
        assert!(is_proposed(&[removal(3, fickle), removal(4, honest)], &excluded));
        is_proposed(&[removal(4, honest)], &[]);
        assert!(
            is_proposed(&[removal(5, fickle)], &excluded),
            "the suspension was lifted meanwhile"
        );
    }
}
