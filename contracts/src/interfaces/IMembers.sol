// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Member } from "../types/BootstrapTypes.sol";

/// @title Who belongs to the programme?
/// @notice Member clouds, their owners, and the redeemers: hot keys of a member's sign-up back end.
interface IMembers {
    /// @notice A member was founded, or came back.
    event MemberAdmitted(uint32 indexed memberId, address indexed owner, string name);
    /// @notice A member is out: it can neither offer nor redeem.
    event MemberRemoved(uint32 indexed memberId);
    /// @notice A key of a member's sign-up back end came or went.
    event RedeemerSet(uint32 indexed memberId, address indexed redeemer, bool enabled);
    /// @notice A member names who may ask for the admission of a further validator.
    event NomineeSet(uint32 indexed memberId, address indexed nominee);

    /// @notice The member does not exist; ids run from 1 to `memberCount`.
    error UnknownMember(uint32 memberId, uint32 memberCount);
    /// @notice The member was removed.
    error MemberNotActive(uint32 memberId);
    /// @notice The caller owns no active member.
    error NotMemberOwner(address caller);
    /// @notice The account owns a member already.
    error OwnerTaken(address owner, uint32 memberId);
    /// @notice The name is another member's.
    error NameTaken(string name, uint32 memberId);
    /// @notice A name has 1 to `most` bytes.
    error NameLength(uint256 length, uint256 most);
    /// @notice The key redeems for another member, or owns one.
    error RedeemerTaken(address redeemer, uint32 memberId);
    /// @notice The key is set, or not set, already.
    error RedeemerUnchanged(address redeemer, bool enabled);
    /// @notice The member has as many redeemers as are possible.
    error TooManyRedeemers(uint32 memberId, uint256 most);
    /// @notice There are as many members as are possible.
    error TooManyMembers(uint256 most);
    /// @notice An account must not be zero.
    error ZeroAddress();

    /// @notice Number of members ever admitted; the last member id.
    function memberCount() external view returns (uint32);

    /// @notice The member with this id.
    /// @dev Reverts with UnknownMember.
    function member(uint32 memberId) external view returns (Member memory);

    /// @notice The keys of the member's sign-up back end: 16 at most.
    function redeemers(uint32 memberId) external view returns (address[] memory);

    /// @notice The active member that `account` owns or redeems for; 0 if none.
    function memberOf(address account) external view returns (uint32 memberId);

    /// @notice Whether the member exists and was not removed.
    function isActiveMember(uint32 memberId) external view returns (bool);

    /// @notice Lets a key of the caller's sign-up back end redeem, offer and pause, or stops it.
    /// @dev Only a member's owner. A key redeems for one member; an owner of another member cannot be one.
    function setRedeemer(address redeemer, bool enabled) external;

    /// @notice Names the account that may ask for a further validator of the caller's member; zero: only the owner.
    /// @dev Only a member's owner.
    function nominate(address nominee) external;
}
