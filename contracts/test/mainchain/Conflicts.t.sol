// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../../src/interfaces/ICheckpoint.sol";
import { Checkpoint, Rejection } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// A second fingerprint for a taken index: recorded, never taken.
contract ConflictsTest is CheckpointBase {
    Checkpoint private taken;

    function setUp() public override {
        super.setUp();
        taken = acceptNext();
        acceptNext();
    }

    function test_makeCheckpoint_recordsAConflictAndReturnsFalse() public {
        Checkpoint memory other = rival(taken, 1);
        bytes32 print = anchor.fingerprint(other);
        bytes memory signatures = sign(print, 2, 0);
        bytes32 accepted = anchor.fingerprintOf(1);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.FingerprintRejected(1, print, 2);
        require(!anchor.makeCheckpoint(other, keysOf(0), 2, signatures), "not accepted");
        assertRejection(print, 2, 2);
        assertEq(anchor.fingerprintOf(1), accepted, "the accepted one stays");
        assertEq(anchor.headIndex(), 2, "head");
    }

    /// A quorum signed twice: the worst case, and still the first one stays.
    function test_makeCheckpoint_recordsAConflictOfAQuorum() public {
        Checkpoint memory other = rival(taken, 1);
        require(!submit(other, 15), "not accepted");
        assertRejection(anchor.fingerprint(other), 15, 15);
    }

    function test_makeCheckpoint_recordsTheValidSignersOnly() public {
        Checkpoint memory other = rival(taken, 1);
        bytes32 print = anchor.fingerprint(other);
        bytes memory signatures = bytes.concat(signature(0xBAD, print), sign(print, 8, 0));
        vm.expectEmit(address(anchor));
        emit ICheckpoint.FingerprintRejected(1, print, 8);
        require(!anchor.makeCheckpoint(other, keysOf(0), 9, signatures), "not accepted");
        assertRejection(print, 8, 8);
    }

    /// Nothing else of a conflict needs to make sense: a signature is a signature.
    function test_makeCheckpoint_recordsConflictsThatCouldNotHaveBeenAccepted() public {
        Checkpoint memory other = rival(taken, 1);
        (other.epoch, other.setId, other.height, other.parent, other.nextSetHash) = (9, 77, 0, 0, 0);
        bytes32 print = anchor.fingerprint(other);
        require(!anchor.makeCheckpoint(other, keysOf(0), 1, sign(print, 1, 0)), "not accepted");
        assertRejection(print, 1, 1);
    }

    function test_makeCheckpoint_revertsForAConflictThatNobodySigned() public {
        Checkpoint memory other = rival(taken, 1);
        bytes32 print = anchor.fingerprint(other);
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.RejectionUnsigned.selector, 1, print, anchor.fingerprintOf(1));
        refuse(other, keysOf(0), 1, signature(0xBAD, print), reason);
        refuse(other, keysOf(0), 0, "", reason);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret(0, 0), print);
        bytes memory twin = bytes.concat(r, bytes32(CURVE_ORDER - uint256(s)), bytes1(v ^ 7));
        refuse(other, keysOf(0), 1, twin, reason);
        assertRejection(0, 0, 0);
    }

    function test_makeCheckpoint_revertsForAConflictOfAnotherSet() public {
        Checkpoint memory other = rival(taken, 1);
        bytes memory signatures = sign(anchor.fingerprint(other), 7, 5);
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(0, keysOf(5)), hashOf(0));
        refuse(other, keysOf(5), 7, signatures, reason);
    }

    function test_makeCheckpoint_revertsForAConflictOfTheWrongShape() public {
        Checkpoint memory other = rival(taken, 1);
        bytes memory one = sign(anchor.fingerprint(other), 1, 0);
        refuse(other, keysOf(0), 17, one, abi.encodeWithSelector(ICheckpoint.BitmapBeyondSet.selector, 17, SIZE));
        refuse(other, keysOf(0), 3, one, abi.encodeWithSelector(ICheckpoint.SignaturesLength.selector, 65, 130));
    }

    /// The set that was to sign the index counts, not the one of today.
    function test_makeCheckpoint_holdsAConflictAgainstTheSetOfItsIndex() public {
        Checkpoint memory c = next();
        c.nextSetHash = hashOf(1);
        accept(c);
        c = next();
        (c.setId, c.nextSetHash) = (1, hashOf(1));
        accept(c);
        Checkpoint memory other = rival(taken, 1);
        require(!submit(other, 4), "set 0 for index 1");
        Checkpoint memory later = rival(c, 2);
        bytes32 print = anchor.fingerprint(later);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.FingerprintRejected(4, print, 6);
        require(!submit(later, 6), "set 1 for index 4");
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(1, keysOf(0)), hashOf(1));
        refuse(later, keysOf(0), 1, sign(print, 1, 0), reason);
    }

    function test_makeCheckpoint_recordsAGrowingBitmap() public {
        Checkpoint memory other = rival(taken, 1);
        bytes32 print = anchor.fingerprint(other);
        uint256[3] memory bitmaps = [uint256(1), 3, 11];
        for (uint256 i = 0; i < bitmaps.length; ++i) {
            bytes memory signatures = sign(print, bitmaps[i], 0);
            vm.expectEmit(address(anchor));
            emit ICheckpoint.FingerprintRejected(1, print, bitmaps[i]);
            require(!anchor.makeCheckpoint(other, keysOf(0), bitmaps[i], signatures), "not accepted");
            assertRejection(print, bitmaps[i], bitmaps[i]);
        }
    }

    function test_makeCheckpoint_recordsNothingTwice() public {
        require(!submit(rival(taken, 1), 3), "news");
        vm.recordLogs();
        require(!submit(rival(taken, 1), 3), "the same again");
        require(!submit(rival(taken, 1), 1), "less of it");
        require(!submit(rival(taken, 2), 2), "another one, of somebody known");
        require(!submit(rival(taken, 3), 3), "another one, of the same two");
        assertEq(vm.getRecordedLogs().length, 0, "events");
        assertRejection(anchor.fingerprint(rival(taken, 1)), 3, 3);
    }

    function test_makeCheckpoint_recordsWhoeverIsNew() public {
        require(!submit(rival(taken, 1), 3), "two");
        bytes32 print = anchor.fingerprint(rival(taken, 2));
        bytes memory signatures = sign(print, 8, 0);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.FingerprintRejected(1, print, 8);
        require(!anchor.makeCheckpoint(rival(taken, 2), keysOf(0), 8, signatures), "a third");
        assertRejection(anchor.fingerprint(rival(taken, 1)), 3, 11);
    }

    /// Whoever records four small conflicts first cannot hide that a quorum signed a fifth.
    function test_makeCheckpoint_isNotBlindedByManySmallConflicts() public {
        for (uint256 i = 0; i < SIZE; ++i) {
            require(!submit(rival(taken, i), 1 << i), "small");
        }
        bytes32 print = anchor.fingerprint(rival(taken, 9));
        bytes memory signatures = sign(print, 7, 0);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.FingerprintRejected(1, print, 7);
        require(!anchor.makeCheckpoint(rival(taken, 9), keysOf(0), 7, signatures), "large");
        assertRejection(print, 7, 15);
    }

    /// Twice as many records as keys at most, whatever order they come in.
    function testFuzz_makeCheckpoint_boundsWhatItRecords(uint8[24] memory bitmaps) public {
        vm.recordLogs();
        uint256 union = 0;
        uint256 most = 0;
        for (uint256 i = 0; i < bitmaps.length; ++i) {
            uint256 bitmap = bitmaps[i] & 15;
            if (bitmap == 0) continue;
            require(!submit(rival(taken, i), bitmap), "not accepted");
            union |= bitmap;
            if (ones(bitmap) > most) most = ones(bitmap);
        }
        require(vm.getRecordedLogs().length <= 2 * SIZE, "records");
        Rejection memory known = anchor.rejectionOf(1);
        assertEq(known.signers, union, "nobody is forgotten");
        assertEq(ones(known.bitmap), most, "the largest is kept");
    }

    function test_makeCheckpoint_goesOnAfterAConflict() public {
        require(!submit(rival(taken, 1), 15), "not accepted");
        require(submit(taken, 0), "still a duplicate");
        acceptNext();
    }

    function ones(uint256 bitmap) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < SIZE; ++i) {
            sum += bitmap >> i & 1;
        }
    }

    function assertRejection(bytes32 print, uint256 bitmap, uint256 signers) private view {
        Rejection memory known = anchor.rejectionOf(1);
        assertEq(known.fingerprint, print, "fingerprint");
        assertEq(known.bitmap, bitmap, "bitmap");
        assertEq(known.signers, signers, "signers");
    }
}
