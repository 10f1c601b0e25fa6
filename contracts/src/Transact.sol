// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { IBootstrap } from "./interfaces/IBootstrap.sol";
import { IPassportToken } from "./interfaces/IPassportToken.sol";
import { ITransact } from "./interfaces/ITransact.sol";
import { CodeIds, CodeRecord, CodeState, SpecState } from "./transact/CodeRecord.sol";
import { Pools } from "./transact/Pools.sol";
import { Authorization, Code, CodeStatus, HolderLimits, HolderUse, InstanceSpec } from "./types/TransactTypes.sol";

/// The life of a code: request, transfer, cancellation, redemption, expiry.
contract Transact is Pools, EIP712 {
    /// Ended records that a request deletes: more than the one it adds, so that state shrinks to the live window.
    uint256 public constant SWEPT_PER_REQUEST = 2;

    /// EIP-712 type of the holder's consent.
    bytes32 public constant REDEMPTION_TYPEHASH =
        keccak256("Redemption(uint256 codeId,uint32 memberId,bytes32 signupRef,uint256 deadline)");

    IPassportToken private immutable TOKEN;

    /// One slot per holder in its period or with live codes.
    struct Use {
        uint32 liveCodes;
        uint32 requests;
        uint64 periodStart;
    }

    mapping(address holder => Use) private _uses;

    /// @param bootstrap_ who runs the chain, and who is a member
    /// @param token_ the reward's token
    /// @param specs the first specs; ids from 1 in this order
    /// @param limits of holders
    constructor(IBootstrap bootstrap_, IPassportToken token_, InstanceSpec[] memory specs, HolderLimits memory limits)
        Pools(bootstrap_)
        EIP712("Cloud Ledger Passport", "1")
    {
        TOKEN = token_;
        _setLimits(limits);
        for (uint256 i = 0; i < specs.length; ++i) {
            // slither-disable-next-line unused-return
            _defineSpec(specs[i]);
        }
    }

    /// @inheritdoc ITransact
    function requestCode(uint32 specId) external returns (uint256 codeId) {
        SpecState memory state = _stateOf(specId);
        _sweep(specId, state, SWEPT_PER_REQUEST);
        uint256 left = _left(state);
        if (left == 0) revert PoolExhausted(specId, 1, left);
        _countRequest(msg.sender);
        codeId = CodeIds.join(specId, ++state.issued);
        ++state.live;
        _states[specId] = state;
        uint40 expiresAt = uint40(block.timestamp + state.ttlSeconds);
        _codes[codeId] = CodeRecord(msg.sender, expiresAt, CodeState.Live, 0, true);
        emit CodeIssued(codeId, msg.sender, specId, expiresAt);
    }

    /// @inheritdoc ITransact
    function transfer(uint256 codeId, address to) external {
        CodeRecord memory record = _liveRecord(codeId);
        if (record.holder != msg.sender) revert NotHolder(codeId, msg.sender, record.holder);
        if (to == address(0) || to == msg.sender) revert TransferToInvalid(to);
        _uncount(record);
        record.counted = false;
        record.holder = to;
        _codes[codeId] = record;
        emit CodeTransferred(codeId, msg.sender, to);
    }

    /// @inheritdoc ITransact
    function cancel(uint256 codeId) external {
        CodeRecord memory record = _liveRecord(codeId);
        if (record.holder != msg.sender) revert NotHolder(codeId, msg.sender, record.holder);
        _uncount(record);
        record.state = CodeState.Cancelled;
        record.counted = false;
        _codes[codeId] = record;
        --_states[CodeIds.specOf(codeId)].live;
        emit CodeCancelled(codeId, msg.sender);
    }

    /// @inheritdoc ITransact
    function redeem(uint256 codeId, Authorization calldata authorization) external {
        uint32 memberId = _callersMember();
        CodeRecord memory record = _liveRecord(codeId);
        uint32 specId = CodeIds.specOf(codeId);
        InstanceSpec storage s = _specs[specId];
        if (s.requireAuthorization) _checkAuthorization(codeId, memberId, record.holder, authorization);
        _useOffer(memberId, specId);
        _uncount(record);
        record.state = CodeState.Redeemed;
        record.memberId = memberId;
        record.counted = false;
        _codes[codeId] = record;
        uint256 reward = s.reward;
        emit CodeRedeemed(codeId, memberId, record.holder, authorization.signupRef, reward);
        TOKEN.mint(record.holder, reward);
    }

    /// @inheritdoc ITransact
    function sweep(uint32 specId, uint32 count) external returns (uint256 deleted) {
        SpecState memory state = _stateOf(specId);
        deleted = _sweep(specId, state, count);
        _states[specId] = state;
    }

    /// @inheritdoc ITransact
    function forget(address account) external {
        if (!_forgetIfIdle(account)) revert HolderInUse(account);
    }

    /// @inheritdoc ITransact
    function code(uint256 codeId) external view returns (Code memory) {
        (uint32 specId, uint64 sequence) = CodeIds.split(codeId);
        CodeRecord memory record = _codes[codeId];
        return Code({
            status: _statusOf(record, specId, sequence),
            holder: record.holder,
            specId: specId,
            expiresAt: record.expiresAt,
            memberId: record.memberId
        });
    }

    /// @inheritdoc ITransact
    function codeSlot(uint256 codeId) external pure returns (bytes32) {
        return keccak256(abi.encode(codeId, uint256(0)));
    }

    /// @inheritdoc ITransact
    function holder(address account) external view returns (HolderUse memory) {
        Use memory use = _uses[account];
        if (_isPeriodOver(use)) (use.requests, use.periodStart) = (0, 0);
        return HolderUse({ liveCodes: use.liveCodes, requests: use.requests, periodStart: use.periodStart });
    }

    /// @inheritdoc ITransact
    function redemptionDigest(uint256 codeId, uint32 memberId, bytes32 signupRef, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(REDEMPTION_TYPEHASH, codeId, memberId, signupRef, deadline)));
    }

    /// @inheritdoc ITransact
    function token() external view returns (IPassportToken) {
        return TOKEN;
    }

    function _checkAuthorization(uint256 codeId, uint32 memberId, address holder_, Authorization calldata a)
        private
        view
    {
        if (block.timestamp > a.deadline) revert AuthorizationTimedOut(codeId, a.deadline, block.timestamp);
        bytes32 digest = redemptionDigest(codeId, memberId, a.signupRef, a.deadline);
        if (!SignatureChecker.isValidSignatureNowCalldata(holder_, digest, a.signature)) {
            revert AuthorizationInvalid(codeId, holder_, digest);
        }
    }

    /// Deletes up to `count` ended records from the head of the queue. Constant TTL makes expiry first-in first-out,
    /// so the first record that is still in its time ends the walk.
    function _sweep(uint32 specId, SpecState memory state, uint256 count) private returns (uint256 deleted) {
        while (deleted < count && state.head <= state.issued) {
            uint256 codeId = CodeIds.join(specId, state.head);
            CodeRecord memory record = _codes[codeId];
            if (block.timestamp < record.expiresAt) break;
            if (record.state == CodeState.Live) {
                --state.live;
                _uncount(record);
                emit CodeExpired(codeId);
            }
            _forgetIfIdle(record.holder);
            delete _codes[codeId];
            ++state.head;
            ++deleted;
        }
    }

    /// The record of a code that can be moved, cancelled or redeemed now; a revert says why it cannot.
    function _liveRecord(uint256 codeId) private view returns (CodeRecord memory record) {
        (uint32 specId, uint64 sequence) = CodeIds.split(codeId);
        record = _codes[codeId];
        CodeStatus status = _statusOf(record, specId, sequence);
        if (status == CodeStatus.Live) return record;
        if (status == CodeStatus.Redeemed) revert CodeAlreadyRedeemed(codeId, record.memberId);
        if (status == CodeStatus.Cancelled) revert CodeAlreadyCancelled(codeId);
        if (status == CodeStatus.Expired) revert CodeTimedOut(codeId, record.expiresAt, block.timestamp);
        if (status == CodeStatus.Deleted) revert CodeDeleted(codeId);
        revert CodeNeverIssued(codeId, _states[specId].issued);
    }

    function _statusOf(CodeRecord memory record, uint32 specId, uint64 sequence) private view returns (CodeStatus) {
        if (record.state == CodeState.Live) {
            return block.timestamp < record.expiresAt ? CodeStatus.Live : CodeStatus.Expired;
        }
        if (record.state == CodeState.Redeemed) return CodeStatus.Redeemed;
        if (record.state == CodeState.Cancelled) return CodeStatus.Cancelled;
        return sequence != 0 && sequence < _states[specId].head ? CodeStatus.Deleted : CodeStatus.NeverIssued;
    }

    function _countRequest(address account) private {
        HolderLimits memory limits = _limits;
        Use memory use = _uses[account];
        if (use.liveCodes >= limits.liveCodes) revert HolderLiveLimit(account, use.liveCodes, limits.liveCodes);
        if (_isPeriodOver(use)) (use.requests, use.periodStart) = (0, uint64(block.timestamp));
        if (use.requests >= limits.requestsPerPeriod) {
            revert HolderRateLimit(
                account, use.requests, limits.requestsPerPeriod, use.periodStart + limits.periodSeconds
            );
        }
        ++use.liveCodes;
        ++use.requests;
        _uses[account] = use;
    }

    /// The code no longer counts against its holder's limit.
    function _uncount(CodeRecord memory record) private {
        if (record.counted) --_uses[record.holder].liveCodes;
    }

    function _isPeriodOver(Use memory use) private view returns (bool) {
        return block.timestamp >= uint256(use.periodStart) + _limits.periodSeconds;
    }

    function _forgetIfIdle(address account) private returns (bool idle) {
        Use memory use = _uses[account];
        idle = use.liveCodes == 0 && use.periodStart != 0 && _isPeriodOver(use);
        if (idle) delete _uses[account];
    }
}
