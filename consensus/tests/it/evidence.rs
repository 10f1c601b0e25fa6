//! Who broke the rules, and is the proof one (R12, R15)?

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Slot, Statement, StatementKind};
use ledger_consensus::{
    Alarm, Evidence, EvidenceKind, Input, Message, Rejection, SignedStatement, Silence,
    equivocation::{EVIDENCE_WINDOW_SLOTS, EquivocationFinder, contradiction},
};
use proptest::prelude::*;

use super::kit::{Cast, Chain, GENESIS_SLOT, Node, at, key, precommit, prevote};

const S: u64 = GENESIS_SLOT + 2;

fn hash(byte: u8) -> BlockHash {
    BlockHash::new(B256::repeat_byte(byte))
}

fn statement(kind: StatementKind, height: u64, slot: u64, byte: u8, valid: Option<u64>) -> Statement {
    Statement {
        genesis: GenesisHash::new(B256::ZERO),
        set_id: SetId::new(1),
        height: BlockNumber::new(height),
        slot: Slot::new(slot),
        kind,
        hash: hash(byte),
        valid_slot: valid.map(Slot::new),
    }
}

fn signed(index: usize, statement: Statement) -> SignedStatement {
    SignedStatement {
        statement,
        signature: statement.sign(&key(index)),
    }
}

#[test]
fn what_contradicts_what() {
    use StatementKind::{Precommit, Prevote, Seal};
    let same = statement(Seal, 5, 10, 1, None);
    let table = [
        (same, same, None),
        (same, statement(Seal, 5, 10, 2, None), Some(EvidenceKind::DoubleSeal)),
        (same, statement(Seal, 6, 10, 2, None), Some(EvidenceKind::DoubleSeal)),
        (same, statement(Seal, 5, 11, 2, None), None),
        (
            statement(Prevote, 5, 10, 1, None),
            statement(Prevote, 5, 10, 2, None),
            Some(EvidenceKind::DoubleVote),
        ),
        (
            statement(Prevote, 5, 10, 1, None),
            statement(Prevote, 5, 10, 1, Some(9)),
            Some(EvidenceKind::DoubleVote),
        ),
        (
            statement(Prevote, 5, 10, 1, None),
            statement(Prevote, 5, 11, 2, None),
            None,
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Precommit, 6, 10, 1, None),
            Some(EvidenceKind::DoubleVote),
        ),
        (
            statement(Prevote, 5, 10, 1, None),
            statement(Precommit, 5, 10, 2, None),
            None,
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 5, 12, 2, None),
            Some(EvidenceKind::Amnesia),
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 5, 12, 2, Some(9)),
            Some(EvidenceKind::Amnesia),
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 5, 12, 2, Some(10)),
            None,
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 5, 12, 1, None),
            None,
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 6, 12, 2, None),
            None,
        ),
        (
            statement(Precommit, 5, 10, 1, None),
            statement(Prevote, 5, 9, 2, None),
            None,
        ),
        (same, statement(Prevote, 5, 10, 2, None), None),
    ];
    for (a, b, expected) in table {
        assert_eq!(contradiction(&a, &b), expected, "{a:?}\n{b:?}");
        assert_eq!(contradiction(&b, &a), expected);
        let elsewhere = Statement {
            genesis: GenesisHash::new(B256::repeat_byte(9)),
            ..b
        };
        assert_eq!(contradiction(&a, &elsewhere), None, "another chain");
        let later = Statement {
            set_id: SetId::new(2),
            ..b
        };
        assert_eq!(contradiction(&a, &later), None, "another set");
    }
}

#[test]
fn evidence_verifies_only_as_what_it_is() {
    let first = signed(1, statement(StatementKind::Precommit, 5, 10, 1, None));
    let second = signed(1, statement(StatementKind::Prevote, 5, 12, 2, None));
    let good = Evidence {
        kind: EvidenceKind::Amnesia,
        offender: ConsensusKey::of(&key(1)),
        first: first.clone(),
        second,
    };
    assert!(good.verify());
    assert!(
        !Evidence {
            offender: ConsensusKey::of(&key(2)),
            ..good.clone()
        }
        .verify()
    );
    assert!(
        !Evidence {
            kind: EvidenceKind::DoubleVote,
            ..good.clone()
        }
        .verify()
    );
    assert!(
        !Evidence {
            second: first,
            ..good.clone()
        }
        .verify()
    );
    let swapped = Evidence {
        first: good.second.clone(),
        second: good.first.clone(),
        ..good.clone()
    };
    assert!(!swapped.verify(), "the contract takes the precommit first");
    assert_eq!(good.first.to_bytes().len(), 106 + 64);
}

