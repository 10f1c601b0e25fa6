//! A set of one: the same rules, final within the slot.

use super::kit::{Chain, GENESIS_SLOT, HEARTBEAT_SLOTS, Node, assert_consistent, at};
use ledger_chainspec::StatementKind;
use ledger_consensus::Input;

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
