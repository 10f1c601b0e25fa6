// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// A code's record: one storage slot. From the low bits: holder 160, expiry 40, state 8, member 32, counted 8.
struct CodeRecord {
    address holder;
    uint40 expiresAt;
    CodeState state;
    uint32 memberId;
    bool counted; // counts against its holder's limit: requested by it, not received
}

/// What a record says; time is not part of it.
enum CodeState {
    None,
    Live,
    Redeemed,
    Cancelled
}

/// A spec's queue and pool: one storage slot, the only one that every request writes.
struct SpecState {
    uint64 issued; // last sequence number
    uint64 head; // oldest sequence number that is still in state
    uint32 live;
    uint32 offered; // paused offers included
    uint32 open; // offers that are not paused
    uint32 ttlSeconds;
}

/// Code ids: `specId << 64 | sequence`.
library CodeIds {
    function join(uint32 specId, uint64 sequence) internal pure returns (uint256) {
        return (uint256(specId) << 64) | sequence;
    }

    /// The spec of an id that was issued.
    function specOf(uint256 codeId) internal pure returns (uint32 specId) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(codeId >> 64); // an issued id has 96 bits
    }

    /// Spec and sequence; spec 0, which does not exist, for an id that is none.
    function split(uint256 codeId) internal pure returns (uint32 specId, uint64 sequence) {
        if (codeId >> 96 != 0) return (0, 0);
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint32(codeId >> 64), uint64(codeId)); // the sequence is the low 64 bits
    }
}