#[test]
fn the_finder_reports_once_and_forgets_old_slots() {
    let voter = ConsensusKey::of(&key(1));
    let vote = |slot, byte| signed(1, statement(StatementKind::Prevote, 5, slot, byte, None));
    let mut finder = EquivocationFinder::default();
    assert_eq!(finder.observe(voter, &vote(100, 1)), None);
    assert_eq!(finder.observe(voter, &vote(100, 1)), None, "the same again");
    let found = finder.observe(voter, &vote(100, 2)).expect("double vote");
    assert!(found.verify());
    assert_eq!(finder.observe(voter, &vote(100, 3)), None, "jailed once is enough");
    let mut finder = EquivocationFinder::default();
    assert_eq!(finder.observe(voter, &vote(100, 1)), None);
    assert_eq!(finder.observe(voter, &vote(101 + EVIDENCE_WINDOW_SLOTS, 1)), None);
    assert_eq!(finder.observe(voter, &vote(100, 2)), None, "too long past");
}

#[test]
fn a_double_seal_is_found_and_the_second_block_gets_no_vote() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let head = node.head();
    for salt in [1, 2] {
        node.hear(Message::Proposal(chain.proposal(&head, S, salt)));
    }
    assert_eq!(node.evidence.len(), 1);
    assert_eq!(
        (node.evidence[0].kind, node.evidence[0].verify()),
        (EvidenceKind::DoubleSeal, true)
    );
    assert_eq!(node.rejections, [Rejection::SecondProposal { slot: Slot::new(S) }]);
    assert_eq!(node.take_votes().len(), 1);
}

#[test]
fn a_double_vote_is_found_and_counts_once() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let head = node.head();
    let (a, b) = (chain.sealed(&head, S, 1).hash(), chain.sealed(&head, S, 2).hash());
    for hash in [a, b] {
        node.hear(Message::Vote(chain.vote(&head, 3, precommit(S, hash))));
        node.hear(Message::Vote(chain.vote(&head, 0, precommit(S, b))));
    }
    assert_eq!(node.evidence.len(), 1);
    assert_eq!(
        (node.evidence[0].kind, node.evidence[0].verify()),
        (EvidenceKind::DoubleVote, true)
    );
    let voter = ConsensusKey::of(&key(3));
    assert_eq!(
        node.rejections,
        [Rejection::SecondVote {
            voter,
            slot: Slot::new(S)
        }]
    );
}

#[test]
fn amnesia_is_found_whichever_vote_comes_first() {
    for precommit_first in [true, false] {
        let chain = Chain::of(4);
        let mut node = Node::new(&chain, 1);
        node.tick(at(S + 5, 10));
        let head = node.head();
        let mut votes = vec![
            chain.vote(&head, 3, precommit(S, hash(1))),
            chain.vote(&head, 3, prevote(S + 4, hash(2))),
        ];
        if !precommit_first {
            votes.reverse();
        }
        for vote in votes {
            node.hear(Message::Vote(vote));
        }
        assert_eq!(node.evidence.len(), 1);
        let found = &node.evidence[0];
        assert_eq!((found.kind, found.verify()), (EvidenceKind::Amnesia, true));
    }
}

#[test]
fn signatures_inside_certificates_are_looked_at_too() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S + 1, 10));
    let head = node.head();
    let hidden = chain.prevotes(&head, S, hash(1), &[(0, None), (2, None), (3, None)]);
    node.hear(Message::Vote(chain.vote(&head, 3, prevote(S, hash(2)))));
    node.hear(Message::Justification(vec![hidden]));
    assert_eq!(node.evidence.len(), 1);
    assert_eq!(node.evidence[0].offender, ConsensusKey::of(&key(3)));
}

#[test]
fn conflicting_certificates_halt_the_node_and_expose_whoever_signed_both() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let genesis = node.head();
    let block = chain.sealed(&genesis, S, 1);
    let certificate = chain.finality(&genesis, S, block.hash(), &[0, 2, 3]);
    let from = ledger_consensus::Origin(1);
    node.input(Input::Certified {
        from,
        block: block.clone(),
        certificate,
    });
    assert_eq!(node.height(), 1);
    node.hear(Message::Finality(chain.finality(&genesis, S, hash(9), &[0, 1, 2])));
    let conflict = Alarm::ConflictingCertificates {
        number: BlockNumber::new(1),
        local: block.hash(),
        other: hash(9),
    };
    assert_eq!(node.alarms, [conflict]);
    let offenders: Vec<_> = node.evidence.iter().map(|evidence| evidence.offender).collect();
    for index in [0, 2] {
        assert!(offenders.contains(&ConsensusKey::of(&key(index))));
    }
    assert!(node.evidence.iter().all(Evidence::verify));
    assert_eq!(node.engine.status().silence, Some(Silence::Halted));
    node.input(Input::PoolChanged { has_work: true });
    node.tick(at(GENESIS_SLOT + 5, 0));
    assert!(node.builds.is_empty() && node.signed.is_empty());
}

#[test]
fn ones_own_key_in_other_hands_is_noticed() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let head = node.head();
    let block = chain.sealed(&head, S, 1);
    node.hear(Message::Vote(chain.vote(&head, 1, prevote(S, block.hash()))));
    assert_eq!(node.alarms, [Alarm::KeyUsedElsewhere { slot: Slot::new(S) }]);
}

