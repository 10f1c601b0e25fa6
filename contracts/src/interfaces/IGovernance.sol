// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    Candidate,
    CheckpointConfig,
    GovernanceConfig,
    NotaryTuple,
    Proposal,
    ProposalKind,
    ProposalStatus,
    Recovery
} from "../types/BootstrapTypes.sol";
import { HolderLimits, InstanceSpec } from "../types/TransactTypes.sol";

/// @title How is it decided?
/// @notice A proposal passes with more than half of the validators that are current at execution (the quorum q for
/// Recover); then a timelock runs; then anyone executes it. One open proposal per proposer and kind; one open request
/// per member. An admission's votes name what the voter verified at the notary, and only identical tuples add up.
interface IGovernance {
    /// @notice A proposal was opened.
    event ProposalOpened(
        uint256 indexed proposalId, ProposalKind indexed kind, address indexed proposer, uint64 expiresAt
    );
    /// @notice A validator voted, or changed its vote.
    event VoteCast(uint256 indexed proposalId, address indexed voter, bool support, bytes32 tupleHash);
    /// @notice A validator took its vote back.
    event VoteWithdrawn(uint256 indexed proposalId, address indexed voter);
    /// @notice A proposal has its majority.
    event ProposalPassed(uint256 indexed proposalId, bytes32 tupleHash, uint64 executableAt);
    /// @notice A proposal lost its majority.
    event ProposalLapsed(uint256 indexed proposalId);
    /// @notice A proposal took effect.
    event ProposalExecuted(uint256 indexed proposalId, ProposalKind indexed kind);
    /// @notice Its proposer took a proposal back.
    event ProposalWithdrawn(uint256 indexed proposalId);
    /// @notice Later votes must name at least these versions.
    event NotaryFloorRaised(uint64 rootVersion, uint64 targetsVersion);
    /// @notice The chain is anchored in another way from now on.
    event CheckpointConfigSet(CheckpointConfig config);
    /// @notice The next block starts from the state of this checkpoint.
    event RecoveryOrdered(uint64 indexed epoch, uint64 indexed checkpointNumber);

    /// @notice The proposal does not exist; ids run from 1 to `proposalCount`.
    error UnknownProposal(uint256 proposalId, uint256 proposalCount);
    /// @notice The proposal takes no votes and cannot be withdrawn any more.
    error ProposalNotOpen(uint256 proposalId, ProposalStatus status);
    /// @notice The proposer, or the member, has an open proposal of this kind.
    error ProposalStillOpen(uint256 proposalId);
    /// @notice Only the proposer can withdraw.
    error NotProposer(address caller, address proposer);
    /// @notice The proposal does not have its majority among the current validators.
    error NotPassed(uint256 proposalId, uint256 votes, uint256 needed);
    /// @notice The timelock has not run out.
    error TimelockRunning(uint256 proposalId, uint256 executableAt, uint256 timestamp);
    /// @notice The voter has no vote to take back.
    error NoVote(uint256 proposalId, address voter);
    /// @notice An admission's supporting vote must name what was verified at the notary.
    error TupleMissing(uint256 proposalId);
    /// @notice Only an admission's supporting vote names a tuple.
    error TupleNotExpected(uint256 proposalId);
    /// @notice The tuple is older than what has passed before.
    error TupleBelowFloor(uint64 rootVersion, uint64 targetsVersion, uint64 rootFloor, uint64 targetsFloor);
    /// @notice Only the member's owner or its nominee can ask for a further validator.
    error NotNominated(address caller, uint32 memberId);
    /// @notice The candidate asks for membership alone, but names keys; or is a member already.
    error CandidateEmpty();
    /// @notice A member that validates cannot be removed: remove its validators first.
    error MemberStillValidates(uint32 memberId, uint256 validators);
    /// @notice The proposal lives `proposalTtlSeconds`: at least `least`, at most `most`.
    error ProposalTtlOutOfRange(uint64 proposalTtlSeconds, uint64 least, uint64 most);
    /// @notice The timelock is `most` seconds at most.
    error TimelockTooLong(uint64 timelockSeconds, uint64 most);
    /// @notice The interval and the confirmations must not be 0.
    error CheckpointConfigInvalid(uint64 intervalBlocks, uint64 confirmations);

    /// @notice Asks for admission of the caller as a validator (or, without keys, as a member alone). Opens a proposal.
    /// @dev Anyone for a new member; the owner or its nominee for an existing one.
    function requestAdmission(Candidate calldata candidate) external returns (uint256 proposalId);

    /// @notice Proposes that a validator be removed from the set.
    /// @dev Only a validator, as all that follow.
    function proposeRemoval(address account) external returns (uint256 proposalId);

    /// @notice Proposes that a member be removed: it must have no validator in the set when executed.
    function proposeMemberRemoval(uint32 memberId) external returns (uint256 proposalId);

    /// @notice Proposes another way of anchoring.
    function proposeCheckpointConfig(CheckpointConfig calldata config) external returns (uint256 proposalId);

    /// @notice Proposes an instance spec.
    function proposeSpec(InstanceSpec calldata spec) external returns (uint256 proposalId);

    /// @notice Proposes limits of holders.
    function proposeLimits(HolderLimits calldata limits) external returns (uint256 proposalId);

    /// @notice Proposes to go on from the state of a checkpoint. Needs the quorum and no timelock, since every further
    /// block is built on altered history.
    function proposeRecovery(uint64 checkpointNumber) external returns (uint256 proposalId);

    /// @notice Votes, or votes anew.
    /// @param support for or against
    /// @param tuple what was verified at the notary, for an admission's supporting vote; all zero otherwise
    /// @dev Only a validator.
    function vote(uint256 proposalId, bool support, NotaryTuple calldata tuple) external;

    /// @notice Takes the caller's vote back.
    function unvote(uint256 proposalId) external;

    /// @notice Counts again, for when the set and not a vote changed the outcome; starts or stops the timelock. Anyone.
    function recount(uint256 proposalId) external;

    /// @notice Carries out a proposal that has passed and whose timelock is over. Anyone.
    function execute(uint256 proposalId) external;

    /// @notice Takes the caller's own proposal back.
    function withdraw(uint256 proposalId) external;

    /// @notice Number of proposals ever opened; the last proposal id.
    function proposalCount() external view returns (uint256);

    /// @notice The proposal, with the status that it has now.
    function proposal(uint256 proposalId) external view returns (Proposal memory);

    /// @notice The strongest identical votes among the current validators.
    /// @return votes how many
    /// @return needed how many it takes now
    /// @return tupleHash what they name
    function tally(uint256 proposalId) external view returns (uint256 votes, uint256 needed, bytes32 tupleHash);

    /// @notice A voter's vote: the hash of the tuple that it supports, `AGAINST` (1), or zero for none.
    function ballot(uint256 proposalId, address voter) external view returns (bytes32);

    /// @notice Versions below which a vote is refused.
    function notaryFloor() external view returns (uint64 rootVersion, uint64 targetsVersion);

    /// @notice The times of the procedure.
    function governanceConfig() external view returns (GovernanceConfig memory);

    /// @notice How the chain is anchored.
    function checkpointConfig()
        external
        view
        returns (uint64 intervalBlocks, uint64 mainchainId, address checkpointContract, uint64 confirmations);

    /// @notice The last order to recover; epoch 0 if there was none.
    function recovery() external view returns (Recovery memory);
}
