// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Code, CodeStatus, Pool } from "../../src/types/TransactTypes.sol";
import { Base } from "../base/Base.sol";
import { TransactHandler } from "./TransactHandler.sol";

/// What must stay true of codes, whatever users and clouds do.
contract TransactInvariants is Base {
    TransactHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new TransactHandler();
        offer(OWNER_1, SMALL, 5);
        offer(OWNER_2, FLASH, 5);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory actions = new bytes4[](9);
        actions[0] = TransactHandler.pass.selector;
        actions[1] = TransactHandler.ask.selector;
        actions[2] = TransactHandler.give.selector;
        actions[3] = TransactHandler.cancel.selector;
        actions[4] = TransactHandler.redeem.selector;
        actions[5] = TransactHandler.setOffer.selector;
        actions[6] = TransactHandler.pause.selector;
        actions[7] = TransactHandler.sweep.selector;
        actions[8] = TransactHandler.forget.selector;
        targets[0] = FuzzSelector(address(handler), actions);
    }

    /// The walk gets where the invariants matter: without it they could hold because nothing happens.
    function test_walkReachesRedemptionsRefusalsAndDeletions() public {
        for (uint256 i = 0; i < 600; ++i) {
            uint256 r = uint256(keccak256(abi.encode("walk", i)));
            (uint256 a, uint256 b, uint256 c) = (r >> 16, r >> 32, r >> 48);
            if (r % 8 == 0) handler.pass(a);
            else if (r % 8 < 4) handler.ask(a, b);
            else if (r % 8 == 4) handler.give(a, b, c);
            else if (r % 8 == 5) handler.cancel(a, b);
            else if (r % 8 == 6) handler.redeem(a, b, uint32(c), c >> 32 & 1 == 1);
            else handler.setOffer(uint32(a), b, uint32(c));
        }
        require(handler.redemptions() > 10, "redemptions");
        require(handler.refusals() > 20, "refusals");
        require(TRANSACT.pool(FLASH).head > 20, "deletions");
        invariant_callsEndAsTheModelSays();
        invariant_codesAreWhatTheModelSays();
    }

    /// Redeemed at most once, never when expired or cancelled, never without consent; only the holder moves a code; and
    /// nobody is refused what the rules allow.
    function invariant_callsEndAsTheModelSays() public view {
        if (handler.surpriseCount() != 0) revert(handler.surprises(0));
    }

    function invariant_liveCodesNeverExceedOffers() public view {
        for (uint32 specId = 1; specId <= 2; ++specId) {
            Pool memory pool = TRANSACT.pool(specId);
            require(pool.live <= pool.offered, "live codes exceed the offers");
            require(pool.open <= pool.offered, "open offers exceed the offers");
        }
    }

    function invariant_poolIsTheSumOfOffers() public view {
        for (uint32 specId = 1; specId <= 2; ++specId) {
            uint256 offered = 0;
            uint256 open = 0;
            for (uint32 memberId = 1; memberId <= 3; ++memberId) {
                uint32 quantity = TRANSACT.offer(memberId, specId).quantity;
                offered += quantity;
                if (!TRANSACT.offer(memberId, specId).paused) open += quantity;
            }
            assertEq(TRANSACT.pool(specId).offered, offered, "offered");
            assertEq(TRANSACT.pool(specId).open, open, "open");
        }
    }

    function invariant_supplyIsTheSumOfRewards() public view {
        assertEq(TOKEN.totalSupply(), handler.rewards(), "supply");
    }

    function invariant_codesAreWhatTheModelSays() public view {
        uint256[3] memory live;
        for (uint256 i = 0; i < handler.idCount(); ++i) {
            uint256 id = handler.ids(i);
            (address holder, bool counted, bool redeemed, bool cancelled, uint256 expiresAt) = handler.models(id);
            Code memory code = TRANSACT.code(id);
            uint64 sequence = uint64(id);
            if (sequence < TRANSACT.pool(uint32(id >> 64)).head) {
                require(code.status == CodeStatus.Deleted, "below the head is deleted");
                require(vm.getBlockTimestamp() >= expiresAt, "deleted before its time");
                assertEq(vm.load(address(TRANSACT), TRANSACT.codeSlot(id)), 0, "the slot is empty");
                continue;
            }
            assertEq(code.holder, holder, "holder");
            assertEq(code.expiresAt, expiresAt, "expiry");
            bool late = vm.getBlockTimestamp() >= expiresAt;
            require((code.status == CodeStatus.Redeemed) == redeemed, "redeemed");
            require((code.status == CodeStatus.Cancelled) == cancelled, "cancelled");
            require((code.status == CodeStatus.Expired) == (late && !redeemed && !cancelled), "expired");
            require((uint256(vm.load(address(TRANSACT), TRANSACT.codeSlot(id))) >> 240 == 1) == counted, "counted");
            if (!redeemed && !cancelled) ++live[id >> 64];
        }
        assertEq(TRANSACT.pool(SMALL).live, live[SMALL], "live small");
        assertEq(TRANSACT.pool(FLASH).live, live[FLASH], "live flash");
    }

    function invariant_holdersCountTheirOwnRequests() public view {
        for (uint256 u = 0; u < handler.USERS(); ++u) {
            uint256 live = 0;
            for (uint256 i = 0; i < handler.idCount(); ++i) {
                uint256 id = handler.ids(i);
                (address holder, bool counted,,,) = handler.models(id);
                bool kept = uint64(id) >= TRANSACT.pool(uint32(id >> 64)).head;
                if (kept && counted && holder == handler.user(u)) ++live;
            }
            assertEq(TRANSACT.holder(handler.user(u)).liveCodes, live, "live codes of a holder");
            require(live <= LIVE_CODES, "above the limit");
        }
    }
}
