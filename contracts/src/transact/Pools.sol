// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import { IBootstrap } from "../interfaces/IBootstrap.sol";
import { ITransact } from "../interfaces/ITransact.sol";
import { HolderLimits, InstanceSpec, Offer, Pool } from "../types/TransactTypes.sol";
import { CodeRecord, SpecState } from "./CodeRecord.sol";

/// Specs, limits and what members offer. The rule: for each spec, live codes <= the sum of offers, paused ones included.
abstract contract Pools is ITransact {
    /// Most specs ever.
    uint32 public constant SPECS_MAX = 65_536;

    /// Longest name of a spec, in bytes: with its length it fits one storage slot.
    uint256 public constant SPEC_NAME_BYTES_MAX = 31;

    /// Most of one spec that a member can offer: with 4,096 members the sum fits 32 bits.
    uint32 public constant OFFER_QUANTITY_MAX = 1_000_000;

    /// Largest reward of one redemption: 2^64 of them still fit the token's supply.
    uint256 public constant REWARD_MAX = type(uint128).max;

    IBootstrap private immutable BOOTSTRAP;

    /// Record of each code in the live window. Slot 0 of this contract: `codeSlot` depends on it.
    mapping(uint256 codeId => CodeRecord) internal _codes;

    /// @inheritdoc ITransact
    uint32 public specCount;

    HolderLimits internal _limits;
    mapping(uint32 specId => SpecState) internal _states;
    mapping(uint32 specId => InstanceSpec) internal _specs;
    mapping(uint32 memberId => mapping(uint32 specId => Offer)) private _offers;

    modifier onlyBootstrap() {
        if (msg.sender != address(BOOTSTRAP)) revert NotBootstrap(msg.sender, address(BOOTSTRAP));
        _;
    }

    constructor(IBootstrap bootstrap_) {
        BOOTSTRAP = bootstrap_;
    }

    /// @inheritdoc ITransact
    function setOffer(uint32 specId, uint32 quantity) external {
        uint32 memberId = _callersMember();
        SpecState memory state = _stateOf(specId);
        if (quantity > OFFER_QUANTITY_MAX) revert OfferTooLarge(quantity, OFFER_QUANTITY_MAX);
        Offer storage mine = _offers[memberId][specId];
        Offer memory old = mine;
        // A paused offer stands behind live codes only as far as the open ones do not.
        uint32 others = (old.paused ? state.offered : state.open) - old.quantity;
        if (quantity < old.quantity && others + quantity < state.live) {
            revert OfferNeeded(memberId, specId, quantity, _least(state.live, others, old.quantity));
        }
        state.offered = state.offered - old.quantity + quantity;
        if (!old.paused) state.open = state.open - old.quantity + quantity;
        mine.quantity = quantity;
        _states[specId] = state;
        emit OfferSet(memberId, specId, quantity);
        // The first offers come early in a chain's life, while its genesis hash can still be learned.
        // slither-disable-next-line unused-return
        BOOTSTRAP.anchorGenesis();
    }

    /// @inheritdoc ITransact
    function pause(uint32 specId) external {
        _setPaused(_callersMember(), specId, true);
    }

    /// @inheritdoc ITransact
    function resume(uint32 specId) external {
        _setPaused(_callersMember(), specId, false);
    }

    /// @inheritdoc ITransact
    function retireOffer(uint32 memberId, uint32 specId) external {
        if (BOOTSTRAP.isActiveMember(memberId)) revert MemberStillActive(memberId);
        _setPaused(memberId, specId, true);
    }

    /// @inheritdoc ITransact
    function defineSpec(InstanceSpec calldata newSpec) external onlyBootstrap returns (uint32 specId) {
        return _defineSpec(newSpec);
    }

    /// @inheritdoc ITransact
    function setHolderLimits(HolderLimits calldata limits) external onlyBootstrap {
        _setLimits(limits);
    }

    /// @inheritdoc ITransact
    function spec(uint32 specId) external view returns (InstanceSpec memory) {
        _stateOf(specId);
        return _specs[specId];
    }

    /// @inheritdoc ITransact
    function offer(uint32 memberId, uint32 specId) external view returns (Offer memory) {
        _stateOf(specId);
        return _offers[memberId][specId];
    }

    /// @inheritdoc ITransact
    function pool(uint32 specId) external view returns (Pool memory) {
        SpecState memory state = _stateOf(specId);
        return Pool({
            issued: state.issued,
            head: state.head,
            live: state.live,
            offered: state.offered,
            open: state.open,
            available: _left(state)
        });
    }

    /// @inheritdoc ITransact
    function holderLimits() external view returns (HolderLimits memory) {
        return _limits;
    }

    /// @inheritdoc ITransact
    function bootstrap() public view returns (IBootstrap) {
        return BOOTSTRAP;
    }

    /// Requests that the pool takes.
    function _left(SpecState memory state) internal pure returns (uint32) {
        return state.open > state.live ? state.open - state.live : 0;
    }

    /// The state of a spec that exists: its head is never 0.
    function _stateOf(uint32 specId) internal view returns (SpecState memory state) {
        state = _states[specId];
        if (state.head == 0) revert UnknownSpec(specId, specCount);
    }

    function _callersMember() internal view returns (uint32 memberId) {
        memberId = BOOTSTRAP.memberOf(msg.sender);
        if (memberId == 0) revert NotMember(msg.sender);
    }

    /// A redemption uses up one live code and one of the member's offer.
    function _useOffer(uint32 memberId, uint32 specId) internal {
        Offer memory mine = _offers[memberId][specId];
        if (mine.paused) revert OfferIsPaused(memberId, specId);
        if (mine.quantity == 0) revert OfferExhausted(memberId, specId);
        _offers[memberId][specId].quantity = mine.quantity - 1;
        SpecState memory state = _states[specId];
        --state.live;
        --state.offered;
        --state.open;
        _states[specId] = state;
    }

    function _setPaused(uint32 memberId, uint32 specId, bool paused) private {
        SpecState memory state = _stateOf(specId);
        Offer storage mine = _offers[memberId][specId];
        if (mine.paused == paused) revert OfferUnchanged(memberId, specId, paused);
        mine.paused = paused;
        state.open = paused ? state.open - mine.quantity : state.open + mine.quantity;
        _states[specId] = state;
        emit OfferPaused(memberId, specId, paused);
    }

    function _defineSpec(InstanceSpec memory s) internal returns (uint32 specId) {
        uint256 length = bytes(s.name).length;
        if (length == 0 || length > SPEC_NAME_BYTES_MAX) revert SpecNameLength(length, SPEC_NAME_BYTES_MAX);
        if (s.vcpus == 0 || s.memoryMiB == 0 || s.diskGiB == 0 || s.durationHours == 0 || s.ttlSeconds == 0) {
            revert SpecIncomplete(s.name);
        }
        if (s.reward > REWARD_MAX) revert RewardTooLarge(s.reward, REWARD_MAX);
        if (specCount == SPECS_MAX) revert TooManySpecs(SPECS_MAX);
        specId = ++specCount;
        _specs[specId] = s;
        _states[specId].ttlSeconds = s.ttlSeconds;
        _states[specId].head = 1;
        emit SpecDefined(specId, s);
    }

    function _setLimits(HolderLimits memory limits) internal {
        if (limits.liveCodes == 0 || limits.requestsPerPeriod == 0 || limits.periodSeconds == 0) {
            revert LimitsIncomplete(limits.liveCodes, limits.requestsPerPeriod, limits.periodSeconds);
        }
        _limits = limits;
        emit HolderLimitsSet(limits);
    }

    /// The smallest quantity that a member may lower its offer to.
    function _least(uint32 live, uint32 others, uint32 old) private pure returns (uint32) {
        uint32 least = live > others ? live - others : 0;
        return least < old ? least : old;
    }
}
