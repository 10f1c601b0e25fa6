// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// What a validator signs in the consensus, and whether two such statements convict it (R12).
///
/// Layout, integers little-endian: domain 16 | genesis 32 | set id 8 | height 8 | slot 8 | kind 1 | hash 32 |
/// valid slot: 0x00, or 0x01 and 8 bytes.
library Statements {
    /// First bytes of every statement.
    bytes16 internal constant DOMAIN = "cloud-ledger/v1\x00";

    /// Length without a valid slot.
    uint256 internal constant BYTES_MIN = 106;

    /// Length with one.
    uint256 internal constant BYTES_MAX = 114;

    /// Length of an ed25519 signature.
    uint256 internal constant SIGNATURE_BYTES = 64;

    uint8 internal constant SEAL = 0;
    uint8 internal constant PREVOTE = 1;
    uint8 internal constant PRECOMMIT = 2;

    struct Statement {
        bytes32 genesis;
        uint64 setId;
        uint64 height;
        uint64 slot;
        uint8 kind;
        bytes32 hash;
        bool hasValidSlot;
        uint64 validSlot;
    }

    /// The statement that `raw` encodes; `ok` is false if it encodes none. There is one encoding of each.
    function parse(bytes calldata raw) internal pure returns (bool ok, Statement memory s) {
        if (raw.length != BYTES_MIN && raw.length != BYTES_MAX) return (false, s);
        if (bytes16(raw[0:16]) != DOMAIN || uint8(raw[72]) > PRECOMMIT) return (false, s);
        s.hasValidSlot = raw.length == BYTES_MAX;
        if (uint8(raw[105]) != (s.hasValidSlot ? 1 : 0)) return (false, s);
        s.genesis = bytes32(raw[16:48]);
        s.setId = _littleEndian(raw[48:56]);
        s.height = _littleEndian(raw[56:64]);
        s.slot = _littleEndian(raw[64:72]);
        s.kind = uint8(raw[72]);
        s.hash = bytes32(raw[73:105]);
        if (s.hasValidSlot) s.validSlot = _littleEndian(raw[106:114]);
        return (true, s);
    }

    /// Two seals of one slot for different blocks.
    function isDoubleSeal(Statement memory a, Statement memory b) internal pure returns (bool) {
        return a.kind == SEAL && b.kind == SEAL && a.slot == b.slot && a.hash != b.hash;
    }

    /// Two votes of one kind and slot with different content: whoever signs follows R6, across heights and sets.
    function isDoubleVote(Statement memory a, Statement memory b) internal pure returns (bool) {
        return a.kind != SEAL && a.kind == b.kind && a.slot == b.slot
            && (a.hash != b.hash
                || a.height != b.height
                || a.setId != b.setId
                || a.hasValidSlot != b.hasValidSlot
                || a.validSlot != b.validSlot);
    }

    /// A lock, and later a vote against it that claims no certificate from at or after it.
    function isAmnesia(Statement memory lock, Statement memory later) internal pure returns (bool) {
        return lock.kind == PRECOMMIT && later.kind == PREVOTE && lock.setId == later.setId
            && lock.height == later.height && lock.slot < later.slot && lock.hash != later.hash
            && !(later.hasValidSlot && later.validSlot >= lock.slot);
    }

    function _littleEndian(bytes calldata raw) private pure returns (uint64 value) {
        for (uint256 i = 8; i > 0; --i) {
            value = (value << 8) | uint8(raw[i - 1]);
        }
    }
}
