//! `ledger-node recover`: what would going back to a checkpoint leave behind, who wants it, and what has it left behind?
//!
//! Asks a node, which alone knows whether its chain can go back there; the proposal is one like any other, and `ledger-node validator vote`
//! votes for it. The text is made by pure functions at the end.

use std::path::PathBuf;

use ledger_api::{ProposalInfo, ProposalKind, RecoveredSpan, RecoveredSpanQuery, SpanRedemption};
use serde::Serialize;

use super::{
    args::{RecoverArgs, RecoverCommand},
    context_of, opened,
    output::proposal_words,
    plan, sent, signer_of,
};
use crate::{
    client::Node,
    commands::{Context, settled},
    error::CliError,
    output::{Report, pairs, table},
    time::utc,
};

/// Answers of a node that one list of redemptions is put together from.
const ANSWERS_MAX: usize = 1_000;

/// Checkpoints that are asked for from the newest one down until the chain can go back to one.
const CHECKPOINTS_TRIED_MAX: usize = 64;

/// Does what the command line asks for; the wallet's password is in `password_file`, if it is not asked for.
///
/// # Errors
/// Whatever went wrong; see [`CliError`].
pub async fn run(args: &RecoverArgs, password_file: Option<PathBuf>) -> Result<Report, CliError> {
    let signer = signer_of(&args.node, password_file);
    let context = context_of(&args.node, &signer)?;
    match &args.command {
        RecoverCommand::Plan { checkpoint } => plan(&context.node, *checkpoint).await,
        RecoverCommand::Propose { checkpoint } => propose(&context, *checkpoint).await,
        RecoverCommand::Status => status(&context.node).await,
    }
}

async fn plan(node: &Node, checkpoint: Option<u64>) -> Result<Report, CliError> {
    let checkpoint = match checkpoint {
        Some(checkpoint) => checkpoint,
        None => newest_target(node).await?,
    };
    let query = RecoveredSpanQuery {
        checkpoint: Some(checkpoint),
        ..RecoveredSpanQuery::default()
    };
    let span = whole(node, query).await?;
    let next = format!("Tell every cloud in the list, then propose it: ledger-node recover propose {checkpoint}");
    Ok(Report::new(span_words(&span), &span).with_next(next))
}

/// The newest checkpoint that the node's chain can go back to.
async fn newest_target(node: &Node) -> Result<u64, CliError> {
    let anchor = node.status().await?.anchor;
    let newest = anchor
        .and_then(|anchor| anchor.believed)
        .map_or(0, |believed| believed.index);
    let mut refused = None;
    for index in (1..=newest).rev().take(CHECKPOINTS_TRIED_MAX) {
        let query = RecoveredSpanQuery {
            checkpoint: Some(index),
            ..RecoveredSpanQuery::default()
        };
        match node.recovered_span(query).await {
            Ok(_) => return Ok(index),
            Err(error @ CliError::NodeRefused { .. }) => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| CliError::NodeRefused {
        method: "ledger_status",
        reason: "it knows of no checkpoint that the mainchain has confirmed; ask one that runs with --mainchain"
            .to_owned(),
    }))
}

async fn propose(context: &Context<'_>, checkpoint: u64) -> Result<Report, CliError> {
    let query = RecoveredSpanQuery {
        checkpoint: Some(checkpoint),
        ..RecoveredSpanQuery::default()
    };
    // A node that cannot go back there says why.
    context.node.recovered_span(query).await?;
    let sent = sent(context, plan::propose_recovery(checkpoint)).await?;
    let Some(id) = opened(&sent) else {
        return Ok(settled("the proposal is open".to_owned(), sent));
    };
    let next = format!(
        "A quorum has to vote for it, you too: ledger-node validator vote {id}. Then anybody carries it out: ledger-node validator \
         execute {id}"
    );
    Ok(settled(
        format!("proposal {id} to recover to checkpoint {checkpoint} is open"),
        sent,
    )
    .with_next(next))
}

/// How recovery stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    /// What contradicts the node's chain.
    contradiction: Option<ledger_api::AnchorContradiction>,
    /// The checkpoint that the node was started to recover to.
    recovering: Option<u64>,
    /// Open proposals to recover.
    proposals: Vec<ProposalInfo>,
    /// The last recovery.
    last: Option<RecoveredSpan>,
}

async fn status(node: &Node) -> Result<Report, CliError> {
    let anchor = node.status().await?.anchor;
    let mut proposals = node.proposals().await?;
    proposals.retain(|proposal| proposal.kind == ProposalKind::Recover);
    let last = match whole(node, RecoveredSpanQuery::default()).await {
        Ok(span) => Some(span),
        Err(CliError::NodeRefused { .. }) => None,
        Err(error) => return Err(error),
    };
    let standing = Standing {
        contradiction: anchor.as_ref().and_then(|anchor| anchor.contradiction.clone()),
        recovering: anchor.and_then(|anchor| anchor.recovering),
        proposals,
        last,
    };
    Ok(Report::new(standing_words(&standing), &standing))
}

