// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IGovernance } from "../interfaces/IGovernance.sol";
import { ITransact } from "../interfaces/ITransact.sol";
import {
    Candidate,
    CheckpointConfig,
    GovernanceConfig,
    Member,
    NotaryTuple,
    Proposal,
    ProposalKind,
    ProposalStatus,
    Recovery,
    Validator,
    ValidatorStatus
} from "../types/BootstrapTypes.sol";
import { HolderLimits, InstanceSpec } from "../types/TransactTypes.sol";
import { Ballots } from "./Ballots.sol";

/// What proposals propose, and what becomes of them.
abstract contract Governance is Ballots {
    ITransact private immutable TRANSACT;

    CheckpointConfig private _checkpoint;
    Recovery private _recovery;
    mapping(uint32 memberId => uint256 proposalId) private _requestOf;

    constructor(GovernanceConfig memory times, CheckpointConfig memory checkpoint, ITransact transact_) Ballots(times) {
        if (address(transact_) == address(0)) revert ZeroAddress();
        TRANSACT = transact_;
        _checkConfig(checkpoint);
        _checkpoint = checkpoint;
    }

    /// @inheritdoc IGovernance
    function requestAdmission(Candidate calldata candidate) external anchored returns (uint256 proposalId) {
        uint32 memberId = candidate.memberId;
        _checkCandidate(msg.sender, candidate);
        if (memberId != 0) _refuseSecond(_requestOf[memberId]);
        proposalId = _propose(ProposalKind.Admit, abi.encode(candidate));
        if (memberId != 0) _requestOf[memberId] = proposalId;
    }

    /// @inheritdoc IGovernance
    function proposeRemoval(address account) external anchored onlyValidator returns (uint256) {
        if (!isValidator(account)) revert NotValidator(account);
        return _propose(ProposalKind.Remove, abi.encode(account));
    }

    /// @inheritdoc IGovernance
    function proposeMemberRemoval(uint32 memberId) external anchored onlyValidator returns (uint256) {
        if (!member(memberId).active) revert MemberNotActive(memberId);
        return _propose(ProposalKind.RemoveMember, abi.encode(memberId));
    }

    /// @inheritdoc IGovernance
    function proposeCheckpointConfig(CheckpointConfig calldata config)
        external
        anchored
        onlyValidator
        returns (uint256)
    {
        _checkConfig(config);
        return _propose(ProposalKind.SetCheckpointConfig, abi.encode(config));
    }

    /// @inheritdoc IGovernance
    function proposeSpec(InstanceSpec calldata spec) external anchored onlyValidator returns (uint256) {
        return _propose(ProposalKind.DefineSpec, abi.encode(spec));
    }

    /// @inheritdoc IGovernance
    function proposeLimits(HolderLimits calldata limits) external anchored onlyValidator returns (uint256) {
        return _propose(ProposalKind.SetLimits, abi.encode(limits));
    }

    /// @inheritdoc IGovernance
    function proposeRecovery(uint64 checkpointNumber) external anchored onlyValidator returns (uint256) {
        return _propose(ProposalKind.Recover, abi.encode(checkpointNumber));
    }

    /// @inheritdoc IGovernance
    // The new spec's id is in Transact's own event.
    // slither-disable-next-line unused-return
    function execute(uint256 proposalId) external anchored {
        (ProposalKind kind, address proposer, bytes memory payload) = _takePassed(proposalId);
        emit ProposalExecuted(proposalId, kind);
        if (kind == ProposalKind.Admit) _admit(proposer, abi.decode(payload, (Candidate)));
        else if (kind == ProposalKind.Remove) _remove(abi.decode(payload, (address)));
        else if (kind == ProposalKind.RemoveMember) _removeMember(abi.decode(payload, (uint32)));
        else if (kind == ProposalKind.SetCheckpointConfig) _setCheckpoint(abi.decode(payload, (CheckpointConfig)));
        else if (kind == ProposalKind.DefineSpec) TRANSACT.defineSpec(abi.decode(payload, (InstanceSpec)));
        else if (kind == ProposalKind.SetLimits) TRANSACT.setHolderLimits(abi.decode(payload, (HolderLimits)));
        else _recover(abi.decode(payload, (uint64)));
    }

    /// @inheritdoc IGovernance
    function checkpointConfig()
        external
        view
        returns (uint64 intervalBlocks, uint64 mainchainId, address checkpointContract, uint64 confirmations)
    {
        CheckpointConfig storage c = _checkpoint;
        return (c.intervalBlocks, c.mainchainId, c.checkpointContract, c.confirmations);
    }

    /// @inheritdoc IGovernance
    function recovery() external view returns (Recovery memory) {
        return _recovery;
    }

    function _transact() internal view returns (ITransact) {
        return TRANSACT;
    }

    function _checkCandidate(address account, Candidate memory candidate) private view {
        bool validates = candidate.consensusKey != 0;
        if (candidate.memberId == 0) {
            _checkNewMember(account, candidate.memberName);
        } else {
            Member memory m = member(candidate.memberId);
            if (account != m.owner && account != m.nominee) revert NotNominated(account, m.id);
            if (!validates && m.active) revert CandidateEmpty();
        }
        if (validates) {
            _checkKeys(account, candidate.consensusKey, candidate.checkpointKey, candidate.peerId);
        } else if (candidate.checkpointKey != address(0) || candidate.peerId.length != 0) {
            revert CandidateEmpty();
        }
    }

    function _admit(address account, Candidate memory candidate) private {
        _checkCandidate(account, candidate);
        uint32 memberId = candidate.memberId;
        if (memberId == 0) memberId = _foundMember(account, candidate.memberName);
        else if (!isActiveMember(memberId)) _readmitMember(memberId);
        if (candidate.consensusKey == 0) return;
        _join(
            Validator({
                account: account,
                memberId: memberId,
                status: ValidatorStatus.None,
                since: 0,
                checkpointKey: candidate.checkpointKey,
                consensusKey: candidate.consensusKey,
                recordHash: candidate.recordHash,
                peerId: candidate.peerId
            })
        );
    }

    function _remove(address account) private {
        _drop(account, ValidatorStatus.Removed);
        emit ValidatorRemoved(account);
    }

    function _removeMember(uint32 memberId) private {
        Member memory m = member(memberId);
        if (!m.active) revert MemberNotActive(memberId);
        if (m.validators != 0) revert MemberStillValidates(memberId, m.validators);
        _dismissMember(memberId);
    }

    function _setCheckpoint(CheckpointConfig memory config) private {
        _checkpoint = config;
        emit CheckpointConfigSet(config);
    }

    function _checkConfig(CheckpointConfig memory config) private pure {
        if (config.intervalBlocks == 0 || config.confirmations == 0) {
            revert CheckpointConfigInvalid(config.intervalBlocks, config.confirmations);
        }
    }

    function _recover(uint64 checkpointNumber) private {
        uint64 epoch = _recovery.epoch + 1;
        _recovery = Recovery({ epoch: epoch, checkpointNumber: checkpointNumber, orderedAt: uint64(block.number) });
        emit RecoveryOrdered(epoch, checkpointNumber);
    }
}
