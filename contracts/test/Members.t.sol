// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IMembers } from "../src/interfaces/IMembers.sol";
import { Member } from "../src/types/BootstrapTypes.sol";
import { Base } from "./base/Base.sol";

/// Members, owners, redeemers and nominees.
contract MembersTest is Base {
    function test_member_givesTheFounders() public {
        Member memory m = BOOTSTRAP.member(1);
        assertEq(m.id, 1, "id");
        assertEq(m.owner, OWNER_1, "owner");
        require(m.active, "active");
        assertEq(m.validators, 2, "validators");
        assertEq(bytes(m.name), "Aurora", "name");
        assertEq(BOOTSTRAP.memberCount(), 3, "count");
        for (uint32 id = 0; id < 8; id += 4) {
            vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownMember.selector, id, 3));
            BOOTSTRAP.member(id);
        }
    }

    function test_memberOf_knowsOwnersAndRedeemers() public view {
        assertEq(BOOTSTRAP.memberOf(OWNER_2), 2, "owner");
        assertEq(BOOTSTRAP.memberOf(REDEEMER_1), 1, "redeemer");
        assertEq(BOOTSTRAP.memberOf(STRANGER), 0, "stranger");
        assertEq(BOOTSTRAP.memberOf(voter(0)), 0, "a validator's account is not its member's");
    }

    function test_reserved_isForValidatorsOwnersAndRedeemers() public view {
        require(BOOTSTRAP.reserved(voter(3)), "validator");
        require(BOOTSTRAP.reserved(OWNER_3), "owner");
        require(BOOTSTRAP.reserved(REDEEMER_1), "redeemer");
        require(!BOOTSTRAP.reserved(USER), "user");
    }

    function test_setRedeemer_addsAndRemoves() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.RedeemerSet(2, STRANGER, true);
        setRedeemer(OWNER_2, STRANGER, true);
        assertEq(BOOTSTRAP.memberOf(STRANGER), 2, "added");
        assertEq(BOOTSTRAP.redeemers(2)[0], STRANGER, "listed");
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.RedeemerSet(2, STRANGER, false);
        setRedeemer(OWNER_2, STRANGER, false);
        assertEq(BOOTSTRAP.memberOf(STRANGER), 0, "removed");
        assertEq(BOOTSTRAP.redeemers(2).length, 0, "unlisted");
    }

    function test_setRedeemer_revertsForOthersThanOwners() public {
        address[3] memory others = [STRANGER, REDEEMER_1, voter(0)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMembers.NotMemberOwner.selector, others[i]));
            setRedeemer(others[i], USER, true);
        }
    }

    function test_setRedeemer_revertsForTakenKeys() public {
        vm.expectRevert(abi.encodeWithSelector(IMembers.RedeemerTaken.selector, REDEEMER_1, 1));
        setRedeemer(OWNER_2, REDEEMER_1, true);
        vm.expectRevert(abi.encodeWithSelector(IMembers.RedeemerTaken.selector, OWNER_1, 1));
        setRedeemer(OWNER_2, OWNER_1, true);
    }

    function test_setRedeemer_revertsWithoutAChange() public {
        vm.expectRevert(abi.encodeWithSelector(IMembers.RedeemerUnchanged.selector, REDEEMER_1, true));
        setRedeemer(OWNER_1, REDEEMER_1, true);
        vm.expectRevert(abi.encodeWithSelector(IMembers.RedeemerUnchanged.selector, REDEEMER_1, false));
        setRedeemer(OWNER_2, REDEEMER_1, false);
        vm.expectRevert(abi.encodeWithSelector(IMembers.ZeroAddress.selector));
        setRedeemer(OWNER_2, address(0), true);
    }

    function test_setRedeemer_revertsAboveTheMost() public {
        for (uint160 i = 0; i < 15; ++i) {
            setRedeemer(OWNER_1, address(0x900 + i), true);
        }
        vm.expectRevert(abi.encodeWithSelector(IMembers.TooManyRedeemers.selector, 1, 16));
        setRedeemer(OWNER_1, STRANGER, true);
        assertEq(BOOTSTRAP.redeemers(1).length, 16, "redeemers");
    }

    function test_nominate_namesWhoMayAsk() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IMembers.NomineeSet(2, STRANGER);
        vm.prank(OWNER_2);
        BOOTSTRAP.nominate(STRANGER);
        assertEq(BOOTSTRAP.member(2).nominee, STRANGER, "nominee");
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotMemberOwner.selector, STRANGER));
        vm.prank(STRANGER);
        BOOTSTRAP.nominate(STRANGER);
    }

    function setRedeemer(address sender, address redeemer, bool enabled) private {
        vm.prank(sender);
        BOOTSTRAP.setRedeemer(redeemer, enabled);
    }
}
