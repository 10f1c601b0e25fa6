// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IEvidence } from "../interfaces/IEvidence.sol";
import { Offence } from "../types/BootstrapTypes.sol";
import { Statements } from "./Statements.sol";
import { Validators } from "./Validators.sol";

/// Proofs of equivocation, checked through the chain's ed25519 precompile.
abstract contract Evidence is Validators, IEvidence {
    /// Input: public key (32) | signature (64) | message. Output: one word, 1 if RFC 8032's strict rule accepts.
    address private constant ED25519 = 0x0000000000000000000000000000000000001000;

    /// @inheritdoc IEvidence
    function submitEvidence(bytes32 consensusKey, bytes calldata a, bytes calldata b) external anchored {
        if (genesisHash == 0) revert GenesisUnknown();
        (address account, bool jailed) = consensusKeyOf(consensusKey);
        if (account == address(0)) revert UnknownConsensusKey(consensusKey);
        if (jailed) revert AlreadyJailed(consensusKey, account);
        (Offence offence, uint64 slot) = _judge(_open(consensusKey, a), _open(consensusKey, b), a, b);
        _jail(consensusKey);
        emit ValidatorJailed(account, consensusKey, offence, slot, keccak256(abi.encode(a, b)));
    }

    /// The statement that the key signed on this chain, or a revert that says why it is none.
    function _open(bytes32 consensusKey, bytes calldata signed)
        private
        view
        returns (Statements.Statement memory statement)
    {
        if (signed.length < Statements.SIGNATURE_BYTES) revert EvidenceLength(signed.length);
        uint256 split = signed.length - Statements.SIGNATURE_BYTES;
        if (split != Statements.BYTES_MIN && split != Statements.BYTES_MAX) revert EvidenceLength(signed.length);
        bool ok;
        (ok, statement) = Statements.parse(signed[:split]);
        if (!ok) revert EvidenceMalformed(signed[:split]);
        if (statement.genesis != genesisHash) revert EvidenceOfOtherChain(statement.genesis, genesisHash);
        // A precompile takes bare bytes; an absent or failing one means an invalid signature.
        // slither-disable-next-line low-level-calls
        (bool called, bytes memory answer) =
            ED25519.staticcall(bytes.concat(consensusKey, signed[split:], signed[:split]));
        if (!called || answer.length != 32 || abi.decode(answer, (uint256)) != 1) {
            revert SignatureInvalid(consensusKey, signed[:split]);
        }
    }

    function _judge(
        Statements.Statement memory first,
        Statements.Statement memory second,
        bytes calldata a,
        bytes calldata b
    ) private pure returns (Offence, uint64 slot) {
        if (Statements.isDoubleSeal(first, second)) return (Offence.DoubleSeal, first.slot);
        if (Statements.isDoubleVote(first, second)) return (Offence.DoubleVote, first.slot);
        if (Statements.isAmnesia(first, second)) return (Offence.Amnesia, second.slot);
        if (Statements.isAmnesia(second, first)) return (Offence.Amnesia, first.slot);
        revert NoOffence(a, b);
    }
}
