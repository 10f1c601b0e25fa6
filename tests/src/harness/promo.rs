//! The promo code story as calls: what users and clouds send to the contracts, and what a receipt says of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::{Redemption, Transact, redemption_digest};
use serde_json::{Value, json};

use super::{Account, Call, Rpc, RpcError};

/// The dev chain's spec "small": its codes live for 30 days.
pub const SMALL: u32 = 1;

fn call(data: impl SolCall) -> Call {
    Call {
        to: TRANSACT,
        data: data.abi_encode().into(),
    }
}

/// Asks for a code.
pub fn request_code(spec: u32) -> Call {
    call(Transact::requestCodeCall { specId: spec })
}

/// Gives a code to somebody else.
pub fn transfer(code: U256, to: Address) -> Call {
    call(Transact::transferCall { codeId: code, to })
}

/// Gives a code back.
pub fn cancel(code: U256) -> Call {
    call(Transact::cancelCall { codeId: code })
}

/// Sets what the caller's cloud offers.
pub fn set_offer(spec: u32, quantity: u32) -> Call {
    call(Transact::setOfferCall { specId: spec, quantity })
}

/// Confirms the use of a code with the holder's consent.
pub fn redeem(code: U256, consent: &Transact::Authorization) -> Call {
    call(Transact::redeemCall {
        codeId: code,
        authorization: consent.clone(),
    })
}

/// The consent of `holder` that cloud `member` redeems `code` within an hour.
///
/// # Panics
/// If the clock is before 1970.
pub fn consent(holder: &Account, chain_id: u64, code: U256, member: u32) -> Transact::Authorization {
    let hour = SystemTime::now() + Duration::from_secs(3600);
    let deadline = U256::from(hour.duration_since(UNIX_EPOCH).expect("after 1970").as_secs());
    let signup_ref = B256::repeat_byte(7);
    let statement = Redemption {
        codeId: code,
        memberId: member,
        signupRef: signup_ref,
        deadline,
    };
    let signature = holder.sign_digest(redemption_digest(chain_id, TRANSACT, &statement));
    Transact::Authorization {
        signupRef: signup_ref,
        deadline,
        signature,
    }
}

/// `ledger_verifyCode` by cloud `member`.
///
/// # Errors
/// [`RpcError`]
pub fn verify(rpc: &Rpc, id: &str, member: u32) -> Result<Value, RpcError> {
    rpc.try_call("ledger_verifyCode", &json!([id, { "cloud": member }]))
}

/// Did the receipt's transaction succeed?
pub fn succeeded(receipt: &Value) -> bool {
    receipt["status"] == "0x1"
}

/// The code that a request's receipt tells of.
///
/// # Panics
/// If it tells of none.
pub fn code_of(receipt: &Value) -> U256 {
    assert!(succeeded(receipt), "the request failed: {receipt}");
    let topic = receipt["logs"][0]["topics"][1]
        .as_str()
        .expect("CodeIssued is the only log");
    topic.parse::<B256>().expect("a topic is 32 bytes").into()
}
