// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ICheckpoint } from "../interfaces/ICheckpoint.sol";
import { Checkpoint as Point, LastCheckpoint, Rejection } from "../types/CheckpointTypes.sol";
import { Signatures } from "./Signatures.sol";

/// The sequence of checkpoints. Stored per checkpoint: its fingerprint, one slot.
contract Checkpoint is ICheckpoint {
    /// Keys of a set: as many as the bitmap has bits.
    uint256 public constant KEYS_MAX = 256;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("Cloud Ledger Checkpoint");
    bytes32 private constant VERSION_HASH = keccak256("1");

    /// EIP-712 type of a checkpoint.
    bytes32 public constant CHECKPOINT_TYPEHASH = keccak256(
        "Checkpoint(uint64 index,uint64 epoch,uint64 setId,uint64 height,bytes32 blockHash,bytes32 stateRoot,bytes32 historyRoot,bytes32 parent,bytes32 nextSetHash)"
    );

    /// One slot: the only one, beside the new fingerprint, that a checkpoint writes unless the set changes.
    struct Head {
        uint64 index;
        uint64 epoch;
        uint64 height;
        uint56 turn; // number of the turn (of a set to sign) that signs next
        bool keysSeen; // that turn's keys were shown, and are distinct
    }

    /// A set's turn to sign: from an index on, until the next turn.
    struct Turn {
        bytes32 setHash;
        uint64 fromIndex;
        uint64 setId; // known once its keys were shown
    }

    Head private _head;
    mapping(uint64 index => bytes32) private _fingerprints; // index 0: the sidechain's genesis hash
    mapping(uint56 turn => Turn) private _turns;
    mapping(uint64 index => Rejection) private _rejections;

    /// @param sidechainGenesis hash of the sidechain's genesis block: the first checkpoint's parent
    /// @param setId number of the set that signs first
    /// @param checkpointKeys of that set, in its order
    constructor(bytes32 sidechainGenesis, uint64 setId, address[] memory checkpointKeys) {
        if (sidechainGenesis == 0) revert GenesisMissing();
        if (checkpointKeys.length == 0) revert SetEmpty();
        _checkKeys(checkpointKeys);
        _fingerprints[0] = sidechainGenesis;
        _turns[0] = Turn(keccak256(abi.encode(setId, checkpointKeys)), 1, setId);
        _head.keysSeen = true;
    }

    /// @inheritdoc ICheckpoint
    function makeCheckpoint(Point calldata c, address[] calldata keys, uint256 bitmap, bytes calldata signatures)
        external
        returns (bool)
    {
        bytes32 print = fingerprint(c);
        Head memory head = _head;
        if (c.index != 0 && c.index <= head.index) {
            bytes32 accepted = _fingerprints[c.index];
            if (print == accepted) return true;
            uint256 signers = _signersOfTaken(c.index, print, keys, bitmap, signatures);
            if (signers == 0) revert RejectionUnsigned(c.index, print, accepted);
            _recordRejection(c.index, print, signers);
            return false;
        }
        _checkSequence(c, head);
        bytes32 expected = _turns[head.turn].setHash;
        _checkSet(setHash(c.setId, keys), expected);
        if (!head.keysSeen) _see(head, c.setId, keys);
        uint256 count = _checkShape(keys.length, bitmap, signatures.length);
        if (count < quorum(keys.length)) revert QuorumMissing(count, quorum(keys.length));
        uint256 valid = Signatures.validOf(print, keys, bitmap, signatures);
        if (valid != bitmap) revert SignaturesInvalid(bitmap, valid);
        _accept(c, head, print, expected);
        emit CheckpointMade(c.index, print, c, expected, bitmap);
        return true;
    }

    /// @inheritdoc ICheckpoint
    function getLastCheckpoint() external view returns (LastCheckpoint memory) {
        Head memory head = _head;
        return LastCheckpoint({
            index: head.index,
            epoch: head.epoch,
            height: head.height,
            fingerprint: _fingerprints[head.index],
            nextSetHash: _turns[head.turn].setHash
        });
    }

    /// @inheritdoc ICheckpoint
    function getHeight() external view returns (uint64) {
        return _head.height;
    }

    /// @inheritdoc ICheckpoint
    function headIndex() external view returns (uint64) {
        return _head.index;
    }

    /// @inheritdoc ICheckpoint
    function fingerprintOf(uint64 index) external view returns (bytes32) {
        return _fingerprints[index];
    }

    /// @inheritdoc ICheckpoint
    function setHashOf(uint64 index) external view returns (bytes32) {
        uint64 next = _head.index + 1;
        if (index == 0 || index > next) revert IndexOutOfOrder(index, next);
        return _turnOf(index).setHash;
    }

    /// @inheritdoc ICheckpoint
    function rejectionOf(uint64 index) external view returns (Rejection memory) {
        return _rejections[index];
    }

    /// @inheritdoc ICheckpoint
    // slither-disable-next-line assembly
    function fingerprint(Point calldata c) public view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32 typehash = CHECKPOINT_TYPEHASH;
        bytes32 content;
        // keccak256(abi.encode(typehash, c)), 1,400 gas cheaper than the compiler's copy, field by field.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, typehash)
            calldatacopy(add(at, 32), c, 288) // nine words
            content := keccak256(at, 320)
        }
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    /// @inheritdoc ICheckpoint
    // slither-disable-next-line assembly
    function setHash(uint64 setId, address[] calldata keys) public pure returns (bytes32 hash) {
        uint256 id = setId;
        // keccak256(abi.encode(setId, keys)), 160 gas per key cheaper than the compiler's copy, key by key.
        assembly ("memory-safe") {
            let at := mload(0x40)
            let size := mul(keys.length, 32)
            mstore(at, id)
            mstore(add(at, 32), 64) // where the keys start
            mstore(add(at, 64), keys.length)
            calldatacopy(add(at, 96), keys.offset, size)
            hash := keccak256(at, add(96, size))
        }
    }

    /// @inheritdoc ICheckpoint
    function quorum(uint256 count) public pure returns (uint256) {
        return 2 * count / 3 + 1;
    }

    function _checkSequence(Point calldata c, Head memory head) private view {
        if (c.index != head.index + 1) revert IndexOutOfOrder(c.index, head.index + 1);
        bytes32 last = _fingerprints[head.index];
        if (c.parent != last) revert ParentUnknown(c.parent, last);
        if (c.epoch != head.epoch && c.epoch != head.epoch + 1) revert EpochOutOfOrder(c.epoch, head.epoch);
        if (c.height <= head.height) revert HeightNotAbove(c.height, head.height);
        if (c.nextSetHash == 0) revert NextSetMissing(c.index);
    }

    /// Writes what an accepted checkpoint changes.
    function _accept(Point calldata c, Head memory head, bytes32 print, bytes32 signedBy) private {
        _fingerprints[c.index] = print;
        if (c.epoch != head.epoch) emit Recovered(c.index, c.epoch);
        if (c.nextSetHash != signedBy) {
            ++head.turn;
            head.keysSeen = false;
            _turns[head.turn] = Turn(c.nextSetHash, c.index + 1, 0);
        }
        (head.index, head.epoch, head.height) = (c.index, c.epoch, c.height);
        _head = head;
    }

    /// The first checkpoint of a turn shows the keys that its hash stands for: the one time they are compared.
    function _see(Head memory head, uint64 setId, address[] calldata keys) private {
        _checkKeys(keys);
        _turns[head.turn].setId = setId;
        head.keysSeen = true;
    }

    /// Who of the set that was to sign a taken index signed another fingerprint for it.
    function _signersOfTaken(
        uint64 index,
        bytes32 print,
        address[] calldata keys,
        uint256 bitmap,
        bytes calldata signatures
    ) private view returns (uint256) {
        Turn memory turn = _turnOf(index);
        _checkSet(setHash(turn.setId, keys), turn.setHash);
        _checkShape(keys.length, bitmap, signatures.length);
        return Signatures.validOf(print, keys, bitmap, signatures);
    }

    /// Records what is new: a signer that was not known at this index, or more signatures than under any other rejected
    /// fingerprint. So no flood of small conflicts hides a large one, and there are at most two records per key.
    function _recordRejection(uint64 index, bytes32 print, uint256 signers) private {
        Rejection storage known = _rejections[index];
        bool strongest = Signatures.count(signers) > Signatures.count(known.bitmap);
        if (!strongest && signers & ~known.signers == 0) return;
        if (strongest) (known.fingerprint, known.bitmap) = (print, signers);
        known.signers |= signers;
        emit FingerprintRejected(index, print, signers);
    }

    /// The turn that an index belongs to: the last one that starts at or before it.
    function _turnOf(uint64 index) private view returns (Turn memory) {
        (uint56 low, uint56 high) = (0, _head.turn);
        while (low < high) {
            uint56 middle = high - (high - low) / 2;
            if (_turns[middle].fromIndex <= index) low = middle;
            else high = middle - 1;
        }
        return _turns[low];
    }

    function _checkSet(bytes32 got, bytes32 expected) private pure {
        if (got != expected) revert SetUnknown(got, expected);
    }

    /// Number of signatures, once bitmap, keys and signatures fit each other.
    function _checkShape(uint256 keyCount, uint256 bitmap, uint256 length) private pure returns (uint256 count) {
        if (bitmap >> keyCount != 0) revert BitmapBeyondSet(bitmap, keyCount);
        count = Signatures.count(bitmap);
        if (length != count * Signatures.BYTES) revert SignaturesLength(length, count * Signatures.BYTES);
    }

    /// Nobody has two votes, and the bitmap has a bit for everybody.
    function _checkKeys(address[] memory keys) private pure {
        if (keys.length > KEYS_MAX) revert SetTooLarge(keys.length, KEYS_MAX);
        for (uint256 i = 0; i < keys.length; ++i) {
            address key = keys[i];
            if (key == address(0)) revert KeyIsZero(i);
            for (uint256 j = 0; j < i; ++j) {
                if (keys[j] == key) revert KeyTwice(key, j, i);
            }
        }
    }
}
