// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Signatures } from "../../src/mainchain/Signatures.sol";
import { Assertions } from "../base/Assertions.sol";

/// The library alone, for what the contract lets nobody ask of it.
contract SignaturesTest is Assertions {
    /// ecrecover answers 0 for garbage, which must not be a signature of an empty key.
    function test_validOf_takesNothingForAnEmptyKey() public view {
        address[] memory keys = new address[](2);
        keys[1] = vm.addr(7);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(7, "digest");
        bytes memory signatures = bytes.concat(new bytes(65), abi.encodePacked(r, s, v));
        assertEq(this.validOf("digest", keys, 3, signatures), 2, "who signed");
    }

    function validOf(bytes32 digest, address[] calldata keys, uint256 bitmap, bytes calldata signatures)
        external
        pure
        returns (uint256)
    {
        return Signatures.validOf(digest, keys, bitmap, signatures);
    }
}
