// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { Evidence } from "./bootstrap/Evidence.sol";
import { Governance } from "./bootstrap/Governance.sol";
import { IBootstrap } from "./interfaces/IBootstrap.sol";
import { ITransact } from "./interfaces/ITransact.sol";
import {
    CheckpointConfig,
    GenesisMember,
    GenesisValidator,
    GovernanceConfig,
    Validator,
    ValidatorStatus
} from "./types/BootstrapTypes.sol";

/// Who runs the chain, and how that is decided: the parts beside this file, put together and filled at genesis.
contract Bootstrap is Governance, Evidence, IBootstrap {
    /// @param members the founding members; ids from 1 in this order
    /// @param validators the first set, in the order of the schedule; not empty
    /// @param times of the governance procedure
    /// @param checkpoint how the chain is anchored
    /// @param transact_ the promo codes' contract
    constructor(
        GenesisMember[] memory members,
        GenesisValidator[] memory validators,
        GovernanceConfig memory times,
        CheckpointConfig memory checkpoint,
        ITransact transact_
    ) Governance(times, checkpoint, transact_) {
        if (validators.length == 0) revert SetWouldBeEmpty(address(0));
        for (uint256 i = 0; i < members.length; ++i) {
            uint32 memberId = _foundMember(members[i].owner, members[i].name);
            for (uint256 j = 0; j < members[i].redeemers.length; ++j) {
                _setRedeemer(memberId, members[i].redeemers[j], true);
            }
        }
        for (uint256 i = 0; i < validators.length; ++i) {
            GenesisValidator memory v = validators[i];
            if (!isActiveMember(v.memberId)) revert UnknownMember(v.memberId, memberCount);
            _seat(
                Validator({
                    account: v.account,
                    memberId: v.memberId,
                    status: ValidatorStatus.None,
                    since: 0,
                    checkpointKey: v.checkpointKey,
                    consensusKey: v.consensusKey,
                    recordHash: v.recordHash,
                    peerId: v.peerId
                })
            );
        }
    }

    /// @inheritdoc IBootstrap
    function transact() external view returns (ITransact) {
        return _transact();
    }
}
