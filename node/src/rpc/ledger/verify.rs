//! May this cloud give the resource away for this code?
//!
//! Two answers in one: what the code is, and whether the cloud's redemption would go through now. The second is found by
//! running the redemption itself on the newest state, so that it can forget no rule of the contract.

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use ledger_api::{Authorization, CloudInfo, CodeInfo, CodeState, Verdict, Verification, VerifyRequest};
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::{Transact, decode_revert};
use ledger_runtime::CallOutcome;

use super::{
    super::error::RpcFailure,
    codes::{self, Lookup},
    contracts::View,
    point,
};
use crate::txpool::TxPool;

/// The answer to `ledger_verifyCode`.
pub(super) fn verify(
    view: &mut View,
    pool: &TxPool,
    id: &str,
    request: VerifyRequest,
) -> Result<Verification, RpcFailure> {
    let cloud = view.cloud_named(&request.cloud)?;
    let lookup = codes::find(view, pool, id)?;
    let verdict = verdict(&lookup);
    let reason = reason(&lookup, view.now);
    let code = match lookup {
        Lookup::Code(code) => Some(*code),
        Lookup::NeverIssued
        | Lookup::Pending(_)
        | Lookup::Failed(_)
        | Lookup::NotARequest(_)
        | Lookup::LeftBehind(..) => None,
    };
    let obstacle = match &code {
        Some(code) if verdict.is_live() => obstacle(view, code, &cloud, request.authorization)?,
        _ => None,
    };
    let left = |code: &CodeInfo| code.expires_at.saturating_sub(view.now);
    Ok(Verification {
        verdict,
        redeemable: verdict.is_live() && obstacle.is_none(),
        reason,
        obstacle,
        requires_authorization: code.as_ref().is_some_and(|code| code.spec.requires_authorization),
        ttl_seconds: code.as_ref().filter(|_| verdict.is_live()).map_or(0, left),
        code,
        cloud,
        block: point(&view.head.header),
    })
}

/// What an id turned out to be.
pub(super) fn verdict(lookup: &Lookup) -> Verdict {
    match lookup {
        Lookup::NeverIssued | Lookup::LeftBehind(..) => Verdict::NeverIssued,
        Lookup::Pending(_) => Verdict::Pending,
        Lookup::Failed(_) => Verdict::Failed,
        Lookup::NotARequest(_) => Verdict::NotARequest,
        Lookup::Code(code) => match code.state {
            CodeState::Expired => Verdict::Expired,
            CodeState::Cancelled => Verdict::Cancelled,
            CodeState::Redeemed => Verdict::Redeemed,
            CodeState::Live if code.holder == code.requester => Verdict::Valid,
            CodeState::Live => Verdict::Transferred,
        },
    }
}

/// The verdict as a sentence.
pub(super) fn reason(lookup: &Lookup, now: u64) -> String {
    match lookup {
        Lookup::NeverIssued => "no code with this id was ever issued on this chain".to_owned(),
        Lookup::LeftBehind(hash, recovery) => format!(
            "transaction {hash} issued a code in a block that recovery {}, in block {}, left behind: it is no code any more; ask for a \
             new one",
            recovery.point.order.epoch, recovery.number
        ),
        Lookup::Pending(hash) => format!("transaction {hash} waits for its block; ask again in a few seconds"),
        Lookup::Failed(hash) => format!("transaction {hash} failed, so it issued no code"),
        Lookup::NotARequest(hash) => format!("transaction {hash} did not ask for a code"),
        Lookup::Code(code) => of_code(code, now),
    }
}

fn of_code(code: &CodeInfo, now: u64) -> String {
    let holder = code.holder;
    match code.state {
        CodeState::Live => {
            let left = code.expires_at.saturating_sub(now);
            let good = format!("good for one {} instance, {left} s left", code.spec.name);
            match code.holder == code.requester {
                true => format!("{good}; held by {holder}, who asked for it"),
                false => format!("{good}; {} passed it on, and {holder} holds it now", code.requester),
            }
        }
        CodeState::Expired => format!("expired {} s ago", now.saturating_sub(code.expires_at)),
        CodeState::Cancelled => format!("{holder} gave it back"),
        CodeState::Redeemed => {
            let cloud = code.ending.as_ref().and_then(|ending| ending.redeemed_by.as_ref());
            let cloud = cloud.map_or_else(|| "a cloud".to_owned(), |cloud| cloud.name.clone());
            format!("{cloud} confirmed its use by {holder}")
        }
    }
}

/// Why the cloud could not redeem the code now, if so.
fn obstacle(
    view: &View,
    code: &CodeInfo,
    cloud: &CloudInfo,
    authorization: Option<Authorization>,
) -> Result<Option<String>, RpcFailure> {
    let is_missing = authorization.is_none();
    let authorization = authorization.map_or_else(
        || Transact::Authorization {
            signupRef: B256::ZERO,
            deadline: U256::MAX,
            signature: Bytes::new(),
        },
        |given| Transact::Authorization {
            signupRef: given.signup_ref,
            deadline: U256::from(given.deadline),
            signature: given.signature,
        },
    );
    let call = Transact::redeemCall {
        codeId: code.code_id,
        authorization,
    };
    Ok(match view.run(cloud.owner, TRANSACT, call.abi_encode().into())? {
        CallOutcome::Returned(_) => None,
        CallOutcome::Reverted(data) if is_missing && is_about_authorization(&data) => Some(format!(
            "the holder {} must sign for {}: hand in its authorization",
            code.holder, cloud.name
        )),
        CallOutcome::Reverted(data) => Some(
            decode_revert(&data).map_or_else(|| format!("redemption reverts with {data}"), |error| error.to_string()),
        ),
        CallOutcome::Halted(reason) => Some(format!("redemption does not run: {reason}")),
    })
}

fn is_about_authorization(data: &[u8]) -> bool {
    matches!(
        Transact::TransactErrors::abi_decode(data),
        Ok(Transact::TransactErrors::AuthorizationInvalid(_) | Transact::TransactErrors::AuthorizationTimedOut(_))
    )
}
