//! On whose proposals to remove a validator does this node rely?
//!
//! Called by [`super::voting`]. Pure. Whoever opened a proposal can take it back and open it again for ever, so nobody waits for those of
//! an excluded validator, nor for those of somebody who did that once: then each opens its own beside, as the contract allows. Votes
//! are withheld from an excluded validator's alone: two for one removal harm nobody, and if each were withheld for the sake of another,
//! none would come about. One that ran out says nothing of whoever opened it: nobody may have been there to vote.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use super::{
    chain::{Facts, Removal},
    removal::Excluded,
};

/// Who opened what, and who took it back.
#[derive(Debug, Default)]
pub struct Proposers {
    /// Open removals of excluded validators, by number: of whom, and by whom.
    open: BTreeMap<u64, (Address, Address)>,
    /// Who took back the removal of whom, while the notary excluded it at every look that held.
    fickle: BTreeSet<(Address, Address)>,
}

impl Proposers {
    /// Follows what is open and who is excluded.
    pub fn follow(&mut self, facts: &Facts, excluded: &[Excluded]) {
        self.fickle.retain(|(account, _)| Excluded::has(excluded, *account));
        let withdrawn = self.open.iter().filter(|(id, _)| facts.withdrawn.contains(id));
        let withdrawn = withdrawn.map(|(_, of_and_by)| *of_and_by);
        self.fickle
            .extend(withdrawn.filter(|(account, _)| Excluded::has(excluded, *account)));
        let due = facts.removals.iter();
        let due = due.filter(|removal| Excluded::has(excluded, removal.account));
        self.open = due
            .map(|removal| (removal.standing.id, (removal.account, removal.standing.proposer)))
            .collect();
    }

    /// Whether this proposal is one to vote for.
    #[must_use]
    pub fn may_be_voted_for(removal: &Removal, excluded: &[Excluded]) -> bool {
        !Excluded::has(excluded, removal.standing.proposer)
    }

    /// Whether there is one to remove `account` that is likely to stay.
    #[must_use]
    pub fn is_proposed(&self, account: Address, removals: &[Removal], excluded: &[Excluded]) -> bool {
        let mut its = removals.iter().filter(|removal| removal.account == account);
        its.any(|removal| {
            let is_fickle = self.fickle.contains(&(account, removal.standing.proposer));
            !is_fickle && Self::may_be_voted_for(removal, excluded)
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::{super::chain::Standing, *};

    const BAD: Address = Address::repeat_byte(1);

    fn removal(id: u64, proposer: Address) -> Removal {
        Removal {
            standing: Standing {
                id,
                proposer,
                passed: None,
                executable_at: 0,
                ballot: B256::ZERO,
            },
            account: BAD,
        }
    }

    /// What is open, with who opened it, and what was taken back.
    fn facts(open: &[(u64, Address)], withdrawn: &[u64]) -> Facts {
        Facts {
            removals: open.iter().map(|(id, by)| removal(*id, *by)).collect(),
            withdrawn: withdrawn.iter().copied().collect(),
            ..Facts::default()
        }
    }

    fn excluded() -> [Excluded; 1] {
        let reason = "revoked".to_owned();
        [Excluded { account: BAD, reason }]
    }

    impl Proposers {
        fn is_proposed_in(&mut self, facts: &Facts) -> bool {
            self.follow(facts, &excluded());
            self.is_proposed(BAD, &facts.removals, &excluded())
        }
    }

    #[test]
    fn a_removal_that_its_proposer_takes_back_again_and_again_holds_up_nobody() {
        let [honest, fickle] = [2, 3].map(Address::repeat_byte);
        let mut proposers = Proposers::default();
        assert!(
            !proposers.is_proposed_in(&facts(&[(1, BAD)], &[])),
            "its own counts for nothing"
        );
        assert!(!Proposers::may_be_voted_for(&removal(1, BAD), &excluded()));
        assert!(proposers.is_proposed_in(&facts(&[(1, BAD), (2, fickle)], &[])));
        assert!(!proposers.is_proposed_in(&facts(&[], &[2])), "it was taken back");
        assert!(
            !proposers.is_proposed_in(&facts(&[(3, fickle)], &[2])),
            "once is enough"
        );
        assert!(proposers.is_proposed_in(&facts(&[(3, fickle), (4, honest)], &[2])));
        assert!(Proposers::may_be_voted_for(&removal(3, fickle), &excluded()));
        proposers.follow(&facts(&[(4, honest)], &[2, 3]), &[]);
        assert!(
            proposers.is_proposed_in(&facts(&[(5, fickle)], &[2, 3])),
            "the suspension was lifted meanwhile"
        );
    }

    #[test]
    fn removals_that_run_out_or_are_taken_back_one_after_the_other_never_leave_all_without_votes() {
        let validators = [2, 3, 4].map(Address::repeat_byte);
        // Whether each is taken back, or runs out since a majority is away.
        for takes_back in [false, true] {
            let mut proposers: [Proposers; 3] = Default::default();
            let (mut id, mut withdrawn) = (0, Vec::new());
            for round in 0..9 {
                id += 1;
                let proposer = validators[round % 3];
                let open = facts(&[(id, proposer)], &withdrawn);
                let is_proposed = proposers.each_mut().map(|own| own.is_proposed_in(&open));
                let is_known = takes_back && round >= 3;
                assert_eq!(is_proposed, [!is_known; 3], "{proposer} in round {round}, {takes_back}");
                if takes_back {
                    withdrawn.push(id);
                }
                let none = facts(&[], &withdrawn);
                assert_eq!(proposers.each_mut().map(|own| own.is_proposed_in(&none)), [false; 3]);
            }
            // The others are back. Whoever opens the next, or all of them: each votes for each.
            for validator in validators {
                id += 1;
                assert!(Proposers::may_be_voted_for(&removal(id, validator), &excluded()));
            }
        }
    }
}
