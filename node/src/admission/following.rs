//! Which proposals are looked at in a round? Of requests that nobody here has voted on, the newest; of what this account has a vote on
//! and of removals, all.
//!
//! Called by [`super::chain`]. Pure. A request costs nothing and anybody can open one, so that any number may come after one that
//! matters: an own vote that fell out of sight could not be taken back, and would help to admit whoever was revoked since. So what
//! matters stays in sight until it is over, and what is older than the newest is swept in steps, from the newest to the oldest and
//! again: that finds what was open before this process ran, votes that a person cast, and the requests of members that a flood has
//! pushed out of sight.

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
        /// Whether it is made in the name of a member that the notary has admitted.
        is_of_member: bool,
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
    /// Those that this node has said a vote on, which may not be in a block yet, or would if it could.
    watched: BTreeSet<u64>,
    sweep: Sweep,
    /// Whether a pass has come to its end.
    has_seen_all: bool,
}

/// A pass over the older ones, from the newest of them downwards.
#[derive(Debug, Default)]
struct Sweep {
    /// Below it, all are over.
    lowest: u64,
    /// The first that is not of this pass; 0 before the first pass.
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
    /// Looks at no more than so many of the newest and of the older ones in a round.
    #[must_use]
    pub fn bounded(newest_max: u64, swept_max: u64) -> Self {
        Self {
            newest_max,
            swept_max,
            newest: 1,
            over: BTreeSet::new(),
            kept: BTreeSet::new(),
            watched: BTreeSet::new(),
            sweep: Sweep::default(),
            has_seen_all: false,
        }
    }

    /// Follows these in any case, as long as they are open.
    pub fn follow(&mut self, watched: BTreeSet<u64>) {
        self.watched = watched;
    }

    /// Whether every proposal that there was when this process began was looked at, once this round has looked at its own.
    #[must_use]
    pub const fn sees_all(&self) -> bool {
        self.has_seen_all || self.sweep.is_last_step(self.swept_max)
    }

    /// The proposals to look at, of `count`. Each of them is to be [noted](Self::note), and then the round [ends](Self::end).
    pub fn begin(&mut self, count: u64) -> BTreeSet<u64> {
        self.newest = count.saturating_sub(self.newest_max) + 1;
        self.over = self.over.split_off(&self.newest);
        let newest = (self.newest..=count).filter(|id| !self.over.contains(id));
        let watched = self.watched.range(..=count).copied();
        self.sweep.begin(self.newest);
        newest
            .chain(watched)
            .chain(self.kept.iter().copied())
            .chain(self.sweep.step(self.swept_max))
            .collect()
    }

    /// Takes down what was seen of one, and says whether it counts among the facts.
    pub fn note(&mut self, id: u64, seen: Seen) -> bool {
        let is_kept = match seen {
            Seen::Over => {
                self.kept.remove(&id);
                self.watched.remove(&id);
                if id >= self.newest {
                    self.over.insert(id);
                }
                return false;
            }
            Seen::Removal => true,
            Seen::Request { has_ballot, .. } => has_ballot,
        };
        self.sweep.note_open(id);
        match is_kept {
            true => self.kept.insert(id),
            false => self.kept.remove(&id),
        };
        let is_of_member = matches!(seen, Seen::Request { is_of_member: true, .. });
        is_kept || is_of_member || id >= self.newest || self.watched.contains(&id)
    }

    /// Ends a round in which all were noted; one that failed is begun again.
    pub fn end(&mut self) {
        self.has_seen_all |= self.sweep.is_last_step(self.swept_max);
        self.sweep.go_on(self.swept_max, self.newest);
    }
}

impl Sweep {
    /// Begins the first pass, below the newest.
    const fn begin(&mut self, newest: u64) {
        if self.end == 0 {
            self.lowest = 1;
            self.end = newest;
            self.next = newest - 1;
        }
    }

    fn step(&self, most: u64) -> std::ops::RangeInclusive<u64> {
        let last = self.next.saturating_sub(most) + 1;
        last.max(self.lowest)..=self.next
    }

    fn note_open(&mut self, id: u64) {
        if id < self.end {
            self.lowest_open = Some(self.lowest_open.map_or(id, |lowest| lowest.min(id)));
        }
    }

    /// Whether a pass ends with this step.
    const fn is_last_step(&self, most: u64) -> bool {
        self.next.saturating_sub(most) < self.lowest
    }

    /// Goes on by a step, or begins the next pass.
    fn go_on(&mut self, most: u64, newest: u64) {
        if self.is_last_step(most) {
            self.lowest = self.lowest_open.take().unwrap_or(self.end);
            self.end = newest;
            self.next = newest.saturating_sub(1);
        } else {
            self.next -= most;
        }
    }
}
