// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Candidate, NotaryTuple } from "../../src/types/BootstrapTypes.sol";
import { Base } from "./Base.sol";

/// Voting, as the four validators do it.
abstract contract GovernanceBase is Base {
    address internal constant NEWCOMER = address(0xD1);

    function vote(uint256 i, uint256 id, bool support) internal {
        vm.prank(voter(i));
        BOOTSTRAP.vote(id, support, noTuple());
    }

    function vote(uint256 i, uint256 id, NotaryTuple memory t) internal {
        vm.prank(voter(i));
        BOOTSTRAP.vote(id, true, t);
    }

    /// Votes of validators 0, 1 and 2, and the timelock.
    function pass(uint256 id) internal {
        for (uint256 i = 0; i < 3; ++i) {
            vote(i, id, true);
        }
        wait_(TIMELOCK);
    }

    function pass(uint256 id, NotaryTuple memory t) internal {
        for (uint256 i = 0; i < 3; ++i) {
            vote(i, id, t);
        }
        wait_(TIMELOCK);
    }

    function candidate(uint256 k) internal pure returns (Candidate memory) {
        return Candidate(0, "Dorado", consensusKey(k), checkpointKey(k), peerId(k), keccak256("record"));
    }

    function membershipOnly(string memory name) internal pure returns (Candidate memory) {
        return Candidate(0, name, 0, address(0), "", 0);
    }

    function ask(address account, Candidate memory c) internal returns (uint256) {
        vm.prank(account);
        return BOOTSTRAP.requestAdmission(c);
    }

    function admit(address account, Candidate memory c) internal {
        uint256 id = ask(account, c);
        pass(id, tuple(1, 1));
        BOOTSTRAP.execute(id);
    }

    function proposeRemoval(address account) internal returns (uint256) {
        vm.prank(voter(0));
        return BOOTSTRAP.proposeRemoval(account);
    }

    function remove(address account) internal {
        uint256 id = proposeRemoval(account);
        pass(id);
        BOOTSTRAP.execute(id);
    }
}
