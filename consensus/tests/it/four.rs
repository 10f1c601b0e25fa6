//! Four validators, one engine under test: what it proposes, votes and locks, message by message (R2 to R5, R9).
//!
//! Genesis has slot 1000 and slot `s` belongs to validator `s mod 4`. The engine under test is validator 1 and starts in
//! slot 1001, its own; tests let that slot pass and look at slots of others where they need to.

use std::{rc::Rc, sync::Arc};

use ledger_chainspec::{Block, BlockHash, Slot, StatementKind, Vote};
use ledger_consensus::{Input, Message, Rejection, ValidationOutcome};

use super::kit::{Cast, Chain, GENESIS_SLOT, Node, Outgoing, assert_consistent, at, precommit, prevote};

/// The first slot of validator 2.
const S: u64 = GENESIS_SLOT + 2;

struct Scene {
    chain: Rc<Chain>,
    node: Node,
}

impl Scene {
    /// The engine of validator 1 in slot `slot`, with nothing to propose.
    fn at(slot: u64) -> Self {
        let chain = Chain::of(4);
        let mut node = Node::new(&chain, 1);
        node.tick(at(slot, 10));
        Self { chain, node }
    }

    fn block(&self, slot: u64, salt: u64) -> Arc<Block> {
        self.chain.sealed(&self.node.head(), slot, salt)
    }

    fn propose(&mut self, block: &Arc<Block>) {
        self.node.propose(block);
    }

    fn vote(&mut self, index: usize, cast: Cast) {
        let vote = self.chain.vote(&self.node.head(), index, cast);
        self.node.hear(Message::Vote(vote));
    }

    /// Others prevote and so lock the node on `block` in `slot`.
    fn lock_on(&mut self, block: &Arc<Block>, slot: u64) {
        self.propose(block);
        for index in [0, 2] {
            self.vote(index, prevote(slot, block.hash()));
        }
        let lock = self.node.engine.status().lock.expect("locked");
        assert_eq!((lock.slot, lock.hash), (Slot::new(slot), block.hash()));
        self.node.outgoing.clear();
    }

    fn votes(&mut self) -> Vec<(StatementKind, u64, BlockHash, Option<u64>)> {
        let votes = self.node.take_votes();
        votes
            .iter()
            .map(|vote| (vote.kind, vote.slot.get(), vote.hash, vote.valid_slot.map(Slot::get)))
            .collect()
    }
}

#[test]
fn a_proposal_is_prevoted_precommitted_and_final_within_its_slot() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    assert_eq!(scene.votes(), [(StatementKind::Prevote, S, block.hash(), None)]);
    scene.vote(0, prevote(S, block.hash()));
    assert_eq!(scene.votes(), [], "two prevotes of four are no quorum");
    scene.vote(2, prevote(S, block.hash()));
    assert_eq!(scene.votes(), [(StatementKind::Precommit, S, block.hash(), None)]);
    scene.vote(0, precommit(S, block.hash()));
    assert_eq!(scene.node.height(), 0);
    scene.vote(3, precommit(S, block.hash()));
    assert_eq!(scene.node.height(), 1);
    let signers: Vec<u16> = scene
        .node
        .head()
        .certificate
        .unwrap()
        .signatures
        .iter()
        .map(|(index, _)| *index)
        .collect();
    assert_eq!(signers, [0, 1, 3]);
}

#[test]
fn an_invalid_block_gets_no_vote() {
    let mut scene = Scene::at(S);
    scene.node.outcome = ValidationOutcome::Invalid;
    let block = scene.block(S, 1);
    scene.propose(&block);
    for index in [0, 2, 3] {
        scene.vote(index, prevote(S, block.hash()));
    }
    assert_eq!(scene.votes(), []);
}

#[test]
fn a_block_that_is_withheld_gets_no_vote_and_is_final_when_a_quorum_says_so() {
    let mut scene = Scene::at(S);
    scene.node.outcome = ValidationOutcome::Withheld;
    let block = scene.block(S, 1);
    scene.propose(&block);
    for index in [0, 2, 3] {
        scene.vote(index, prevote(S, block.hash()));
    }
    assert_eq!(scene.votes(), []);
    for index in [0, 2, 3] {
        scene.vote(index, precommit(S, block.hash()));
    }
    assert_eq!(scene.votes(), []);
    assert_eq!(scene.node.head().header.hash, block.hash());
}

