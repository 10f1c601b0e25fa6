// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint, LastCheckpoint } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";

/// Submits whatever comes to its mind to an anchor, and keeps a model of what has to follow.
contract CheckpointHandler is CheckpointBase {
    uint64 private constant SETS = 5;

    Checkpoint[] private _accepted; // index 1 first
    bytes32[] private _fingerprints; // index 0 first: the genesis
    uint64[] private _sets; // who signs an index; index 1 first, and one more than accepted
    uint256[] private _rejected; // per index, from 1: who signed something else
    uint64 private _setId; // that signs next

    function setUp() public override { }

    constructor() {
        vm.chainId(CHAIN);
        anchor = new Anchor(GENESIS, 0, keysOf(0));
        _fingerprints.push(GENESIS);
        _sets.push(0);
    }

    /// The next checkpoint, good in all but what `flaw` spoils; signed by some.
    function submitNext(uint256 bitmap, uint64 step, bool recovers, uint8 turn, uint8 flaw) external {
        bitmap &= 15;
        flaw %= 12; // half of what is tried is good
        uint64 nextSet = turn < 64 ? turn % SETS : _setId;
        Checkpoint memory c = _candidate(step % 100 + 1, recovers, nextSet);
        _spoil(c, flaw);
        bool good = flaw > 5 && _ones(bitmap) >= QUORUM;
        if (_submit(c, bitmap, _setId, good)) {
            require(good, "accepted what is flawed, or signed by too few");
            _accepted.push(c);
            _fingerprints.push(anchor.fingerprint(c));
            _setId = nextSet;
            _sets.push(nextSet);
            _rejected.push(0);
        }
    }

    /// One that was accepted, without any signature.
    function submitAgain(uint256 which) external {
        if (_accepted.length == 0) return;
        require(anchor.makeCheckpoint(_accepted[which % _accepted.length], new address[](0), 0, ""), "a duplicate");
    }

    /// Another one for a taken index.
    function submitRival(uint256 which, uint256 number, uint256 bitmap) external {
        if (_accepted.length == 0) return;
        which %= _accepted.length;
        bitmap &= 15;
        Checkpoint memory c = rival(_accepted[which], number % 6);
        require(!_submit(c, bitmap, _sets[which], bitmap != 0), "a rival was accepted");
        _rejected[which] |= bitmap;
    }

    function check() external view {
        LastCheckpoint memory last = anchor.getLastCheckpoint();
        uint64 count = uint64(_accepted.length);
        assertEq(last.index, count, "as many as were accepted");
        assertEq(last.nextSetHash, hashOf(_setId), "who signs next");
        for (uint64 i = 0; i <= count; ++i) {
            assertEq(anchor.fingerprintOf(i), _fingerprints[i], "an accepted fingerprint changed");
            assertEq(anchor.setHashOf(i + 1), hashOf(_sets[i]), "who signs");
        }
        assertEq(anchor.fingerprintOf(count + 1), 0, "beyond the head");
        for (uint64 i = 1; i <= count; ++i) {
            _checkLink(i);
            assertEq(anchor.rejectionOf(i).signers, _rejected[i - 1], "who signed something else");
        }
    }

    function _checkLink(uint64 index) private view {
        Checkpoint memory c = _accepted[index - 1];
        assertEq(c.parent, _fingerprints[index - 1], "parent");
        if (index == 1) return;
        Checkpoint memory before = _accepted[index - 2];
        require(c.height > before.height, "heights rise");
        require(c.epoch == before.epoch || c.epoch == before.epoch + 1, "epochs rise by one");
        assertEq(hashOf(c.setId), before.nextSetHash, "signed by whom the one before named");
    }

    /// Whether it was accepted. A revert must be one that was to be expected.
    function _submit(Checkpoint memory c, uint256 bitmap, uint64 setId, bool expected) private returns (bool) {
        bytes memory signatures = sign(anchor.fingerprint(c), bitmap, setId);
        try anchor.makeCheckpoint(c, keysOf(setId), bitmap, signatures) returns (bool taken) {
            return taken;
        } catch {
            require(!expected, "refused what is good");
            return false;
        }
    }

    function _candidate(uint64 step, bool recovers, uint64 nextSet) private view returns (Checkpoint memory c) {
        c = next();
        c.setId = _setId;
        c.height = anchor.getHeight() + step;
        if (recovers) ++c.epoch;
        c.nextSetHash = hashOf(nextSet);
    }

    /// Flaws 0 to 5; others are none.
    function _spoil(Checkpoint memory c, uint8 flaw) private view {
        if (flaw == 0) ++c.index;
        if (flaw == 1) c.parent = keccak256("elsewhere");
        if (flaw == 2) c.epoch += 2;
        if (flaw == 3) c.height = anchor.getHeight();
        if (flaw == 4) c.nextSetHash = 0;
        if (flaw == 5) ++c.setId;
    }

    function _ones(uint256 bitmap) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < SIZE; ++i) {
            sum += bitmap >> i & 1;
        }
    }
}
