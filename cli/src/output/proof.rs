//! Proofs of promo codes, shown.

use std::path::Path;

use alloy_primitives::Bytes;
use alloy_serde::quantity;
use ledger_api::whole;
use ledger_checkpoint::proof::{ProofFile, ProvenCode};
use serde::Serialize;

use super::{Report, code::spec_words, pairs};
use crate::time::{span, utc};

/// Where the checkpoint is that a proof begins with, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchoredWhere {
    /// Its place in the sequence of checkpoints.
    #[serde(with = "quantity")]
    pub index: u64,
    /// The block of the mainchain that accepted it.
    #[serde(with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub mainchain_block: Option<u64>,
    /// That block's time, in seconds since the Unix epoch.
    #[serde(with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Blocks upon that.
    #[serde(with = "quantity::opt", skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
}

/// Calls of `CodeVerifier`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// `verifyCode`: gives the code as the checkpoint's state has it, or reverts.
    pub verify_code: Bytes,
    /// `verifyBlock`: reverts unless the block of the request is one that was anchored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_block: Option<Bytes>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proven<'a> {
    #[serde(flatten)]
    code: &'a ProvenCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchored: Option<&'a AnchoredWhere>,
}

/// A code that is proven to be live; `now` in seconds since the Unix epoch.
#[must_use]
pub fn proven(code: &ProvenCode, anchored: Option<&AnchoredWhere>, now: u64) -> Report {
    let left = span(code.expires_at.saturating_sub(now));
    let mut rows = vec![
        ("Proven", format!("live for {left}, until {}", utc(code.expires_at))),
        ("Promo code", code.transaction.to_string()),
    ];
    rows.extend(code.passport_code.clone().map(|text| ("Passport code", text)));
    rows.push(("Good for", spec_words(&code.spec)));
    rows.push((
        "Reward",
        format!("{} PASS to the holder at redemption", whole(code.spec.reward)),
    ));
    rows.push(("Holder", code.holder.to_string()));
    if code.requester != code.holder {
        rows.push(("Requested by", code.requester.to_string()));
    }
    let consent = match code.spec.requires_authorization {
        true => "needed for the cloud that redeems",
        false => "not needed",
    };
    rows.push(("Signature", consent.to_owned()));
    let (issued, as_of) = (&code.issued, &code.as_of);
    rows.push(("Issued", format!("block {}, {}", issued.number, utc(issued.timestamp))));
    let age = span(now.saturating_sub(as_of.timestamp));
    rows.push((
        "As of",
        format!("block {}, {} ({age} ago)", as_of.number, utc(as_of.timestamp)),
    ));
    rows.push(("Trusted", trusted_words(code, anchored)));
    let next = format!(
        "So it was in block {}; what later blocks did, no proof shows. Redeem first, and give the resource when that has worked: \
         passport redeem {}.",
        as_of.number, code.transaction
    );
    Report::new(pairs(&rows), &Proven { code, anchored }).with_next(next)
}

fn trusted_words(code: &ProvenCode, anchored: Option<&AnchoredWhere>) -> String {
    let block = &code.trusted;
    let Some(anchored) = anchored else {
        return format!("block {}, {}", block.number, block.hash);
    };
    let checkpoint = format!("checkpoint {} of block {}", anchored.index, block.number);
    match (anchored.mainchain_block, anchored.timestamp, anchored.confirmations) {
        (Some(number), Some(time), Some(blocks)) => {
            format!(
                "{checkpoint}, anchored in block {number} of the mainchain, {}, {blocks} blocks ago",
                utc(time)
            )
        }
        _ => checkpoint,
    }
}

/// A proof that was written to a file.
#[must_use]
pub fn saved(path: &Path, file: &ProofFile) -> Report {
    let begins = match &file.anchored {
        Some(anchored) => format!(
            "checkpoint {} of block {}",
            anchored.checkpoint.index, anchored.checkpoint.height
        ),
        None => "a block".to_owned(),
    };
    let mut rows = vec![
        ("Proof", path.display().to_string()),
        ("Code", format!("{:#x}", file.proof.code_id)),
        ("Begins with", begins),
    ];
    if let Some(anchored) = &file.anchored {
        let anchor = anchored.anchor();
        let fingerprint = |checkpoint| ("Checkpoint", anchor.fingerprint(&checkpoint).to_string());
        rows.extend(anchored.checkpoints().map(fingerprint));
    }
    let next = format!(
        "Whoever trusts what it begins with can check it: passport verify --trustless --proof {}.",
        path.display()
    );
    Report::new(pairs(&rows), file).with_next(next)
}

/// The calls that check a proof on the mainchain.
#[must_use]
pub fn calls(calls: &Calls) -> Report {
    let mut rows = vec![("verifyCode", calls.verify_code.to_string())];
    rows.extend(
        calls
            .verify_block
            .as_ref()
            .map(|call| ("verifyBlock", call.to_string())),
    );
    let next = "Give each to CodeVerifier on the mainchain by eth_call; it reverts with what is wrong.".to_owned();
    Report::new(pairs(&rows), calls).with_next(next)
}
