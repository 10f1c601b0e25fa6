// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IBootstrap } from "../../src/interfaces/IBootstrap.sol";
import { IPassportToken } from "../../src/interfaces/IPassportToken.sol";
import { ITransact } from "../../src/interfaces/ITransact.sol";
import {
    CheckpointConfig,
    GenesisMember,
    GenesisValidator,
    GovernanceConfig,
    NotaryTuple
} from "../../src/types/BootstrapTypes.sol";
import { HolderLimits, InstanceSpec } from "../../src/types/TransactTypes.sol";
import { Assertions } from "./Assertions.sol";
import { Ed25519Vectors } from "./Ed25519Vectors.sol";

/// A chain as genesis makes it: three members, four validators, two specs; at block 1.
abstract contract Base is Assertions {
    IBootstrap internal constant BOOTSTRAP = IBootstrap(0x0000000000000000000000000000000000001001);
    ITransact internal constant TRANSACT = ITransact(0x0000000000000000000000000000000000001002);
    IPassportToken internal constant TOKEN = IPassportToken(0x0000000000000000000000000000000000001003);
    address internal constant PRECOMPILE = 0x0000000000000000000000000000000000001000;

    uint256 internal constant START = 1_800_000_000;
    uint64 internal constant TIMELOCK = 1 days;
    uint64 internal constant TTL = 7 days;

    uint32 internal constant SMALL = 1;
    uint32 internal constant FLASH = 2;
    uint32 internal constant SMALL_TTL = 30 days;
    uint32 internal constant FLASH_TTL = 60;
    uint256 internal constant SMALL_REWARD = 1e18;

    uint32 internal constant LIVE_CODES = 3;
    uint32 internal constant REQUESTS = 5;
    uint32 internal constant PERIOD = 1 hours;

    address internal constant OWNER_1 = address(0xA1);
    address internal constant OWNER_2 = address(0xA2);
    address internal constant OWNER_3 = address(0xA3);
    address internal constant REDEEMER_1 = address(0xB1);
    uint256 internal constant USER_KEY = 0xDE5C;
    address internal immutable USER = vm.addr(USER_KEY);
    address internal constant STRANGER = address(0x57);

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(0);
        install(address(BOOTSTRAP), bootstrapCode());
        install(address(TRANSACT), transactCode());
        install(address(TOKEN), bytes.concat(vm.getCode("PassportToken.sol:PassportToken"), abi.encode(TRANSACT)));
        vm.roll(1);
        vm.setBlockhash(0, Ed25519Vectors.GENESIS);
    }

    /// As genesis does it: creation code and arguments as code, called with empty input; what comes back is the code.
    function install(address at, bytes memory initcode) internal {
        vm.etch(at, initcode);
        (bool ok, bytes memory code) = at.call("");
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(code, 32), mload(code))
            }
        }
        vm.etch(at, code);
    }

    function bootstrapCode() internal view virtual returns (bytes memory) {
        return bootstrapCode(members(), validators(), GovernanceConfig(TIMELOCK, TTL), checkpoint(), TRANSACT);
    }

    function bootstrapCode(
        GenesisMember[] memory m,
        GenesisValidator[] memory v,
        GovernanceConfig memory g,
        CheckpointConfig memory c,
        ITransact t
    ) internal view returns (bytes memory) {
        return bytes.concat(vm.getCode("Bootstrap.sol:Bootstrap"), abi.encode(m, v, g, c, t));
    }

    function transactCode() internal view virtual returns (bytes memory) {
        return transactCode(specs(), HolderLimits(LIVE_CODES, REQUESTS, PERIOD));
    }

    function transactCode(InstanceSpec[] memory s, HolderLimits memory l) internal view returns (bytes memory) {
        return bytes.concat(vm.getCode("Transact.sol:Transact"), abi.encode(BOOTSTRAP, TOKEN, s, l));
    }

    function members() internal pure returns (GenesisMember[] memory m) {
        m = new GenesisMember[](3);
        address[] memory keys = new address[](1);
        keys[0] = REDEEMER_1;
        m[0] = GenesisMember(OWNER_1, "Aurora", keys);
        m[1] = GenesisMember(OWNER_2, "Borealis", new address[](0));
        m[2] = GenesisMember(OWNER_3, "Cirrus", new address[](0));
    }

    /// Members 1, 2, 3 and again 1. The first validator has the key that signs the test vectors.
    function validators() internal pure returns (GenesisValidator[] memory v) {
        v = new GenesisValidator[](4);
        for (uint32 i = 0; i < 4; ++i) {
            bytes32 key = i == 0 ? Ed25519Vectors.KEY : consensusKey(i);
            v[i] = GenesisValidator(i % 3 + 1, voter(i), key, checkpointKey(i), peerId(i), keccak256(abi.encode(i)));
        }
    }

    function specs() internal pure returns (InstanceSpec[] memory s) {
        s = new InstanceSpec[](2);
        s[0] = smallSpec();
        s[1] = InstanceSpec("flash", 1, 512, 1, 1, FLASH_TTL, 5e17, false);
    }

    function smallSpec() internal pure returns (InstanceSpec memory) {
        return InstanceSpec("small", 1, 2048, 20, 720, SMALL_TTL, SMALL_REWARD, true);
    }

    function checkpoint() internal pure returns (CheckpointConfig memory) {
        return CheckpointConfig(100, 63, address(0xC4), 120);
    }

    function voter(uint256 i) internal pure returns (address) {
        return address(uint160(0xF0 + i));
    }

    function consensusKey(uint256 i) internal pure returns (bytes32) {
        return keccak256(abi.encode("consensus", i));
    }

    function checkpointKey(uint256 i) internal pure returns (address) {
        return address(uint160(0xCC00 + i));
    }

    function peerId(uint256 i) internal pure returns (bytes memory) {
        return bytes.concat(hex"002408011220", keccak256(abi.encode("peer", i)));
    }

    function noTuple() internal pure returns (NotaryTuple memory t) { }

    function tuple(uint64 root, uint64 targets) internal pure returns (NotaryTuple memory) {
        return NotaryTuple(root, "root", targets, "targets", "admission", "nodes");
    }

    function nextBlock() internal {
        vm.roll(vm.getBlockNumber() + 1);
    }

    function wait_(uint256 secs) internal {
        nextBlock();
        vm.warp(vm.getBlockTimestamp() + secs);
    }

    function offer(address owner, uint32 specId, uint32 quantity) internal {
        vm.prank(owner);
        TRANSACT.setOffer(specId, quantity);
    }

    function request(address holder, uint32 specId) internal returns (uint256) {
        vm.prank(holder);
        return TRANSACT.requestCode(specId);
    }

    function codeId(uint32 specId, uint64 sequence) internal pure returns (uint256) {
        return (uint256(specId) << 64) | sequence;
    }
}
