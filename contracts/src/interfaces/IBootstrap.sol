// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IAnchor } from "./IAnchor.sol";
import { IEvidence } from "./IEvidence.sol";
import { IGovernance } from "./IGovernance.sol";
import { IMembers } from "./IMembers.sol";
import { IValidators } from "./IValidators.sol";
import { ITransact } from "./ITransact.sol";

/// @title Who runs the chain, and how that is decided
/// @notice Predeploy at 0x0000000000000000000000000000000000001001.
interface IBootstrap is IAnchor, IMembers, IValidators, IGovernance, IEvidence {
    /// @notice The promo codes' contract, whose specs and limits governance sets.
    function transact() external view returns (ITransact);
}
