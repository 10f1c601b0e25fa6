// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../../src/interfaces/ICheckpoint.sol";
import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// Whose signatures count, and how many it takes.
contract QuorumTest is CheckpointBase {
    function test_quorum_isMoreThanTwoThirds() public view {
        uint16[8] memory sizes = [uint16(1), 2, 3, 4, 6, 7, 21, 256];
        uint8[8] memory quorums = [1, 2, 3, 3, 5, 5, 15, 171];
        for (uint256 i = 0; i < sizes.length; ++i) {
            assertEq(anchor.quorum(sizes[i]), quorums[i], "quorum");
        }
    }

    function testFuzz_quorum_leavesOneHonestInEveryTwo(uint8 size) public view {
        uint256 n = uint256(size) + 1;
        uint256 q = anchor.quorum(n);
        require(3 * q > 2 * n && 3 * (q - 1) <= 2 * n, "the least that is more than two thirds");
    }

    function testFuzz_makeCheckpoint_takesAnyQuorumAndNothingLess(uint256 bitmap) public {
        bitmap &= 15;
        uint256 signers = 0;
        for (uint256 i = 0; i < SIZE; ++i) {
            signers += bitmap >> i & 1;
        }
        if (signers >= QUORUM) require(submit(next(), bitmap), "accepted");
        else refuse(next(), bitmap, abi.encodeWithSelector(ICheckpoint.QuorumMissing.selector, signers, QUORUM));
    }

    function test_makeCheckpoint_revertsWithoutAnySignature() public {
        refuse(next(), keysOf(0), 0, "", abi.encodeWithSelector(ICheckpoint.QuorumMissing.selector, 0, QUORUM));
    }

    function test_makeCheckpoint_namesWhoDidNotSign() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        bytes memory signatures =
            bytes.concat(sign(print, 3, 0), signature(0xBAD, print), signature(secret(0, 3), print));
        refuse(c, keysOf(0), 15, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 15, 11));
    }

    function test_makeCheckpoint_revertsWhenSignaturesAreInAnotherOrder() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        bytes memory signatures = bytes.concat(sign(print, 4, 0), sign(print, 2, 0), sign(print, 1, 0));
        refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 2));
    }

    function test_makeCheckpoint_countsNobodyTwice() public {
        Checkpoint memory c = next();
        bytes memory one = sign(anchor.fingerprint(c), 1, 0);
        bytes memory thrice = bytes.concat(one, one, one);
        refuse(c, keysOf(0), 7, thrice, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 1));
    }

    /// The twin (r, n - s, v') of a signature is as good for ecrecover; here it is none.
    function test_makeCheckpoint_revertsWithAMalleatedSignature() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret(0, 2), print);
        bytes32 twin = bytes32(CURVE_ORDER - uint256(s));
        assertEq(ecrecover(print, v ^ 7, r, twin), keysOf(0)[2], "the twin's signer");
        bytes memory signatures = bytes.concat(sign(print, 3, 0), r, twin, bytes1(v ^ 7));
        refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 3));
    }

    function test_makeCheckpoint_takesNoOtherRecoveryIdThan27And28() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret(0, 2), print);
        uint8[4] memory wrong = [v - 27, v ^ 7, v + 27, 0xff];
        for (uint256 i = 0; i < wrong.length; ++i) {
            bytes memory signatures = bytes.concat(sign(print, 3, 0), r, s, bytes1(wrong[i]));
            refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 3));
        }
    }

    function test_makeCheckpoint_revertsWithEmptySignatures() public {
        Checkpoint memory c = next();
        bytes memory signatures = new bytes(3 * 65);
        refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 0));
    }

    function test_makeCheckpoint_revertsForBitsBeyondTheSet() public {
        Checkpoint memory c = next();
        uint256[3] memory wrong = [uint256(23), 7 | 1 << 255, type(uint256).max];
        for (uint256 i = 0; i < wrong.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(ICheckpoint.BitmapBeyondSet.selector, wrong[i], SIZE);
            refuse(c, wrong[i], reason);
        }
    }

    function test_makeCheckpoint_revertsWhenSignaturesDoNotFitTheBitmap() public {
        Checkpoint memory c = next();
        bytes memory three = sign(anchor.fingerprint(c), 7, 0);
        bytes memory long = bytes.concat(three, hex"00");
        bytes memory short = sign(anchor.fingerprint(c), 3, 0);
        refuse(c, keysOf(0), 7, long, abi.encodeWithSelector(ICheckpoint.SignaturesLength.selector, 196, 195));
        refuse(c, keysOf(0), 7, short, abi.encodeWithSelector(ICheckpoint.SignaturesLength.selector, 130, 195));
        refuse(c, keysOf(0), 15, three, abi.encodeWithSelector(ICheckpoint.SignaturesLength.selector, 195, 260));
    }

    function test_makeCheckpoint_isBoundToTheChain() public {
        Checkpoint memory c = next();
        bytes memory signatures = sign(anchor.fingerprint(c), 7, 0);
        vm.chainId(61);
        refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 0));
        vm.chainId(CHAIN);
        require(anchor.makeCheckpoint(c, keysOf(0), 7, signatures), "on its own chain");
    }

    function test_makeCheckpoint_isBoundToTheContract() public {
        Checkpoint memory c = next();
        bytes memory signatures = sign(anchor.fingerprint(c), 7, 0);
        anchor = new Anchor(GENESIS, 0, keysOf(0));
        refuse(c, keysOf(0), 7, signatures, abi.encodeWithSelector(ICheckpoint.SignaturesInvalid.selector, 7, 0));
    }

    /// A bit for everybody in the largest set, and no wrap around of the shift.
    function test_makeCheckpoint_takesSetsOf256() public {
        address[] memory keys = keysOf(1, 256);
        Checkpoint memory c = next();
        c.nextSetHash = anchor.setHash(1, keys);
        accept(c);
        c = next();
        (c.setId, c.nextSetHash) = (1, anchor.setHash(1, keys));
        uint256 bitmap = type(uint256).max << 85;
        bytes32 print = anchor.fingerprint(c);
        require(anchor.makeCheckpoint(c, keys, bitmap, sign(print, bitmap, 1)), "171 of 256");
        c = next();
        (c.setId, bitmap) = (1, bitmap << 1);
        print = anchor.fingerprint(c);
        bytes memory reason = abi.encodeWithSelector(ICheckpoint.QuorumMissing.selector, 170, 171);
        refuse(c, keys, bitmap, sign(print, bitmap, 1), reason);
    }
}
