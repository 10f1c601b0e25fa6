//! Do the validators' decisions take effect on the real chain: who is admitted, removed, appointed, and under which rules?

use std::slice::from_ref;

use alloy_primitives::{Address, B256, U256};
use ledger_chainspec::{ConsensusKey, Slot, dev_keys, predeploys::TRANSACT};
use ledger_contracts::{
    Bootstrap::{self, BootstrapErrors as E, BootstrapEvents},
    KnownError, KnownEvent, ProposalStatus, Transact, ValidatorStatus,
};
use ledger_runtime::{Lane, slot_timestamp, store::StoredReceipt};

use crate::council::{Council, NOTHING, candidate, events, stranger, tuple};

/// More than a vote among four validators may cost.
const VOTE_GAS_MAX: u64 = 200_000;

fn request(candidate: Bootstrap::Candidate) -> Bootstrap::requestAdmissionCall {
    Bootstrap::requestAdmissionCall { candidate }
}

fn execute(proposal: U256) -> Bootstrap::executeCall {
    Bootstrap::executeCall { proposalId: proposal }
}

fn status_of(council: &Council, proposal: U256) -> ProposalStatus {
    let answer = council.ask(&Bootstrap::proposalCall { proposalId: proposal });
    answer.status.try_into().unwrap()
}

fn successes(receipts: &[StoredReceipt]) -> Vec<bool> {
    receipts.iter().map(|receipt| receipt.receipt.success).collect()
}

fn has_event(receipt: &StoredReceipt, is: impl Fn(&BootstrapEvents) -> bool) -> bool {
    events(receipt)
        .iter()
        .any(|event| matches!(event, KnownEvent::Bootstrap(event) if is(event)))
}

#[test]
fn a_fifth_validator_is_admitted_by_identical_votes_after_the_timelock() {
    let council = Council::testnet();
    let [a, b, c, d] = &council.validators[..] else {
        panic!()
    };
    let comer = stranger("the fifth validator");
    let proposal = council.proposes(&comer, &request(candidate(4)));
    assert_eq!(status_of(&council, proposal), ProposalStatus::Open);

    // Three of four support it, but they found two things at the notary: that is two and one.
    let (one, other) = (tuple(7, 9, 1), tuple(7, 9, 2));
    council.support(&[a.clone(), b.clone()], proposal, &one);
    council.support(from_ref(c), proposal, &other);
    let not_passed = |votes| {
        E::NotPassed(Bootstrap::NotPassed {
            proposalId: proposal,
            votes: U256::from(votes),
            needed: U256::from(3),
        })
    };
    assert_eq!(council.refused(&comer, &execute(proposal)), not_passed(2));
    council.support(from_ref(d), proposal, &other);
    assert_eq!(council.refused(&comer, &execute(proposal)), not_passed(2));
    assert_eq!(status_of(&council, proposal), ProposalStatus::Open);

    // One votes anew; the timelock begins.
    let receipts = council.support(from_ref(c), proposal, &one);
    assert!(has_event(&receipts[0], |event| matches!(
        event,
        BootstrapEvents::ProposalPassed(_)
    )));
    let head = council.world.head();
    let passed_at = head.header.header.timestamp;
    let lock = council.world.runtime.spec().governance.timelock_seconds;
    let record = council.ask(&Bootstrap::proposalCall { proposalId: proposal });
    assert_eq!((record.passedAt, record.executableAt), (passed_at, passed_at + lock));
    let running = council.refused(&comer, &execute(proposal));
    assert!(matches!(running, E::TimelockRunning(error) if error.executableAt == U256::from(passed_at + lock)));

    // The last block in which it runs, and the first in which it does not. Nobody of the programme executes.
    let of = |timestamp: u64| Slot::new(timestamp * 1_000 / council.world.runtime.spec().consensus.slot_duration_ms);
    let nobody = stranger("nobody");
    let early = of(passed_at + lock - 1);
    assert!(slot_timestamp(council.world.runtime.spec(), early) < passed_at + lock);
    let receipts = council.block_in(early, vec![council.call(&nobody, &execute(proposal))]);
    assert_eq!(successes(&receipts), [false]);
    let receipts = council.block_in(of(passed_at + lock), vec![council.call(&nobody, &execute(proposal))]);
    assert_eq!(successes(&receipts), [true]);
    assert!(has_event(
        &receipts[0],
        |event| matches!(event, BootstrapEvents::ValidatorSetChanged(event) if event.setId == 1)
    ));
    assert_eq!(status_of(&council, proposal), ProposalStatus::Executed);

    // Four certified the block that made it five.
    council.assert_set(1, 5);
    let head = council.world.head();
    assert_eq!(
        (head.signers.len(), head.certificate.as_ref().unwrap().signatures.len()),
        (4, 4)
    );
    let last = head.set.get(4).unwrap();
    let key = ConsensusKey::of(&dev_keys::validator_key(4));
    assert_eq!(
        (last.account, last.consensus_key, last.member_id.get()),
        (comer.address(), key, 5)
    );
    assert_eq!(last.peer_id, candidate(4).peerId);
    assert_eq!(council.world.runtime.lane(comer.address()).unwrap(), Lane::Reserved);

    // The fifth seals and certifies in its turn, and votes.
    let turn = (1..=5)
        .map(|ahead| Slot::new(head.slot.get() + ahead))
        .find(|slot| head.set.authority(*slot) == last);
    council.block_in(turn.unwrap(), vec![]);
    let next = council.world.head();
    assert_eq!(next.header.header.beneficiary, comer.address());
    assert_eq!(next.certificate.as_ref().unwrap().signatures.len(), 5);
    let removal = council.proposes(&comer, &Bootstrap::proposeRemovalCall { account: a.address() });
    council.support(&[comer], removal, &NOTHING);
}

