// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICodeVerifier } from "../../src/interfaces/ICodeVerifier.sol";
import { CodeVerifier } from "../../src/mainchain/CodeVerifier.sol";
import { History } from "../../src/mainchain/History.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";
import { HistoryTree } from "./HistoryTree.sol";

/// Blocks of a checkpoint's span, proven.
contract HistoryTest is CheckpointBase {
    CodeVerifier private verifier;
    Checkpoint private nobody; // stands for the parent that the first checkpoint does not have

    function setUp() public override {
        super.setUp();
        verifier = new CodeVerifier(anchor);
    }

    /// Every block of every span of up to 20 blocks.
    function test_verifyBlock_provesEveryBlockOfASpan() public {
        uint64 below = 0;
        Checkpoint memory parent = nobody;
        for (uint64 size = 1; size <= 20; ++size) {
            Checkpoint memory c = spanning(below, size);
            for (uint64 i = 0; i < size; ++i) {
                bytes32[] memory path = HistoryTree.path(hashes(below, size), i);
                verifier.verifyBlock(parent, c, below + i + 1, hashes(below, size)[i], path);
            }
            (parent, below) = (c, c.height);
        }
    }

    function testFuzz_verifyBlock_refusesEveryOtherPlace(uint8 size, uint8 at, uint8 claimed) public {
        uint64 n = uint64(size) % 60 + 2;
        (uint64 i, uint64 j) = (at % n, claimed % n);
        vm.assume(i != j);
        Checkpoint memory c = spanning(0, n);
        bytes32[] memory path = HistoryTree.path(hashes(0, n), i);
        vm.expectRevert();
        verifier.verifyBlock(nobody, c, j + 1, hashes(0, n)[i], path);
    }

    function test_verifyBlock_revertsForAnotherHash() public {
        Checkpoint memory c = spanning(0, 7);
        bytes32[] memory path = HistoryTree.path(hashes(0, 7), 2);
        bytes32 root = HistoryTree.node(path[1], HistoryTree.node(HistoryTree.leaf("other"), path[0]));
        root = HistoryTree.node(root, path[2]);
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.HistoryRootMismatch.selector, root, c.historyRoot));
        verifier.verifyBlock(nobody, c, 3, "other", path);
    }

    function test_verifyBlock_revertsForPathsOfAnotherLength() public {
        Checkpoint memory c = spanning(0, 7);
        bytes32[] memory path = HistoryTree.path(hashes(0, 7), 2);
        bytes32[] memory short = new bytes32[](2);
        bytes32[] memory long = new bytes32[](4);
        (short[0], short[1]) = (path[0], path[1]);
        (long[0], long[1], long[2]) = (path[0], path[1], path[2]);
        vm.expectRevert(abi.encodeWithSelector(History.PathLength.selector, 2, 2, 7));
        verifier.verifyBlock(nobody, c, 3, hashes(0, 7)[2], short);
        vm.expectRevert(abi.encodeWithSelector(History.PathLength.selector, 4, 2, 7));
        verifier.verifyBlock(nobody, c, 3, hashes(0, 7)[2], long);
        vm.expectRevert(abi.encodeWithSelector(History.PathLength.selector, 0, 6, 7));
        verifier.verifyBlock(nobody, c, 7, hashes(0, 7)[6], new bytes32[](0));
    }

    function test_verifyBlock_revertsOutsideTheSpan() public {
        Checkpoint memory parent = spanning(0, 5);
        Checkpoint memory c = spanning(5, 4);
        uint64[3] memory wrong = [0, 5, uint64(10)];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.HeightNotInSpan.selector, wrong[i], 6, 9));
            verifier.verifyBlock(parent, c, wrong[i], bytes32(0), new bytes32[](0));
        }
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.HeightNotInSpan.selector, 0, 1, 5));
        verifier.verifyBlock(nobody, parent, 0, bytes32(0), new bytes32[](0));
    }

    function test_verifyBlock_revertsForAnotherParent() public {
        spanning(0, 5);
        Checkpoint memory c = spanning(5, 4);
        bytes32 print = anchor.fingerprint(c);
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.ParentMismatch.selector, print, c.parent));
        verifier.verifyBlock(c, c, 6, bytes32(0), new bytes32[](0));
    }

    function test_verifyBlock_revertsForACheckpointThatWasNotAccepted() public {
        Checkpoint memory c = rival(spanning(0, 5), 1);
        bytes32 print = anchor.fingerprint(c);
        vm.expectRevert(
            abi.encodeWithSelector(ICodeVerifier.CheckpointNotAccepted.selector, 1, print, anchor.fingerprintOf(1))
        );
        verifier.verifyBlock(nobody, c, 1, bytes32(0), new bytes32[](0));
    }

    /// An accepted checkpoint over `size` blocks above `below`.
    function spanning(uint64 below, uint64 size) private returns (Checkpoint memory c) {
        c = next();
        (c.height, c.historyRoot) = (below + size, HistoryTree.root(hashes(below, size)));
        accept(c);
    }

    function hashes(uint64 below, uint64 size) private pure returns (bytes32[] memory all) {
        all = new bytes32[](size);
        for (uint64 i = 0; i < size; ++i) {
            all[i] = keccak256(abi.encode("block", below + i + 1));
        }
    }
}
