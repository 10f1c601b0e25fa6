// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../../src/interfaces/ICheckpoint.sol";
import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint, LastCheckpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// What may follow what.
contract SequenceTest is CheckpointBase {
    function test_constructor_startsAtTheGenesis() public view {
        LastCheckpoint memory last = anchor.getLastCheckpoint();
        assertEq(last.index, 0, "index");
        assertEq(last.height, 0, "height");
        assertEq(last.fingerprint, GENESIS, "fingerprint");
        assertEq(last.nextSetHash, hashOf(0), "set");
        assertEq(anchor.fingerprintOf(0), GENESIS, "index 0");
        assertEq(anchor.fingerprintOf(1), 0, "index 1");
        assertEq(anchor.setHashOf(1), hashOf(0), "who signs 1");
    }

    function test_constructor_revertsWithoutAGenesis() public {
        vm.expectRevert(abi.encodeWithSelector(ICheckpoint.GenesisMissing.selector));
        new Anchor(0, 0, keysOf(0));
    }

    function test_makeCheckpoint_takesTheNextOne() public {
        Checkpoint memory c = next();
        bytes32 print = anchor.fingerprint(c);
        bytes memory signatures = sign(print, 7, 0);
        vm.expectEmit(address(anchor));
        emit ICheckpoint.CheckpointMade(1, print, c, hashOf(0), 7);
        require(anchor.makeCheckpoint(c, keysOf(0), 7, signatures), "accepted");

        LastCheckpoint memory last = anchor.getLastCheckpoint();
        assertEq(last.index, 1, "index");
        assertEq(last.epoch, 0, "epoch");
        assertEq(last.height, c.height, "height");
        assertEq(last.fingerprint, print, "fingerprint");
        assertEq(last.nextSetHash, c.nextSetHash, "next set");
        assertEq(anchor.headIndex(), 1, "headIndex");
        assertEq(anchor.getHeight(), c.height, "getHeight");
        assertEq(anchor.fingerprintOf(1), print, "fingerprintOf");
        assertEq(anchor.fingerprintOf(2), 0, "fingerprintOf the next");
    }

    function test_makeCheckpoint_goesOn() public {
        for (uint64 index = 1; index <= 5; ++index) {
            Checkpoint memory c = acceptNext();
            assertEq(c.index, index, "index");
            assertEq(anchor.headIndex(), index, "head");
        }
    }

    /// Anyone may submit, and several may: whoever comes second loses nothing but gas.
    function test_makeCheckpoint_isTrueForADuplicateBeforeAnySignature() public {
        Checkpoint memory first = acceptNext();
        acceptNext();
        vm.recordLogs();
        vm.prank(address(0xBEEF));
        require(anchor.makeCheckpoint(first, new address[](0), 0, ""), "without signatures");
        require(anchor.makeCheckpoint(first, keysOf(9), type(uint256).max, hex"00"), "with wrong ones");
        assertEq(vm.getRecordedLogs().length, 0, "events");
        assertEq(anchor.headIndex(), 2, "head");
    }

    function test_makeCheckpoint_revertsWhenTheIndexIsNotTheNext() public {
        acceptNext();
        uint64[4] memory wrong = [0, 3, 4, type(uint64).max];
        for (uint256 i = 0; i < wrong.length; ++i) {
            Checkpoint memory c = next();
            c.index = wrong[i];
            refuse(c, abi.encodeWithSelector(ICheckpoint.IndexOutOfOrder.selector, wrong[i], 2));
        }
    }

    function test_makeCheckpoint_revertsWithAnotherParent() public {
        Checkpoint memory first = acceptNext();
        Checkpoint memory c = next();
        (bytes32 expected, bytes32[3] memory wrong) = (c.parent, [GENESIS, bytes32(0), first.blockHash]);
        for (uint256 i = 0; i < wrong.length; ++i) {
            c.parent = wrong[i];
            refuse(c, abi.encodeWithSelector(ICheckpoint.ParentUnknown.selector, wrong[i], expected));
        }
    }

    function test_makeCheckpoint_revertsWhenTheHeightDoesNotRise() public {
        Checkpoint memory first = acceptNext();
        Checkpoint memory c = next();
        for (uint64 height = first.height - 1; height <= first.height; ++height) {
            c.height = height;
            refuse(c, abi.encodeWithSelector(ICheckpoint.HeightNotAbove.selector, height, first.height));
        }
        c.height = first.height + 1;
        accept(c);
    }

    function test_makeCheckpoint_revertsAtHeightZero() public {
        Checkpoint memory c = next();
        c.height = 0;
        refuse(c, abi.encodeWithSelector(ICheckpoint.HeightNotAbove.selector, 0, 0));
    }

    function test_makeCheckpoint_recordsARecovery() public {
        acceptNext();
        Checkpoint memory c = next();
        c.epoch = 1;
        vm.expectEmit(address(anchor));
        emit ICheckpoint.Recovered(2, 1);
        accept(c);
        assertEq(anchor.getLastCheckpoint().epoch, 1, "epoch");
        assertEq(acceptNext().epoch, 1, "the next one stays in the epoch");
    }

    function test_makeCheckpoint_saysNothingOfARecoveryWithoutOne() public {
        Checkpoint memory c = next();
        vm.recordLogs();
        accept(c);
        assertEq(vm.getRecordedLogs().length, 1, "events");
    }

    function test_makeCheckpoint_revertsWhenTheEpochJumpsOrFalls() public {
        Checkpoint memory c = next();
        c.epoch = 1;
        accept(c);
        uint64[3] memory wrong = [0, 3, type(uint64).max];
        for (uint256 i = 0; i < wrong.length; ++i) {
            c = next();
            c.epoch = wrong[i];
            refuse(c, abi.encodeWithSelector(ICheckpoint.EpochOutOfOrder.selector, wrong[i], 1));
        }
    }

    /// History is not rewritten: the attacked blocks stay in the chain.
    function test_makeCheckpoint_letsNoRecoveryGoBackInHeight() public {
        Checkpoint memory first = acceptNext();
        Checkpoint memory c = next();
        c.epoch = 1;
        c.height = first.height;
        refuse(c, abi.encodeWithSelector(ICheckpoint.HeightNotAbove.selector, first.height, first.height));
    }

    function test_makeCheckpoint_takesNoRecoveryWithoutTheQuorum() public {
        Checkpoint memory c = next();
        c.epoch = 1;
        refuse(c, 3, abi.encodeWithSelector(ICheckpoint.QuorumMissing.selector, 2, QUORUM));
    }

    /// EIP-712 by hand: nothing of it comes from the contract.
    function test_fingerprint_isBuiltAsEip712Says() public view {
        Checkpoint memory c = next();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Cloud Ledger Checkpoint"),
                keccak256("1"),
                CHAIN,
                address(anchor)
            )
        );
        bytes32 typehash = keccak256(
            bytes.concat(
                "Checkpoint(uint64 index,uint64 epoch,uint64 setId,uint64 height,bytes32 blockHash,",
                "bytes32 stateRoot,bytes32 historyRoot,bytes32 parent,bytes32 nextSetHash)"
            )
        );
        bytes memory fields = bytes.concat(
            abi.encode(c.index, c.epoch, c.setId, c.height),
            abi.encode(c.blockHash, c.stateRoot, c.historyRoot, c.parent, c.nextSetHash)
        );
        bytes32 content = keccak256(bytes.concat(typehash, fields));
        assertEq(anchor.fingerprint(c), keccak256(bytes.concat(hex"1901", domain, content)), "fingerprint");
    }

    function testFuzz_fingerprint_dependsOnEveryField(uint256 field, bytes32 other) public view {
        bytes memory encoded = abi.encode(next());
        field %= 9;
        uint256 value = field < 4 ? uint256(other) >> 192 : uint256(other);
        uint256 offset = 32 * (field + 1);
        uint256 before;
        assembly ("memory-safe") {
            before := mload(add(encoded, offset))
            mstore(add(encoded, offset), value)
        }
        vm.assume(before != value);
        Checkpoint memory changed = abi.decode(encoded, (Checkpoint));
        require(anchor.fingerprint(changed) != anchor.fingerprint(next()), "same fingerprint");
    }
}
