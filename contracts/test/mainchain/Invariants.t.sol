// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { CheckpointHandler } from "./CheckpointHandler.sol";

/// What stays true of the sequence, whatever anybody submits.
contract CheckpointInvariants {
    CheckpointHandler private handler;

    function setUp() public {
        handler = new CheckpointHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](3));
        targets[0].selectors[0] = handler.submitNext.selector;
        targets[0].selectors[1] = handler.submitAgain.selector;
        targets[0].selectors[2] = handler.submitRival.selector;
    }

    /// The sequence has no gap, links up, is signed by the sets in their turns, and never changes.
    function invariant_sequenceHolds() public view {
        handler.check();
    }
}
