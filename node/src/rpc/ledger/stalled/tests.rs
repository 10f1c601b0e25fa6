//! What is said when, word for word where people read it.

use std::num::NonZeroU64;

use alloy_primitives::B256;
use ledger_api::SlotBlock;
use ledger_chainspec::BlockNumber;

use super::*;

/// Slots of two seconds; the head is of slot 100, and this is slot 120.
const NOW: u64 = 240_500;

fn heard(index: u64, cloud: &str, last: Option<u64>) -> ValidatorHeard {
    ValidatorHeard {
        validator: ValidatorName {
            index: Some(index),
            consensus_key: B256::with_last_byte(7),
            account: None,
            cloud: Some(cloud.to_owned()),
        },
        own: index == 0,
        connected: index == 1 || index == 2,
        last_heard_slot: last,
    }
}

/// Four validators of which all vote, and a transaction that has waited since slot 101.
fn facts() -> Facts {
    let clouds = ["Aurora Cloud", "Borealis Cloud", "Cumulus Cloud", "Drift Cloud"];
    Facts {
        now: UnixMillis::new(NOW),
        schedule: Schedule::new(NonZeroU64::MIN.saturating_add(1_999)),
        head: BlockPoint {
            number: 12,
            hash: B256::ZERO,
            timestamp: 200,
        },
        head_slot: Slot::new(100),
        heartbeat_slot: Slot::new(1_900),
        quorum: 3,
        validators: (0..)
            .zip(clouds)
            .map(|(index, cloud)| heard(index, cloud, Some(118)))
            .collect(),
        has_key: true,
        pending: 1,
        oldest_pending: Some(UnixMillis::new(202_000)),
        open: Some(OpenHeight {
            height: 13,
            slot: 120,
            authority: heard(0, "Aurora Cloud", None).validator,
            quorum: 3,
            has_work: true,
            lock: None,
            newest_certificate: None,
            decided: None,
            silence: None,
            last_refusal: None,
        }),
        silence: None,
        network: Some(NetworkFacts {
            peers: 1,
            ..NetworkFacts::default()
        }),
        contradiction: None,
        refused: None,
        recovering: None,
    }
}

fn network(facts: &mut Facts) -> &mut NetworkFacts {
    facts.network.as_mut().expect("the sample has a network")
}

fn open(facts: &mut Facts) -> &mut OpenHeight {
    facts.open.as_mut().expect("the sample's driver has answered")
}

fn changed(change: impl FnOnce(&mut Facts)) -> StallReport {
    let mut facts = facts();
    change(&mut facts);
    report(facts)
}

#[test]
fn what_is_due_waits_some_slots_before_it_counts_as_stalled() {
    assert!(changed(|_| {}).stalled);
    let fresh = changed(|facts| facts.oldest_pending = Some(UnixMillis::new(NOW - 8_000)));
    assert!(!fresh.stalled && fresh.reasons.is_empty(), "{fresh:?}");
    assert_eq!(fresh.summary, "Block 13 is on its way: 1 transaction waits.");
    let old_backlog = changed(|facts| facts.head_slot = Slot::new(118));
    assert!(
        !old_backlog.stalled,
        "the newest block is two slots old: {old_backlog:?}"
    );
    let quiet = changed(|facts| (facts.pending, facts.oldest_pending) = (0, None));
    assert!(!quiet.stalled && quiet.reasons.is_empty());
    assert_eq!(
        quiet.summary,
        "All is quiet: block 13 comes with the next transaction, or by the clock in 3559 s."
    );
    let heartbeat = changed(|facts| {
        (facts.pending, facts.oldest_pending) = (0, None);
        facts.heartbeat_slot = Slot::new(110);
    });
    assert_eq!(
        heartbeat.summary,
        "No block has come for 20 s although one is due by the clock."
    );
}

#[test]
fn missing_validators_are_named_with_what_explains_it() {
    let report = changed(|facts| {
        facts.validators[0].last_heard_slot = Some(111);
        facts.validators[3].last_heard_slot = None;
    });
    assert_eq!(
        report.reasons,
        [
            "3 of 4 validators are needed to make a block final, and only 2 were heard of in the last 8 slots: \
             Aurora Cloud (this node), Drift Cloud (not connected) are missing. See that their nodes run and can be \
             reached."
        ]
    );
    let within_reach = changed(|facts| facts.validators[0].last_heard_slot = Some(112));
    assert!(
        within_reach.reasons[0].starts_with("Enough validators vote"),
        "{within_reach:?}"
    );
}

