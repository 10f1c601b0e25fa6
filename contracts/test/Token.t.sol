// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { IPassportToken } from "../src/interfaces/IPassportToken.sol";
import { Base } from "./base/Base.sol";

/// The reward's token: what is ours of it.
contract TokenTest is Base {
    function test_mint_isTransactsAlone() public {
        vm.expectRevert(abi.encodeWithSelector(IPassportToken.NotTransact.selector, STRANGER, address(TRANSACT)));
        vm.prank(STRANGER);
        TOKEN.mint(STRANGER, 1);
        vm.expectEmit(address(TOKEN));
        emit IERC20.Transfer(address(0), USER, 7);
        vm.prank(address(TRANSACT));
        TOKEN.mint(USER, 7);
        assertEq(TOKEN.balanceOf(USER), 7, "balance");
        assertEq(TOKEN.totalSupply(), 7, "supply");
    }

    function test_metadata_isThePassports() public view {
        IERC20Metadata token = IERC20Metadata(address(TOKEN));
        assertEq(bytes(token.name()), "Passport Token", "name");
        assertEq(bytes(token.symbol()), "PASS", "symbol");
        assertEq(token.decimals(), 18, "decimals");
        assertEq(TOKEN.transact(), address(TRANSACT), "minter");
    }

    function test_permit_letsASpenderSpend() public {
        vm.prank(address(TRANSACT));
        TOKEN.mint(USER, 10);
        IERC20Permit permit = IERC20Permit(address(TOKEN));
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 message = keccak256(abi.encode(typehash, USER, STRANGER, 4, permit.nonces(USER), START));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(USER_KEY, keccak256(abi.encodePacked(hex"1901", permit.DOMAIN_SEPARATOR(), message)));
        permit.permit(USER, STRANGER, 4, START, v, r, s);
        vm.prank(STRANGER);
        require(TOKEN.transferFrom(USER, STRANGER, 4), "transfer");
        assertEq(TOKEN.balanceOf(STRANGER), 4, "balance");
    }
}
