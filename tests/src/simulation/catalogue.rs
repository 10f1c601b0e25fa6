//! Which setups are tried: every number of validators against everything that can go wrong.

use ledger_mutants::rules::Mutant;

use super::{
    keys::Signatures,
    setup::{Broken, Cuts, DriverMutant, Faults, Network, Promise, Role, SetChanges, Setup},
};

/// A setup, and how many of every thousand runs it gets.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The setup.
    pub setup: Setup,
    /// Its share.
    pub weight: u64,
}

/// Numbers of validators, and how many of every thousand runs each gets: a run of 21 costs as much as a hundred runs of four.
const SIZES: [(usize, u64); 4] = [(1, 60), (4, 660), (7, 240), (21, 40)];

/// All setups.
pub fn catalogue() -> Vec<Entry> {
    let mut entries = Vec::new();
    for (validators, share) in SIZES {
        let setups = setups(validators);
        let weight = share * 1_000 / setups.len() as u64;
        entries.extend(setups.into_iter().map(|setup| Entry { setup, weight }));
    }
    entries
}

/// The setups of one number of validators.
pub fn setups(validators: usize) -> Vec<Setup> {
    if validators == 1 {
        return vec![Setup::steady("undisturbed", 1), alone()];
    }
    let mut setups = within_bounds(validators);
    setups.extend(chaos(validators));
    setups.extend(beyond(validators));
    setups
}

/// One validator whose process is killed and whose disk is slow.
fn alone() -> Setup {
    Setup {
        network: Network::BOUNDED,
        faults: Faults {
            crash_percent: 15,
            ambush_percent: 0,
            clock_percent: 0,
            ..Faults::MANY
        },
        ..Setup::chaos("killed", 1)
    }
}

/// A network within bounds and at most `f` faulty: the chain goes on without a break.
fn within_bounds(validators: usize) -> Vec<Setup> {
    let steady = Setup::steady("undisturbed", validators);
    let f = steady.tolerated();
    let promise = Promise::Steady { gap_max: f as u64 + 1 };
    // Who acts against the others may let one of them alone see that a block is final; the next authority then spends its slot
    // on proposing it again.
    let acting = Promise::Steady { gap_max: f as u64 + 2 };
    let bad = |name, role| Setup {
        name,
        role,
        bad: f,
        promise: if matches!(role, Role::Twin) { promise } else { acting },
        ..steady
    };
    vec![
        steady,
        Setup {
            name: "f dead",
            dead: f,
            promise,
            ..steady
        },
        bad("f silent", Role::Silent),
        bad("f twins", Role::Twin),
        bad("f lying", Role::Lying),
        bad("f equivocating", Role::Equivocating),
        Setup {
            name: "undisturbed, ed25519",
            signatures: Signatures::Ed25519,
            chaos_slots: 8,
            ..steady
        },
    ]
}

/// Everything goes wrong for a while; then comes calm, in which every honest node must get blocks.
fn chaos(validators: usize) -> Vec<Setup> {
    let chaos = Setup::chaos("chaos", validators);
    let f = chaos.tolerated();
    let bad = |name, role| Setup {
        name,
        role,
        bad: f,
        ..chaos
    };
    let cuts = |name, cuts| Setup {
        name,
        network: Network {
            cut_percent: 40,
            cuts,
            ..Network::BOUNDED
        },
        ..chaos
    };
    let faults = |name, faults| Setup { name, faults, ..chaos };
    let mut setups = vec![
        chaos,
        faults(
            "chaos, ambushes",
            Faults {
                ambush_percent: 25,
                ..Faults::MANY
            },
        ),
        faults(
            "chaos, lost guards",
            Faults {
                crash_percent: 10,
                loses_guards: true,
                ..Faults::MANY
            },
        ),
        faults(
            "chaos, torn guard writes",
            Faults {
                crash_percent: 20,
                slow_store_percent: 70,
                down_slots_max: 2,
                ..Faults::MANY
            },
        ),
        faults(
            "chaos, clocks",
            Faults {
                clock_percent: 12,
                ..Faults::MANY
            },
        ),
        cuts("halves", Cuts::Halves),
        cuts("f from the others", Cuts::FewFromMany),
        bad("chaos, f twins", Role::Twin),
        bad("chaos, f equivocating", Role::Equivocating),
        bad("chaos, f silent", Role::Silent),
        bad("chaos, f lying", Role::Lying),
        bad("chaos, f amnesiac", Role::Amnesiac),
        bad("chaos, f amnesiac with excuses", Role::Excusing),
        Setup {
            jails: true,
            ..bad("chaos, jailing, f equivocating", Role::Equivocating)
        },
    ];
    let (spread, in_a_row) = (SetChanges::Spread, SetChanges::InARow);
    let changing = |set_changes, setup| Setup { set_changes, ..setup };
    setups.extend([
        changing(spread, faults("chaos, changing set", Faults::MANY)),
        changing(spread, bad("chaos, changing set, f equivocating", Role::Equivocating)),
        changing(spread, bad("chaos, changing set, f lying", Role::Lying)),
        changing(in_a_row, faults("chaos, changes in a row", Faults::MANY)),
        changing(in_a_row, cuts("halves, changes in a row", Cuts::Halves)),
        changing(in_a_row, cuts("f from the others, changes in a row", Cuts::FewFromMany)),
        changing(in_a_row, bad("changes in a row, f amnesiac", Role::Amnesiac)),
        Setup {
            jails: true,
            role: Role::Equivocating,
            bad: f,
            ..changing(in_a_row, cuts("halves, changes in a row, jailing", Cuts::Halves))
        },
    ]);
    setups
}

