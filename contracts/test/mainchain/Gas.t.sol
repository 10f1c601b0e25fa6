// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { CodeVerifier } from "../../src/mainchain/CodeVerifier.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// What each call costs as a transaction of its own: every slot cold, intrinsic gas included. The figures are
/// committed (snapshots/Mainchain.json) and checked.
/// forge-config: mainchain.isolate = true
contract GasTest is CheckpointBase {
    function test_makeCheckpoint_of4() public {
        anchorWith(4);
    }

    function test_makeCheckpoint_of7() public {
        anchorWith(7);
    }

    function test_makeCheckpoint_of21() public {
        anchorWith(21);
    }

    function test_makeCheckpoint_handingOver() public {
        acceptNext();
        Checkpoint memory c = next();
        c.nextSetHash = hashOf(1);
        accept(c);
        measure("makeCheckpoint, 4 validators, handing over");
        c = next();
        (c.setId, c.nextSetHash) = (1, hashOf(1));
        accept(c);
        measure("makeCheckpoint, 4 validators, first of a set");
    }

    function test_makeCheckpoint_ofARecovery() public {
        acceptNext();
        Checkpoint memory c = next();
        c.epoch = 1;
        accept(c);
        measure("makeCheckpoint, 4 validators, a recovery");
    }

    function test_makeCheckpoint_again() public {
        Checkpoint memory c = acceptNext();
        accept(c);
        measure("makeCheckpoint, 4 validators, a duplicate");
    }

    function test_makeCheckpoint_conflicting() public {
        Checkpoint memory c = acceptNext();
        require(!submit(rival(c, 1), 1), "not accepted");
        measure("makeCheckpoint, 4 validators, a conflict signed by one");
    }

    /// With proofs of a real node: three nodes to the account, three or two to the code.
    function test_verifyCode() public {
        string memory json = vm.readFile("test/vectors/proofs.json");
        CodeVerifier verifier = new CodeVerifier(anchor);
        Checkpoint memory c = next();
        c.stateRoot = vm.parseJsonBytes32(json, ".stateRoot");
        accept(c);
        bytes[] memory account = vm.parseJsonBytesArray(json, ".accountProof");
        address transact = vm.parseJsonAddress(json, ".transact");
        verifier.verifyCode(c, transact, 1 << 64 | 1, account, vm.parseJsonBytesArray(json, ".code1.proof"));
        measure("verifyCode, a record");
        verifier.verifyCode(c, transact, 1 << 64 | 5, account, vm.parseJsonBytesArray(json, ".code5.proof"));
        measure("verifyCode, no record");
    }

    /// The steady state: the third checkpoint of the same set.
    function anchorWith(uint256 size) private {
        address[] memory keys = keysOf(0, size);
        anchor = new Anchor(GENESIS, 0, keys);
        uint256 bitmap = (1 << anchor.quorum(size)) - 1;
        for (uint256 i = 0; i < 3; ++i) {
            Checkpoint memory c = next();
            c.nextSetHash = anchor.setHash(0, keys);
            bytes memory signatures = sign(anchor.fingerprint(c), bitmap, 0);
            require(anchor.makeCheckpoint(c, keys, bitmap, signatures), "accepted");
        }
        measure(string.concat("makeCheckpoint, ", vm.toString(size), " validators"));
    }

    function measure(string memory name) private {
        vm.snapshotGasLastCall("Mainchain", name);
    }
}
