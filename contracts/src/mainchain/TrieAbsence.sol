// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { RLPReader } from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPReader.sol";

/// Proves that a secure trie has no value at a key, which Optimism's MerkleTrie cannot. Every node must be one that its
/// parent names by hash: a node small enough to lie within its parent would need keys that share half of their hash.
library TrieAbsence {
    /// keccak256(rlp("")): the root of a trie without a value.
    bytes32 internal constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    uint256 private constant KEY_NIBBLES = 64;
    uint256 private constant BRANCH_ITEMS = 17;
    uint256 private constant SHORT_ITEMS = 2; // a leaf, or an extension
    uint256 private constant LEAF_FLAG = 2;
    uint256 private constant ODD_FLAG = 1;

    /// A node is not the one that its parent, or the root, names.
    error NodeForged(uint256 depth, bytes32 hash, bytes32 expected);
    /// A node is no node of a trie of hashed keys.
    error NodeMalformed(uint256 depth);
    /// The proof ends before it shows anything.
    error ProofTooShort(uint256 nodes);
    /// The proof goes on after it has shown that there is no value.
    error ProofTooLong(uint256 nodes, uint256 needed);
    /// There is a value at the key.
    error ValuePresent(bytes32 key);

    /// Returns if the proof shows that there is no value; reverts with what is wrong if not.
    /// @param key the hashed key
    /// @param proof nodes from the root down
    function check(bytes32 key, bytes[] calldata proof, bytes32 root) internal pure {
        if (root == EMPTY_ROOT) return;
        uint256 at = 0; // nibbles of the key that lie behind
        bytes32 expected = root;
        for (uint256 depth = 0; depth < proof.length; ++depth) {
            bytes32 hash = keccak256(proof[depth]);
            if (hash != expected) revert NodeForged(depth, hash, expected);
            (bool absent, uint256 taken, bytes32 next) = _step(key, at, depth, proof[depth]);
            if (absent) {
                if (depth + 1 != proof.length) revert ProofTooLong(proof.length, depth + 1);
                return;
            }
            (at, expected) = (at + taken, next);
        }
        revert ProofTooShort(proof.length);
    }

    /// Whether a node is the leaf of a key. A guess, made from the end of its path only, of what a proof is meant to
    /// show: it proves nothing.
    function looksLikeLeafOf(bytes32 key, bytes calldata node) internal pure returns (bool) {
        RLPReader.RLPItem[] memory items = RLPReader.readList(node);
        if (items.length != SHORT_ITEMS) return false;
        bytes memory path = RLPReader.readBytes(items[0]);
        (uint256 first, uint256 end, bool leaf) = _bounds(path);
        if (!leaf || end - first > KEY_NIBBLES) return false;
        return _follows(key, KEY_NIBBLES - (end - first), path, first, end);
    }

    /// One node: nothing lies beyond it at this key, or how many nibbles it takes and which node is next.
    function _step(bytes32 key, uint256 at, uint256 depth, bytes memory node)
        private
        pure
        returns (bool absent, uint256 taken, bytes32 next)
    {
        RLPReader.RLPItem[] memory items = RLPReader.readList(node);
        if (items.length == BRANCH_ITEMS) {
            if (at == KEY_NIBBLES) revert NodeMalformed(depth);
            bytes memory child = RLPReader.readBytes(items[_nibble(key, at)]);
            if (child.length == 0) return (true, 0, 0);
            return (false, 1, _reference(child, depth));
        }
        if (items.length != SHORT_ITEMS) revert NodeMalformed(depth);
        bytes memory path = RLPReader.readBytes(items[0]);
        (uint256 first, uint256 end, bool leaf) = _bounds(path);
        taken = end - first;
        if (taken > KEY_NIBBLES - at || (leaf && taken != KEY_NIBBLES - at)) revert NodeMalformed(depth);
        if (!_follows(key, at, path, first, end)) return (true, 0, 0);
        if (leaf) revert ValuePresent(key);
        return (false, taken, _reference(RLPReader.readBytes(items[1]), depth));
    }

    /// Where the nibbles of a compact path start and end, and whether it is a leaf's.
    function _bounds(bytes memory path) private pure returns (uint256 first, uint256 end, bool leaf) {
        uint256 flags = path.length == 0 ? type(uint256).max : uint8(path[0]) >> 4;
        if (flags > LEAF_FLAG + ODD_FLAG) revert NodeMalformed(path.length);
        return (2 - (flags & ODD_FLAG), path.length * 2, flags & LEAF_FLAG != 0);
    }

    /// Whether the key goes on, from a nibble of its own, as the path does.
    function _follows(bytes32 key, uint256 at, bytes memory path, uint256 first, uint256 end)
        private
        pure
        returns (bool)
    {
        for (uint256 i = first; i < end; ++i) {
            uint256 nibble = uint8(path[i / 2]) >> (i & 1 == 0 ? 4 : 0) & 0xf;
            if (nibble != _nibble(key, at + i - first)) return false;
        }
        return true;
    }

    function _reference(bytes memory child, uint256 depth) private pure returns (bytes32) {
        if (child.length != 32) revert NodeMalformed(depth);
        // forge-lint: disable-next-line(unsafe-typecast)
        return bytes32(child); // 32 bytes
    }

    function _nibble(bytes32 key, uint256 at) private pure returns (uint256) {
        return uint256(key) >> (252 - 4 * at) & 0xf;
    }
}
