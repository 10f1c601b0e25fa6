//! `ledger-relayer run`: round after round, until asked to end.

use std::time::Duration;

use alloy_primitives::Address;
use eyre::{ContextCompat, ensure};
use ledger_checkpoint::{
    journal::Journal,
    mainchain::Nodes,
    metering::{self, Meter},
    outbox::Outbox,
    plan::{Note, Planner, Policy},
    relayer::{Hands, Relayer, Report, Sending, SendingKind},
    sidechain::SidechainNode,
};
use serde_json::json;
use tracing::{error, info, warn};

use super::{
    GWEI,
    args::{DepthArgs, RunArgs},
    asked_to_end, connect, now_ms,
    output::{Answer, Exit},
    unlock,
};

/// Longest pause after rounds that came to nothing.
const PAUSE_MAX: Duration = Duration::from_secs(60);

fn policy(args: &RunArgs) -> eyre::Result<Policy> {
    let DepthArgs {
        soft_blocks,
        final_blocks,
    } = args.depth;
    ensure!(
        args.rank < args.relayers,
        "--rank {} is not one of {} relayers: ranks go from 0 to {}",
        args.rank,
        args.relayers,
        args.relayers - 1
    );
    ensure!(
        soft_blocks <= final_blocks,
        "--soft-blocks {soft_blocks} must not be more than --final-blocks {final_blocks}"
    );
    Ok(Policy {
        soft_blocks,
        final_blocks,
        rank: args.rank,
        relayers: args.relayers,
        gas_price_max_wei: u128::from(args.key.gas_price_max) * GWEI,
        ..Policy::default()
    })
}

/// Runs until asked to end.
pub async fn run(args: &RunArgs) -> eyre::Result<Exit> {
    let policy = policy(args)?;
    let signer = unlock(&args.key)?;
    let chains = connect(&args.chains).await?;
    let opened = Journal::open(&args.journal, chains.anchor)?;
    if let Some(bytes) = opened.torn_bytes {
        warn!(target: "ledger::relayer", bytes, "the journal ended in a record that was never finished; it is cut away, and nothing had been sent for it");
    }
    if let Some(address) = args.watching.metrics {
        metering::install(address)?;
    }
    info!(target: "ledger::relayer", account = %signer.address(), contract = %chains.anchor.contract, chain = chains.anchor.mainchain_id, kept = opened.outbox.entries().len(), "relayer ready");
    let hands = Hands {
        signer,
        journal: opened.journal,
    };
    let planner = Planner::new(policy, opened.outbox);
    let mut relayer = Relayer::new(chains.mainchain, chains.sidechain, planner, Ok(hands));
    tokio::select! {
        ended = rounds(&mut relayer, Duration::from_secs(args.watching.poll)) => ended,
        asked = asked_to_end() => asked.map(|()| Exit::Fine),
    }
}

async fn rounds(relayer: &mut Relayer<Nodes, SidechainNode>, poll: Duration) -> eyre::Result<Exit> {
    let mut meter = Meter::default();
    let mut pause = poll;
    loop {
        let now_ms = now_ms();
        match relayer.round(now_ms).await {
            Ok(report) => {
                let new = meter.round(&report, relayer.planner().outbox(), now_ms);
                tell(&report, &new);
                pause = poll;
            }
            Err(error) if error.is_passing() => {
                meter.failed();
                warn!(target: "ledger::relayer", %error, "a round came to nothing; the next one asks again");
                pause = (pause * 2).min(PAUSE_MAX.max(poll));
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Logs what happened, and alarms that did not stand before.
fn tell(report: &Report, new: &[&str]) {
    for note in &report.notes {
        match note {
            Note::Taken { index } => info!(target: "ledger::relayer", %index, "bundle taken"),
            Note::Anchored { index, block, cost_wei } => {
                let cost_wei = cost_wei.map(|wei| wei.to_string());
                info!(target: "ledger::relayer", %index, block = %block.number, cost_wei, "checkpoint is on the mainchain");
            }
            Note::Reorganised { index, depth } => {
                warn!(target: "ledger::relayer", %index, depth, "a reorganisation took the checkpoint from its block");
            }
            Note::Settled { index } => info!(target: "ledger::relayer", %index, "checkpoint is final"),
        }
    }
    for sending in &report.sendings {
        let Sending {
            index,
            hash,
            kind,
            fault,
        } = sending;
        let (hash, kind) = (hash.unwrap_or_default(), kind_name(*kind));
        match fault {
            None => info!(target: "ledger::relayer", %index, %hash, kind, "transaction sent"),
            Some(fault) => {
                warn!(target: "ledger::relayer", %index, %hash, kind, %fault, "no node took the transaction")
            }
        }
    }
    if let Some(error) = &report.sidechain {
        warn!(target: "ledger::relayer", %error, "no new bundles");
    }
    for alarm in report.alarms.iter().filter(|alarm| new.contains(&alarm.name())) {
        error!(target: "ledger::relayer", name = alarm.name(), "{alarm}");
    }
}

fn kind_name(kind: SendingKind) -> &'static str {
    match kind {
        SendingKind::New => "new",
        SendingKind::Raised => "raised",
        SendingKind::Again => "again",
    }
}

/// One round that does nothing, and what it would have done.
pub async fn dry(args: &RunArgs) -> eyre::Result<Answer> {
    let account: Address = match (&args.account, &args.key.key) {
        (Some(account), _) => *account,
        (None, Some(file)) => ledger_keys::account::keystore_address(file)?,
        (None, None) => None.wrap_err("name an account to play with --account ADDRESS, or a key with --key FILE")?,
    };
    let policy = policy(args)?;
    let chains = connect(&args.chains).await?;
    let outbox = match args.journal.exists() {
        true => Journal::read(&args.journal, chains.anchor)?,
        false => Outbox::new(chains.anchor),
    };
    let planner = Planner::new(policy, outbox);
    let mut relayer = Relayer::new(chains.mainchain, chains.sidechain, planner, Err(account));
    let report = relayer.round(now_ms()).await?;
    Ok(shown(&report))
}

fn shown(report: &Report) -> Answer {
    let sight = &report.sight;
    let mut text = format!(
        "The contract has {} checkpoints at block {}; the account has {} wei.\n",
        sight.head_index, sight.head.number, sight.balance_wei
    );
    for sending in &report.sendings {
        text += &format!(
            "Would send checkpoint {} ({}).\n",
            sending.index,
            kind_name(sending.kind)
        );
    }
    if report.sendings.is_empty() {
        text += "Would send nothing now.\n";
    }
    for alarm in &report.alarms {
        text += &format!("{}: {alarm}\n", alarm.name());
    }
    if let Some(error) = &report.sidechain {
        text += &format!("{error}\n");
    }
    let sendings = report.sendings.iter();
    Answer {
        json: json!({
            "headIndex": sight.head_index.get(),
            "mainchainBlock": sight.head.number.get(),
            "balanceWei": sight.balance_wei,
            "wouldSend": sendings.map(|sending| json!({ "index": sending.index.get(), "kind": kind_name(sending.kind) })).collect::<Vec<_>>(),
            "alarms": report.alarms.iter().map(|alarm| json!({ "name": alarm.name(), "message": alarm.to_string() })).collect::<Vec<_>>(),
            "sidechain": report.sidechain.as_ref().map(ToString::to_string),
        }),
        text,
        exit: match report.alarms.is_empty() && report.sidechain.is_none() {
            true => Exit::Fine,
            false => Exit::Wrong,
        },
    }
}
