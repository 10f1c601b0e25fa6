//! Promo codes and verdicts, shown.

use ledger_api::{CodeEnding, CodeInfo, CodeState, EndorsementInfo, SpecInfo, Verification, whole};
use serde::Serialize;

use super::{Report, consensus::promise_words, pairs};
use crate::{
    error::Exit,
    time::{span, utc},
};

/// Everything about a promo code; `now` in seconds since the Unix epoch.
#[must_use]
pub fn code(code: &CodeInfo, now: u64) -> Report {
    Report::new(pairs(&rows(code, now)), code)
}

/// A promo code that was asked for a moment ago, with the promise that its transaction went first.
#[derive(Serialize)]
struct Requested<'a> {
    #[serde(flatten)]
    code: &'a CodeInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsement: Option<&'a EndorsementInfo>,
}

/// Everything about a promo code that was asked for a moment ago.
#[must_use]
pub fn requested(code: &CodeInfo, endorsement: Option<&EndorsementInfo>, now: u64) -> Report {
    let mut rows = rows(code, now);
    if let Some(promise) = endorsement {
        rows.push(("Endorsed", promise_words(promise)));
    }
    Report::new(pairs(&rows), &Requested { code, endorsement })
}

/// The answer to a cloud that asked about `id`; exit code 4 unless it can redeem the code now.
#[must_use]
pub fn verification(id: &str, answer: &Verification, now: u64) -> Report {
    let cloud = format!("{} (member {})", answer.cloud.name, answer.cloud.member_id);
    let redeemable = match (answer.redeemable, &answer.obstacle) {
        (true, _) => format!("yes, by {cloud}"),
        (false, Some(obstacle)) => format!("not by {cloud}: {obstacle}"),
        (false, None) => "no".to_owned(),
    };
    let mut lines = vec![("Verdict", answer.reason.clone()), ("Redeemable", redeemable)];
    if answer.verdict.is_live() {
        lines.push(("Time left", span(answer.ttl_seconds)));
    }
    match &answer.code {
        Some(code) => lines.extend(rows(code, now)),
        None => lines.push(("Promo code", id.to_owned())),
    }
    lines.push((
        "As of",
        format!("block {}, {}", answer.block.number, utc(answer.block.timestamp)),
    ));
    let report = Report::new(pairs(&lines), answer);
    if answer.redeemable {
        return report.with_next(format!(
            "Confirm the use when you gave the resource: passport redeem {id} --authorization FILE."
        ));
    }
    let next = if answer.verdict.is_live() && answer.requires_authorization {
        format!(
            "Let the holder sign for you: passport authorize {id} --cloud {} --reference TEXT, and verify with --authorization FILE.",
            answer.cloud.member_id
        )
    } else if answer.verdict.is_live() {
        "See what is offered: passport offer show.".to_owned()
    } else {
        "Ask the user for a promo code that is good.".to_owned()
    };
    report.with_next(next).with_exit(Exit::CodeNotGood)
}

/// A specification in a few words.
#[must_use]
pub fn spec_words(spec: &SpecInfo) -> String {
    format!(
        "{}: {} vCPU, {} MiB memory, {} GiB disk, for {} h",
        spec.name, spec.vcpus, spec.memory_mib, spec.disk_gib, spec.hours
    )
}

fn rows(code: &CodeInfo, now: u64) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("Promo code", code.transaction.to_string()),
        ("Passport code", code.passport_code.clone()),
        ("State", state_words(code, now)),
        ("Good for", spec_words(&code.spec)),
        (
            "Reward",
            format!("{} PASS to the holder at redemption", whole(code.spec.reward)),
        ),
        ("Holder", code.holder.to_string()),
    ];
    if code.requester != code.holder {
        rows.push(("Requested by", code.requester.to_string()));
    }
    rows.push((
        "Issued",
        format!("block {}, {}", code.block_number, utc(code.issued_at)),
    ));
    if let Some(ending) = &code.ending {
        rows.push(("Ended", ending_words(ending)));
    }
    rows
}

fn ending_words(ending: &CodeEnding) -> String {
    format!(
        "block {}, {}, transaction {}",
        ending.block_number,
        utc(ending.timestamp),
        ending.transaction
    )
}

/// Where a code stands, as it is shown: `live for 29 d 23 h, until 2026-12-20 14:32:55 UTC`.
fn state_words(code: &CodeInfo, now: u64) -> String {
    match code.state {
        CodeState::Live => format!(
            "live for {}, until {}",
            span(code.expires_at.saturating_sub(now)),
            utc(code.expires_at)
        ),
        CodeState::Expired => format!("expired on {}", utc(code.expires_at)),
        CodeState::Cancelled => "given back by its holder".to_owned(),
        CodeState::Redeemed => match code.ending.as_ref().and_then(|ending| ending.redeemed_by.as_ref()) {
            Some(cloud) => format!("redeemed by {} (member {})", cloud.name, cloud.member_id),
            None => "redeemed".to_owned(),
        },
    }
}

/// How a code ended, as the end of a sentence; `None` while it is live.
#[must_use]
pub fn ended_how(code: &CodeInfo) -> Option<String> {
    match code.state {
        CodeState::Live => None,
        CodeState::Expired => Some(format!("expired on {}", utc(code.expires_at))),
        CodeState::Cancelled => Some("was given back by its holder".to_owned()),
        CodeState::Redeemed => Some(format!("was {}", state_words(code, 0))),
    }
}
