//! Transact's errors in words.

use alloy_primitives::U256;

use crate::{CodeId, Transact::TransactErrors as E};

/// A code as people see it; a word that is no id is shown as the number that it is.
fn code(word: U256) -> String {
    CodeId::from_word(word).map_or_else(|| word.to_string(), |id| id.to_string())
}

/// The sentence of one error.
pub(super) fn sentence(error: &E) -> String {
    match error {
        E::NotBootstrap(e) => format!(
            "only governance (Bootstrap, {}) may do this; the caller is {}",
            e.bootstrap, e.caller
        ),
        E::UnknownSpec(e) => format!("spec {} does not exist; specs run from 1 to {}", e.specId, e.specCount),
        E::SpecNameLength(e) => format!("a spec's name has 1 to {} bytes, not {}", e.most, e.length),
        E::SpecIncomplete(e) => format!("spec {:?} leaves its size, hours or time to live at 0", e.name),
        E::RewardTooLarge(e) => format!("a reward is at most {}, not {}", e.most, e.reward),
        E::TooManySpecs(e) => format!("there are {} specs, and no more are possible", e.most),
        E::LimitsIncomplete(e) => format!(
            "no limit of holders may be 0: live codes {}, requests per period {}, period {} s",
            e.liveCodes, e.requestsPerPeriod, e.periodSeconds
        ),
        E::PoolExhausted(e) => format!(
            "the pool of spec {} has {} codes left; {} was asked for",
            e.specId, e.left, e.asked
        ),
        E::HolderLiveLimit(e) => format!(
            "{} has {} live codes of its own; {} is the most: use or cancel one, or wait until one expires",
            e.holder, e.live, e.most
        ),
        E::HolderRateLimit(e) => format!(
            "{} made {} requests in this period; {} is the most until {} (Unix time)",
            e.holder, e.requests, e.most, e.periodEnd
        ),
        E::CodeNeverIssued(e) => format!(
            "code {} was never issued; the last of its spec is number {}",
            code(e.codeId),
            e.issued
        ),
        E::CodeDeleted(e) => format!("code {} ended long ago; the logs say how", code(e.codeId)),
        E::CodeTimedOut(e) => format!(
            "code {} expired at {}; it is {} now (Unix time)",
            code(e.codeId),
            e.expiresAt,
            e.timestamp
        ),
        E::CodeAlreadyRedeemed(e) => format!("code {} was redeemed already, at member {}", code(e.codeId), e.memberId),
        E::CodeAlreadyCancelled(e) => format!("code {} was cancelled by its holder", code(e.codeId)),
        E::NotHolder(e) => format!(
            "code {} is held by {}, not by the caller {}",
            code(e.codeId),
            e.holder,
            e.caller
        ),
        E::TransferToInvalid(e) => format!("a code cannot be transferred to {}", e.to),
        E::NotMember(e) => format!("{} neither owns an active member nor redeems for one", e.caller),
        E::OfferExhausted(e) => format!("member {} has nothing left to offer of spec {}", e.memberId, e.specId),
        E::OfferIsPaused(e) => format!("member {} has paused spec {}", e.memberId, e.specId),
        E::OfferUnchanged(e) => format!(
            "member {}'s offer of spec {} is {} already",
            e.memberId,
            e.specId,
            if e.paused { "paused" } else { "open" }
        ),
        E::OfferNeeded(e) => format!(
            "live codes of spec {} need at least {} of what member {} offers; {} is less",
            e.specId, e.least, e.memberId, e.asked
        ),
        E::OfferTooLarge(e) => format!("a member offers at most {} of a spec, not {}", e.most, e.quantity),
        E::MemberStillActive(e) => format!("member {} is active: it pauses its offers itself", e.memberId),
        E::AuthorizationTimedOut(e) => format!(
            "the holder's authorization for code {} was good until {}; it is {} now (Unix time)",
            code(e.codeId),
            e.deadline,
            e.timestamp
        ),
        E::AuthorizationInvalid(e) => format!(
            "the authorization for code {} is not signed by its holder {} over {}",
            code(e.codeId),
            e.holder,
            e.digest
        ),
        E::HolderInUse(e) => format!("the record of {} is in use, or there is none", e.holder),
        E::InvalidShortString(_) => "a stored short text is broken".into(),
        E::StringTooLong(e) => format!("the text {:?} has more than 31 bytes", e.str),
    }
}
