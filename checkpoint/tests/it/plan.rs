//! Single decisions of the planner that the stories would reach by chance only.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use ledger_checkpoint::{
    numbers::{BlockNumber, Index, Nonce, Point},
    outbox::{ATTEMPTS_MAX, Attempt, Outbox, Record},
    plan::{Action, Alarm, Answers, Decision, Facts, Planner, Policy, SendFault, Sight, policy},
    statement::{Anchor, BadBundle, Bundle},
};

use crate::support::validators::{History, genesis};

const GWEI: u128 = 1_000_000_000;

fn anchor() -> Anchor {
    Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(0xCC),
    }
}

fn bundles(count: usize) -> Vec<Bundle> {
    let mut history = History::new(anchor(), 4);
    (0..count).for_each(|_| history.grow());
    history.bundles
}

fn head(number: u64) -> Point {
    Point {
        number: BlockNumber::new(number),
        hash: B256::with_last_byte(u8::try_from(number % 251).expect("small")),
    }
}

/// The mainchain at this height, with nothing in the contract.
fn facts(number: u64, bundles: &[Bundle]) -> Facts {
    let head = head(number);
    Facts {
        now_ms: number * 13_000,
        sight: Sight {
            head,
            head_index: Index::new(0),
            head_fingerprint: genesis(),
            nonce: Nonce::new(0),
            balance_wei: U256::from(u128::MAX),
            gas_price_wei: GWEI,
        },
        answers: Answers {
            blocks: BTreeMap::from([(head.number, head.hash)]),
            ..Answers::default()
        },
        bundles: bundles.to_vec(),
    }
}

fn planner(policy: Policy) -> Planner {
    Planner::new(policy, Outbox::new(anchor()))
}

fn submits(decision: &Decision) -> bool {
    decision
        .actions
        .iter()
        .any(|action| matches!(action, Action::Submit(_)))
}

fn sign(planner: &mut Planner, nonce: u64, gas_price_wei: u128, hash: u8) -> B256 {
    let attempt = Attempt {
        nonce: Nonce::new(nonce),
        gas_price_wei,
        hash: B256::repeat_byte(hash),
        raw: vec![hash].into(),
    };
    let hash = attempt.hash;
    planner.signed(Index::new(1), attempt).expect("the bundle is there");
    hash
}

#[test]
fn bundles_are_taken_up_to_the_first_that_is_no_good() {
    let mut told = bundles(4);
    told[2].signatures = told[1].signatures.clone();
    let mut planner = planner(Policy::default());
    let decision = planner.step(&facts(1, &told));
    assert_eq!(planner.outbox().entries().len(), 2);
    assert!(matches!(
        decision.alarms[..],
        [Alarm::BadBundle { index, reason: BadBundle::Signature { .. } }] if index.get() == 3
    ));
    let taken = |record: &Record| matches!(record, Record::Taken(_));
    assert!(decision.keep.iter().all(taken) && decision.keep.len() == 2);
}

#[test]
fn bundles_of_another_history_or_out_of_order_are_not_taken() {
    let told = bundles(3);
    for (wrong, why) in [
        (&told[1..], "the second where the first is next"),
        (&told[2..], "the third where the first is next"),
    ] {
        let mut planner = planner(Policy::default());
        let decision = planner.step(&facts(1, wrong));
        assert!(planner.outbox().entries().is_empty(), "{why}");
        assert!(matches!(decision.alarms[..], [Alarm::BadBundle { .. }]), "{why}");
    }
    let mut elsewhere = facts(1, &told);
    elsewhere.sight.head_fingerprint = B256::repeat_byte(9);
    let decision = planner(Policy::default()).step(&elsewhere);
    assert!(matches!(
        decision.alarms[..],
        [Alarm::BadBundle {
            reason: BadBundle::Parent { .. },
            ..
        }]
    ));
}

#[test]
fn no_more_bundles_are_wanted_than_are_of_use() {
    let mut planner = planner(Policy::default());
    let mut facts = facts(1, &bundles(16));
    assert_eq!(planner.wanted(&facts.sight), Some((Index::new(1), 16)));
    planner.step(&facts);
    assert_eq!(
        planner.wanted(&facts.sight),
        None,
        "sixteen ahead of the contract are enough"
    );
    facts.sight.head_index = Index::new(2);
    assert_eq!(planner.wanted(&facts.sight), Some((Index::new(17), 2)));
}

