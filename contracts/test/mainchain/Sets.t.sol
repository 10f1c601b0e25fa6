// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../../src/interfaces/ICheckpoint.sol";
import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// Which set signs when, and how one hands over to the next.
contract SetsTest is CheckpointBase {
    function test_constructor_revertsWithoutKeys() public {
        vm.expectRevert(abi.encodeWithSelector(ICheckpoint.SetEmpty.selector));
        new Anchor(GENESIS, 0, new address[](0));
    }

    function test_constructor_revertsWithMoreKeysThanBits() public {
        vm.expectRevert(abi.encodeWithSelector(ICheckpoint.SetTooLarge.selector, 257, 256));
        new Anchor(GENESIS, 0, keysOf(0, 257));
    }

    function test_constructor_revertsWithAnEmptyKey() public {
        address[] memory keys = keysOf(0);
        keys[2] = address(0);
        vm.expectRevert(abi.encodeWithSelector(ICheckpoint.KeyIsZero.selector, 2));
        new Anchor(GENESIS, 0, keys);
    }

    function test_constructor_revertsWithAKeyTwice() public {
        address[] memory keys = keysOf(0);
        keys[3] = keys[1];
        vm.expectRevert(abi.encodeWithSelector(ICheckpoint.KeyTwice.selector, keys[1], 1, 3));
        new Anchor(GENESIS, 0, keys);
    }

    function test_setHash_isBuiltAsDocumented() public view {
        assertEq(anchor.setHash(7, keysOf(3)), keccak256(abi.encode(uint64(7), keysOf(3))), "set hash");
    }

    function testFuzz_setHash_isBuiltAsDocumented(uint64 setId, address[] calldata keys) public view {
        assertEq(anchor.setHash(setId, keys), keccak256(abi.encode(setId, keys)), "set hash");
    }

    function test_makeCheckpoint_revertsForAnotherSet() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        address[] memory keys = keysOf(5);
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(0, keys), hashOf(0));
        refuse(c, keys, 7, sign(print, 7, 5), reason);
    }

    function test_makeCheckpoint_revertsForAnotherSetId() public {
        Checkpoint memory c = next();
        c.setId = 1;
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(1, keysOf(0)), hashOf(0));
        refuse(c, keysOf(0), 7, sign(anchor.fingerprint(c), 7, 0), reason);
    }

    function test_makeCheckpoint_revertsForAnotherOrderOrSubset() public {
        Checkpoint memory c = next();
        bytes memory signatures = sign(anchor.fingerprint(c), 7, 0);
        address[] memory keys = keysOf(0);
        (keys[2], keys[3]) = (keys[3], keys[2]);
        bytes memory reason =
            abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(0, keys), hashOf(0));
        refuse(c, keys, 7, signatures, reason);
        keys = keysOf(0, 3);
        reason = abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, anchor.setHash(0, keys), hashOf(0));
        refuse(c, keys, 7, signatures, reason);
    }

    /// Dirty bits above an address must not make another set of the same keys.
    function test_makeCheckpoint_revertsForKeysWithMoreThan20Bytes() public {
        Checkpoint memory c = next();
        bytes memory signatures = sign(anchor.fingerprint(c), 7, 0);
        bytes memory data = abi.encodeCall(anchor.makeCheckpoint, (c, keysOf(0), 7, signatures));
        data[4 + 32 * (9 + 3 + 1)] = 0x01;
        (bool ok,) = address(anchor).call(data);
        require(!ok && anchor.headIndex() == 0, "refused");
    }

    function test_makeCheckpoint_revertsForFieldsOfMoreThan64Bits() public {
        Checkpoint memory c = next();
        bytes memory signatures = sign(anchor.fingerprint(c), 7, 0);
        for (uint256 field = 0; field < 4; ++field) {
            bytes memory data = abi.encodeCall(anchor.makeCheckpoint, (c, keysOf(0), 7, signatures));
            data[4 + 32 * field] = 0x01;
            (bool ok,) = address(anchor).call(data);
            require(!ok && anchor.headIndex() == 0, "refused");
        }
    }

    function test_makeCheckpoint_handsOver() public {
        Checkpoint memory c = next();
        c.nextSetHash = hashOf(1);
        accept(c);
        assertEq(anchor.setHashOf(1), hashOf(0), "1 was signed by set 0");
        assertEq(anchor.setHashOf(2), hashOf(1), "2 is for set 1");
        bytes memory reason = abi.encodeWithSelector(ICheckpoint.SetUnknown.selector, hashOf(0), hashOf(1));
        refuse(next(), reason);
        c = next();
        (c.setId, c.nextSetHash) = (1, hashOf(1));
        bytes32 print = anchor.fingerprint(c);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.CheckpointMade(2, print, c, hashOf(1), 14);
        require(submit(c, 14), "signed by set 1");
    }

    /// Signatures that a set gathered before a change are good as long as the sequence has not passed them.
    function test_makeCheckpoint_handsOverAtEveryStep() public {
        for (uint64 setId = 0; setId < 6; ++setId) {
            Checkpoint memory c = next();
            (c.setId, c.nextSetHash) = (setId, hashOf(setId + 1));
            accept(c);
        }
        for (uint64 index = 1; index <= 7; ++index) {
            assertEq(anchor.setHashOf(index), hashOf(index - 1), "who signed");
        }
    }

    function test_setHashOf_findsTheTurnOfEveryIndex() public {
        // Set 0 signs 1 to 3, set 1 signs 4, set 2 signs 5 and 6, and again set 0 (as set 3) signs 7.
        uint64[7] memory signers = [0, 0, 0, 1, 2, 2, uint64(3)];
        for (uint256 i = 0; i < 6; ++i) {
            Checkpoint memory c = next();
            (c.setId, c.nextSetHash) = (signers[i], hashOf(signers[i + 1]));
            accept(c);
        }
        for (uint64 i = 0; i < 7; ++i) {
            assertEq(anchor.setHashOf(i + 1), hashOf(signers[i]), "who signed");
        }
    }

    function test_setHashOf_revertsForWhatHasNoSet() public {
        acceptNext();
        uint64[3] memory wrong = [0, 3, type(uint64).max];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICheckpoint.IndexOutOfOrder.selector, wrong[i], 2));
            anchor.setHashOf(wrong[i]);
        }
    }

    function test_makeCheckpoint_revertsWhenItNamesNobodyAfterIt() public {
        Checkpoint memory c = next();
        c.nextSetHash = 0;
        refuse(c, abi.encodeWithSelector(ICheckpoint.NextSetMissing.selector, 1));
    }

    /// A key that is in a set twice would have two votes. The set's first checkpoint shows it.
    function test_makeCheckpoint_revertsForASetWithAKeyTwice() public {
        address[] memory keys = keysOf(1);
        keys[3] = keys[0];
        Checkpoint memory c = handOverTo(1, keys);
        bytes memory one = sign(anchor.fingerprint(c), 1, 1);
        bytes memory signatures = bytes.concat(one, sign(anchor.fingerprint(c), 2, 1), one);
        refuse(c, keys, 11, signatures, abi.encodeWithSelector(ICheckpoint.KeyTwice.selector, keys[0], 0, 3));
    }

    /// ecrecover answers 0 for garbage: an empty key must not make it a signature.
    function test_makeCheckpoint_revertsForASetWithAnEmptyKey() public {
        address[] memory keys = keysOf(1);
        keys[1] = address(0);
        Checkpoint memory c = handOverTo(1, keys);
        bytes32 print = anchor.fingerprint(c);
        bytes memory signatures = bytes.concat(sign(print, 1, 1), new bytes(65), sign(print, 4, 1));
        refuse(c, keys, 7, signatures, abi.encodeWithSelector(ICheckpoint.KeyIsZero.selector, 1));
    }

    function test_makeCheckpoint_revertsForASetWithoutKeys() public {
        address[] memory keys = new address[](0);
        Checkpoint memory c = handOverTo(1, keys);
        refuse(c, keys, 0, "", abi.encodeWithSelector(ICheckpoint.QuorumMissing.selector, 0, 1));
    }

    function test_makeCheckpoint_revertsForASetWithMoreKeysThanBits() public {
        address[] memory keys = keysOf(1, 257);
        Checkpoint memory c = handOverTo(1, keys);
        bytes memory reason = abi.encodeWithSelector(ICheckpoint.SetTooLarge.selector, 257, 256);
        refuse(c, keys, 0, "", reason);
    }

    /// Accepts a checkpoint that names these keys, and makes the one after it.
    function handOverTo(uint64 setId, address[] memory keys) private returns (Checkpoint memory c) {
        c = next();
        c.nextSetHash = anchor.setHash(setId, keys);
        accept(c);
        c = next();
        c.setId = setId;
    }
}
