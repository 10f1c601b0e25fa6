//! `ledger-relayer status` and `verify`: looks that end.

use alloy_primitives::Address;
use ledger_checkpoint::{
    journal::Journal,
    mainchain::Mainchain,
    numbers::{BlockNumber, Index},
    outbox::{Entry, Outbox},
    plan::Sight,
    service::now_ms,
    watch::{Finding, Limits, Look, Watcher},
};
use serde_json::{Value, json};

use super::{
    args::{DepthArgs, StatusArgs, VerifyArgs},
    connect,
    output::{Answer, Exit},
};

/// Shows the contract's head, and the journal's bundles.
pub async fn status(args: &StatusArgs) -> eyre::Result<Answer> {
    let chains = connect(&args.chains).await?;
    let sight = chains.mainchain.sight(args.account.unwrap_or(Address::ZERO)).await?;
    let outbox = match &args.journal {
        Some(folder) => Some(Journal::read(folder, chains.anchor)?),
        None => None,
    };
    let mut text = format!(
        "Contract {} on chain {}: {} checkpoints at block {}, the newest {}.\n",
        chains.anchor.contract, chains.anchor.mainchain_id, sight.head_index, sight.head.number, sight.head_fingerprint
    );
    if let Some(account) = args.account {
        text += &format!(
            "Account {account} has {} wei and has sent {} transactions.\n",
            sight.balance_wei, sight.nonce
        );
    }
    let entries = outbox.iter().flat_map(|outbox| outbox.entries());
    let entries: Vec<_> = entries
        .map(|(index, entry)| line(*index, entry, &sight, args.depth))
        .collect();
    if let Some(outbox) = &outbox {
        text += &headline(outbox);
        text.extend(entries.iter().map(|(line, _)| line.clone()));
    }
    Ok(Answer {
        text,
        json: json!({
            "contract": chains.anchor.contract,
            "chainId": chains.anchor.mainchain_id,
            "mainchainBlock": sight.head.number.get(),
            "headIndex": sight.head_index.get(),
            "headFingerprint": sight.head_fingerprint,
            "gasPriceWei": sight.gas_price_wei.to_string(),
            "balanceWei": args.account.map(|_| sight.balance_wei.to_string()),
            "finalIndex": outbox.as_ref().and_then(Outbox::settled).map(|settled| settled.index.get()),
            "bundles": entries.into_iter().map(|(_, json)| json).collect::<Vec<_>>(),
        }),
        exit: Exit::Fine,
    })
}

fn headline(outbox: &Outbox) -> String {
    let settled = match outbox.settled() {
        Some(settled) => format!("checkpoint {} is final", settled.index),
        None => "none is final yet".to_owned(),
    };
    format!("The journal keeps {} bundles; {settled}.\n", outbox.entries().len())
}

fn line(index: Index, entry: &Entry, sight: &Sight, depth: DepthArgs) -> (String, Value) {
    let confirmations = entry
        .anchored
        .map(|anchored| sight.head.number.since(anchored.block.number));
    let state = match confirmations {
        None if entry.attempts.is_empty() => "waiting",
        None => "sent",
        Some(blocks) if blocks >= depth.final_blocks => "final",
        Some(blocks) if blocks >= depth.soft_blocks => "soft",
        Some(_) => "mined",
    };
    let upon = confirmations.map_or_else(String::new, |blocks| format!(", {blocks} blocks upon it"));
    let text = format!(
        "  {index}: {state}{upon}, {} transactions signed, fingerprint {}\n",
        entry.attempts.len(),
        entry.fingerprint
    );
    let transactions: Vec<_> = entry.attempts.iter().map(|attempt| attempt.hash).collect();
    let json = json!({
        "index": index.get(),
        "state": state,
        "fingerprint": entry.fingerprint,
        "confirmations": confirmations,
        "block": entry.anchored.map(|anchored| anchored.block.number.get()),
        "transactions": transactions,
    });
    (text, json)
}

/// Compares every anchored checkpoint.
pub async fn verify(args: &VerifyArgs) -> eyre::Result<Answer> {
    let chains = connect(&args.chains).await?;
    let limits = Limits {
        reorganisation_blocks: u64::MAX,
        overdue_blocks: u64::MAX,
        stall_ms: u64::MAX,
        purse: None,
    };
    let unread = BlockNumber::new(args.from_block.unwrap_or(u64::MAX));
    let parts = (chains.mainchain, chains.sidechain);
    let watcher = Watcher::new(parts, chains.anchor, limits, Index::new(args.from), unread);
    Ok(compared(&through(watcher).await?, args.from))
}

/// Looks until everything was compared and read.
pub async fn through<M: Mainchain, S: ledger_checkpoint::sidechain::Sidechain>(
    mut watcher: Watcher<M, S>,
) -> eyre::Result<Look> {
    loop {
        let look = watcher.look(now_ms()).await?;
        if watcher.is_through(&look.sight) {
            return Ok(look);
        }
    }
}

/// What a comparison came to.
pub fn compared(look: &Look, from: u64) -> Answer {
    let is_fine = look.findings.is_empty();
    let count = look.compared.plus(1).since(Index::new(from));
    let mut text = match is_fine {
        true => format!(
            "All {count} checkpoints on the mainchain, as of its block {}, are the sidechain's own.\n",
            look.sight.head.number
        ),
        false => format!(
            "{} of the things that were compared are not as they should be:\n",
            look.findings.len()
        ),
    };
    for finding in &look.findings {
        text += &format!("  {finding}\n");
    }
    Answer {
        text,
        json: json!({
            "mainchainBlock": look.sight.head.number.get(),
            "headIndex": look.sight.head_index.get(),
            "compared": count,
            "waiting": look.waiting,
            "findings": look.findings.iter().map(told).collect::<Vec<_>>(),
        }),
        exit: if is_fine { Exit::Fine } else { Exit::Wrong },
    }
}

fn told(finding: &Finding) -> Value {
    json!({ "name": finding.name(), "message": finding.to_string() })
}
