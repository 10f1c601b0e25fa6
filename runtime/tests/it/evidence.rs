//! Do two statements of one key convict a validator on the real chain, and only those that no honest one signs (R12)?

use StatementKind::{Precommit, Prevote, Seal};
use alloy_primitives::{B256, Bytes};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    BlockHash, BlockNumber, ConsensusKey, GenesisHash, SetId, Slot, Statement, StatementKind, dev_keys,
    predeploys::BOOTSTRAP,
};
use ledger_contracts::{
    Bootstrap::{self, BootstrapErrors as E, BootstrapEvents},
    KnownError, KnownEvent, Offence, ValidatorStatus, decode_event, decode_revert,
};
use ledger_runtime::CallOutcome;

use crate::council::{Council, candidate, events, stranger};

const X: u8 = 0xaa;
const Y: u8 = 0xbb;

/// The order of ed25519's group, little-endian.
const GROUP_ORDER: [u8; 32] =
    alloy_primitives::hex!("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/// A statement of the set 0 at height 9.
fn says(council: &Council, kind: StatementKind, slot: u64, hash: u8, valid_slot: Option<u64>) -> Statement {
    Statement {
        genesis: council.world.runtime.genesis_hash(),
        set_id: SetId::new(0),
        height: BlockNumber::new(9),
        slot: Slot::new(slot),
        kind,
        hash: BlockHash::new(B256::repeat_byte(hash)),
        valid_slot: valid_slot.map(Slot::new),
    }
}

/// The statement as evidence: its bytes, then its signature.
fn signed(statement: &Statement, key: &SigningKey) -> Bytes {
    [&statement.encode()[..], &statement.sign(key).get()].concat().into()
}

fn key_of(key: &SigningKey) -> B256 {
    ConsensusKey::of(key).get().into()
}

fn submit(key: &SigningKey, a: impl Into<Bytes>, b: impl Into<Bytes>) -> Bootstrap::submitEvidenceCall {
    Bootstrap::submitEvidenceCall {
        consensusKey: key_of(key),
        a: a.into(),
        b: b.into(),
    }
}

/// What the contract makes of two statements that the key signed: the offence and its slot, or the refusal.
fn verdict(council: &Council, key: &SigningKey, a: &Statement, b: &Statement) -> Result<(Offence, u64), E> {
    let result = council.would(
        &stranger("witness"),
        BOOTSTRAP,
        &submit(key, signed(a, key), signed(b, key)),
    );
    match result.outcome {
        CallOutcome::Returned(_) => Ok(result.logs.iter().find_map(jailing).unwrap()),
        CallOutcome::Reverted(data) => match decode_revert(&data) {
            Some(KnownError::Bootstrap(error)) => Err(error),
            other => panic!("{other:?}"),
        },
        CallOutcome::Halted(why) => panic!("{why}"),
    }
}

fn jailing(log: &alloy_primitives::Log) -> Option<(Offence, u64)> {
    match decode_event(&log.data)? {
        KnownEvent::Bootstrap(BootstrapEvents::ValidatorJailed(jailed)) => {
            Some((jailed.offence.try_into().unwrap(), jailed.slot))
        }
        _ => None,
    }
}

#[test]
fn each_offence_jails_from_the_next_height_on_until_one_validator_is_left() {
    let council = Council::testnet();
    let offences = [
        (
            3,
            says(&council, Seal, 10, X, None),
            says(&council, Seal, 10, Y, None),
            Offence::DoubleSeal,
        ),
        (
            1,
            says(&council, Precommit, 11, X, None),
            says(&council, Precommit, 11, Y, None),
            Offence::DoubleVote,
        ),
        (
            0,
            says(&council, Precommit, 12, X, None),
            says(&council, Prevote, 15, Y, Some(11)),
            Offence::Amnesia,
        ),
    ];
    let (mut left, mut set_id) = (4, 0);
    for (k, a, b, offence) in offences {
        let key = dev_keys::validator_key(k);
        let account = council.validators[k as usize].address();
        let before = council.world.head();
        let receipt = council.does(&stranger("witness"), &submit(&key, signed(&a, &key), signed(&b, &key)));
        (left, set_id) = (left - 1, set_id + 1);
        println!("{offence}: {} gas", receipt.gas_used);
        assert!(
            (80_000..160_000).contains(&receipt.gas_used),
            "{} gas",
            receipt.gas_used
        );
        assert_eq!(receipt.receipt.logs.iter().find_map(jailing).unwrap().0, offence);

        // The old set certified the block; the new one, in the old order, governs the next.
        let head = council.world.head();
        council.assert_set(set_id, left);
        assert_eq!(
            (&head.signers, head.certificate.as_ref().unwrap().set_id),
            (&before.set, before.set.id())
        );
        let rest = before.set.iter().filter(|validator| validator.account != account);
        assert!(head.set.iter().eq(rest));
        assert_eq!(council.status(account), ValidatorStatus::Jailed);
        council.block(vec![]);
        let (next, set) = (council.world.head(), &head.set);
        assert_eq!(next.certificate.as_ref().unwrap().set_id, SetId::new(set_id));
        assert_eq!(next.header.header.beneficiary, set.authority(next.slot).account);
    }

    // Without the last one there would be no chain.
    let (key, account) = (dev_keys::validator_key(2), council.validators[2].address());
    let (a, b) = (says(&council, Seal, 10, X, None), says(&council, Seal, 10, Y, None));
    let last = submit(&key, signed(&a, &key), signed(&b, &key));
    assert_eq!(
        council.refused(&stranger("witness"), &last),
        E::SetWouldBeEmpty(Bootstrap::SetWouldBeEmpty { account })
    );
    council.assert_set(set_id, 1);
    let known = council.ask(&Bootstrap::consensusKeyOfCall {
        consensusKey: key_of(&key),
    });
    assert_eq!((known.account, known.jailed), (account, false));
}

#[test]
fn what_no_honest_validator_signs_convicts_in_either_order() {
    let council = Council::testnet();
    let key = dev_keys::validator_key(2);
    let says = |kind, slot, hash, valid| says(&council, kind, slot, hash, valid);
    let other_height = Statement {
        height: BlockNumber::new(10),
        ..says(Prevote, 10, X, None)
    };
    let other_set = Statement {
        set_id: SetId::new(1),
        ..says(Prevote, 10, X, None)
    };
    let lock = says(Precommit, 12, X, None);
    let table = [
        (
            says(Seal, 10, X, None),
            says(Seal, 10, Y, None),
            Offence::DoubleSeal,
            10,
        ),
        // A new block and a re-proposal in one slot.
        (
            says(Seal, 10, X, None),
            says(Seal, 10, Y, Some(9)),
            Offence::DoubleSeal,
            10,
        ),
        (
            says(Prevote, 10, X, None),
            says(Prevote, 10, Y, None),
            Offence::DoubleVote,
            10,
        ),
        (
            says(Prevote, 10, X, None),
            says(Prevote, 10, X, Some(0)),
            Offence::DoubleVote,
            10,
        ),
        (
            says(Prevote, 10, X, Some(3)),
            says(Prevote, 10, X, Some(4)),
            Offence::DoubleVote,
            10,
        ),
        (says(Prevote, 10, X, None), other_height, Offence::DoubleVote, 10),
        (says(Prevote, 10, X, None), other_set, Offence::DoubleVote, 10),
        (lock, says(Precommit, 12, Y, None), Offence::DoubleVote, 12),
        (lock, says(Prevote, 13, Y, None), Offence::Amnesia, 13),
        (lock, says(Prevote, 15, Y, Some(11)), Offence::Amnesia, 15),
        (
            says(Precommit, u64::MAX - 1, X, None),
            says(Prevote, u64::MAX, Y, Some(0)),
            Offence::Amnesia,
            u64::MAX,
        ),
    ];
    for (a, b, offence, slot) in table {
        assert_eq!(verdict(&council, &key, &a, &b), Ok((offence, slot)), "{a:?} {b:?}");
        assert_eq!(verdict(&council, &key, &b, &a), Ok((offence, slot)), "{b:?} {a:?}");
    }
}

#[test]
fn what_an_honest_validator_signs_convicts_nobody() {
    let council = Council::testnet();
    let key = dev_keys::validator_key(2);
    let says = |kind, slot, hash, valid| says(&council, kind, slot, hash, valid);
    let seal = says(Seal, 10, X, None);
    let lock = says(Precommit, 12, X, None);
    let other_height = Statement {
        height: BlockNumber::new(10),
        ..says(Prevote, 15, Y, None)
    };
    let other_set = Statement {
        set_id: SetId::new(1),
        ..says(Prevote, 15, Y, None)
    };
    let table = [
        ("the same seal twice", seal, seal),
        ("the same precommit twice", lock, lock),
        (
            "a seal and, later, the re-proposal of another block",
            seal,
            says(Seal, 14, Y, Some(12)),
        ),
        (
            "a seal and the re-proposal of the same block",
            seal,
            says(Seal, 10, X, Some(9)),
        ),
        ("a seal and a prevote of one slot", seal, says(Prevote, 10, Y, None)),
        (
            "a prevote, and a precommit of what the quorum chose",
            says(Prevote, 12, Y, None),
            lock,
        ),
        ("a lock, and a vote for it", lock, says(Prevote, 15, X, Some(12))),
        (
            "a lock, and a vote on a certificate of its slot",
            lock,
            says(Prevote, 15, Y, Some(12)),
        ),
        (
            "a lock, and a vote on a later certificate",
            lock,
            says(Prevote, 15, Y, Some(14)),
        ),
        ("a vote before the lock", says(Prevote, 9, Y, None), lock),
        ("a lock, and a later lock", lock, says(Precommit, 15, Y, None)),
        ("a lock, and a vote at another height", lock, other_height),
        ("a lock, and a vote in another set", lock, other_set),
    ];
    for (what, a, b) in table {
        for (a, b) in [(a, b), (b, a)] {
            let none = E::NoOffence(Bootstrap::NoOffence {
                statementA: signed(&a, &key),
                statementB: signed(&b, &key),
            });
            assert_eq!(verdict(&council, &key, &a, &b), Err(none), "{what}");
        }
    }
    // And as a block: nothing happens to the set.
    let nothing = submit(&key, signed(&lock, &key), signed(&lock, &key));
    assert!(matches!(
        council.refused(&stranger("witness"), &nothing),
        E::NoOffence(_)
    ));
    council.assert_set(0, 4);
}

#[test]
fn what_the_key_did_not_say_on_this_chain_proves_nothing() {
    let council = Council::testnet();
    let key = dev_keys::validator_key(2);
    let genesis = council.world.runtime.genesis_hash();
    let (a, b) = (says(&council, Seal, 10, X, None), says(&council, Seal, 10, Y, None));
    let good = signed(&a, &key);
    let refused = |call: Bootstrap::submitEvidenceCall| council.refused(&stranger("witness"), &call);

    let elsewhere = GenesisHash::new(B256::repeat_byte(0x66));
    let [c, d] = [a, b].map(|statement| {
        signed(
            &Statement {
                genesis: elsewhere,
                ..statement
            },
            &key,
        )
    });
    let other_chain = E::EvidenceOfOtherChain(Bootstrap::EvidenceOfOtherChain {
        genesis: elsewhere.get(),
        expected: genesis.get(),
    });
    assert_eq!(refused(submit(&key, c, d.clone())), other_chain);
    assert_eq!(refused(submit(&key, good.clone(), d)), other_chain);

    // Signatures: another validator's, a tampered one, none, and the malleable twin that loose verifiers accept.
    let message = Bytes::from(b.encode());
    let mut tampered = signed(&b, &key).to_vec();
    tampered[106] ^= 1;
    let zero = [&message[..], &[0; 64]].concat();
    let wrong = [
        signed(&b, &dev_keys::validator_key(1)).to_vec(),
        tampered,
        zero,
        malleated(&signed(&b, &key)),
    ];
    for second in wrong {
        let invalid = E::SignatureInvalid(Bootstrap::SignatureInvalid {
            consensusKey: key_of(&key),
            statement: message.clone(),
        });
        assert_eq!(refused(submit(&key, good.clone(), second)), invalid);
    }

    // Bytes that are no statement.
    let whole = signed(&b, &key);
    for length in [0, 63, 64, 169] {
        let error = E::EvidenceLength(Bootstrap::EvidenceLength {
            length: alloy_primitives::U256::from(length),
        });
        assert_eq!(refused(submit(&key, good.clone(), whole.slice(..length))), error);
    }
    for (position, value) in [(0, b'k'), (15, 1), (72, 3), (105, 1)] {
        let mut bytes = whole.to_vec();
        bytes[position] = value;
        let error = E::EvidenceMalformed(Bootstrap::EvidenceMalformed {
            statement: bytes[..106].to_vec().into(),
        });
        assert_eq!(refused(submit(&key, good.clone(), bytes)), error, "byte {position}");
    }

    let nobody = dev_keys::validator_key(77);
    let unknown = E::UnknownConsensusKey(Bootstrap::UnknownConsensusKey {
        consensusKey: key_of(&nobody),
    });
    assert_eq!(
        refused(submit(&nobody, signed(&a, &nobody), signed(&b, &nobody))),
        unknown
    );
    council.assert_set(0, 4);
}

/// The evidence with the group's order added to its signature's S: the same equation, another encoding.
fn malleated(evidence: &[u8]) -> Vec<u8> {
    let mut bytes = evidence.to_vec();
    let start = bytes.len() - 32;
    let mut carry = 0;
    for (byte, order) in bytes[start..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(carry, 0, "S is below the order, and twice the order fits");
    bytes
}

#[test]
fn a_jailed_key_is_out_for_ever_and_its_account_is_not() {
    let council = Council::testnet();
    let (key, equivocator) = (dev_keys::validator_key(3), &council.validators[3]);
    let (a, b) = (
        says(&council, Prevote, 10, X, None),
        says(&council, Prevote, 10, Y, None),
    );
    let evidence = submit(&key, signed(&a, &key), signed(&b, &key));
    council.does(&stranger("witness"), &evidence);
    council.assert_set(1, 3);

    let account = equivocator.address();
    assert_eq!(
        council.refused(&stranger("witness"), &evidence),
        E::AlreadyJailed(Bootstrap::AlreadyJailed {
            consensusKey: key_of(&key),
            account
        })
    );
    let not_validator = E::NotValidator(Bootstrap::NotValidator { account });
    assert_eq!(council.refused(equivocator, &Bootstrap::leaveCall {}), not_validator);
    assert_eq!(
        council.refused(
            equivocator,
            &Bootstrap::proposeRemovalCall {
                account: council.validators[0].address()
            }
        ),
        not_validator
    );
    // Its member asks again with the old keys, then with a new consensus key, on which the others vote.
    let request = |consensus_key: &SigningKey| Bootstrap::requestAdmissionCall {
        candidate: Bootstrap::Candidate {
            memberId: 4,
            memberName: String::new(),
            consensusKey: key_of(consensus_key),
            ..candidate(3)
        },
    };
    assert_eq!(
        council.refused(equivocator, &request(&key)),
        E::ConsensusKeyJailed(Bootstrap::ConsensusKeyJailed {
            consensusKey: key_of(&key)
        })
    );
    let proposal = council.proposes(equivocator, &request(&dev_keys::validator_key(5)));
    council.carries(proposal, &crate::council::tuple(1, 1, 1));
    council.assert_set(2, 4);
    assert_eq!(council.status(account), ValidatorStatus::Active);
}

#[test]
fn a_validator_that_left_in_time_is_still_convicted() {
    let council = Council::testnet();
    council.does(&council.validators[1], &Bootstrap::leaveCall {});
    council.assert_set(1, 3);
    let key = dev_keys::validator_key(1);
    let (a, b) = (says(&council, Seal, 10, X, None), says(&council, Seal, 10, Y, None));
    let receipt = council.does(&stranger("witness"), &submit(&key, signed(&a, &key), signed(&b, &key)));
    assert_eq!(receipt.receipt.logs.iter().filter_map(jailing).count(), 1);
    assert_eq!(events(&receipt).len(), 1, "the set did not change");
    council.assert_set(1, 3);
    assert_eq!(council.status(council.validators[1].address()), ValidatorStatus::Jailed);
}

#[test]
fn two_convictions_in_one_block_take_two_blocks() {
    let council = Council::testnet();
    let (a, b) = (says(&council, Seal, 10, X, None), says(&council, Seal, 10, Y, None));
    let evidence = [2, 3].map(|k| {
        let key = dev_keys::validator_key(k);
        submit(&key, signed(&a, &key), signed(&b, &key))
    });
    let [one, two] = &evidence;
    let witnesses = [stranger("witness"), stranger("another witness")];
    let receipts = council.block(vec![council.call(&witnesses[0], one), council.call(&witnesses[1], two)]);
    assert_eq!(
        receipts
            .iter()
            .map(|receipt| receipt.receipt.success)
            .collect::<Vec<_>>(),
        [true, false]
    );
    council.assert_set(1, 3);
    // In the next block it goes: the refusal was for one block.
    council.does(&witnesses[1], two);
    council.assert_set(2, 2);
}

#[test]
fn evidence_binds_to_the_genesis_hash_after_blockhash_has_forgotten_it() {
    let council = Council::testnet();
    for _ in 0..260 {
        council.world.block(vec![]);
    }
    assert_eq!(
        council.ask(&Bootstrap::genesisHashCall {}),
        B256::ZERO,
        "nobody called Bootstrap so far"
    );
    let key = dev_keys::validator_key(1);
    let (a, b) = (says(&council, Seal, 10, X, None), says(&council, Seal, 10, Y, None));
    council.does(&stranger("witness"), &submit(&key, signed(&a, &key), signed(&b, &key)));
    council.assert_set(1, 3);
    assert_eq!(
        council.ask(&Bootstrap::genesisHashCall {}),
        council.world.runtime.genesis_hash().get()
    );
}
