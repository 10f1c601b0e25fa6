// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Candidate, Proposal, ProposalKind, Validator } from "../../src/types/BootstrapTypes.sol";
import { Ed25519Vectors as V } from "../base/Ed25519Vectors.sol";
import { Base } from "../base/Base.sol";

/// Validators, candidates, members and strangers, in any order. Every action notes whether the set changed, and whether
/// it was one that may change it.
contract BootstrapHandler is Base {
    uint256 public constant ACCOUNTS = 8;

    string[] public surprises;
    uint256 public changes;
    uint256 public lastChangeAt;
    uint256 public evidenced;

    /// The set changes in actions that may change it, by one per block, and only with the id.
    modifier watched(bool mayChange) {
        bytes32 before = fingerprint();
        uint64 setId = BOOTSTRAP.setId();
        _;
        bool changed = fingerprint() != before;
        if (changed != (BOOTSTRAP.setId() == setId + 1)) surprises.push("set and id change together");
        if (changed) {
            if (!mayChange) surprises.push("an action that must not change the set");
            if (lastChangeAt == vm.getBlockNumber()) surprises.push("two changes in one block");
            lastChangeAt = vm.getBlockNumber();
            ++changes;
        } else if (BOOTSTRAP.setId() != setId) {
            surprises.push("the id changed alone");
        }
    }

    function surpriseCount() external view returns (uint256) {
        return surprises.length;
    }

    function account(uint256 i) public pure returns (address) {
        return voter(i % ACCOUNTS);
    }

    function pass(uint256 secs) external watched(false) {
        wait_(secs % 3 days);
    }

    /// Keys of a small space, so that candidates collide with each other and with the set.
    function ask(uint256 who, uint256 key, uint256 checkpoint_, uint256 peer, bool membershipAlone)
        external
        watched(false)
    {
        Candidate memory c;
        c.memberName = string(abi.encodePacked("member ", bytes1(uint8(65 + who % ACCOUNTS))));
        if (!membershipAlone) {
            c.consensusKey = key % ACCOUNTS == 0 ? V.KEY : consensusKey(key % ACCOUNTS);
            c.checkpointKey = checkpointKey(checkpoint_ % ACCOUNTS);
            c.peerId = peerId(peer % ACCOUNTS);
        }
        vm.prank(account(who));
        try BOOTSTRAP.requestAdmission(c) { } catch { }
    }

    /// A clean request, so that sets do grow.
    function askOwnKeys(uint256 who) external watched(false) {
        uint256 i = 4 + who % 4;
        address a = account(i);
        uint32 memberId = BOOTSTRAP.memberOf(a);
        string memory name = memberId == 0 ? string(abi.encodePacked("clean ", bytes1(uint8(65 + i)))) : "";
        vm.prank(a);
        try BOOTSTRAP.requestAdmission(
            Candidate(memberId, name, consensusKey(i), checkpointKey(i), peerId(i), bytes32(i))
        ) { }
            catch { }
    }

    function proposeRemoval(uint256 who, uint256 whom) external watched(false) {
        vm.prank(account(who));
        try BOOTSTRAP.proposeRemoval(account(whom)) { } catch { }
    }

    function proposeMemberRemoval(uint256 who, uint32 memberId) external watched(false) {
        vm.prank(account(who));
        try BOOTSTRAP.proposeMemberRemoval(memberId % 6) { } catch { }
    }

    /// All but one of the validators vote the same, as they mostly do.
    function voteTogether(uint256 proposal, uint256 dissenter) external watched(false) {
        uint256 id = pick(proposal);
        if (id == 0) return;
        bool admits = BOOTSTRAP.proposal(id).kind == ProposalKind.Admit;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (i == dissenter % (2 * ACCOUNTS)) continue;
            vm.prank(account(i));
            try BOOTSTRAP.vote(id, true, admits ? tuple(1, 1) : noTuple()) { } catch { }
        }
    }

    function vote(uint256 who, uint256 proposal, bool support) external watched(false) {
        vm.prank(account(who));
        try BOOTSTRAP.vote(pick(proposal), support, noTuple()) { } catch { }
    }

    function unvote(uint256 who, uint256 proposal) external watched(false) {
        vm.prank(account(who));
        try BOOTSTRAP.unvote(pick(proposal)) { } catch { }
    }

    function recount(uint256 proposal) external watched(false) {
        try BOOTSTRAP.recount(pick(proposal)) { } catch { }
    }

    function execute(uint256 proposal) external watched(true) {
        uint256 id = pick(proposal);
        if (id == 0) return;
        Proposal memory p = BOOTSTRAP.proposal(id);
        (uint256 votes, uint256 needed,) = BOOTSTRAP.tally(id);
        try BOOTSTRAP.execute(id) {
            if (votes < needed) surprises.push("executed without its majority");
            if (vm.getBlockTimestamp() < p.passedAt + TIMELOCK) surprises.push("executed within its timelock");
        } catch { }
    }

    function leave(uint256 who) external watched(true) {
        vm.prank(account(who));
        try BOOTSTRAP.leave() { } catch { }
    }

    function proveEquivocation(uint256 which) external watched(true) {
        bool honest = which % 2 == 0;
        try BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, honest ? V.RESEAL_X : V.SEAL_Y) {
            if (honest) surprises.push("jailed for what honest validators sign");
            ++evidenced;
        } catch { }
    }

    function setRedeemer(uint256 who, uint256 key, bool enabled) external watched(false) {
        vm.prank(who % 4 == 0 ? OWNER_1 : account(who));
        try BOOTSTRAP.setRedeemer(account(key), enabled) { } catch { }
    }

    function pick(uint256 proposal) private view returns (uint256) {
        uint256 count = BOOTSTRAP.proposalCount();
        // The newest few: old ones are dead.
        return count == 0 ? 0 : count - proposal % (count < 4 ? count : 4);
    }

    function fingerprint() private view returns (bytes32) {
        (, Validator[] memory set) = BOOTSTRAP.validatorSet();
        return keccak256(abi.encode(set));
    }
}
