//! `ledger-relayer monitor`: looks again and again, without a key, and says what is wrong.

use std::time::Duration;

use alloy_primitives::U256;
use ledger_checkpoint::{
    mainchain::Nodes,
    metering::{self, Meter},
    numbers::{BlockNumber, Index},
    plan::policy::{STALL_MS, wei_of_gwei},
    service::now_ms,
    sidechain::SidechainNode,
    statement::Anchor,
    watch::{Limits, Watcher},
};
use tracing::{error, info, warn};

use super::{
    args::MonitorArgs,
    asked_to_end, connect,
    inspect::{compared, through},
    output::{Answer, Exit},
};

async fn watcher(args: &MonitorArgs) -> eyre::Result<(Watcher<Nodes, SidechainNode>, Anchor)> {
    let chains = connect(&args.chains).await?;
    let unread = match args.from_block {
        Some(block) => BlockNumber::new(block),
        None => chains.mainchain.head().await?.number,
    };
    let least_wei = args.balance_min.map(|gwei| U256::from(wei_of_gwei(gwei)));
    let limits = Limits {
        reorganisation_blocks: args.reorganisation_blocks.max(1),
        overdue_blocks: args.overdue_blocks,
        stall_ms: STALL_MS,
        purse: args.account.zip(least_wei),
    };
    let parts = (chains.mainchain, chains.sidechain);
    let watcher = Watcher::new(parts, chains.anchor, limits, Index::new(args.from), unread);
    Ok((watcher, chains.anchor))
}

/// Compares everything once.
pub async fn once(args: &MonitorArgs) -> eyre::Result<Answer> {
    Ok(compared(&through(watcher(args).await?.0).await?, args.from))
}

/// Looks until asked to end.
pub async fn run(args: &MonitorArgs) -> eyre::Result<Exit> {
    let (mut watcher, anchor) = watcher(args).await?;
    if let Some(address) = args.watching.metrics {
        metering::install(address)?;
    }
    info!(target: "ledger::relayer", contract = %anchor.contract, "monitor ready");
    let mut meter = Meter::default();
    let mut exit = Exit::Silent;
    let mut end = std::pin::pin!(asked_to_end());
    loop {
        tokio::select! {
            seen = look(&mut watcher, &mut meter) => exit = seen,
            asked = &mut end => return asked.map(|()| exit),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.watching.poll)) => {}
            asked = &mut end => return asked.map(|()| exit),
        }
    }
}

async fn look(watcher: &mut Watcher<Nodes, SidechainNode>, meter: &mut Meter) -> Exit {
    let now_ms = now_ms();
    match watcher.look(now_ms).await {
        Ok(look) => {
            let new = meter.look(&look, now_ms);
            for finding in look.findings.iter().filter(|finding| new.contains(&finding.name())) {
                error!(target: "ledger::relayer", name = finding.name(), "{finding}");
            }
            match look.findings.is_empty() {
                true => Exit::Fine,
                false => Exit::Wrong,
            }
        }
        Err(error) => {
            meter.failed();
            warn!(target: "ledger::relayer", %error, "a look came to nothing; the next one asks again");
            Exit::Silent
        }
    }
}
