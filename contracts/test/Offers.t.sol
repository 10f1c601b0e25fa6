// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IAnchor } from "../src/interfaces/IAnchor.sol";
import { ITransact } from "../src/interfaces/ITransact.sol";
import { HolderLimits, InstanceSpec, Pool } from "../src/types/TransactTypes.sol";
import { Base } from "./base/Base.sol";
import { Ed25519Vectors } from "./base/Ed25519Vectors.sol";

/// What members offer, and what governance sets in Transact.
contract OffersTest is Base {
    function test_setOffer_fillsThePool() public {
        vm.expectEmit(address(TRANSACT));
        emit ITransact.OfferSet(1, SMALL, 10);
        offer(OWNER_1, SMALL, 10);
        offer(REDEEMER_1, SMALL, 4);
        offer(OWNER_2, SMALL, 3);
        assertEq(TRANSACT.offer(1, SMALL).quantity, 4, "the member's, by its redeemer");
        assertPool(0, 7, 7);
    }

    function test_setOffer_revertsForOthersThanMembers() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotMember.selector, STRANGER));
        offer(STRANGER, SMALL, 1);
    }

    function test_setOffer_revertsForUnknownSpec() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.UnknownSpec.selector, 3, 2));
        offer(OWNER_1, 3, 1);
    }

    function test_setOffer_revertsAboveTheMost() public {
        offer(OWNER_1, SMALL, 1_000_000);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferTooLarge.selector, 1_000_001, 1_000_000));
        offer(OWNER_1, SMALL, 1_000_001);
    }

    function test_setOffer_withdrawsOnlyWhatLiveCodesDoNotNeed() public {
        offer(OWNER_1, SMALL, 3);
        offer(OWNER_2, SMALL, 2);
        requests(4);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferNeeded.selector, 1, SMALL, 1, 2));
        offer(OWNER_1, SMALL, 1);
        offer(OWNER_1, SMALL, 2);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferNeeded.selector, 2, SMALL, 0, 2));
        offer(OWNER_2, SMALL, 0);
        assertPool(4, 4, 4);
    }

    function test_setOffer_doesNotCountOthersPausedOffers() public {
        offer(OWNER_1, SMALL, 2);
        offer(OWNER_2, SMALL, 2);
        requests(2);
        pause(OWNER_1);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferNeeded.selector, 2, SMALL, 1, 2));
        offer(OWNER_2, SMALL, 1);
        offer(OWNER_1, SMALL, 0);
        assertPool(2, 2, 2);
    }

    function test_setOffer_keepsAPausedOfferThatLiveCodesNeed() public {
        offer(OWNER_1, SMALL, 3);
        requests(2);
        pause(OWNER_1);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferNeeded.selector, 1, SMALL, 1, 2));
        offer(OWNER_1, SMALL, 1);
        offer(OWNER_1, SMALL, 2);
        assertPool(2, 2, 0);
    }

    function test_setOffer_mayAlwaysRaise() public {
        offer(OWNER_1, SMALL, 2);
        offer(OWNER_2, SMALL, 1);
        requests(3);
        pause(OWNER_1);
        offer(OWNER_2, SMALL, 2);
        assertPool(3, 4, 2);
    }

    function test_setOffer_anchorsTheGenesisHash() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IAnchor.GenesisAnchored(Ed25519Vectors.GENESIS);
        offer(OWNER_1, SMALL, 1);
        assertEq(BOOTSTRAP.genesisHash(), Ed25519Vectors.GENESIS, "genesis");
    }

    function test_pause_takesTheOfferOutAndResumeBack() public {
        offer(OWNER_1, SMALL, 5);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.OfferPaused(1, SMALL, true);
        pause(REDEEMER_1);
        assertPool(0, 5, 0);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferUnchanged.selector, 1, SMALL, true));
        pause(OWNER_1);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.OfferPaused(1, SMALL, false);
        vm.prank(OWNER_1);
        TRANSACT.resume(SMALL);
        assertPool(0, 5, 5);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferUnchanged.selector, 1, SMALL, false));
        vm.prank(OWNER_1);
        TRANSACT.resume(SMALL);
    }

    function test_pause_revertsForOthersThanMembers() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotMember.selector, STRANGER));
        pause(STRANGER);
    }

    function test_pool_hasNothingAvailableWhenPausesGoBelowLiveCodes() public {
        offer(OWNER_1, SMALL, 2);
        offer(OWNER_2, SMALL, 1);
        requests(2);
        pause(OWNER_1);
        assertEq(TRANSACT.pool(SMALL).available, 0, "available");
    }

    function test_retireOffer_revertsWhileTheMemberIsActive() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.MemberStillActive.selector, 1));
        TRANSACT.retireOffer(1, SMALL);
    }

    function test_defineSpec_isBootstrapsAlone() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotBootstrap.selector, STRANGER, address(BOOTSTRAP)));
        vm.prank(STRANGER);
        TRANSACT.defineSpec(smallSpec());
        vm.expectEmit(address(TRANSACT));
        emit ITransact.SpecDefined(3, smallSpec());
        assertEq(specify(smallSpec()), 3, "spec id");
    }

    function test_defineSpec_revertsForIncompleteSpecs() public {
        for (uint256 i = 0; i < 5; ++i) {
            InstanceSpec memory s = smallSpec();
            if (i == 0) s.vcpus = 0;
            if (i == 1) s.memoryMiB = 0;
            if (i == 2) s.diskGiB = 0;
            if (i == 3) s.durationHours = 0;
            if (i == 4) s.ttlSeconds = 0;
            vm.expectRevert(abi.encodeWithSelector(ITransact.SpecIncomplete.selector, "small"));
            specify(s);
        }
    }

    function test_defineSpec_revertsForBadNamesAndRewards() public {
        InstanceSpec memory s = smallSpec();
        s.name = "";
        vm.expectRevert(abi.encodeWithSelector(ITransact.SpecNameLength.selector, 0, 31));
        specify(s);
        s.name = "12345678901234567890123456789012";
        vm.expectRevert(abi.encodeWithSelector(ITransact.SpecNameLength.selector, 32, 31));
        specify(s);
        s.name = "1234567890123456789012345678901";
        s.reward = uint256(type(uint128).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(ITransact.RewardTooLarge.selector, s.reward, uint256(type(uint128).max)));
        specify(s);
        s.reward = type(uint128).max;
        specify(s);
    }

    function test_defineSpec_revertsAboveTheMost() public {
        // specCount, slot 1: as if the last id were given.
        vm.store(address(TRANSACT), bytes32(uint256(1)), bytes32(uint256(65_536)));
        vm.expectRevert(abi.encodeWithSelector(ITransact.TooManySpecs.selector, 65_536));
        specify(smallSpec());
    }

    function test_setHolderLimits_isBootstrapsAlone() public {
        HolderLimits memory limits = HolderLimits(1, 2, 3);
        vm.expectRevert(abi.encodeWithSelector(ITransact.NotBootstrap.selector, STRANGER, address(BOOTSTRAP)));
        vm.prank(STRANGER);
        TRANSACT.setHolderLimits(limits);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.HolderLimitsSet(limits);
        vm.prank(address(BOOTSTRAP));
        TRANSACT.setHolderLimits(limits);
        assertEq(abi.encode(TRANSACT.holderLimits()), abi.encode(limits), "limits");
    }

    function test_setHolderLimits_revertsForZeroes() public {
        HolderLimits[3] memory bad = [HolderLimits(0, 2, 3), HolderLimits(1, 0, 3), HolderLimits(1, 2, 0)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ITransact.LimitsIncomplete.selector,
                    bad[i].liveCodes,
                    bad[i].requestsPerPeriod,
                    bad[i].periodSeconds
                )
            );
            vm.prank(address(BOOTSTRAP));
            TRANSACT.setHolderLimits(bad[i]);
        }
    }

    function specify(InstanceSpec memory s) private returns (uint32) {
        vm.prank(address(BOOTSTRAP));
        return TRANSACT.defineSpec(s);
    }

    function pause(address sender) private {
        vm.prank(sender);
        TRANSACT.pause(SMALL);
    }

    function requests(uint160 count) private {
        for (uint160 i = 0; i < count; ++i) {
            request(address(0x1000 + i), SMALL);
        }
    }

    function assertPool(uint256 live, uint256 offered, uint256 open) private view {
        Pool memory pool = TRANSACT.pool(SMALL);
        assertEq(pool.live, live, "live");
        assertEq(pool.offered, offered, "offered");
        assertEq(pool.open, open, "open");
    }
}
