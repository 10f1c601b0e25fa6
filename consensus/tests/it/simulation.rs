//! Does the protocol keep its promises under chaos, and would this simulation notice if it did not? A failing test names its
//! setup and seed; running that seed again gives the same run.

use ledger_consensus::rules::Mutant;

use super::cluster::{Outcome, Setup, first_bad, run};

#[track_caller]
fn assert_all_good(setup: Setup, seeds: std::ops::Range<u64>) {
    if let Some((seed, outcome)) = first_bad(setup, seeds) {
        panic!("seed {seed} of {setup:?}: {outcome:?}");
    }
}

/// The first seed in which honest nodes committed different blocks.
fn first_fork(setup: Setup, seeds: std::ops::Range<u64>) -> Option<u64> {
    seeds
        .into_iter()
        .find(|seed| matches!(run(setup, *seed), Outcome::Forked { .. }))
}

#[test]
fn four_validators_agree_and_go_on() {
    assert_all_good(Setup::honest(4), 0..60);
}

#[test]
fn four_validators_agree_and_go_on_though_ambushed() {
    assert_all_good(
        Setup {
            ambush_percent: 25,
            ..Setup::honest(4)
        },
        1_000..1_060,
    );
}

#[test]
fn four_validators_with_one_twin_agree_and_go_on() {
    assert_all_good(
        Setup {
            twins: 1,
            loses_guards: false,
            ..Setup::honest(4)
        },
        0..40,
    );
}

#[test]
fn seven_validators_with_two_twins_agree_and_go_on() {
    assert_all_good(
        Setup {
            twins: 2,
            loses_guards: false,
            ..Setup::honest(7)
        },
        0..10,
    );
}

#[test]
fn a_changing_set_agrees_and_goes_on() {
    let setup = Setup {
        changes_set: true,
        loses_guards: false,
        ..Setup::honest(5)
    };
    let mut heights = 0;
    for seed in 0..30 {
        match run(setup, seed) {
            Outcome::Good { height } => heights = heights.max(height),
            outcome => panic!("seed {seed} of {setup:?}: {outcome:?}"),
        }
    }
    assert!(heights > 9, "no run got past both changes: {heights}");
}

#[test]
fn a_validator_alone_and_a_pair_go_on() {
    assert_all_good(
        Setup {
            loses_guards: false,
            ..Setup::honest(1)
        },
        0..20,
    );
    assert_all_good(
        Setup {
            loses_guards: false,
            ..Setup::honest(2)
        },
        0..20,
    );
}

#[test]
fn one_seed_gives_one_run() {
    assert_eq!(run(Setup::honest(4), 7), run(Setup::honest(4), 7));
}

#[test]
fn a_simple_majority_would_be_caught() {
    let setup = Setup {
        twins: 1,
        loses_guards: false,
        cut_percent: 60,
        ..Setup::honest(5)
    };
    assert!(
        first_fork(
            Setup {
                mutant: Some(Mutant::SimpleMajority),
                ..setup
            },
            0..200
        )
        .is_some()
    );
    assert_all_good(setup, 0..10);
}

#[test]
fn more_twins_than_f_would_be_caught() {
    let setup = Setup {
        twins: 2,
        loses_guards: false,
        cut_percent: 60,
        ambush_percent: 30,
        ..Setup::honest(4)
    };
    assert!(first_fork(setup, 0..200).is_some());
}

#[test]
fn forgetting_the_lock_at_a_restart_would_be_caught() {
    let setup = Setup {
        loses_guards: false,
        ambush_percent: 30,
        ..Setup::honest(4)
    };
    assert!(
        first_fork(
            Setup {
                forgets_lock: true,
                ..setup
            },
            0..20
        )
        .is_some()
    );
    assert_all_good(setup, 0..20);
}
