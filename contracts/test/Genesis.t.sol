// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IGovernance } from "../src/interfaces/IGovernance.sol";
import { IMembers } from "../src/interfaces/IMembers.sol";
import { ITransact } from "../src/interfaces/ITransact.sol";
import { IValidators } from "../src/interfaces/IValidators.sol";
import {
    Candidate,
    CheckpointConfig,
    GenesisMember,
    GenesisValidator,
    GovernanceConfig,
    Validator,
    ValidatorStatus
} from "../src/types/BootstrapTypes.sol";
import { HolderLimits, InstanceSpec } from "../src/types/TransactTypes.sol";
import { Base } from "./base/Base.sol";

/// What the constructors make of the chain's specification, and what they refuse.
contract GenesisTest is Base {
    address private constant AT = address(0xBEEF);

    function test_genesis_seatsTheFirstSetInOrder() public view {
        (uint64 setId, Validator[] memory set) = BOOTSTRAP.validatorSet();
        assertEq(setId, 0, "set id");
        assertEq(set.length, 4, "size");
        assertEq(BOOTSTRAP.validatorCount(), 4, "count");
        assertEq(BOOTSTRAP.quorum(), 3, "quorum");
        assertEq(BOOTSTRAP.setChangedAt(), 0, "changed at");
        GenesisValidator[] memory wanted = validators();
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(set[i].account, wanted[i].account, "account");
            assertEq(set[i].consensusKey, wanted[i].consensusKey, "consensus key");
            assertEq(set[i].checkpointKey, wanted[i].checkpointKey, "checkpoint key");
            assertEq(set[i].peerId, wanted[i].peerId, "peer id");
            assertEq(set[i].recordHash, wanted[i].recordHash, "record");
            assertEq(set[i].memberId, wanted[i].memberId, "member");
            assertEq(uint256(set[i].status), uint256(ValidatorStatus.Active), "status");
            assertEq(set[i].since, 0, "since");
        }
    }

    function test_genesis_setsTheContractsUp() public view {
        assertEq(address(BOOTSTRAP.transact()), address(TRANSACT), "transact");
        assertEq(address(TRANSACT.bootstrap()), address(BOOTSTRAP), "bootstrap");
        assertEq(address(TRANSACT.token()), address(TOKEN), "token");
        assertEq(BOOTSTRAP.governanceConfig().timelockSeconds, TIMELOCK, "timelock");
        assertEq(BOOTSTRAP.governanceConfig().proposalTtlSeconds, TTL, "ttl");
        assertEq(BOOTSTRAP.recovery().epoch, 0, "recovery");
        (uint64 interval, uint64 chain, address at, uint64 confirmations) = BOOTSTRAP.checkpointConfig();
        assertEq(abi.encode(interval, chain, at, confirmations), abi.encode(checkpoint()), "checkpoint");
        assertEq(abi.encode(TRANSACT.holderLimits()), abi.encode(HolderLimits(LIVE_CODES, REQUESTS, PERIOD)), "limits");
    }

    function test_genesis_refusesAnEmptySet() public {
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetWouldBeEmpty.selector, address(0)));
        this.boot(members(), new GenesisValidator[](0), GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
    }

    function test_genesis_refusesTooManyValidators() public {
        GenesisValidator[] memory v = new GenesisValidator[](129);
        for (uint256 i = 0; i < v.length; ++i) {
            v[i] = GenesisValidator(1, voter(i), consensusKey(i), checkpointKey(i), peerId(i), 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IValidators.SetFull.selector, 128));
        this.boot(members(), v, GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
    }

    function test_genesis_refusesDuplicates() public {
        for (uint256 field = 0; field < 6; ++field) {
            GenesisValidator[] memory v = validators();
            bytes memory expected;
            if (field == 0) {
                v[2].account = voter(1);
                expected = abi.encodeWithSelector(IValidators.AlreadyValidator.selector, voter(1));
            } else if (field == 1) {
                v[2].consensusKey = consensusKey(1);
                expected = abi.encodeWithSelector(IValidators.ConsensusKeyTaken.selector, consensusKey(1), voter(1));
            } else if (field == 2) {
                v[2].checkpointKey = checkpointKey(1);
                expected = abi.encodeWithSelector(IValidators.CheckpointKeyTaken.selector, checkpointKey(1), voter(1));
            } else if (field == 3) {
                v[2].peerId = peerId(1);
                expected = abi.encodeWithSelector(IValidators.PeerIdTaken.selector, peerId(1), voter(1));
            } else if (field == 4) {
                v[2].account = address(0);
                expected = abi.encodeWithSelector(IMembers.ZeroAddress.selector);
            } else {
                v[2].memberId = 4;
                expected = abi.encodeWithSelector(IMembers.UnknownMember.selector, 4, 3);
            }
            vm.expectRevert(expected);
            this.boot(members(), v, GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
        }
    }

    function test_genesis_refusesBadMembers() public {
        GenesisMember[] memory m = members();
        m[1].owner = OWNER_1;
        vm.expectRevert(abi.encodeWithSelector(IMembers.OwnerTaken.selector, OWNER_1, 1));
        this.boot(m, validators(), GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
        m[1].owner = address(0);
        vm.expectRevert(abi.encodeWithSelector(IMembers.ZeroAddress.selector));
        this.boot(m, validators(), GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
    }

    function test_genesis_refusesTooManyMembers() public {
        // memberCount: as if the last id were given.
        uint256 slot = 1;
        require(vm.load(address(BOOTSTRAP), bytes32(slot)) == bytes32(uint256(3)), "memberCount is in slot 1");
        vm.store(address(BOOTSTRAP), bytes32(slot), bytes32(uint256(4096)));
        vm.expectRevert(abi.encodeWithSelector(IMembers.TooManyMembers.selector, 4096));
        vm.prank(STRANGER);
        BOOTSTRAP.requestAdmission(Candidate(0, "Dorado", 0, address(0), "", 0));
    }

    function test_genesis_refusesBadTimes() public {
        uint64 year = 365 days;
        uint64[3] memory ttls = [uint64(0), 59, year + 1];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IGovernance.ProposalTtlOutOfRange.selector, ttls[i], 60, year));
            this.boot(members(), validators(), GovernanceConfig(0, ttls[i]), checkpoint(), TRANSACT);
        }
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TimelockTooLong.selector, year + 1, year));
        this.boot(members(), validators(), GovernanceConfig(year + 1, TTL), checkpoint(), TRANSACT);
    }

    function test_genesis_refusesBadSettings() public {
        CheckpointConfig memory c = checkpoint();
        c.intervalBlocks = 0;
        vm.expectRevert(abi.encodeWithSelector(IGovernance.CheckpointConfigInvalid.selector, 0, 120));
        this.boot(members(), validators(), GovernanceConfig(TIMELOCK, TTL), c, TRANSACT);
        vm.expectRevert(abi.encodeWithSelector(IMembers.ZeroAddress.selector));
        this.boot(members(), validators(), GovernanceConfig(TIMELOCK, TTL), checkpoint(), ITransact(address(0)));
    }

    function test_genesis_refusesBadSpecsAndLimits() public {
        InstanceSpec[] memory s = specs();
        s[1].ttlSeconds = 0;
        vm.expectRevert(abi.encodeWithSelector(ITransact.SpecIncomplete.selector, "flash"));
        this.deal(s, HolderLimits(1, 1, 1));
        vm.expectRevert(abi.encodeWithSelector(ITransact.LimitsIncomplete.selector, 1, 0, 1));
        this.deal(specs(), HolderLimits(1, 0, 1));
    }

    function boot(
        GenesisMember[] memory m,
        GenesisValidator[] memory v,
        GovernanceConfig memory g,
        CheckpointConfig memory c,
        ITransact t
    ) external {
        install(AT, bootstrapCode(m, v, g, c, t));
    }

    function deal(InstanceSpec[] memory s, HolderLimits memory l) external {
        install(AT, transactCode(s, l));
    }
}
