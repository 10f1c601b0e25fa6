//! Which proposals does the admission task look at, whatever number of requests there are?

use std::collections::{BTreeMap, BTreeSet};

use ledger_node::admission::following::{Following, Seen};

const NEWEST: u64 = 5;
const SILENT: Seen = request(false, false);
const VOTED: Seen = request(true, false);

const fn request(has_ballot: bool, is_of_member: bool) -> Seen {
    Seen::Request {
        has_ballot,
        is_of_member,
    }
}

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
    following.follow(BTreeSet::from([1]));
    chain.count = 1_000;
    for _ in 0..3 {
        assert!(chain.facts(&mut following).contains(&1));
    }
    chain.told.insert(1, VOTED);
    chain.round(&mut following);
    following.follow(BTreeSet::new());
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
fn a_members_request_is_seen_in_turn_whatever_came_after_it() {
    let member = Seen::Request {
        has_ballot: false,
        is_of_member: true,
    };
    let mut following = Following::bounded(NEWEST, NEWEST);
    let mut chain = Chain {
        told: BTreeMap::from([(3, member)]),
        count: 1_000,
    };
    let mut rounds_with = |chain: &Chain, rounds: usize| {
        let facts = (0..rounds).map(|_| chain.facts(&mut following));
        facts.filter(|facts| facts.contains(&3)).count()
    };
    assert_eq!(rounds_with(&chain, 200), 1, "once in a pass");
    chain.count = 1_010;
    assert_eq!(rounds_with(&chain, 200), 1);
    following.follow(BTreeSet::from([3]));
    assert!(
        (0..5).all(|_| chain.facts(&mut following).contains(&3)),
        "once it is watched"
    );
}

#[test]
fn all_that_there_was_at_the_start_is_seen_when_the_first_pass_ends() {
    for (count, rounds) in [(0, 1), (3, 1), (5, 1), (6, 1), (10, 1), (11, 2), (100, 19)] {
        let mut following = Following::bounded(NEWEST, NEWEST);
        let mut seen = BTreeSet::new();
        for round in 1..=rounds {
            seen.append(&mut following.begin(count));
            assert_eq!(following.sees_all(), round == rounds, "{count}: in round {round}");
            following.end();
        }
        assert_eq!(seen, (1..=count).collect(), "{count}");
    }
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
