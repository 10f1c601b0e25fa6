//! What is done about each command: ask the node for facts, plan, sign, send, and report.
//!
//! Called by `main`. Nothing here prints an answer; it is the caller's to show.

mod cloud;
mod holder;
mod proof;
mod query;
mod trustless;
mod wallet;

use std::time::Duration;

use alloy_primitives::{Address, B256};
use ledger_api::{CloudRef, EndorsementInfo};
use serde::Serialize;

use crate::{
    args::{Cli, Command, OfferCommand, SignerArgs},
    client::{Node, Patience, Sent},
    error::CliError,
    output::{Report, consensus::promise_words, pairs},
    plan::Call,
    wallet::Actor,
};

/// Does what the command line asks for.
///
/// # Errors
/// Whatever went wrong; see [`CliError`].
pub async fn run(cli: &Cli) -> Result<Report, CliError> {
    if let Command::Wallet(command) = &cli.command {
        return wallet::run(command, &cli.signer);
    }
    let context = Context {
        node: Node::new(&cli.common.rpc)?,
        patience: Patience {
            longest: Duration::from_secs(cli.common.timeout),
        },
        signer: &cli.signer,
    };
    match &cli.command {
        Command::Wallet(command) => wallet::run(command, &cli.signer),
        Command::Request { spec } => holder::request(&context, spec).await,
        Command::Code { id } => query::code(&context, id).await,
        Command::Verify(args) if args.trustless => trustless::verify(&context, args).await,
        Command::Verify(args) => cloud::verify(&context, args).await,
        Command::Proof(args) => proof::save(&context, args).await,
        Command::Authorize(args) => holder::authorize(&context, args).await,
        Command::Transfer { id, to } => holder::transfer(&context, id, to).await,
        Command::Cancel { id } => holder::cancel(&context, id).await,
        Command::Redeem { id, authorization } => cloud::redeem(&context, id, authorization.as_deref()).await,
        Command::Offer(OfferCommand::Show { cloud }) => query::offers(&context, cloud.as_deref()).await,
        Command::Offer(OfferCommand::Set { spec, quantity }) => {
            cloud::offer(&context, spec, cloud::OfferChange::Quantity(*quantity)).await
        }
        Command::Offer(OfferCommand::Pause { spec }) => cloud::offer(&context, spec, cloud::OfferChange::Pause).await,
        Command::Offer(OfferCommand::Resume { spec }) => cloud::offer(&context, spec, cloud::OfferChange::Resume).await,
        Command::Pool => query::pool(&context).await,
        Command::Specs => query::specs(&context).await,
        Command::Report { month, cloud, csv } => query::usage(&context, *month, cloud.as_deref(), *csv).await,
        Command::Balance { address } => query::balance(&context, address.as_deref()).await,
        Command::Status => query::status(&context).await,
        Command::Validators => query::validators(&context).await,
        Command::Peers => query::peers(&context).await,
        Command::Stalled => query::stalled(&context).await,
    }
}

/// What every command that talks to a node has.
pub(crate) struct Context<'a> {
    pub(crate) node: Node,
    pub(crate) patience: Patience,
    pub(crate) signer: &'a SignerArgs,
}

impl Context<'_> {
    /// Who acts.
    pub(crate) fn actor(&self) -> Result<Actor, CliError> {
        Actor::new(self.signer)
    }

    /// Sends `call` and waits for its block. The key is unlocked only when the contract would take it.
    pub(crate) async fn send(&self, actor: &Actor, call: Call) -> Result<Sent, CliError> {
        let prepared = self.node.prepare(actor.address(), call).await?;
        let signer = actor.unlock()?;
        self.node.send(&signer, prepared, self.patience).await
    }
}

/// A cloud as somebody named it: digits are a member id.
fn cloud_ref(text: &str) -> CloudRef {
    match text.parse() {
        Ok(id) => CloudRef::Id(id),
        Err(_) => CloudRef::Name(text.to_owned()),
    }
}

/// A transaction that is in its block.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settled {
    /// The transaction.
    transaction: B256,
    /// Its sender.
    from: Address,
    /// Its block.
    #[serde(with = "alloy_serde::quantity")]
    block_number: u64,
    /// Gas that it took; it costs nothing.
    #[serde(with = "alloy_serde::quantity")]
    gas_used: u64,
    /// The promise that it goes first, if an authority made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsement: Option<EndorsementInfo>,
}

/// Says that a transaction is done: `done` first, then where it is.
pub(crate) fn settled(done: String, sent: Sent) -> Report {
    let receipt = sent.receipt;
    let settled = Settled {
        transaction: receipt.transaction_hash,
        from: receipt.from,
        block_number: receipt.block_number.unwrap_or_default(),
        gas_used: receipt.gas_used,
        endorsement: sent.endorsement,
    };
    let mut rows = vec![
        ("Done", done),
        ("Transaction", settled.transaction.to_string()),
        ("Block", settled.block_number.to_string()),
    ];
    if let Some(promise) = &settled.endorsement {
        rows.push(("Endorsed", promise_words(promise)));
    }
    Report::new(pairs(&rows), &settled)
}
