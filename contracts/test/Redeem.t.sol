// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ITransact } from "../src/interfaces/ITransact.sol";
import { Authorization, Code, CodeStatus, Pool } from "../src/types/TransactTypes.sol";
import { Base } from "./base/Base.sol";
import { Wallet } from "./base/Wallets.sol";

/// The confirmation of use.
contract RedeemTest is Base {
    bytes32 private constant REF = keccak256("sign-up");
    uint256 private constant DEADLINE = START + 1 hours;
    uint256 private id;

    function setUp() public override {
        super.setUp();
        offer(OWNER_1, SMALL, 2);
        offer(OWNER_2, SMALL, 2);
        offer(OWNER_2, FLASH, 5);
        id = request(USER, SMALL);
    }

    function test_redeem_usesTheCodeAndMintsTheReward() public {
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeRedeemed(id, 2, USER, REF, SMALL_REWARD);
        redeem(OWNER_2, consent(2));
        assertEq(TOKEN.balanceOf(USER), SMALL_REWARD, "reward");
        assertEq(TOKEN.totalSupply(), SMALL_REWARD, "supply");
        Code memory code = TRANSACT.code(id);
        assertEq(uint256(code.status), uint256(CodeStatus.Redeemed), "status");
        assertEq(code.memberId, 2, "member");
        Pool memory pool = TRANSACT.pool(SMALL);
        assertEq(pool.live, 0, "live");
        assertEq(pool.offered, 3, "offered");
        assertEq(pool.open, 3, "open");
        assertEq(TRANSACT.offer(2, SMALL).quantity, 1, "left");
        assertEq(TRANSACT.holder(USER).liveCodes, 0, "limit");
    }

    function test_redeem_worksForARedeemer() public {
        redeem(REDEEMER_1, consent(1));
        assertEq(TRANSACT.code(id).memberId, 1, "member");
    }

    function test_redeem_revertsWhenSpent() public {
        redeem(OWNER_1, consent(1));
        vm.expectRevert(abi.encodeWithSelector(ITransact.CodeAlreadyRedeemed.selector, id, 1));
        redeem(OWNER_2, consent(2));
    }

    function test_redeem_revertsWhenCancelled() public {
        vm.prank(USER);
        TRANSACT.cancel(id);
        vm.expectRevert(abi.encodeWithSelector(ITransact.CodeAlreadyCancelled.selector, id));
        redeem(OWNER_2, consent(2));
    }

    function test_redeem_endsWithTheExpiry() public {
        uint256 last = request(USER, FLASH);
        uint256 late = request(USER, FLASH);
        vm.warp(START + FLASH_TTL - 1);
        vm.prank(OWNER_2);
        TRANSACT.redeem(last, Authorization(REF, 0, ""));
        vm.warp(START + FLASH_TTL);
        vm.expectRevert(
            abi.encodeWithSelector(ITransact.CodeTimedOut.selector, late, START + FLASH_TTL, START + FLASH_TTL)
        );
        vm.prank(OWNER_2);
        TRANSACT.redeem(late, Authorization(REF, 0, ""));
    }

    function test_redeem_revertsWhenNeverIssued() public {
        uint256 unknown = codeId(SMALL, 7);
        vm.expectRevert(abi.encodeWithSelector(ITransact.CodeNeverIssued.selector, unknown, 1));
        vm.prank(OWNER_2);
        TRANSACT.redeem(unknown, Authorization(REF, 0, ""));
    }

    function test_redeem_revertsForOthersThanMembers() public {
        address[2] memory others = [USER, STRANGER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITransact.NotMember.selector, others[i]));
            redeem(others[i], consent(2));
        }
    }

    function test_redeem_revertsWithoutAnOffer() public {
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferExhausted.selector, 3, SMALL));
        redeem(OWNER_3, consent(3));
    }

    function test_redeem_revertsWhilePaused() public {
        vm.prank(OWNER_2);
        TRANSACT.pause(SMALL);
        vm.expectRevert(abi.encodeWithSelector(ITransact.OfferIsPaused.selector, 2, SMALL));
        redeem(OWNER_2, consent(2));
        vm.prank(OWNER_2);
        TRANSACT.resume(SMALL);
        redeem(OWNER_2, consent(2));
    }

    function test_redeem_revertsWithAnotherMembersConsent() public {
        bytes32 digest = TRANSACT.redemptionDigest(id, 1, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, USER, digest));
        redeem(OWNER_1, consent(2));
    }

    function test_redeem_revertsWithoutASignature() public {
        bytes32 digest = TRANSACT.redemptionDigest(id, 2, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, USER, digest));
        redeem(OWNER_2, Authorization(REF, DEADLINE, ""));
    }

    function test_redeem_revertsWithAStrangersSignature() public {
        bytes32 digest = TRANSACT.redemptionDigest(id, 2, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, USER, digest));
        redeem(OWNER_2, Authorization(REF, DEADLINE, signature(0xBAD, digest)));
    }

    function test_redeem_revertsWithThePreviousHoldersConsent() public {
        Authorization memory old = consent(2);
        vm.prank(USER);
        TRANSACT.transfer(id, STRANGER);
        bytes32 digest = TRANSACT.redemptionDigest(id, 2, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, STRANGER, digest));
        redeem(OWNER_2, old);
    }

    function test_redeem_revertsWhenAnyPartOfTheConsentDiffers() public {
        Authorization memory good = consent(2);
        Authorization[2] memory bad = [
            Authorization(keccak256("other"), DEADLINE, good.signature),
            Authorization(REF, DEADLINE + 1, good.signature)
        ];
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 digest = TRANSACT.redemptionDigest(id, 2, bad[i].signupRef, bad[i].deadline);
            vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, USER, digest));
            redeem(OWNER_2, bad[i]);
        }
        uint256 other = request(USER, SMALL);
        bytes32 others = TRANSACT.redemptionDigest(other, 2, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, other, USER, others));
        vm.prank(OWNER_2);
        TRANSACT.redeem(other, good);
    }

    function test_redeem_takesTheConsentUpToItsDeadline() public {
        Authorization memory a = consent(2);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationTimedOut.selector, id, DEADLINE, DEADLINE + 1));
        redeem(OWNER_2, a);
        vm.warp(DEADLINE);
        redeem(OWNER_2, a);
    }

    function test_redeem_isBoundToTheChain() public {
        Authorization memory a = consent(2);
        vm.chainId(1);
        bytes32 digest = TRANSACT.redemptionDigest(id, 2, REF, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, id, USER, digest));
        redeem(OWNER_2, a);
    }

    function test_redeem_asksContractWallets() public {
        Wallet wallet = new Wallet();
        uint256 owned = wallet.request(TRANSACT, SMALL);
        bytes32 digest = TRANSACT.redemptionDigest(owned, 2, REF, DEADLINE);
        Authorization memory a = Authorization(REF, DEADLINE, hex"00");
        vm.expectRevert(abi.encodeWithSelector(ITransact.AuthorizationInvalid.selector, owned, address(wallet), digest));
        vm.prank(OWNER_2);
        TRANSACT.redeem(owned, a);
        wallet.approve(digest);
        vm.prank(OWNER_2);
        TRANSACT.redeem(owned, a);
        assertEq(TOKEN.balanceOf(address(wallet)), SMALL_REWARD, "reward");
    }

    function test_redeem_needsNoConsentWhereTheSpecSaysSo() public {
        uint256 open = request(STRANGER, FLASH);
        vm.expectEmit(address(TRANSACT));
        emit ITransact.CodeRedeemed(open, 2, STRANGER, REF, 5e17);
        vm.prank(OWNER_2);
        TRANSACT.redeem(open, Authorization(REF, 0, ""));
        assertEq(TOKEN.balanceOf(STRANGER), 5e17, "reward");
    }

    function test_redeem_rewardsTheHolderNotTheRequester() public {
        vm.prank(USER);
        TRANSACT.transfer(id, vm.addr(0xB0B));
        bytes32 digest = TRANSACT.redemptionDigest(id, 2, REF, DEADLINE);
        redeem(OWNER_2, Authorization(REF, DEADLINE, signature(0xB0B, digest)));
        assertEq(TOKEN.balanceOf(vm.addr(0xB0B)), SMALL_REWARD, "reward");
        assertEq(TOKEN.balanceOf(USER), 0, "requester");
    }

    function test_redeem_staysRecordedUntilSwept() public {
        redeem(OWNER_2, consent(2));
        vm.warp(START + SMALL_TTL);
        assertEq(uint256(TRANSACT.code(id).status), uint256(CodeStatus.Redeemed), "redeemed, not expired");
        TRANSACT.sweep(SMALL, 1);
        assertEq(uint256(TRANSACT.code(id).status), uint256(CodeStatus.Deleted), "deleted");
        assertEq(TRANSACT.pool(SMALL).live, 0, "it was not live any more");
    }

    function test_redemptionDigest_isBuiltAsEip712Says() public {
        vm.chainId(6300);
        bytes32 ref = 0x1111111111111111111111111111111111111111111111111111111111111111;
        assertEq(
            TRANSACT.redemptionDigest(5, 2, ref, 1_900_000_000), digestOf(5, 2, ref, 1_900_000_000, 6300), "digest"
        );
    }

    function redeem(address sender, Authorization memory a) private {
        vm.prank(sender);
        TRANSACT.redeem(id, a);
    }

    function consent(uint32 memberId) private view returns (Authorization memory) {
        bytes32 digest = digestOf(id, memberId, REF, DEADLINE, block.chainid);
        return Authorization(REF, DEADLINE, signature(USER_KEY, digest));
    }

    /// EIP-712 by hand: nothing of it comes from the contract.
    function digestOf(uint256 code, uint32 memberId, bytes32 ref, uint256 deadline, uint256 chain)
        private
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Cloud Ledger Passport"),
                keccak256("1"),
                chain,
                address(TRANSACT)
            )
        );
        bytes32 typehash = keccak256("Redemption(uint256 codeId,uint32 memberId,bytes32 signupRef,uint256 deadline)");
        bytes32 message = keccak256(abi.encode(typehash, code, memberId, ref, deadline));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    function signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
