// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    Authorization,
    Code,
    CodeStatus,
    HolderLimits,
    HolderUse,
    InstanceSpec,
    Offer,
    Pool
} from "../types/TransactTypes.sol";
import { IBootstrap } from "./IBootstrap.sol";
import { IPassportToken } from "./IPassportToken.sol";

/// @title The promo codes
/// @notice Predeploy at 0x0000000000000000000000000000000000001002. A code's id is `specId << 64 | sequence`; the hash
/// of the transaction that emitted `CodeIssued` is the promo code that people handle. State holds the live window only:
/// records of ended codes are deleted from the head of their spec's queue by later requests. No personal data.
interface ITransact {
    /// @notice A code was issued; the transaction's hash is the promo code.
    event CodeIssued(uint256 indexed codeId, address indexed holder, uint32 indexed specId, uint64 expiresAt);
    /// @notice A code has another holder.
    event CodeTransferred(uint256 indexed codeId, address indexed from, address indexed to);
    /// @notice A code went back to the pool.
    event CodeCancelled(uint256 indexed codeId, address indexed holder);
    /// @notice A code was used.
    event CodeRedeemed(
        uint256 indexed codeId, uint32 indexed memberId, address indexed holder, bytes32 signupRef, uint256 reward
    );
    /// @notice An expired code was taken back.
    event CodeExpired(uint256 indexed codeId);
    /// @notice Governance defined a spec.
    event SpecDefined(uint32 indexed specId, InstanceSpec spec);
    /// @notice Governance set the limits of holders.
    event HolderLimitsSet(HolderLimits limits);
    /// @notice A member offers another quantity.
    event OfferSet(uint32 indexed memberId, uint32 indexed specId, uint32 quantity);
    /// @notice A member pauses, or goes on.
    event OfferPaused(uint32 indexed memberId, uint32 indexed specId, bool paused);

    /// @notice Only Bootstrap calls this.
    error NotBootstrap(address caller, address bootstrap);
    /// @notice The spec does not exist; ids run from 1 to `specCount`.
    error UnknownSpec(uint32 specId, uint32 specCount);
    /// @notice A spec's name has 1 to `most` bytes.
    error SpecNameLength(uint256 length, uint256 most);
    /// @notice A spec's size, hours and TTL must not be 0.
    error SpecIncomplete(string name);
    /// @notice A reward is `most` at most.
    error RewardTooLarge(uint256 reward, uint256 most);
    /// @notice There are as many specs as are possible.
    error TooManySpecs(uint256 most);
    /// @notice The limits of holders must not be 0.
    error LimitsIncomplete(uint32 liveCodes, uint32 requestsPerPeriod, uint32 periodSeconds);

    /// @notice The pool has no code left.
    error PoolExhausted(uint32 specId, uint256 asked, uint256 left);
    /// @notice The holder has as many live codes as it may have.
    error HolderLiveLimit(address holder, uint256 live, uint256 most);
    /// @notice The holder asked as often as it may in one period, which ends at `periodEnd`.
    error HolderRateLimit(address holder, uint256 requests, uint256 most, uint256 periodEnd);

    /// @notice No code with this id was issued; the spec's last one is `issued`.
    error CodeNeverIssued(uint256 codeId, uint64 issued);
    /// @notice The code ended and its record is deleted; the logs say how it ended.
    error CodeDeleted(uint256 codeId);
    /// @notice The code's time is over.
    error CodeTimedOut(uint256 codeId, uint256 expiresAt, uint256 timestamp);
    /// @notice The code was used at this member.
    error CodeAlreadyRedeemed(uint256 codeId, uint32 memberId);
    /// @notice The code was given back.
    error CodeAlreadyCancelled(uint256 codeId);
    /// @notice Only the holder can do this.
    error NotHolder(uint256 codeId, address caller, address holder);
    /// @notice The code cannot be moved to this account.
    error TransferToInvalid(address to);

