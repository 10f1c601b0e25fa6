// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Vm } from "./Vm.sol";

/// forge's cheatcodes, and comparisons that say what differs.
abstract contract Assertions {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assertEq(uint256 got, uint256 expected, string memory what) internal pure {
        require(got == expected, string.concat(what, ": got ", text(got), ", expected ", text(expected)));
    }

    function assertEq(address got, address expected, string memory what) internal pure {
        assertEq(uint160(got), uint160(expected), what);
    }

    function assertEq(bytes32 got, bytes32 expected, string memory what) internal pure {
        assertEq(uint256(got), uint256(expected), what);
    }

    function assertEq(bytes memory got, bytes memory expected, string memory what) internal pure {
        require(keccak256(got) == keccak256(expected), what);
    }

    function text(uint256 value) private pure returns (string memory) {
        if (value == 0) return "0";
        bytes memory digits = new bytes(78);
        uint256 at = 78;
        for (; value != 0; value /= 10) {
            digits[--at] = bytes1(uint8(48 + value % 10));
        }
        bytes memory short = new bytes(78 - at);
        for (uint256 i = 0; i < short.length; ++i) {
            short[i] = digits[at + i];
        }
        return string(short);
    }
}
