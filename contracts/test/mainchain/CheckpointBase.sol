// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../../src/interfaces/ICheckpoint.sol";
import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { Assertions } from "../base/Assertions.sol";

/// A mainchain (Ethereum Classic's test net) with a fresh anchor, and sets of four validators that can sign for it.
abstract contract CheckpointBase is Assertions {
    bytes32 internal constant GENESIS = keccak256("sidechain");
    uint256 internal constant CHAIN = 63;
    uint256 internal constant SIZE = 4;
    uint256 internal constant QUORUM = 3;
    uint256 internal constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    ICheckpoint internal anchor;

    function setUp() public virtual {
        vm.chainId(CHAIN);
        vm.warp(1_800_000_000);
        anchor = new Anchor(GENESIS, 0, keysOf(0));
    }

    /// The secret of a validator of a set.
    function secret(uint64 setId, uint256 position) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("checkpoint key", setId, position))) >> 1;
    }

    function keysOf(uint64 setId, uint256 size) internal pure returns (address[] memory keys) {
        keys = new address[](size);
        for (uint256 i = 0; i < size; ++i) {
            keys[i] = vm.addr(secret(setId, i));
        }
    }

    function keysOf(uint64 setId) internal pure returns (address[] memory) {
        return keysOf(setId, SIZE);
    }

    function hashOf(uint64 setId) internal pure returns (bytes32) {
        return keccak256(abi.encode(setId, keysOf(setId)));
    }

    /// A checkpoint that follows the last one: same epoch, set 0, and again set 0 after it.
    function next() internal view returns (Checkpoint memory) {
        uint64 index = anchor.headIndex() + 1;
        return Checkpoint({
            index: index,
            epoch: anchor.getLastCheckpoint().epoch,
            setId: 0,
            height: 100 * index,
            blockHash: keccak256(abi.encode("block", index)),
            stateRoot: keccak256(abi.encode("state", index)),
            historyRoot: keccak256(abi.encode("history", index)),
            parent: anchor.fingerprintOf(index - 1),
            nextSetHash: hashOf(0)
        });
    }

    /// The same place in the sequence, another content.
    function rival(Checkpoint memory c, uint256 number) internal pure returns (Checkpoint memory other) {
        other = abi.decode(abi.encode(c), (Checkpoint));
        other.blockHash = keccak256(abi.encode("rival", number));
    }

    function sign(bytes32 digest, uint256 bitmap, uint64 setId) internal pure returns (bytes memory signatures) {
        for (uint256 i = 0; i < 256; ++i) {
            if (bitmap >> i & 1 == 1) signatures = bytes.concat(signatures, signature(secret(setId, i), digest));
        }
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// Submits with the signatures of these validators of the checkpoint's own set.
    function submit(Checkpoint memory c, uint256 bitmap) internal returns (bool) {
        bytes memory signatures = sign(anchor.fingerprint(c), bitmap, c.setId);
        return anchor.makeCheckpoint(c, keysOf(c.setId), bitmap, signatures);
    }

    function accept(Checkpoint memory c) internal {
        require(submit(c, 7), "accepted");
    }

    /// Accepts the next checkpoint, signed by validators 0, 1 and 2.
    function acceptNext() internal returns (Checkpoint memory c) {
        c = next();
        accept(c);
    }

    /// Submits what must revert: the signatures are made before the revert is expected.
    function refuse(Checkpoint memory c, bytes memory reason) internal {
        refuse(c, 7, reason);
    }

    function refuse(Checkpoint memory c, uint256 bitmap, bytes memory reason) internal {
        refuse(c, keysOf(c.setId), bitmap, sign(anchor.fingerprint(c), bitmap, c.setId), reason);
    }

    function refuse(
        Checkpoint memory c,
        address[] memory keys,
        uint256 bitmap,
        bytes memory signatures,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        anchor.makeCheckpoint(c, keys, bitmap, signatures);
    }
}