    /// @notice The caller neither owns an active member nor redeems for one.
    error NotMember(address caller);
    /// @notice The member has nothing left to offer of this spec.
    error OfferExhausted(uint32 memberId, uint32 specId);
    /// @notice The member paused this spec.
    error OfferIsPaused(uint32 memberId, uint32 specId);
    /// @notice The offer is paused, or goes on, already.
    error OfferUnchanged(uint32 memberId, uint32 specId, bool paused);
    /// @notice Live codes need at least `least` of what the member offers.
    error OfferNeeded(uint32 memberId, uint32 specId, uint256 asked, uint256 least);
    /// @notice A member offers `most` of a spec at most.
    error OfferTooLarge(uint256 quantity, uint256 most);
    /// @notice The member was not removed from the programme.
    error MemberStillActive(uint32 memberId);
    /// @notice The holder's authorization was good until `deadline`.
    error AuthorizationTimedOut(uint256 codeId, uint256 deadline, uint256 timestamp);
    /// @notice The signature over the redemption's digest is not the holder's.
    error AuthorizationInvalid(uint256 codeId, address holder, bytes32 digest);
    /// @notice The holder still uses its limits, or is unknown.
    error HolderInUse(address holder);

    /// @notice Issues a code to the caller. Takes back up to two expired codes of the spec first.
    /// @dev Reverts with UnknownSpec, PoolExhausted, HolderLiveLimit or HolderRateLimit.
    function requestCode(uint32 specId) external returns (uint256 codeId);

    /// @notice Gives a live code to another account. It counts for nobody's limits from then on.
    /// @dev Only the holder.
    function transfer(uint256 codeId, address to) external;

    /// @notice Gives a live code back to the pool.
    /// @dev Only the holder.
    function cancel(uint256 codeId) external;

    /// @notice Confirms that the caller's cloud gave the resource; mints the reward to the holder. Once, and before the
    /// code expires.
    /// @param authorization the holder's consent; its signature may be empty where the spec requires none
    /// @dev Only an active member's owner or redeemer, with an offer left that is not paused.
    function redeem(uint256 codeId, Authorization calldata authorization) external;

    /// @notice Sets how many redemptions of a spec the caller's member still takes.
    /// @dev Only a member's owner or redeemer. Reverts with OfferNeeded if live codes need more.
    function setOffer(uint32 specId, uint32 quantity) external;

    /// @notice Stops redemptions at the caller's member and takes its offer out of new requests.
    function pause(uint32 specId) external;

    /// @notice Ends a pause.
    function resume(uint32 specId) external;

    /// @notice Pauses the offer of a member that governance has removed. Anyone.
    function retireOffer(uint32 memberId, uint32 specId) external;

    /// @notice Deletes up to `count` records of ended codes from the head of the spec's queue. Anyone.
    /// @return deleted how many there were
    function sweep(uint32 specId, uint32 count) external returns (uint256 deleted);

    /// @notice Deletes the record of a holder with no live code whose period is over. Anyone.
    function forget(address account) external;

    /// @notice Defines a spec.
    /// @dev Only Bootstrap.
    function defineSpec(InstanceSpec calldata newSpec) external returns (uint32 specId);

    /// @notice Sets the limits of holders.
    /// @dev Only Bootstrap.
    function setHolderLimits(HolderLimits calldata limits) external;

    /// @notice The code, as it is now. Never reverts.
    function code(uint256 codeId) external view returns (Code memory);

    /// @notice The storage slot that holds the code's record, for proofs. Its value, from the low bits: holder 160,
    /// expiry 40, state 8 (1 live, 2 redeemed, 3 cancelled), member 32, counts for its holder 8; 0 if there is none.
    function codeSlot(uint256 codeId) external pure returns (bytes32);

    /// @notice The spec with this id.
    /// @dev Reverts with UnknownSpec, as all that follow with a spec id.
    function spec(uint32 specId) external view returns (InstanceSpec memory);

    /// @notice Number of specs; the last spec id.
    function specCount() external view returns (uint32);

    /// @notice What a member offers of a spec.
    function offer(uint32 memberId, uint32 specId) external view returns (Offer memory);

    /// @notice The spec's pool.
    function pool(uint32 specId) external view returns (Pool memory);

    /// @notice What a holder used of its limits in the period that runs now.
    function holder(address account) external view returns (HolderUse memory);

    /// @notice The limits of holders.
    function holderLimits() external view returns (HolderLimits memory);

    /// @notice What the holder signs (EIP-712) to let a member redeem its code.
    function redemptionDigest(uint256 codeId, uint32 memberId, bytes32 signupRef, uint256 deadline)
        external
        view
        returns (bytes32);

    /// @notice Who runs the chain, and who is a member.
    function bootstrap() external view returns (IBootstrap);

    /// @notice The reward's token.
    function token() external view returns (IPassportToken);
}
