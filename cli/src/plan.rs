//! What must a transaction say? Facts and arguments in, one call or a refusal out.
//!
//! Called by [`crate::commands`]. Pure: no node, no key, no clock.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use ledger_api::{CodeInfo, SpecInfo};
use ledger_chainspec::{CodeRef, predeploys::TRANSACT};
use ledger_contracts::Transact::{self, Authorization};

use crate::{authorization::SignedAuthorization, error::CliError, output::code::ended_how};

/// One call of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
    /// What it does, for people, as in "refuses to ...".
    pub what: String,
}

impl Call {
    fn transact(call: &impl SolCall, what: String) -> Self {
        Self {
            to: TRANSACT,
            data: call.abi_encode().into(),
            what,
        }
    }
}

/// A promo code as somebody typed it.
///
/// # Errors
/// [`CliError::CodeText`] if it is neither a transaction id nor a passport code.
pub fn code_ref(text: &str) -> Result<CodeRef, CliError> {
    text.parse()
        .map_err(|error: ledger_chainspec::CodeError| CliError::CodeText {
            text: text.to_owned(),
            reason: error.to_string(),
        })
}

/// An address as somebody typed it. Mixed case must fit its checksum (EIP-55), so that a typing error is noticed.
///
/// # Errors
/// [`CliError::Address`].
pub fn address(text: &str) -> Result<Address, CliError> {
    let wrong = |reason: &str| CliError::Address {
        text: text.to_owned(),
        reason: reason.to_owned(),
    };
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| wrong("it does not start with 0x"))?;
    let parsed: Address = text.parse().map_err(|_| wrong("it is not 40 hexadecimal digits"))?;
    let is_mixed = digits.chars().any(|c| c.is_ascii_uppercase()) && digits.chars().any(|c| c.is_ascii_lowercase());
    if is_mixed && parsed.to_checksum(None) != text {
        return Err(wrong("its capitals do not fit its checksum, so it has a typing error"));
    }
    Ok(parsed)
}

/// The specification that `asked` names, by name or number.
///
/// # Errors
/// [`CliError::UnknownSpec`], with those that exist.
pub fn spec<'a>(specs: &'a [SpecInfo], asked: &str) -> Result<&'a SpecInfo, CliError> {
    let by_name = specs.iter().rev().find(|spec| spec.name.eq_ignore_ascii_case(asked));
    let found = by_name.or_else(|| specs.iter().find(|spec| asked.parse() == Ok(spec.spec_id)));
    found.ok_or_else(|| CliError::UnknownSpec {
        asked: asked.to_owned(),
        known: specs
            .iter()
            .map(|spec| spec.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// Asks for a code of `spec`.
#[must_use]
pub fn request(spec: &SpecInfo) -> Call {
    Call::transact(
        &Transact::requestCodeCall { specId: spec.spec_id },
        format!("issue a code for {}", spec.name),
    )
}

/// Gives the code `id` to another account.
///
/// # Errors
/// [`CliError::CodeEnded`], [`CliError::NotHolder`].
pub fn transfer(id: &CodeRef, code: &CodeInfo, from: Address, to: Address) -> Result<Call, CliError> {
    held_by(id, code, from)?;
    Ok(Call::transact(
        &Transact::transferCall {
            codeId: code.code_id,
            to,
        },
        format!("transfer {id} to {to}"),
    ))
}

/// Gives the code `id` back to the pool.
///
/// # Errors
/// [`CliError::CodeEnded`], [`CliError::NotHolder`].
pub fn cancel(id: &CodeRef, code: &CodeInfo, from: Address) -> Result<Call, CliError> {
    held_by(id, code, from)?;
    Ok(Call::transact(
        &Transact::cancelCall { codeId: code.code_id },
        format!("take back {id}"),
    ))
}

/// Confirms the use of the code `id`.
///
/// # Errors
/// [`CliError::CodeEnded`]; [`CliError::AuthorizationMismatch`] if the authorization is for another code or by somebody who
/// does not hold it, or is missing where it is required.
pub fn redeem(id: &CodeRef, code: &CodeInfo, authorization: Option<&SignedAuthorization>) -> Result<Call, CliError> {
    live(id, code)?;
    let authorization = match authorization {
        Some(signed) => {
            signed.check_code(code)?;
            Authorization {
                signupRef: signed.signup_ref,
                deadline: U256::from(signed.deadline),
                signature: signed.signature.clone(),
            }
        }
        None if code.spec.requires_authorization => {
            return Err(CliError::AuthorizationMismatch {
                reason: format!(
                    "codes for {} need the holder's signature: give --authorization FILE",
                    code.spec.name
                ),
            });
        }
        None => Authorization {
            signupRef: Default::default(),
            deadline: U256::ZERO,
            signature: Bytes::new(),
        },
    };
    Ok(Call::transact(
        &Transact::redeemCall {
            codeId: code.code_id,
            authorization,
        },
        format!("redeem {id}"),
    ))
}

/// Sets what the caller's cloud offers of `spec`.
#[must_use]
pub fn set_offer(spec: &SpecInfo, quantity: u32) -> Call {
    Call::transact(
        &Transact::setOfferCall {
            specId: spec.spec_id,
            quantity,
        },
        format!("set the offer of {} to {quantity}", spec.name),
    )
}

/// Pauses what the caller's cloud offers of `spec`.
#[must_use]
pub fn pause(spec: &SpecInfo) -> Call {
    Call::transact(
        &Transact::pauseCall { specId: spec.spec_id },
        format!("pause the offer of {}", spec.name),
    )
}

/// Ends a pause.
#[must_use]
pub fn resume(spec: &SpecInfo) -> Call {
    Call::transact(
        &Transact::resumeCall { specId: spec.spec_id },
        format!("resume the offer of {}", spec.name),
    )
}

/// Refuses a code that has ended.
///
/// # Errors
/// [`CliError::CodeEnded`].
pub fn live(id: &CodeRef, code: &CodeInfo) -> Result<(), CliError> {
    match ended_how(code) {
        None => Ok(()),
        Some(how) => Err(CliError::CodeEnded {
            id: id.to_string(),
            how,
        }),
    }
}

/// Refuses a code that has ended, or that somebody else than `you` holds.
///
/// # Errors
/// [`CliError::CodeEnded`], [`CliError::NotHolder`].
pub fn held_by(id: &CodeRef, code: &CodeInfo, you: Address) -> Result<(), CliError> {
    live(id, code)?;
    if code.holder == you {
        return Ok(());
    }
    Err(CliError::NotHolder {
        id: id.to_string(),
        holder: code.holder,
        you,
    })
}