/// A span with all redemptions in it.
async fn whole(node: &Node, query: RecoveredSpanQuery) -> Result<RecoveredSpan, CliError> {
    let mut span = node.recovered_span(query).await?;
    for _ in 1..ANSWERS_MAX {
        let Some(from) = span.next else { break };
        let rest = node
            .recovered_span(RecoveredSpanQuery {
                from: Some(from),
                ..query
            })
            .await?;
        span.redemptions.extend(rest.redemptions);
        span.next = rest.next;
    }
    Ok(span)
}

fn standing_words(standing: &Standing) -> String {
    let mut text = String::new();
    if let Some(found) = &standing.contradiction {
        text += &format!(
            "This node has stopped: checkpoint {} on the mainchain says that block {} is {}, and here it is {}.\n",
            found.index, found.number, found.anchored, found.got
        );
    }
    if let Some(index) = standing.recovering {
        text += &format!(
            "This node waits for the recovery to checkpoint {index}, and takes part in governance alone until then (--recover-from).\n"
        );
    }
    for proposal in &standing.proposals {
        text += &proposal_words(proposal);
    }
    match &standing.last {
        Some(span) => text += &span_words(span),
        None => text += "This chain has had no recovery.\n",
    }
    text
}

fn span_words(span: &RecoveredSpan) -> String {
    let target = format!("{}, {}", span.target.number, utc(span.target.timestamp));
    let mut rows = vec![
        ("Checkpoint", span.checkpoint.to_string()),
        ("Its block", target),
        ("Block hash", span.target.hash.to_string()),
        ("State root", span.state_root.to_string()),
        ("Left behind", left_behind(span)),
    ];
    if let (Some(epoch), Some(block)) = (span.epoch, &span.recovery) {
        rows.insert(
            0,
            (
                "Recovery",
                format!("{epoch}, in block {}, {}", block.number, utc(block.timestamp)),
            ),
        );
    }
    let mut text = pairs(&rows);
    if span.redemptions.is_empty() && span.next.is_none() {
        return text + "No code was redeemed in it.\n";
    }
    text += "Codes that clouds redeemed in it, which are live again or gone:\n";
    text += &table(
        &["BLOCK", "CODE", "CLOUD", "HOLDER", "SIGN-UP", "TRANSACTION"],
        &span.redemptions.iter().map(row).collect::<Vec<_>>(),
    );
    if let Some(next) = span.next {
        text += &format!("There are more, from block {next} on.\n");
    }
    text
}

fn left_behind(span: &RecoveredSpan) -> String {
    match span.last.checked_sub(span.first) {
        Some(more) => format!(
            "blocks {} to {}, {} in all",
            span.first,
            span.last,
            more.saturating_add(1)
        ),
        None => "nothing: the checkpoint's block is the newest".to_owned(),
    }
}

fn row(one: &SpanRedemption) -> Vec<String> {
    vec![
        one.block_number.to_string(),
        format!("{:#x}", one.code_id),
        one.cloud.name.clone(),
        one.holder.to_string(),
        one.signup_ref.to_string(),
        one.transaction.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, U256};
    use ledger_api::{BlockPoint, CloudInfo};

    use super::*;

    fn span() -> RecoveredSpan {
        let block = |number| BlockPoint {
            number,
            hash: B256::repeat_byte(1),
            timestamp: 1_700_000_000,
        };
        RecoveredSpan {
            epoch: Some(1),
            checkpoint: 7,
            target: block(10),
            state_root: B256::repeat_byte(2),
            first: 11,
            last: 20,
            recovery: Some(block(21)),
            redemptions: vec![SpanRedemption {
                code_id: U256::from(5),
                cloud: CloudInfo {
                    member_id: 1,
                    name: "Aurora".to_owned(),
                    owner: Address::repeat_byte(3),
                },
                holder: Address::repeat_byte(4),
                signup_ref: B256::repeat_byte(5),
                reward: U256::ZERO,
                block_number: 12,
                transaction: B256::repeat_byte(6),
            }],
            next: None,
        }
    }

    #[test]
    fn a_span_names_its_blocks_and_what_clouds_gave_something_for() {
        let words = span_words(&span());
        for part in ["blocks 11 to 20, 10 in all", "Recovery", "in block 21", "Aurora", "0x5"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let empty = RecoveredSpan {
            redemptions: Vec::new(),
            epoch: None,
            recovery: None,
            last: 10,
            ..span()
        };
        let words = span_words(&empty);
        assert!(
            words.contains("No code was redeemed") && words.contains("nothing:"),
            "{words}"
        );
        assert!(!words.contains("Recovery"), "{words}");
    }
}
