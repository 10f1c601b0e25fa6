//! Which proposals are looked at in a round? Of requests that nobody here has voted on, the newest; of what this account has a vote on
//! and of removals, all.
//!
//! Called by [`super::chain`]. Pure. A request costs nothing and anybody can open one, so that any number may come after one that
//! matters: an own vote that fell out of sight could not be taken back, and would help to admit whoever was revoked since. So what
//! matters stays in sight until it is over, and what is older than the newest is swept in steps, from the newest to the oldest and
//! again: that finds what was open before this process ran, and votes that a person cast.

use std::collections::BTreeSet;

/// Newest proposals that are looked at in every round.
pub const NEWEST_MAX: u64 = 1_000;

/// Older ones that are looked at in a round, in turn: a round costs no more than twice what the newest cost.
const SWEPT_MAX: u64 = NEWEST_MAX;

/// What was seen of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing can come of it any more, or it is of no kind that matters here.
    Over,
    /// An open request for admission.
    Request {
        /// Whether this account has a vote on it.
        has_ballot: bool,
    },
    /// An open removal.
    Removal,
}

/// Which proposals are followed.
#[derive(Debug)]
pub struct Following {
    newest_max: u64,
    swept_max: u64,
    /// The first of the newest.
    newest: u64,
    /// Those of the newest that are over, which they stay.
    over: BTreeSet<u64>,
    /// Open removals, and open requests with an own ballot.
    kept: BTreeSet<u64>,
    /// Those that this node has said a vote on, which may not be in a block yet.
    voted: BTreeSet<u64>,
    sweep: Sweep,
}

/// A pass over the older ones, from the newest of them downwards.
#[derive(Debug)]
struct Sweep {
    /// Below it, all are over.
    lowest: u64,
    /// The first that is not of this pass.
    end: u64,
    /// The next to look at; below `lowest` when the pass is done.
    next: u64,
    /// The lowest that was seen open in this pass.
    lowest_open: Option<u64>,
}

impl Default for Following {
    fn default() -> Self {
        Self::bounded(NEWEST_MAX, SWEPT_MAX)
    }
}

impl Following {
    const fn bounded(newest_max: u64, swept_max: u64) -> Self {
        Self {
            newest_max,
            swept_max,
            newest: 1,
            over: BTreeSet::new(),
            kept: BTreeSet::new(),
            voted: BTreeSet::new(),
            sweep: Sweep {
                lowest: 1,
                end: 1,
                next: 0,
                lowest_open: None,
            },
        }
    }

    /// Follows these in any case, as long as they are open.
    pub fn follow_voted(&mut self, voted: BTreeSet<u64>) {
        self.voted = voted;
    }

    /// The proposals to look at, of `count`. Each of them is to be [noted](Self::note), and then the round [ends](Self::end).
    pub fn begin(&mut self, count: u64) -> BTreeSet<u64> {
        self.newest = count.saturating_sub(self.newest_max) + 1;
        self.over = self.over.split_off(&self.newest);
        let newest = (self.newest..=count).filter(|id| !self.over.contains(id));
        let voted = self.voted.range(..=count).copied();
        newest
            .chain(voted)
            .chain(self.kept.iter().copied())
            .chain(self.sweep.step(self.swept_max))
            .collect()
    }

    /// Takes down what was seen of one, and says whether it counts among the facts.
    pub fn note(&mut self, id: u64, seen: Seen) -> bool {
        let is_kept = match seen {
            Seen::Over => {
                self.kept.remove(&id);
                self.voted.remove(&id);
                if id >= self.newest {
                    self.over.insert(id);
                }
                return false;
            }
            Seen::Removal => true,
            Seen::Request { has_ballot } => has_ballot,
        };
        self.sweep.note_open(id);
        match is_kept {
            true => self.kept.insert(id),
            false => self.kept.remove(&id),
        };
        is_kept || id >= self.newest || self.voted.contains(&id)
    }

    /// Ends a round in which all were noted; one that failed is begun again.
    pub fn end(&mut self) {
        self.sweep.go_on(self.swept_max, self.newest);
    }
}

impl Sweep {
    fn step(&self, most: u64) -> std::ops::RangeInclusive<u64> {
        let last = self.next.saturating_sub(most) + 1;
        last.max(self.lowest)..=self.next
    }

    fn note_open(&mut self, id: u64) {
        if id < self.end {
            self.lowest_open = Some(self.lowest_open.map_or(id, |lowest| lowest.min(id)));
        }
    }

