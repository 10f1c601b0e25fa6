// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { RLPWriter } from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPWriter.sol";

/// A secure trie, built from its definition: every node is written out, nothing is shared with what verifies it.
contract TrieBuilder {
    bytes32[] private _keys;
    bytes[] private _values;
    bytes[] private _path; // nodes on the way to the target, the lowest first

    /// Adds a value at a key that is not hashed yet. Each key once.
    function put(bytes memory key, bytes memory value) external {
        _keys.push(keccak256(key));
        _values.push(value);
    }

    /// The root, and the nodes from it down to the key or to where it would be.
    function prove(bytes memory key) external returns (bytes32 root, bytes[] memory proof) {
        delete _path;
        if (_keys.length == 0) return (keccak256(hex"80"), new bytes[](0));
        uint256[] memory all = new uint256[](_keys.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i;
        }
        root = keccak256(_node(all, 0, keccak256(key), true));
        proof = new bytes[](_path.length);
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] = _path[proof.length - 1 - i];
        }
    }

    function _node(uint256[] memory members, uint256 at, bytes32 target, bool onPath)
        private
        returns (bytes memory node)
    {
        bytes32 first = _keys[members[0]];
        if (members.length == 1) {
            node = _short(_compact(first, at, 64, 2), RLPWriter.writeBytes(_values[members[0]]));
        } else {
            uint256 shared = _shared(members, at);
            if (shared == at) {
                node = _branch(members, at, target, onPath);
            } else {
                bool follows = onPath && _agree(first, target, at, shared);
                node = _short(_compact(first, at, shared, 0), _reference(_node(members, shared, target, follows)));
            }
        }
        if (onPath) _path.push(node);
    }

    function _branch(uint256[] memory members, uint256 at, bytes32 target, bool onPath) private returns (bytes memory) {
        bytes[] memory items = new bytes[](17);
        items[16] = hex"80";
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            uint256[] memory some = _withNibble(members, at, nibble);
            bool follows = onPath && _nibble(target, at) == nibble;
            items[nibble] = some.length == 0 ? bytes(hex"80") : _reference(_node(some, at + 1, target, follows));
        }
        return RLPWriter.writeList(items);
    }

    function _withNibble(uint256[] memory members, uint256 at, uint256 nibble)
        private
        view
        returns (uint256[] memory some)
    {
        uint256 count = 0;
        some = new uint256[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            if (_nibble(_keys[members[i]], at) == nibble) some[count++] = members[i];
        }
        assembly ("memory-safe") {
            mstore(some, count)
        }
    }

    function _shared(uint256[] memory members, uint256 at) private view returns (uint256) {
        for (; at < 64; ++at) {
            for (uint256 i = 1; i < members.length; ++i) {
                if (_nibble(_keys[members[i]], at) != _nibble(_keys[members[0]], at)) return at;
            }
        }
        revert("a key twice");
    }

    function _agree(bytes32 a, bytes32 b, uint256 from, uint256 to) private pure returns (bool) {
        for (; from < to; ++from) {
            if (_nibble(a, from) != _nibble(b, from)) return false;
        }
        return true;
    }

    function _short(bytes memory path, bytes memory item) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](2);
        (items[0], items[1]) = (RLPWriter.writeBytes(path), item);
        return RLPWriter.writeList(items);
    }

    /// Nibbles [from, to) of a key in compact form, for a leaf (flag 2) or an extension (0).
    function _compact(bytes32 key, uint256 from, uint256 to, uint256 flag) private pure returns (bytes memory path) {
        uint256 odd = (to - from) & 1;
        path = new bytes((to - from) / 2 + 1);
        uint256 first = (flag + odd) << 4;
        if (odd == 1) first |= _nibble(key, from++);
        // forge-lint: disable-next-line(unsafe-typecast)
        path[0] = bytes1(uint8(first)); // two nibbles
        for (uint256 i = 1; from < to; (from, i) = (from + 2, i + 1)) {
            path[i] = bytes1(uint8(_nibble(key, from) << 4 | _nibble(key, from + 1)));
        }
    }

    function _reference(bytes memory node) private pure returns (bytes memory) {
        return node.length < 32 ? node : RLPWriter.writeBytes(abi.encodePacked(keccak256(node)));
    }

    function _nibble(bytes32 key, uint256 at) private pure returns (uint256) {
        return uint256(key) >> (252 - 4 * at) & 0xf;
    }
}
