//! Is every set that Bootstrap can come to one that the chain can go on with? A set that [`ValidatorSet::new`] refused
//! would stop every node at the block that makes it, so the contract's rules of admission must be at least as strict.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, ConsensusKey, GenesisValidator, MemberId, PEER_ID_BYTES_MAX, Slot, Statement,
    StatementKind, VALIDATORS_MAX, ValidatorSet, dev_keys, peer_id_of, peer_id_to_text, predeploys::BOOTSTRAP,
};
use ledger_contracts::Bootstrap::{self, BootstrapErrors as E};

use crate::{
    council::{Council, candidate, stranger, tuple},
    dice::{Dice, Run},
    world::{Person, World},
};

fn request(candidate: Bootstrap::Candidate) -> Bootstrap::requestAdmissionCall {
    Bootstrap::requestAdmissionCall { candidate }
}

/// What validator `k` of the set holds, as a candidate would name it.
fn keys_of(council: &Council, k: usize) -> Bootstrap::Candidate {
    let head = council.world.head();
    let validator = head.set.get(k).unwrap();
    Bootstrap::Candidate {
        consensusKey: validator.consensus_key.get().into(),
        checkpointKey: validator.checkpoint_key,
        peerId: validator.peer_id.clone().into(),
        ..candidate(9)
    }
}

#[test]
fn a_candidate_that_would_break_the_set_is_refused_at_its_request() {
    let council = Council::testnet();
    let comer = stranger("comer");
    let (taken, account) = (keys_of(&council, 2), council.validators[2].address());
    let long = Bytes::from(vec![1; PEER_ID_BYTES_MAX + 1]);
    let most = U256::from(PEER_ID_BYTES_MAX);
    let table = [
        (
            Bootstrap::Candidate {
                consensusKey: taken.consensusKey,
                ..candidate(4)
            },
            E::ConsensusKeyTaken(Bootstrap::ConsensusKeyTaken {
                consensusKey: taken.consensusKey,
                account,
            }),
        ),
        (
            Bootstrap::Candidate {
                checkpointKey: taken.checkpointKey,
                ..candidate(4)
            },
            E::CheckpointKeyTaken(Bootstrap::CheckpointKeyTaken {
                checkpointKey: taken.checkpointKey,
                account,
            }),
        ),
        (
            Bootstrap::Candidate {
                peerId: taken.peerId.clone(),
                ..candidate(4)
            },
            E::PeerIdTaken(Bootstrap::PeerIdTaken {
                peerId: taken.peerId,
                account,
            }),
        ),
        (
            Bootstrap::Candidate {
                peerId: Bytes::new(),
                ..candidate(4)
            },
            E::PeerIdLength(Bootstrap::PeerIdLength {
                length: U256::ZERO,
                most,
            }),
        ),
        (
            Bootstrap::Candidate {
                peerId: long,
                ..candidate(4)
            },
            E::PeerIdLength(Bootstrap::PeerIdLength {
                length: most + U256::from(1),
                most,
            }),
        ),
        (
            Bootstrap::Candidate {
                checkpointKey: Address::ZERO,
                ..candidate(4)
            },
            E::ZeroKey(Bootstrap::ZeroKey {}),
        ),
        (
            Bootstrap::Candidate {
                consensusKey: B256::ZERO,
                ..candidate(4)
            },
            E::CandidateEmpty(Bootstrap::CandidateEmpty {}),
        ),
    ];
    for (candidate, error) in table {
        assert_eq!(council.refused(&comer, &request(candidate)), error);
    }
    // And a validator cannot be one twice.
    let further = Bootstrap::Candidate {
        memberId: 3,
        memberName: String::new(),
        ..candidate(4)
    };
    assert_eq!(
        council.refused(&council.validators[2], &request(further)),
        E::AlreadyValidator(Bootstrap::AlreadyValidator { account })
    );
}

