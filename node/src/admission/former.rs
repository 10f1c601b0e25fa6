//! Who was removed from the set and has nobody there in their place? What the notary's word takes out is counted with them.
//!
//! Called by [`super::chain`]. No list in the contract says so. Accounts that may have been removed are the genesis validators, the owners
//! and nominees of members, whom votes have admitted and whose number is bounded, and those whose removal was seen carried out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use alloy_primitives::Address;
use ledger_chainspec::{SetId, ValidatorSet};
use ledger_contracts::{Bootstrap, ValidatorStatus};

use super::chain::{Seated, View};

/// Looks for those that were removed.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// Accounts that may have been removed from the set.
    accounts: BTreeSet<Address>,
    /// The set as of which members were asked for theirs.
    members_read_at: Option<SetId>,
}

/// An account and the block since which it is what it is.
type Since = (u64, Address);

/// The accounts of one member: those that were removed, and those in the set.
#[derive(Debug, Default)]
struct Seats {
    removed: Vec<Since>,
    seated: Vec<Since>,
}

impl Former {
    /// Takes down that a vote removed an account, now or long ago.
    pub(super) fn note(&mut self, account: Address) {
        self.accounts.insert(account);
    }

    /// The validators that were removed by a vote, while their member is one and has none in the set in their place.
    pub(super) fn read(&mut self, view: &View<'_>, set: &ValidatorSet) -> Result<Vec<Seated>, String> {
        if self.members_read_at.is_none() {
            self.accounts.extend(view.genesis_validators());
        }
        if self.members_read_at != Some(set.id()) {
            for id in 1..=view.ask(&Bootstrap::memberCountCall {})? {
                let member = view.member(id)?;
                self.accounts.extend([member.owner, member.nominee]);
            }
        }
        let mut members: BTreeMap<u32, Seats> = BTreeMap::new();
        for account in &self.accounts {
            let validator = view.validator(*account)?;
            if ValidatorStatus::try_from(validator.status) == Ok(ValidatorStatus::Removed) {
                let seats = members.entry(validator.memberId).or_default();
                seats.removed.push((validator.since.to(), *account));
            }
        }
        self.accounts = removed_accounts(&members);
        self.members_read_at = Some(set.id());
        for validator in set.iter() {
            if let Some(seats) = members.get_mut(&validator.member_id.get()) {
                let since = view.validator(validator.account)?.since.to();
                seats.seated.push((since, validator.account));
            }
        }
        let mut removed = Vec::new();
        for (id, seats) in members {
            let member = view.member(id)?;
            if member.active {
                let seated = |account| Seated {
                    account,
                    member_name: member.name.clone(),
                };
                removed.extend(seats.vacant().into_iter().map(seated));
            }
        }
        Ok(removed)
    }
}

/// Those that are to be looked at again.
fn removed_accounts(members: &BTreeMap<u32, Seats>) -> BTreeSet<Address> {
    let removed = members.values().flat_map(|seats| &seats.removed);
    removed.map(|(_, account)| *account).collect()
}

impl Seats {
    /// Who was removed and has nobody in their place: a validator takes the place of one that was removed before it joined.
    fn vacant(mut self) -> Vec<Address> {
        // The last that were removed have the fewest to choose from.
        self.removed.sort_unstable_by_key(|seat| Reverse(*seat));
        self.seated.sort_unstable_by_key(|seat| Reverse(*seat));
        let mut joined = self.seated.iter().peekable();
        let is_vacant = |(since, _): &&Since| joined.next_if(|(joined, _)| joined > since).is_none();
        let vacant = self.removed.iter().filter(is_vacant);
        vacant.map(|(_, account)| *account).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is missing, by the blocks at which some were removed and others joined.
    fn vacant(removed: &[u64], seated: &[u64]) -> Vec<u64> {
        let seats = |blocks: &[u64]| -> Vec<Since> {
            let account = |block: &u64| (*block, Address::left_padding_from(&block.to_be_bytes()));
            blocks.iter().map(account).collect()
        };
        let seats = Seats {
            removed: seats(removed),
            seated: seats(seated),
        };
        let mut vacant: Vec<_> = seats.vacant();
        vacant.sort_unstable();
        let block = |account: Address| u64::from_be_bytes(account.0[12..].try_into().expect("eight bytes"));
        vacant.into_iter().map(block).collect()
    }

    #[test]
    fn a_place_is_taken_by_whoever_joined_after_it_was_left() {
        let table: [(&[u64], &[u64], &[u64]); 8] = [
            (&[5], &[], &[5]),
            (&[5], &[0], &[5]),
            (&[5], &[6], &[]),
            (&[5], &[5], &[5]),
            (&[5, 9], &[0], &[5, 9]),
            (&[5, 9], &[7], &[9]),
            (&[5, 9], &[10], &[5]),
            (&[5, 9], &[7, 10], &[]),
        ];
        for (removed, seated, expected) in table {
            assert_eq!(vacant(removed, seated), expected, "{removed:?} {seated:?}");
        }
    }
}
