// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { RLPWriter } from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPWriter.sol";
import { ICodeVerifier } from "../../src/interfaces/ICodeVerifier.sol";
import { CodeVerifier } from "../../src/mainchain/CodeVerifier.sol";
import { TrieAbsence } from "../../src/mainchain/TrieAbsence.sol";
import { Checkpoint, ProvenCode, ProvenStatus } from "../../src/types/CheckpointTypes.sol";
import { CheckpointBase } from "./CheckpointBase.sol";
import { TrieBuilder } from "./TrieBuilder.sol";

/// Codes of a sidechain's state, proven against an accepted checkpoint.
contract CodeVerifierTest is CheckpointBase {
    address private constant TRANSACT = 0x0000000000000000000000000000000000001002;
    address private constant HOLDER = 0xABcdEFABcdEFabcdEfAbCdefabcdeFABcDEFabCD;
    uint256 private constant EXPIRY = 1_900_000_000;
    uint256 private constant LIVE = 1;
    uint256 private constant REDEEMED = 2;
    uint256 private constant CANCELLED = 3;

    CodeVerifier private verifier;
    TrieBuilder private storageTrie;
    TrieBuilder private stateTrie;
    Checkpoint private c;

    function setUp() public override {
        super.setUp();
        verifier = new CodeVerifier(anchor);
        (storageTrie, stateTrie) = (new TrieBuilder(), new TrieBuilder());
        put(code(1, 1), record(LIVE, 0, 1));
        put(code(1, 2), record(REDEEMED, 7, 0));
        put(code(1, 3), record(CANCELLED, 0, 0));
        for (uint256 i = 4; i < 40; ++i) {
            put(code(2, i), record(LIVE, 0, 1));
        }
        for (uint160 i = 0; i < 30; ++i) {
            stateTrie.put(abi.encodePacked(address(0x5000 + i)), account(keccak256(abi.encode(i))));
        }
        (bytes32 storageRoot,) = storageTrie.prove("");
        stateTrie.put(abi.encodePacked(TRANSACT), account(storageRoot));
        c = next();
        (c.stateRoot,) = stateTrie.prove("");
        accept(c);
    }

    function test_verifyCode_provesALiveCode() public {
        ProvenCode memory proven = verify(code(1, 1));
        assertStatus(proven, ProvenStatus.Live);
        assertEq(proven.specId, 1, "spec");
        assertEq(proven.holder, HOLDER, "holder");
        assertEq(proven.expiresAt, EXPIRY, "expiry");
        assertEq(proven.memberId, 0, "member");
        assertEq(verify(code(2, 30)).specId, 2, "spec of another");
    }

    function test_verifyCode_provesThatItWasRedeemed() public {
        ProvenCode memory proven = verify(code(1, 2));
        assertStatus(proven, ProvenStatus.Redeemed);
        assertEq(proven.memberId, 7, "member");
        vm.warp(EXPIRY);
        assertStatus(verify(code(1, 2)), ProvenStatus.Redeemed);
    }

    function test_verifyCode_provesThatItWasCancelled() public {
        assertStatus(verify(code(1, 3)), ProvenStatus.Cancelled);
    }

    function test_verifyCode_knowsTheTime() public {
        vm.warp(EXPIRY - 1);
        assertStatus(verify(code(1, 1)), ProvenStatus.Live);
        vm.warp(EXPIRY);
        assertStatus(verify(code(1, 1)), ProvenStatus.Expired);
    }

    function test_verifyCode_provesThatThereIsNone() public {
        ProvenCode memory proven = verify(code(1, 4));
        assertStatus(proven, ProvenStatus.None);
        assertEq(proven.holder, address(0), "holder");
        assertEq(proven.specId, 1, "spec");
    }

    /// Wherever in the trie the code would be: beside a leaf, in an empty branch, beside an extension.
    function testFuzz_verifyCode_provesThatThereIsNone(uint32 specId, uint64 sequence) public {
        vm.assume(specId > 2 && sequence != 0);
        assertStatus(verify(code(specId, sequence)), ProvenStatus.None);
    }

    function test_verifyCode_revertsForIdsOfNoCode() public {
        uint256[4] memory wrong = [0, 1 << 64, uint256(1), 1 << 96];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.CodeIdInvalid.selector, wrong[i]));
            verifier.verifyCode(c, TRANSACT, wrong[i], new bytes[](0), new bytes[](0));
        }
    }

    function test_verifyCode_revertsForACheckpointThatWasNotAccepted() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        bytes32 accepted = anchor.fingerprintOf(1);
        Checkpoint[3] memory wrong = [rival(c, 1), rival(c, 2), rival(c, 3)];
        (wrong[1].stateRoot, wrong[2].height) = (keccak256("other"), c.height + 1);
        for (uint256 i = 0; i < wrong.length; ++i) {
            bytes32 print = anchor.fingerprint(wrong[i]);
            vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.CheckpointNotAccepted.selector, 1, print, accepted));
            verifier.verifyCode(wrong[i], TRANSACT, code(1, 1), a, s);
        }
        Checkpoint memory later = rival(c, 4);
        later.index = 2;
        vm.expectRevert(
            abi.encodeWithSelector(
                ICodeVerifier.CheckpointNotAccepted.selector, 2, anchor.fingerprint(later), bytes32(0)
            )
        );
        verifier.verifyCode(later, TRANSACT, code(1, 1), a, s);
    }

    function test_verifyCode_revertsForAnotherStateRoot() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        a[0][5] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.StateRootMismatch.selector, keccak256(a[0]), c.stateRoot));
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, s);
    }

    function test_verifyCode_revertsForAnotherStorageRoot() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        bytes32 expected = keccak256(s[0]);
        s[0][5] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.StorageRootMismatch.selector, keccak256(s[0]), expected));
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, s);
        bytes32 empty = keccak256(hex"80");
        vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.StorageRootMismatch.selector, empty, expected));
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, new bytes[](0));
    }

    function test_verifyCode_revertsForForgedNodes() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        bytes memory leaf = s[s.length - 1];
        leaf[leaf.length - 1] ^= 0x01;
        vm.expectRevert("MerkleTrie: invalid large internal hash");
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, s);
        leaf[leaf.length - 1] ^= 0x01;
        a[1][a[1].length - 2] ^= 0x01;
        vm.expectRevert("MerkleTrie: invalid large internal hash");
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, s);
    }

    /// A code's absence cannot be shown with a part of the proof that it is there.
    function test_verifyCode_revertsForProofsThatStopEarly() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        bytes[] memory short = new bytes[](s.length - 1);
        for (uint256 i = 0; i < short.length; ++i) {
            short[i] = s[i];
        }
        vm.expectRevert(abi.encodeWithSelector(TrieAbsence.ProofTooShort.selector, short.length));
        verifier.verifyCode(c, TRANSACT, code(1, 1), a, short);
    }

    function test_verifyCode_revertsForAnotherCodesProof() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        // The way to code 1:2 leaves that of 1:1 at a branch, so the next node is not the one that is named there.
        vm.expectRevert(
            abi.encodeWithSelector(
                TrieAbsence.NodeForged.selector, 1, keccak256(s[1]), childOf(storageProof(code(1, 2)))
            )
        );
        verifier.verifyCode(c, TRANSACT, code(1, 2), a, s);
    }

    function test_verifyCode_revertsForAnAccountThatIsNotThere() public {
        (bytes[] memory a, bytes[] memory s) = proofs(code(1, 1));
        vm.expectRevert();
        verifier.verifyCode(c, address(0xBAD), code(1, 1), a, s);
    }

    function test_verifyCode_revertsForAWordThatIsNoRecord() public {
        uint256[4] memory wrong = [
            record(LIVE, 0, 2), // neither counted nor not
            record(4, 0, 0), // no such state
            record(0, 1, 0), // no state
            record(LIVE, 0, 1) | 1 << 248
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            put(code(9, i + 1), wrong[i]);
        }
        (bytes32 storageRoot,) = storageTrie.prove("");
        stateTrie = new TrieBuilder();
        stateTrie.put(abi.encodePacked(TRANSACT), account(storageRoot));
        c = next();
        (c.stateRoot,) = stateTrie.prove("");
        accept(c);
        for (uint256 i = 0; i < wrong.length; ++i) {
            (bytes[] memory a, bytes[] memory s) = proofs(code(9, i + 1));
            vm.expectRevert(abi.encodeWithSelector(ICodeVerifier.RecordMalformed.selector, wrong[i]));
            verifier.verifyCode(c, TRANSACT, code(9, i + 1), a, s);
        }
    }

    function test_verifyCode_provesAbsenceInAnEmptyStorage() public {
        storageTrie = new TrieBuilder();
        stateTrie = new TrieBuilder();
        stateTrie.put(abi.encodePacked(TRANSACT), account(keccak256(hex"80")));
        c = next();
        (c.stateRoot,) = stateTrie.prove("");
        accept(c);
        assertStatus(verify(code(1, 1)), ProvenStatus.None);
    }

    /// Whatever byte of whatever node somebody changes: never another answer.
    function testFuzz_verifyCode_revertsForAnyChange(uint256 which, uint256 node, uint256 at, uint8 flip) public {
        vm.assume(flip != 0);
        uint256 id = which & 1 == 0 ? code(1, 1) : code(1, 4);
        (bytes[] memory a, bytes[] memory s) = proofs(id);
        bytes[] memory proof = which & 2 == 0 ? a : s;
        bytes memory changed = proof[node % proof.length];
        changed[at % changed.length] ^= bytes1(flip);
        vm.expectRevert();
        verifier.verifyCode(c, TRANSACT, id, a, s);
    }

    function verify(uint256 id) private returns (ProvenCode memory) {
        (bytes[] memory a, bytes[] memory s) = proofs(id);
        return verifier.verifyCode(c, TRANSACT, id, a, s);
    }

    function proofs(uint256 id) private returns (bytes[] memory a, bytes[] memory s) {
        (, a) = stateTrie.prove(abi.encodePacked(TRANSACT));
        s = storageProof(id);
    }

    function storageProof(uint256 id) private returns (bytes[] memory s) {
        (, s) = storageTrie.prove(abi.encodePacked(slot(id)));
    }

    /// What the root names on the way that a proof takes.
    function childOf(bytes[] memory proof) private pure returns (bytes32) {
        return keccak256(proof[1]);
    }

    function put(uint256 id, uint256 word) private {
        storageTrie.put(abi.encodePacked(slot(id)), rlp(word));
    }

    function slot(uint256 id) private pure returns (bytes32) {
        return keccak256(abi.encode(id, uint256(0)));
    }

    function code(uint256 specId, uint256 sequence) private pure returns (uint256) {
        return specId << 64 | sequence;
    }

    function record(uint256 state, uint256 memberId, uint256 counted) private pure returns (uint256) {
        return uint256(uint160(HOLDER)) | EXPIRY << 160 | state << 200 | memberId << 208 | counted << 240;
    }

    /// A number without leading zeroes, as storage tries hold it.
    function rlp(uint256 word) private pure returns (bytes memory) {
        return RLPWriter.writeUint(word);
    }

    function account(bytes32 storageRoot) private pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](4);
        (fields[0], fields[1]) = (RLPWriter.writeUint(1), RLPWriter.writeUint(0));
        fields[2] = RLPWriter.writeBytes(abi.encodePacked(storageRoot));
        fields[3] = RLPWriter.writeBytes(abi.encodePacked(keccak256("code")));
        return RLPWriter.writeList(fields);
    }

    function assertStatus(ProvenCode memory proven, ProvenStatus status) private pure {
        assertEq(uint256(proven.status), uint256(status), "status");
    }
}