#[test]
fn a_vote_costs_little() {
    let council = Council::testnet();
    let admission = council.proposes(&stranger("comer"), &request(candidate(4)));
    let removal = Bootstrap::proposeRemovalCall {
        account: council.validators[3].address(),
    };
    let removal = council.proposes(&council.validators[0], &removal);
    for (what, proposal, tuple) in [
        ("an admission", admission, tuple(1, 1, 1)),
        ("a removal", removal, NOTHING),
    ] {
        for receipt in council.support(&council.validators, proposal, &tuple) {
            println!("a vote on {what}: {} gas", receipt.gas_used);
            assert!(
                (40_000..VOTE_GAS_MAX).contains(&receipt.gas_used),
                "{what}: {} gas",
                receipt.gas_used
            );
        }
    }
}

#[test]
fn votes_are_the_validators_alone_and_name_what_they_must() {
    let council = Council::testnet();
    let comer = stranger("comer");
    let proposal = council.proposes(&comer, &request(candidate(4)));
    let (validator, owner_key) = (&council.validators[0], crate::world::Person::number(1));
    let good = tuple(1, 1, 1);
    for outsider in [&comer, &owner_key] {
        let account = outsider.address();
        let refused = council.refused(outsider, &Council::vote(proposal, &good));
        assert_eq!(refused, E::NotValidator(Bootstrap::NotValidator { account }));
    }
    let missing = E::TupleMissing(Bootstrap::TupleMissing { proposalId: proposal });
    for bad in [NOTHING, tuple(0, 1, 1), tuple(1, 0, 1)] {
        assert_eq!(council.refused(validator, &Council::vote(proposal, &bad)), missing);
    }
    let removal = Bootstrap::proposeRemovalCall {
        account: council.validators[3].address(),
    };
    let removal = council.proposes(validator, &removal);
    assert_eq!(
        council.refused(validator, &Council::vote(removal, &good)),
        E::TupleNotExpected(Bootstrap::TupleNotExpected { proposalId: removal })
    );
    let unknown = U256::from(99);
    assert_eq!(
        council.refused(validator, &Council::vote(unknown, &NOTHING)),
        E::UnknownProposal(Bootstrap::UnknownProposal {
            proposalId: unknown,
            proposalCount: U256::from(2)
        })
    );
    // Whoever left has no vote any more, and the one that it cast does not count.
    council.support(&council.validators[1..], proposal, &good);
    assert_eq!(status_of(&council, proposal), ProposalStatus::Passed);
    council.does(&council.validators[3], &Bootstrap::leaveCall {});
    let tally = council.ask(&Bootstrap::tallyCall { proposalId: proposal });
    assert_eq!(
        (tally.votes, tally.needed),
        (U256::from(2), U256::from(2)),
        "two of three are enough"
    );
    council.does(&council.validators[2], &Bootstrap::unvoteCall { proposalId: proposal });
    council.wait(600);
    assert!(matches!(council.refused(&comer, &execute(proposal)), E::NotPassed(_)));
}