/// What the node did not know of the mainchain it may know by then (R16).
#[test]
fn a_block_that_is_withheld_is_looked_at_again_in_a_later_slot() {
    for (knows_by_then, votes) in [(true, 1), (false, 0)] {
        let mut scene = Scene::at(S);
        scene.node.outcome = ValidationOutcome::Withheld;
        let (head, block) = (scene.node.head(), scene.block(S, 1));
        scene.propose(&block);
        let voters = [(0, None), (2, None), (3, None)];
        let certificate = scene.chain.prevotes(&head, S, block.hash(), &voters);
        scene.node.hear(Message::Justification(vec![certificate.clone()]));
        assert_eq!(scene.votes(), []);
        if knows_by_then {
            scene.node.outcome = ValidationOutcome::Valid;
        }
        scene.node.tick(at(S + 4, 10));
        let again = scene.chain.reproposal(&head, &block, S + 4, vec![certificate]);
        scene.node.hear(Message::Proposal(again));
        let expected = [(StatementKind::Prevote, S + 4, block.hash(), Some(S))];
        assert_eq!(scene.votes(), &expected[..votes]);
    }
}

#[test]
fn a_recovery_that_was_ordered_is_work_for_the_next_authority() {
    let order = ledger_chainspec::RecoveryOrder {
        epoch: 1,
        checkpoint: 1,
    };
    for (chain, builds) in [(Chain::ordering(4, 0, order), 1), (Chain::of(4), 0)] {
        let mut node = Node::new(&chain, 1);
        node.tick(at(GENESIS_SLOT + 1, 0));
        assert_eq!(node.builds.len(), builds);
    }
}

#[test]
fn the_authority_builds_at_the_start_of_its_slot_only() {
    let chain = Chain::of(4);
    for (ms, builds) in [(0, 1), (249, 1), (250, 0), (999, 0)] {
        let mut node = Node::new(&chain, 1);
        node.now = at(GENESIS_SLOT + 1, ms);
        node.input(Input::PoolChanged { has_work: true });
        assert_eq!(node.builds.len(), builds, "{ms} ms into the slot");
    }
}

#[test]
fn a_silent_authority_costs_its_slot_only() {
    let mut scene = Scene::at(S);
    scene.node.input(Input::PoolChanged { has_work: true });
    assert_eq!(
        scene.node.wake,
        Some(at(GENESIS_SLOT + 5, 0)),
        "sleeps until its own slot"
    );
    scene.node.tick(at(S + 1, 10));
    let block = scene.block(S + 1, 1);
    scene.propose(&block);
    assert_eq!(scene.votes(), [(StatementKind::Prevote, S + 1, block.hash(), None)]);
}

#[test]
fn a_late_certificate_is_remembered_but_not_precommitted() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    scene.vote(0, prevote(S, block.hash()));
    scene.node.now = at(S, 750);
    scene.votes();
    scene.vote(2, prevote(S, block.hash()));
    assert_eq!(scene.votes(), []);
    let status = scene.node.engine.status();
    assert_eq!(
        (status.lock, status.newest_certificate),
        (None, Some((Slot::new(S), block.hash())))
    );
    // In its own slot the node proposes the certified block again rather than a new one.
    scene.node.tick(at(GENESIS_SLOT + 5, 0));
    let again = scene.node.outgoing.iter().find_map(|outgoing| match outgoing {
        Outgoing::Broadcast(Message::Proposal(proposal)) => Some(proposal.clone()),
        _ => None,
    });
    let again = again.expect("proposed");
    assert_eq!(again.block.hash(), block.hash());
    assert_eq!(again.again.unwrap().certificates[0].slot, Slot::new(S));
    assert!(scene.node.builds.is_empty());
}

#[test]
fn late_prevotes_of_a_past_slot_make_a_certificate_but_no_precommit() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    scene.votes();
    scene.node.tick(at(S + 1, 10));
    for index in [0, 2] {
        scene.vote(index, prevote(S, block.hash()));
    }
    assert_eq!(scene.votes(), []);
    assert_eq!(
        scene.node.engine.status().newest_certificate,
        Some((Slot::new(S), block.hash()))
    );
}

