//! Commands of a user: ask for a code, let a cloud use it, hand it on, give it back.

use alloy_primitives::B256;
use alloy_signer::SignerSync;
use ledger_api::VerifyRequest;
use ledger_chainspec::CodeRef;
use ledger_keys::{KeyError, secret_file};

use super::{Context, cloud_ref, settled};
use crate::{
    args::AuthorizeArgs,
    authorization::{Consent, REFERENCE_BYTES_MAX, SignedAuthorization, Signup},
    error::CliError,
    output::{self, Report, pairs},
    plan,
    time::{now, utc},
};

pub(super) async fn request(context: &Context<'_>, spec: &str) -> Result<Report, CliError> {
    let specs = context.node.specs().await?;
    let spec = plan::spec(&specs, spec)?;
    let actor = context.actor()?;
    let sent = context.send(&actor, plan::request(spec)).await?;
    let code = context
        .node
        .code(&CodeRef::Transaction(sent.receipt.transaction_hash))
        .await?;
    let id = code.passport_code.clone();
    let next = if code.spec.requires_authorization {
        format!(
            "Sign up at a cloud with this code and let it use it: passport authorize {id} --cloud CLOUD --reference TEXT."
        )
    } else {
        format!("Sign up at a cloud with this code: {id}.")
    };
    Ok(output::code::requested(&code, sent.endorsement.as_ref(), now()).with_next(next))
}

pub(super) async fn transfer(context: &Context<'_>, id: &str, to: &str) -> Result<Report, CliError> {
    let (id, to) = (plan::code_ref(id)?, plan::address(to)?);
    let actor = context.actor()?;
    let code = context.node.code(&id).await?;
    let call = plan::transfer(&id, &code, actor.address(), to)?;
    let sent = context.send(&actor, call).await?;
    Ok(settled(format!("{} now belongs to {to}", code.passport_code), sent))
}

pub(super) async fn cancel(context: &Context<'_>, id: &str) -> Result<Report, CliError> {
    let id = plan::code_ref(id)?;
    let actor = context.actor()?;
    let code = context.node.code(&id).await?;
    let call = plan::cancel(&id, &code, actor.address())?;
    let sent = context.send(&actor, call).await?;
    Ok(settled(format!("{} is back in the pool", code.passport_code), sent))
}

pub(super) async fn authorize(context: &Context<'_>, args: &AuthorizeArgs) -> Result<Report, CliError> {
    let id = plan::code_ref(&args.id)?;
    let now = now();
    let deadline = args.deadline.from_now(now);
    if deadline <= now {
        return Err(CliError::DeadlineOver {
            deadline: utc(deadline),
        });
    }
    if args.reference.is_empty() || args.reference.len() > REFERENCE_BYTES_MAX {
        return Err(CliError::Reference {
            most: REFERENCE_BYTES_MAX,
        });
    }
    let actor = context.actor()?;
    let asked = VerifyRequest {
        cloud: cloud_ref(&args.cloud),
        authorization: None,
    };
    let answer = context.node.verify(&id.to_string(), asked).await?;
    let Some(code) = answer.code else {
        return Err(context.node.no_code(&id).await);
    };
    plan::held_by(&id, &code, actor.address())?;
    let consent = Consent {
        chain_id: context.node.chain_id().await?,
        code: &code,
        cloud: &answer.cloud,
        signup: Signup {
            reference: args.reference.clone(),
            salt: salt()?,
        },
        deadline,
    };
    let signature = actor
        .unlock()?
        .sign_hash_sync(&consent.digest())
        .map_err(|error| CliError::Sign {
            reason: error.to_string(),
        })?;
    let signed = consent.signed(signature.as_bytes().to_vec().into());
    report(&signed, args)
}

/// Writes the authorization to its file, or shows it: it is JSON either way, since it is made for a machine.
fn report(signed: &SignedAuthorization, args: &AuthorizeArgs) -> Result<Report, CliError> {
    let json = signed.to_text();
    let next = format!(
        "Give it to {} alone, before {}; it tells that cloud your sign-up reference.",
        signed.cloud,
        utc(signed.deadline)
    );
    let Some(path) = &args.out else {
        return Ok(Report::new(json, signed).with_next(next));
    };
    secret_file::write_new(path, json.as_bytes()).map_err(|error| match error {
        KeyError::Exists { path } => CliError::FileExists { path },
        other => other.into(),
    })?;
    let rows = [
        ("Authorization", path.display().to_string()),
        ("Promo code", signed.passport_code.clone()),
        ("For", format!("{} (member {})", signed.cloud, signed.member_id)),
        ("Until", utc(signed.deadline)),
    ];
    Ok(Report::new(pairs(&rows), signed).with_next(next))
}

fn salt() -> Result<B256, CliError> {
    let mut salt = B256::ZERO;
    getrandom::fill(salt.as_mut_slice()).map_err(|error| CliError::Sign {
        reason: format!("the operating system gives no randomness: {error}"),
    })?;
    Ok(salt)
}
