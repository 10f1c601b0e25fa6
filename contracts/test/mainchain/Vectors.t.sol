// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { CodeVerifier } from "../../src/mainchain/CodeVerifier.sol";
import { Checkpoint, ProvenCode, ProvenStatus } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";
import { HistoryTree } from "./HistoryTree.sol";

/// What others hold against: hashes of the contract for the bindings in Rust (test/vectors/checkpoint.json, written by
/// `npm run vectors`), and proofs of a real node for the contract (proofs.json).
contract VectorsTest is CheckpointBase {
    string private constant CHECKPOINT = "test/vectors/checkpoint.json";
    string private constant PROOFS = "test/vectors/proofs.json";
    uint256 private constant MOST_BLOCKS = 7;

    function test_vectors_areWhatTheContractComputes() public {
        string memory computed = string.concat(
            "{\n  \"chainId\": ",
            vm.toString(CHAIN),
            ",\n  \"contract\": ",
            quoted(vm.toString(address(anchor))),
            checkpointFields(),
            setFields(),
            historyFields(),
            "\n}\n"
        );
        if (vm.envOr("VECTORS_WRITE", false)) vm.writeFile(CHECKPOINT, computed);
        require(keccak256(bytes(vm.readFile(CHECKPOINT))) == keccak256(bytes(computed)), "run npm run vectors");
    }

    /// Five codes of Transact at a block of ledger-node: live, cancelled, redeemed, live, never issued.
    function test_verifyCode_takesTheProofsOfARealNode() public {
        string memory json = vm.readFile(PROOFS);
        CodeVerifier verifier = new CodeVerifier(anchor);
        Checkpoint memory c = next();
        c.stateRoot = vm.parseJsonBytes32(json, ".stateRoot");
        accept(c);
        ProvenStatus[5] memory expected =
            [ProvenStatus.Live, ProvenStatus.Cancelled, ProvenStatus.Redeemed, ProvenStatus.Live, ProvenStatus.None];
        vm.warp(1_795_693_040); // when the node made the block
        for (uint256 i = 0; i < expected.length; ++i) {
            string memory code = string.concat(".code", vm.toString(i + 1));
            uint256 word = uint256(vm.parseJsonBytes32(json, string.concat(code, ".word")));
            ProvenCode memory proven = verifier.verifyCode(
                c,
                vm.parseJsonAddress(json, ".transact"),
                1 << 64 | (i + 1),
                vm.parseJsonBytesArray(json, ".accountProof"),
                vm.parseJsonBytesArray(json, string.concat(code, ".proof"))
            );
            assertEq(uint256(proven.status), uint256(expected[i]), "status");
            // forge-lint: disable-next-line(unsafe-typecast)
            assertEq(proven.holder, address(uint160(word)), "holder");
            assertEq(proven.expiresAt, word >> 160 & type(uint40).max, "expiry");
            assertEq(proven.memberId, word >> 208 & type(uint32).max, "member");
        }
    }

    function checkpointFields() private view returns (string memory) {
        Checkpoint memory c = next();
        (c.index, c.epoch, c.setId, c.height) = (type(uint64).max, 2, 3, 1 << 40);
        bytes32 print = anchor.fingerprint(c);
        string memory numbers = string.concat(
            ",\n  \"checkpoint\": {\n    \"index\": ",
            vm.toString(c.index),
            ",\n    \"epoch\": 2,\n    \"setId\": 3,\n    \"height\": ",
            vm.toString(c.height),
            field("blockHash", c.blockHash),
            field("stateRoot", c.stateRoot)
        );
        return string.concat(
            numbers,
            field("historyRoot", c.historyRoot),
            field("parent", c.parent),
            field("nextSetHash", c.nextSetHash),
            "\n  },\n  \"fingerprint\": ",
            quoted(vm.toString(print))
        );
    }

    function setFields() private view returns (string memory) {
        string memory keys = "";
        for (uint256 i = 0; i < SIZE; ++i) {
            keys = string.concat(keys, i == 0 ? "" : ", ", quoted(vm.toString(keysOf(9)[i])));
        }
        return string.concat(
            ",\n  \"setId\": 9,\n  \"keys\": [",
            keys,
            "],\n  \"setHash\": ",
            quoted(vm.toString(anchor.setHash(9, keysOf(9))))
        );
    }

    /// For 1 to 7 blocks, whose hashes are keccak256 of their places as words: the root, and each block's path.
    function historyFields() private pure returns (string memory fields) {
        fields = ",\n  \"histories\": [";
        for (uint256 size = 1; size <= MOST_BLOCKS; ++size) {
            bytes32[] memory hashes = new bytes32[](size);
            for (uint256 i = 0; i < size; ++i) {
                hashes[i] = keccak256(abi.encode(i));
            }
            fields = string.concat(
                fields,
                size == 1 ? "" : ",",
                "\n    {\n      \"root\": ",
                quoted(vm.toString(HistoryTree.root(hashes))),
                ",\n      \"paths\": ["
            );
            for (uint256 i = 0; i < size; ++i) {
                fields = string.concat(fields, i == 0 ? "" : ",", "\n        ", list(HistoryTree.path(hashes, i)));
            }
            fields = string.concat(fields, "\n      ]\n    }");
        }
        fields = string.concat(fields, "\n  ]");
    }

    function field(string memory name, bytes32 value) private pure returns (string memory) {
        return string.concat(",\n    ", quoted(name), ": ", quoted(vm.toString(value)));
    }

    function list(bytes32[] memory values) private pure returns (string memory joined) {
        joined = "[";
        for (uint256 i = 0; i < values.length; ++i) {
            joined = string.concat(joined, i == 0 ? "" : ", ", quoted(vm.toString(values[i])));
        }
        joined = string.concat(joined, "]");
    }

    function quoted(string memory value) private pure returns (string memory) {
        return string.concat("\"", value, "\"");
    }
}