#[test]
fn a_locked_validator_refuses_another_block() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.lock_on(&block, S);
    scene.node.tick(at(S + 1, 10));
    let other = scene.block(S + 1, 2);
    scene.propose(&other);
    assert_eq!(scene.votes(), []);
    assert!(matches!(
        scene.node.engine.status().last_refusal,
        Some(ledger_consensus::Refusal::Locked { hash, .. }) if hash == other.hash()
    ));
}

#[test]
fn a_certificate_at_least_as_new_as_the_lock_unlocks_and_an_older_one_does_not() {
    // Locked on X in slot S+1. Y has a certificate of slot `certified` and is proposed again in slot S+4.
    for (certified, unlocks) in [(S, false), (S + 1, true), (S + 2, true)] {
        let mut scene = Scene::at(S);
        let y = scene.block(S, 2);
        scene.node.tick(at(S + 1, 10));
        let x = scene.block(S + 1, 1);
        scene.lock_on(&x, S + 1);
        scene.node.tick(at(S + 4, 10));
        scene.votes();
        let head = scene.node.head();
        let certificate = scene
            .chain
            .prevotes(&head, certified, y.hash(), &[(0, None), (2, None), (3, None)]);
        scene.node.hear(Message::Proposal(scene.chain.reproposal(
            &head,
            &y,
            S + 4,
            vec![certificate],
        )));
        let expected = [(StatementKind::Prevote, S + 4, y.hash(), Some(certified))];
        assert_eq!(
            scene.votes(),
            if unlocks { &expected[..] } else { &[] },
            "certified in {certified}"
        );
        assert_consistent(&scene.node.signed);
    }
}

#[test]
fn a_vote_for_the_locked_block_stands_by_the_lock_and_shows_its_certificate() {
    let mut scene = Scene::at(S + 1);
    let head = scene.node.head();
    let block = scene.block(S, 1);
    let old = scene
        .chain
        .prevotes(&head, S, block.hash(), &[(0, None), (2, None), (3, None)]);
    let again = |slot| Message::Proposal(scene.chain.reproposal(&head, &block, slot, vec![old.clone()]));
    let (first, second) = (again(S + 1), again(S + 4));
    scene.node.hear(first);
    for index in [0, 2] {
        let cast = Cast {
            kind: StatementKind::Prevote,
            slot: S + 1,
            hash: block.hash(),
            valid: Some(S),
        };
        scene.vote(index, cast);
    }
    assert_eq!(
        scene.node.engine.status().lock.map(|lock| lock.slot),
        Some(Slot::new(S + 1))
    );
    scene.node.outgoing.clear();
    scene.node.tick(at(S + 4, 10));
    scene.node.hear(second);
    let shown = scene.node.outgoing.iter().find_map(|outgoing| match outgoing {
        Outgoing::Broadcast(Message::Justification(certificates)) => Some(certificates.clone()),
        _ => None,
    });
    let slots: Vec<u64> = shown
        .expect("shown")
        .iter()
        .map(|certificate| certificate.slot.get())
        .collect();
    assert_eq!(slots, [S + 1, S]);
    assert_eq!(
        scene.votes(),
        [(StatementKind::Prevote, S + 4, block.hash(), Some(S + 1))]
    );
    assert_consistent(&scene.node.signed);
}

#[test]
fn a_vote_with_a_valid_slot_counts_only_with_that_certificate() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    scene.node.tick(at(S + 4, 10));
    let cast = Cast {
        kind: StatementKind::Prevote,
        slot: S + 4,
        hash: block.hash(),
        valid: Some(S + 1),
    };
    for index in [0, 2, 3] {
        scene.vote(index, cast);
    }
    assert_eq!(scene.node.engine.status().newest_certificate, None);
    let head = scene.node.head();
    let certificate = scene
        .chain
        .prevotes(&head, S + 1, block.hash(), &[(0, None), (2, None), (3, None)]);
    scene.node.hear(Message::Justification(vec![certificate]));
    assert_eq!(
        scene.node.engine.status().newest_certificate,
        Some((Slot::new(S + 4), block.hash()))
    );
}