#[test]
fn the_floor_of_the_notarys_versions_only_rises() {
    let council = Council::testnet();
    let first = council.proposes(&stranger("comer"), &request(candidate(4)));
    // What one voter alone names raises nothing.
    council.support(&council.validators[..1], first, &tuple(90, 90, 9));
    let floor = council.ask(&Bootstrap::notaryFloorCall {});
    assert_eq!((floor.rootVersion, floor.targetsVersion), (0, 0));
    council.carries(first, &tuple(3, 8, 1));
    let floor = council.ask(&Bootstrap::notaryFloorCall {});
    assert_eq!((floor.rootVersion, floor.targetsVersion), (3, 8));

    let second = council.proposes(&stranger("next comer"), &request(candidate(5)));
    for (root, targets) in [(2, 8), (3, 7), (2, 90), (90, 7)] {
        let below = E::TupleBelowFloor(Bootstrap::TupleBelowFloor {
            rootVersion: root,
            targetsVersion: targets,
            rootFloor: 3,
            targetsFloor: 8,
        });
        let vote = Council::vote(second, &tuple(root, targets, 1));
        assert_eq!(council.refused(&council.validators[0], &vote), below);
    }
    council.carries(second, &tuple(3, 9, 1));
    council.assert_set(2, 6);
    let floor = council.ask(&Bootstrap::notaryFloorCall {});
    assert_eq!((floor.rootVersion, floor.targetsVersion), (3, 9));
}

#[test]
fn a_request_lapses_and_may_be_made_again() {
    let council = Council::testnet();
    let ttl = council.world.runtime.spec().governance.proposal_ttl_seconds;
    let comer = stranger("comer");
    let proposal = council.proposes(&comer, &request(candidate(4)));
    assert_eq!(
        council.refused(&comer, &request(candidate(5))),
        E::ProposalStillOpen(Bootstrap::ProposalStillOpen { proposalId: proposal })
    );
    // A member has one open request, whoever asks for it.
    let owner = &council.validators[0];
    council.does(
        owner,
        &Bootstrap::nominateCall {
            nominee: comer.address(),
        },
    );
    let further = |k| {
        request(Bootstrap::Candidate {
            memberId: 1,
            memberName: String::new(),
            ..candidate(k)
        })
    };
    council.does(&comer, &Bootstrap::withdrawCall { proposalId: proposal });
    let second = council.proposes(&comer, &further(5));
    assert_eq!(
        council.refused(owner, &further(6)),
        E::AlreadyValidator(Bootstrap::AlreadyValidator {
            account: owner.address()
        })
    );
    let other = stranger("another nominee");
    council.does(
        owner,
        &Bootstrap::nominateCall {
            nominee: other.address(),
        },
    );
    assert_eq!(
        council.refused(&other, &further(6)),
        E::ProposalStillOpen(Bootstrap::ProposalStillOpen { proposalId: second })
    );

    council.support(&council.validators[..2], second, &tuple(1, 1, 1));
    council.wait(ttl);
    let closed = E::ProposalNotOpen(Bootstrap::ProposalNotOpen {
        proposalId: second,
        status: ProposalStatus::Expired.into(),
    });
    let vote = Council::vote(second, &tuple(1, 1, 1));
    assert_eq!(council.refused(&council.validators[2], &vote), closed);
    assert_eq!(council.refused(&comer, &execute(second)), closed);

    // The next nominee's request passes, but nobody executes it in time.
    let third = council.proposes(&other, &further(6));
    council.support(&council.validators[..3], third, &tuple(1, 1, 1));
    // The next block is the last in which it could be.
    council.wait(council.world.runtime.spec().governance.timelock_seconds + ttl - 2);
    assert_eq!(status_of(&council, third), ProposalStatus::Passed);
    council.wait(2);
    assert_eq!(status_of(&council, third), ProposalStatus::Expired);
    assert!(matches!(
        council.refused(&other, &execute(third)),
        E::ProposalNotOpen(_)
    ));
    let fourth = council.proposes(&other, &further(6));
    council.carries(fourth, &tuple(1, 1, 1));
    council.assert_set(1, 5);
    assert_eq!(council.world.head().set.get(4).unwrap().member_id.get(), 1);
}

