// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { RLPWriter } from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPWriter.sol";
import { SecureMerkleTrie } from "@eth-optimism/contracts-bedrock/src/libraries/trie/SecureMerkleTrie.sol";
import { TrieAbsence } from "../../src/mainchain/TrieAbsence.sol";
import { Assertions } from "../base/Assertions.sol";
import { TrieBuilder } from "./TrieBuilder.sol";

/// Makes the libraries callable.
contract Tries {
    function absent(bytes32 key, bytes[] calldata proof, bytes32 root) external pure {
        TrieAbsence.check(key, proof, root);
    }

    function present(bytes calldata key, bytes[] calldata proof, bytes32 root) external pure returns (bytes memory) {
        return SecureMerkleTrie.get(key, proof, root);
    }
}

/// What proves that a trie has no value at a key.
contract TrieAbsenceTest is Assertions {
    bytes32 private constant KEY = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef;
    bytes32 private constant OTHER = keccak256("another node");

    Tries private immutable TRIES = new Tries();

    /// Of any trie and any key, exactly one is proven: that there is a value, or that there is none.
    function testFuzz_check_agreesWithOptimismsTrie(uint256 seed, uint8 size, bool there) public {
        TrieBuilder builder = new TrieBuilder();
        uint256 count = size % 80;
        for (uint256 i = 0; i < count; ++i) {
            builder.put(abi.encode(seed, i), abi.encode(i, "value"));
        }
        bytes memory key = abi.encode(seed, there && count != 0 ? seed % count : count);
        (bytes32 root, bytes[] memory proof) = builder.prove(key);
        if (there && count != 0) {
            assertEq(TRIES.present(key, proof, root), abi.encode(seed % count, "value"), "value");
            vm.expectRevert(abi.encodeWithSelector(TrieAbsence.ValuePresent.selector, keccak256(key)));
            TRIES.absent(keccak256(key), proof, root);
        } else {
            TRIES.absent(keccak256(key), proof, root);
            vm.expectRevert();
            TRIES.present(key, proof, root);
        }
    }

    function test_check_revertsForMoreNodesThanItTakes() public {
        bytes[] memory proof = new bytes[](2);
        (proof[0], proof[1]) = (branch("", 1), hex"c0");
        expect(proof, abi.encodeWithSelector(TrieAbsence.ProofTooLong.selector, 2, 1));
    }

    function test_check_revertsWithoutNodes() public {
        vm.expectRevert(abi.encodeWithSelector(TrieAbsence.ProofTooShort.selector, 0));
        TRIES.absent(KEY, new bytes[](0), OTHER);
    }

    function test_check_revertsForANodeThatNobodyNames() public {
        bytes[] memory proof = new bytes[](1);
        proof[0] = branch("", 1);
        vm.expectRevert(abi.encodeWithSelector(TrieAbsence.NodeForged.selector, 0, keccak256(proof[0]), OTHER));
        TRIES.absent(KEY, proof, OTHER);
    }

    function test_check_takesTheThreeWaysToEnd() public view {
        bytes[3] memory ends = [
            branch("", 1), // nothing at the key's nibble
            short(hex"001235", abi.encodePacked(OTHER)), // an extension to elsewhere
            short(bytes.concat(hex"20", OTHER), "value") // another key's leaf
        ];
        for (uint256 i = 0; i < ends.length; ++i) {
            bytes[] memory proof = new bytes[](1);
            proof[0] = ends[i];
            TRIES.absent(KEY, proof, keccak256(proof[0]));
        }
    }

    function test_check_goesOnThroughBranchesAndExtensions() public view {
        bytes[] memory proof = new bytes[](3);
        proof[2] = branch("", 4); // the key's fourth nibble
        proof[1] = short(hex"0023", abi.encodePacked(keccak256(proof[2]))); // its second and third
        proof[0] = branch(abi.encodePacked(keccak256(proof[1])), 1); // its first
        TRIES.absent(KEY, proof, keccak256(proof[0]));
    }

    function test_check_revertsForWhatIsNoNode() public {
        bytes[8] memory wrong = [
            list(3), // neither two items nor seventeen
            short(hex"001234", "a small node"), // an extension to what is no hash
            short("", "value"), // no flags
            short(hex"401234", "value"), // unknown flags
            short(hex"201234", "value"), // a leaf before the end of its key
            short(bytes.concat(hex"20", KEY, hex"00"), "value"), // a leaf beyond it
            short(bytes.concat(hex"00", KEY, hex"00"), abi.encodePacked(OTHER)), // an extension beyond it
            branch("not a hash", 1)
        ];
        uint256[8] memory named = [uint256(0), 0, 0, 3, 0, 0, 0, 0];
        for (uint256 i = 0; i < wrong.length; ++i) {
            bytes[] memory proof = new bytes[](1);
            proof[0] = wrong[i];
            expect(proof, abi.encodeWithSelector(TrieAbsence.NodeMalformed.selector, named[i]));
        }
    }

    function test_check_revertsForABranchBelowTheKey() public {
        bytes[] memory proof = new bytes[](2);
        proof[1] = branch("", 0);
        proof[0] = short(bytes.concat(hex"00", KEY), abi.encodePacked(keccak256(proof[1])));
        expect(proof, abi.encodeWithSelector(TrieAbsence.NodeMalformed.selector, 1));
    }

    function expect(bytes[] memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        TRIES.absent(KEY, proof, keccak256(proof[0]));
    }

    /// A branch with one child.
    function branch(bytes memory child, uint256 nibble) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](17);
        for (uint256 i = 0; i < 17; ++i) {
            items[i] = RLPWriter.writeBytes(i == nibble ? child : bytes(""));
        }
        return RLPWriter.writeList(items);
    }

    function short(bytes memory path, bytes memory item) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](2);
        (items[0], items[1]) = (RLPWriter.writeBytes(path), RLPWriter.writeBytes(item));
        return RLPWriter.writeList(items);
    }

    function list(uint256 size) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](size);
        for (uint256 i = 0; i < size; ++i) {
            items[i] = hex"80";
        }
        return RLPWriter.writeList(items);
    }
}