#[test]
fn a_certificate_whose_votes_rest_on_an_unknown_one_is_not_taken_without_it() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    scene.node.tick(at(S + 8, 10));
    let head = scene.node.head();
    let old = scene
        .chain
        .prevotes(&head, S + 1, block.hash(), &[(0, None), (2, None), (3, None)]);
    let voters = [(0, Some(S + 1)), (2, Some(S + 1)), (3, None)];
    let new = scene.chain.prevotes(&head, S + 4, block.hash(), &voters);
    scene.node.hear(Message::Justification(vec![new.clone()]));
    assert!(matches!(
        scene.node.rejections.pop(),
        Some(Rejection::NotGrounded { .. })
    ));
    scene.node.hear(Message::Justification(vec![old.clone(), new.clone()]));
    assert!(
        matches!(scene.node.rejections.pop(), Some(Rejection::Justification { .. })),
        "oldest first"
    );
    scene.node.hear(Message::Justification(vec![new, old]));
    assert!(scene.node.rejections.is_empty());
    assert_eq!(
        scene.node.engine.status().newest_certificate,
        Some((Slot::new(S + 4), block.hash()))
    );
}

#[test]
fn nobody_seals_two_blocks_in_a_row() {
    let mut scene = Scene::at(S);
    let own = GENESIS_SLOT + 5;
    scene.node.input(Input::PoolChanged { has_work: true });
    scene.node.tick(at(own, 0));
    let proposal = scene.node.outgoing.iter().find_map(|outgoing| match outgoing {
        Outgoing::Broadcast(Message::Proposal(proposal)) => Some(proposal.clone()),
        _ => None,
    });
    let hash = proposal.expect("built").block.hash();
    for index in [0, 2] {
        scene.vote(index, prevote(own, hash));
    }
    for index in [0, 2] {
        scene.vote(index, precommit(own, hash));
    }
    assert_eq!(scene.node.height(), 1);
    scene.node.tick(at(own + 4, 0));
    assert_eq!(scene.node.builds.len(), 1, "the parent is its own");
}

#[test]
fn a_header_with_the_parents_certificate_finalises_the_parent() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    for index in [0, 2] {
        scene.vote(index, prevote(S, block.hash()));
    }
    scene.node.tick(at(S + 1, 10));
    scene.votes();
    let certificate = scene.chain.finality(&scene.node.head(), S, block.hash(), &[0, 2, 3]);
    let head = scene.chain.head_after(&block, certificate);
    let child = scene.chain.proposal(&head, S + 1, 2);
    let hash = child.block.hash();
    scene.node.hear(Message::Proposal(child));
    assert_eq!(scene.node.height(), 1);
    assert_eq!(
        scene.votes(),
        [(StatementKind::Prevote, S + 1, hash, None)],
        "and the child is voted on"
    );
}

#[test]
fn messages_of_the_next_slot_are_kept_and_later_ones_are_not() {
    let mut scene = Scene::at(S);
    let block = scene.block(S + 1, 1);
    scene.propose(&block);
    scene.vote(0, prevote(S + 1, block.hash()));
    scene.vote(3, prevote(S + 1, block.hash()));
    assert_eq!((scene.votes(), scene.node.wake), (vec![], Some(at(S + 1, 0))));
    scene.node.tick(at(S + 1, 0));
    let kinds: Vec<_> = scene.votes().into_iter().map(|vote| vote.0).collect();
    assert_eq!(kinds, [StatementKind::Prevote, StatementKind::Precommit]);
    let far = scene.block(S + 3, 1);
    scene.propose(&far);
    scene.vote(0, prevote(S + 3, far.hash()));
    assert!(
        scene
            .node
            .rejections
            .iter()
            .all(|one| matches!(one, Rejection::SlotAhead { .. }))
    );
    assert_eq!(scene.node.rejections.len(), 2);
}

#[test]
fn messages_of_the_next_height_wait_for_it() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    let certificate = scene.chain.finality(&scene.node.head(), S, block.hash(), &[0, 2, 3]);
    let head = scene.chain.head_after(&block, certificate.clone());
    scene.node.tick(at(S + 1, 10));
    let child = scene.chain.sealed(&head, S + 1, 2);
    let early: Vec<Vote> = [0, 3]
        .map(|index| scene.chain.vote(&head, index, prevote(S + 1, child.hash())))
        .to_vec();
    for vote in early {
        scene.node.hear(Message::Vote(vote));
    }
    assert!(
        matches!(scene.node.outgoing[..], [Outgoing::CatchUp(_)]),
        "once per slot: {:?}",
        scene.node.outgoing
    );
    scene.node.outgoing.clear();
    let from = ledger_consensus::Origin(7);
    scene.node.input(Input::Certified {
        from,
        block,
        certificate,
    });
    assert_eq!(scene.node.height(), 1);
    scene.node.propose(&child);
    let kinds: Vec<_> = scene.votes().into_iter().map(|vote| vote.0).collect();
    assert_eq!(
        kinds,
        [StatementKind::Prevote, StatementKind::Precommit],
        "the early prevotes count"
    );
}

