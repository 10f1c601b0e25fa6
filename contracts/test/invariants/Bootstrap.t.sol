// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Validator, ValidatorStatus } from "../../src/types/BootstrapTypes.sol";
import { Ed25519Vectors as V } from "../base/Ed25519Vectors.sol";
import { Base } from "../base/Base.sol";
import { BootstrapHandler } from "./BootstrapHandler.sol";

/// What must stay true of the validator set, whatever validators and strangers do.
contract BootstrapInvariants is Base {
    BootstrapHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new BootstrapHandler();
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory signed = i == 0 ? V.SEAL_X : i == 1 ? V.SEAL_Y : V.RESEAL_X;
            vm.mockCall(PRECOMPILE, input(signed), abi.encode(uint256(1)));
        }
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory actions = new bytes4[](16);
        actions[0] = BootstrapHandler.pass.selector;
        actions[1] = BootstrapHandler.ask.selector;
        actions[2] = BootstrapHandler.askOwnKeys.selector;
        actions[3] = BootstrapHandler.proposeRemoval.selector;
        actions[4] = BootstrapHandler.proposeMemberRemoval.selector;
        actions[5] = BootstrapHandler.vote.selector;
        actions[6] = BootstrapHandler.unvote.selector;
        actions[7] = BootstrapHandler.recount.selector;
        actions[8] = BootstrapHandler.leave.selector;
        actions[9] = BootstrapHandler.proveEquivocation.selector;
        actions[10] = BootstrapHandler.setRedeemer.selector;
        // More than once: what makes sets change is made likelier.
        actions[11] = BootstrapHandler.voteTogether.selector;
        actions[12] = BootstrapHandler.voteTogether.selector;
        actions[13] = BootstrapHandler.execute.selector;
        actions[14] = BootstrapHandler.execute.selector;
        actions[15] = BootstrapHandler.askOwnKeys.selector;
        targets[0] = FuzzSelector(address(handler), actions);
    }

    /// The walk gets where the invariants matter: without it they could hold because nothing happens.
    function test_walkReachesAdmissionsRemovalsAndJail() public {
        uint256 most = 0;
        for (uint256 i = 0; i < 400; ++i) {
            uint256 r = uint256(keccak256(abi.encode("walk", i)));
            (uint256 a, uint256 b) = (r >> 16, r >> 32);
            if (r % 8 < 2) handler.pass(a);
            else if (r % 8 == 2) handler.askOwnKeys(a);
            else if (r % 8 == 3) handler.proposeRemoval(a, b);
            else if (r % 8 < 6) handler.voteTogether(a, b);
            else if (r % 8 == 6) handler.execute(a);
            else if (i > 300) handler.proveEquivocation(a);
            if (BOOTSTRAP.validatorCount() > most) most = BOOTSTRAP.validatorCount();
        }
        require(most > 4, "admissions");
        require(handler.changes() > 5, "changes");
        require(handler.evidenced() == 1, "jail");
        invariant_onlyTheRulesChangeTheSet();
    }

    /// Only a passed proposal, a proof of equivocation or `leave` changes the set; once per block; with its number.
    function invariant_onlyTheRulesChangeTheSet() public view {
        if (handler.surpriseCount() != 0) revert(handler.surprises(0));
        assertEq(BOOTSTRAP.setId(), handler.changes(), "set id");
    }

    function invariant_setIsNeverEmptyAndNobodyIsTwiceInIt() public view {
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        require(set.length > 0, "the set is empty");
        assertEq(BOOTSTRAP.validatorCount(), set.length, "count");
        for (uint256 i = 0; i < set.length; ++i) {
            require(set[i].status == ValidatorStatus.Active, "only active ones are in");
            for (uint256 j = 0; j < i; ++j) {
                require(set[i].account != set[j].account, "account twice");
                require(set[i].consensusKey != set[j].consensusKey, "consensus key twice");
                require(set[i].checkpointKey != set[j].checkpointKey, "checkpoint key twice");
                require(keccak256(set[i].peerId) != keccak256(set[j].peerId), "peer id twice");
            }
        }
    }

    function invariant_statusTellsWhoIsIn() public view {
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        for (uint256 i = 0; i < handler.ACCOUNTS(); ++i) {
            bool listed = false;
            for (uint256 j = 0; j < set.length; ++j) {
                if (set[j].account == handler.account(i)) listed = true;
            }
            require(BOOTSTRAP.isValidator(handler.account(i)) == listed, "status and set differ");
        }
    }

    function invariant_jailedKeysAreNeverInTheSet() public view {
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        for (uint256 i = 0; i < set.length; ++i) {
            (address account, bool jailed) = BOOTSTRAP.consensusKeyOf(set[i].consensusKey);
            require(!jailed, "a jailed key is in");
            assertEq(account, set[i].account, "a key's account");
        }
        require(handler.evidenced() <= 1, "one key is jailed once");
    }

    function invariant_membersCountTheirValidators() public view {
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        for (uint32 id = 1; id <= BOOTSTRAP.memberCount(); ++id) {
            uint256 count = 0;
            for (uint256 i = 0; i < set.length; ++i) {
                if (set[i].memberId == id) ++count;
            }
            assertEq(BOOTSTRAP.member(id).validators, count, "validators of a member");
            require(count == 0 || BOOTSTRAP.isActiveMember(id), "a removed member validates");
        }
    }

    function input(bytes memory signed) private pure returns (bytes memory) {
        uint256 split = signed.length - 64;
        bytes memory statement = new bytes(split);
        bytes memory signature = new bytes(64);
        for (uint256 i = 0; i < signed.length; ++i) {
            if (i < split) statement[i] = signed[i];
            else signature[i - split] = signed[i];
        }
        return bytes.concat(V.KEY, signature, statement);
    }
}
