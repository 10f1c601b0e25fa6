// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { EnumerableSet } from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import { IMembers } from "../interfaces/IMembers.sol";
import { Member } from "../types/BootstrapTypes.sol";
import { Anchor } from "./Anchor.sol";

/// Members, their owners and redeemers.
abstract contract Members is Anchor, IMembers {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// Most members ever: with the largest offer of each, a spec's sum still fits 32 bits.
    uint32 public constant MEMBERS_MAX = 4096;

    /// Most redeemers of a member: bounds what one member can put into the reserved lane (R14).
    uint256 public constant REDEEMERS_PER_MEMBER_MAX = 16;

    /// Longest name of a member, in bytes.
    uint256 public constant MEMBER_NAME_BYTES_MAX = 64;

    /// @inheritdoc IMembers
    uint32 public memberCount;

    mapping(uint32 memberId => Member) private _members;
    mapping(address owner => uint32 memberId) private _ownedBy;
    mapping(address redeemer => uint32 memberId) private _redeemsFor;
    mapping(bytes32 nameHash => uint32 memberId) private _named;
    mapping(uint32 memberId => EnumerableSet.AddressSet) private _redeemers;

    /// @inheritdoc IMembers
    function setRedeemer(address redeemer, bool enabled) external anchored {
        _setRedeemer(_ownedMember(msg.sender), redeemer, enabled);
    }

    /// @inheritdoc IMembers
    function nominate(address nominee) external anchored {
        uint32 memberId = _ownedMember(msg.sender);
        _members[memberId].nominee = nominee;
        emit NomineeSet(memberId, nominee);
    }

    /// @inheritdoc IMembers
    function member(uint32 memberId) public view returns (Member memory) {
        if (memberId == 0 || memberId > memberCount) revert UnknownMember(memberId, memberCount);
        return _members[memberId];
    }

    /// @inheritdoc IMembers
    function redeemers(uint32 memberId) external view returns (address[] memory) {
        return _redeemers[memberId].values();
    }

    /// @inheritdoc IMembers
    function memberOf(address account) public view returns (uint32 memberId) {
        memberId = _ownedBy[account];
        if (memberId == 0) memberId = _redeemsFor[account];
        return _members[memberId].active ? memberId : 0;
    }

    /// @inheritdoc IMembers
    function isActiveMember(uint32 memberId) public view returns (bool) {
        return _members[memberId].active;
    }

    function _ownedMember(address caller) private view returns (uint32 memberId) {
        memberId = _ownedBy[caller];
        if (!_members[memberId].active) revert NotMemberOwner(caller);
    }

    function _setRedeemer(uint32 memberId, address redeemer, bool enabled) internal {
        if (redeemer == address(0)) revert ZeroAddress();
        EnumerableSet.AddressSet storage keys = _redeemers[memberId];
        if (keys.contains(redeemer) == enabled) revert RedeemerUnchanged(redeemer, enabled);
        if (enabled) {
            uint32 taken = _ownedBy[redeemer] != 0 ? _ownedBy[redeemer] : _redeemsFor[redeemer];
            if (taken != 0) revert RedeemerTaken(redeemer, taken);
            if (keys.length() == REDEEMERS_PER_MEMBER_MAX) revert TooManyRedeemers(memberId, REDEEMERS_PER_MEMBER_MAX);
            assert(keys.add(redeemer));
            _redeemsFor[redeemer] = memberId;
        } else {
            assert(keys.remove(redeemer));
            delete _redeemsFor[redeemer];
        }
        emit RedeemerSet(memberId, redeemer, enabled);
    }

    /// What must hold for a new member, at the request as at its execution.
    function _checkNewMember(address owner, string memory name) internal view {
        if (owner == address(0)) revert ZeroAddress();
        uint256 length = bytes(name).length;
        if (length == 0 || length > MEMBER_NAME_BYTES_MAX) revert NameLength(length, MEMBER_NAME_BYTES_MAX);
        uint32 taken = _named[keccak256(bytes(name))];
        if (taken != 0) revert NameTaken(name, taken);
        if (_ownedBy[owner] != 0) revert OwnerTaken(owner, _ownedBy[owner]);
        if (memberCount == MEMBERS_MAX) revert TooManyMembers(MEMBERS_MAX);
    }

    function _foundMember(address owner, string memory name) internal returns (uint32 memberId) {
        _checkNewMember(owner, name);
        memberId = ++memberCount;
        _members[memberId] =
            Member({ id: memberId, owner: owner, active: true, validators: 0, nominee: address(0), name: name });
        _ownedBy[owner] = memberId;
        _named[keccak256(bytes(name))] = memberId;
        emit MemberAdmitted(memberId, owner, name);
    }

    /// A removed member comes back, with its owner, name and redeemers.
    function _readmitMember(uint32 memberId) internal {
        Member storage back = _members[memberId];
        back.active = true;
        emit MemberAdmitted(memberId, back.owner, back.name);
    }

    function _dismissMember(uint32 memberId) internal {
        _members[memberId].active = false;
        emit MemberRemoved(memberId);
    }

    /// Keeps the count of a member's validators in the set.
    function _countValidator(uint32 memberId, bool joins) internal {
        if (joins) ++_members[memberId].validators;
        else --_members[memberId].validators;
    }
}