#[test]
fn the_facts_of_a_block_that_is_gone_are_not_acted_upon() {
    let mut planner = planner(Policy::default());
    let mut stale = facts(5, &bundles(1));
    stale
        .answers
        .blocks
        .insert(BlockNumber::new(5), B256::repeat_byte(0xEE));
    let decision = planner.step(&stale);
    assert_eq!(decision.actions, [Action::LookAgain]);
    assert!(decision.keep.is_empty());
    assert!(planner.outbox().entries().is_empty());
}

#[test]
fn each_relayer_leaves_the_others_their_turn() {
    let policy = |rank| Policy {
        rank,
        relayers: 3,
        stagger_blocks: 4,
        ..Policy::default()
    };
    for index in 1..=9 {
        let mut waits: Vec<_> = (0..3)
            .map(|rank| policy(rank).courtesy_blocks(Index::new(index)))
            .collect();
        assert_eq!(waits[usize::try_from(index % 3).unwrap()], 0, "the turns go round");
        waits.sort_unstable();
        assert_eq!(waits, [0, 4, 8]);
    }
    // Checkpoint 1 is rank 1's: rank 0 comes last.
    let mut last = planner(policy(0));
    let first_submission = (10..30).find(|number| {
        let told = if *number == 10 { bundles(1) } else { Vec::new() };
        submits(&last.step(&facts(*number, &told)))
    });
    assert_eq!(first_submission, Some(18));
}

#[test]
fn a_refused_call_is_tried_again_later_and_later_and_somebody_is_told() {
    let mut planner = planner(Policy::default());
    let mut tries = Vec::new();
    let mut told_at = None;
    for number in 10..100 {
        let told = if number == 10 { bundles(1) } else { Vec::new() };
        let decision = planner.step(&facts(number, &told));
        if submits(&decision) {
            tries.push(number);
            planner.refused(Index::new(1), BlockNumber::new(number), "ParentUnknown".to_owned());
        }
        if decision
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::Refused { .. }))
        {
            told_at.get_or_insert(number);
        }
    }
    assert_eq!(tries, [10, 12, 16, 24, 40, 72]);
    assert_eq!(told_at, Some(17), "after the third in a row");
}

#[test]
fn a_transaction_is_sent_again_and_outbid_by_the_clock_of_blocks() {
    let mut planner = planner(Policy {
        resend_blocks: 3,
        raise_blocks: 10,
        ..Policy::default()
    });
    assert!(submits(&planner.step(&facts(10, &bundles(1)))));
    let hash = sign(&mut planner, 0, GWEI, 1);
    planner.sent(hash, BlockNumber::new(10), None);
    let mut resent = Vec::new();
    for number in 10..20 {
        let decision = planner.step(&facts(number, &[]));
        assert!(!submits(&decision), "not yet, at {number}");
        if !decision.actions.is_empty() {
            assert_eq!(
                decision.actions,
                [Action::Resend {
                    index: Index::new(1),
                    hash
                }]
            );
            resent.push(number);
            planner.sent(hash, BlockNumber::new(number), None);
        }
    }
    assert_eq!(resent, [13, 16, 19]);
    let decision = planner.step(&facts(20, &[]));
    let [Action::Submit(raised)] = &decision.actions[..] else {
        panic!("{decision:?}");
    };
    assert_eq!(
        (raised.gas_price_wei, raised.nonce, raised.raises),
        (GWEI / 8 * 9, Nonce::new(0), true)
    );
}

#[test]
fn one_that_does_not_outbid_is_raised_once_per_block_until_it_does() {
    let mut planner = planner(Policy::default());
    planner.step(&facts(10, &bundles(1)));
    let mut hash = sign(&mut planner, 0, GWEI, 1);
    planner.sent(hash, BlockNumber::new(10), Some(&SendFault::Underpriced));
    assert!(!submits(&planner.step(&facts(10, &[]))), "not twice in a block");
    for number in 11..14 {
        let decision = planner.step(&facts(number, &[]));
        assert!(submits(&decision), "at {number}");
        let Some(Action::Submit(raised)) = decision.actions.first() else {
            panic!("{decision:?}");
        };
        hash = sign(&mut planner, 0, raised.gas_price_wei, u8::try_from(number).unwrap());
        let fault = (number < 13).then_some(&SendFault::Underpriced);
        planner.sent(hash, BlockNumber::new(number), fault);
    }
    assert!(planner.step(&facts(14, &[])).actions.is_empty());
}

