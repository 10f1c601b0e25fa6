// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// What the validators sign for the mainchain: where the sidechain stands, and who signs next. EIP-712 type of the same
/// name and order, domain "Cloud Ledger Checkpoint", "1".
/// @param index from 1, without a gap
/// @param epoch recoveries so far: the parent's, or one more if this checkpoint is the record of a recovery
/// @param setId number of the validator set that signs this
/// @param height of the sidechain block; above the parent's, also after a recovery
/// @param blockHash of that block
/// @param stateRoot of that block
/// @param historyRoot root of the tree (see `History`) over the hashes of all blocks above the parent's height, up to
/// this one's
/// @param parent fingerprint of the checkpoint before; for index 1 the sidechain's genesis hash
/// @param nextSetHash hash of the set that signs the next checkpoint: `keccak256(abi.encode(setId, checkpointKeys))`
struct Checkpoint {
    uint64 index;
    uint64 epoch;
    uint64 setId;
    uint64 height;
    bytes32 blockHash;
    bytes32 stateRoot;
    bytes32 historyRoot;
    bytes32 parent;
    bytes32 nextSetHash;
}

/// What the contract keeps of the newest checkpoint. The whole of it is in the event `CheckpointMade` of that index.
/// @param index its index; 0 before the first
/// @param epoch its epoch
/// @param height its height
/// @param fingerprint its fingerprint; the sidechain's genesis hash before the first
/// @param nextSetHash hash of the set that signs the next one
struct LastCheckpoint {
    uint64 index;
    uint64 epoch;
    uint64 height;
    bytes32 fingerprint;
    bytes32 nextSetHash;
}

/// What is known of signatures under something else than what was accepted for an index.
/// @param fingerprint the rejected one with the most signatures; 0 if there is none
/// @param bitmap who signed that one
/// @param signers who signed any that was recorded
struct Rejection {
    bytes32 fingerprint;
    uint256 bitmap;
    uint256 signers;
}

/// What a storage proof says of a code.
enum ProvenStatus {
    None, // no record in state: never issued, or ended and deleted
    Live,
    Expired, // live by its record, but its time is over by this chain's clock
    Redeemed,
    Cancelled
}

/// A code, as the sidechain's state at a checkpoint has it.
/// @param status what it is worth
/// @param specId its spec
/// @param holder who holds it, or held it when it ended
/// @param expiresAt seconds; it is redeemable before, not at or after
/// @param memberId who redeemed it; 0 if nobody
struct ProvenCode {
    ProvenStatus status;
    uint32 specId;
    address holder;
    uint64 expiresAt;
    uint32 memberId;
}
