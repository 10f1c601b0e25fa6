//! Do the validators keep their promises under chaos, and would this simulation notice if they did not? A failing test names its
//! setup and seed; `ledger-soak --seed N --trace` with that setup's name shows what happened.

use std::collections::BTreeSet;

use ledger_mutants::rules::Mutant;
use ledger_tests::simulation::{
    Setup, Violation,
    campaign::{Plan, campaign},
    catalogue::{Case, Entry, catalogue, mutants, setups},
    explore::{Scope, explore},
    run,
    setup::{Broken, DriverMutant, Faults, Network, Promise},
};

/// Runs of all setups together in a test run; `make soak` plays many more.
const RUNS: u64 = 2_500;

fn named(validators: usize, name: &str) -> Setup {
    let all = setups(validators);
    *all.iter()
        .find(|setup| setup.name == name)
        .unwrap_or_else(|| panic!("no setup {name} of {validators}"))
}

/// The first seed that shows something that must not be.
fn first_bad(setup: &Setup, seeds: std::ops::Range<u64>) -> Option<(u64, Vec<Violation>)> {
    seeds
        .map(|seed| (seed, run(setup, seed).violations))
        .find(|(_, violations)| !violations.is_empty())
}

#[test]
fn validators_agree_and_go_on_whatever_goes_wrong() {
    // A run of 21 costs as much as a hundred of four: here each of its setups gets one.
    let mut entries = catalogue();
    for entry in entries.iter_mut().filter(|entry| entry.setup.validators > 7) {
        entry.weight = 1;
    }
    let plan = Plan {
        runs: RUNS,
        seed: 0,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let report = campaign(&entries, plan, |_, _| ());
    println!("{report}");
    assert!(report.runs() >= RUNS);
    assert_eq!(report.bad_runs(), 0, "{report}");
    // What is not reached shows nothing: forks where they are allowed, and every slot final where nothing is wrong.
    assert!(
        report.rows.iter().any(|row| row.forks > 0),
        "no fork beyond f:\n{report}"
    );
    for row in report.rows.iter().filter(|row| row.setup.name == "undisturbed") {
        assert_eq!(row.final_slots, row.slots, "{}", row.setup);
    }
}

#[test]
fn one_seed_gives_one_run() {
    for setup in [1, 4, 7].into_iter().flat_map(setups) {
        assert_eq!(run(&setup, 7), run(&setup, 7), "{setup}");
    }
    let chaos = named(4, "chaos");
    assert_ne!(run(&chaos, 1).trace, run(&chaos, 2).trace);
}

#[test]
fn a_process_may_die_at_every_effect() {
    // The last validator dies at its first effect, its second, and so on, until a run has fewer.
    let mut setup = Setup {
        faults: Faults {
            slow_store_percent: 40,
            ..Faults::NONE
        },
        network: Network::BOUNDED,
        chaos_slots: 8,
        calm_slots: 12,
        promise: Promise::Recovers,
        ..Setup::steady("dies at one effect", 4)
    };
    let mut traces = BTreeSet::new();
    for effect in 1.. {
        setup.dies_at = Some(effect);
        let outcome = run(&setup, 3);
        assert_eq!(outcome.violations, [], "effect {effect}");
        if !traces.insert(outcome.trace) {
            break;
        }
    }
    assert!(traces.len() > 200, "only {} effects", traces.len());
}

#[test]
fn a_changing_set_reaches_every_change() {
    let setup = named(4, "chaos, changing set");
    let blocks = (0..20).map(|seed| run(&setup, seed).blocks).max();
    assert!(blocks > Some(9), "no run got past the last change: {blocks:?}");
}

#[test]
fn every_broken_rule_is_noticed() {
    for Case {
        setup,
        noticed_as,
        seeds,
    } in mutants()
    {
        let is_noticed = |seed: &u64| {
            let violations = run(&setup, *seed).violations;
            violations.iter().any(|one| noticed_as.contains(&one.name()))
        };
        let seed = (0..seeds).find(is_noticed);
        println!("{:?} in {setup}: seed {seed:?} of {seeds}", setup.broken);
        assert!(
            seed.is_some(),
            "{:?} in {setup}: none of {seeds} seeds notices it",
            setup.broken
        );
    }
}

#[test]
fn the_setups_in_which_rules_are_broken_are_good_otherwise() {
    for Case { setup, .. } in mutants() {
        let setup = Setup { broken: None, ..setup };
        assert_eq!(first_bad(&setup, 0..20), None, "{setup}");
    }
}

#[test]
fn every_setup_is_run_by_a_campaign_however_small() {
    let entries: Vec<Entry> = catalogue()
        .into_iter()
        .filter(|entry| entry.setup.validators == 1)
        .collect();
    let plan = Plan {
        runs: 1,
        seed: 5,
        threads: 2,
    };
    let report = campaign(&entries, plan, |_, _| ());
    assert!(report.rows.iter().all(|row| row.runs == 1));
}

#[test]
fn no_order_of_things_makes_two_blocks_final() {
    let explored = explore(Scope {
        slots: 2,
        hears_late: false,
        restarts: false,
        broken: None,
    });
    println!("{explored:?}");
    assert_eq!(explored.conflict, None);
    assert!(explored.states > 1_000, "{explored:?}");
}

#[test]
fn exploration_finds_the_fork_that_a_broken_rule_allows() {
    for broken in [
        Broken::Engine(Mutant::SimpleMajority),
        Broken::Engine(Mutant::IgnoresLock),
        Broken::Driver(DriverMutant::ForgetsLock),
    ] {
        let explored = explore(Scope {
            slots: 2,
            hears_late: false,
            restarts: broken == Broken::Driver(DriverMutant::ForgetsLock),
            broken: Some(broken),
        });
        println!("{broken:?}: {} states", explored.states);
        assert!(explored.conflict.is_some(), "{broken:?} went unnoticed: {explored:?}");
    }
}
