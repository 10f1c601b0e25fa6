//! The signing guard: what may be signed after what, what survives a crash, what a lost record costs (R6, R7, R8).

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Slot, Statement, StatementKind};
use ledger_consensus::{
    Alarm, GuardRecord, GuardStart, Input, Lock, Message, Refusal, Silence, StartError,
    guard_record::{CertifiedCandidate, SignedAt},
    signing_guard::{GUARD_BACKLOG_MAX, SigningGuard, StartPoint},
};
use parity_scale_codec::Encode;

use super::kit::{Chain, GENESIS_SLOT, Node, Outgoing, assert_consistent, at, key, precommit, prevote};

const GENESIS: GenesisHash = GenesisHash::new(B256::repeat_byte(7));
const POINT: StartPoint = StartPoint {
    slot: Slot::new(100),
    head: BlockNumber::new(0),
    validators: 4,
};

fn hash(byte: u8) -> BlockHash {
    BlockHash::new(B256::repeat_byte(byte))
}

fn voter() -> ConsensusKey {
    ConsensusKey::of(&key(1))
}

fn statement(kind: StatementKind, height: u64, slot: u64, byte: u8) -> Statement {
    Statement {
        genesis: GENESIS,
        set_id: SetId::new(0),
        height: BlockNumber::new(height),
        slot: Slot::new(slot),
        kind,
        hash: hash(byte),
        valid_slot: None,
    }
}

fn guard(start: GuardStart) -> Result<SigningGuard, StartError> {
    SigningGuard::start(GENESIS, voter(), start, POINT)
}

/// Permits and stores at once.
fn sign(guard: &mut SigningGuard, statement: Statement) -> Result<(), Refusal> {
    let receipt = guard.permit(statement)?.stored();
    assert_eq!(guard.release(&receipt).len(), 1);
    Ok(())
}

#[test]
fn what_may_be_signed_after_what() {
    use StatementKind::{Precommit, Prevote, Seal};
    // After a statement of slot 10, the same height: which kinds of slots 9, 10 and 11 are permitted?
    let table = [
        (
            Seal,
            [
                (Seal, [false, false, true]),
                (Prevote, [false, true, true]),
                (Precommit, [false, true, true]),
            ],
        ),
        (
            Prevote,
            [
                (Seal, [false, false, true]),
                (Prevote, [false, false, true]),
                (Precommit, [false, true, true]),
            ],
        ),
        (
            Precommit,
            [
                (Seal, [false, false, true]),
                (Prevote, [false, false, true]),
                (Precommit, [false, false, true]),
            ],
        ),
    ];
    for (first, rows) in table {
        for (second, permitted) in rows {
            for (slot, permitted) in (9..).zip(permitted) {
                for height in [5, 6] {
                    let mut guard = guard(GuardStart::Fresh).unwrap();
                    sign(&mut guard, statement(first, 5, 10, 1)).unwrap();
                    // A prevote rests on the lock that the first statement may have made.
                    let valid_slot = Some(Slot::new(10)).filter(|_| second == Prevote && slot > 10);
                    let result = sign(
                        &mut guard,
                        Statement {
                            valid_slot,
                            ..statement(second, height, slot, 1)
                        },
                    );
                    assert_eq!(
                        result.is_ok(),
                        permitted,
                        "{second:?} of {height}, {slot} after {first:?} of 5, 10"
                    );
                }
            }
        }
    }
}

#[test]
fn a_height_below_the_record_is_refused() {
    let mut guard = guard(GuardStart::Fresh).unwrap();
    sign(&mut guard, statement(StatementKind::Prevote, 5, 10, 1)).unwrap();
    let refused = sign(&mut guard, statement(StatementKind::Prevote, 4, 11, 1));
    assert_eq!(
        refused,
        Err(Refusal::HeightBehind {
            height: BlockNumber::new(4),
            recorded: BlockNumber::new(5)
        })
    );
}

#[test]
fn a_prevote_under_a_lock_rests_on_its_slot_or_a_later_one() {
    for (byte, valid, permitted) in [
        (1, None, false),
        (1, Some(10), true),
        (2, None, false),
        (2, Some(9), false),
        (2, Some(10), true),
        (2, Some(11), true),
    ] {
        let mut guard = guard(GuardStart::Fresh).unwrap();
        sign(&mut guard, statement(StatementKind::Precommit, 5, 10, 1)).unwrap();
        let prevote = Statement {
            valid_slot: valid.map(Slot::new),
            ..statement(StatementKind::Prevote, 5, 12, byte)
        };
        assert_eq!(
            sign(&mut guard, prevote).is_ok(),
            permitted,
            "block {byte} with certificate {valid:?}"
        );
    }
}

