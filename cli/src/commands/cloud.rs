//! Commands of a cloud: check a code, confirm its use, offer.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use ledger_api::{VerifyRequest, whole};
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::Bootstrap;

use super::{Context, cloud_ref, settled};
use crate::{
    args::VerifyArgs,
    authorization::{AUTHORIZATION_BYTES_MAX, SignedAuthorization},
    error::CliError,
    output::{self, Report},
    plan,
    time::now,
};

/// What to change about an offer.
pub(super) enum OfferChange {
    /// How many redemptions it still takes.
    Quantity(u32),
    /// Stop.
    Pause,
    /// Go on.
    Resume,
}

pub(super) async fn verify(context: &Context<'_>, args: &VerifyArgs) -> Result<Report, CliError> {
    let (Some(id), Some(cloud)) = (&args.id, &args.cloud) else {
        return Err(CliError::Trust("a promo code and --cloud are needed, or --trustless"));
    };
    let id = plan::code_ref(id)?.to_string();
    let signed = args.authorization.as_deref().map(read_authorization).transpose()?;
    if let Some(signed) = &signed {
        signed.check_chain(context.node.chain_id().await?)?;
    }
    let request = VerifyRequest {
        cloud: cloud_ref(cloud),
        authorization: signed.as_ref().map(SignedAuthorization::for_node),
    };
    let answer = context.node.verify(&id, request).await?;
    if let Some(signed) = &signed {
        signed.check_cloud(answer.cloud.member_id)?;
    }
    Ok(output::code::verification(&id, &answer, now()))
}

pub(super) async fn redeem(context: &Context<'_>, id: &str, authorization: Option<&Path>) -> Result<Report, CliError> {
    let id = plan::code_ref(id)?;
    let signed = authorization.map(read_authorization).transpose()?;
    let actor = context.actor()?;
    if let Some(signed) = &signed {
        signed.check_chain(context.node.chain_id().await?)?;
    }
    let code = context.node.code(&id).await?;
    plan::live(&id, &code)?;
    if let Some(signed) = &signed {
        let asked = Bootstrap::memberOfCall {
            account: actor.address(),
        };
        // Whoever is no member at all hears that from the contract.
        match context.node.view(BOOTSTRAP, &asked).await? {
            0 => {}
            member_id => signed.check_cloud(member_id)?,
        }
    }
    let call = plan::redeem(&id, &code, signed.as_ref())?;
    let sent = context.send(&actor, call).await?;
    let done = format!(
        "{} is redeemed; {} got {} PASS",
        code.passport_code,
        code.holder,
        whole(code.spec.reward)
    );
    Ok(settled(done, sent))
}

pub(super) async fn offer(context: &Context<'_>, spec: &str, change: OfferChange) -> Result<Report, CliError> {
    let specs = context.node.specs().await?;
    let spec = plan::spec(&specs, spec)?;
    let actor = context.actor()?;
    let (call, done) = match change {
        OfferChange::Quantity(quantity) => (
            plan::set_offer(spec, quantity),
            format!("your cloud takes {quantity} more redemptions of {}", spec.name),
        ),
        OfferChange::Pause => (
            plan::pause(spec),
            format!("your cloud's offer of {} is paused", spec.name),
        ),
        OfferChange::Resume => (
            plan::resume(spec),
            format!("your cloud's offer of {} goes on", spec.name),
        ),
    };
    let sent = context.send(&actor, call).await?;
    Ok(settled(done, sent))
}

/// The authorization in `file`; `-` is standard input.
fn read_authorization(file: &Path) -> Result<SignedAuthorization, CliError> {
    let (source_name, text) = if file == Path::new("-") {
        ("standard input".to_owned(), read_bounded(io::stdin()))
    } else {
        (file.display().to_string(), File::open(file).and_then(read_bounded))
    };
    let text = text.map_err(|source| CliError::AuthorizationFile {
        source_name: source_name.clone(),
        reason: source.to_string(),
    })?;
    SignedAuthorization::parse(&text, &source_name)
}

fn read_bounded(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(AUTHORIZATION_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
