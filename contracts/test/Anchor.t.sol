// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IAnchor } from "../src/interfaces/IAnchor.sol";
import { Base } from "./base/Base.sol";
import { Ed25519Vectors } from "./base/Ed25519Vectors.sol";

/// How the contract learns which chain it is on.
contract AnchorTest is Base {
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function test_anchorGenesis_readsTheBlockhash() public {
        assertEq(BOOTSTRAP.genesisHash(), 0, "before");
        vm.expectEmit(address(BOOTSTRAP));
        emit IAnchor.GenesisAnchored(Ed25519Vectors.GENESIS);
        assertEq(BOOTSTRAP.anchorGenesis(), Ed25519Vectors.GENESIS, "answer");
        assertEq(BOOTSTRAP.genesisHash(), Ed25519Vectors.GENESIS, "after");
    }

    function test_anchorGenesis_happensInPassing() public {
        vm.prank(OWNER_1);
        BOOTSTRAP.nominate(STRANGER);
        assertEq(BOOTSTRAP.genesisHash(), Ed25519Vectors.GENESIS, "after");
    }

    function test_anchorGenesis_asksTheHistoryContractLater() public {
        vm.roll(300);
        vm.mockCall(HISTORY, abi.encode(uint256(0)), abi.encode(Ed25519Vectors.GENESIS));
        assertEq(BOOTSTRAP.anchorGenesis(), Ed25519Vectors.GENESIS, "answer");
    }

    function test_anchorGenesis_staysUnknownWhenNobodyTells() public {
        vm.roll(300);
        assertEq(BOOTSTRAP.anchorGenesis(), 0, "no history contract");
        vm.mockCall(HISTORY, abi.encode(uint256(0)), hex"01");
        assertEq(BOOTSTRAP.anchorGenesis(), 0, "a short answer");
    }

    function test_anchorGenesis_learnsOnce() public {
        BOOTSTRAP.anchorGenesis();
        vm.setBlockhash(0, Ed25519Vectors.OTHER_GENESIS);
        assertEq(BOOTSTRAP.anchorGenesis(), Ed25519Vectors.GENESIS, "answer");
    }
}
