// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IEvidence } from "../src/interfaces/IEvidence.sol";
import { IValidators } from "../src/interfaces/IValidators.sol";
import { Candidate, Offence, ValidatorStatus } from "../src/types/BootstrapTypes.sol";
import { Ed25519Vectors as V } from "./base/Ed25519Vectors.sol";
import { GovernanceBase } from "./base/GovernanceBase.sol";

/// Proofs of equivocation. The precompile answers for the recorded signatures alone: KEY's are good, everything else is
/// refused (the test chain has no code at its address).
contract EvidenceTest is GovernanceBase {
    function setUp() public override {
        super.setUp();
        bytes[] memory good = V.ofKey();
        for (uint256 i = 0; i < good.length; ++i) {
            vm.mockCall(PRECOMPILE, precompileInput(V.KEY, good[i]), abi.encode(uint256(1)));
        }
        vm.mockCall(PRECOMPILE, precompileInput(V.KEY, V.FOREIGN), abi.encode(uint256(0)));
    }

    function test_submitEvidence_jailsForADoubleSeal() public {
        vm.expectEmit(address(BOOTSTRAP));
        emit IValidators.ValidatorSetChanged(1);
        vm.expectEmit(address(BOOTSTRAP));
        emit IEvidence.ValidatorJailed(
            voter(0), V.KEY, Offence.DoubleSeal, 10, keccak256(abi.encode(V.SEAL_X, V.SEAL_Y))
        );
        vm.prank(STRANGER);
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
        assertEq(uint256(BOOTSTRAP.validator(voter(0)).status), uint256(ValidatorStatus.Jailed), "status");
        assertEq(BOOTSTRAP.validatorCount(), 3, "size");
        assertEq(BOOTSTRAP.setId(), 1, "set id");
        (address account, bool jailed) = BOOTSTRAP.consensusKeyOf(V.KEY);
        assertEq(account, voter(0), "account");
        require(jailed, "the key is jailed");
    }

    function test_submitEvidence_jailsForADoublePrevote() public {
        expectOffence(V.PREVOTE_X, V.PREVOTE_Y, Offence.DoubleVote, 10);
    }

    function test_submitEvidence_jailsForAnotherValidSlot() public {
        expectOffence(V.PREVOTE_X_VALID_3, V.PREVOTE_X_VALID_4, Offence.DoubleVote, 10);
    }

    function test_submitEvidence_jailsForAValidSlotAndNone() public {
        expectOffence(V.PREVOTE_X, V.PREVOTE_X_VALID_3, Offence.DoubleVote, 10);
    }

    function test_submitEvidence_jailsForVotesInTwoSets() public {
        expectOffence(V.PREVOTE_X, V.PREVOTE_X_SET_1, Offence.DoubleVote, 10);
    }

    function test_submitEvidence_jailsForVotesAtTwoHeights() public {
        expectOffence(V.PRECOMMIT_X, V.PRECOMMIT_X_HEIGHT_6, Offence.DoubleVote, 12);
    }

    function test_submitEvidence_jailsForAmnesia() public {
        expectOffence(V.PRECOMMIT_X, V.LATER_Y, Offence.Amnesia, 15);
    }

    function test_submitEvidence_jailsForAmnesiaWithAnOldCertificate() public {
        expectOffence(V.PRECOMMIT_X, V.LATER_Y_VALID_11, Offence.Amnesia, 15);
    }

    function test_submitEvidence_takesEitherOrder() public {
        expectOffence(V.LATER_Y, V.PRECOMMIT_X, Offence.Amnesia, 15);
    }

    function test_submitEvidence_revertsForWhatHonestValidatorsSign() public {
        bytes[2][9] memory pairs = [
            [V.SEAL_X, V.SEAL_X], // the same twice
            [V.SEAL_X, V.RESEAL_X], // the same block, proposed again
            [V.SEAL_X, V.SEAL_Y_LATER], // another slot
            [V.SEAL_X, V.PREVOTE_Y], // another kind
            [V.PRECOMMIT_X, V.LATER_X], // its own lock
            [V.PRECOMMIT_X, V.LATER_Y_VALID_12], // a certificate from the lock's slot
            [V.PRECOMMIT_X, V.EARLIER_Y], // before the lock
            [V.PRECOMMIT_X, V.LATER_Y_HEIGHT_6], // another height
            [V.PRECOMMIT_X, V.LATER_Y_SET_1] // another set
        ];
        for (uint256 i = 0; i < pairs.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEvidence.NoOffence.selector, pairs[i][0], pairs[i][1]));
            BOOTSTRAP.submitEvidence(V.KEY, pairs[i][0], pairs[i][1]);
        }
    }

    function test_submitEvidence_revertsForAForeignSignature() public {
        bytes memory invalid =
            abi.encodeWithSelector(IEvidence.SignatureInvalid.selector, V.KEY, statementOf(V.FOREIGN));
        vm.expectRevert(invalid);
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.FOREIGN);
        vm.expectRevert(invalid);
        BOOTSTRAP.submitEvidence(V.KEY, V.FOREIGN, V.SEAL_X);
    }

    function test_submitEvidence_revertsForAnUnverifiedSignature() public {
        bytes memory changed = V.SEAL_Y;
        changed[0x90] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(IEvidence.SignatureInvalid.selector, V.KEY, statementOf(V.SEAL_Y)));
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, changed);
    }

    function test_submitEvidence_revertsForUnknownKeys() public {
        vm.expectRevert(abi.encodeWithSelector(IEvidence.UnknownConsensusKey.selector, V.KEY_2));
        BOOTSTRAP.submitEvidence(V.KEY_2, V.SEAL_X, V.SEAL_Y);
    }

    function test_submitEvidence_revertsForTheSameKeyTwice() public {
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IEvidence.AlreadyJailed.selector, V.KEY, voter(0)));
        BOOTSTRAP.submitEvidence(V.KEY, V.PREVOTE_X, V.PREVOTE_Y);
    }

    function test_submitEvidence_revertsForAnotherChain() public {
        vm.expectRevert(abi.encodeWithSelector(IEvidence.EvidenceOfOtherChain.selector, V.OTHER_GENESIS, V.GENESIS));
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.OTHER_CHAIN);
    }

    function test_submitEvidence_revertsBeforeTheGenesisHashIsKnown() public {
        vm.roll(300);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.GenesisUnknown.selector));
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
    }

    function test_submitEvidence_revertsForOtherLengths() public {
        uint256[5] memory lengths = [uint256(0), 63, 169, 171, 179];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEvidence.EvidenceLength.selector, lengths[i]));
            BOOTSTRAP.submitEvidence(V.KEY, new bytes(lengths[i]), V.SEAL_Y);
        }
    }

    function test_submitEvidence_revertsForWhatIsNoStatement() public {
        // The domain's first byte, the kind, the valid slot's tag.
        uint256[3] memory positions = [uint256(0), 72, 105];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory broken = V.SEAL_Y;
            broken[positions[i]] = 0x03;
            vm.expectRevert(abi.encodeWithSelector(IEvidence.EvidenceMalformed.selector, statementOf(broken)));
            BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, broken);
        }
        bytes memory untagged = V.PREVOTE_X_VALID_3;
        untagged[105] = 0x00;
        vm.expectRevert(abi.encodeWithSelector(IEvidence.EvidenceMalformed.selector, statementOf(untagged)));
        BOOTSTRAP.submitEvidence(V.KEY, V.PREVOTE_X, untagged);
    }

    function test_submitEvidence_neverEmptiesTheSet() public {
        for (uint256 i = 1; i < 4; ++i) {
            vm.prank(voter(i));
            BOOTSTRAP.leave();
            nextBlock();
        }
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetWouldBeEmpty.selector, voter(0)));
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
    }

    function test_submitEvidence_waitsForTheNextBlock() public {
        vm.prank(voter(1));
        BOOTSTRAP.leave();
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetAlreadyChanged.selector, 1));
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
        nextBlock();
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
    }

    function test_submitEvidence_jailsWhoLeftWithoutChangingTheSet() public {
        vm.prank(voter(0));
        BOOTSTRAP.leave();
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
        assertEq(uint256(BOOTSTRAP.validator(voter(0)).status), uint256(ValidatorStatus.Jailed), "status");
        assertEq(BOOTSTRAP.setId(), 1, "set id");
    }

    function test_admit_neverTakesAJailedKeyButANewOne() public {
        BOOTSTRAP.submitEvidence(V.KEY, V.SEAL_X, V.SEAL_Y);
        vm.prank(OWNER_1);
        BOOTSTRAP.nominate(voter(0));
        Candidate memory c = Candidate(1, "", V.KEY, checkpointKey(0), peerId(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ConsensusKeyJailed.selector, V.KEY));
        ask(voter(0), c);
        c.consensusKey = consensusKey(9);
        uint256 id = ask(voter(0), c);
        for (uint256 i = 1; i < 3; ++i) {
            vote(i, id, tuple(1, 1));
        }
        wait_(TIMELOCK);
        BOOTSTRAP.execute(id);
        require(BOOTSTRAP.isValidator(voter(0)), "admitted with a new key");
        nextBlock();
        vm.expectRevert(abi.encodeWithSelector(IEvidence.AlreadyJailed.selector, V.KEY, voter(0)));
        BOOTSTRAP.submitEvidence(V.KEY, V.PREVOTE_X, V.PREVOTE_Y);
    }

    function expectOffence(bytes memory a, bytes memory b, Offence offence, uint64 slot) private {
        vm.expectEmit(address(BOOTSTRAP));
        emit IEvidence.ValidatorJailed(voter(0), V.KEY, offence, slot, keccak256(abi.encode(a, b)));
        BOOTSTRAP.submitEvidence(V.KEY, a, b);
        require(!BOOTSTRAP.isValidator(voter(0)), "jailed");
    }

    function precompileInput(bytes32 key, bytes memory signed) private pure returns (bytes memory) {
        bytes memory signature = new bytes(64);
        for (uint256 i = 0; i < 64; ++i) {
            signature[i] = signed[signed.length - 64 + i];
        }
        return bytes.concat(key, signature, statementOf(signed));
    }

    function statementOf(bytes memory signed) private pure returns (bytes memory statement) {
        statement = new bytes(signed.length - 64);
        for (uint256 i = 0; i < statement.length; ++i) {
            statement[i] = signed[i];
        }
    }
}