#[test]
fn a_certificate_without_its_block_is_fetched() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.node.hear(Message::Finality(scene.chain.finality(
        &scene.node.head(),
        S,
        block.hash(),
        &[0, 2, 3],
    )));
    assert!(matches!(scene.node.outgoing[..], [Outgoing::Fetch(hash)] if hash == block.hash()));
    let from = ledger_consensus::Origin(7);
    let other = scene.block(S, 9);
    scene.node.input(Input::Fetched { from, block: other });
    assert!(matches!(
        scene.node.rejections.pop(),
        Some(Rejection::NotAskedFor { .. })
    ));
    scene.node.input(Input::Fetched { from, block });
    assert_eq!(scene.node.height(), 1);
}

#[test]
fn whoever_still_votes_on_a_final_height_is_told() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    let genesis = scene.node.head();
    scene.propose(&block);
    scene.node.hear(Message::Finality(scene.chain.finality(
        &genesis,
        S,
        block.hash(),
        &[0, 2, 3],
    )));
    scene.node.tick(at(S + 1, 10));
    scene.node.outgoing.clear();
    let late = scene.chain.vote(&genesis, 3, prevote(S, block.hash()));
    scene.node.hear(Message::Vote(late));
    assert!(
        scene.node.outgoing.is_empty(),
        "a vote that came too late needs no answer"
    );
    let stale = scene.chain.vote(&genesis, 3, prevote(S + 1, block.hash()));
    for _ in 0..3 {
        scene.node.hear(Message::Vote(stale.clone()));
    }
    assert!(matches!(
        &scene.node.outgoing[..],
        [Outgoing::Send {
            message: Message::Finality(_),
            ..
        }]
    ));
}

#[test]
fn the_authority_of_the_slot_tells_everybody_that_its_block_is_final() {
    for (slot, tells) in [(GENESIS_SLOT + 5, true), (S, false)] {
        let mut scene = Scene::at(S);
        let hash = if tells {
            scene.node.now = at(slot, 0);
            scene.node.input(Input::PoolChanged { has_work: true });
            scene.node.outgoing.iter().find_map(|outgoing| match outgoing {
                Outgoing::Broadcast(Message::Proposal(proposal)) => Some(proposal.block.hash()),
                _ => None,
            })
        } else {
            let block = scene.block(slot, 1);
            scene.propose(&block);
            Some(block.hash())
        };
        for cast in [prevote(slot, hash.unwrap()), precommit(slot, hash.unwrap())] {
            scene.vote(0, cast);
            scene.vote(2, cast);
        }
        assert_eq!(scene.node.height(), 1);
        let told = scene
            .node
            .outgoing
            .iter()
            .any(|outgoing| matches!(outgoing, Outgoing::Broadcast(Message::Finality(_))));
        assert_eq!(told, tells, "slot {slot}");
    }
}

#[test]
fn votes_of_long_past_slots_are_forgotten() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.vote(0, prevote(S, block.hash()));
    let heard = |scene: &Scene| scene.node.engine.status().heard[0].1;
    assert_eq!(heard(&scene), Some(Slot::new(S)));
    scene.node.tick(at(S + ledger_consensus::VOTE_RETENTION_SLOTS, 0));
    assert_eq!(heard(&scene), Some(Slot::new(S)));
    scene.node.tick(at(S + ledger_consensus::VOTE_RETENTION_SLOTS + 1, 0));
    assert_eq!(heard(&scene), None);
}