#[test]
fn a_lock_moved_from_another_block_is_remembered_by_its_slot() {
    let mut guard = guard(GuardStart::Fresh).unwrap();
    sign(&mut guard, statement(StatementKind::Precommit, 5, 10, 2)).unwrap();
    sign(&mut guard, statement(StatementKind::Precommit, 5, 11, 1)).unwrap();
    let prevote = statement(StatementKind::Prevote, 5, 12, 1);
    assert!(
        matches!(sign(&mut guard, prevote), Err(Refusal::Locked { .. })),
        "amnesia against the first precommit"
    );
    let prevote = Statement {
        valid_slot: Some(Slot::new(11)),
        ..prevote
    };
    assert_eq!(sign(&mut guard, prevote), Ok(()));
}

#[test]
fn a_lock_ends_with_its_height() {
    let mut guard = guard(GuardStart::Fresh).unwrap();
    sign(&mut guard, statement(StatementKind::Precommit, 5, 10, 1)).unwrap();
    assert_eq!(
        guard.lock_at(BlockNumber::new(5)),
        Some(Lock {
            slot: Slot::new(10),
            hash: hash(1)
        })
    );
    sign(&mut guard, statement(StatementKind::Prevote, 6, 11, 2)).unwrap();
    assert_eq!(guard.lock_at(BlockNumber::new(6)), None);
}

#[test]
fn nothing_is_released_before_its_record_is_stored() {
    let mut guard = guard(GuardStart::Fresh).unwrap();
    let first = guard.permit(statement(StatementKind::Seal, 1, 10, 1)).unwrap().stored();
    let second = guard
        .permit(statement(StatementKind::Prevote, 1, 10, 1))
        .unwrap()
        .stored();
    let third = guard.permit(statement(StatementKind::Precommit, 1, 10, 1)).unwrap();
    assert_eq!(
        guard.release(&second).len(),
        2,
        "a newer record stands for the older ones"
    );
    assert_eq!(guard.release(&first).len(), 0);
    assert_eq!(guard.release(&third.stored()).len(), 1);
}

#[test]
fn a_store_that_does_not_answer_stops_signing() {
    let mut guard = guard(GuardStart::Fresh).unwrap();
    for slot in 0..GUARD_BACKLOG_MAX as u64 {
        drop(guard.permit(statement(StatementKind::Seal, 1, 10 + slot, 1)).unwrap());
    }
    let refused = guard.permit(statement(StatementKind::Seal, 1, 100, 1));
    assert_eq!(
        refused.err(),
        Some(Refusal::Backlog {
            waiting: GUARD_BACKLOG_MAX
        })
    );
}

#[test]
fn a_record_of_another_chain_or_key_is_refused() {
    let found = |record| guard(GuardStart::Found(Box::new(record))).err();
    let other = GenesisHash::new(B256::ZERO);
    let record = GuardRecord::fresh(other, voter());
    assert_eq!(
        found(record),
        Some(StartError::GuardOfAnotherChain {
            recorded: other,
            genesis: GENESIS
        })
    );
    let stranger = ConsensusKey::of(&key(2));
    let record = GuardRecord::fresh(GENESIS, stranger);
    assert_eq!(
        found(record),
        Some(StartError::GuardOfAnotherKey {
            recorded: stranger,
            voter: voter()
        })
    );
    let late = StartPoint {
        head: BlockNumber::new(3),
        ..POINT
    };
    let start = SigningGuard::start(GENESIS, voter(), GuardStart::Fresh, late);
    assert_eq!(
        start.err(),
        Some(StartError::NotFresh {
            head: BlockNumber::new(3)
        })
    );
    assert_eq!(
        guard(GuardStart::LostAccepted).err(),
        Some(StartError::LostGuardNotAcceptable { validators: 4 })
    );
}