    fn go_on(&mut self, most: u64, newest: u64) {
        self.next = self.next.saturating_sub(most);
        if self.next < self.lowest {
            // This pass has seen all of them.
            self.lowest = self.lowest_open.take().unwrap_or(self.end);
            self.end = newest;
            self.next = newest.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const NEWEST: u64 = 5;
    const SILENT: Seen = Seen::Request { has_ballot: false };
    const VOTED: Seen = Seen::Request { has_ballot: true };

    /// What is on a chain; what is not told is a request without a vote.
    #[derive(Default)]
    struct Chain {
        told: BTreeMap<u64, Seen>,
        count: u64,
    }

    impl Chain {
        /// A round: what was looked at, and what are the facts.
        fn round(&self, following: &mut Following) -> (BTreeSet<u64>, BTreeSet<u64>) {
            let looked_at = following.begin(self.count);
            let seen = |id: &u64| self.told.get(id).copied().unwrap_or(SILENT);
            let facts = looked_at.iter().copied();
            let facts = facts.filter(|id| following.note(*id, seen(id))).collect();
            following.end();
            (looked_at, facts)
        }

        fn facts(&self, following: &mut Following) -> BTreeSet<u64> {
            self.round(following).1
        }
    }

    #[test]
    fn a_flood_of_requests_hides_neither_an_own_vote_nor_a_removal() {
        let mut following = Following::bounded(NEWEST, NEWEST);
        let mut chain = Chain {
            told: BTreeMap::from([(1, VOTED), (2, Seen::Removal), (3, SILENT)]),
            count: 3,
        };
        assert_eq!(chain.facts(&mut following), BTreeSet::from([1, 2, 3]));
        for count in [8, 9, 500, 10_000] {
            chain.count = count;
            let facts = chain.facts(&mut following);
            assert!(facts.is_superset(&BTreeSet::from([1, 2])), "{count}: {facts:?}");
            assert_eq!(facts.len() as u64, 2 + NEWEST, "{count}");
        }
        chain.told.extend([(1, Seen::Over), (2, Seen::Over)]);
        assert_eq!(chain.facts(&mut following).len() as u64, NEWEST);
    }

    #[test]
    fn a_vote_that_is_on_its_way_when_the_flood_comes_is_followed_until_it_is_over() {
        let mut following = Following::bounded(NEWEST, NEWEST);
        let mut chain = Chain {
            count: 1,
            ..Chain::default()
        };
        assert!(chain.facts(&mut following).contains(&1));
        following.follow_voted(BTreeSet::from([1]));
        chain.count = 1_000;
        for _ in 0..3 {
            assert!(chain.facts(&mut following).contains(&1));
        }
        chain.told.insert(1, VOTED);
        chain.round(&mut following);
        following.follow_voted(BTreeSet::new());
        assert!(chain.facts(&mut following).contains(&1), "the chain has it now");
    }

    #[test]
    fn a_restart_finds_again_what_matters_in_bounded_steps() {
        let mut following = Following::bounded(NEWEST, NEWEST);
        let chain = Chain {
            told: BTreeMap::from([(3, VOTED), (40, Seen::Removal)]),
            count: 100,
        };
        let mut facts = BTreeSet::new();
        for _ in 0..=20 {
            let (looked_at, found) = chain.round(&mut following);
            assert!(looked_at.len() as u64 <= 2 * NEWEST + 2, "{looked_at:?}");
            facts = found;
        }
        assert!(facts.is_superset(&BTreeSet::from([3, 40])), "{facts:?}");
    }

    #[test]
    fn the_sweep_finds_a_persons_later_vote_and_leaves_out_what_is_over() {
        let mut following = Following::bounded(NEWEST, NEWEST);
        let mut chain = Chain {
            told: (1..=50).map(|id| (id, Seen::Over)).collect(),
            count: 70,
        };
        for _ in 0..30 {
            chain.round(&mut following);
        }
        for _ in 0..10 {
            let (looked_at, facts) = chain.round(&mut following);
            assert!(looked_at.first() > Some(&50), "{looked_at:?}");
            assert_eq!(facts, (66..=70).collect());
        }
        chain.told.insert(52, VOTED);
        assert!((0..4).any(|_| chain.facts(&mut following).contains(&52)));
    }

    #[test]
    fn a_round_that_failed_is_begun_again() {
        let mut following = Following::bounded(NEWEST, NEWEST);
        following.begin(100);
        following.end();
        let first = following.begin(100);
        assert_eq!(following.begin(100), first);
        following.end();
        assert_ne!(following.begin(100), first);
    }
}