#[test]
fn a_confirmed_checkpoint_is_never_voted_or_decided_against() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S, 10));
    let head = node.head();
    let block = chain.sealed(&head, S, 1);
    let number = BlockNumber::new(1);
    node.input(Input::Checkpoint {
        number,
        confirmed: hash(5),
        local: None,
    });
    node.hear(Message::Proposal(chain.proposal(&head, S, 1)));
    assert!(node.signed.is_empty());
    for _ in 0..2 {
        node.hear(Message::Finality(chain.finality(&head, S, block.hash(), &[0, 2, 3])));
    }
    assert_eq!(node.height(), 0);
    let local = block.hash();
    assert_eq!(
        node.alarms,
        [Alarm::CheckpointContradicted {
            number,
            local,
            confirmed: hash(5)
        }],
        "said once"
    );
    assert!(matches!(node.rejections.pop(), Some(Rejection::Checkpoint { .. })));
}

#[test]
fn a_checkpoint_against_what_is_final_halts_and_one_that_agrees_does_not() {
    for (confirmed, halts) in [(hash(1), false), (hash(2), true)] {
        let chain = Chain::of(1);
        let mut node = Node::new(&chain, 0);
        node.input(Input::Checkpoint {
            number: BlockNumber::new(0),
            confirmed,
            local: Some(hash(1)),
        });
        node.input(Input::PoolChanged { has_work: true });
        assert_eq!(node.height() == 0, halts);
        assert_eq!(node.alarms.len(), usize::from(halts));
    }
}

/// Failing cases are turned into tests of their own, not into files.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

fn any_statement() -> impl Strategy<Value = Statement> {
    (0..3_u8, 5..7_u64, 10..14_u64, 1..3_u8, proptest::option::of(8..14_u64)).prop_map(
        |(kind, height, slot, byte, valid)| {
            let kind = [StatementKind::Seal, StatementKind::Prevote, StatementKind::Precommit][usize::from(kind)];
            let valid = valid.filter(|valid| kind == StatementKind::Prevote && *valid < slot);
            statement(kind, height, slot, byte, valid)
        },
    )
}

proptest! {
    #![proptest_config(cases(64))]

    /// Whatever somebody signs, the finder's evidence verifies, and it finds some if any pair contradicts.
    #[test]
    fn the_finder_finds_what_is_there_and_nothing_else(statements in prop::collection::vec(any_statement(), 1..12)) {
        let voter = ConsensusKey::of(&key(1));
        let mut finder = EquivocationFinder::default();
        let mut found = Vec::new();
        let mut seen: Vec<Statement> = Vec::new();
        let mut contradicts = false;
        for statement in &statements {
            contradicts |= seen.iter().any(|other| contradiction(other, statement).is_some());
            seen.push(*statement);
            found.extend(finder.observe(voter, &signed(1, *statement)));
        }
        prop_assert_eq!(found.len(), usize::from(contradicts));
        prop_assert!(found.iter().all(Evidence::verify));
    }

}

proptest! {
    #![proptest_config(cases(1_024))]

    /// A guard never permits a statement that is evidence against an earlier one, and neither does it after a restart.
    #[test]
    fn the_guard_permits_no_contradiction(
        statements in prop::collection::vec((any_statement(), any::<bool>()), 1..24),
    ) {
        use ledger_consensus::{GuardRecord, GuardStart, signing_guard::{SigningGuard, StartPoint}};
        let voter = ConsensusKey::of(&key(1));
        let genesis = GenesisHash::new(B256::ZERO);
        let point = StartPoint { slot: Slot::new(0), head: BlockNumber::new(0), validators: 4 };
        let mut guard = SigningGuard::start(genesis, voter, GuardStart::Fresh, point).unwrap();
        let mut permitted: Vec<Statement> = Vec::new();
        for (statement, restarts) in statements {
            if let Ok(write) = guard.permit(statement) {
                for earlier in &permitted {
                    prop_assert_eq!(contradiction(earlier, &statement), None);
                }
                permitted.push(statement);
                let bytes = parity_scale_codec::Encode::encode(write.record());
                prop_assert_eq!(guard.release(&write.stored()).len(), 1);
                if restarts {
                    let record = Box::new(GuardRecord::from_bytes(&bytes).unwrap());
                    guard = SigningGuard::start(genesis, voter, GuardStart::Found(record), point).unwrap();
                }
            }
        }
    }
}

/// A prevote that rests on a certificate of the lock's slot or later is no amnesia, whatever it is for.
#[test]
fn an_unlocked_prevote_is_no_evidence() {
    let chain = Chain::of(4);
    let mut node = Node::new(&chain, 1);
    node.tick(at(S + 5, 10));
    let head = node.head();
    node.hear(Message::Vote(chain.vote(&head, 3, precommit(S, hash(1)))));
    let cast = Cast {
        kind: StatementKind::Prevote,
        slot: S + 4,
        hash: hash(2),
        valid: Some(S),
    };
    node.hear(Message::Vote(chain.vote(&head, 3, cast)));
    assert!(node.evidence.is_empty());
}
