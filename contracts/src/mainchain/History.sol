// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The tree over the block hashes of a checkpoint's span: RFC 6962's shape, with keccak256. A leaf is
/// `keccak256(0x00 || blockHash)`, a node `keccak256(0x01 || left || right)`; of n leaves, the left side has as many as
/// the largest power of two below n.
library History {
    /// The path does not have the length that it has in a tree of this size.
    error PathLength(uint256 length, uint256 index, uint256 size);

    /// The root that a path leads to.
    /// @param blockHash the leaf's block
    /// @param index of the leaf, from 0; below `size`
    /// @param size number of leaves
    /// @param path siblings, the lowest first
    function rootOf(bytes32 blockHash, uint256 index, uint256 size, bytes32[] calldata path)
        internal
        pure
        returns (bytes32 root)
    {
        root = keccak256(abi.encodePacked(uint8(0), blockHash));
        // `at` and `last`: the node's place among those of its level, and the place of the level's last.
        (uint256 at, uint256 last) = (index, size - 1);
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) revert PathLength(path.length, index, size);
            if (at & 1 == 1 || at == last) {
                root = keccak256(abi.encodePacked(uint8(1), path[i], root));
                // The last node of a level rises without a sibling until it is a right one.
                while (at & 1 == 0) {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                root = keccak256(abi.encodePacked(uint8(1), root, path[i]));
            }
            (at, last) = (at >> 1, last >> 1);
        }
        if (last != 0) revert PathLength(path.length, index, size);
    }
}
