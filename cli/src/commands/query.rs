//! Commands that only look.

use ledger_chainspec::{Month, predeploys::PASSPORT_TOKEN};
use ledger_contracts::PassportToken;

use super::{Context, cloud_ref};
use crate::{
    error::CliError,
    output::{self, Report, chain::Balance},
    plan,
    time::now,
};

pub(super) async fn code(context: &Context<'_>, id: &str) -> Result<Report, CliError> {
    let id = plan::code_ref(id)?;
    let code = context.node.code(&id).await?;
    Ok(output::code::code(&code, now()))
}

pub(super) async fn offers(context: &Context<'_>, cloud: Option<&str>) -> Result<Report, CliError> {
    let entries = context.node.pool().await?;
    Ok(output::pool::offers(&entries, cloud))
}

pub(super) async fn pool(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::pool::pool(&context.node.pool().await?))
}

pub(super) async fn specs(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::pool::specs(&context.node.specs().await?))
}

pub(super) async fn usage(
    context: &Context<'_>,
    month: Month,
    cloud: Option<&str>,
    csv: bool,
) -> Result<Report, CliError> {
    let report = context.node.usage(month, cloud.map(cloud_ref)).await?;
    Ok(match csv {
        true => output::usage::csv(&report),
        false => output::usage::usage(&report),
    })
}

pub(super) async fn balance(context: &Context<'_>, account: Option<&str>) -> Result<Report, CliError> {
    let address = match account {
        Some(text) => plan::address(text)?,
        None => context.actor()?.address(),
    };
    let call = PassportToken::balanceOfCall { account: address };
    Ok(output::chain::balance(&Balance {
        address,
        passport_tokens: context.node.view(PASSPORT_TOKEN, &call).await?,
        coins: context.node.coins(address).await?,
    }))
}

pub(super) async fn status(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::chain::status(&context.node.status().await?))
}

pub(super) async fn peers(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::consensus::peers(&context.node.peers().await?))
}

pub(super) async fn stalled(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::consensus::stalled(&context.node.why_stalled().await?, now()))
}

pub(super) async fn validators(context: &Context<'_>) -> Result<Report, CliError> {
    Ok(output::chain::validators(&context.node.validators().await?))
}
