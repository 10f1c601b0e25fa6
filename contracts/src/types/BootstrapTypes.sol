// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// What became of a validator. Only `Active` ones are in the set.
enum ValidatorStatus {
    None,
    Active,
    Jailed,
    Removed,
    Left
}

/// A validator, as admitted.
/// @param account secp256k1 account of governance; coinbase of its blocks
/// @param memberId the member cloud that runs it
/// @param status what became of it
/// @param since block number of the last change of `status`
/// @param checkpointKey secp256k1 address that signs checkpoints for the mainchain
/// @param consensusKey ed25519 public key of the consensus
/// @param recordHash hash of the notary's node record
/// @param peerId libp2p peer id, the bytes of its multihash
struct Validator {
    address account;
    uint32 memberId;
    ValidatorStatus status;
    uint40 since;
    address checkpointKey;
    bytes32 consensusKey;
    bytes32 recordHash;
    bytes peerId;
}

/// A member cloud.
/// @param id from 1
/// @param owner its account: votes on nothing, but names redeemers and nominees, offers and redeems
/// @param active false once governance has removed it
/// @param validators how many validators of it are in the set
/// @param nominee the account that may ask for the admission of a further validator of this member; zero: only the owner
/// @param name unique, as shown to people
struct Member {
    uint32 id;
    address owner;
    bool active;
    uint16 validators;
    address nominee;
    string name;
}

/// Who asks to be admitted. With `consensusKey` zero it is membership alone that is asked for: then `checkpointKey`
/// and `peerId` are empty too.
/// @param memberId the member that the validator belongs to; 0: a new member is founded, owned by the asking account
/// @param memberName name of the new member; empty if `memberId` is not 0
/// @param consensusKey ed25519 public key
/// @param checkpointKey secp256k1 address that signs checkpoints
/// @param peerId libp2p peer id, the bytes of its multihash
/// @param recordHash hash of the notary's node record
struct Candidate {
    uint32 memberId;
    string memberName;
    bytes32 consensusKey;
    address checkpointKey;
    bytes peerId;
    bytes32 recordHash;
}

/// What a voter verified at the notary. Only identical tuples add up.
struct NotaryTuple {
    uint64 rootVersion;
    bytes32 rootHash;
    uint64 targetsVersion;
    bytes32 targetsHash;
    bytes32 admissionHash;
    bytes32 nodesHash;
}

/// What a proposal does when it is executed, and what its `payload` encodes.
enum ProposalKind {
    None, // no proposal
    Admit, // Candidate; the account is the proposer
    Remove, // address of the validator's account
    RemoveMember, // uint32 member id
    SetCheckpointConfig, // CheckpointConfig
    DefineSpec, // InstanceSpec
    SetLimits, // HolderLimits
    Recover // uint64 checkpoint number; needs the quorum q, knows no timelock
}

/// Where a proposal stands.
enum ProposalStatus {
    None,
    Open, // votes are taken
    Passed, // more than half (q for Recover) agree; the timelock runs or has run
    Executed,
    Expired,
    Withdrawn
}

/// A proposal.
/// @param kind what it does
/// @param status where it stands now
/// @param proposer who opened it
/// @param createdAt seconds
/// @param expiresAt seconds; after it no vote is taken and, unless it has passed, the proposal is dead
/// @param passedAt seconds since which it has had its majority without a break; 0 if it has none
/// @param executableAt seconds at which the timelock ends; 0 while it has not passed
/// @param passedTuple hash of the tuple (zero tuple's for kinds without one) that has the majority
/// @param payload ABI encoding of what `kind` names
struct Proposal {
    ProposalKind kind;
    ProposalStatus status;
    address proposer;
    uint64 createdAt;
    uint64 expiresAt;
    uint64 passedAt;
    uint64 executableAt;
    bytes32 passedTuple;
    bytes payload;
}

/// Times of the procedure, fixed at genesis.
/// @param timelockSeconds between a proposal's passing and its execution
/// @param proposalTtlSeconds how long votes are taken, and how long after the timelock it may be executed
struct GovernanceConfig {
    uint64 timelockSeconds;
    uint64 proposalTtlSeconds;
}

/// How the sidechain is anchored.
/// @param intervalBlocks sidechain blocks between checkpoints
/// @param mainchainId chain id of the mainchain
/// @param checkpointContract address of Checkpoint there; zero: no anchoring yet
/// @param confirmations mainchain blocks after which a checkpoint counts as final
struct CheckpointConfig {
    uint64 intervalBlocks;
    uint64 mainchainId;
    address checkpointContract;
    uint64 confirmations;
}

/// The last order to recover.
/// @param epoch how many there were
/// @param checkpointNumber the checkpoint whose state the next block starts from
/// @param orderedAt block number of the order
struct Recovery {
    uint64 epoch;
    uint64 checkpointNumber;
    uint64 orderedAt;
}

/// What an equivocator did (R12).
enum Offence {
    DoubleSeal,
    DoubleVote,
    Amnesia
}

/// @param owner its account
/// @param name unique
/// @param redeemers keys of its sign-up back end
struct GenesisMember {
    address owner;
    string name;
    address[] redeemers;
}

/// @param memberId position of the member in the genesis list, from 1
/// @param account its account
/// @param consensusKey ed25519 public key
/// @param checkpointKey secp256k1 address that signs checkpoints
/// @param peerId libp2p peer id, the bytes of its multihash
/// @param recordHash hash of the notary's node record; zero if it was never in the notary
struct GenesisValidator {
    uint32 memberId;
    address account;
    bytes32 consensusKey;
    address checkpointKey;
    bytes peerId;
    bytes32 recordHash;
}
