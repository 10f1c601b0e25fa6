// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Validator } from "../types/BootstrapTypes.sol";

/// @title Who runs the chain?
/// @notice The validator set in the order of the schedule. A change executed in block `h` governs `h + 1` (R10); at most
/// one change per block; never empty; no account, consensus key, checkpoint key or peer id twice, and none of them ever
/// passes from one account to another.
interface IValidators {
    /// @notice The set is another from the next block on. Emitted exactly when it changes.
    event ValidatorSetChanged(uint64 indexed setId);
    /// @notice A validator came into the set, at its end.
    event ValidatorAdmitted(address indexed account, bytes32 indexed consensusKey, uint32 indexed memberId);
    /// @notice Governance removed a validator.
    event ValidatorRemoved(address indexed account);
    /// @notice A validator left on its own accord.
    event ValidatorLeft(address indexed account);

    /// @notice The account is not in the set.
    error NotValidator(address account);
    /// @notice The account is in the set already.
    error AlreadyValidator(address account);
    /// @notice The set changed in this block already; call again in the next one.
    error SetAlreadyChanged(uint256 blockNumber);
    /// @notice The last validator cannot go.
    error SetWouldBeEmpty(address account);
    /// @notice The set has as many validators as certificates have room for.
    error SetFull(uint256 most);
    /// @notice The consensus key is another account's, for ever.
    error ConsensusKeyTaken(bytes32 consensusKey, address account);
    /// @notice The consensus key equivocated once and is never admitted again.
    error ConsensusKeyJailed(bytes32 consensusKey);
    /// @notice The checkpoint key is another account's, for ever.
    error CheckpointKeyTaken(address checkpointKey, address account);
    /// @notice The peer id is another account's, for ever.
    error PeerIdTaken(bytes peerId, address account);
    /// @notice A peer id has 1 to `most` bytes.
    error PeerIdLength(uint256 length, uint256 most);
    /// @notice A key of a validator must not be zero.
    error ZeroKey();

    /// @notice The set that governs the next block, in the order of the schedule, and its number.
    function validatorSet() external view returns (uint64 id, Validator[] memory validators);

    /// @notice The set's number: 0 at genesis, one more per change.
    function setId() external view returns (uint64);

    /// @notice Number of the block in which the set last changed; 0 for genesis.
    function setChangedAt() external view returns (uint64);

    /// @notice Size of the set.
    function validatorCount() external view returns (uint256);

    /// @notice Signers that finality and recovery need: `floor(2n/3) + 1`.
    function quorum() external view returns (uint256);

    /// @notice What is known of an account; `status` is None if it never was a validator.
    function validator(address account) external view returns (Validator memory);

    /// @notice Whether the account is in the set.
    function isValidator(address account) external view returns (bool);

    /// @notice The account that a consensus key belongs to for ever (zero: none), and whether the key equivocated.
    function consensusKeyOf(bytes32 consensusKey) external view returns (address account, bool jailed);

    /// @notice Whether blocks keep room for this sender (R14): a validator, a member's owner or its redeemer.
    function reserved(address sender) external view returns (bool);

    /// @notice Takes the caller out of the set on its own accord.
    /// @dev Only a validator, not the last one, one set change per block.
    function leave() external;
}