#[test]
fn a_lost_guard_is_silent_until_a_later_certificate_and_signs_above_it() {
    let mut guard = guard(GuardStart::Lost).unwrap();
    let prevote = |height, slot| statement(StatementKind::Prevote, height, slot, 1);
    for (slot, number) in [(99, 8), (100, 9)] {
        guard.observe_final(Slot::new(slot), BlockNumber::new(number));
        assert_eq!(
            guard.permit(prevote(10, 110)).err(),
            Some(Refusal::LostGuard { since: Slot::new(100) })
        );
    }
    guard.observe_final(Slot::new(101), BlockNumber::new(10));
    assert!(matches!(
        guard.permit(prevote(10, 111)),
        Err(Refusal::HeightBehind { .. })
    ));
    assert!(guard.permit(prevote(11, 112)).is_ok());
}

#[test]
fn the_record_has_these_bytes() {
    let chain = Chain::of(1);
    let head = chain.genesis_head();
    let block = chain.sealed(&head, GENESIS_SLOT + 1, 5);
    let certificates = vec![chain.prevotes(&head, GENESIS_SLOT + 1, block.hash(), &[(0, None)])];
    let record = GuardRecord {
        set_id: SetId::new(3),
        height: BlockNumber::new(0x0102),
        seal: Some(SignedAt {
            slot: Slot::new(0x11),
            hash: hash(0xaa),
        }),
        prevote: None,
        precommit: Some(SignedAt {
            slot: Slot::new(0x12),
            hash: hash(0xbb),
        }),
        lock: Some(Lock {
            slot: Slot::new(0x12),
            hash: hash(0xbb),
        }),
        newest: None,
        ..GuardRecord::fresh(GENESIS, voter())
    };
    let mut golden = vec![1];
    golden.extend([7; 32]);
    golden.extend(voter().get());
    golden.extend([3, 0, 0, 0, 0, 0, 0, 0]);
    golden.extend([2, 1, 0, 0, 0, 0, 0, 0]);
    golden.extend([1, 0x11, 0, 0, 0, 0, 0, 0, 0]);
    golden.extend([0xaa; 32]);
    golden.push(0);
    for _ in 0..2 {
        golden.extend([1, 0x12, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend([0xbb; 32]);
    }
    golden.push(0);
    assert_eq!(record.encode(), golden);
    assert_eq!(GuardRecord::from_bytes(&golden), Ok(record.clone()));
    let full = GuardRecord {
        newest: Some(CertifiedCandidate {
            certificates: certificates.clone(),
            block: block.clone(),
        }),
        ..record
    };
    *golden.last_mut().unwrap() = 1;
    golden.extend(certificates.encode());
    golden.extend(block.to_rlp().encode());
    assert_eq!(full.encode(), golden);
    assert_eq!(GuardRecord::from_bytes(&golden), Ok(full));
}

#[test]
fn damaged_records_are_refused_and_never_panic() {
    let bytes = GuardRecord::fresh(GENESIS, voter()).encode();
    for length in 0..bytes.len() {
        assert!(GuardRecord::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(GuardRecord::from_bytes(&longer).is_err());
    let mut newer = bytes;
    newer[0] = 2;
    assert_eq!(
        GuardRecord::from_bytes(&newer),
        Err(ledger_consensus::GuardRecordError::Version { version: 2 })
    );
}

/// Validator 1 of four takes part in two heights; at each effect in turn its process dies. Whatever it signs after the
/// restart, with what its disk holds, agrees with what it signed before, and it takes part again.
#[test]
fn a_restart_at_every_effect_contradicts_nothing() {
    let mut crashes = 0;
    for budget in 0.. {
        let chain = Chain::of(4);
        let mut node = Node::new(&chain, 1);
        node.effects_left = Some(budget);
        take_part(&mut node, GENESIS_SLOT + 2);
        if !node.crashed {
            break;
        }
        crashes += 1;
        let guard = node.stored_guard();
        node.restart(guard, at(GENESIS_SLOT + 2, 600));
        // The messages of the slot come once more, and then another block than before.
        take_part(&mut node, GENESIS_SLOT + 2);
        take_part(&mut node, GENESIS_SLOT + 3);
        assert_consistent(&node.signed);
        assert!(node.alarms.is_empty(), "{:?}", node.alarms);
        let before = node.height();
        for slot in 6..12 {
            take_part(&mut node, GENESIS_SLOT + slot);
        }
        assert!(node.height() > before, "crash after {budget} effects");
        assert_consistent(&node.signed);
    }
    assert!(crashes > 5, "only {crashes} effects");
}

/// The others propose and vote in `slot`: a new block by its authority, or the certified one of `node` if that is ours.
fn take_part(node: &mut Node, slot: u64) {
    let chain = node.chain.clone();
    let head = node.head();
    node.tick(at(slot, 5).max(node.now));
    if slot % 4 == 1 {
        node.input(Input::PoolChanged { has_work: true });
    } else if head.set.authority(Slot::new(slot)).account != head.header.header.beneficiary {
        node.hear(Message::Proposal(chain.proposal(&head, slot, slot)));
    }
    let proposed = node.outgoing.drain(..).find_map(|outgoing| match outgoing {
        Outgoing::Broadcast(Message::Proposal(proposal)) => Some(proposal.block.hash()),
        _ => None,
    });
    let block = proposed.unwrap_or_else(|| chain.sealed(&head, slot, slot).hash());
    for cast in [prevote(slot, block), precommit(slot, block)] {
        for index in [0, 2] {
            node.hear(Message::Vote(chain.vote(&head, index, cast)));
        }
    }
}

/// A set of one dies at each effect in turn and goes on from its disk.
#[test]
fn a_validator_alone_survives_a_crash_at_every_effect() {
    for budget in 0.. {
        let chain = Chain::of(1);
        let mut node = Node::new(&chain, 0);
        node.effects_left = Some(budget);
        node.input(Input::PoolChanged { has_work: true });
        node.tick(at(GENESIS_SLOT + 2, 0));
        if !node.crashed {
            assert!(budget > 15, "a block takes more than {budget} effects");
            break;
        }
        let guard = node.stored_guard();
        node.restart(guard, at(GENESIS_SLOT + 3, 0));
        node.input(Input::PoolChanged { has_work: true });
        let before = node.height();
        node.tick(at(GENESIS_SLOT + 4, 0));
        assert_eq!(node.height(), before + 1, "crash after {budget} effects");
        assert_consistent(&node.signed);
        assert!(node.alarms.is_empty());
    }
}

#[test]
fn a_set_of_one_with_a_lost_guard_needs_the_operators_word() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.input(Input::PoolChanged { has_work: true });
    node.restart(GuardStart::Lost, at(GENESIS_SLOT + 5, 0));
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.height(), 1);
    assert_eq!(node.wake, None, "silent and asleep");
    let since = Slot::new(GENESIS_SLOT + 5);
    assert_eq!(node.alarms, [Alarm::GuardLost { since }]);
    assert_eq!(node.engine.status().silence, Some(Silence::GuardLost { since }));
    node.restart(GuardStart::LostAccepted, at(GENESIS_SLOT + 6, 0));
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.height(), 2);
}

#[test]
fn a_chain_older_than_its_guard_raises_an_alarm_and_signs_nothing() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.input(Input::PoolChanged { has_work: true });
    node.tick(at(GENESIS_SLOT + 2, 0));
    node.disk.chain.clear();
    let (guard, signed) = (node.stored_guard(), node.signed.len());
    node.restart(guard, at(GENESIS_SLOT + 3, 0));
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(node.signed.len(), signed);
    assert!(matches!(node.alarms[..], [Alarm::GuardAhead { .. }]));
}

