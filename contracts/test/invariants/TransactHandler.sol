// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Authorization, CodeStatus } from "../../src/types/TransactTypes.sol";
import { Base } from "../base/Base.sol";

/// Users, clouds and time, in any order; beside them a plain model of every code, which the contract must agree with.
contract TransactHandler is Base {
    struct Model {
        address holder;
        bool counted;
        bool redeemed;
        bool cancelled;
        uint256 expiresAt;
    }

    uint256 public constant USERS = 4;
    uint32 public constant MEMBERS = 3;

    mapping(uint256 codeId => Model) public models;
    uint256[] public ids;
    uint256 public rewards;
    uint256 public redemptions;
    uint256 public refusals;
    /// Calls that succeeded or failed against the model.
    string[] public surprises;

    function user(uint256 i) public pure returns (address) {
        return vm.addr(0x5EED + i);
    }

    function owner(uint32 memberId) public pure returns (address) {
        return memberId == 1 ? OWNER_1 : memberId == 2 ? OWNER_2 : OWNER_3;
    }

    function idCount() external view returns (uint256) {
        return ids.length;
    }

    function surpriseCount() external view returns (uint256) {
        return surprises.length;
    }

    function pass(uint256 secs) external {
        // Seconds, or a holder's whole period.
        wait_(secs % 4 == 0 ? (secs >> 2) % (2 * PERIOD) : (secs >> 2) % 30);
    }

    function ask(uint256 who, uint256 spec) external {
        address sender = user(who % USERS);
        uint32 specId = uint32(spec % 2) + 1;
        vm.prank(sender);
        try TRANSACT.requestCode(specId) returns (uint256 id) {
            if (models[id].expiresAt != 0) surprises.push("an id was issued twice");
            uint256 ttl = specId == SMALL ? SMALL_TTL : FLASH_TTL;
            models[id] = Model(sender, true, false, false, vm.getBlockTimestamp() + ttl);
            ids.push(id);
        } catch {
            ++refusals;
        }
    }

    function give(uint256 code, uint256 from, uint256 to) external {
        (uint256 id, Model storage m) = pick(code);
        address sender = mostly(m.holder, from);
        address receiver = user(to % USERS);
        bool may = alive(m) && sender == m.holder && receiver != sender;
        vm.prank(sender);
        try TRANSACT.transfer(id, receiver) {
            if (!may) surprises.push("a transfer that must fail");
            (m.holder, m.counted) = (receiver, false);
        } catch {
            if (may) surprises.push("a transfer that must work");
        }
    }

    function cancel(uint256 code, uint256 from) external {
        (uint256 id, Model storage m) = pick(code);
        address sender = mostly(m.holder, from);
        bool may = alive(m) && sender == m.holder;
        vm.prank(sender);
        try TRANSACT.cancel(id) {
            if (!may) surprises.push("a cancellation that must fail");
            (m.cancelled, m.counted) = (true, false);
        } catch {
            if (may) surprises.push("a cancellation that must work");
        }
    }

    function redeem(uint256 code, uint256 signer, uint32 member, bool signedForIt) external {
        (uint256 id, Model storage m) = pick(code);
        uint32 memberId = member % MEMBERS + 1;
        uint256 deadline = vm.getBlockTimestamp();
        uint256 key = keyOf(mostly(m.holder, signer));
        uint32 named = signedForIt ? memberId : memberId % MEMBERS + 1;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, TRANSACT.redemptionDigest(id, named, "ref", deadline));
        bool consents = id >> 64 == FLASH || (signedForIt && vm.addr(key) == m.holder);
        bool may = alive(m) && consents && canTake(memberId, uint32(id >> 64));
        vm.prank(owner(memberId));
        try TRANSACT.redeem(id, Authorization("ref", deadline, abi.encodePacked(r, s, v))) {
            if (!may) surprises.push("a redemption that must fail");
            (m.redeemed, m.counted) = (true, false);
            rewards += TRANSACT.spec(uint32(id >> 64)).reward;
            ++redemptions;
        } catch {
            if (may) surprises.push("a redemption that must work");
        }
    }

    function setOffer(uint32 member, uint256 spec, uint32 quantity) external {
        vm.prank(owner(member % MEMBERS + 1));
        try TRANSACT.setOffer(uint32(spec % 2) + 1, quantity % 40) { }
        catch {
            ++refusals;
        }
    }

    function pause(uint32 member, uint256 spec, bool on) external {
        uint32 specId = uint32(spec % 2) + 1;
        uint32 memberId = member % MEMBERS + 1;
        if (TRANSACT.offer(memberId, specId).paused == on) return;
        vm.prank(owner(memberId));
        if (on) TRANSACT.pause(specId);
        else TRANSACT.resume(specId);
    }

    function sweep(uint256 spec, uint32 count) external {
        TRANSACT.sweep(uint32(spec % 2) + 1, count % 5);
    }

    function forget(uint256 who) external {
        try TRANSACT.forget(user(who % USERS)) { }
        catch {
            ++refusals;
        }
    }

    function alive(Model storage m) private view returns (bool) {
        return !m.redeemed && !m.cancelled && vm.getBlockTimestamp() < m.expiresAt;
    }

    function canTake(uint32 memberId, uint32 specId) private view returns (bool) {
        return TRANSACT.offer(memberId, specId).quantity > 0 && !TRANSACT.offer(memberId, specId).paused;
    }

    /// The holder three times of four, else anybody.
    function mostly(address holder, uint256 seed) private pure returns (address) {
        return seed % 4 == 0 || holder == address(0) ? user((seed >> 2) % USERS) : holder;
    }

    function keyOf(address account) private pure returns (uint256 key) {
        key = 0x5EED;
        while (vm.addr(key) != account) ++key;
    }

    /// One of the newest codes: most of the others have ended.
    function pick(uint256 code) private view returns (uint256 id, Model storage m) {
        uint256 count = ids.length;
        id = count == 0 ? 0 : ids[count - 1 - code % (count < 8 ? count : 8)];
        return (id, models[id]);
    }
}
