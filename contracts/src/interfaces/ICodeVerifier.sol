// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Checkpoint, ProvenCode } from "../types/CheckpointTypes.sol";
import { ICheckpoint } from "./ICheckpoint.sol";

/// @title What the sidechain says, proven on the mainchain
/// @notice Views that trust nobody but the quorum that signed a checkpoint: a caller brings the checkpoint (from the
/// event `CheckpointMade`) and proofs (from any node's `eth_getProof`). A wrong root or height makes another checkpoint,
/// which was not accepted; a forged proof does not lead to the root. Whatever is said holds at the checkpoint's height:
/// the sidechain may have gone on since.
interface ICodeVerifier {
    /// @notice The checkpoint is not the accepted one for its index.
    error CheckpointNotAccepted(uint64 index, bytes32 fingerprint, bytes32 accepted);
    /// @notice No spec has this code: ids are `specId << 64 | sequence`, both from 1.
    error CodeIdInvalid(uint256 codeId);
    /// @notice The account proof starts at another root than the checkpoint's.
    error StateRootMismatch(bytes32 root, bytes32 expected);
    /// @notice The storage proof starts at another root than the account's.
    error StorageRootMismatch(bytes32 root, bytes32 expected);
    /// @notice The proven account has another number of fields than an account.
    error AccountMalformed(uint256 fields, uint256 expected);
    /// @notice The proven word is no record of a code: `transact` is another contract.
    error RecordMalformed(uint256 word);

    /// @notice The checkpoint is not the one that this one follows.
    error ParentMismatch(bytes32 fingerprint, bytes32 expected);
    /// @notice The checkpoint's span has no block of this height.
    error HeightNotInSpan(uint64 height, uint64 first, uint64 last);
    /// @notice The path leads to another root: the block is not the one that was anchored.
    error HistoryRootMismatch(bytes32 root, bytes32 expected);

    /// @notice A code as the state of an accepted checkpoint has it: live, expired by this chain's clock, redeemed,
    /// cancelled, or without a record (never issued, or ended and deleted).
    /// @param c an accepted checkpoint
    /// @param transact the sidechain's Transact
    /// @param codeId the code
    /// @param accountProof trie nodes from the state root to Transact's account
    /// @param storageProof trie nodes from its storage root to the slot `codeSlot(codeId)`, or to where it would be
    /// @dev Forged nodes revert with a reason of Optimism's MerkleTrie or RLPReader, or with TrieAbsence's errors.
    function verifyCode(
        Checkpoint calldata c,
        address transact,
        uint256 codeId,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (ProvenCode memory);

    /// @notice Reverts unless the block with this height and hash is one that an accepted checkpoint anchors.
    /// @param parent the checkpoint before; for index 1 it is not looked at
    /// @param c an accepted checkpoint
    /// @param height above the parent's, up to the checkpoint's
    /// @param blockHash of the block
    /// @param path from the block's leaf to the checkpoint's `historyRoot`, the lowest sibling first
    function verifyBlock(
        Checkpoint calldata parent,
        Checkpoint calldata c,
        uint64 height,
        bytes32 blockHash,
        bytes32[] calldata path
    ) external view;

    /// @notice The sequence of checkpoints.
    function checkpoints() external view returns (ICheckpoint);
}
