// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Which chain is this?
/// @notice The genesis block's hash is in every signed statement, but a genesis constructor cannot know it: it is
/// learned from the chain's own block hashes, once.
interface IAnchor {
    /// @notice The genesis hash is known from now on.
    event GenesisAnchored(bytes32 genesisHash);

    /// @notice The genesis block's hash; zero while it is not learned.
    function genesisHash() external view returns (bytes32);

    /// @notice Learns the genesis hash, if the chain still tells it (BLOCKHASH for 256 blocks, EIP-2935 for 8,191).
    /// Every call that changes this contract does so too. Anyone may call.
    /// @return the genesis hash; zero if it cannot be learned
    function anchorGenesis() external returns (bytes32);
}
