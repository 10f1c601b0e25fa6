// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { IPassportToken } from "./interfaces/IPassportToken.sol";

/// The reward: an ERC-20 that only redemptions mint.
contract PassportToken is ERC20Permit, IPassportToken {
    /// @inheritdoc IPassportToken
    address public immutable transact;

    /// @param transact_ the only minter
    constructor(address transact_) ERC20("Passport Token", "PASS") ERC20Permit("Passport Token") {
        // Genesis gives the predeploy's address; with any other the token is never minted.
        // slither-disable-next-line missing-zero-check
        transact = transact_;
    }

    /// @inheritdoc IPassportToken
    function mint(address to, uint256 amount) external {
        if (msg.sender != transact) revert NotTransact(msg.sender, transact);
        _mint(to, amount);
    }
}
