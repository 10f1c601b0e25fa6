//! Does a network of real nodes keep what is final, while validators die, are cut off, and meet another chain? A short form of what
//! `make faults` does for a quarter of an hour, on one network.

use ledger_tests::network::{Plan, run};

/// Longer than a TCP connection stays alive whose bytes do not arrive, and than the pauses after which it would try again by itself.
#[test]
fn two_halves_that_are_joined_again_go_on_within_a_few_slots() {
    let plan = Plan {
        only: vec!["cut-2-2".to_owned()],
        calm_slots: 1,
        fault_slots: 14,
        accounts: 0,
        namespaces: true,
    };
    let shown = run(plan, |what| println!("{what}")).unwrap_or_else(|what| panic!("{what}"));
    println!("{}", shown.table());
    assert!(shown.is_right(), "{}", shown.table());
}

#[test]
fn nothing_final_is_lost_when_validators_die_are_cut_off_or_meet_another_chain() {
    let faults = ["stop-1", "kill-all", "cut-3-1", "genesis"];
    let plan = Plan {
        only: faults.map(str::to_owned).to_vec(),
        calm_slots: 1,
        fault_slots: 5,
        accounts: 0,
        namespaces: true,
    };
    let shown = run(plan, |what| println!("{what}")).unwrap_or_else(|what| panic!("{what}"));
    println!("{}", shown.table());
    assert!(shown.is_right(), "{}", shown.table());
    assert_eq!(shown.rows.len() + shown.left_out.len(), faults.len());
    // How much a busy machine gets done is its own affair; that it did something is not.
    assert!(
        shown.blocks > 10 && shown.receipts > 10,
        "too little load to show anything"
    );
}
