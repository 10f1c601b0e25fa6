// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Authorization } from "../src/types/TransactTypes.sol";
import { GovernanceBase } from "./base/GovernanceBase.sol";

/// What each call costs as a transaction of its own: every slot cold, intrinsic gas and refunds included, on a chain in
/// use. The figures are committed (snapshots/Gas.json) and checked.
/// forge-config: default.isolate = true
contract GasTest is GovernanceBase {
    bytes32 private constant REF = keccak256("sign-up");
    uint256 private id;

    function setUp() public override {
        super.setUp();
        offer(OWNER_1, SMALL, 1000);
        offer(OWNER_1, FLASH, 1000);
        id = request(USER, SMALL);
    }

    function test_requestCode_ofANewHolder() public {
        request(STRANGER, SMALL);
        measure("requestCode, new holder");
    }

    function test_requestCode_ofAKnownHolder() public {
        request(USER, SMALL);
        measure("requestCode, known holder");
    }

    /// The steady state: every request adds a code and finds expired ones to take back.
    function test_requestCode_takingBackOneAndTwo() public {
        for (uint160 i = 0; i < 3; ++i) {
            request(address(0x1000 + i), FLASH);
        }
        wait_(PERIOD);
        request(address(0x1000), FLASH);
        measure("requestCode, taking back two");
        request(address(0x1001), FLASH);
        measure("requestCode, taking back one");
    }

    function test_transfer() public {
        vm.prank(USER);
        TRANSACT.transfer(id, STRANGER);
        measure("transfer");
    }

    function test_cancel() public {
        vm.prank(USER);
        TRANSACT.cancel(id);
        measure("cancel");
    }

    function test_redeem_withConsent() public {
        redeem(id);
        measure("redeem with consent, first reward");
        redeem(request(USER, SMALL));
        measure("redeem with consent, later reward");
    }

    function test_redeem_withoutConsent() public {
        uint256 open = request(USER, FLASH);
        vm.prank(REDEEMER_1);
        TRANSACT.redeem(open, Authorization(REF, 0, ""));
        measure("redeem without consent, first reward");
    }

    function test_setOffer() public {
        offer(REDEEMER_1, SMALL, 900);
        measure("setOffer");
    }

    function test_pause() public {
        vm.prank(REDEEMER_1);
        TRANSACT.pause(SMALL);
        measure("pause");
    }

    function test_governance() public {
        uint256 proposal = proposeRemoval(voter(3));
        measure("proposeRemoval");
        vote(0, proposal, true);
        measure("vote, first of four validators");
        vote(1, proposal, true);
        measure("vote, second of four validators");
        vote(2, proposal, true);
        measure("vote that passes, of four validators");
        wait_(TIMELOCK);
        BOOTSTRAP.execute(proposal);
        measure("execute a removal, of four validators");
    }

    function test_admission() public {
        uint256 proposal = ask(NEWCOMER, candidate(9));
        measure("requestAdmission");
        vote(0, proposal, tuple(1, 1));
        measure("vote for an admission, first of four validators");
        vote(1, proposal, tuple(1, 1));
        vote(2, proposal, tuple(1, 1));
        wait_(TIMELOCK);
        BOOTSTRAP.execute(proposal);
        measure("execute an admission, of four validators");
    }

    function test_setRedeemer() public {
        vm.prank(OWNER_1);
        BOOTSTRAP.setRedeemer(STRANGER, true);
        measure("setRedeemer");
    }

    function measure(string memory name) private {
        vm.snapshotGasLastCall("Gas", name);
    }

    function redeem(uint256 code) private {
        bytes32 digest = TRANSACT.redemptionDigest(code, 1, REF, START);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(USER_KEY, digest);
        vm.prank(REDEEMER_1);
        TRANSACT.redeem(code, Authorization(REF, START, abi.encodePacked(r, s, v)));
    }
}
