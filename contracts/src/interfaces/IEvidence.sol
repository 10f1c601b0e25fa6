// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Offence } from "../types/BootstrapTypes.sol";

/// @title Who lied?
/// @notice Proofs of equivocation (R12): two statements under one consensus key that no honest validator signs both of.
interface IEvidence {
    /// @notice A validator is out for equivocation, and its key for ever.
    event ValidatorJailed(
        address indexed account,
        bytes32 indexed consensusKey,
        Offence indexed offence,
        uint64 slot,
        bytes32 evidenceHash
    );

    /// @notice The statements cannot be bound to this chain before its genesis hash is learned.
    error GenesisUnknown();
    /// @notice No validator ever had this consensus key.
    error UnknownConsensusKey(bytes32 consensusKey);
    /// @notice The key's equivocation is known.
    error AlreadyJailed(bytes32 consensusKey, address account);
    /// @notice A signed statement has 170 or 178 bytes.
    error EvidenceLength(uint256 length);
    /// @notice The bytes are no statement of the consensus.
    error EvidenceMalformed(bytes statement);
    /// @notice The statement is another chain's.
    error EvidenceOfOtherChain(bytes32 genesis, bytes32 expected);
    /// @notice The key did not sign the statement.
    error SignatureInvalid(bytes32 consensusKey, bytes statement);
    /// @notice An honest validator may have signed both.
    error NoOffence(bytes statementA, bytes statementB);

    /// @notice Jails the validator that signed both statements, from the next height on. Anyone may call, in either
    /// order. Double seal: same slot, other hash. Double vote: same kind and slot, other content. Amnesia: precommit
    /// (h, s, X), then prevote (h, s', Y, vr) with s < s', X != Y and vr, if any, before s.
    /// @param consensusKey the key that signed both
    /// @param a a statement (106 or 114 bytes) followed by its ed25519 signature (64 bytes)
    /// @param b the other one
    /// @dev Reverts with SetWouldBeEmpty for the only validator and SetAlreadyChanged if the set changed in this block.
    function submitEvidence(bytes32 consensusKey, bytes calldata a, bytes calldata b) external;
}