#[test]
fn two_requests_with_one_key_are_open_but_only_one_is_executed() {
    let council = Council::testnet();
    let names = ["first", "other consensus key", "other checkpoint key", "other peer id"];
    let same = candidate(4);
    let candidates = [
        same.clone(),
        Bootstrap::Candidate {
            consensusKey: same.consensusKey,
            memberName: "B".into(),
            ..candidate(5)
        },
        Bootstrap::Candidate {
            checkpointKey: same.checkpointKey,
            memberName: "C".into(),
            ..candidate(6)
        },
        Bootstrap::Candidate {
            peerId: same.peerId.clone(),
            memberName: "D".into(),
            ..candidate(7)
        },
    ];
    let proposals: Vec<_> = names
        .iter()
        .zip(candidates)
        .map(|(name, candidate)| council.proposes(&stranger(name), &request(candidate)))
        .collect();
    for proposal in &proposals {
        council.support(&council.validators[..3], *proposal, &tuple(1, 1, 1));
    }
    council.wait(600);
    let execute = |proposal: U256| Bootstrap::executeCall { proposalId: proposal };
    council.does(&stranger("nobody"), &execute(proposals[0]));
    council.assert_set(1, 5);
    let account = stranger("first").address();
    let errors = [
        E::ConsensusKeyTaken(Bootstrap::ConsensusKeyTaken {
            consensusKey: same.consensusKey,
            account,
        }),
        E::CheckpointKeyTaken(Bootstrap::CheckpointKeyTaken {
            checkpointKey: same.checkpointKey,
            account,
        }),
        E::PeerIdTaken(Bootstrap::PeerIdTaken {
            peerId: same.peerId,
            account,
        }),
    ];
    for (proposal, error) in proposals[1..].iter().zip(errors) {
        assert_eq!(council.refused(&stranger("nobody"), &execute(*proposal)), error);
    }
    council.assert_set(1, 5);
}

#[test]
fn the_longest_and_the_shortest_peer_id_are_admitted_and_keys_come_back_with_their_account() {
    let council = Council::testnet();
    for (set_id, (k, bytes)) in (1..).zip([(4, 1), (5, PEER_ID_BYTES_MAX)]) {
        let comer = stranger(&format!("comer {k}"));
        let peer_id = Bytes::from(vec![7; bytes]);
        let proposal = council.proposes(
            &comer,
            &request(Bootstrap::Candidate {
                peerId: peer_id.clone(),
                ..candidate(k)
            }),
        );
        // Four of five are a majority, too.
        council.support(&council.validators, proposal, &tuple(1, 1, 1));
        council.wait(600);
        council.does(&comer, &Bootstrap::executeCall { proposalId: proposal });
        council.assert_set(set_id, k as usize + 1);
        assert_eq!(council.world.head().set.get(k as usize).unwrap().peer_id, peer_id);
    }
    // It leaves, and its member asks for it again with the same keys. Nobody else gets them meanwhile.
    let comer = stranger("comer 4");
    let again = Bootstrap::Candidate {
        peerId: vec![7].into(),
        ..candidate(4)
    };
    council.does(&comer, &Bootstrap::leaveCall {});
    council.assert_set(3, 5);
    let thief = Bootstrap::Candidate {
        memberName: "thief".into(),
        ..again.clone()
    };
    assert!(matches!(
        council.refused(&stranger("thief"), &request(thief)),
        E::ConsensusKeyTaken(_)
    ));
    let member = council.ask(&Bootstrap::memberOfCall {
        account: comer.address(),
    });
    let back = Bootstrap::Candidate {
        memberId: member,
        memberName: String::new(),
        ..again
    };
    let proposal = council.proposes(&comer, &request(back));
    council.carries(proposal, &tuple(1, 1, 1));
    council.assert_set(4, 6);
    assert_eq!(council.world.head().set.get(5).unwrap().account, comer.address());
}

