// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IValidators } from "../interfaces/IValidators.sol";
import { Validator, ValidatorStatus } from "../types/BootstrapTypes.sol";
import { Members } from "./Members.sol";

/// The validator set. Only `_seat`, `_join` and `_drop` write it.
abstract contract Validators is Members, IValidators {
    /// Most validators in the set: bounds certificates, headers and the cost of a count.
    uint256 public constant VALIDATORS_MAX = 128;

    /// Longest peer id, in bytes.
    uint256 public constant PEER_ID_BYTES_MAX = 64;

    struct KeyRecord {
        address account;
        bool jailed;
    }

    /// @inheritdoc IValidators
    uint64 public setId;

    /// @inheritdoc IValidators
    uint64 public setChangedAt;

    address[] private _order;
    mapping(address account => Validator) private _validators;
    mapping(bytes32 consensusKey => KeyRecord) private _consensusKeys;
    mapping(address checkpointKey => address account) private _checkpointKeys;
    mapping(bytes32 peerIdHash => address account) private _peerIds;

    /// @inheritdoc IValidators
    function leave() external anchored {
        _drop(msg.sender, ValidatorStatus.Left);
        emit ValidatorLeft(msg.sender);
    }

    /// @inheritdoc IValidators
    function validatorSet() external view returns (uint64 id, Validator[] memory validators) {
        validators = new Validator[](_order.length);
        for (uint256 i = 0; i < validators.length; ++i) {
            validators[i] = _validators[_order[i]];
        }
        return (setId, validators);
    }

    /// @inheritdoc IValidators
    function validatorCount() public view returns (uint256) {
        return _order.length;
    }

    /// @inheritdoc IValidators
    function quorum() public view returns (uint256) {
        return 2 * _order.length / 3 + 1;
    }

    /// @inheritdoc IValidators
    function validator(address account) external view returns (Validator memory) {
        return _validators[account];
    }

    /// @inheritdoc IValidators
    function isValidator(address account) public view returns (bool) {
        return _validators[account].status == ValidatorStatus.Active;
    }

    /// @inheritdoc IValidators
    function consensusKeyOf(bytes32 consensusKey) public view returns (address account, bool jailed) {
        KeyRecord storage key = _consensusKeys[consensusKey];
        return (key.account, key.jailed);
    }

    /// @inheritdoc IValidators
    function reserved(address sender) external view returns (bool) {
        return isValidator(sender) || memberOf(sender) != 0;
    }

    function _validatorAt(uint256 index) internal view returns (address) {
        return _order[index];
    }

    /// What must hold for a validator that comes, at the request as at its execution.
    function _checkKeys(address account, bytes32 consensusKey, address checkpointKey, bytes memory peerId)
        internal
        view
    {
        if (account == address(0)) revert ZeroAddress();
        if (isValidator(account)) revert AlreadyValidator(account);
        if (consensusKey == 0 || checkpointKey == address(0)) revert ZeroKey();
        if (peerId.length == 0 || peerId.length > PEER_ID_BYTES_MAX) {
            revert PeerIdLength(peerId.length, PEER_ID_BYTES_MAX);
        }
        KeyRecord storage key = _consensusKeys[consensusKey];
        if (key.jailed) revert ConsensusKeyJailed(consensusKey);
        if (_isOthers(key.account, account)) revert ConsensusKeyTaken(consensusKey, key.account);
        address taken = _checkpointKeys[checkpointKey];
        if (_isOthers(taken, account)) revert CheckpointKeyTaken(checkpointKey, taken);
        taken = _peerIds[keccak256(peerId)];
        if (_isOthers(taken, account)) revert PeerIdTaken(peerId, taken);
        if (_order.length == VALIDATORS_MAX) revert SetFull(VALIDATORS_MAX);
    }

    function _isOthers(address taken, address account) private pure returns (bool) {
        return taken != address(0) && taken != account;
    }

    /// Puts a validator at the end of the set, without making it another set: genesis.
    function _seat(Validator memory comer) internal {
        _checkKeys(comer.account, comer.consensusKey, comer.checkpointKey, comer.peerId);
        comer.status = ValidatorStatus.Active;
        comer.since = uint40(block.number);
        _validators[comer.account] = comer;
        _consensusKeys[comer.consensusKey].account = comer.account;
        _checkpointKeys[comer.checkpointKey] = comer.account;
        _peerIds[keccak256(comer.peerId)] = comer.account;
        _order.push(comer.account);
        _countValidator(comer.memberId, true);
        emit ValidatorAdmitted(comer.account, comer.consensusKey, comer.memberId);
    }

    function _join(Validator memory comer) internal {
        _beginSetChange();
        _seat(comer);
    }

    /// Takes a validator out of the set; the others keep their order.
    function _drop(address account, ValidatorStatus status) internal {
        if (!isValidator(account)) revert NotValidator(account);
        if (_order.length == 1) revert SetWouldBeEmpty(account);
        _beginSetChange();
        uint256 last = _order.length - 1;
        uint256 i = 0;
        while (_order[i] != account) ++i;
        for (; i < last; ++i) {
            _order[i] = _order[i + 1];
        }
        _order.pop();
        Validator storage gone = _validators[account];
        gone.status = status;
        gone.since = uint40(block.number);
        _countValidator(gone.memberId, false);
    }

    /// Marks a key for ever, and takes its account out of the set if it is in.
    function _jail(bytes32 consensusKey) internal {
        KeyRecord storage key = _consensusKeys[consensusKey];
        key.jailed = true;
        if (isValidator(key.account)) {
            _drop(key.account, ValidatorStatus.Jailed);
        } else {
            _validators[key.account].status = ValidatorStatus.Jailed;
            _validators[key.account].since = uint40(block.number);
        }
    }

    function _beginSetChange() private {
        if (setChangedAt == block.number) revert SetAlreadyChanged(block.number);
        setChangedAt = uint64(block.number);
        emit ValidatorSetChanged(++setId);
    }
}