/// More than `f` bad: forks are possible, and must expose who made them.
fn beyond(validators: usize) -> Vec<Setup> {
    let chaos = Setup::chaos("beyond", validators);
    let promise = Promise::Accounts;
    let bad = chaos.tolerated() + 1;
    let beyond = |name, role| Setup {
        name,
        role,
        bad,
        promise,
        network: Network {
            cut_percent: 50,
            ..Network::BAD
        },
        faults: Faults {
            ambush_percent: 25,
            ..Faults::MANY
        },
        ..chaos
    };
    vec![
        beyond("f+1 twins", Role::Twin),
        beyond("f+1 equivocating", Role::Equivocating),
        beyond("f+1 amnesiac", Role::Amnesiac),
        beyond("f+1 amnesiac with excuses", Role::Excusing),
    ]
}

/// A broken rule, where it is tried, and how it has to be noticed.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The rule and where it is broken.
    pub setup: Setup,
    /// The names of violations of which one at least must turn up.
    pub noticed_as: &'static [&'static str],
    /// Seeds, from 0, within which it must.
    pub seeds: u64,
}

/// Every broken rule that the simulation must notice.
pub fn mutants() -> Vec<Case> {
    use DriverMutant::{ForgetsLock, LostGuardSpeaks, SetsNotChecked, SignsFirst};
    use Mutant::{
        DropsEarly, FinalOnPrevotes, GuardNotAsked, HidesLocks, IgnoresLock, IgnoresOrders, SimpleMajority,
        UngroundedVotes, UnlocksByOlder,
    };
    const FORK: &[&str] = &["forked", "two certificates"];
    const CONTRADICTION: &[&str] = &["contradiction"];
    const GAP: &[&str] = &["gap"];
    let named = |name: &str| {
        let all = setups(4);
        *all.iter()
            .find(|setup| setup.name == name)
            .expect("a setup of the catalogue")
    };
    let case = |name, broken, noticed_as, seeds| Case {
        setup: named(name).breaking(broken),
        noticed_as,
        seeds,
    };
    let engine = |name, mutant, noticed_as, seeds| case(name, Broken::Engine(mutant), noticed_as, seeds);
    let driver = |name, mutant, noticed_as, seeds| case(name, Broken::Driver(mutant), noticed_as, seeds);
    vec![
        engine("halves", SimpleMajority, FORK, 100),
        engine("halves, changes in a row", SimpleMajority, FORK, 100),
        engine("chaos, f equivocating", FinalOnPrevotes, FORK, 100),
        engine("f+1 amnesiac with excuses", UngroundedVotes, &["unaccounted"], 400),
        engine("chaos, ambushes", IgnoresLock, CONTRADICTION, 100),
        engine("chaos, ambushes", UnlocksByOlder, CONTRADICTION, 400),
        engine("undisturbed", DropsEarly, GAP, 100),
        engine("f equivocating", HidesLocks, GAP, 100),
        engine("chaos", GuardNotAsked, CONTRADICTION, 100),
        engine("chaos, f equivocating", IgnoresOrders, &["invalid block"], 100),
        driver("chaos, ambushes", ForgetsLock, FORK, 100),
        driver("chaos, torn guard writes", SignsFirst, CONTRADICTION, 100),
        driver("chaos, lost guards", LostGuardSpeaks, CONTRADICTION, 400),
        driver("chaos, f lying", SetsNotChecked, &["invalid block"], 400),
        driver("chaos, changing set, f lying", SetsNotChecked, &["invalid block"], 400),
    ]
}
