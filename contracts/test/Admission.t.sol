// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IGovernance } from "../src/interfaces/IGovernance.sol";
import { IMembers } from "../src/interfaces/IMembers.sol";
import { IValidators } from "../src/interfaces/IValidators.sol";
import { ITransact } from "../src/interfaces/ITransact.sol";
import { Candidate, CheckpointConfig, NotaryTuple, Validator, ValidatorStatus } from "../src/types/BootstrapTypes.sol";
import { HolderLimits, InstanceSpec } from "../src/types/TransactTypes.sol";
import { GovernanceBase } from "./base/GovernanceBase.sol";

/// What proposals do: admissions with their tuples, removals, settings.
contract AdmissionTest is GovernanceBase {
    function test_admit_foundsAMemberAndSeatsItsValidator() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        pass(id, tuple(1, 1));
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.MemberAdmitted(4, NEWCOMER, "Dorado");
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorSetChanged(1);
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorAdmitted(NEWCOMER, consensusKey(9), 4);
        BOOTSTRAP.execute(id);
        (uint64 setId, Validator[] memory set) = BOOTSTRAP.validatorSet();
        assertEq(setId, 1, "set id");
        assertEq(set.length, 5, "size");
        assertEq(set[4].account, NEWCOMER, "account");
        assertEq(set[4].memberId, 4, "member");
        assertEq(set[4].peerId, peerId(9), "peer id");
        assertEq(set[4].checkpointKey, checkpointKey(9), "checkpoint key");
        assertEq(set[4].recordHash, keccak256("record"), "record");
        assertEq(set[4].since, vm.getBlockNumber(), "since");
        assertEq(BOOTSTRAP.quorum(), 4, "quorum");
        assertEq(BOOTSTRAP.member(4).validators, 1, "member's validators");
    }

    function test_admit_foundsAMemberAlone() public {
        admit(NEWCOMER, membershipOnly("Dorado"));
        assertEq(BOOTSTRAP.memberOf(NEWCOMER), 4, "member");
        assertEq(BOOTSTRAP.setId(), 0, "the set is the same");
    }

    function test_admit_addsAValidatorOfTheNominee() public {
        Candidate memory c = candidate(9);
        (c.memberId, c.memberName) = (2, "");
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotNominated.selector, NEWCOMER, 2));
        ask(NEWCOMER, c);
        vm.prank(OWNER_2);
        BOOTSTRAP.nominate(NEWCOMER);
        admit(NEWCOMER, c);
        assertEq(BOOTSTRAP.validator(NEWCOMER).memberId, 2, "member");
        assertEq(BOOTSTRAP.member(2).validators, 2, "member's validators");
    }

    function test_requestAdmission_takesOneOpenRequestPerMemberAndAccount() public {
        Candidate memory c = candidate(9);
        (c.memberId, c.memberName) = (2, "");
        vm.prank(OWNER_2);
        BOOTSTRAP.nominate(NEWCOMER);
        ask(NEWCOMER, c);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalStillOpen.selector, 1));
        ask(OWNER_2, c);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalStillOpen.selector, 1));
        ask(NEWCOMER, membershipOnly("Other"));
        vm.warp(START + TTL + 1);
        assertEq(ask(OWNER_2, c), 2, "the first has expired");
    }

    function test_requestAdmission_revertsForTakenNamesAndOwners() public {
        vm.expectRevert(abi.encodeWithSelector(IMembers.NameTaken.selector, "Aurora", 1));
        ask(NEWCOMER, membershipOnly("Aurora"));
        vm.expectRevert(abi.encodeWithSelector(IMembers.OwnerTaken.selector, OWNER_1, 1));
        ask(OWNER_1, membershipOnly("Other"));
        vm.expectRevert(abi.encodeWithSelector(IMembers.NameLength.selector, 0, 64));
        ask(NEWCOMER, membershipOnly(""));
        vm.expectRevert(abi.encodeWithSelector(IMembers.NameLength.selector, 65, 64));
        ask(NEWCOMER, membershipOnly(string(new bytes(65))));
    }

    function test_requestAdmission_revertsForTakenKeys() public {
        Candidate memory c = candidate(9);
        c.consensusKey = consensusKey(1);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ConsensusKeyTaken.selector, consensusKey(1), voter(1)));
        ask(NEWCOMER, c);
        c = candidate(9);
        c.checkpointKey = checkpointKey(2);
        vm.expectRevert(abi.encodeWithSelector(IValidators.CheckpointKeyTaken.selector, checkpointKey(2), voter(2)));
        ask(NEWCOMER, c);
        c = candidate(9);
        c.peerId = peerId(3);
        vm.expectRevert(abi.encodeWithSelector(IValidators.PeerIdTaken.selector, peerId(3), voter(3)));
        ask(NEWCOMER, c);
    }

    function test_requestAdmission_revertsForBadKeys() public {
        Candidate memory c = candidate(9);
        c.checkpointKey = address(0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ZeroKey.selector));
        ask(NEWCOMER, c);
        c = candidate(9);
        c.peerId = "";
        vm.expectRevert(abi.encodeWithSelector(IValidators.PeerIdLength.selector, 0, 64));
        ask(NEWCOMER, c);
        c.peerId = new bytes(65);
        vm.expectRevert(abi.encodeWithSelector(IValidators.PeerIdLength.selector, 65, 64));
        ask(NEWCOMER, c);
        vm.expectRevert(abi.encodeWithSelector(IValidators.AlreadyValidator.selector, voter(1)));
        ask(voter(1), candidate(9));
    }

    function test_requestAdmission_revertsForHalfACandidate() public {
        bytes memory empty = abi.encodeWithSelector(IGovernance.CandidateEmpty.selector);
        Candidate memory c = membershipOnly("Other");
        c.checkpointKey = checkpointKey(9);
        vm.expectRevert(empty);
        ask(NEWCOMER, c);
        c = membershipOnly("Other");
        c.peerId = peerId(9);
        vm.expectRevert(empty);
        ask(NEWCOMER, c);
        c = membershipOnly("");
        c.memberId = 1;
        vm.expectRevert(empty);
        ask(OWNER_1, c);
        c.memberId = 4;
        vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownMember.selector, 4, 3));
        ask(OWNER_1, c);
    }

    function test_vote_onAnAdmissionMustNameTheTuple() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleMissing.selector, id));
        vote(0, id, true);
        vote(0, id, false);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleMissing.selector, id));
        vote(0, id, tuple(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleMissing.selector, id));
        vote(0, id, tuple(1, 0));
    }

    function test_vote_addsUpIdenticalTuplesOnly() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        NotaryTuple memory split = tuple(1, 1);
        split.nodesHash = "other nodes";
        vote(0, id, tuple(1, 1));
        vote(1, id, split);
        vote(2, id, tuple(1, 1));
        vote(3, id, split);
        (uint256 votes, uint256 needed,) = BOOTSTRAP.tally(id);
        require(votes < needed, "a split view passes nothing");
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalPassed(id, keccak256(abi.encode(tuple(1, 1))), uint64(START + TIMELOCK));
        vote(3, id, tuple(1, 1));
    }

    function test_vote_anotherTupleStartsTheTimelockAnew() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        pass(id, tuple(1, 1));
        for (uint256 i = 0; i < 3; ++i) {
            vote(i, id, tuple(2, 2));
        }
        uint256 until = vm.getBlockTimestamp() + TIMELOCK;
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TimelockRunning.selector, id, until, vm.getBlockTimestamp()));
        BOOTSTRAP.execute(id);
    }

    function test_vote_revertsBelowTheFloor() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        vote(0, id, tuple(3, 8));
        vote(1, id, tuple(3, 8));
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.NotaryFloorRaised(3, 8);
        vote(2, id, tuple(3, 8));
        (uint64 root, uint64 targets) = BOOTSTRAP.notaryFloor();
        assertEq(root, 3, "root floor");
        assertEq(targets, 8, "targets floor");
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleBelowFloor.selector, 2, 9, 3, 8));
        vote(3, id, tuple(2, 9));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleBelowFloor.selector, 4, 7, 3, 8));
        vote(3, id, tuple(4, 7));
        vote(3, id, tuple(3, 8));
    }

    function test_admit_checksAgainAtExecution() public {
        uint256 first = ask(NEWCOMER, candidate(9));
        uint256 second = ask(STRANGER, candidate(9));
        pass(first, tuple(1, 1));
        pass(second, tuple(1, 1));
        BOOTSTRAP.execute(first);
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IMembers.NameTaken.selector, "Dorado", 4));
        BOOTSTRAP.execute(second);
    }

    function test_execute_changesTheSetOncePerBlock() public {
        uint256 id = ask(NEWCOMER, candidate(9));
        pass(id, tuple(1, 1));
        uint256 removal = proposeRemoval(voter(3));
        pass(removal);
        BOOTSTRAP.execute(id);
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetAlreadyChanged.selector, vm.getBlockNumber()));
        BOOTSTRAP.execute(removal);
        nextBlock();
        BOOTSTRAP.execute(removal);
        assertEq(BOOTSTRAP.setId(), 2, "set id");
        assertEq(BOOTSTRAP.setChangedAt(), vm.getBlockNumber(), "changed at");
    }

    function test_remove_keepsTheOrderOfTheOthers() public {
        uint256 id = proposeRemoval(voter(1));
        pass(id);
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorSetChanged(1);
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorRemoved(voter(1));
        BOOTSTRAP.execute(id);
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        assertEq(set.length, 3, "size");
        assertEq(set[0].account, voter(0), "first");
        assertEq(set[1].account, voter(2), "second");
        assertEq(set[2].account, voter(3), "third");
        assertEq(uint256(BOOTSTRAP.validator(voter(1)).status), uint256(ValidatorStatus.Removed), "status");
        require(!BOOTSTRAP.reserved(voter(1)), "no reserved lane any more");
    }

    function test_proposeRemoval_revertsForOthersThanValidators() public {
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, STRANGER));
        proposeRemoval(STRANGER);
    }

    function test_leave_takesTheCallerOut() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorSetChanged(1);
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorLeft(voter(2));
        vm.prank(voter(2));
        BOOTSTRAP.leave();
        assertEq(uint256(BOOTSTRAP.validator(voter(2)).status), uint256(ValidatorStatus.Left), "status");
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, voter(2)));
        vm.prank(voter(2));
        BOOTSTRAP.leave();
    }

    function test_leave_revertsForTheLastOne() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(voter(i));
            BOOTSTRAP.leave();
            nextBlock();
        }
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetWouldBeEmpty.selector, voter(3)));
        vm.prank(voter(3));
        BOOTSTRAP.leave();
    }

    function test_admit_bringsAValidatorBackWithItsKeys() public {
        vm.prank(voter(3));
        BOOTSTRAP.leave();
        vm.prank(OWNER_1);
        BOOTSTRAP.nominate(voter(3));
        admit(voter(3), Candidate(1, "", consensusKey(3), checkpointKey(3), peerId(3), 0));
        require(BOOTSTRAP.isValidator(voter(3)), "back");
    }

    function test_removeMember_stopsItsOffersAndRedemptions() public {
        offer(OWNER_2, SMALL, 5);
        vm.prank(voter(0));
        uint256 id = BOOTSTRAP.proposeMemberRemoval(2);
        pass(id);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.MemberStillValidates.selector, 2, 1));
        BOOTSTRAP.execute(id);
        vm.prank(voter(1));
        BOOTSTRAP.leave();
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.MemberRemoved(2);
        BOOTSTRAP.execute(id);
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotMember.selector, OWNER_2));
        offer(OWNER_2, SMALL, 6);
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotMemberOwner.selector, OWNER_2));
        vm.prank(OWNER_2);
        BOOTSTRAP.nominate(USER);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.OfferPaused(2, SMALL, true);
        vm.prank(STRANGER);
        TRANSACT.retireOffer(2, SMALL);
        assertEq(TRANSACT.pool(SMALL).open, 0, "out of new requests");
        vm.expectRevert(abi.encodeWithSelector(IMembers.MemberNotActive.selector, 2));
        vm.prank(voter(0));
        BOOTSTRAP.proposeMemberRemoval(2);
    }

    function test_admit_bringsAMemberBack() public {
        test_removeMember_stopsItsOffersAndRedemptions();
        Candidate memory c = membershipOnly("");
        c.memberId = 2;
        uint256 id = ask(OWNER_2, c);
        vote(0, id, tuple(1, 1));
        vote(2, id, tuple(1, 1));
        wait_(TIMELOCK);
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.MemberAdmitted(2, OWNER_2, "Borealis");
        BOOTSTRAP.execute(id);
        assertEq(BOOTSTRAP.memberOf(OWNER_2), 2, "member");
    }

    function test_setCheckpointConfig_takesEffect() public {
        CheckpointConfig memory config = CheckpointConfig(7, 61, address(0xC5), 10_000);
        vm.prank(voter(0));
        uint256 id = BOOTSTRAP.proposeCheckpointConfig(config);
        pass(id);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.CheckpointConfigSet(config);
        BOOTSTRAP.execute(id);
        (uint64 interval, uint64 chain, address at, uint64 confirmations) = BOOTSTRAP.checkpointConfig();
        assertEq(abi.encode(interval, chain, at, confirmations), abi.encode(config), "config");
    }

    function test_proposeCheckpointConfig_revertsForZeroes() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.CheckpointConfigInvalid.selector, 0, 1));
        vm.prank(voter(0));
        BOOTSTRAP.proposeCheckpointConfig(CheckpointConfig(0, 61, address(0), 1));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.CheckpointConfigInvalid.selector, 1, 0));
        vm.prank(voter(0));
        BOOTSTRAP.proposeCheckpointConfig(CheckpointConfig(1, 61, address(0), 0));
    }

    function test_defineSpec_takesEffect() public {
        InstanceSpec memory spec = smallSpec();
        spec.name = "large";
        vm.prank(voter(0));
        uint256 id = BOOTSTRAP.proposeSpec(spec);
        pass(id);
        BOOTSTRAP.execute(id);
        assertEq(abi.encode(TRANSACT.spec(3)), abi.encode(spec), "spec");
    }

    function test_defineSpec_failsWholeWhenTransactRefuses() public {
        InstanceSpec memory spec = smallSpec();
        spec.vcpus = 0;
        vm.prank(voter(0));
        uint256 id = BOOTSTRAP.proposeSpec(spec);
        pass(id);
        vm.expectRevert(abi.encodeWithSelector(ITransact.SpecIncomplete.selector, "small"));
        BOOTSTRAP.execute(id);
    }

    function test_setLimits_takesEffect() public {
        vm.prank(voter(0));
        uint256 id = BOOTSTRAP.proposeLimits(HolderLimits(9, 8, 7));
        pass(id);
        BOOTSTRAP.execute(id);
        assertEq(abi.encode(TRANSACT.holderLimits()), abi.encode(HolderLimits(9, 8, 7)), "limits");
    }
}
