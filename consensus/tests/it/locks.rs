//! A lock that others do not know of must not cost them slots: it is shown, and whoever is behind is told (R2, R4, R5).
//!
//! Genesis has slot 1000 and slot `s` belongs to validator `s mod 4`. The engine under test is validator 1.

use std::{rc::Rc, sync::Arc};

use ledger_chainspec::{Block, PrevoteCertificate, Slot};
use ledger_consensus::{BuildOutcome, Input, Message, Origin, Schedule};

use super::kit::{Chain, GENESIS_SLOT, Node, Outgoing, SLOT_MS, at, precommit, prevote};

/// The first slot of validator 2.
const S: u64 = GENESIS_SLOT + 2;

/// The engine of validator 1, locked on a block of slot S.
fn locked() -> (Rc<Chain>, Node, Arc<Block>) {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let head = node.head();
    let block = chain.sealed(&head, S, 1);
    node.propose(&block);
    for index in [0, 2] {
        node.hear(Message::Vote(chain.vote(&head, index, prevote(S, block.hash()))));
    }
    assert_eq!(node.engine.status().lock.map(|lock| lock.slot), Some(Slot::new(S)));
    node.outgoing.clear();
    (chain, node, block)
}

/// The certificates that the node told everybody, and forgets.
fn shown(node: &mut Node) -> Vec<Vec<PrevoteCertificate>> {
    let outgoing = std::mem::take(&mut node.outgoing);
    let shown = outgoing.into_iter().filter_map(|one| match one {
        Outgoing::Broadcast(Message::Justification(certificates)) => Some(certificates),
        _ => None,
    });
    shown.collect()
}

fn show_time(schedule: Schedule) -> u64 {
    schedule.lock_shown_at(Slot::new(S)).get() - S * SLOT_MS
}

#[test]
fn a_lock_whose_slot_is_not_final_in_time_is_shown_once() {
    let (chain, mut node, block) = locked();
    let time = show_time(chain.params.schedule);
    assert_eq!(node.wake, Some(at(S, time)), "it wakes for it");
    node.tick(at(S, time - 1));
    assert!(shown(&mut node).is_empty());
    node.tick(at(S, time));
    let told = shown(&mut node);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0][0].slot, told[0][0].hash), (Slot::new(S), block.hash()));
    node.tick(at(S, time + 50));
    assert!(shown(&mut node).is_empty(), "once per slot");
}

#[test]
fn a_lock_is_not_shown_when_its_block_is_final() {
    let (chain, mut node, block) = locked();
    let head = node.head();
    for index in [0, 2] {
        node.hear(Message::Vote(chain.vote(&head, index, precommit(S, block.hash()))));
    }
    assert_eq!(node.height(), 1);
    node.tick(at(S, show_time(chain.params.schedule)));
    assert!(shown(&mut node).is_empty());
}

#[test]
fn a_lock_that_keeps_from_voting_is_shown() {
    let (chain, mut node, block) = locked();
    node.tick(at(S + 1, 10));
    assert!(shown(&mut node).is_empty(), "nobody contradicts it yet");
    let other = chain.sealed(&node.head(), S + 1, 2);
    node.propose(&other);
    let told = shown(&mut node);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0][0].hash, block.hash());
}

#[test]
fn a_certificate_that_comes_while_a_block_is_built_goes_first() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S + 2, 10));
    let head = node.head();
    let block = chain.sealed(&head, S + 2, 1);
    node.propose(&block);
    // Its own slot: it starts to build, and only then learns that the last slot's block is certified.
    node.defers_work = true;
    node.now = at(S + 3, 0);
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.builds.len(), 1);
    let certificate = chain.prevotes(&head, S + 2, block.hash(), &[(0, None), (2, None), (3, None)]);
    node.hear(Message::Justification(vec![certificate.clone()]));
    node.outgoing.clear();
    let built = chain.build(&node.builds[0], 7);
    node.input(Input::Built {
        slot: Slot::new(S + 3),
        outcome: BuildOutcome::Block(Box::new(built)),
    });
    let proposed = node.outgoing.iter().find_map(|one| match one {
        Outgoing::Broadcast(Message::Proposal(proposal)) => Some(proposal.clone()),
        _ => None,
    });
    let proposed = proposed.expect("a proposal");
    assert_eq!(proposed.block.hash(), block.hash());
    assert_eq!(proposed.again.map(|again| again.certificates), Some(vec![certificate]));
}

#[test]
fn whoever_shows_a_lock_of_a_final_height_is_told() {
    let (chain, mut node, block) = locked();
    let genesis = node.head();
    for index in [0, 2] {
        node.hear(Message::Vote(chain.vote(&genesis, index, precommit(S, block.hash()))));
    }
    let voters = [(0, None), (1, None), (2, None)];
    let certificate = chain.prevotes(&genesis, S, block.hash(), &voters);
    node.outgoing.clear();
    for _ in 0..2 {
        node.hear(Message::Justification(vec![certificate.clone()]));
    }
    let expected = node.head().certificate.expect("block 1 has one");
    let [Outgoing::Send { to, message }] = &node.outgoing[..] else {
        panic!("not one answer: {:?}", node.outgoing);
    };
    assert_eq!((*to, message), (Origin(99), &Message::Finality(expected)));
}

#[test]
fn whoever_lacks_the_decided_block_asks_those_who_are_ahead() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let genesis = node.head();
    let block = chain.sealed(&genesis, S, 1);
    let certificate = chain.finality(&genesis, S, block.hash(), &[0, 2, 3]);
    node.hear(Message::Finality(certificate.clone()));
    assert!(matches!(node.outgoing[..], [Outgoing::Fetch(hash)] if hash == block.hash()));
    node.outgoing.clear();
    // Nobody answers; but somebody votes two blocks higher.
    node.tick(at(S + 2, 10));
    let ahead = chain.head_after(&block, certificate.clone());
    let second = chain.sealed(&ahead, S + 1, 2);
    let ahead = chain.head_after(&second, chain.finality(&ahead, S + 1, second.hash(), &[0, 2, 3]));
    node.hear(Message::Vote(chain.vote(&ahead, 3, prevote(S + 2, second.hash()))));
    assert!(
        matches!(node.outgoing[..], [Outgoing::CatchUp(Origin(99))]),
        "{:?}",
        node.outgoing
    );
    node.input(Input::Certified {
        from: Origin(99),
        block,
        certificate,
    });
    assert_eq!(node.height(), 1);
}
