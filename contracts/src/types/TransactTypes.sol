// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// An instance that members give away for a code. Never changes: what differs is another spec.
/// @param name as shown to people, 1 to 31 bytes
/// @param vcpus virtual processors
/// @param memoryMiB mebibytes of memory
/// @param diskGiB gibibytes of disk
/// @param durationHours how long the instance is given for
/// @param ttlSeconds how long a code of this spec can be redeemed
/// @param reward PassportToken units that the holder gets at redemption
/// @param requireAuthorization whether a redemption needs the holder's signature
struct InstanceSpec {
    string name;
    uint32 vcpus;
    uint32 memoryMiB;
    uint32 diskGiB;
    uint32 durationHours;
    uint32 ttlSeconds;
    uint256 reward;
    bool requireAuthorization;
}

/// What one holder may ask for.
/// @param liveCodes codes that it requested and still holds, over all specs
/// @param requestsPerPeriod requests in one period
/// @param periodSeconds length of the period, which starts with the first request
struct HolderLimits {
    uint32 liveCodes;
    uint32 requestsPerPeriod;
    uint32 periodSeconds;
}

/// What a holder used of its limits.
/// @param liveCodes codes that it requested and still holds
/// @param requests requests since `periodStart`
/// @param periodStart seconds
struct HolderUse {
    uint32 liveCodes;
    uint32 requests;
    uint64 periodStart;
}

/// What a member offers of one spec.
/// @param quantity redemptions that it still takes
/// @param paused takes none just now
struct Offer {
    uint32 quantity;
    bool paused;
}

/// A spec's pool.
/// @param issued codes ever issued, which is the last sequence number
/// @param head sequence number of the oldest record in state; `issued + 1` if there is none
/// @param live records that nobody redeemed, cancelled or took back (expired ones are taken back by later requests)
/// @param offered what all members offer, paused ones included
/// @param open what the members offer that are not paused
/// @param available requests that the pool would take now, not counting what a request takes back from the expired
struct Pool {
    uint64 issued;
    uint64 head;
    uint32 live;
    uint32 offered;
    uint32 open;
    uint32 available;
}

/// What a code is worth now.
enum CodeStatus {
    NeverIssued, // sequence 0 or above what was issued, or an unknown spec
    Live,
    Expired, // its time is over; the record is still in state
    Redeemed,
    Cancelled,
    Deleted // ended, and its record deleted; the logs say how it ended
}

/// A code.
/// @param status what it is worth now
/// @param holder who holds it, or held it when it ended
/// @param specId its spec
/// @param expiresAt seconds; it is redeemable before, not at or after
/// @param memberId who redeemed it; 0 if nobody
struct Code {
    CodeStatus status;
    address holder;
    uint32 specId;
    uint64 expiresAt;
    uint32 memberId;
}

/// The holder's consent to one redemption by one member: EIP-712 type
/// `Redemption(uint256 codeId,uint32 memberId,bytes32 signupRef,uint256 deadline)`, domain "Cloud Ledger Passport", "1".
/// @param signupRef salted hash of the sign-up at the cloud
/// @param deadline seconds; the consent is good up to and including it
/// @param signature the holder's; ignored (with the deadline) where the spec requires none
struct Authorization {
    bytes32 signupRef;
    uint256 deadline;
    bytes signature;
}
