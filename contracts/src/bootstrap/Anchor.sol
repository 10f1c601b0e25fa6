// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IAnchor } from "../interfaces/IAnchor.sol";

/// Learns the genesis hash from the chain's own block hashes.
abstract contract Anchor is IAnchor {
    /// EIP-2935's contract of past block hashes.
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// BLOCKHASH reaches this many blocks back.
    uint256 private constant BLOCKHASH_WINDOW = 256;

    /// @inheritdoc IAnchor
    bytes32 public genesisHash;

    /// For everything that changes this contract: the first call after genesis learns the hash in passing.
    modifier anchored() {
        anchorGenesis();
        _;
    }

    /// @inheritdoc IAnchor
    function anchorGenesis() public returns (bytes32 hash) {
        hash = genesisHash;
        if (hash != 0) return hash;
        hash = block.number <= BLOCKHASH_WINDOW ? blockhash(0) : _historicGenesis();
        if (hash != 0) {
            genesisHash = hash;
            emit GenesisAnchored(hash);
        }
    }

    function _historicGenesis() private view returns (bytes32) {
        // The history contract takes a bare word, without a selector, and may be absent: no typed call fits.
        // slither-disable-next-line low-level-calls
        (bool ok, bytes memory answer) = HISTORY.staticcall(abi.encode(uint256(0)));
        return ok && answer.length == 32 ? abi.decode(answer, (bytes32)) : bytes32(0);
    }
}