#[test]
fn validator_that_lacks_too_many_others_says_so_before_a_block_is_overdue() {
    let quiet = |own: bool| {
        changed(|facts| {
            (facts.pending, facts.oldest_pending) = (0, None);
            facts.validators[0].own = own;
            facts.validators[2].connected = false;
        })
    };
    assert_eq!(
        quiet(true).reasons,
        [
            "3 of 4 validators are needed to make a block final, and with this one only 2 are connected: see that the nodes \
             of Cumulus Cloud, Drift Cloud run and can be reached."
        ]
    );
    assert!(
        quiet(false).reasons.is_empty(),
        "a full node need not be connected to all"
    );
}

/// One thing that is wrong with [`facts`], and words of the sentence about it.
type Case = (fn(&mut Facts), &'static str);

#[test]
fn every_cause_has_its_sentence_first() {
    let table: [Case; 9] = [
        (|facts| facts.open = None, "did not answer in time"),
        (
            |facts| network(facts).peers = 0,
            "No peer is connected, and no bootnode is known; name one",
        ),
        (
            |facts| network(facts).clock_offset_ms = Some(-251),
            "clock is 251 ms behind its peers' clocks, and 250 ms are allowed",
        ),
        (
            |facts| facts.silence = Some("of a lost record".to_owned()),
            "This node signs nothing: of a lost record.",
        ),
        (
            |facts| {
                facts.silence = Some("its key is no validator's".to_owned());
                facts.validators[0].own = false;
            },
            "It follows the chain until the validators admit it",
        ),
        (|facts| open(facts).decided = Some(B256::ZERO), "is decided"),
        (|facts| open(facts).has_work = false, "did not fit into a block"),
        (
            |facts| open(facts).last_refusal = Some("slot 7 is over".to_owned()),
            "This node refused last: slot 7 is over.",
        ),
        (
            |facts| {
                open(facts).newest_certificate = Some(SlotBlock {
                    slot: 119,
                    hash: B256::ZERO,
                });
            },
            "in slot 119, but their last round of votes",
        ),
    ];
    for (change, words) in table {
        let report = changed(change);
        assert!(report.reasons[0].contains(words), "{words}: {:?}", report.reasons);
    }
}

#[test]
fn a_node_that_catches_up_is_not_stalled_and_one_alone_by_design_is_not_lonely() {
    let behind = changed(|facts| {
        network(facts).sync = Some(SyncProgress {
            from: BlockNumber::new(3),
            target: BlockNumber::new(99),
        });
    });
    assert!(!behind.stalled);
    assert_eq!(behind.summary, "This node catches up: it is at block 12 of 99.");
    assert!(behind.reasons[0].contains("fetches the 87 between them"), "{behind:?}");
    let alone = changed(|facts| {
        facts.validators.truncate(1);
        facts.quorum = 1;
        facts.head_slot = Slot::new(119);
        facts.network = Some(NetworkFacts::default());
    });
    assert!(alone.reasons.is_empty(), "{alone:?}");
}

#[test]
fn whoever_hears_nobody_does_not_say_who_is_missing_unless_it_is_one_of_them() {
    let alone = |own: bool| {
        changed(|facts| {
            network(facts).peers = 0;
            facts
                .validators
                .iter_mut()
                .for_each(|heard| heard.last_heard_slot = None);
            facts.validators[0].own = own;
        })
    };
    let follower = alone(false);
    assert_eq!(follower.summary, "This node hears of no blocks: no peer is connected.");
    assert_eq!(follower.reasons.len(), 1, "{follower:?}");
    let validator = alone(true);
    assert!(validator.summary.starts_with("No block has come for"), "{validator:?}");
    assert!(
        validator.reasons[1].contains("and none was heard of in the last 8 slots"),
        "{validator:?}"
    );
}

#[test]
fn a_contradiction_comes_before_everything_else() {
    let words = "checkpoint 3 on the mainchain says otherwise";
    let report = changed(|facts| facts.contradiction = Some(words.to_owned()));
    assert!(report.stalled && report.reasons.len() == 1, "{report:?}");
    assert_eq!(
        report.summary,
        "This node has stopped: the mainchain contradicts its history."
    );
    assert!(
        report.reasons[0].starts_with("Checkpoint 3 on the mainchain says otherwise."),
        "{report:?}"
    );
    let refused = changed(|facts| facts.refused = Some(words.to_owned()));
    assert!(
        refused.reasons.len() > 1 && refused.reasons[0].contains("is not followed"),
        "{refused:?}"
    );
}

#[test]
fn a_node_that_waits_for_a_recovery_says_what_waits_with_it() {
    let mut facts = facts();
    facts.recovering = Some(7);
    let reasons = report(facts).reasons;
    assert!(
        reasons[0].contains("recovery to checkpoint 7") && reasons[0].contains("Bootstrap alone"),
        "{reasons:?}"
    );
}
