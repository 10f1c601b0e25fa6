//! A set of one: the same rules, final within the slot.

use super::kit::{Chain, GENESIS_SLOT, HEARTBEAT_SLOTS, Node, assert_consistent, at};
use ledger_chainspec::StatementKind;
use ledger_consensus::{Alarm, BuildOutcome, HeaderError, Input};

#[test]
fn a_block_is_final_in_its_own_slot() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.height(), 1);
    let head = node.head();
    let certificate = head.certificate.unwrap();
    assert_eq!(certificate.slot.get(), GENESIS_SLOT + 1);
    assert_eq!(certificate.signatures.len(), 1);
    let kinds: Vec<_> = node.signed.iter().map(|signed| signed.statement.kind).collect();
    assert_eq!(
        kinds,
        [StatementKind::Seal, StatementKind::Prevote, StatementKind::Precommit]
    );
}

#[test]
fn a_busy_chain_makes_one_block_per_slot() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.input(Input::PoolChanged { has_work: true });
    for slot in 2..=50 {
        assert_eq!(node.wake, Some(at(GENESIS_SLOT + slot, 0)));
        node.tick(at(GENESIS_SLOT + slot, 3));
        assert_eq!(node.height(), slot);
    }
    assert_consistent(&node.signed);
    assert!(node.alarms.is_empty() && node.rejections.is_empty());
}

#[test]
fn the_next_build_is_known_as_soon_as_the_slot_is_decided() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    assert!(node.engine.next_build().is_none(), "genesis is of an earlier slot");
    node.input(Input::PoolChanged { has_work: true });
    let known = node.engine.next_build().expect("the block of this slot is final");
    node.tick(at(GENESIS_SLOT + 2, 0));
    let asked = node.builds.last().expect("a block per slot");
    assert_eq!(format!("{known:?}"), format!("{asked:?}"));
    // The slot after the next may be anybody's by then.
    node.input(Input::PoolChanged { has_work: false });
    node.tick(at(GENESIS_SLOT + 3, 0));
    assert!(node.engine.next_build().is_none());
}

#[test]
fn nothing_is_known_of_the_next_build_while_one_is_under_way() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.defers_work = true;
    node.input(Input::PoolChanged { has_work: true });
    assert!(node.engine.next_build().is_none());
}

#[test]
fn a_quiet_chain_sleeps_until_its_heartbeat() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    let heartbeat = GENESIS_SLOT + HEARTBEAT_SLOTS;
    assert_eq!(node.wake, Some(at(heartbeat, 0)));
    node.tick(at(heartbeat - 1, 999));
    assert!(node.builds.is_empty() && node.signed.is_empty());
    node.tick(at(heartbeat, 0));
    assert_eq!(node.height(), 1);
    assert!(node.builds[0].heartbeat);
    assert_eq!(node.wake, Some(at(heartbeat + HEARTBEAT_SLOTS, 0)));
}

#[test]
fn a_build_counts_until_three_quarters_of_its_slot_are_over() {
    for (answered, height) in [
        (at(GENESIS_SLOT + 1, 749), 1),
        (at(GENESIS_SLOT + 1, 750), 0),
        (at(GENESIS_SLOT + 2, 10), 0),
    ] {
        let chain = Chain::of(1);
        let mut node = Node::new(&chain, 0);
        node.defers_work = true;
        node.input(Input::PoolChanged { has_work: true });
        let request = node.builds[0].clone();
        node.tick(at(GENESIS_SLOT + 1, 100));
        assert_eq!(node.builds.len(), 1, "one build at a time");
        node.now = answered;
        let block = Box::new(chain.build(&request, 1));
        node.input(Input::Built {
            slot: request.slot,
            outcome: BuildOutcome::Block(block),
        });
        assert_eq!(node.height(), height, "answered at {answered}");
    }
}

#[test]
fn a_build_that_finds_nothing_waits_for_the_pool() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.finds_work = false;
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(
        (node.builds.len(), node.wake),
        (1, Some(at(GENESIS_SLOT + HEARTBEAT_SLOTS, 0)))
    );
    node.finds_work = true;
    node.now = at(GENESIS_SLOT + 2, 0);
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.height(), 1);
}

#[test]
fn a_builder_that_breaks_a_rule_is_not_signed_for() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.defers_work = true;
    node.input(Input::PoolChanged { has_work: true });
    let request = node.builds[0].clone();
    let mut block = chain.build(&request, 1);
    block.header.gas_limit += 1;
    node.input(Input::Built {
        slot: request.slot,
        outcome: BuildOutcome::Block(Box::new(block)),
    });
    assert!(node.signed.is_empty());
    assert!(matches!(
        node.alarms[..],
        [Alarm::BuilderBroken {
            error: HeaderError::Constant { .. },
            ..
        }]
    ));
}

#[test]
fn a_build_that_outlives_its_slot_delays_the_next() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.defers_work = true;
    node.input(Input::PoolChanged { has_work: true });
    node.tick(at(GENESIS_SLOT + 2, 0));
    assert_eq!(node.builds.len(), 1, "one build at a time");
    let late = node.builds[0].clone();
    node.now = at(GENESIS_SLOT + 2, 100);
    let block = Box::new(chain.build(&late, 1));
    node.input(Input::Built {
        slot: late.slot,
        outcome: BuildOutcome::Block(block),
    });
    assert_eq!(
        (node.builds.len(), node.signed.len()),
        (2, 0),
        "too late for its slot, and early enough for the next"
    );
}
