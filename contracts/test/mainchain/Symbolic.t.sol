// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Checkpoint as Anchor } from "../../src/mainchain/Checkpoint.sol";
import { Checkpoint } from "../../src/types/CheckpointTypes.sol";
import { Vm } from "../base/Vm.sol";

/// The cheatcodes of halmos that these proofs use.
interface Svm {
    function enableSymbolicStorage(address account) external;
    function createUint(uint256 bits, string calldata name) external returns (uint256);
    function createBytes(uint256 size, string calldata name) external returns (bytes memory);
}

/// Proofs by halmos (`npm run halmos`), not tests of forge: whatever the storage holds, whatever is submitted, with any
/// signatures, by a set of four. What is assumed ends the loops: the set has changed at most once, and nothing was rejected at
/// the index so far.
contract SymbolicTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm private constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

    uint256 private constant SIZE = 4;
    uint256 private constant QUORUM = 3;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    bytes32 private constant HEAD_SLOT = 0; // index 64 | epoch 64 | height 64 | turn 56 | keysSeen 8, from the low bits

    Anchor private constant anchor = Anchor(address(0xA4C409));
    address[] private keys;

    function setUp() public {
        for (uint160 i = 1; i <= SIZE; ++i) {
            keys.push(address(0x1000 + i));
        }
        // The code alone: only slots that nobody has written become symbols.
        vm.etch(address(anchor), address(new Anchor(keccak256("sidechain"), 0, keys)).code);
    }

    /// The head never falls, and rises by one at most.
    function check_headNeverFalls(Checkpoint memory c, uint8 bitmap) public {
        uint64 before = anyState();
        submit(c, bitmap);
        uint64 later = anchor.headIndex();
        assert(later == before || later == before + 1);
    }

    /// What was accepted for an index stays.
    function check_acceptedNeverChanges(Checkpoint memory c, uint8 bitmap, uint64 index) public {
        uint64 before = anyState();
        vm.assume(index <= before);
        bytes32 print = anchor.fingerprintOf(index);
        submit(c, bitmap);
        assert(anchor.fingerprintOf(index) == print);
    }

    /// Fewer signatures than the quorum accept nothing.
    function check_belowQuorumNothingIsAccepted(Checkpoint memory c, uint8 bitmap) public {
        uint64 before = anyState();
        vm.assume(ones(bitmap) < QUORUM);
        submit(c, bitmap);
        assert(anchor.headIndex() == before);
    }

    /// What is accepted follows the last one, and each that the bitmap names has signed it, with an s in the lower half.
    function check_acceptedIsLinkedAndSigned(Checkpoint memory c, uint8 bitmap) public {
        uint64 before = anyState();
        bytes32 parent = anchor.fingerprintOf(before);
        uint64 height = anchor.getHeight();
        bytes memory signatures = submit(c, bitmap);
        if (anchor.headIndex() == before) return;
        assert(c.index == before + 1 && c.parent == parent && c.height > height && c.nextSetHash != 0);
        bytes32 print = anchor.fingerprint(c);
        assert(anchor.fingerprintOf(c.index) == print);
        uint256 at = 0;
        for (uint256 i = 0; i < SIZE; ++i) {
            if (bitmap >> i & 1 == 0) continue;
            assert(signer(print, signatures, at) == keys[i]);
            at += 65;
        }
    }

    /// Any storage whatever, but for the bounds that end its loops. Returns the head's index.
    function anyState() private returns (uint64 head) {
        svm.enableSymbolicStorage(address(anchor));
        uint256 turn = uint256(vm.load(address(anchor), HEAD_SLOT)) >> 192 & type(uint56).max;
        vm.assume(turn <= 1);
        head = anchor.headIndex();
        vm.assume(head < type(uint64).max);
    }

    /// Submits with any signatures. Each bitmap of four bits goes a path of its own.
    function submit(Checkpoint memory c, uint256 bitmap) private returns (bytes memory signatures) {
        vm.assume(bitmap < 1 << SIZE);
        vm.assume(anchor.rejectionOf(c.index).bitmap == 0);
        for (uint256 b = 0; b < 1 << SIZE; ++b) {
            if (b != bitmap) continue;
            signatures = svm.createBytes(65 * ones(b), "signatures");
            try anchor.makeCheckpoint(c, keys, b, signatures) returns (bool) { } catch { }
        }
    }

    function signer(bytes32 print, bytes memory signatures, uint256 at) private pure returns (address) {
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            let from := add(add(signatures, 32), at)
            r := mload(from)
            s := mload(add(from, 32))
            v := byte(0, mload(add(from, 64)))
        }
        assert(uint256(s) <= HALF_ORDER);
        return ecrecover(print, v, r, s);
    }

    function ones(uint256 bitmap) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < SIZE; ++i) {
            sum += bitmap >> i & 1;
        }
    }
}
