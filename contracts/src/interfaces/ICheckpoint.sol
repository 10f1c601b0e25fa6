// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Checkpoint, LastCheckpoint, Rejection } from "../types/CheckpointTypes.sol";

/// @title The sidechain's anchor on the mainchain
/// @notice One sequence of checkpoints, each signed by a quorum of the validator set that the one before named. Anyone
/// may submit. No owner, no deletion, no upgrade: what is accepted stays. Kept per checkpoint is its fingerprint alone;
/// the events hold the rest.
interface ICheckpoint {
    /// @notice A checkpoint was accepted. All of them, in order, are the whole history.
    /// @param setHash the set that signed it
    /// @param bitmap who of the set signed: bit i for the key at position i
    event CheckpointMade(
        uint64 indexed index, bytes32 indexed fingerprint, Checkpoint checkpoint, bytes32 setHash, uint256 bitmap
    );
    /// @notice The accepted checkpoint is the record of a recovery.
    event Recovered(uint64 indexed index, uint64 epoch);
    /// @notice Validators signed another fingerprint than the accepted one for this index. Whoever signed both within
    /// one epoch equivocated; the call's data holds what they signed.
    /// @param bitmap whose signatures were valid: bit i for the key at position i of the set that was to sign the index
    event FingerprintRejected(uint64 indexed index, bytes32 indexed fingerprint, uint256 bitmap);

    /// @notice The first set has no key.
    error SetEmpty();
    /// @notice A set has `most` keys at most.
    error SetTooLarge(uint256 count, uint256 most);
    /// @notice A checkpoint key must not be 0; this one is.
    error KeyIsZero(uint256 position);
    /// @notice Two validators of a set have the same checkpoint key.
    error KeyTwice(address key, uint256 first, uint256 second);
    /// @notice The sidechain's genesis hash must not be 0.
    error GenesisMissing();

    /// @notice The next checkpoint has another index.
    error IndexOutOfOrder(uint64 index, uint64 expected);
    /// @notice The checkpoint does not follow the last one.
    error ParentUnknown(bytes32 parent, bytes32 expected);
    /// @notice The epoch is neither the last one's nor the one after.
    error EpochOutOfOrder(uint64 epoch, uint64 last);
    /// @notice The height is not above the last one's.
    error HeightNotAbove(uint64 height, uint64 last);
    /// @notice The checkpoint names nobody who could sign the next one.
    error NextSetMissing(uint64 index);
    /// @notice These keys are not the set that signs this index.
    error SetUnknown(bytes32 setHash, bytes32 expected);
    /// @notice The bitmap names positions that the set does not have.
    error BitmapBeyondSet(uint256 bitmap, uint256 count);
    /// @notice There are 65 bytes of signature for each bit of the bitmap.
    error SignaturesLength(uint256 length, uint256 expected);
    /// @notice Fewer signatures than the quorum.
    error QuorumMissing(uint256 signatures, uint256 quorum);
    /// @notice Not all signatures are valid ones of their keys (65 bytes r, s, v; s in the lower half; v 27 or 28).
    /// @param bitmap who was said to have signed
    /// @param valid who did
    error SignaturesInvalid(uint256 bitmap, uint256 valid);
    /// @notice The index is taken by another checkpoint, and nobody of the set signed this one.
    error RejectionUnsigned(uint64 index, bytes32 fingerprint, bytes32 accepted);

    /// @notice Accepts the next checkpoint. Checks, in this order: duplicate, conflict, sequence (index, parent, epoch,
    /// height), set, quorum, signatures.
    /// @param c the checkpoint
    /// @param keys checkpoint keys of the set that signs, in the order of the set
    /// @param bitmap who signed: bit i for `keys[i]`
    /// @param signatures of the fingerprint, one per bit of the bitmap, from the lowest; r, s, v of 65 bytes each
    /// @return whether this checkpoint is the accepted one for its index. True without a look at the signatures if it
    /// was accepted before. False, not a revert (which would erase the event), if the index is taken by another one and
    /// at least one signature of the set that was to sign it is valid: what is new about it is recorded.
    function makeCheckpoint(Checkpoint calldata c, address[] calldata keys, uint256 bitmap, bytes calldata signatures)
        external
        returns (bool);

    /// @notice What is kept of the newest checkpoint.
    function getLastCheckpoint() external view returns (LastCheckpoint memory);

    /// @notice Height of the newest checkpoint; 0 before the first.
    function getHeight() external view returns (uint64);

    /// @notice Index of the newest checkpoint; 0 before the first.
    function headIndex() external view returns (uint64);

    /// @notice Fingerprint of the accepted checkpoint with this index; for 0 the sidechain's genesis hash; 0 if there is
    /// none. Never changes once it is not 0.
    function fingerprintOf(uint64 index) external view returns (bytes32);

    /// @notice Hash of the set that signed this index, or that is to sign it if it is the next one.
    /// @dev Reverts with IndexOutOfOrder for 0 and for what comes after the next one.
    function setHashOf(uint64 index) external view returns (bytes32);

    /// @notice What was signed beside the accepted checkpoint with this index.
    function rejectionOf(uint64 index) external view returns (Rejection memory);

    /// @notice The checkpoint's fingerprint: what its validators sign (EIP-712).
    function fingerprint(Checkpoint calldata c) external view returns (bytes32);

    /// @notice Hash of a set, as checkpoints name the next one.
    function setHash(uint64 setId, address[] calldata keys) external pure returns (bytes32);

    /// @notice Signatures that a set of this many keys needs: more than two thirds.
    function quorum(uint256 count) external pure returns (uint256);
}