#[test]
fn a_clock_that_goes_back_costs_slots_but_no_second_signature() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    node.now = at(GENESIS_SLOT + 50, 0);
    node.input(Input::PoolChanged { has_work: true });
    for slot in [10, 30, 50] {
        node.tick(at(GENESIS_SLOT + slot, 0));
        assert_eq!(
            (node.height(), node.wake),
            (1, Some(at(GENESIS_SLOT + 51, 0))),
            "no use in waking before"
        );
    }
    assert_eq!(node.alarms, [Alarm::ClockWentBack { by_ms: 40_000 }]);
    node.tick(at(GENESIS_SLOT + 51, 0));
    assert_eq!(node.height(), 2);
    assert_consistent(&node.signed);
}

#[test]
fn a_clock_off_the_peers_median_stops_signing() {
    let chain = Chain::of(1);
    let mut node = Node::new(&chain, 0);
    for _ in 0..2 {
        node.input(Input::ClockOffset { offset_ms: -126 });
    }
    node.input(Input::PoolChanged { has_work: true });
    assert_eq!(
        (node.height(), node.wake),
        (0, Some(at(GENESIS_SLOT + 100, 0))),
        "the wake of before is harmless"
    );
    node.input(Input::ClockOffset { offset_ms: 125 });
    assert_eq!(node.height(), 1);
    assert_eq!(
        node.alarms,
        [
            Alarm::ClockOff {
                offset_ms: -126,
                tolerance_ms: 125
            },
            Alarm::ClockRight
        ]
    );
}