#[test]
fn a_validator_is_removed_and_then_its_member() {
    let council = Council::testnet();
    let [a, .., d] = &council.validators[..] else { panic!() };
    let out = council.proposes(a, &Bootstrap::proposeMemberRemovalCall { memberId: 4 });
    let removal = council.proposes(a, &Bootstrap::proposeRemovalCall { account: d.address() });
    // The member first: not while it validates.
    council.support(&council.validators[..3], out, &NOTHING);
    council.wait(600);
    assert_eq!(
        council.refused(a, &execute(out)),
        E::MemberStillValidates(Bootstrap::MemberStillValidates {
            memberId: 4,
            validators: U256::from(1)
        })
    );
    let receipt = council.carries(removal, &NOTHING);
    assert!(has_event(
        &receipt,
        |event| matches!(event, BootstrapEvents::ValidatorRemoved(e) if e.account == d.address())
    ));
    council.assert_set(1, 3);
    assert_eq!(council.status(d.address()), ValidatorStatus::Removed);
    // It owns a member still, until that is out too.
    let redeemer = crate::world::Person::number(7);
    for person in [d, &redeemer] {
        assert_eq!(council.world.runtime.lane(person.address()).unwrap(), Lane::Reserved);
    }
    council.does(d, &execute(out));
    council.assert_set(1, 3);
    for person in [d, &redeemer] {
        assert_eq!(council.world.runtime.lane(person.address()).unwrap(), Lane::Open);
    }
    let offer = Transact::setOfferCall { specId: 1, quantity: 1 };
    let refused = council.refused_at(&redeemer, TRANSACT, &offer);
    assert_eq!(
        refused,
        KnownError::Transact(Transact::TransactErrors::NotMember(Transact::NotMember {
            caller: redeemer.address()
        }))
    );
}

#[test]
fn all_may_leave_but_the_last() {
    let council = Council::testnet();
    for (gone, leaver) in council.validators[..3].iter().enumerate() {
        council.does(leaver, &Bootstrap::leaveCall {});
        council.assert_set(gone as u64 + 1, 3 - gone);
        assert_eq!(council.status(leaver.address()), ValidatorStatus::Left);
        assert_eq!(
            council.refused(leaver, &Bootstrap::leaveCall {}),
            E::NotValidator(Bootstrap::NotValidator {
                account: leaver.address()
            })
        );
    }
    let last = &council.validators[3];
    assert_eq!(
        council.refused(last, &Bootstrap::leaveCall {}),
        E::SetWouldBeEmpty(Bootstrap::SetWouldBeEmpty {
            account: last.address()
        })
    );
    // Alone it is a majority, yet cannot remove itself.
    let removal = council.proposes(
        last,
        &Bootstrap::proposeRemovalCall {
            account: last.address(),
        },
    );
    council.support(&council.validators[3..], removal, &NOTHING);
    council.wait(600);
    assert!(matches!(
        council.refused(last, &execute(removal)),
        E::SetWouldBeEmpty(_)
    ));
    council.assert_set(3, 1);
}

#[test]
fn the_set_changes_once_in_a_block() {
    let council = Council::testnet();
    let [a, b, c, d] = &council.validators[..] else {
        panic!()
    };
    let comer = stranger("comer");
    let admission = council.proposes(&comer, &request(candidate(4)));
    let removal = council.proposes(a, &Bootstrap::proposeRemovalCall { account: b.address() });
    council.support(&council.validators[..3], admission, &tuple(1, 1, 1));
    council.support(&council.validators[..3], removal, &NOTHING);
    council.wait(600);
    let receipts = council.block(vec![
        council.call(d, &Bootstrap::leaveCall {}),
        council.call(c, &Bootstrap::leaveCall {}),
        council.call(a, &execute(removal)),
        council.call(&comer, &execute(admission)),
    ]);
    assert_eq!(successes(&receipts), [true, false, false, false]);
    council.assert_set(1, 3);
    // The refusals undid themselves in full: both can still be executed, one block each.
    for (set_id, (proposal, validators)) in (2..).zip([(removal, 2), (admission, 3)]) {
        council.does(&comer, &execute(proposal));
        council.assert_set(set_id, validators);
    }
    let accounts: Vec<_> = council.world.head().set.iter().map(|v| v.account).collect();
    assert_eq!(accounts, [a.address(), c.address(), comer.address()]);
}

