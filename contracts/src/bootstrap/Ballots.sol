// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IGovernance } from "../interfaces/IGovernance.sol";
import { GovernanceConfig, NotaryTuple, Proposal, ProposalKind, ProposalStatus } from "../types/BootstrapTypes.sol";
import { Validators } from "./Validators.sol";

/// Proposals, votes, counting and the timelock; not what a proposal means.
abstract contract Ballots is Validators, IGovernance {
    /// The ballot of a voter against a proposal. No tuple hashes to it.
    bytes32 public constant AGAINST = bytes32(uint256(1));

    /// Shortest life of a proposal, in seconds.
    uint64 public constant PROPOSAL_TTL_SECONDS_MIN = 60;

    /// Longest life of a proposal, in seconds.
    uint64 public constant PROPOSAL_TTL_SECONDS_MAX = 365 days;

    /// Longest timelock, in seconds.
    uint64 public constant TIMELOCK_SECONDS_MAX = 365 days;

    uint64 private immutable TIMELOCK_SECONDS;
    uint64 private immutable PROPOSAL_TTL_SECONDS;

    /// What a proposal stores; its timelock's end and its expiry are computed.
    struct Record {
        ProposalKind kind;
        bool executed;
        bool withdrawn;
        address proposer;
        uint40 createdAt;
        uint40 passedAt;
        bytes32 passedTuple;
        bytes payload;
    }

    struct Versions {
        uint64 root;
        uint64 targets;
    }

    /// @inheritdoc IGovernance
    uint256 public proposalCount;

    Versions private _floor;
    mapping(uint256 proposalId => Record) private _records;
    mapping(uint256 proposalId => mapping(address voter => bytes32)) private _ballots;
    mapping(bytes32 tupleHash => Versions) private _versionsOf;
    mapping(address proposer => mapping(ProposalKind => uint256 proposalId)) private _latest;

    modifier onlyValidator() {
        if (!isValidator(msg.sender)) revert NotValidator(msg.sender);
        _;
    }

    constructor(GovernanceConfig memory times) {
        if (times.proposalTtlSeconds < PROPOSAL_TTL_SECONDS_MIN || times.proposalTtlSeconds > PROPOSAL_TTL_SECONDS_MAX)
        {
            revert ProposalTtlOutOfRange(times.proposalTtlSeconds, PROPOSAL_TTL_SECONDS_MIN, PROPOSAL_TTL_SECONDS_MAX);
        }
        if (times.timelockSeconds > TIMELOCK_SECONDS_MAX) {
            revert TimelockTooLong(times.timelockSeconds, TIMELOCK_SECONDS_MAX);
        }
        TIMELOCK_SECONDS = times.timelockSeconds;
        PROPOSAL_TTL_SECONDS = times.proposalTtlSeconds;
    }

    /// @inheritdoc IGovernance
    function vote(uint256 proposalId, bool support, NotaryTuple calldata tuple) external anchored onlyValidator {
        ProposalKind kind = _voteable(proposalId);
        bytes32 choice = AGAINST;
        if (support && kind == ProposalKind.Admit) {
            if (tuple.rootVersion == 0 || tuple.targetsVersion == 0) revert TupleMissing(proposalId);
            _refuseBelowFloor(tuple);
            choice = keccak256(abi.encode(tuple));
            _versionsOf[choice] = Versions(tuple.rootVersion, tuple.targetsVersion);
        } else {
            if (!_isZero(tuple)) revert TupleNotExpected(proposalId);
            if (support) choice = keccak256(abi.encode(tuple));
        }
        _ballots[proposalId][msg.sender] = choice;
        emit VoteCast(proposalId, msg.sender, support, choice);
        _recount(proposalId);
    }

    /// @inheritdoc IGovernance
    function unvote(uint256 proposalId) external anchored onlyValidator {
        _voteable(proposalId);
        if (_ballots[proposalId][msg.sender] == 0) revert NoVote(proposalId, msg.sender);
        delete _ballots[proposalId][msg.sender];
        emit VoteWithdrawn(proposalId, msg.sender);
        _recount(proposalId);
    }

    /// @inheritdoc IGovernance
    function recount(uint256 proposalId) external anchored {
        _voteable(proposalId);
        _recount(proposalId);
    }

    /// @inheritdoc IGovernance
    function withdraw(uint256 proposalId) external anchored {
        _voteable(proposalId);
        Record storage record = _records[proposalId];
        if (record.proposer != msg.sender) revert NotProposer(msg.sender, record.proposer);
        record.withdrawn = true;
        emit ProposalWithdrawn(proposalId);
    }

    /// @inheritdoc IGovernance
    function proposal(uint256 proposalId) external view returns (Proposal memory) {
        Record storage record = _known(proposalId);
        return Proposal({
            kind: record.kind,
            status: _status(record),
            proposer: record.proposer,
            createdAt: record.createdAt,
            expiresAt: _expiresAt(record),
            passedAt: record.passedAt,
            executableAt: record.passedAt == 0 ? 0 : _executableAt(record),
            passedTuple: record.passedTuple,
            payload: record.payload
        });
    }

    /// @inheritdoc IGovernance
    function tally(uint256 proposalId) public view returns (uint256 votes, uint256 needed, bytes32 tupleHash) {
        uint256 n = validatorCount();
        needed = _known(proposalId).kind == ProposalKind.Recover ? quorum() : n / 2 + 1;
        // Boyer and Moore: if any choice has more than half, it is the one left over.
        bytes32[] memory choices = new bytes32[](n);
        uint256 lead = 0;
        for (uint256 i = 0; i < n; ++i) {
            bytes32 choice = _ballots[proposalId][_validatorAt(i)];
            if (choice == 0 || choice == AGAINST) continue;
            choices[i] = choice;
            if (lead == 0) tupleHash = choice;
            if (choice == tupleHash) ++lead;
            else --lead;
        }
        for (uint256 i = 0; i < n; ++i) {
            if (choices[i] != 0 && choices[i] == tupleHash) ++votes;
        }
    }

    /// @inheritdoc IGovernance
    function ballot(uint256 proposalId, address voter) external view returns (bytes32) {
        return _ballots[proposalId][voter];
    }

    /// @inheritdoc IGovernance
    function notaryFloor() external view returns (uint64 rootVersion, uint64 targetsVersion) {
        return (_floor.root, _floor.targets);
    }

    /// @inheritdoc IGovernance
    function governanceConfig() external view returns (GovernanceConfig memory) {
        return GovernanceConfig({ timelockSeconds: TIMELOCK_SECONDS, proposalTtlSeconds: PROPOSAL_TTL_SECONDS });
    }

    function _propose(ProposalKind kind, bytes memory payload) internal returns (uint256 proposalId) {
        _refuseSecond(_latest[msg.sender][kind]);
        proposalId = ++proposalCount;
        Record storage record = _records[proposalId];
        record.kind = kind;
        record.proposer = msg.sender;
        record.createdAt = uint40(block.timestamp);
        record.payload = payload;
        _latest[msg.sender][kind] = proposalId;
        emit ProposalOpened(proposalId, kind, msg.sender, _expiresAt(record));
    }

    /// Refuses a further proposal while this one (0: none) may still come to something.
    function _refuseSecond(uint256 proposalId) internal view {
        if (proposalId == 0) return;
        ProposalStatus status = _status(_records[proposalId]);
        if (status == ProposalStatus.Open || status == ProposalStatus.Passed) revert ProposalStillOpen(proposalId);
    }

    /// Marks a proposal as executed, if it has its majority now and its timelock is over.
    function _takePassed(uint256 proposalId)
        internal
        returns (ProposalKind kind, address proposer, bytes memory payload)
    {
        _voteable(proposalId);
        Record storage record = _records[proposalId];
        (uint256 votes, uint256 needed, bytes32 tupleHash) = tally(proposalId);
        if (votes < needed || record.passedAt == 0 || record.passedTuple != tupleHash) {
            revert NotPassed(proposalId, votes, needed);
        }
        if (block.timestamp < _executableAt(record)) {
            revert TimelockRunning(proposalId, _executableAt(record), block.timestamp);
        }
        record.executed = true;
        return (record.kind, record.proposer, record.payload);
    }

    /// Starts the timelock of a proposal that has its majority, stops it for one that lost it.
    function _recount(uint256 proposalId) private {
        Record storage record = _records[proposalId];
        (uint256 votes, uint256 needed, bytes32 tupleHash) = tally(proposalId);
        bool passes = votes >= needed;
        if (passes && (record.passedAt == 0 || record.passedTuple != tupleHash)) {
            record.passedAt = uint40(block.timestamp);
            record.passedTuple = tupleHash;
            emit ProposalPassed(proposalId, tupleHash, _executableAt(record));
            if (record.kind == ProposalKind.Admit) _raiseFloor(_versionsOf[tupleHash]);
        } else if (!passes && record.passedAt != 0) {
            record.passedAt = 0;
            record.passedTuple = 0;
            emit ProposalLapsed(proposalId);
        }
    }

    function _raiseFloor(Versions memory passed) private {
        Versions memory floor = _floor;
        if (passed.root <= floor.root && passed.targets <= floor.targets) return;
        if (passed.root > floor.root) floor.root = passed.root;
        if (passed.targets > floor.targets) floor.targets = passed.targets;
        _floor = floor;
        emit NotaryFloorRaised(floor.root, floor.targets);
    }

    function _refuseBelowFloor(NotaryTuple calldata tuple) private view {
        Versions memory floor = _floor;
        if (tuple.rootVersion < floor.root || tuple.targetsVersion < floor.targets) {
            revert TupleBelowFloor(tuple.rootVersion, tuple.targetsVersion, floor.root, floor.targets);
        }
    }

    function _isZero(NotaryTuple calldata t) private pure returns (bool) {
        return (t.rootHash | t.targetsHash | t.admissionHash | t.nodesHash) == 0 && t.rootVersion == 0
            && t.targetsVersion == 0;
    }

    function _known(uint256 proposalId) private view returns (Record storage record) {
        record = _records[proposalId];
        if (record.kind == ProposalKind.None) revert UnknownProposal(proposalId, proposalCount);
    }

    /// The kind of a proposal that is neither executed nor withdrawn nor expired.
    function _voteable(uint256 proposalId) private view returns (ProposalKind) {
        Record storage record = _known(proposalId);
        ProposalStatus status = _status(record);
        if (status != ProposalStatus.Open && status != ProposalStatus.Passed) {
            revert ProposalNotOpen(proposalId, status);
        }
        return record.kind;
    }

    function _status(Record storage record) private view returns (ProposalStatus) {
        if (record.executed) return ProposalStatus.Executed;
        if (record.withdrawn) return ProposalStatus.Withdrawn;
        if (record.passedAt != 0) {
            bool late = block.timestamp > _executableAt(record) + PROPOSAL_TTL_SECONDS;
            return late ? ProposalStatus.Expired : ProposalStatus.Passed;
        }
        return block.timestamp > _expiresAt(record) ? ProposalStatus.Expired : ProposalStatus.Open;
    }

    function _expiresAt(Record storage record) private view returns (uint64) {
        return record.createdAt + PROPOSAL_TTL_SECONDS;
    }

    function _executableAt(Record storage record) private view returns (uint64) {
        return record.passedAt + (record.kind == ProposalKind.Recover ? 0 : TIMELOCK_SECONDS);
    }
}