/// The testnet with as many validators as one less than can be, all of member 1.
fn nearly_full() -> (ChainSpec, Vec<Person>) {
    let people: Vec<_> = (0..VALIDATORS_MAX - 1)
        .map(|k| stranger(&format!("validator {k}")))
        .collect();
    let validators = (0..).zip(&people).map(|(k, person)| GenesisValidator {
        member_id: MemberId::new(1),
        account: person.address(),
        consensus_key: ConsensusKey::of(&dev_keys::validator_key(k)),
        checkpoint_key: Address::from_word(keccak256(format!("checkpoint key of validator {k}"))),
        peer_id: peer_id_to_text(&peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(k)))),
    });
    let spec = ChainSpec {
        validators: validators.collect(),
        ..ChainSpec::testnet()
    };
    spec.check().unwrap();
    (spec, people)
}

#[test]
fn a_full_set_governs_votes_and_admits_nobody_more() {
    let (spec, validators) = nearly_full();
    let council = Council {
        world: World::of(spec),
        validators,
    };
    let last = u32::try_from(VALIDATORS_MAX - 1).unwrap();
    let (one, other) = (stranger("the last to come"), stranger("too late"));
    let admissions = [(&one, last), (&other, last + 1)].map(|(who, k)| council.proposes(who, &request(candidate(k))));
    let mut votes = BTreeSet::new();
    for proposal in admissions {
        // More than half, of a full set too.
        let voters = &council.validators[..VALIDATORS_MAX / 2 + 2];
        let receipts = council.support(voters, proposal, &tuple(1, 1, 1));
        votes.extend(receipts.iter().map(|receipt| receipt.gas_used));
    }
    let (least, most) = (votes.first().unwrap(), votes.last().unwrap());
    println!("a vote among {}: {least} to {most} gas", VALIDATORS_MAX - 1);
    assert!(*most < 1_000_000, "{most} gas");
    council.wait(600);
    let execute = admissions.map(|proposal| Bootstrap::executeCall { proposalId: proposal });
    let receipt = council.does(&one, &execute[0]);
    println!("the admission of validator {VALIDATORS_MAX}: {} gas", receipt.gas_used);
    council.assert_set(1, VALIDATORS_MAX);
    let head = council.world.head();
    let set = ValidatorSet::new(head.set.id(), head.set.iter().cloned().collect()).unwrap();
    assert_eq!(set, *head.set);
    assert_eq!(
        council.refused(&other, &execute[1]),
        E::SetFull(Bootstrap::SetFull {
            most: U256::from(VALIDATORS_MAX)
        })
    );
    // A certificate of all of them fits into the next header, and a place becomes free when one goes.
    assert_eq!(head.certificate.as_ref().unwrap().signatures.len(), VALIDATORS_MAX - 1);
    let receipt = council.does(&council.validators[0], &Bootstrap::leaveCall {});
    println!("the first of {VALIDATORS_MAX} leaves: {} gas", receipt.gas_used);
    assert!(receipt.gas_used < 1_500_000);
    council.assert_set(2, VALIDATORS_MAX - 1);
    council.does(&other, &execute[1]);
    council.assert_set(3, VALIDATORS_MAX);
    council.block(vec![]);
}

const SEEDS: u64 = 3;
const ROUNDS: u64 = 8;

/// A candidate with keys that others may have, on behalf of the member that `who` owns, if it owns one.
fn some_candidate(council: &Council, who: &Person, dice: &mut Dice) -> Bootstrap::Candidate {
    let member = council.ask(&Bootstrap::memberOfCall { account: who.address() });
    let (consensus, checkpoint, peer) = (dice.small(6), dice.small(6), dice.small(6));
    Bootstrap::Candidate {
        memberId: member,
        memberName: if member == 0 {
            who.address().to_string()
        } else {
            String::new()
        },
        checkpointKey: candidate(100 + checkpoint).checkpointKey,
        peerId: vec![1; peer as usize].into(),
        ..candidate(100 + consensus)
    }
}

