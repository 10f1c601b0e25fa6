//! Which checkpoints are there, how far has each come, and are they signed here?

use alloy_primitives::B256;
use ledger_api::{
    CHECKPOINTS_PER_QUESTION_MAX, CheckpointInfo, CheckpointPoint, CheckpointState, CheckpointStatus, CheckpointsQuery,
};
use ledger_checkpoint::statement::{Anchor, Bundle, quorum};

use super::{super::error::RpcFailure, number};
use crate::checkpoints::{
    CheckpointBook,
    book::{Signing, Snapshot},
    collecting::Open,
    planner::OPEN_MAX,
};

/// The answer to `ledger_checkpoints`.
pub(super) fn infos(book: &CheckpointBook, query: CheckpointsQuery) -> Result<Vec<CheckpointInfo>, RpcFailure> {
    let Some(anchor) = book.now().anchor else {
        return Ok(Vec::new());
    };
    let count = query.count.min(CHECKPOINTS_PER_QUESTION_MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let found = book.checkpoints(&anchor, query.from, count);
    let found = found.map_err(|error| RpcFailure::Internal(error.to_string()))?;
    Ok(found.into_iter().map(|bundle| info(book, &anchor, bundle)).collect())
}

fn info(book: &CheckpointBook, anchor: &Anchor, bundle: Bundle) -> CheckpointInfo {
    let fingerprint: B256 = anchor.fingerprint(&bundle.checkpoint);
    let (signed, quorum) = (bundle.bitmap.count_ones(), quorum(bundle.keys.len()));
    let progress = book.progress(anchor, (bundle.checkpoint.index, fingerprint), signed >= quorum);
    CheckpointInfo {
        bundle: bundle.into(),
        fingerprint,
        signed: number(signed),
        quorum: number(quorum),
        state: progress.state,
        transaction: progress.transaction,
    }
}

fn point(book: &CheckpointBook, anchor: &Anchor, bundle: &Bundle) -> CheckpointPoint {
    let checkpoint = &bundle.checkpoint;
    let place = (checkpoint.index, anchor.fingerprint(checkpoint));
    CheckpointPoint {
        index: checkpoint.index,
        height: checkpoint.height,
        signed: number(bundle.bitmap.count_ones()),
        quorum: number(quorum(bundle.keys.len())),
        state: book.progress(anchor, place, bundle.has_quorum()).state,
    }
}

/// How the signing of checkpoints stands, for `ledger_status`.
pub(super) fn status(book: &CheckpointBook) -> CheckpointStatus {
    let now = book.now();
    let newest = now.log.as_ref().and_then(|log| log.lock().last().ok().flatten());
    let newest_signed = now
        .anchor
        .zip(newest)
        .map(|(anchor, newest)| point(book, &anchor, &newest.bundle));
    let waiting: Vec<&Open> = now.open.iter().filter(|open| !open.is_signed()).collect();
    let oldest_waiting = now
        .anchor
        .zip(waiting.first())
        .map(|(anchor, open)| point(book, &anchor, &open.bundle()));
    let config = now.config;
    CheckpointStatus {
        summary: summary(&now, newest_signed.as_ref(), oldest_waiting.as_ref()),
        mainchain_id: config.map_or(0, |config| config.mainchain_id),
        contract: config.and_then(|config| config.anchor()).map(|anchor| anchor.contract),
        interval_blocks: config.map_or(0, |config| config.interval_blocks),
        own_key: now.own_key,
        newest_signed,
        oldest_waiting,
        waiting: number(waiting.len()),
    }
}

fn summary(now: &Snapshot, newest: Option<&CheckpointPoint>, waiting: Option<&CheckpointPoint>) -> String {
    let interval = now.config.map_or(0, |config| config.interval_blocks);
    let role = match now.signing {
        Signing::Starting => "checkpoints are not looked at yet: the node has just started".to_owned(),
        Signing::NoContract => "no checkpoints are signed: no contract on the mainchain is configured; deploy one with \
             `ledger-relayer deploy`, and let the validators vote for it (`ledger-node validator propose checkpoints --contract ADDRESS`)"
            .to_owned(),
        Signing::NoKey => "this node signs no checkpoints, for it has no checkpoint key (--checkpoint-key)".to_owned(),
        Signing::NotInSet => "this node signs no checkpoints: its checkpoint key is none of the set that signs".to_owned(),
        Signing::Signs => format!("this node signs a checkpoint every {interval} blocks"),
        Signing::Unplaced => "this node waits for peers to give it a checkpoint that a quorum has signed".to_owned(),
        Signing::Full => format!("{OPEN_MAX} checkpoints wait for a quorum, and no more are made before the oldest has it"),
    };
    let behind = match (newest, waiting) {
        (_, Some(open)) => format!(
            "; checkpoint {} of block {} waits with {} of {} signatures",
            open.index, open.height, open.signed, open.quorum
        ),
        (Some(newest), None) => {
            let words = words(newest.state);
            format!(
                "; checkpoint {} of block {} is the newest, {words}",
                newest.index, newest.height
            )
        }
        (None, None) => String::new(),
    };
    role + &behind
}

const fn words(state: CheckpointState) -> &'static str {
    match state {
        CheckpointState::Signing => "and collects signatures",
        CheckpointState::Signed => "signed by a quorum",
        CheckpointState::Submitted => "sent to the mainchain",
        CheckpointState::Mined => "on the mainchain",
        CheckpointState::Soft => "on the mainchain and believed",
        CheckpointState::Final => "final on the mainchain",
        CheckpointState::Superseded => "and the mainchain has another one in its place",
        CheckpointState::Rejected => "and the mainchain has another one in its place and this one as a conflict",
    }
}