#[test]
fn an_owner_appoints_and_dismisses_keys_of_its_back_end() {
    let council = Council::testnet();
    let [owner, other, ..] = &council.validators[..] else {
        panic!()
    };
    let keys: Vec<_> = (0..16).map(|k| stranger(&format!("back end {k}"))).collect();
    let set = |redeemer: Address, enabled| Bootstrap::setRedeemerCall { redeemer, enabled };
    let offer = Transact::setOfferCall { specId: 1, quantity: 5 };
    assert!(matches!(
        council.refused_at(&keys[0], TRANSACT, &offer),
        KnownError::Transact(_)
    ));
    council.does(owner, &set(keys[0].address(), true));
    council.does_at(&keys[0], TRANSACT, &offer);
    assert_eq!(
        council.ask(&Bootstrap::memberOfCall {
            account: keys[0].address()
        }),
        1
    );
    assert_eq!(
        council
            .ask_at(TRANSACT, &Transact::offerCall { memberId: 1, specId: 1 })
            .quantity,
        5
    );

    let taken = E::RedeemerTaken(Bootstrap::RedeemerTaken {
        redeemer: keys[0].address(),
        memberId: 1,
    });
    assert_eq!(council.refused(other, &set(keys[0].address(), true)), taken);
    let owns = E::RedeemerTaken(Bootstrap::RedeemerTaken {
        redeemer: other.address(),
        memberId: 2,
    });
    assert_eq!(council.refused(owner, &set(other.address(), true)), owns);
    assert_eq!(
        council.refused(&keys[0], &set(keys[1].address(), true)),
        E::NotMemberOwner(Bootstrap::NotMemberOwner {
            caller: keys[0].address()
        })
    );
    // Genesis gave it one, so fifteen more are possible.
    for key in &keys[1..15] {
        council.does(owner, &set(key.address(), true));
    }
    assert_eq!(
        council.refused(owner, &set(keys[15].address(), true)),
        E::TooManyRedeemers(Bootstrap::TooManyRedeemers {
            memberId: 1,
            most: U256::from(16)
        })
    );
    council.does(owner, &set(keys[0].address(), false));
    assert_eq!(council.world.runtime.lane(keys[0].address()).unwrap(), Lane::Open);
    assert!(matches!(
        council.refused_at(&keys[0], TRANSACT, &offer),
        KnownError::Transact(_)
    ));
}

#[test]
fn limits_of_holders_are_decided_by_vote() {
    let council = Council::testnet();
    let [a, ..] = &council.validators[..] else { panic!() };
    council.does_at(a, TRANSACT, &Transact::setOfferCall { specId: 1, quantity: 5 });
    let one = Bootstrap::HolderLimits {
        liveCodes: 1,
        requestsPerPeriod: 2,
        periodSeconds: 60,
    };
    let proposal = council.proposes(a, &Bootstrap::proposeLimitsCall { limits: one });
    council.carries(proposal, &NOTHING);
    let now = council.ask_at(TRANSACT, &Transact::holderLimitsCall {});
    assert_eq!((now.liveCodes, now.requestsPerPeriod, now.periodSeconds), (1, 2, 60));
    let (user, ask) = (stranger("user"), Transact::requestCodeCall { specId: 1 });
    council.does_at(&user, TRANSACT, &ask);
    let refused = council.refused_at(&user, TRANSACT, &ask);
    let limit = Transact::HolderLiveLimit {
        holder: user.address(),
        live: U256::from(1),
        most: U256::from(1),
    };
    assert_eq!(
        refused,
        KnownError::Transact(Transact::TransactErrors::HolderLiveLimit(limit))
    );

    // Nobody sets them past the vote, and a vote for nonsense comes to nothing.
    let limits = Transact::HolderLimits {
        liveCodes: 9,
        requestsPerPeriod: 9,
        periodSeconds: 9,
    };
    let past = council.refused_at(a, TRANSACT, &Transact::setHolderLimitsCall { limits });
    assert_eq!(past.name(), "NotBootstrap");
    let none = Bootstrap::HolderLimits {
        liveCodes: 0,
        requestsPerPeriod: 1,
        periodSeconds: 1,
    };
    let proposal = council.proposes(a, &Bootstrap::proposeLimitsCall { limits: none });
    council.support(&council.validators[..3], proposal, &NOTHING);
    council.wait(600);
    let refused = council.refused_at(a, ledger_chainspec::predeploys::BOOTSTRAP, &execute(proposal));
    assert_eq!(refused.name(), "LimitsIncomplete");
    assert_eq!(council.ask_at(TRANSACT, &Transact::holderLimitsCall {}).liveCodes, 1);
}

