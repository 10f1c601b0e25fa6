//! `ledger-relayer run`: round after round, until asked to end.

use std::time::Duration;

use alloy_primitives::Address;
use eyre::ContextCompat;
use ledger_checkpoint::{
    journal::Journal,
    metering,
    outbox::Outbox,
    plan::{
        Alarm, Planner, Policy,
        policy::{PolicyError, wei_of_gwei},
    },
    relayer::{Relayer, Report, Sending},
    service::{self, kind_name, now_ms},
};
use serde_json::json;

use super::{
    args::RunArgs,
    asked_to_end, connect,
    output::{Answer, Exit},
    unlock,
};

fn policy(args: &RunArgs) -> Result<Policy, PolicyError> {
    let policy = Policy {
        soft_blocks: args.depth.soft_blocks,
        final_blocks: args.depth.final_blocks,
        rank: args.rank,
        relayers: args.relayers,
        gas_price_max_wei: wei_of_gwei(args.key.gas_price_max),
        ..Policy::default()
    };
    policy.check().map(|()| policy)
}

/// Runs until asked to end.
pub async fn run(args: &RunArgs) -> eyre::Result<Exit> {
    let policy = policy(args)?;
    let signer = unlock(&args.key)?;
    let chains = connect(&args.chains).await?;
    if let Some(address) = args.watching.metrics {
        metering::install(address)?;
    }
    let mut relayer = service::open(chains, signer, &args.journal, policy)?;
    tokio::select! {
        ended = service::rounds(&mut relayer, Duration::from_secs(args.watching.poll), |_| {}) => Err(ended.into()),
        asked = asked_to_end() => asked.map(|()| Exit::Fine),
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
    let outbox = match Journal::is_in(&args.journal) {
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
    let sending = |sending: &Sending| json!({ "index": sending.index.get(), "kind": kind_name(sending.kind) });
    let alarm = |alarm: &Alarm| json!({ "name": alarm.name(), "message": alarm.to_string() });
    Answer {
        json: json!({
            "headIndex": sight.head_index.get(),
            "mainchainBlock": sight.head.number.get(),
            "balanceWei": sight.balance_wei,
            "wouldSend": report.sendings.iter().map(sending).collect::<Vec<_>>(),
            "alarms": report.alarms.iter().map(alarm).collect::<Vec<_>>(),
            "sidechain": report.sidechain.as_ref().map(ToString::to_string),
        }),
        text,
        exit: match report.alarms.is_empty() && report.sidechain.is_none() {
            true => Exit::Fine,
            false => Exit::Wrong,
        },
    }
}