#[test]
fn a_number_that_another_transaction_of_ours_holds_is_outbid_not_doubled() {
    let mut planner = planner(Policy::default());
    let told = bundles(2);
    planner.step(&facts(10, &told));
    sign(&mut planner, 0, 8 * GWEI, 1);
    // Somebody else brought the first; ours still waits with number 0.
    let mut next = facts(11, &[]);
    next.sight.head_index = Index::new(1);
    next.answers.fingerprint = Some(anchor().fingerprint(&told[0].checkpoint));
    let decision = planner.step(&next);
    let Some(Action::Submit(submission)) = decision.actions.first() else {
        panic!("{decision:?}");
    };
    assert_eq!(submission.index, Index::new(2));
    assert_eq!((submission.nonce, submission.gas_price_wei), (Nonce::new(0), 9 * GWEI));
}

#[test]
fn a_transaction_that_a_dearer_one_of_ours_outbids_is_not_sent_in_vain() {
    let mut planner = planner(Policy::default());
    planner.step(&facts(10, &bundles(2)));
    let first = sign(&mut planner, 0, GWEI, 1);
    let attempt = Attempt {
        nonce: Nonce::new(0),
        gas_price_wei: 16 * GWEI,
        hash: B256::repeat_byte(2),
        raw: vec![2].into(),
    };
    planner.signed(Index::new(2), attempt).unwrap();
    // The first was there, and a reorganisation took it: its own transaction would be underpriced beside that of the second.
    let decision = planner.step(&facts(11, &[]));
    assert!(!decision.actions.contains(&Action::Resend {
        index: Index::new(1),
        hash: first
    }));
    let Some(Action::Submit(submission)) = decision.actions.first() else {
        panic!("{decision:?}");
    };
    assert_eq!((submission.index, submission.gas_price_wei), (Index::new(1), 18 * GWEI));
}

#[test]
fn a_bounded_number_of_transactions_is_kept_of_one_bundle() {
    let mut planner = planner(Policy::default());
    planner.step(&facts(10, &bundles(1)));
    for number in 0..ATTEMPTS_MAX {
        sign(&mut planner, 5, GWEI, u8::try_from(number).unwrap());
    }
    let mut later = facts(11, &[]);
    later.sight.nonce = Nonce::new(6);
    let decision = planner.step(&later);
    assert!(submits(&decision));
    assert!(
        matches!(decision.keep[..], [Record::Dropped { .. }]),
        "one that is over makes room"
    );
    sign(&mut planner, 6, GWEI, 0xFF);
}

#[test]
fn a_mainchain_without_blocks_is_noticed_by_the_clock() {
    let mut planner = planner(Policy::default());
    let mut facts = facts(10, &[]);
    assert!(planner.step(&facts).alarms.is_empty());
    facts.now_ms += policy::STALL_MS + 1;
    assert!(matches!(planner.step(&facts).alarms[..], [Alarm::Stalled { .. }]));
}

#[test]
fn prices_rise_by_an_eighth_at_least_and_stay_below_the_highest() {
    let policy = Policy {
        gas_price_min_wei: GWEI,
        gas_price_max_wei: 10 * GWEI,
        ..Policy::default()
    };
    assert_eq!(policy.first_price(0), GWEI);
    assert_eq!(policy.first_price(3 * GWEI), 3 * GWEI);
    assert_eq!(policy.first_price(u128::MAX), 10 * GWEI);
    assert_eq!(policy.raised_price(1, 0), Some(GWEI));
    assert_eq!(policy.raised_price(GWEI + 1, 0), Some(GWEI + 1 + GWEI / 8 + 1));
    assert_eq!(policy.raised_price(GWEI, 7 * GWEI), Some(7 * GWEI));
    assert_eq!(
        policy.raised_price(9 * GWEI, 0),
        None,
        "an eighth more is above the highest"
    );
    assert_eq!(policy.raised_price(u128::MAX, 0), None);
}
