// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ITransact } from "../src/interfaces/ITransact.sol";
import { Code, CodeStatus, HolderUse, InstanceSpec, Pool } from "../src/types/TransactTypes.sol";
import { Base } from "./base/Base.sol";
import { Vm } from "./base/Vm.sol";

/// Request, transfer, cancellation and expiry.
contract CodesTest is Base {
    function setUp() public override {
        super.setUp();
        offer(OWNER_1, SMALL, 10);
        offer(OWNER_1, FLASH, 10);
    }

    function test_requestCode_issuesTheNextCodeToTheCaller() public {
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeIssued(codeId(SMALL, 1), USER, SMALL, uint64(START + SMALL_TTL));
        assertEq(request(USER, SMALL), codeId(SMALL, 1), "first id");
        assertEq(request(STRANGER, SMALL), codeId(SMALL, 2), "second id");
        Code memory code = TRANSACT.code(codeId(SMALL, 1));
        assertStatus(codeId(SMALL, 1), CodeStatus.Live);
        assertEq(code.holder, USER, "holder");
        assertEq(code.specId, SMALL, "spec");
        assertEq(code.expiresAt, START + SMALL_TTL, "expiry");
        assertEq(code.memberId, 0, "member");
        Pool memory pool = TRANSACT.pool(SMALL);
        assertEq(pool.live, 2, "live");
        assertEq(pool.issued, 2, "issued");
        assertEq(pool.available, 8, "available");
    }

    function test_requestCode_revertsForUnknownSpec() public {
        for (uint32 specId = 0; specId < 4; specId += 3) {
            vm.expectRevert(abi.encodeWithSelector(ITransact.UnknownSpec.selector, specId, 2));
            TRANSACT.requestCode(specId);
        }
    }

    function test_requestCode_revertsWhenPoolIsExhausted() public {
        offer(OWNER_1, SMALL, 1);
        request(USER, SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.PoolExhausted.selector, SMALL, 1, 0));
        request(STRANGER, SMALL);
    }

    function test_requestCode_doesNotCountPausedOffers() public {
        vm.prank(OWNER_1);
        TRANSACT.pause(SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.PoolExhausted.selector, SMALL, 1, 0));
        request(USER, SMALL);
    }

    function test_requestCode_revertsAtTheLiveLimit() public {
        request(USER, SMALL);
        request(USER, FLASH);
        request(USER, SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.HolderLiveLimit.selector, USER, 3, 3));
        request(USER, SMALL);
        vm.prank(USER);
        TRANSACT.cancel(codeId(SMALL, 1));
        request(USER, SMALL);
    }

    function test_requestCode_revertsAtTheRateLimitUntilThePeriodEnds() public {
        for (uint64 i = 1; i <= REQUESTS; ++i) {
            request(USER, SMALL);
            vm.prank(USER);
            TRANSACT.cancel(codeId(SMALL, i));
        }
        vm.warp(START + PERIOD - 1);
        vm.expectRevert(abi.encodeWithSelector(ITransact.HolderRateLimit.selector, USER, 5, 5, START + PERIOD));
        request(USER, SMALL);
        vm.warp(START + PERIOD);
        request(USER, SMALL);
        HolderUse memory use = TRANSACT.holder(USER);
        assertEq(use.requests, 1, "requests");
        assertEq(use.liveCodes, 1, "live codes");
        assertEq(use.periodStart, START + PERIOD, "period");
    }

    function test_requestCode_takesBackTwoExpiredCodes() public {
        request(USER, FLASH);
        request(USER, FLASH);
        request(STRANGER, FLASH);
        vm.warp(START + FLASH_TTL);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeExpired(codeId(FLASH, 1));
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeExpired(codeId(FLASH, 2));
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeIssued(codeId(FLASH, 4), OWNER_2, FLASH, uint64(START + 2 * FLASH_TTL));
        request(OWNER_2, FLASH);
        Pool memory pool = TRANSACT.pool(FLASH);
        assertEq(pool.live, 2, "the third and the new one");
        assertEq(pool.head, 3, "head");
        assertEq(TRANSACT.holder(USER).liveCodes, 0, "given back to the holder's limit");
        assertStatus(codeId(FLASH, 2), CodeStatus.Deleted);
        assertStatus(codeId(FLASH, 3), CodeStatus.Expired);
    }

    function test_requestCode_takesBackWhatFillsThePool() public {
        offer(OWNER_1, FLASH, 1);
        request(USER, FLASH);
        vm.warp(START + FLASH_TTL);
        assertEq(request(USER, FLASH), codeId(FLASH, 2), "the expired code made room");
    }

    function test_transfer_movesTheCodeAndFreesBothLimits() public {
        uint256 id = request(USER, SMALL);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeTransferred(id, USER, STRANGER);
        vm.prank(USER);
        TRANSACT.transfer(id, STRANGER);
        assertEq(TRANSACT.code(id).holder, STRANGER, "holder");
        assertEq(TRANSACT.holder(USER).liveCodes, 0, "giver");
        assertEq(TRANSACT.holder(STRANGER).liveCodes, 0, "receiver");
        vm.prank(STRANGER);
        TRANSACT.transfer(id, USER);
        assertEq(TRANSACT.holder(USER).liveCodes, 0, "a returned code stays uncounted");
    }

    function test_transfer_revertsForOthersThanTheHolder() public {
        uint256 id = request(USER, SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotHolder.selector, id, STRANGER, USER));
        vm.prank(STRANGER);
        TRANSACT.transfer(id, STRANGER);
    }

    function test_transfer_revertsToNobodyAndToOneself() public {
        uint256 id = request(USER, SMALL);
        address[2] memory refused = [address(0), USER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITransact.TransferToInvalid.selector, refused[i]));
            vm.prank(USER);
            TRANSACT.transfer(id, refused[i]);
        }
    }

    function test_transfer_keepsTheExpiry() public {
        uint256 id = request(USER, FLASH);
        vm.prank(USER);
        TRANSACT.transfer(id, STRANGER);
        vm.warp(START + FLASH_TTL);
        vm.expectRevert(
            abi.encodeWithSelector(ITransact.CodeTimedOut.selector, id, START + FLASH_TTL, START + FLASH_TTL)
        );
        vm.prank(STRANGER);
        TRANSACT.transfer(id, USER);
    }

    function test_cancel_givesTheCodeBackToThePool() public {
        uint256 id = request(USER, SMALL);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeCancelled(id, USER);
        vm.prank(USER);
        TRANSACT.cancel(id);
        assertEq(TRANSACT.pool(SMALL).live, 0, "live");
        assertEq(TRANSACT.holder(USER).liveCodes, 0, "limit");
        assertStatus(id, CodeStatus.Cancelled);
    }

    function test_cancel_revertsForOthersThanTheHolder() public {
        uint256 id = request(USER, SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotHolder.selector, id, STRANGER, USER));
        vm.prank(STRANGER);
        TRANSACT.cancel(id);
    }

    function test_cancel_revertsWhenCancelled() public {
        uint256 id = request(USER, SMALL);
        vm.prank(USER);
        TRANSACT.cancel(id);
        vm.expectRevert(abi.encodeWithSelector(ITransact.CodeAlreadyCancelled.selector, id));
        vm.prank(USER);
        TRANSACT.cancel(id);
    }

    function test_cancel_revertsWhenNeverIssued() public {
        request(USER, SMALL);
        uint256[4] memory ids = [codeId(SMALL, 2), codeId(SMALL, 0), codeId(9, 1), uint256(1) << 96 | codeId(SMALL, 1)];
        uint64[4] memory issued = [uint64(1), 1, 0, 0];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITransact.CodeNeverIssued.selector, ids[i], issued[i]));
            vm.prank(USER);
            TRANSACT.cancel(ids[i]);
        }
    }

    function test_cancel_revertsWhenDeleted() public {
        uint256 id = request(USER, FLASH);
        vm.warp(START + FLASH_TTL);
        TRANSACT.sweep(FLASH, 1);
        vm.expectRevert(abi.encodeWithSelector(ITransact.CodeDeleted.selector, id));
        vm.prank(USER);
        TRANSACT.cancel(id);
    }

    function test_sweep_stopsAtTheFirstRecordInItsTime() public {
        request(USER, FLASH);
        uint256 cancelled = request(USER, FLASH);
        vm.prank(USER);
        TRANSACT.cancel(cancelled);
        vm.warp(START + 1);
        request(USER, FLASH);
        vm.warp(START + FLASH_TTL);
        assertEq(TRANSACT.sweep(FLASH, 10), 2, "deleted");
        assertEq(TRANSACT.pool(FLASH).live, 1, "live");
        assertEq(TRANSACT.sweep(FLASH, 10), 0, "nothing more");
        vm.warp(START + FLASH_TTL + 1);
        assertEq(TRANSACT.sweep(FLASH, 10), 1, "the last");
        Pool memory pool = TRANSACT.pool(FLASH);
        assertEq(pool.head, pool.issued + 1, "the queue is empty");
        assertEq(vm.load(address(TRANSACT), TRANSACT.codeSlot(cancelled)), 0, "its slot is empty");
    }

    function test_sweep_deletesAHolderWhosePeriodIsOver() public {
        request(USER, SMALL);
        vm.warp(START + SMALL_TTL);
        TRANSACT.sweep(SMALL, 1);
        bytes32 slot = keccak256(abi.encode(USER, uint256(8)));
        assertEq(vm.load(address(TRANSACT), slot), 0, "the holder's slot");
    }

    function test_forget_deletesAnIdleHolderOnly() public {
        uint256 id = request(USER, SMALL);
        bytes memory inUse = abi.encodeWithSelector(ITransact.HolderInUse.selector, USER);
        vm.expectRevert(inUse);
        TRANSACT.forget(USER);
        vm.prank(USER);
        TRANSACT.transfer(id, STRANGER);
        vm.expectRevert(inUse);
        TRANSACT.forget(USER);
        vm.warp(START + PERIOD);
        bytes32 slot = keccak256(abi.encode(USER, uint256(8)));
        require(vm.load(address(TRANSACT), slot) != 0, "there is a record");
        TRANSACT.forget(USER);
        assertEq(vm.load(address(TRANSACT), slot), 0, "the record is gone");
        vm.expectRevert(inUse);
        TRANSACT.forget(USER);
    }

    function test_code_neverReverts(uint256 id) public view {
        Code memory code = TRANSACT.code(id);
        assertEq(uint256(code.status), uint256(CodeStatus.NeverIssued), "status");
    }

    function test_code_liesPackedInItsSlot() public {
        uint256 id = request(USER, SMALL);
        uint256 word = uint256(uint160(USER)) | (START + SMALL_TTL) << 160 | 1 << 200 | 1 << 240;
        assertEq(vm.load(address(TRANSACT), TRANSACT.codeSlot(id)), bytes32(word), "record");
    }

    function test_spec_givesWhatWasDefined() public {
        InstanceSpec memory spec = TRANSACT.spec(SMALL);
        assertEq(abi.encode(spec), abi.encode(smallSpec()), "spec");
        assertEq(TRANSACT.specCount(), 2, "count");
        vm.expectRevert(abi.encodeWithSelector(ITransact.UnknownSpec.selector, 3, 2));
        TRANSACT.spec(3);
    }

    function test_requestCode_emitsNothingElse() public {
        vm.recordLogs();
        request(USER, SMALL);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "logs");
        assertEq(logs[0].topics[0], ITransact.CodeIssued.selector, "topic");
    }

    function assertStatus(uint256 id, CodeStatus expected) private view {
        assertEq(uint256(TRANSACT.code(id).status), uint256(expected), "status");
    }
}
