// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IGovernance } from "../src/interfaces/IGovernance.sol";
import { IValidators } from "../src/interfaces/IValidators.sol";
import { NotaryTuple, Proposal, ProposalKind, ProposalStatus } from "../src/types/BootstrapTypes.sol";
import { GovernanceBase } from "./base/GovernanceBase.sol";

/// Votes, majorities, timelock, expiry and withdrawal, whatever is proposed.
contract VotesTest is GovernanceBase {
    uint256 private id;
    bytes32 private immutable NO_TUPLE = keccak256(abi.encode(noTuple()));

    function setUp() public override {
        super.setUp();
        id = proposeRemoval(voter(3));
    }

    function test_propose_opensAProposal() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalOpened(2, ProposalKind.Remove, voter(1), uint64(START + TTL));
        vm.prank(voter(1));
        assertEq(BOOTSTRAP.proposeRemoval(voter(2)), 2, "id");
        assertEq(BOOTSTRAP.proposalCount(), 2, "count");
        Proposal memory p = BOOTSTRAP.proposal(2);
        assertEq(uint256(p.kind), uint256(ProposalKind.Remove), "kind");
        assertEq(p.proposer, voter(1), "proposer");
        assertEq(p.createdAt, START, "created");
        assertEq(p.expiresAt, START + TTL, "expires");
        assertEq(p.executableAt, 0, "executable");
        assertEq(p.payload, abi.encode(voter(2)), "payload");
        assertStatus(2, ProposalStatus.Open);
    }

    function test_propose_revertsForOthersThanValidators() public {
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, OWNER_1));
        vm.prank(OWNER_1);
        BOOTSTRAP.proposeRemoval(voter(3));
    }

    function test_propose_revertsWhileOneOfTheKindIsOpen() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalStillOpen.selector, 1));
        proposeRemoval(voter(2));
        vm.prank(voter(0));
        BOOTSTRAP.proposeRecovery(1);
        vm.warp(START + TTL + 1);
        assertEq(proposeRemoval(voter(2)), 3, "the first has expired");
    }

    function test_vote_passesWithMoreThanHalfAndRunsTheTimelock() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.VoteCast(id, voter(0), true, NO_TUPLE);
        vote(0, id, true);
        vote(1, id, true);
        assertTally(2, 3);
        assertStatus(id, ProposalStatus.Open);
        vm.warp(START + 5);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalPassed(id, NO_TUPLE, uint64(START + 5 + TIMELOCK));
        vote(2, id, true);
        assertStatus(id, ProposalStatus.Passed);
        Proposal memory p = BOOTSTRAP.proposal(id);
        assertEq(p.passedAt, START + 5, "passed");
        assertEq(p.executableAt, START + 5 + TIMELOCK, "executable");
        assertEq(BOOTSTRAP.ballot(id, voter(2)), NO_TUPLE, "ballot");
    }

    function test_vote_againstDoesNotCount() public {
        vote(0, id, true);
        vote(1, id, true);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.VoteCast(id, voter(2), false, bytes32(uint256(1)));
        vote(2, id, false);
        vote(3, id, false);
        assertTally(2, 3);
        vote(3, id, true);
        assertTally(3, 3);
    }

    function test_vote_revertsForOthersThanValidators() public {
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotValidator.selector, STRANGER));
        vm.prank(STRANGER);
        BOOTSTRAP.vote(id, true, noTuple());
    }

    function test_vote_revertsForUnknownProposal() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.UnknownProposal.selector, 2, 1));
        vote(0, 2, true);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.UnknownProposal.selector, 0, 1));
        BOOTSTRAP.proposal(0);
    }

    function test_vote_revertsWithATupleWhereNoneBelongs() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleNotExpected.selector, id));
        vote(0, id, tuple(1, 1));
        for (uint256 field = 0; field < 6; ++field) {
            NotaryTuple memory t;
            if (field == 0) t.rootVersion = 1;
            if (field == 1) t.rootHash = "x";
            if (field == 2) t.targetsVersion = 1;
            if (field == 3) t.targetsHash = "x";
            if (field == 4) t.admissionHash = "x";
            if (field == 5) t.nodesHash = "x";
            vm.expectRevert(abi.encodeWithSelector(IGovernance.TupleNotExpected.selector, id));
            vote(0, id, t);
        }
    }

    function test_vote_revertsAfterExpiry() public {
        vm.warp(START + TTL);
        vote(0, id, true);
        vm.warp(START + TTL + 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalNotOpen.selector, id, ProposalStatus.Expired));
        vote(1, id, true);
        assertStatus(id, ProposalStatus.Expired);
    }

    function test_unvote_takesTheMajorityAway() public {
        pass(id);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.VoteWithdrawn(id, voter(1));
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalLapsed(id);
        vm.prank(voter(1));
        BOOTSTRAP.unvote(id);
        assertStatus(id, ProposalStatus.Open);
        vote(1, id, true);
        assertEq(BOOTSTRAP.proposal(id).executableAt, vm.getBlockTimestamp() + TIMELOCK, "the timelock starts again");
    }

    function test_unvote_revertsWithoutAVote() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NoVote.selector, id, voter(1)));
        vm.prank(voter(1));
        BOOTSTRAP.unvote(id);
    }

    function test_execute_revertsDuringTheTimelock() public {
        pass(id);
        vm.warp(START + TIMELOCK - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernance.TimelockRunning.selector, id, START + TIMELOCK, START + TIMELOCK - 1)
        );
        BOOTSTRAP.execute(id);
        vm.warp(START + TIMELOCK);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalExecuted(id, ProposalKind.Remove);
        vm.prank(STRANGER);
        BOOTSTRAP.execute(id);
        assertStatus(id, ProposalStatus.Executed);
    }

    function test_execute_revertsWithoutAMajority() public {
        vote(0, id, true);
        vote(1, id, true);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotPassed.selector, id, 2, 3));
        BOOTSTRAP.execute(id);
    }

    function test_execute_revertsTwice() public {
        pass(id);
        BOOTSTRAP.execute(id);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalNotOpen.selector, id, ProposalStatus.Executed));
        BOOTSTRAP.execute(id);
    }

    function test_execute_countsCurrentValidatorsOnly() public {
        pass(id);
        vm.prank(voter(1));
        BOOTSTRAP.leave();
        nextBlock();
        // Two of three still agree: the majority holds.
        assertTally(2, 2);
        vm.prank(voter(0));
        BOOTSTRAP.leave();
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotPassed.selector, id, 1, 2));
        BOOTSTRAP.execute(id);
        BOOTSTRAP.recount(id);
        assertStatus(id, ProposalStatus.Open);
    }

    function test_execute_expiresAfterTheTimelock() public {
        pass(id);
        vm.warp(START + TIMELOCK + TTL);
        assertStatus(id, ProposalStatus.Passed);
        vm.warp(START + TIMELOCK + TTL + 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalNotOpen.selector, id, ProposalStatus.Expired));
        BOOTSTRAP.execute(id);
    }

    function test_recount_passesWhenTheSetShrinks() public {
        vote(0, id, true);
        vote(1, id, true);
        vm.prank(voter(2));
        BOOTSTRAP.leave();
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotPassed.selector, id, 2, 2));
        BOOTSTRAP.execute(id);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalPassed(id, NO_TUPLE, uint64(START + TIMELOCK));
        vm.prank(STRANGER);
        BOOTSTRAP.recount(id);
    }

    function test_withdraw_isTheProposersAlone() public {
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotProposer.selector, voter(1), voter(0)));
        vm.prank(voter(1));
        BOOTSTRAP.withdraw(id);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.ProposalWithdrawn(id);
        vm.prank(voter(0));
        BOOTSTRAP.withdraw(id);
        assertStatus(id, ProposalStatus.Withdrawn);
        bytes memory closed = abi.encodeWithSelector(IGovernance.ProposalNotOpen.selector, id, ProposalStatus.Withdrawn);
        vm.expectRevert(closed);
        vote(1, id, true);
        vm.expectRevert(closed);
        vm.prank(voter(0));
        BOOTSTRAP.withdraw(id);
        assertEq(proposeRemoval(voter(2)), 2, "the next may come");
    }

    function test_recover_needsTheQuorumAndNoTimelock() public {
        vm.prank(voter(0));
        uint256 recovery = BOOTSTRAP.proposeRecovery(17);
        vote(0, recovery, true);
        vote(1, recovery, true);
        (, uint256 needed,) = BOOTSTRAP.tally(recovery);
        assertEq(needed, 3, "q of 4");
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotPassed.selector, recovery, 2, 3));
        BOOTSTRAP.execute(recovery);
        vote(2, recovery, true);
        vm.expectEmit(address(BOOTSTRAP));
        emit IGovernance.RecoveryOrdered(1, 17);
        BOOTSTRAP.execute(recovery);
        assertEq(BOOTSTRAP.recovery().epoch, 1, "epoch");
        assertEq(BOOTSTRAP.recovery().checkpointNumber, 17, "checkpoint");
        assertEq(BOOTSTRAP.recovery().orderedAt, 1, "block");
    }

    function test_recover_needsMoreThanHalfWhereTheyDiffer() public {
        // Of five validators three are more than half, but the quorum is four.
        admit(NEWCOMER, candidate(9));
        vm.prank(voter(0));
        uint256 recovery = BOOTSTRAP.proposeRecovery(1);
        (, uint256 needed,) = BOOTSTRAP.tally(recovery);
        assertEq(needed, 4, "recover");
        (, needed,) = BOOTSTRAP.tally(id);
        assertEq(needed, 3, "remove");
    }

    function assertTally(uint256 votes, uint256 needed) private view {
        (uint256 v, uint256 n,) = BOOTSTRAP.tally(id);
        assertEq(v, votes, "votes");
        assertEq(n, needed, "needed");
    }

    function assertStatus(uint256 proposalId, ProposalStatus expected) private view {
        assertEq(uint256(BOOTSTRAP.proposal(proposalId).status), uint256(expected), "status");
    }
}
