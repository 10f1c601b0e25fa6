//! Which proposals have to be looked at for those that are open? The newest, and all that validators have made.
//!
//! Called by [`super::governance`]. Requests for admission cost nothing, so that any number of them may come after a proposal that
//! validators have to vote on. A proposal's kind never changes, and the contract takes one open proposal of each kind from each
//! validator: so what validators proposed is remembered once it was seen, and what was never looked at is, a bounded number in each
//! question.

use std::collections::BTreeSet;

/// Newest proposals that are looked at for open ones. A request for admission that is not found here is found by its number.
const NEWEST_MAX: u64 = 1_000;

/// Others that are looked at for the first time in one question.
const UNSEEN_MAX: u64 = 1_000;

/// What was seen of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A request, or what can come to nothing any more.
    NotKept,
    /// A proposal that only a validator can make, and that can come to something.
    OfValidator,
}

/// What is known of the proposals on the chain.
#[derive(Debug, Default)]
pub struct OpenProposals {
    /// Those of validators that were open when they were last looked at.
    kept: BTreeSet<u64>,
    /// The first and the last of those that were looked at, without a gap.
    seen: Option<(u64, u64)>,
}

/// What one question looks at.
#[derive(Debug)]
pub(super) struct Look {
    /// The proposals.
    pub(super) ids: BTreeSet<u64>,
    /// The first of the newest.
    pub(super) newest: u64,
    before: Option<(u64, u64)>,
    after: (u64, u64),
}

impl OpenProposals {
    /// What to look at, of `count` proposals.
    pub(super) fn look(&self, count: u64) -> Look {
        let newest = count.saturating_sub(NEWEST_MAX) + 1;
        let (first, last) = self.seen.unwrap_or((newest, count));
        let above_to = newest.min(last.saturating_add(UNSEEN_MAX + 1));
        let above = last + 1..above_to;
        let left = UNSEEN_MAX - above.clone().count() as u64;
        let below_from = first.saturating_sub(left).max(1);
        let after_last = if above_to == newest { count } else { above_to - 1 };
        let ids = (newest..=count).chain(above).chain(below_from..first);
        Look {
            ids: ids.chain(self.kept.iter().copied()).collect(),
            newest,
            before: self.seen,
            after: (below_from, after_last.max(last)),
        }
    }

    /// Takes down what was seen. Of two questions at the same time, the first moves on what was never looked at.
    pub(super) fn note(&mut self, look: &Look, seen: impl Iterator<Item = (u64, Seen)>) {
        for (id, seen) in seen {
            match seen {
                Seen::NotKept => self.kept.remove(&id),
                Seen::OfValidator => self.kept.insert(id),
            };
        }
        if self.seen == look.before {
            self.seen = Some(look.after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One question on a chain where validators have made `own` of `count` proposals: what was looked at, and found.
    fn ask(open: &mut OpenProposals, count: u64, own: &[u64]) -> (usize, BTreeSet<u64>) {
        let look = open.look(count);
        let seen = |id: &u64| match own.contains(id) {
            true => Seen::OfValidator,
            false => Seen::NotKept,
        };
        open.note(&look, look.ids.iter().map(|id| (*id, seen(id))));
        let found = own.iter().copied().filter(|id| look.ids.contains(id)).collect();
        (look.ids.len(), found)
    }

    #[test]
    fn no_number_of_requests_hides_what_validators_proposed() {
        let mut open = OpenProposals::default();
        let own = [1];
        for count in [1, 2, 1_001, 1_002, 5_000, 100_000] {
            let (looked_at, found) = ask(&mut open, count, &own);
            assert!(found.contains(&1), "{count}");
            assert!(looked_at as u64 <= NEWEST_MAX + UNSEEN_MAX + 1, "{count}: {looked_at}");
        }
        ask(&mut open, 100_000, &[]);
        assert!(open.kept.is_empty(), "it is over");
    }

    #[test]
    fn all_is_looked_at_once_whatever_comes_meanwhile() {
        let own = [3, 1_500, 4_100, 9_000, 11_500];
        let mut open = OpenProposals::default();
        let mut found = BTreeSet::new();
        for count in [5_000, 5_500, 10_000, 12_000, 12_000, 12_000]
            .into_iter()
            .chain([12_000; 9])
        {
            found = ask(&mut open, count, &own).1;
        }
        assert_eq!(found, BTreeSet::from(own));
        assert_eq!(open.seen, Some((1, 12_000)));
        assert_eq!(open.look(12_000).ids.len() as u64, NEWEST_MAX + 4, "nothing is unseen");
    }

    #[test]
    fn a_chain_without_proposals_and_two_questions_at_once_are_fine() {
        let mut open = OpenProposals::default();
        assert!(open.look(0).ids.is_empty());
        assert_eq!(ask(&mut open, 0, &[]), (0, BTreeSet::new()));
        let (one, two) = (open.look(3_000), open.look(3_500));
        open.note(&one, [].into_iter());
        let seen = open.seen;
        open.note(&two, [].into_iter());
        assert_eq!(open.seen, seen);
    }
}
