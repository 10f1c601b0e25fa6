// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The tree of a span, as RFC 6962 defines it (section 2.1), by recursion: what `History` checks paths of.
library HistoryTree {
    function leaf(bytes32 blockHash) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", blockHash));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", left, right));
    }

    function root(bytes32[] memory hashes) internal pure returns (bytes32) {
        return _root(hashes, 0, hashes.length);
    }

    function path(bytes32[] memory hashes, uint256 index) internal pure returns (bytes32[] memory) {
        return _path(hashes, 0, hashes.length, index);
    }

    function _root(bytes32[] memory hashes, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return leaf(hashes[from]);
        uint256 split = from + _left(to - from);
        return node(_root(hashes, from, split), _root(hashes, split, to));
    }

    function _path(bytes32[] memory hashes, uint256 from, uint256 to, uint256 index)
        private
        pure
        returns (bytes32[] memory longer)
    {
        if (to - from == 1) return new bytes32[](0);
        uint256 split = from + _left(to - from);
        bool isLeft = index < split;
        bytes32[] memory below = isLeft ? _path(hashes, from, split, index) : _path(hashes, split, to, index);
        longer = new bytes32[](below.length + 1);
        for (uint256 i = 0; i < below.length; ++i) {
            longer[i] = below[i];
        }
        longer[below.length] = isLeft ? _root(hashes, split, to) : _root(hashes, from, split);
    }

    /// The largest power of two below n.
    function _left(uint256 n) private pure returns (uint256 power) {
        for (power = 1; power * 2 < n; power *= 2) { }
    }
}
