// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { RLPReader } from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPReader.sol";
import { SecureMerkleTrie } from "@eth-optimism/contracts-bedrock/src/libraries/trie/SecureMerkleTrie.sol";
import { ICheckpoint } from "../interfaces/ICheckpoint.sol";
import { ICodeVerifier } from "../interfaces/ICodeVerifier.sol";
import { CodeIds, CodeState } from "../transact/CodeRecord.sol";
import { Checkpoint, ProvenCode, ProvenStatus } from "../types/CheckpointTypes.sol";
import { History } from "./History.sol";
import { TrieAbsence } from "./TrieAbsence.sol";

/// Proofs against accepted checkpoints. Holds no state.
contract CodeVerifier is ICodeVerifier {
    /// Nonce, balance, storage root, code hash.
    uint256 private constant ACCOUNT_FIELDS = 4;
    uint256 private constant STORAGE_ROOT_FIELD = 2;

    /// Slot of Transact's mapping of records.
    uint256 private constant RECORDS_SLOT = 0;

    /// @inheritdoc ICodeVerifier
    ICheckpoint public immutable checkpoints;

    /// @param checkpoints_ the sequence of checkpoints
    constructor(ICheckpoint checkpoints_) {
        checkpoints = checkpoints_;
    }

    /// @inheritdoc ICodeVerifier
    function verifyCode(
        Checkpoint calldata c,
        address transact,
        uint256 codeId,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (ProvenCode memory) {
        (uint32 specId, uint64 sequence) = CodeIds.split(codeId);
        if (specId == 0 || sequence == 0) revert CodeIdInvalid(codeId);
        _checkAccepted(c);
        bytes32 storageRoot = _storageRoot(c.stateRoot, transact, accountProof);
        return _decode(specId, _record(storageRoot, codeId, storageProof));
    }

    /// @inheritdoc ICodeVerifier
    function verifyBlock(
        Checkpoint calldata parent,
        Checkpoint calldata c,
        uint64 height,
        bytes32 blockHash,
        bytes32[] calldata path
    ) external view {
        _checkAccepted(c);
        uint64 below = c.index == 1 ? 0 : _heightOfParent(parent, c.parent);
        if (height <= below || height > c.height) revert HeightNotInSpan(height, below + 1, c.height);
        bytes32 root = History.rootOf(blockHash, height - below - 1, c.height - below, path);
        if (root != c.historyRoot) revert HistoryRootMismatch(root, c.historyRoot);
    }

    function _checkAccepted(Checkpoint calldata c) private view {
        bytes32 print = checkpoints.fingerprint(c);
        bytes32 accepted = checkpoints.fingerprintOf(c.index);
        if (print != accepted) revert CheckpointNotAccepted(c.index, print, accepted);
    }

    function _heightOfParent(Checkpoint calldata parent, bytes32 expected) private view returns (uint64) {
        bytes32 print = checkpoints.fingerprint(parent);
        if (print != expected) revert ParentMismatch(print, expected);
        return parent.height;
    }

    function _storageRoot(bytes32 stateRoot, address account, bytes[] calldata proof) private pure returns (bytes32) {
        bytes32 root = _rootOf(proof);
        if (root != stateRoot) revert StateRootMismatch(root, stateRoot);
        bytes memory encoded = SecureMerkleTrie.get(abi.encodePacked(account), proof, stateRoot);
        RLPReader.RLPItem[] memory fields = RLPReader.readList(encoded);
        if (fields.length != ACCOUNT_FIELDS) revert AccountMalformed(fields.length, ACCOUNT_FIELDS);
        return bytes32(RLPReader.readBytes(fields[STORAGE_ROOT_FIELD]));
    }

    /// The record's word; 0 if the proof shows that there is none.
    function _record(bytes32 storageRoot, uint256 codeId, bytes[] calldata proof) private pure returns (uint256) {
        bytes32 root = _rootOf(proof);
        if (root != storageRoot) revert StorageRootMismatch(root, storageRoot);
        bytes32 slot = keccak256(abi.encode(codeId, RECORDS_SLOT));
        bytes32 key = keccak256(abi.encode(slot));
        if (!_endsInLeafOf(key, proof)) {
            TrieAbsence.check(key, proof, storageRoot);
            return 0;
        }
        bytes memory word = RLPReader.readBytes(SecureMerkleTrie.get(abi.encodePacked(slot), proof, storageRoot));
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(bytes32(word)) >> 8 * (32 - word.length);
    }

    function _endsInLeafOf(bytes32 key, bytes[] calldata proof) private pure returns (bool) {
        return proof.length != 0 && TrieAbsence.looksLikeLeafOf(key, proof[proof.length - 1]);
    }

    /// The root that a proof starts at; the empty trie's for an empty proof.
    function _rootOf(bytes[] calldata proof) private pure returns (bytes32) {
        return proof.length == 0 ? TrieAbsence.EMPTY_ROOT : keccak256(proof[0]);
    }

    /// From the low bits: holder 160, expiry 40, state 8, member 32, counts for its holder 8 (`CodeRecord`).
    function _decode(uint32 specId, uint256 word) private view returns (ProvenCode memory) {
        uint256 state = word >> 200 & 0xff;
        bool malformed = state == 0 || state > uint256(CodeState.Cancelled) || word >> 241 != 0;
        if (word != 0 && malformed) revert RecordMalformed(word);
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 expiresAt = uint64(word >> 160 & type(uint40).max); // 40 bits
        return ProvenCode({
            status: _status(CodeState(state), expiresAt),
            specId: specId,
            // forge-lint: disable-next-line(unsafe-typecast)
            holder: address(uint160(word)), // the low bits
            expiresAt: expiresAt,
            // forge-lint: disable-next-line(unsafe-typecast)
            memberId: uint32(word >> 208) // the 32 bits from there
        });
    }

    function _status(CodeState state, uint64 expiresAt) private view returns (ProvenStatus) {
        if (state == CodeState.Redeemed) return ProvenStatus.Redeemed;
        if (state == CodeState.Cancelled) return ProvenStatus.Cancelled;
        if (state == CodeState.None) return ProvenStatus.None;
        return block.timestamp < expiresAt ? ProvenStatus.Live : ProvenStatus.Expired;
    }
}
