//! Changes of the validator set: what a driver may hand over, and who may sign before and after (R10).

use ledger_chainspec::{ConsensusKey, StatementKind};
use ledger_consensus::{Alarm, HeadError, Input, Message, Origin, Rejection, Silence};

use super::kit::{Chain, GENESIS_SLOT, Node, at, key, prevote, set_of};

/// Slot 1002: of validator 2 in a set of four.
const S: u64 = GENESIS_SLOT + 2;

#[test]
fn a_head_must_come_with_the_set_it_commits_to() {
    let chain = Chain::of(4);
    let genesis = chain.genesis_head();
    let block = chain.sealed(&genesis, S, 1);
    let head = chain.head_after(&block, chain.finality(&genesis, S, block.hash(), &[0, 2, 3]));
    let stranger = set_of(0, &[0, 1, 2, 4]);
    let mut wrong = vec![head.clone(), head.clone()];
    wrong[0].set = stranger;
    wrong[1].certificate = None;
    let is_right: [fn(&HeadError) -> bool; 2] = [
        |error| matches!(error, HeadError::Set { .. }),
        |error| matches!(error, HeadError::NoCertificate { .. }),
    ];
    for (head, is_right) in wrong.into_iter().zip(is_right) {
        let mut node = Node::new(&chain, 1);
        node.tick(at(S, 10));
        node.input(Input::Imported(Box::new(head)));
        assert!(
            matches!(&node.alarms[..], [Alarm::HeadRefused(error)] if is_right(error)),
            "{:?}",
            node.alarms
        );
        assert_eq!(node.engine.status().silence, Some(Silence::Halted));
    }
}

#[test]
fn a_set_number_counts_one_per_change() {
    for (id, is_taken) in [(0, false), (1, true), (2, false)] {
        let chain = Chain::with_sets(vec![(0, set_of(1, &[0, 1, 2, 3])), (2, set_of(id + 1, &[0, 1, 2]))]);
        let genesis = chain.genesis_head();
        let block = chain.sealed(&genesis, S, 1);
        let certificate = chain.finality(&genesis, S, block.hash(), &[0, 2, 3]);
        let mut node = Node::new(&chain, 1);
        node.tick(at(S, 10));
        node.input(Input::Certified {
            from: Origin(0),
            block,
            certificate,
        });
        // With the same number the set differs from the one before without being counted.
        let refused = node
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::HeadRefused(HeadError::SetNumber { .. })));
        assert_eq!(!refused, is_taken, "set {} after set 1", id + 1);
    }
}

#[test]
fn whoever_joins_signs_from_the_next_height_and_whoever_leaves_stops() {
    let chain = Chain::with_sets(vec![(0, set_of(0, &[0, 1, 2, 3])), (2, set_of(1, &[1, 2, 3, 4]))]);
    let genesis = chain.genesis_head();
    let block = chain.sealed(&genesis, S, 1);
    for (index, before, after) in [(0, 1, 0), (1, 1, 1), (4, 0, 1)] {
        let mut node = Node::new(&chain, index);
        node.tick(at(S, 10));
        node.propose(&block);
        assert_eq!(node.signed.len(), before, "validator {index} at height 1");
        node.signed.clear();
        node.hear(Message::Finality(chain.finality(&genesis, S, block.hash(), &[0, 2, 3])));
        let head = node.head();
        assert_eq!(node.height(), 1);
        // The first slot that belongs to somebody who did not seal block 1.
        let slot = S + 2;
        node.tick(at(slot, 10));
        node.hear(Message::Proposal(chain.proposal(&head, slot, 1)));
        let kinds: Vec<_> = node.signed.iter().map(|signed| signed.statement.kind).collect();
        assert_eq!(
            kinds,
            vec![StatementKind::Prevote; after],
            "validator {index} at height 2"
        );
        let silence = (after == 0).then_some(Silence::NotAValidator);
        assert_eq!(node.engine.status().silence, silence);
    }
}

#[test]
fn a_validator_that_left_has_no_vote() {
    let chain = Chain::with_sets(vec![(0, set_of(0, &[0, 1, 2, 3])), (2, set_of(1, &[1, 2, 3, 4]))]);
    let genesis = chain.genesis_head();
    let block = chain.sealed(&genesis, S, 1);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let certificate = chain.finality(&genesis, S, block.hash(), &[0, 2, 3]);
    node.input(Input::Certified {
        from: Origin(0),
        block: block.clone(),
        certificate,
    });
    let head = node.head();
    let place = chain.place(&head);
    let statement = place.statement(
        StatementKind::Prevote,
        ledger_chainspec::Slot::new(S + 1),
        block.hash(),
        None,
    );
    node.now = at(S + 1, 10);
    node.hear(Message::Vote(ledger_chainspec::Vote::sign(&statement, &key(0))));
    let voter = ConsensusKey::of(&key(0));
    assert_eq!(
        node.rejections.pop(),
        Some(Rejection::NotAValidator {
            voter,
            set_id: head.set.id()
        })
    );
    node.hear(Message::Vote(chain.vote(&genesis, 3, prevote(S, block.hash()))));
    assert!(
        matches!(node.rejections.pop(), Some(Rejection::HeightFinal { .. })),
        "the old set's late vote is no fault"
    );
}