#[test]
fn a_certified_block_is_kept_among_many_others() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    scene.propose(&block);
    for index in [0, 2, 3] {
        scene.vote(index, prevote(S, block.hash()));
    }
    let most = u64::try_from(ledger_consensus::CANDIDATES_MAX).unwrap();
    for salt in 0..2 * most {
        scene.node.tick(at(S + 2, 10 + salt));
        let other = scene.block(S + 2, 100 + salt);
        scene.propose(&other);
    }
    scene.node.outgoing.clear();
    scene.node.tick(at(GENESIS_SLOT + 5, 0));
    let again = scene.node.outgoing.iter().any(|outgoing| {
        matches!(outgoing, Outgoing::Broadcast(Message::Proposal(proposal)) if proposal.block.hash() == block.hash())
    });
    assert!(again, "proposed again");
}

#[test]
fn one_validation_at_a_time() {
    let mut scene = Scene::at(S);
    scene.node.defers_work = true;
    let first = scene.block(S, 1);
    scene.propose(&first);
    scene.node.tick(at(S + 1, 10));
    let second = scene.block(S + 1, 2);
    scene.propose(&second);
    assert_eq!(scene.node.validations, [first.hash()]);
    scene.node.input(Input::Validated {
        hash: first.hash(),
        outcome: ValidationOutcome::Valid,
    });
    assert_eq!(scene.node.validations, [first.hash(), second.hash()]);
    assert_eq!(scene.votes(), [], "the first came too late for its slot");
    scene.node.input(Input::Validated {
        hash: second.hash(),
        outcome: ValidationOutcome::Valid,
    });
    assert_eq!(scene.votes(), [(StatementKind::Prevote, S + 1, second.hash(), None)]);
}

#[test]
fn an_old_head_handed_over_again_changes_nothing() {
    let mut scene = Scene::at(S);
    let block = scene.block(S, 1);
    let genesis = scene.node.head();
    let certificate = scene.chain.finality(&genesis, S, block.hash(), &[0, 2, 3]);
    let from = ledger_consensus::Origin(7);
    scene.node.input(Input::Certified {
        from,
        block,
        certificate,
    });
    scene.node.tick(at(S + 1, 10));
    let child = scene.block(S + 1, 2);
    scene.vote(0, prevote(S + 1, child.hash()));
    let before = scene.node.engine.status();
    let head = scene.node.head();
    for old in [genesis, head] {
        scene.node.input(Input::Imported(Box::new(old)));
    }
    assert_eq!(scene.node.engine.status(), before);
}

#[test]
fn heartbeats_come_when_the_chain_is_quiet() {
    let scene = Scene::at(S);
    let due = GENESIS_SLOT + super::kit::HEARTBEAT_SLOTS;
    let own = (due..).find(|slot| slot % 4 == 1).unwrap();
    assert_eq!(scene.node.wake, Some(at(own, 0)));
    assert!(scene.node.builds.is_empty());
}

#[test]
fn proposer_is_checked_at_the_time_of_asking_however_long_the_engine_slept() {
    let scene = Scene::at(S);
    let block = scene.block(S + 4, 1);
    let check = |now| scene.node.engine.check_proposer(now, &block.header, None);
    assert_eq!(check(at(S + 4, 10)), Ok(()));
    assert_eq!(check(at(S + 3, 10)), Ok(()), "another clock may be ahead by little");
    let ahead = Rejection::SlotAhead {
        slot: Slot::new(S + 4),
        current: Slot::new(S),
    };
    assert_eq!(check(at(S, 20)), Err(ahead));
}

#[test]
fn only_the_authority_of_the_next_slot_knows_its_build() {
    for index in 0..4 {
        let chain = Chain::of(4);
        let mut node = Node::new(&chain, index);
        node.tick(at(S, 10));
        let block = chain.sealed(&node.head(), S, 1);
        node.propose(&block);
        for voter in (0..4).filter(|voter| *voter != index) {
            node.hear(Message::Vote(chain.vote(&node.head(), voter, prevote(S, block.hash()))));
        }
        assert!(node.engine.next_build().is_none(), "{S} is not decided");
        for voter in (0..4).filter(|voter| *voter != index) {
            node.hear(Message::Vote(chain.vote(
                &node.head(),
                voter,
                precommit(S, block.hash()),
            )));
        }
        assert_eq!(node.height(), 1);
        let next = node.engine.next_build().map(|request| request.slot.get());
        assert_eq!(next, (index == 3).then_some(S + 1), "validator {index}");
    }
}
