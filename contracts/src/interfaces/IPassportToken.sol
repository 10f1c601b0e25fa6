// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The reward of a redemption
/// @notice ERC-20 with permit (EIP-2612), 18 decimals, minted by Transact alone. A utility token. Predeploy at
/// 0x0000000000000000000000000000000000001003.
interface IPassportToken is IERC20 {
    /// @notice Only Transact mints.
    error NotTransact(address caller, address transact);

    /// @notice The only minter.
    function transact() external view returns (address);

    /// @notice Mints to the holder of a redeemed code.
    /// @dev Only Transact.
    function mint(address to, uint256 amount) external;
}