#[test]
fn a_spec_decided_by_vote_can_be_offered_and_requested() {
    let council = Council::testnet();
    let [a, b, ..] = &council.validators[..] else { panic!() };
    let spec = Bootstrap::InstanceSpec {
        name: "large".into(),
        vcpus: 8,
        memoryMiB: 16_384,
        diskGiB: 160,
        durationHours: 24,
        ttlSeconds: 3_600,
        reward: U256::from(5),
        requireAuthorization: false,
    };
    let offer = Transact::setOfferCall { specId: 3, quantity: 2 };
    assert_eq!(council.refused_at(b, TRANSACT, &offer).name(), "UnknownSpec");
    let proposal = council.proposes(a, &Bootstrap::proposeSpecCall { spec });
    council.carries(proposal, &NOTHING);
    assert_eq!(
        council.ask_at(TRANSACT, &Transact::specCall { specId: 3 }).name,
        "large"
    );
    council.does_at(b, TRANSACT, &offer);
    let receipt = council.does_at(&stranger("user"), TRANSACT, &Transact::requestCodeCall { specId: 3 });
    let code = ledger_runtime::Runtime::issued_code(&receipt).unwrap();
    assert_eq!(code, (U256::from(3) << 64) | U256::from(1));
}

#[test]
fn the_way_of_anchoring_is_decided_by_vote() {
    let council = Council::testnet();
    let [a, ..] = &council.validators[..] else { panic!() };
    let before = council.ask(&Bootstrap::checkpointConfigCall {});
    assert_eq!(
        (before.intervalBlocks, before.mainchainId, before.confirmations),
        (5, 63, 120)
    );
    let config = |interval: u64, confirmations: u64| Bootstrap::CheckpointConfig {
        intervalBlocks: interval,
        mainchainId: 61,
        checkpointContract: Address::repeat_byte(0x61),
        confirmations,
    };
    for (interval, confirmations) in [(0, 1), (1, 0)] {
        assert_eq!(
            council.refused(
                a,
                &Bootstrap::proposeCheckpointConfigCall {
                    config: config(interval, confirmations)
                }
            ),
            E::CheckpointConfigInvalid(Bootstrap::CheckpointConfigInvalid {
                intervalBlocks: interval,
                confirmations
            })
        );
    }
    let outsider = stranger("outsider");
    assert_eq!(
        council.refused(
            &outsider,
            &Bootstrap::proposeCheckpointConfigCall { config: config(1, 1) }
        ),
        E::NotValidator(Bootstrap::NotValidator {
            account: outsider.address()
        })
    );
    let proposal = council.proposes(
        a,
        &Bootstrap::proposeCheckpointConfigCall {
            config: config(100, 5_000),
        },
    );
    council.carries(proposal, &NOTHING);
    let now = council.ask(&Bootstrap::checkpointConfigCall {});
    assert_eq!(
        (
            now.intervalBlocks,
            now.mainchainId,
            now.checkpointContract,
            now.confirmations
        ),
        (100, 61, Address::repeat_byte(0x61), 5_000)
    );
    council.assert_set(0, 4);
}

#[test]
fn an_order_to_recover_needs_the_quorum_and_no_timelock() {
    let council = Council::testnet();
    // Among six a majority is four, but the quorum is five.
    for k in [4, 5] {
        let proposal = council.proposes(&stranger(&format!("comer {k}")), &request(candidate(k)));
        let mut voters = council.validators.clone();
        voters.extend((4..k).map(|k| stranger(&format!("comer {k}"))));
        council.support(&voters, proposal, &tuple(1, 1, 1));
        council.wait(600);
        council.does(&stranger("nobody"), &execute(proposal));
    }
    council.assert_set(2, 6);
    let order = council.proposes(
        &council.validators[0],
        &Bootstrap::proposeRecoveryCall { checkpointNumber: 12 },
    );
    council.support(&council.validators, order, &NOTHING);
    let refused = council.refused(&council.validators[0], &execute(order));
    assert!(matches!(refused, E::NotPassed(error) if (error.votes, error.needed) == (U256::from(4), U256::from(5))));
    council.support(&[stranger("comer 4")], order, &NOTHING);
    let receipt = council.does(&stranger("nobody"), &execute(order));
    assert!(has_event(
        &receipt,
        |event| matches!(event, BootstrapEvents::RecoveryOrdered(e) if e.checkpointNumber == 12)
    ));
    let recovery = council.ask(&Bootstrap::recoveryCall {});
    assert_eq!((recovery.epoch, recovery.checkpointNumber), (1, 12));
    assert_eq!(recovery.orderedAt, council.world.head().number().get());
    assert_ne!(council.world.head().header.header.state_root, B256::ZERO);
}