/// Two different seals of one slot by a validator of the set.
fn equivocation(council: &Council, key: ConsensusKey, keys: &[SigningKey]) -> Bootstrap::submitEvidenceCall {
    let secret = keys.iter().find(|secret| ConsensusKey::of(secret) == key).unwrap();
    let [a, b] = [1, 2].map(|hash| {
        let statement = Statement {
            genesis: council.world.runtime.genesis_hash(),
            set_id: council.world.head().set.id(),
            height: BlockNumber::new(1),
            slot: Slot::new(1),
            kind: StatementKind::Seal,
            hash: BlockHash::new(B256::repeat_byte(hash)),
            valid_slot: None,
        };
        Bytes::from([&statement.encode()[..], &statement.sign(secret).get()].concat())
    });
    Bootstrap::submitEvidenceCall {
        consensusKey: key.get().into(),
        a,
        b,
    }
}

/// Everybody in the set supports each admission, so that only the contract's rules stand between a candidate and the set.
#[test]
fn whoever_comes_and_goes_the_chain_can_go_on() {
    let keys: Vec<_> = [0].into_iter().chain(100..106).map(dev_keys::validator_key).collect();
    let (mut admitted, mut refused, mut gone, mut jailed) = (0, 0, 0, 0);
    for seed in 1..=SEEDS {
        let mut run = Run { seed, step: 0 };
        let mut dice = Dice::new(seed);
        let council = Council {
            world: World::dev(),
            validators: vec![],
        };
        let mut people = vec![Person::number(0)];
        people.extend((0..7).map(|k| stranger(&format!("person {k}"))));
        for round in 1..=ROUNDS {
            run.step = round;
            let before = council.newest();
            let asking = people.iter().filter(|_| dice.roll(2) == 0).collect::<Vec<_>>();
            let requests = asking.into_iter().map(|who| {
                let candidate = some_candidate(&council, who, &mut dice);
                council.call(who, &request(candidate))
            });
            let receipts = council.block(requests.collect());
            refused += receipts.iter().filter(|receipt| !receipt.receipt.success).count();
            let opened: Vec<u64> = (before.to::<u64>() + 1..=council.newest().to()).collect();
            let head = council.world.head();
            for person in people
                .iter()
                .filter(|who| head.set.iter().any(|v| v.account == who.address()))
            {
                let votes = (0..).zip(&opened).map(|(offset, proposal)| {
                    let vote = Council::vote(U256::from(*proposal), &tuple(1, 1, 1));
                    council.call_after(person, offset, BOOTSTRAP, &vote)
                });
                council.block(votes.collect());
            }
            council.wait(council.world.runtime.spec().governance.timelock_seconds);
            for proposal in opened {
                let execute = Bootstrap::executeCall {
                    proposalId: U256::from(proposal),
                };
                let receipts = council.block(vec![council.call(&people[1], &execute)]);
                if receipts[0].receipt.success {
                    admitted += 1
                } else {
                    refused += 1
                }
            }
            let set = council.world.head().set.clone();
            let unlucky = set.get(usize::try_from(dice.roll(set.len() as u64)).unwrap()).unwrap();
            match dice.roll(3) {
                0 => {
                    let evidence = equivocation(&council, unlucky.consensus_key, &keys);
                    let receipts = council.block(vec![council.call(&people[1], &evidence)]);
                    jailed += usize::from(receipts[0].receipt.success);
                }
                1 => {
                    let leaver = people.iter().find(|who| who.address() == unlucky.account).unwrap();
                    let receipts = council.block(vec![council.call(leaver, &Bootstrap::leaveCall {})]);
                    gone += usize::from(receipts[0].receipt.success);
                }
                _ => {}
            }
            let head = council.world.head();
            council.assert_set(head.set.id().get(), head.set.len());
            ValidatorSet::new(head.set.id(), head.set.iter().cloned().collect()).unwrap();
        }
    }
    println!("{admitted} admitted, {refused} refused, {gone} gone, {jailed} jailed");
    assert!(admitted > 5 && refused > 5 && gone > 0 && jailed > 0);
}
